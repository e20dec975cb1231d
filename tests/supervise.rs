//! Staying with the child: a correct init, and invisible to a shell.

mod end;
mod forward;
mod group;
pub(crate) mod keyboard;
mod orphans;
mod reap;

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout},
};

use crate::harness::{Test, runtime};

/// A project without secrets.
fn project() -> Test {
    Test::manifest("version: 1\nvalues: { LOG_LEVEL: info }\n")
}

/// Words that start `tests/programs/child.py`.
pub(crate) fn child(words: &[&str]) -> Vec<OsString> {
    let mut program = runtime::program("child.py");
    program.extend(words.iter().map(OsString::from));
    program
}

/// What a process prints, line by line.
struct Output(Lines<BufReader<ChildStdout>>);

impl Output {
    fn of(child: &mut Child) -> Self {
        let output = child.stdout.take().expect("a pipe");
        Self(BufReader::new(output).lines())
    }

    /// Waits for the next line.
    #[track_caller]
    fn line(&mut self) -> String {
        self.0.next().expect("a line").expect("text")
    }
}

//! No value leaves endow by a core file, and no descriptor by a program that it starts.

mod descriptors;

use std::os::unix::process::ExitStatusExt;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    harness::{Test, repository},
    signals::{project, writer},
};

/// As many bytes of core as the system allows.
const DUMPS: [&str; 2] = ["--limit", "CORE=hard"];

#[test]
fn endow_itself_leaves_no_core_file() {
    // Rust's runtime takes the first SEGV and BUS for an overflow of the stack.
    for signal in [Signal::SIGABRT, Signal::SIGFPE, Signal::SIGILL] {
        let test = project().started_with(&DUMPS).run(["true"]);
        let child = test.spawn();
        let waited_for = writer(&test);
        let endow = Pid::from_raw(child.id().try_into().expect("a process id"));
        kill(endow, signal).expect("it takes the signal");
        let status = child.wait_with_output().expect("it ends").status;
        drop(waited_for);
        assert_eq!(status.signal(), Some(signal as i32));
        assert!(!status.core_dumped(), "{signal}");
    }
}

#[test]
fn the_command_can_leave_one_as_ever() {
    let output = Test::manifest("version: 1\n")
        .started_with(&DUMPS)
        .shell("kill -SEGV $$")
        .killed_by(Signal::SIGSEGV as i32);
    assert!(output.status.core_dumped());
}

/// A server, a file or a person can say any length of time; a plain sum with the clock would end endow.
#[test]
fn no_moment_is_reckoned_without_a_bound() {
    let mut open = vec![repository().join("src"), repository().join("providers/src")];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a directory");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let is_test = path.components().any(|part| part.as_os_str() == "tests")
            || ["tests.rs", "testing.rs", "stand_ins.rs"]
                .iter()
                .any(|name| path.ends_with(name));
        let text = std::fs::read_to_string(&path).expect("source");
        let source = text.split("#[cfg(test)]").next().unwrap_or_default();
        let sums = [
            "Instant::now() +",
            "SystemTime::now() +",
            "now + ",
            "deadline + ",
        ];
        let mut lines = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        if !is_test && lines.any(|line| sums.iter().any(|sum| line.contains(sum))) {
            found.push(path);
        }
    }
    assert_eq!(found, [""; 0].map(std::path::PathBuf::from));
}

//! While the command runs: endow has nothing of what it gave away, and who keeps values has them
//! in a locked arena of its own.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
};

use super::{assert_in_arena_alone, assert_nowhere, canary};
use crate::harness::{
    Test,
    memory::{Mapping, mappings, status},
    wait,
};

/// A command that says its process id and stays until the test says that it may end.
const WAIT: &str = "echo $$; until [ -e go ]; do sleep 0.05; done";

/// Starts it, lets `look` see endow and the command, and lets it end well.
#[track_caller]
fn staying(test: Test, flags: &[&str], look: impl FnOnce(u32, u32)) {
    let test = test.flags(flags).shell(WAIT);
    let mut child = test.spawn();
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let command = lines.next().expect("a line").expect("text");
    look(child.id(), command.parse().expect("a process id"));
    std::fs::write(test.path("go"), "").expect("a file of the test");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
}

fn project(value: &str) -> Test {
    Test::manifest("version: 1\nenv: { API_KEY: dotenv://.env }\n")
        .dotenv(&format!("API_KEY={value}\n"))
}

#[test]
fn endow_keeps_nothing_of_a_value_that_it_gave_away() {
    let value = canary();
    staying(project(&value), &["--init"], |endow, _| {
        assert_nowhere(endow, &value);
    });
}

#[test]
fn the_command_is_dumpable_and_has_no_locked_memory() {
    let flags = ["--user", "nobody"];
    for flags in [&flags[..], &[&flags[..], &["--init"]].concat()] {
        staying(project(&canary()), flags, |_, command| {
            assert_eq!(status(command, "VmLck"), "0 kB");
            let writable = |mapping: &&Mapping| mapping.access.starts_with("rw");
            let kept = |mapping: &Mapping| mapping.has("lo") || mapping.has("dd");
            let all = mappings(command);
            assert!(!all.iter().filter(writable).any(kept), "{all:#?}");
            // It would be root's where the process is not dumpable (proc_pid(5)).
            let owner = std::fs::metadata(format!("/proc/{command}/mem")).expect("it");
            assert_ne!(owner.uid(), 0);
        });
    }
}

/// The child of endow that is not the command.
#[track_caller]
fn keeper(endow: u32, command: u32) -> u32 {
    let children = || -> Vec<u32> {
        let path = format!("/proc/{endow}/task/{endow}/children");
        let text = std::fs::read_to_string(path).expect("its children");
        let ids = text.split_whitespace();
        ids.map(|id| id.parse().expect("a process id")).collect()
    };
    let others = || children().into_iter().find(|child| *child != command);
    wait::until("there is one that keeps", || others().is_some());
    others().expect("it")
}

#[test]
fn who_watches_values_has_them_in_a_locked_arena_of_its_own() {
    let value = canary();
    staying(project(&value), &["--watch"], |endow, command| {
        assert_nowhere(endow, &value);
        assert_in_arena_alone(keeper(endow, command), &value);
    });
}

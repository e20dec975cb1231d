//! Before launch a signal ends endow at once, and the command is not started.

use std::{
    io::Write,
    os::unix::process::ExitStatusExt,
    process::{Child, Output},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{as_init, child_of, project, writer};
use crate::harness::Test;

const ENDING: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// Sends a signal to endow while it waits, and says how all of it ended.
#[track_caller]
fn interrupted(test: &Test, signal: Signal, endow: impl Fn(&Child) -> i32) -> Output {
    let child = test.spawn();
    let waited_for = writer(test);
    kill(Pid::from_raw(endow(&child)), signal).expect("it takes the signal");
    let output = child.wait_with_output().expect("it ends");
    drop(waited_for);
    assert!(
        !test.path("started").exists(),
        "{signal}: the command was started"
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{signal}");
    output
}

fn itself(child: &Child) -> i32 {
    child.id().try_into().expect("a process id")
}

#[test]
fn a_signal_ends_a_waiting_endow_by_that_signal() {
    for signal in ENDING {
        let test = project().started_with(&[]).run(["touch", "started"]);
        let output = interrupted(&test, signal, itself);
        assert_eq!(output.status.signal(), Some(signal as i32), "{signal}");
        assert!(output.stdout.is_empty(), "{signal}");
    }
}

#[test]
fn a_shell_sees_128_and_the_signal_of_a_waiting_endow() {
    for signal in ENDING {
        let test = project()
            .through(["sh", "-c", "ulimit -c 0; \"$@\" 2>/dev/null; echo $?", "sh"])
            .started_with(&[])
            .run(["touch", "started"]);
        let output = interrupted(&test, signal, child_of);
        let expected = format!("{}\n", 128 + signal as i32);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            expected,
            "{signal}"
        );
    }
}

#[test]
fn as_pid_1_a_signal_ends_a_waiting_endow_with_128_and_its_number() {
    for signal in ENDING {
        let test = project()
            .through(as_init())
            .started_with(&[])
            .run(["touch", "started"]);
        let output = interrupted(&test, signal, child_of);
        // What unshare reports is what its child exited with; no signal ended it.
        assert_eq!(output.status.code(), Some(128 + signal as i32), "{signal}");
        assert!(output.stdout.is_empty(), "{signal}");
    }
}

/// Sends an ignored signal to endow while it waits, then gives it the value.
#[track_caller]
fn assert_survives(test: Test, signal: Signal, endow: impl Fn(&Child) -> i32) {
    let test = test.shell("echo \"started with $API_KEY\"");
    let child = test.spawn();
    let mut fifo = writer(&test);
    kill(Pid::from_raw(endow(&child)), signal).expect("it takes the signal");
    fifo.write_all(b"API_KEY=dev-key-late\n")
        .expect("endow reads");
    drop(fifo);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{signal}: {}", output.status);
    test.stdout("started with dev-key-late\n").compare(&output);
}

#[test]
fn an_ignored_signal_does_not_end_endow() {
    for signal in ENDING {
        let test = project().started_with(&["--ignore", signal.as_str()]);
        assert_survives(test, signal, itself);
    }
}

#[test]
fn as_pid_1_an_ignored_signal_does_not_end_endow() {
    for signal in ENDING {
        let test = project()
            .started_with(&["--ignore", signal.as_str()])
            .through([crate::harness::runtime::find("unshare")])
            .through(&as_init()[1..]);
        assert_survives(test, signal, child_of);
    }
}

#[test]
fn as_pid_1_a_signal_ends_every_command_that_waits() {
    for words in [&["check"][..], &["export", "--format", "shell"]] {
        let test = project().through(as_init()).args(words);
        let output = interrupted(&test, Signal::SIGTERM, child_of);
        assert_eq!(output.status.code(), Some(143), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

//! A command that leaves processes in its group: their ends disturb nothing.
//!
//! They are sent TERM when the command has ended, so they end while endow is ending too. Every way of
//! staying is tried again and again, because the moment is short.

use super::{keyboard::on_terminal, project};
use crate::{
    harness::{Test, long},
    signals::as_init,
};

/// Starts a hundred processes, and ends with 3 when all of them are there.
const LEAVES: &str =
    "n=0; while [ $n -lt 100 ]; do sleep 60 >/dev/null 2>&1 & n=$((n+1)); done; exit 3";

/// A run that hangs is killed, which is another status.
const WITHIN: [&str; 4] = ["timeout", "--signal=KILL", "--foreground", "60"];

#[track_caller]
fn ends_each_time(test: impl Fn() -> Test) {
    for _ in 0..long(20, 1000) {
        test().shell(LEAVES).status(3);
    }
}

#[test]
fn a_command_that_leaves_a_hundred_orphans_ends_with_its_own_status_each_time() {
    ends_each_time(|| project().through(WITHIN).flags(["--init"]));
}

#[test]
fn as_pid_1_a_command_that_leaves_a_hundred_orphans_ends_with_its_own_status_each_time() {
    ends_each_time(|| {
        let mut init = as_init();
        init.insert(1, "--kill-child");
        project().through(WITHIN).through(init).flags(["--init"])
    });
}

#[test]
fn while_masked_a_command_that_leaves_a_hundred_orphans_ends_with_its_own_status_each_time() {
    ends_each_time(|| project().through(WITHIN).flags(["--redact"]));
}

#[test]
fn on_a_terminal_a_command_that_leaves_a_hundred_orphans_ends_with_its_own_status_each_time() {
    for _ in 0..long(20, 1000) {
        let test = project().flags(["--redact"]).shell(LEAVES);
        let output = on_terminal(test, &[]).success();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.ends_with("status 3\n"), "{shown}");
    }
}

#[test]
fn while_watched_a_command_that_leaves_a_hundred_orphans_ends_with_its_own_status_each_time() {
    ends_each_time(|| project().through(WITHIN).flags(["--watch"]));
}

/// The kernel itself continues what is left when endow is gone, so the signals are what is looked at.
#[test]
fn what_was_not_stopped_by_endow_is_not_continued() {
    let test = project()
        .flags(["--init"])
        .shell("sleep 60 >/dev/null 2>&1 & exit 3");
    let trace = test.path("trace").display().to_string();
    let test = test.through([
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=kill",
        "-e",
        "signal=none",
        "-o",
        &trace,
    ]);
    assert_eq!(
        test.command().output().expect("it starts").status.code(),
        Some(3)
    );
    let sent = std::fs::read_to_string(&trace).expect("the trace");
    assert!(
        sent.contains("SIGTERM") && !sent.contains("SIGCONT"),
        "{sent}"
    );
}

#[test]
fn with_init_endow_leaves_its_working_directory_to_the_command() {
    // endow leaves it once the command is started.
    let show = "n=0; until [ \"$(readlink /proc/$PPID/cwd)\" = / ] || [ $n = 2000 ]; do sleep 0.01; n=$((n+1)); done; \
        readlink /proc/$PPID/cwd; pwd";
    let test = project().flags(["--init"]).shell(show);
    let output = test.command().output().expect("it starts");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let (own, of_command) = printed.split_once('\n').expect("two lines");
    assert_eq!(own, "/");
    let expected = std::fs::canonicalize(test.path("")).expect("the project");
    assert_eq!(of_command.trim_end(), expected.display().to_string());
}

//! Keys of a terminal: who gets them, stop and continue.

use super::{child, project};
use crate::harness::{Test, runtime};

/// endow on a terminal of its own, as its session's leader.
pub(crate) fn on_terminal(test: Test, steps: &[&str]) -> Test {
    test.through(runtime::program("terminal.py"))
        .through(steps)
        .through(["--"])
        .any_stdout()
}

/// An interactive shell on a terminal, in which `endow` is endow.
#[track_caller]
pub(crate) fn in_shell(test: &Test, steps: &[&str]) {
    let shell = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
    let prompt = ["expect=$ ", "send=PS1='> '\\n", "expect=> "];
    let directory = std::path::Path::new(crate::harness::ENDOW)
        .parent()
        .expect("a directory");
    let path = std::env::var("PATH").expect("PATH");
    let mut command = std::process::Command::new(&runtime::program("terminal.py")[0]);
    let output = command
        .args(&runtime::program("terminal.py")[1..])
        .args(prompt)
        .args(steps)
        .args(["send=exit 0\\n", "--"])
        .args(shell)
        .env_clear()
        .env("PATH", format!("{}:{path}", directory.display()))
        .env("PS1", "$ ")
        .env(
            "CHILD",
            runtime::program("child.py").join(std::ffi::OsStr::new(" ")),
        )
        .current_dir(test.path(""))
        .output()
        .expect("python starts");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    assert!(shown.ends_with("status 0\n"), "{shown}");
}

fn counting() -> Test {
    project().flags(["--init"])
}

#[test]
fn a_key_reaches_the_child_once() {
    let steps = [
        "expect=ready",
        "send=\\x03",
        "expect=int",
        "send=\\x03",
        "expect=int",
        "signal=SIGTERM",
        "expect=counted 2",
    ];
    let output = on_terminal(counting(), &steps)
        .run(child(&["count"]))
        .success();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.ends_with("status 4\n"), "{shown}");
}

#[test]
fn a_signal_that_is_sent_reaches_the_child_once_on_a_terminal_too() {
    let steps = [
        "expect=ready",
        "signal=SIGINT",
        "expect=int",
        "signal=SIGTERM",
        "expect=counted 1",
    ];
    on_terminal(counting(), &steps)
        .run(child(&["count"]))
        .success();
}

#[test]
fn the_keyboard_is_the_childs_and_then_the_callers_again() {
    in_shell(
        &project(),
        &[
            "send=endow run --init -- sh -c 'echo re\"\"ady; read x; echo \"read $x\"'\\n",
            "expect=ready",
            "send=word\\n",
            "expect=read word",
            "expect=> ",
            "send=echo \"shell \"reads\\n",
            "expect=shell reads",
        ],
    );
}

#[test]
fn a_shell_sees_that_ctrl_c_ended_the_child() {
    in_shell(
        &project(),
        &[
            "send=endow run --init -- sh -c 'echo re\"\"ady; exec sleep 60'\\n",
            "expect=ready",
            "send=\\x03",
            "expect=> ",
            "send=echo status $?\\n",
            "expect=status 130",
        ],
    );
}

#[test]
fn a_stopped_child_stops_endow_and_is_continued_with_it() {
    in_shell(
        &project(),
        &[
            "send=endow run --init -- $CHILD count\\n",
            "expect=ready",
            "send=\\x1a",
            "expect=Stopped",
            "expect=> ",
            "send=fg\\n",
            "expect=continued",
            "send=\\x03",
            "expect=int",
            "send=\\x1a",
            "expect=Stopped",
            "expect=> ",
            "send=bg\\n",
            "expect=continued",
            "send=kill %1\\n",
            "expect=counted 1",
        ],
    );
}

#[test]
fn a_child_in_the_background_is_stopped_where_it_reads_and_gets_the_keyboard_with_fg() {
    in_shell(
        &project(),
        &[
            "send=set -b\\n",
            "expect=> ",
            "send=endow run --init -- sh -c 'read x; echo \"read $x\"' &\\n",
            "expect=Stopped",
            "send=fg\\n",
            "expect=endow run",
            "send=word\\n",
            "expect=read word",
        ],
    );
}

#[test]
fn a_shell_as_the_child_has_job_control() {
    in_shell(
        &project(),
        &[
            "send=PS1='inner> ' endow run --init -e PS1 -e CHILD -- bash --norc --noediting -i\\n",
            "expect=inner> ",
            "send=$CHILD count\\n",
            "expect=ready",
            "send=\\x1a",
            "expect=Stopped",
            "expect=inner> ",
            "send=fg\\n",
            "expect=continued",
            "send=\\x03",
            "expect=int",
            "send=\\x1c",
            "expect=counted 1",
            "expect=inner> ",
            "send=exit 3\\n",
            "expect=> ",
            "send=echo status $?\\n",
            "expect=status 3",
        ],
    );
}

#[test]
fn in_a_pipeline_keys_reach_all_of_it_and_the_child_once() {
    in_shell(
        &project(),
        &[
            "send=endow run --init -- $CHILD count | (trap '' INT QUIT; cat)\\n",
            "expect=ready",
            "send=\\x03",
            "expect=int",
            "send=\\x1a",
            "expect=Stopped",
            "expect=> ",
            "send=fg\\n",
            "expect=continued",
            "send=\\x03",
            "expect=int",
            "never=continued\\r\\ncontinued",
            "send=\\x1c",
            "expect=counted 2",
        ],
    );
}

#[test]
fn below_a_script_keys_reach_the_child_once() {
    let script = "trap : INT QUIT; endow run --init -- \"$@\"; echo \"status $?\"";
    let test = project().file("script", script);
    in_shell(
        &test,
        &[
            "send=sh script $CHILD count\\n",
            "expect=ready",
            "send=\\x03",
            "expect=int",
            "send=\\x1a",
            "expect=Stopped",
            "expect=> ",
            "send=fg\\n",
            "expect=continued",
            "send=\\x03",
            "expect=int",
            "send=\\x1c",
            "expect=counted 2",
            "expect=status 4",
        ],
    );
}

#[test]
fn without_a_shell_a_stopped_child_goes_on() {
    // The leader of the session is endow: nobody could continue it.
    let steps = [
        "expect=ready",
        "send=\\x1a",
        "expect=continued",
        "send=\\x03",
        "expect=int",
        "signal=SIGTERM",
        "expect=counted 1",
    ];
    on_terminal(counting(), &steps)
        .run(child(&["count"]))
        .success();
}

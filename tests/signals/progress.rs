//! The line that says what is waited for, where a signal ends the waiting.

use super::project;
use crate::{
    harness::{Test, runtime},
    supervise::keyboard::{in_shell, on_terminal},
};

const LINE: &str = "expect=endow: waiting for dotenv";

/// All that a terminal shows of a waiting endow.
#[track_caller]
fn shown(test: Test, ending: &[&str]) -> String {
    let steps = [&[LINE], ending].concat();
    let output = on_terminal(test, &steps).args(["get", "API_KEY"]).success();
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_key_or_a_signal_that_ends_the_waiting_erases_the_line() {
    for (ending, typed, status) in [
        ("send=\\x03", "^C", -2),
        ("send=\\x1c", "^\\", -3),
        ("signal=SIGINT", "", -2),
        ("signal=SIGQUIT", "", -3),
        ("signal=SIGTERM", "", -15),
        ("signal=SIGHUP", "", -1),
    ] {
        assert_eq!(
            shown(project(), &[ending]),
            format!("endow: waiting for dotenv{typed}\r\u{1b}[Kstatus {status}\n"),
            "{ending}"
        );
    }
}

#[test]
fn a_terminal_that_was_stopped_keeps_no_endow_alive() {
    // As Ctrl-S does it, but done when it returns: who writes there waits for Ctrl-Q. The shell
    // itself would write that its job ended.
    let stop = "import termios; termios.tcflow(2, termios.TCOOFF)";
    let script = "python=$1 stop=$2; shift 2; \"$@\" & read go; \"$python\" -ISc \"$stop\"; \
        kill -TERM $!; exec 2> /dev/null; wait $!";
    let test = project()
        .through(["sh", "-c", script, "sh"])
        .through([runtime::python().as_os_str(), stop.as_ref()]);
    let steps = [LINE, "send=\\n"];
    let test = test
        .within(["--"])
        .within(steps)
        .within(runtime::program("terminal.py"));
    let output = test.any_stdout().args(["get", "API_KEY"]).success();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.ends_with("status 143\n"), "{shown}");
}

#[test]
fn in_the_background_the_line_of_the_shell_is_not_erased() {
    in_shell(
        &project(),
        &[
            "send=stty tostop\\n",
            "expect=> ",
            "send=endow get API_KEY\\n",
            LINE,
            "send=\\x1a",
            "expect=Stopped",
            "expect=> ",
            "send=bg\\n",
            "expect=> ",
            "send=kill %1; wait\\n",
            "expect=Terminated",
            "never=\\x1b[K",
        ],
    );
}

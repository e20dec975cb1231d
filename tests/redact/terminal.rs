//! Through a terminal that stands in for the caller's.

use super::{KEY, project};
use crate::{
    harness::Test,
    supervise::{
        child,
        keyboard::{in_shell, on_terminal},
    },
};

/// What a terminal shows of a command.
#[track_caller]
fn shown(test: Test) -> String {
    let output = test.success();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_value_is_replaced_on_a_terminal() {
    let shown = shown(on_terminal(project(), &["expect=[API_KEY]"]).shell("echo $API_KEY; exit 3"));
    assert_eq!(shown, "[API_KEY]\r\nstatus 3\n");
}

#[test]
fn every_stream_is_a_terminal_with_its_size_and_colours() {
    let script = "for fd in 0 1 2; do test -t $fd || echo no $fd; done; stty size; \
        ls --color=auto -d / | od -c | grep -c 033; tty > /dev/null && echo has one";
    let shown = shown(on_terminal(project(), &["expect=has one"]).shell(script));
    // Through a pipe of its own ls has no colour: it was asked for on its terminal's account.
    assert_eq!(shown, "24 80\r\n0\r\nhas one\r\nstatus 0\n");
    let shown = shown_of_ls();
    assert!(shown.contains("\x1b["), "{shown:?}");
}

fn shown_of_ls() -> String {
    let test = on_terminal(project(), &[]).env("TERM", "xterm");
    shown(test.run(["ls", "--color=auto", "-d", "/tmp"]))
}

#[test]
fn a_change_of_size_reaches_the_command() {
    let script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done";
    let steps = ["expect=ready", "size=40x100", "expect=40 100"];
    on_terminal(project(), &steps).shell(script).success();
}

#[test]
fn ctrl_c_is_counted_once() {
    let steps = [
        "expect=ready",
        "send=\\x03",
        "expect=int",
        "send=\\x03",
        "expect=int",
        "signal=SIGINT",
        "expect=int",
        "signal=SIGTERM",
        "expect=counted 3",
    ];
    let shown = shown(on_terminal(project(), &steps).run(child(&["count"])));
    assert!(shown.ends_with("status 4\n"), "{shown}");
}

#[test]
fn the_end_by_a_signal_comes_through_both_layers() {
    let steps = ["expect=ready", "send=\\x03"];
    let test = on_terminal(project(), &steps).shell("echo ready; exec sleep 60");
    assert!(shown(test).ends_with("status -2\n"));
    let test = on_terminal(project(), &["expect=was not found"])
        .file_with_mode("script", "#!/no/such/interpreter\n", 0o755)
        .run(["./script"]);
    assert!(shown_any(&test).ends_with("status 126\n"));
}

fn shown_any(test: &Test) -> String {
    let output = test.command().output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn stop_and_continue_work_from_the_shell_and_its_terminal_is_as_before() {
    in_shell(
        &project(),
        &[
            "send=stty -a > before\\n",
            "expect=> ",
            "send=endow run --redact -- $CHILD count\\n",
            "expect=ready",
            "send=\\x1a",
            "expect=Stopped",
            "expect=> ",
            "send=stty -a > stopped; cmp before stopped && echo sa\"\"me\\n",
            "expect=same",
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
            "send=stty -a > after; cmp before after && echo un\"\"changed\\n",
            "expect=unchanged",
        ],
    );
}

#[test]
fn a_job_that_runs_in_the_background_has_the_keyboard_with_fg() {
    in_shell(
        &project(),
        &[
            "send=endow run --redact -- sh -c 'echo re\"\"ady; read x; echo \"read $x $API_KEY\"' &\\n",
            "expect=ready",
            "send=fg\\n",
            "expect=endow run",
            "send=word\\n",
            "expect=read word [API_KEY]",
            "expect=> ",
        ],
    );
}

#[test]
fn a_shell_as_the_command_has_job_control() {
    in_shell(
        &project(),
        &[
            "send=PS1='inner> ' endow run --redact -e PS1 -e CHILD -- bash --norc --noediting -i\\n",
            "expect=inner> ",
            "send=echo $API_KEY\\n",
            "expect=[API_KEY]",
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
fn vim_starts_resizes_and_quits() {
    let steps = [
        "expect=VIM - Vi IMproved",
        "size=40x100",
        "expect=\x1b[40;",
        "send=:set columns? lines?\\r",
        "expect=columns=100",
        "send=:e note\\r",
        "expect=\\\"note\\\"",
        "send=:r!echo $API_KEY\\r",
        "expect=[API_KEY]",
        "send=:q!\\r",
    ];
    let test = on_terminal(project(), &steps).env("TERM", "xterm");
    assert!(shown(test.run(["vim", "-u", "NONE", "--clean"])).ends_with("status 0\n"));
}

#[test]
fn less_pages_what_is_masked_and_quits() {
    let lines: String = (0..200)
        .map(|line| format!("line {line} {KEY}\n"))
        .collect();
    let steps = [
        "expect=line 0 [API_KEY]",
        "send= ",
        "expect=line 30 [API_KEY]",
        "send=q",
    ];
    let test = on_terminal(project().file("lines", lines), &steps).env("TERM", "xterm");
    assert!(shown(test.run(["less", "lines"])).ends_with("status 0\n"));
}

#[test]
fn beside_a_pager_the_keyboard_is_the_pagers() {
    let lines: String = (0..200)
        .map(|line| format!("line {line} {KEY}\n"))
        .collect();
    in_shell(
        &project().file("lines", lines),
        &[
            "send=export TERM=xterm\\n",
            "expect=> ",
            "send=endow run --redact -- cat lines | less\\n",
            "expect=line 0 [API_KEY]",
            "send= ",
            "expect=line 30 [API_KEY]",
            "send=q",
            "expect=> ",
        ],
    );
}

#[test]
fn a_short_beginning_of_a_value_is_shown_to_who_waits_for_it() {
    let script =
        "stty -echo; printf 'sk'; read x; printf 'sk-p'; read x; printf 'roj-9f8A7b6C5d4E.'";
    let steps = [
        "expect=sk",
        "send=\\n",
        "send=\\n",
        "expect=[API_KEY].",
        "never=sk-p",
    ];
    on_terminal(project(), &steps).shell(script).success();
}

#[test]
fn errors_that_go_to_a_terminal_alone_are_replaced_there() {
    in_shell(
        &project(),
        &[
            "send=endow run --redact -- sh -c 'test -t 2 && echo \"err $API_KEY\" >&2; echo \"out $API_KEY\"' > out\\n",
            "expect=err [API_KEY]",
            "expect=> ",
            "send=cat out\\n",
            "expect=out [API_KEY]",
        ],
    );
}

#[test]
fn a_terminal_that_goes_away_ends_the_command() {
    // The driver is killed and its terminal with it; HUP reaches the command through both layers.
    let test = project();
    let marker = test.path("hung-up");
    let script =
        "trap 'echo > hung-up; exit' HUP; echo ready > ready; while :; do sleep 0.05; done";
    let ready = test.path("ready");
    let test = on_terminal(test, &["expect=never shown"]).shell(script);
    let mut driver = test.spawn();
    let wait = |path: &std::path::Path| {
        let end = std::time::Instant::now() + crate::signals::LONGEST_WAIT;
        while !path.exists() {
            assert!(std::time::Instant::now() < end, "{}", path.display());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    wait(&ready);
    driver.kill().expect("it is killed");
    driver.wait().expect("it ends");
    wait(&marker);
}

/// `2> /dev/pts/N`: what went to the second terminal came to the first.
#[test]
fn two_different_terminals_stay_two() {
    let other = nix::pty::openpty(None, None).expect("a terminal");
    let path = nix::unistd::ttyname(&other.slave).expect("its path");
    let redirect = format!("exec \"$@\" 2> {}", path.display());
    let command = "echo \"out $API_KEY\"; echo \"err $API_KEY\" >&2; test -t 2 && echo both";
    let steps = ["expect=out [API_KEY]", "expect=both", "never=err ["];
    let test = on_terminal(project(), &steps).through(["sh", "-c", &redirect, "sh"]);
    test.shell(command).success();
    let mut buffer = [0; 64];
    let count = nix::unistd::read(&other.master, &mut buffer).expect("the second terminal");
    assert_eq!(&buffer[..count], b"err [API_KEY]\r\n");
}

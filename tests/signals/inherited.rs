//! Dispositions and the mask of the command are those that endow inherited.

use std::fmt::Write;

use crate::harness::{Test, runtime};

/// Three sets of `/proc/PID/status`, a bit to a signal.
#[derive(Debug, PartialEq, Eq)]
struct Signals {
    blocked: u64,
    ignored: u64,
    caught: u64,
}

fn project() -> Test {
    Test::manifest("version: 1\nenv: { API_KEY: dotenv://.env }\n")
        .dotenv("API_KEY=dev-key-signals\n")
}

/// What the command has of a project that is started in some way.
#[track_caller]
fn seen(test: Test) -> Signals {
    let output = test
        .run(["cat", "/proc/self/status"])
        .any_stdout()
        .success();
    let status = String::from_utf8(output.stdout).expect("text");
    let read = |name| read(&status, name);
    Signals {
        blocked: read("SigBlk:"),
        ignored: read("SigIgn:"),
        caught: read("SigCgt:"),
    }
}

/// One set of a process's status. Without 32 and 33: those are glibc's, which lets nobody set them
/// and ignores them itself in what it spawns.
fn read(status: &str, name: &str) -> u64 {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("its line");
    let set = u64::from_str_radix(line.trim(), 16).expect("a set of signals");
    set & !(1 << 31 | 1 << 32)
}

/// The set of some signals, by their numbers on Linux.
fn set(names: &[&str]) -> u64 {
    names.iter().fold(0, |set, name| {
        let signal: nix::sys::signal::Signal = name.parse().expect("a signal");
        set | 1 << (signal as u32 - 1)
    })
}

#[track_caller]
fn assert_inherited(names: &[&str], blocked: &[&str]) {
    let options = names
        .iter()
        .flat_map(|name| ["--ignore", name])
        .chain(blocked.iter().flat_map(|name| ["--block", name]));
    let options: Vec<&str> = options.collect();
    let expected = Signals {
        blocked: set(blocked),
        ignored: set(names),
        caught: 0,
    };
    for flags in [&[][..], &["--init"]] {
        assert_eq!(
            seen(project().flags(flags).started_with(&options)),
            expected,
            "{flags:?} {options:?}"
        );
    }
}

#[test]
fn sigpipe_is_as_endow_inherited_it() {
    assert_inherited(&[], &[]);
    assert_inherited(&["SIGPIPE"], &[]);
}

#[test]
fn ignored_signals_stay_ignored_and_no_others_are() {
    assert_inherited(&["SIGHUP"], &[]);
    assert_inherited(&["SIGINT", "SIGQUIT"], &[]);
    assert_inherited(&["SIGHUP", "SIGINT", "SIGPIPE", "SIGQUIT", "SIGTERM"], &[]);
    assert_inherited(
        &[
            "SIGBUS", "SIGCHLD", "SIGSEGV", "SIGTSTP", "SIGUSR1", "SIGXFSZ",
        ],
        &[],
    );
}

#[test]
fn the_signal_mask_is_as_inherited() {
    assert_inherited(&[], &["SIGUSR1", "SIGTERM"]);
    assert_inherited(&["SIGPIPE"], &["SIGPIPE", "SIGINT", "SIGCHLD", "SIGWINCH"]);
}

#[test]
fn as_pid_1_the_command_has_no_disposition_of_endows() {
    let unshare = runtime::find("unshare");
    for (names, flags) in [&[] as &[&str], &["SIGPIPE"], &["SIGTERM", "SIGHUP"]]
        .into_iter()
        .flat_map(|names| [(names, &[][..]), (names, &["--init"])])
    {
        let options: Vec<&str> = names.iter().flat_map(|name| ["--ignore", name]).collect();
        let test = project()
            .flags(flags)
            .started_with(&options)
            .through([&unshare])
            .through(&super::as_init()[1..]);
        let expected = Signals {
            blocked: 0,
            ignored: set(names),
            caught: 0,
        };
        assert_eq!(seen(test), expected, "{names:?} {flags:?}");
    }
}

#[test]
fn under_nohup_the_command_ignores_sighup() {
    let test = project()
        .started_with(&[])
        .through([runtime::find("nohup")]);
    let expected = Signals {
        blocked: 0,
        ignored: set(&["SIGHUP"]),
        caught: 0,
    };
    assert_eq!(seen(test), expected);
}

#[test]
fn as_a_background_job_of_a_script_the_command_ignores_int_and_quit() {
    let test = project()
        .started_with(&[])
        .through(["/bin/sh", "-c", "\"$@\" & wait $!", "sh"]);
    let expected = Signals {
        blocked: 0,
        ignored: set(&["SIGINT", "SIGQUIT"]),
        caught: 0,
    };
    assert_eq!(seen(test), expected);
}

#[test]
fn a_command_that_writes_to_a_closed_pipe_is_ended_by_sigpipe() {
    let mut lines = String::new();
    for index in 0..20_000 {
        writeln!(lines, "line {index}").expect("text");
    }
    let test = project().file("lines", lines).started_with(&[]).through([
        "/bin/sh",
        "-c",
        "{ \"$@\"; echo $? >&2; } | head -n 1",
        "sh",
    ]);
    // With SIGPIPE ignored, cat would complain and exit 1.
    test.run(["cat", "lines", "lines", "lines"])
        .stdout("line 0\n")
        .stderr("141\n")
        .success();
}

#[test]
fn a_terminal_is_no_place_of_a_value_and_does_not_become_the_commands() {
    let terminal = nix::pty::openpty(None, None).expect("a terminal");
    let path = nix::unistd::ttyname(&terminal.slave).expect("its path");
    let path = path.display();
    let test = Test::manifest(&format!(
        "version: 1\nenv: {{ API_KEY: 'file://{path}' }}\n"
    ));
    // The leader of a session without a terminal: it would be given the first that it opens.
    test.env_path("ENDOW_FILE", "secretfile.yaml")
        .through(["setsid", "--wait"])
        .run(["true"])
        .any_stderr()
        .status(125);
    assert!(
        nix::unistd::tcgetpgrp(&terminal.slave).is_err(),
        "it has become nobody's"
    );
}

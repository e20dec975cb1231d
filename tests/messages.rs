//! What is printed beside the command's own output: progress, warnings, locale, tracing.

use std::{
    fs::OpenOptions,
    io::Read,
    os::unix::fs::OpenOptionsExt,
    process::{Child, Command, Stdio},
};

use nix::{fcntl::OFlag, sys::stat::Mode, unistd::mkfifo};

use crate::harness::{ENDOW, Test};

const FIFO: &str = "version: 1\nenv: { A: file://fifo }\n";

/// endow on a terminal, waiting for a FIFO that nobody has written yet.
fn waiting_on_a_terminal(test: &Test, flags: &str) -> Child {
    mkfifo(&test.path("fifo"), Mode::S_IRWXU).expect("a FIFO");
    Command::new("script")
        .args([
            "-qefc",
            &format!("{ENDOW} {flags} run -- echo done"),
            "/dev/null",
        ])
        .current_dir(test.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is installed: apt-get install bsdutils")
}

/// Opens the FIFO once endow has it open, and so waits; closing it ends the wait.
fn answer(test: &Test) {
    let open = || {
        OpenOptions::new()
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(test.path("fifo"))
    };
    while open().is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn a_long_wait_shows_a_line_on_a_terminal_and_erases_it_before_the_command_prints() {
    let test = Test::manifest(FIFO);
    let mut child = waiting_on_a_terminal(&test, "");
    let mut output = child.stdout.take().unwrap();
    let mut shown = Vec::new();
    // The line itself is the handshake: only then is the FIFO answered.
    while !shown.ends_with(b"endow: waiting for file") {
        let mut byte = [0];
        output.read_exact(&mut byte).expect("the line is shown");
        shown.push(byte[0]);
    }
    answer(&test);
    output.read_to_end(&mut shown).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&shown),
        "endow: waiting for file\r\u{1b}[Kdone\r\n"
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_short_wait_and_quiet_show_nothing_on_a_terminal() {
    let test = Test::manifest(FIFO);
    let child = waiting_on_a_terminal(&test, "");
    answer(&test);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\r\n");
}

#[test]
fn messages_are_ascii_unless_the_locale_is_utf_8() {
    let test = || {
        Test::manifest("version: 1\nproject: caf\u{e9}\nenv: { A: env://X }\n").args(["explain"])
    };
    test()
        .stderr("endow: error: `project` can't be used as a name\n --> secretfile.yaml:2:10\n  |\n2 | project: caf\\u{e9}\n  |          ^^^^\nhint: use letters, digits, `.`, `_` and `-`\n")
        .status(2);
    for (name, value) in [("LANG", "C.UTF-8"), ("LC_ALL", "de_DE.utf8")] {
        test()
            .env(name, value)
            .stderr("endow: error: `project` can't be used as a name\n --> secretfile.yaml:2:10\n  |\n2 | project: caf\u{e9}\n  |          ^^^^\nhint: use letters, digits, `.`, `_` and `-`\n")
            .status(2);
    }
    test()
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C")
        .any_stderr()
        .status(2)
        .stderr
        .is_ascii()
        .then_some(())
        .expect("LC_ALL decides");
}

#[test]
fn no_level_of_tracing_prints_a_value() {
    for level in ["trace", "debug", "info", "TRACE"] {
        let output = Test::manifest(
            "version: 1\nfrom: dotenv://.env\nenv: { A: , T: { template: \"x${A}\" } }\n",
        )
        .dotenv("A=hunter2hunter2\n")
        .env("ENDOW_LOG", level)
        .args(["-vv"])
        .run(["true"])
        .any_stderr()
        .success();
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_level_that_does_not_exist_is_said() {
    Test::manifest("version: 1\nvalues: { A: x }\n")
        .env("ENDOW_LOG", "loud")
        .run(["true"])
        .stderr("endow: warning: ENDOW_LOG names no level\nhint: there are error, warn, info, debug and trace\n")
        .success();
}

#[test]
fn a_closed_standard_error_fails_nothing() {
    let test = Test::manifest("version: 1\nfrom: dotenv://.env\nenv: { A: }\n")
        .file(".env", "A=x\n")
        .shell("echo $A");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = test
        .command()
        .stdout(Stdio::piped())
        .stderr(writer)
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stdout),
        (Some(0), b"x\n".to_vec())
    );
}

#[test]
fn a_closed_standard_error_changes_no_status_of_a_failure() {
    for (command, expected) in [
        ("./no-interpreter", 126),
        ("./no-program", 126),
        ("./nothing", 127),
    ] {
        let test = Test::manifest("version: 1\nvalues: { A: x }\n")
            .file_with_mode("no-interpreter", "#!/no/such/interpreter\n", 0o755)
            .file_with_mode("no-program", "\x7fELF is not all of it", 0o644)
            .run([command]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = test.command().stderr(writer).status().unwrap();
        // Also where the system refused what looked like a program: a SIGPIPE of endow's own
        // would hide the reason.
        assert_eq!(status.code(), Some(expected), "{command}: {status}");
    }
}

#[test]
fn problems_as_json_are_json_in_every_locale() {
    for locale in ["C", "C.UTF-8"] {
        let output = Test::manifest("version: 1\nenv: { \u{c9}\u{1f511}: op://a/b/c }\n")
            .env("LC_ALL", locale)
            .args(["check", "--format", "json"])
            .any_stderr()
            .status(2);
        let document: serde_json::Value =
            serde_json::from_slice(&output.stderr).expect("it is JSON");
        assert_eq!(
            document["problems"][0]["message"],
            "`\u{c9}\u{1f511}` can't be a variable's name"
        );
        assert_eq!(output.stderr.is_ascii(), locale == "C");
    }
}

#[test]
fn no_text_of_the_manifest_steers_the_terminal() {
    Test::manifest("version: 1\nenv: { A: \"file://x\\e[31m%07\\u202e\" }\n")
        .env("LC_ALL", "C.UTF-8")
        .run(["true"])
        .stderr(
            "endow: error: the variable has no value; the command was not started\n  \
             A: absent: no file `[DIR]/x\\u{1b}[31m\\u{7}\\u{202e}` (file://x\\u{1b}[31m\\u{7}\\u{202e}, secretfile.yaml:2)\n",
        )
        .status(125);
}

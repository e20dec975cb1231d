//! A value that comes late starts the command; one that never comes is named at the deadline.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use super::{LONGEST_WAIT, project, writer};
use crate::harness::Test;

#[test]
fn a_value_that_arrives_late_and_in_pieces_starts_the_command() {
    let test = project().shell("touch started; echo \"started with $API_KEY\"");
    let child = test.spawn();
    let mut fifo = writer(&test);
    for piece in ["# nothing yet\nAPI_", "KEY=dev-", "key-late", "\n"] {
        fifo.write_all(piece.as_bytes()).expect("endow reads");
    }
    // More than a pipe holds, so that the last piece can't be written before the first was read.
    fifo.write_all("# a long comment\n".repeat(10_000).as_bytes())
        .expect("endow reads");
    fifo.write_all(b"OTHER=x").expect("endow reads");
    // Until the writer is gone, the last line can go on.
    assert!(!test.path("started").exists());
    drop(fifo);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", output.status);
    test.stdout("started with dev-key-late\n").compare(&output);
}

#[track_caller]
fn assert_times_out(test: Test, what: &str) {
    let started = test.path("started");
    let began = Instant::now();
    test.stderr(format!(
        "endow: error: the variable has no value; the command was not started\n  \
         API_KEY: timed out: `[DIR]/fifo` {what} in time \
         (dotenv://fifo#API_KEY, secretfile.yaml:2)\n"
    ))
    .status(125);
    assert!(
        began.elapsed() < LONGEST_WAIT,
        "the deadline is not the one that was said"
    );
    assert!(!started.exists());
}

#[test]
fn a_silent_fifo_is_named_at_the_deadline() {
    let flag = ["run", "--timeout", "300ms", "--", "touch", "started"];
    assert_times_out(project().args(flag), "gave nothing");
    let manifest = "version: 1\nenv: { API_KEY: dotenv://fifo }\nrun: { timeout: 300ms }\n";
    assert_times_out(
        project()
            .file("secretfile.yaml", manifest)
            .run(["touch", "started"]),
        "gave nothing",
    );
}

#[test]
fn a_fifo_that_begins_and_does_not_end_is_named_at_the_deadline() {
    let test = project()
        .args(["run", "--timeout", "2s", "--", "touch", "started"])
        .known("dev-key-unfinished");
    let child = test.spawn();
    let mut fifo = writer(&test);
    fifo.write_all(b"API_KEY=dev-key-unfinished\n")
        .expect("endow reads");
    let output = child.wait_with_output().expect("it ends");
    drop(fifo);
    assert_eq!(output.status.code(), Some(125), "{}", output.status);
    assert!(!test.path("started").exists());
    test.stderr(
        "endow: error: the variable has no value; the command was not started\n  \
         API_KEY: timed out: `[DIR]/fifo` did not end in time \
         (dotenv://fifo#API_KEY, secretfile.yaml:2)\n",
    )
    .compare(&output);
}

#[test]
fn of_two_files_the_silent_one_is_named() {
    let test = project();
    let manifest = "version: 1\nenv: { API_KEY: dotenv://fifo, OTHER: dotenv://.env }\n";
    let began = Instant::now();
    test.file("secretfile.yaml", manifest)
        .dotenv("OTHER=dev-key-other\n")
        .args(["run", "--timeout", "300ms", "--", "touch", "started"])
        .stderr(
            "endow: error: 1 of 2 variables has no value; the command was not started\n  \
             API_KEY: timed out: `[DIR]/fifo` gave nothing in time \
             (dotenv://fifo#API_KEY, secretfile.yaml:2)\n",
        )
        .status(125);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn no_level_of_tracing_prints_a_value() {
    let values = "A=dev-key-traced-a\nB='dev key traced b'\nPART=dev-key-traced-part\n";
    let manifest = "version: 1\nenv:\n  A: dotenv://.env\n  B: dotenv://.env\n  \
        PART: { from: dotenv://.env, export: false }\n  C: { template: 'x-${PART}' }\n  \
        D: file://secret\n  E: env://E\n";
    let test = || {
        Test::manifest(manifest)
            .dotenv(values)
            .file("secret", "dev-key-traced-file\n")
            .known("dev-key-traced-file")
            .env("E", "dev-key-traced-env")
            .known("dev-key-traced-env")
            .any_stderr()
    };
    for level in ["error", "warn", "info", "debug", "trace"] {
        let output = test().env("ENDOW_LOG", level).run(["true"]).success();
        let says_something = matches!(level, "info" | "debug" | "trace");
        assert_eq!(!output.stderr.is_empty(), says_something, "{level}");
    }
    for flag in ["-v", "-vv", "-vvv"] {
        let output = test().args([flag]).run(["true"]).success();
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(" INFO endow"));
    }
    let failing = test()
        .env("ENDOW_LOG", "trace")
        .file("secret", b"dev-key-traced-file\0x");
    failing.run(["true"]).status(125);
}

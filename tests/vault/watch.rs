//! Watching: by versions where the server has them, and what a change does.

use std::io::{BufRead, BufReader};

use serde_json::json;

use super::{
    kept::{go, line, lines},
    project,
};
use crate::{
    harness::{
        Test,
        openbao::{OpenBao, ROOT},
        proxy, wait,
    },
    supervise::keyboard::on_terminal,
};

#[test]
fn a_new_version_starts_the_command_again_and_only_metadata_is_asked_for_until_then() {
    let server = OpenBao::shared();
    let root = server.root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "first-value", "b": "other" }));
    let counted = proxy::to(&server.address());
    let manifest = format!(
        "version: 1\nrun: {{ watch: 100ms }}\nenv: {{ A: vault://{mount}/chat#a, B: vault://{mount}/chat#b }}\n"
    );
    let test = project(&manifest, &counted.url(), ROOT)
        .shell("echo $A; until [ -e go ]; do sleep 0.05; done");
    let mut child = test.spawn();
    let mut output = lines(&mut child);
    assert_eq!(line(&mut output), "first-value");
    let count = |line: &str| {
        let lines = counted.lines();
        lines.iter().filter(|found| found.starts_with(line)).count()
    };
    let (read, look) = (
        format!("GET /v1/{mount}/data/chat"),
        format!("GET /v1/{mount}/metadata/chat"),
    );
    wait::until("it is looked at", || count(&look) >= 5);
    assert_eq!(count(&read), 1);
    // A version with the same values is no change.
    root.put(&mount, "chat", &json!({ "a": "first-value", "b": "other" }));
    wait::until("it is read again", || count(&read) >= 2);
    let looks = count(&look);
    wait::until("it is looked at again", || count(&look) > looks + 2);
    root.put(
        &mount,
        "chat",
        &json!({ "a": "second-value", "b": "other" }),
    );
    assert_eq!(line(&mut output), "second-value");
    assert_eq!(count(&read), 3);
    go(&test);
    let output = child.wait_with_output().expect("endow ends");
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "endow: warning: `A` changed: the command is started again\n"
    );
}

#[test]
fn a_signal_comes_when_the_file_on_tmpfs_has_the_new_value() {
    let server = OpenBao::shared();
    let root = server.root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "first-value" }));
    let manifest = format!(
        "version: 1\nrun: {{ watch: 100ms }}\nenv: {{ A: {{ from: \"vault://{mount}/chat#a\", as: {{ file: tmpfs }}, on_change: {{ signal: USR1 }} }} }}\n"
    );
    let test = project(&manifest, &server.url(), ROOT)
        .shell("trap 'cat $A; echo; exit 3' USR1; cat $A; echo; while :; do sleep 0.05; done");
    let mut child = test.spawn();
    let mut output = lines(&mut child);
    assert_eq!(line(&mut output), "first-value");
    root.put(&mount, "chat", &json!({ "a": "second-value" }));
    assert_eq!(line(&mut output), "second-value");
    let output = child.wait_with_output().expect("endow ends");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "endow: warning: `A` changed: the command is sent USR1\n"
    );
}

#[test]
fn what_has_no_versions_is_compared_and_new_values_are_masked_too() {
    let test = Test::manifest("version: 1\nrun: { watch: 100ms }\nenv: { A: dotenv://.env }\n")
        .dotenv("A=first-value-1\n")
        .flags(["--redact"])
        .shell("echo $A; echo ${#A}; until [ -e go ]; do sleep 0.05; done");
    let mut child = test.spawn();
    let mut output = lines(&mut child);
    assert_eq!([line(&mut output), line(&mut output)], ["[A]", "13"]);
    // Replaced at once, so that no half of it is read.
    let new = test.path("new");
    std::fs::write(&new, "A=the-second-value-2\n").expect("a file of the test");
    std::fs::rename(new, test.path(".env")).expect("it is replaced");
    assert_eq!([line(&mut output), line(&mut output)], ["[A]", "18"]);
    go(&test);
    let output = child.wait_with_output().expect("endow ends");
    assert!(output.status.success());
}

#[test]
fn a_command_on_a_terminal_is_started_again_on_the_same_one() {
    let script = "echo $A ${#A}; stty size; if [ -e again ]; then exit 3; fi; touch again; \
        printf 'A=the-second-value-2\\n' > new; chmod 600 new; mv new .env; exec sleep 60";
    let test = Test::manifest(
        "version: 1\nrun: { watch: 100ms, redact: true }\nenv: { A: dotenv://.env }\n",
    )
    .dotenv("A=first-value-1\n");
    let output = on_terminal(test, &["expect=[A] 18", "expect=24 80"])
        .any_stdout()
        .shell(script)
        .success();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "[A] 13\r\n24 80\r\nendow: warning: `A` changed: the command is started again\n\
         [A] 18\r\n24 80\r\nstatus 3\n"
    );
}

#[test]
fn what_ignores_the_stop_is_killed_and_started_again_without_a_new_descriptor() {
    let list = "ls /proc/self/fd | tr '\n' ' '; echo";
    let plain = "version: 1\nenv: { A: dotenv://.env }\n";
    let test = Test::manifest(plain).dotenv("A=first-value-1\n");
    let plain = test.any_stdout().shell(list).success().stdout;
    let script = format!(
        "trap '' TERM; {list}; if [ -e again ]; then exit 3; fi; touch again; \
         printf 'A=second-value-2\n' > new; chmod 600 new; mv new .env; exec sleep 60"
    );
    Test::manifest(
        "version: 1\nrun: { watch: 100ms, stop_timeout: 300ms }\nenv: { A: dotenv://.env }\n",
    )
    .dotenv("A=first-value-1\n")
    .stdout(plain.repeat(2))
    .stderr("endow: warning: `A` changed: the command is started again\n")
    .shell(&script)
    .status(3);
}

#[test]
fn a_new_value_that_no_command_can_be_given_leaves_it_as_it_is() {
    let test = Test::manifest("version: 1\nrun: { watch: 100ms }\nenv: { A: file://a }\n")
        .file_with_mode("a", "first-value-1", 0o600)
        .shell("trap 'echo stopped; exit 1' TERM; echo ready; until [ -e go ]; do sleep 0.05; done; echo ${#A}");
    let mut child = test.spawn();
    let mut output = lines(&mut child);
    assert_eq!(line(&mut output), "ready");
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let new = test.path("new");
    std::fs::write(&new, "x".repeat(200_000)).expect("a file of the test");
    std::fs::rename(new, test.path("a")).expect("it is replaced");
    let mut warnings = String::new();
    for _ in 0..2 {
        errors.read_line(&mut warnings).expect("a line");
    }
    let expected = "endow: warning: `A` changed: the command is started again\n\
        endow: warning: the command is not started again: the value of `A` has 200000 bytes";
    assert!(warnings.starts_with(expected), "{warnings}");
    go(&test);
    assert_eq!(line(&mut output), "13");
    assert!(child.wait().expect("endow ends").success());
}

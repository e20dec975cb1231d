//! Every row of the tables of exit statuses, by a case that ends so.

use std::{process::Stdio, time::Duration};

use endow::{
    finding::worst,
    resolve::{Cause, Failure, Subject},
};
use endow_providers::{Absence, Class, Fault};

use super::{page, section, table};
use crate::harness::Test;

const GOOD: &str = "version: 1\nvalues: { A: a value }\n";

fn first_column(heading: &str) -> Vec<String> {
    let rows = table(section(&page("running.md"), heading), "| status | when |");
    rows.into_iter().map(|row| row[0].clone()).collect()
}

/// A manifest whose value nobody gives.
fn waiting(test: Test) -> Test {
    let path = test.path("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    test
}

#[test]
fn the_statuses_of_run_are_listed() {
    assert_eq!(
        first_column("## Exit status of `run`"),
        ["the command's", "125", "126", "127"]
    );
}

#[test]
fn run_ends_as_its_command_ends() {
    for status in [0, 1, 2, 124, 125, 126, 127, 255] {
        Test::manifest(GOOD)
            .shell(&format!("exit {status}"))
            .status(status);
    }
    Test::manifest(GOOD).shell("kill -9 $$").killed_by(9);
}

#[test]
fn run_ends_with_125_where_endow_itself_fails() {
    let run = |manifest: &str| Test::manifest(manifest).run(["true"]);
    let cases = [
        Test::manifest(GOOD).args(["run", "--colour"]),
        Test::manifest(GOOD).args(["run"]),
        Test::manifest(GOOD).args(["run", "-e", "A=1", "--", "true"]),
        Test::new().run(["true"]),
        run("version: 2\n"),
        run("version: 1\nenv: { A: }\n"),
        run("version: 1\nprofiles: { dev: }\n"),
        run("version: 1\nenv: { A: env://NOT_SET }\n"),
        run("version: 1\nenv: { A: op://v/i/f }\n"),
        run("version: 1\nenv: { A: { value: a, as: { file: memory, owner: no-such } } }\n"),
        run("version: 1\nvalues: { PATH: /bin }\n"),
        run("version: 1\nenv: { A: file://nul }\n").file("nul", b"\0"),
        run("version: 1\nenv: { A: file://big }\n").file("big", "a".repeat(5 << 20)),
        waiting(run(
            "version: 1\nrun: { timeout: 50ms }\nenv: { A: file://fifo }\n",
        )),
    ];
    for case in cases {
        let output = case.any_stderr().status(125);
        assert!(output.stderr.starts_with(b"endow: error: "));
    }
}

#[test]
fn run_ends_with_126_and_127_before_any_backend_is_asked() {
    // A value that nobody gives: with it asked first, this would be 125 after the deadline.
    let manifest = "version: 1\nrun: { timeout: 50ms }\nenv: { A: file://fifo }\n";
    for (command, status) in [
        ("./secretfile.yaml", 126),
        ("/", 126),
        ("./nothing", 127),
        ("no-such-command", 127),
        ("", 127),
    ] {
        waiting(Test::manifest(manifest))
            .run([command])
            .any_stderr()
            .status(status);
    }
    Test::manifest(GOOD)
        .file_with_mode("script", "#!/no/such/interpreter\n", 0o755)
        .run(["./script"])
        .any_stderr()
        .status(126);
}

#[test]
fn the_statuses_of_other_commands_are_listed() {
    let listed = first_column("## Exit status of other commands");
    assert_eq!(listed, ["0", "1", "2", "3", "4"]);
}

#[test]
fn other_commands_end_with_0_where_nothing_is_wrong() {
    for arguments in [
        &["check"][..],
        &["explain"],
        &["export", "--format", "shell"],
        &["export", "--format", "json"],
        &["trust"],
        &["schema"],
        &["--help"],
        &["run", "--help"],
        &["--version"],
    ] {
        let test = Test::manifest(GOOD).args(arguments).any_stdout();
        assert!(!test.success().stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn other_commands_end_with_1_on_findings() {
    let manifest = "version: 1\nenv: { A: dotenv://.env }\n";
    for (file, is_failure) in [("B=1\n", true), ("A='\n", true), ("A=\n", false)] {
        let test = || Test::manifest(manifest).file_with_mode(".env", file, 0o600);
        test().args(["check"]).any_stdout().status(1);
        let get = test().args(["get", "A"]).any_stderr();
        get.status(i32::from(is_failure));
    }
}

#[test]
fn other_commands_end_with_2_on_what_the_caller_or_the_manifest_says() {
    for (manifest, arguments) in [
        (GOOD, &["check", "--colour"][..]),
        (GOOD, &["cheque"]),
        (GOOD, &["check", "--profile", "prod"]),
        (GOOD, &["--file", "nothing.yaml", "check"]),
        (GOOD, &["get", "B"]),
        ("version: 2\n", &["check"]),
        ("version: 1\nvalues: { PATH: /bin }\n", &["check"]),
        (
            "version: 1\nenv: { A: { from: file://a, as: file } }\n",
            &["export", "--format", "json"],
        ),
        (
            "version: 1\nvalues: { A: \"a\\nb\" }\n",
            &["export", "--format", "docker"],
        ),
    ] {
        Test::manifest(manifest)
            .args(arguments)
            .any_stderr()
            .status(2);
    }
}

#[test]
fn other_commands_end_with_4_where_the_answer_is_incomplete() {
    let manifest = "version: 1\nrun: { timeout: 50ms }\nenv: { A: file://fifo }\n";
    waiting(Test::manifest(manifest))
        .args(["get", "A"])
        .any_stderr()
        .status(4);
    let other = Test::manifest("version: 1\nenv: { A: op://v/i/f }\n").env("PATH", "/nonexistent");
    other.args(["check"]).any_stdout().status(4);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let test = Test::manifest(GOOD).args(["get", "A"]);
    let status = test.command().stdin(Stdio::null()).stdout(writer).status();
    assert_eq!(status.expect("endow ends").code(), Some(4));
}

#[test]
fn a_backend_that_needs_a_sign_in_is_3_and_of_several_2_3_4_and_1_the_first_counts() {
    let failure = |class: Class| Failure {
        subject: Subject::Variable("A".to_owned()),
        place: None,
        advice: None,
        cause: Cause::Fault(Fault::new(class, "why")),
    };
    let absent = || Failure {
        cause: Cause::Absent(vec![Absence {
            what: "nothing".to_owned(),
            keys: Vec::new(),
        }]),
        ..failure(Class::Malformed)
    };
    let sign_in = || failure(Class::Unauthenticated);
    let late = || failure(Class::TimedOut);
    let throttled = failure(Class::Throttled {
        retry_after: Some(Duration::from_secs(1)),
    });
    let denied = failure(Class::Denied { permission: None });
    assert_eq!(worst([sign_in()].iter()), 3);
    assert_eq!(worst([throttled].iter()), 4);
    assert_eq!(worst([denied].iter()), 1);
    assert_eq!(worst([absent(), late(), sign_in()].iter()), 3);
    assert_eq!(worst([absent(), late()].iter()), 4);
}

//! What counts of an option that stands twice, and what undoes the manifest for one run.

use crate::harness::Test;

fn project() -> Test {
    Test::manifest("version: 1\nvalues: { A: aaaa-1234, B: b, C: c }\n")
}

#[test]
fn options_that_take_a_list_add_up() {
    project()
        .args([
            "run",
            "--only",
            "A",
            "--only",
            "B,C",
            "--",
            "sh",
            "-c",
            "echo $A $B $C",
        ])
        .prints_values()
        .stdout("aaaa-1234 b c\n")
        .success();
    project()
        .args(["export", "--format", "docker", "--only", "B", "--only", "C"])
        .stdout("B=b\nC=c\n")
        .success();
}

#[test]
fn of_single_options_the_last_counts_also_where_the_first_is_wrong() {
    let ends = |arguments: &[&str]| {
        let test = project().args(arguments);
        test.command().output().expect("it starts").status.code()
    };
    for good in [
        &["run", "--timeout", "1x", "--timeout", "2s", "--", "true"][..],
        &["check", "--timeout", "1x", "--timeout=2s"],
        &["check", "--format", "xml", "--format", "json"],
        &["explain", "--format", "xml", "--format", "text"],
        &["export", "--format", "xml", "--format", "json"],
        &[
            "export", "--format", "dotenv", "--for", "perl", "--for", "node",
        ],
        &[
            "-p",
            "none",
            "check",
            "--file",
            "nothing",
            "--file",
            "secretfile.yaml",
            "--format",
            "json",
            "-h",
        ],
    ] {
        assert_eq!(ends(good), Some(0), "{good:?}");
    }
    for (bad, status) in [
        (
            &["run", "--timeout", "2s", "--timeout", "1x", "--", "true"][..],
            125,
        ),
        (&["check", "--timeout", "2s", "--timeout", "1x"], 2),
        (&["check", "--format", "json", "--format", "xml"], 2),
        (&["export", "--format", "json", "--format", "xml"], 2),
    ] {
        assert_eq!(ends(bad), Some(status), "{bad:?}");
    }
}

#[test]
fn check_has_a_deadline_of_its_own() {
    let test = Test::manifest("version: 1\nenv: { A: file://fifo }\n");
    nix::unistd::mkfifo(&test.path("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let output = test
        .args(["check", "--timeout", "50ms"])
        .any_stdout()
        .status(4);
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(page.contains("timed out"), "{page}");
}

#[test]
fn what_the_manifest_asks_for_can_be_undone_for_one_run() {
    let manifest = "version: 1\nrun: { redact: true, watch: true }\nenv: { A: file://a }\n";
    let run = |flags: &[&str]| {
        let words = [
            &["run"],
            flags,
            &["--", "sh", "-c", "echo $A; ps -o comm= $PPID"],
        ]
        .concat();
        let output = Test::manifest(manifest)
            .file("a", "aaaa-1234")
            .args(words)
            .prints_values()
            .any_stdout()
            .success();
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(run(&[]), "[A]\nendow\n");
    assert_eq!(run(&["--no-redact"]), "aaaa-1234\nendow\n");
    assert_eq!(run(&["--no-watch"]), "[A]\nendow\n");
    let alone = run(&["--no-redact", "--no-watch"]);
    assert!(
        alone.starts_with("aaaa-1234\n") && !alone.contains("endow\n"),
        "{alone}"
    );
    assert_eq!(
        run(&["--no-redact", "--redact", "--no-watch"]),
        "[A]\nendow\n"
    );
}

//! Failures of `endow run` before launch: all in one report, and nothing is started.

use std::fs;

use crate::harness::Test;

const ONE_FILE: &str = "version: 1\nfrom: dotenv://.env\nenv:\n  API_KEY:\n  DB_URL:\n  PRESENT:\n  TOKEN: { required: false }\n";

#[test]
fn every_missing_required_variable_is_in_one_report_and_nothing_is_started() {
    let test = Test::manifest(ONE_FILE).dotenv("PRESENT=present-value\nOTHER=other-value\n");
    test.shell("echo started")
        .stderr(
            "endow: error: 2 of 4 variables have no value; the command was not started\n  \
             API_KEY: absent: no `API_KEY` in `[DIR]/.env` (dotenv://.env#API_KEY, secretfile.yaml:2)\n    \
             hint: there are: OTHER, PRESENT\n  \
             DB_URL: absent: no `DB_URL` in `[DIR]/.env` (dotenv://.env#DB_URL, secretfile.yaml:2)\n    \
             hint: there are: OTHER, PRESENT\n",
        )
        .status(125);
}

#[test]
fn three_failures_of_different_kinds_are_all_shown() {
    let test = Test::manifest(
        "version: 1\nenv:\n  ABSENT: env://NOT_SET\n  BROKEN: dotenv://broken.env\n  FOLDER: file://folder\n  FINE: file://fine\n",
    )
    .file_with_mode("broken.env", "BROKEN='never closed, hunter2hunter2\n", 0o600)
    .file("folder/inside", "")
    .file("fine", "fine-value\n")
    .known("never closed, hunter2hunter2")
    .known("fine-value");
    test.shell("echo started")
        .stderr(
            "endow: error: 3 of 4 variables have no value; the command was not started\n  \
             ABSENT: absent: `NOT_SET` is not set (env://NOT_SET, secretfile.yaml:3)\n  \
             BROKEN: malformed: `[DIR]/broken.env` line 1: the `'` that opens `BROKEN` is never closed (dotenv://broken.env#BROKEN, secretfile.yaml:4)\n  \
             FOLDER: malformed: `[DIR]/folder` is a directory (file://folder, secretfile.yaml:5)\n",
        )
        .status(125);
}

#[test]
fn one_fault_of_a_file_is_said_once_for_all_its_variables() {
    Test::manifest(ONE_FILE)
        .file_with_mode(".env", "API_KEY\n", 0o600)
        .run(["true"])
        .stderr(
            "endow: error: 4 of 4 variables have no value; the command was not started\n  \
             API_KEY, DB_URL, PRESENT, TOKEN: malformed: `[DIR]/.env` line 1: no `=` (secretfile.yaml:2, secretfile.yaml:7)\n"
                .replace(", secretfile.yaml:7", ""),
        )
        .status(125);
}

#[test]
fn a_setting_whose_reference_is_absent_is_named_with_its_backend() {
    Test::manifest("version: 1\nbackends: { d: { type: dotenv, expand: { from: env://EXPAND } } }\nenv: { A: d://.env }\n")
        .dotenv("A=a-value\n")
        .run(["true"])
        .stderr(
            "endow: error: a backend's setting has no value; the command was not started\n  \
             `expand` of backend `d`: absent: `EXPAND` is not set (env://EXPAND, secretfile.yaml:2)\n",
        )
        .status(125);
}

#[test]
fn a_setting_of_the_wrong_form_is_named_with_its_backend() {
    Test::manifest("version: 1\nbackends: { d: { type: dotenv, expand: { from: env://EXPAND } } }\nenv: { A: d://.env }\n")
        .dotenv("A=a-value\n")
        .env("EXPAND", "perhaps")
        .known("perhaps")
        .run(["true"])
        .stderr(
            "endow: error: a backend's setting has no value; the command was not started\n  \
             `expand` of backend `d`: malformed: the setting wants `true` or `false` (env://EXPAND, secretfile.yaml:2)\n",
        )
        .status(125);
}

#[test]
fn a_setting_takes_its_value_from_another_backend() {
    for (expand, expected) in [("true", "base/x\n"), ("false", "${BASE}/x\n")] {
        Test::manifest("version: 1\nbackends: { d: { type: dotenv, expand: { from: env://EXPAND } } }\nenv: { A: d://.env }\n")
            .file_with_mode(".env", "BASE=base\nA=${BASE}/x\n", 0o600)
            .env("EXPAND", expand)
            .shell("echo \"$A\"")
            .stdout(expected)
            .success();
    }
}

#[test]
fn a_reference_as_a_value_is_refused_and_belongs_into_the_manifest() {
    Test::manifest("version: 1\nenv: { A: dotenv://.env, B: dotenv://.env }\n")
        .file_with_mode(".env", "A=op://AI Team/OpenAI/credential\nB=postgres://u@h/db\n", 0o600)
        .run(["true"])
        .stderr(
            "endow: error: 1 of 2 variables has no value; the command was not started\n  \
             A: malformed: the value is itself a reference of `op` (dotenv://.env#A, secretfile.yaml:2)\n    \
             hint: references are resolved in the manifest only: move it there\n",
        )
        .status(125);
}

#[test]
fn a_dotenv_file_that_others_can_read_is_warned_of_and_quiet_silences_it() {
    let test = |flags: &[&str]| {
        Test::manifest(ONE_FILE)
            .file(".env", "API_KEY=a\nDB_URL=b\nPRESENT=c\n")
            .args(flags)
            .run(["true"])
    };
    test(&[])
        .stderr("endow: warning: `[DIR]/.env` can be read by every user of this machine\nhint: chmod 600 [DIR]/.env\n")
        .success();
    test(&["-q"]).success();
}

#[test]
fn a_later_place_of_a_list_is_asked_only_where_the_one_before_is_absent() {
    let manifest =
        "version: 1\nenv: { A: { from: [\"dotenv://.env\", \"file://a\", \"op://V/I/a\"] } }\n";
    Test::manifest(manifest)
        .dotenv("A=from-dotenv\n")
        .file("a", "from-file")
        .prints_values()
        .shell("echo $A")
        .stdout("from-dotenv\n")
        .success();
    Test::manifest(manifest)
        .dotenv("B=other-value\n")
        .file("a", "from-file")
        .shell("echo $A")
        .stdout("from-file\n")
        .success();
    Test::manifest(manifest)
        .file("a", "from-file")
        .shell("echo $A")
        .stdout("from-file\n")
        .success();
    Test::manifest(manifest)
        .file_with_mode(".env", "A\n", 0o600)
        .file("a", "from-file")
        .run(["true"])
        .any_stderr()
        .status(125);
}

#[test]
fn a_default_is_for_what_is_absent_and_not_for_what_failed() {
    let test = || {
        Test::manifest("version: 1\nenv: { A: { from: dotenv://.env, default: of-the-default } }\n")
    };
    test()
        .dotenv("B=other-value\n")
        .shell("echo $A")
        .stdout("of-the-default\n")
        .success();
    let failing = test().file_with_mode(".env", "A\n", 0o600);
    failing
        .run(["touch", "started"])
        .stderr(
            "endow: error: the variable has no value; the command was not started\n  \
             A: malformed: `[DIR]/.env` line 1: no `=` (dotenv://.env#A, secretfile.yaml:2)\n",
        )
        .status(125);
}

#[test]
fn a_value_that_is_wanted_as_a_file_is_never_put_into_the_environment() {
    let test = Test::manifest("version: 1\nenv: { A: { from: \"file://a\", as: file } }\n")
        .file("a", "from-file")
        .known("from-file");
    let output = test.run(["env"]).any_stdout().success();
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(printed.starts_with("A=/proc/"), "{printed}");
}

#[test]
fn nothing_is_written_beside_the_project() {
    let test = Test::manifest(ONE_FILE)
        .dotenv("API_KEY=aaaaaaaa\nDB_URL=bbbbbbbb\nPRESENT=cccccccc\n")
        .run(["true"]);
    let home = test.path("..");
    let listing = |path: &std::path::Path| {
        let mut names: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        names
    };
    let before = (listing(&home), listing(&test.path("")));
    let status = test.command().status().unwrap();
    assert!(status.success());
    assert_eq!(before, (listing(&home), listing(&test.path(""))));
}

#[test]
fn templates_that_double_each_other_are_refused_before_they_fill_the_memory() {
    let doubling = (1..45).map(|n| {
        let before = n - 1;
        format!("  A{n}: {{ export: false, template: \"${{A{before}}}${{A{before}}}\" }}\n")
    });
    let manifest = format!(
        "version: 1\nvalues: {{ A0: xxxxxxxx }}\nenv:\n{}",
        doubling.collect::<String>()
    );
    Test::manifest(&manifest)
        .args(["get", "A44"])
        .stderr(
            "endow: error: 1 of 45 variables has no value; nothing was printed\n  \
             A21: malformed: with it templates make more than 16 MiB (secretfile.yaml:24)\n",
        )
        .status(1);
}

#[test]
fn where_the_system_has_no_descriptors_that_is_said() {
    for limit in 7..=10 {
        let output = Test::manifest(
            "version: 1\nenv: { A: vault://secret/x#y, B: aws-sm://foo#bar, C: file://here }\n",
        )
        .file("here", "value-c")
        .env("VAULT_ADDR", "http://127.0.0.1:1")
        .env("VAULT_TOKEN", "any")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .flags(["--timeout", "1s"])
        .run(["true"])
        .within(["prlimit", &format!("--nofile={limit}")])
        .any_stderr()
        .status(125);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains(
                "A, B: unreachable: the system lets endow open no more files: too many open files"
            ) && stderr.contains("hint: raise the limit of open files: `ulimit -n`"),
            "{limit}: {stderr}"
        );
    }
}

/// The limit counts the threads of all processes of a user: what there was room for a moment ago,
/// there may be none for now. So each start of a thread fails once, and each from one on.
#[test]
fn a_thread_that_the_system_refuses_is_a_failure_with_its_name_whichever_it_is() {
    let mut refused = 0;
    for which in ["1", "2", "3", "4", "1+", "2+", "3+"] {
        let output = Test::manifest(
            "version: 1\nenv: { A: vault://secret/chat#a, B: aws-sm://chat, C: file://here }\n",
        )
        .file("here", "value-c")
        .env("VAULT_ADDR", "http://127.0.0.1:1")
        .env("VAULT_TOKEN", "any")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .flags(["--timeout", "1s"])
        .run(["true"])
        .through([crate::harness::runtime::find("strace")])
        .through(["-f", "-qqq", "-o", "/dev/null", "-e", "trace=clone3,clone"])
        .through([format!("--inject=clone3,clone:error=EAGAIN:when={which}")])
        .any_stderr()
        .status(125);
        let stderr = String::from_utf8_lossy(&output.stderr);
        refused += usize::from(stderr.contains(
            "A, B: unreachable: the system lets endow start no thread: resource temporarily \
             unavailable",
        ));
    }
    assert!(refused >= 4, "{refused}");
}

/// Opening a device can do something: rewind a tape, start a watchdog.
#[test]
fn no_device_that_a_manifest_names_is_opened() {
    for place in [
        "file:///dev/zero",
        "file://link",
        "\"dotenv:///dev/zero#A\"",
    ] {
        let test = Test::manifest(&format!("version: 1\nenv: {{ A: {place} }}\n"))
            .env_path("ENDOW_FILE", "secretfile.yaml");
        std::os::unix::fs::symlink("/dev/zero", test.path("link")).expect("a link");
        let trace = test.path("trace");
        let test = test
            .through([
                "strace",
                "-f",
                "-y",
                "-e",
                "trace=open,openat,openat2",
                "-o",
            ])
            .through([&trace])
            .args(["check"]);
        let output = test.command().output();
        let output = output.expect("strace is installed: apt-get install strace");
        let page = String::from_utf8_lossy(&output.stdout);
        assert!(
            page.contains("is a device or a terminal, and is not opened"),
            "{page}"
        );
        let trace = fs::read_to_string(trace).expect("the trace");
        let opened: Vec<&str> = trace
            .lines()
            .filter(|line| line.contains("</dev/zero>") || line.contains("\"/dev/zero\""))
            .collect();
        assert!(
            !opened.is_empty() && opened.iter().all(|line| line.contains("O_PATH")),
            "{trace}"
        );
    }
}

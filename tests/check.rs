//! `endow check`: findings, warnings, formats, and the exit status of each.

use std::process::Command;

use nix::{sys::stat::Mode, unistd::mkfifo};
use serde_json::{Value, json};

use crate::harness::Test;

const MANIFEST: &str =
    "version: 1\nfrom: dotenv://.env\nenv:\n  A:\n  B:\nvalues: { PLAIN: \"\" }\n";

#[test]
fn a_clean_manifest_has_no_findings_and_status_0() {
    Test::manifest(MANIFEST)
        .dotenv("A=value-a\nB=value-b\n")
        .args(["check"])
        .stdout("3 variables, no findings\n")
        .success();
}

#[test]
fn an_empty_required_value_is_a_finding_and_an_empty_plain_value_is_not() {
    Test::manifest(MANIFEST)
        .dotenv("A=value-a\nB=\n")
        .args(["check"])
        .stdout(
            "3 variables, 1 finding\n  B: empty: a required variable has an empty value (secretfile.yaml:2)\n    \
             hint: fill it in, or say `required: false` and remove it there\n",
        )
        .status(1);
}

#[test]
fn a_value_that_no_command_can_be_given_is_a_finding_unless_it_is_a_file() {
    let test = Test::manifest(
        "version: 1
env:
  LARGE: file://large
  NUL: file://nul
  LARGE_FILE: { from: file://large, as: file }
  NUL_FILE: { from: file://nul, as: file }
values: { PLAIN: a }
",
    );
    test.file_with_mode("large", "x".repeat(200_000), 0o600)
        .file_with_mode("nul", "a-value\0of-two", 0o600)
        .known("of-two")
        .args(["check"])
        .stdout(
            "5 variables, 2 findings\n  \
             LARGE: refused: the value of `LARGE` has 200000 bytes; this system passes on at most 131065 under that name (secretfile.yaml:3)\n    \
             hint: pass it as a file, which has no such limit\n  \
             NUL: refused: the value of `NUL` holds a NUL, which no environment can carry (secretfile.yaml:4)\n    \
             hint: pass it as a file, or encode it\n",
        )
        .status(1);
}

#[test]
fn all_findings_are_reported_at_once() {
    Test::manifest("version: 1\nenv: { A: env://NOPE, B: dotenv://.env, C: { from: dotenv://.env, required: false }, D: file://folder }\n")
        .dotenv("B=\n")
        .file("folder/inside", "")
        .args(["check"])
        .stdout(
            "4 variables, 3 findings\n  \
             A: absent: `NOPE` is not set (env://NOPE, secretfile.yaml:2)\n  \
             D: malformed: `[DIR]/folder` is a directory (file://folder, secretfile.yaml:2)\n  \
             B: empty: a required variable has an empty value (secretfile.yaml:2)\n    \
             hint: fill it in, or say `required: false` and remove it there\n",
        )
        .status(1);
}

#[test]
fn a_part_of_a_template_that_needs_an_encoding_is_a_warning() {
    Test::manifest(
        "version: 1\nfrom: dotenv://.env\nenv:\n  A: { export: false }\n  URL: { template: \"postgres://u:${A}@h/d\" }\n  \
         SAFE: { template: \"postgres://u:${A|url}@h/d\" }\n  JSON: { template: '{\"a\": \"${A}\"}' }\n",
    )
    .dotenv("A=p@ss\"w/rd\n")
    .args(["check"])
    .stdout(
        "4 variables, no findings\n  \
         warning: `A` has characters that mean something in JSON (JSON, secretfile.yaml:7)\n    \
         hint: write `${A|json}` in the template\n  \
         warning: `A` has characters that mean something in a URL (URL, secretfile.yaml:5)\n    \
         hint: write `${A|url}` in the template\n",
    )
    .success();
}

#[test]
fn quiet_leaves_out_lines_on_standard_error_and_nothing_of_the_report() {
    let report = |flags: &[&str]| {
        let manifest = "version: 1\nfrom: dotenv://.env\nenv: { A: { export: false }, URL: { template: \"postgres://u:${A}@h/d\" } }\n";
        let test = Test::manifest(manifest)
            .file_with_mode(".env", "A=p@ssw/rd\n", 0o600)
            .env("ENDOW_LOG", "no-level");
        let output = test.args(["check"]).args(flags).any_stdout().any_stderr();
        output.success()
    };
    let (whole, quiet) = (report(&[]), report(&["-q"]));
    assert!(String::from_utf8_lossy(&whole.stdout).contains("\n  warning: `A` has characters"));
    assert_eq!(quiet.stdout, whole.stdout);
    assert!(whole.stderr.starts_with(b"endow: warning: "));
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
}

#[test]
fn every_profile_is_checked_on_its_own_lines() {
    Test::manifest("version: 1\nenv: { A: }\nprofiles:\n  dev: { from: dotenv://.env }\n  prod: { production: true, from: file://secrets }\n")
        .dotenv("A=value-a\n")
        .args(["check", "--all-profiles"])
        .stdout(
            "profile dev: 1 variable, no findings\n\
             profile prod: 1 variable, 1 finding\n  A: absent: no file `[DIR]/secrets/A` (file://secrets/A, secretfile.yaml:5)\n",
        )
        .status(1);
}

#[test]
fn a_path_that_would_become_a_file_of_its_own_is_a_finding() {
    let manifest =
        |place: &str| format!("version: 1\nenv: {{ CERT: {{ from: \"{place}\", as: file }} }}\n");
    let test = |place| {
        Test::manifest(&manifest(place))
            .file("key.pem", "key.pem")
            .dotenv("CERT=key.pem\n")
            .args(["check"])
    };
    test("dotenv://.env")
        .stdout(
            "1 variable, 1 finding\n  \
             CERT: malformed: the value names an existing file, and `as: file` would make a file of \
             that name (dotenv://.env#CERT, secretfile.yaml:2)\n    \
             hint: write the place as `file://PATH`\n",
        )
        .status(1);
    test("file://key.pem")
        .stdout("1 variable, no findings\n")
        .success();
}

#[test]
fn a_template_of_a_failed_part_is_no_finding_of_its_own() {
    Test::manifest("version: 1\nenv: { PART: file://folder, WHOLE: { template: \"${PART}\" } }\n")
        .file("folder/inside", "")
        .args(["check"])
        .stdout(
            "2 variables, 1 finding\n  \
         PART: malformed: `[DIR]/folder` is a directory (file://folder, secretfile.yaml:2)\n",
        )
        .status(1);
}

#[test]
fn of_the_statuses_of_several_profiles_4_counts_before_1_whatever_their_order() {
    let manifest = |first: &str, last: &str| {
        format!(
            "version: 1\nrun: {{ timeout: 300ms }}\nenv: {{ A: }}\nprofiles:\n  a: {{ from: {first} }}\n  b: {{ from: {last} }}\n"
        )
    };
    let (fine, absent, incomplete) = ("file://here", "file://nowhere", "vault://secret/chat");
    for (first, last, expected) in [
        (fine, fine, 0),
        (fine, absent, 1),
        (absent, fine, 1),
        (absent, incomplete, 4),
        (incomplete, absent, 4),
        (incomplete, fine, 4),
    ] {
        Test::manifest(&manifest(first, last))
            .file("here/A", "value-a\n")
            // Nobody listens there.
            .env("VAULT_ADDR", "http://127.0.0.1:1")
            .env("VAULT_TOKEN", "any")
            .args(["check", "--all-profiles"])
            .any_stdout()
            .status(expected);
    }
}

#[test]
fn a_backend_that_is_not_there_makes_the_answer_incomplete() {
    Test::manifest(
        "version: 1\nenv: { A: op://chat/chat/a, B: op://chat/chat/b, C: env://NOPE }\n",
    )
    .env("PATH", "/nonexistent")
    .args(["check"])
    .stdout(
        "3 variables, 3 findings\n  \
             A, B: unreachable: 1Password's CLI `op` is not in PATH (secretfile.yaml:2)\n    \
             hint: install it (https://developer.1password.com/docs/cli/get-started), or use a \
             Connect server: OP_CONNECT_HOST and OP_CONNECT_TOKEN\n  \
             C: absent: `NOPE` is not set (env://NOPE, secretfile.yaml:2)\n",
    )
    .status(4);
}

#[test]
fn json_holds_the_same_findings() {
    let output = Test::manifest(MANIFEST)
        .dotenv("A=value-a\n")
        .args(["check", "--format", "json"])
        .any_stdout()
        .status(1);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &report["profiles"][0]["findings"][0];
    assert_eq!(report["profiles"][0]["variables"], 3);
    assert_eq!(report["profiles"][0]["exit_status"], 1);
    assert_eq!(finding["subject"], "B");
    assert_eq!(finding["place"], "dotenv://.env#B");
    assert_eq!(finding["line"], "secretfile.yaml:2");
    assert_eq!(finding["hints"], json!(["there are: A"]));
}

fn git(test: &Test, words: &[&str]) {
    let status = Command::new("git")
        .args(words)
        .current_dir(test.path(""))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", test.path(".."))
        .status();
    assert!(
        status
            .expect("git is installed: apt-get install git")
            .success(),
        "git {words:?}"
    );
}

const TRACKED: &str = "2 variables, 1 finding\n  [DIR]/.env: tracked by git: whoever has the repository has its values\n    \
    hint: take it out and ignore it: `git rm --cached -- [DIR]/.env`, then a line in .gitignore\n    \
    hint: every value that was ever in it must be rotated\n";

#[test]
fn a_dotenv_file_that_git_tracks_is_a_finding_also_in_a_work_tree_of_its_own() {
    let manifest = "version: 1\nfrom: dotenv://.env\nenv: { A: , B: }\n";
    let test = Test::manifest(manifest).dotenv("A=value-a\nB=value-b\n");
    git(&test, &["init", "-q"]);
    test.args(["check"])
        .stdout("2 variables, no findings\n")
        .success();

    let test = Test::manifest(manifest).dotenv("A=value-a\nB=value-b\n");
    git(&test, &["init", "-q"]);
    git(&test, &["add", "."]);
    test.args(["check"]).stdout(TRACKED).status(1);

    for format in ["sha1", "sha256"] {
        let test = Test::manifest(manifest).dotenv("A=value-a\nB=value-b\n");
        git(
            &test,
            &["init", "-q", &format!("--object-format={format}"), "."],
        );
        git(&test, &["add", "."]);
        let person = ["-c", "user.name=n", "-c", "user.email=e@example.com"];
        git(
            &test,
            &[person.as_slice(), &["commit", "-q", "-m", "m"]].concat(),
        );
        git(&test, &["worktree", "add", "-q", "tree"]);
        let test = test.directory("tree").args(["check"]).any_stdout();
        let output = test.status(1);
        assert!(String::from_utf8_lossy(&output.stdout).contains("tree/.env: tracked by git"));
    }
}

#[test]
fn a_hostile_repository_runs_no_program() {
    let test = Test::manifest("version: 1\nfrom: dotenv://.env\nenv: { A: , B: }\n")
        .dotenv("A=value-a\nB=value-b\n")
        .file_with_mode("hook.sh", "#!/bin/sh\ntouch pwned\n", 0o755);
    git(&test, &["init", "-q"]);
    git(&test, &["add", "."]);
    let hook = test.path("hook.sh");
    git(&test, &["config", "core.fsmonitor", hook.to_str().unwrap()]);
    git(
        &test,
        &[
            "config",
            "core.hooksPath",
            hook.parent().unwrap().to_str().unwrap(),
        ],
    );
    let marker = test.path("pwned");
    // `test` owns the directory that the marker would stand in.
    let output = test.args(["check"]).command().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!marker.exists());
}

/// What is reported where nobody can say whether the file is tracked: no word of what to do if it is.
fn unknown(what: &str) -> String {
    format!(
        "2 variables, 1 finding\n  [DIR]/.env: {what}, so it is unknown whether git tracks the file\n    \
         hint: if you believe the repository, `git ls-files` lists the files that it tracks\n"
    )
}

fn two_values() -> Test {
    Test::manifest("version: 1\nfrom: dotenv://.env\nenv: { A: , B: }\n")
        .dotenv("A=value-a\nB=value-b\n")
}

#[test]
fn a_broken_index_is_said_and_does_not_pass_for_clean() {
    two_values()
        .file(".git/index", "DIRC not an index")
        .args(["check"])
        .stdout(unknown(
            "the repository's index can't be read ([DIR]/.git/index)",
        ))
        .status(1);
}

#[test]
fn what_is_no_file_in_a_repository_is_not_read_and_does_not_pass_for_clean() {
    let not_regular = |name: &str| unknown(&format!("[DIR]/.git/{name} is not a regular file"));
    let fifo = |test: &Test, name: &str| {
        let path = test.path(name);
        let _ = std::fs::remove_file(&path);
        mkfifo(&path, Mode::S_IRWXU).expect("a FIFO");
    };
    for name in ["index", "config", "commondir"] {
        let test = two_values();
        git(&test, &["init", "-q"]);
        git(&test, &["add", "."]);
        fifo(&test, &format!(".git/{name}"));
        test.within(["timeout", "20"])
            .args(["check"])
            .stdout(not_regular(name))
            .status(1);
    }

    // As long as its disk: reading it would not end.
    let test = two_values();
    git(&test, &["init", "-q"]);
    std::os::unix::fs::symlink("/dev/zero", test.path(".git/index")).unwrap();
    test.within(["timeout", "20"])
        .args(["check"])
        .stdout(not_regular("index"))
        .status(1);

    // A part of the index that stands in a file of its own.
    let test = two_values();
    git(&test, &["init", "-q"]);
    git(&test, &["add", "."]);
    git(&test, &["update-index", "--split-index"]);
    let shared = std::fs::read_dir(test.path(".git")).unwrap();
    let names = shared.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let shared: Vec<String> = names
        .filter(|name| name.starts_with("sharedindex."))
        .collect();
    assert_eq!(shared.len(), 1, "git splits the index");
    fifo(&test, &format!(".git/{}", shared[0]));
    test.within(["timeout", "20"])
        .args(["check"])
        .stdout(not_regular(&shared[0]))
        .status(1);
}

#[test]
fn a_tracked_file_is_found_in_every_form_of_an_index() {
    let is_found = |name: &str, arrange: &dyn Fn(&Test)| {
        let test = two_values();
        arrange(&test);
        git(&test, &["add", "secretfile.yaml"]);
        let untracked = test.command().arg("check").output().unwrap();
        let untracked = String::from_utf8(untracked.stdout).unwrap();
        assert_eq!(untracked, "2 variables, no findings\n", "{name}");
        git(&test, &["add", "."]);
        test.args(["check"]).stdout(TRACKED).status(1);
    };
    is_found("sha256", &|test| {
        git(test, &["init", "-q", "--object-format=sha256"]);
    });
    is_found("split", &|test| {
        git(test, &["init", "-q"]);
        git(test, &["config", "core.splitIndex", "true"]);
    });
    is_found("version 4, without a hash", &|test| {
        git(test, &["init", "-q", "--object-format=sha256"]);
        git(test, &["config", "index.skipHash", "true"]);
        git(test, &["config", "index.version", "4"]);
    });
}

#[test]
fn a_file_with_a_conflict_is_a_tracked_file() {
    let test = two_values();
    git(&test, &["init", "-q"]);
    let object = "1111111111111111111111111111111111111111";
    let mut child = Command::new("git")
        .args(["update-index", "--index-info"])
        .current_dir(test.path(""))
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("git is installed: apt-get install git");
    let line = format!("100644 {object} 1\t.env\n100644 {object} 3\t.env\n");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), line.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    test.args(["check"]).stdout(TRACKED).status(1);
}

#[test]
fn a_repository_of_an_unknown_format_does_not_pass_for_clean() {
    for (config, what) in [
        (
            "[extensions]\nobjectFormat = sha3\n",
            "the repository's object format is unknown ([DIR]/.git/config)",
        ),
        (
            "[extensions\n",
            "the repository's configuration can't be read ([DIR]/.git/config)",
        ),
    ] {
        let test = two_values();
        git(&test, &["init", "-q"]);
        git(&test, &["add", "."]);
        test.file(".git/config", config)
            .args(["check"])
            .stdout(unknown(what))
            .status(1);
    }
}

#[test]
fn a_fifo_in_the_place_of_a_repository_is_not_waited_for() {
    let test = Test::manifest("version: 1\nenv: { A: dotenv://.env }\n").dotenv("A=value-a\n");
    mkfifo(&test.path(".git"), Mode::S_IRWXU).expect("a FIFO");
    test.args(["check"])
        .stdout("1 variable, no findings\n")
        .success();
}

#[test]
fn an_empty_default_is_no_finding() {
    Test::manifest("version: 1\nenv: { A: { from: env://NOT_SET, default: \"\" } }\n")
        .args(["check"])
        .stdout("1 variable, no findings\n")
        .success();
}

#[test]
fn problems_of_all_profiles_are_reported_at_once() {
    let output = Test::manifest(
        "version: 1\nenv: { A: }\nprofiles:\n  dev: { env: { B: } }\n  prod: { env: { B: env://B } }\n",
    )
    .args(["check", "--all-profiles"])
    .any_stderr()
    .status(2);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let messages: Vec<&str> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("endow: error: "))
        .collect();
    assert_eq!(
        messages,
        [
            "`A` has no place in profile `dev`",
            "`A` has no place in profile `prod`",
            "`B` has no place in profile `dev`",
        ]
    );
}

//! `endow explain`: the page, its data, and that it asks nobody.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
};

use serde_json::{Value, json};

use crate::harness::Test;

const MANIFEST: &str = "\
version: 1
project: chat
default_profile: dev
inherit: [DEBUG, \"OTEL_*\"]
env:
  API_KEY: { owner: dana@acme.dev, critical: true, rotate_every: 90d, last_reviewed: 2026-01-31 }
  USER_PART: { key: user, export: false }
  URL: { template: \"https://${USER_PART|url}:${API_KEY}@host\" }
  SENTRY: { required: false }
values: { PORT: 3000 }
profiles:
  dev: { from: [dotenv://.env, op://AI Team/chat dev] }
  prod: { production: true, from: \"vault://secret/{project}/{profile}\" }
";

/// A caller whose variables are all said here.
fn caller(test: Test) -> Test {
    test.env("PATH", "/usr/bin:/bin")
        .env("DEBUG", "1")
        .env("OTEL_TOKEN", "t")
        .env("AWS_SECRET_ACCESS_KEY", "s")
        .env("XDG_API_KEY", "s")
        .env("LC_ALL", "C.UTF-8")
        .env("PORT", "9")
        .env("EDITOR", "vi")
        .env("SHLVL", "1")
}

#[test]
fn the_page_says_places_lines_requests_and_what_is_inherited_and_dropped() {
    caller(Test::manifest(MANIFEST))
        .args(["explain"])
        .stdout(
            "\
secretfile.yaml, project chat, profile dev

variables
  API_KEY    dotenv://.env#API_KEY               secretfile.yaml:12
             else op://AI Team/chat dev/API_KEY
  PORT       value                               secretfile.yaml:10
  SENTRY     dotenv://.env#SENTRY                secretfile.yaml:12  optional
             else op://AI Team/chat dev/SENTRY
  URL        template of USER_PART, API_KEY      secretfile.yaml:8
  USER_PART  dotenv://.env#USER_PART             secretfile.yaml:12  not exported: part of a template
             else op://AI Team/chat dev/user

requests
  dotenv  1  read .env (3 places)
  op      0  asked only where a place before it is absent

inherited: 6 of the caller's variables
  base set                            EDITOR HOME LC_ALL PATH
  inherit DEBUG (secretfile.yaml:4)   DEBUG
  inherit OTEL_* (secretfile.yaml:4)  OTEL_TOKEN

dropped: 4 of the caller's variables
  declared by the manifest  PORT
  looks like a secret       XDG_API_KEY
  not inherited             AWS_SECRET_ACCESS_KEY SHLVL

launch: exec: the command replaces endow and keeps its process id
",
        )
        .success();
}

#[test]
fn a_production_profile_is_marked_and_its_places_are_made_concrete() {
    let output = caller(Test::manifest(MANIFEST))
        .args(["explain", "-p", "prod"])
        .any_stdout()
        .success();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(
        page.starts_with("secretfile.yaml, project chat, profile prod (production)\n"),
        "{page}"
    );
    assert!(
        page.contains("  USER_PART  vault://secret/chat/prod#user"),
        "{page}"
    );
    assert!(
        page.contains("  vault  1  read secret/chat/prod (3 places)\n"),
        "{page}"
    );
    assert!(
        page.contains("launch: supervise if leased: `vault` can give leases"),
        "{page}"
    );
}

#[test]
fn json_is_the_register_as_data() {
    let output = caller(Test::manifest(MANIFEST))
        .args(["explain", "--format", "json"])
        .any_stdout()
        .success();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let variable = |name: &str| {
        report["variables"]
            .as_array()
            .unwrap()
            .iter()
            .find(|variable| variable["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        variable("API_KEY")["metadata"],
        json!({ "owner": "dana@acme.dev", "critical": true, "rotate_every": "90d", "last_reviewed": "2026-01-31" })
    );
    assert_eq!(
        variable("API_KEY")["places"],
        json!(["dotenv://.env#API_KEY", "op://AI Team/chat dev/API_KEY"])
    );
    assert_eq!(
        report["dropped"]["declared by the manifest"],
        json!(["PORT"])
    );
    assert_eq!(report["profile"], "dev");
    assert_eq!(report["launch"]["way"], "exec");
}

#[test]
fn dry_run_is_explain_and_starts_nothing() {
    let test = caller(Test::manifest(MANIFEST))
        .args([
            "run",
            "--dry-run",
            "--only",
            "PORT",
            "-e",
            "SHLVL",
            "--",
            "touch",
            "started",
        ])
        .any_stdout();
    let marker = test.path("started");
    let page = String::from_utf8(test.success().stdout).unwrap();
    assert!(!marker.exists());
    assert!(
        page.contains("  -e                                  SHLVL\n"),
        "{page}"
    );
    assert!(
        page.contains(
            "  API_KEY    dotenv://.env#API_KEY               secretfile.yaml:12  not selected\n"
        ),
        "{page}"
    );
    assert!(page.contains("requests\n  none\n"), "{page}");
    assert!(page.ends_with("command: touch started\n"), "{page}");
}

#[test]
fn nothing_but_the_manifest_is_read() {
    let test =
        Test::manifest("version: 1\nenv: { A: dotenv://.env, B: file://fifo, C: env://SET }\n")
            .env("SET", "env-value")
            .known("env-value");
    nix::unistd::mkfifo(&test.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(test.path(".env"), "A\n").unwrap();
    fs::set_permissions(test.path(".env"), fs::Permissions::from_mode(0o000)).unwrap();
    test.args(["explain"]).any_stdout().success();
}

#[test]
fn explaining_takes_nothing_out_of_a_pipe() {
    // Reading, it would wait for the end of the pipe: not long.
    let test = Test::manifest(
        "version: 1\nrun: { timeout: 200ms }\nenv: { A: dotenv://fifo, B: file://fifo }\n",
    );
    nix::unistd::mkfifo(&test.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut fifo = fs::File::options()
        .read(true)
        .write(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
        .open(test.path("fifo"))
        .unwrap();
    let value = b"A=dev-key-in-the-pipe\n";
    fifo.write_all(value).unwrap();
    for words in [
        &["explain"][..],
        &["explain", "--format", "json"],
        &["run", "--dry-run", "--", "true"],
    ] {
        let output = test.command().args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
    let mut left = [0; 100];
    let count = fifo.read(&mut left).expect("it is still in the pipe");
    assert_eq!(&left[..count], value);
}

#[test]
fn every_command_has_help_with_examples_and_the_version_is_said() {
    for verb in [
        "run", "explain", "check", "get", "export", "trust", "schema",
    ] {
        let output = Test::new().args([verb, "--help"]).any_stdout().success();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Example"), "{verb}: {help}");
        assert!(help.contains("Usage: endow "), "{verb}: {help}");
        let page =
            String::from_utf8(Test::new().args(["--help"]).any_stdout().success().stdout).unwrap();
        assert!(
            page.contains(&format!("\n  {verb} ")),
            "{verb} stands in the page"
        );
    }
    Test::new()
        .args(["--version"])
        .stdout(format!("endow {}\n", env!("CARGO_PKG_VERSION")))
        .success();
}

#[test]
fn help_has_the_four_groups() {
    let page =
        String::from_utf8(Test::new().args(["--help"]).any_stdout().success().stdout).unwrap();
    let at = |heading: &str| {
        page.find(&format!("\n{heading}:\n"))
            .unwrap_or_else(|| panic!("{heading}: {page}"))
    };
    assert!(
        at("Run") < at("Values")
            && at("Values") < at("Register")
            && at("Register") < at("Setup")
            && at("Setup") < at("Examples")
    );
}

#[test]
fn a_usage_error_says_what_is_wrong_and_where_to_look() {
    Test::new().stderr("endow: error: a command is missing\nhint: try `endow run -- COMMAND`, or `endow --help`\n").status(2);
    Test::new()
        .args(["chekc"])
        .stderr("endow: error: unrecognized subcommand `chekc`\nhint: some similar subcommands exist: `schema`, `check`\nhint: see `endow --help`\n")
        .status(2);
}

#[test]
fn a_dry_run_says_that_endow_would_stay_and_why() {
    let output = Test::manifest("version: 1\nvalues: { A: a }\n")
        .args(["run", "--init", "--dry-run", "--", "true"])
        .any_stdout()
        .success();
    let page = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        page.contains("\nlaunch: supervise: `--init` asks for it\n"),
        "{page}"
    );
}

#[test]
fn a_file_on_tmpfs_makes_endow_stay_and_one_in_memory_does_not() {
    for (how, note, launch) in [
        ("file", "a file in memory", "exec: "),
        (
            "{ file: tmpfs }",
            "a file on tmpfs",
            "supervise: `A` is a file on tmpfs\n",
        ),
    ] {
        let manifest = format!("version: 1\nenv: {{ A: {{ from: \"file://a\", as: {how} }} }}\n");
        let output = Test::manifest(&manifest)
            .args(["explain"])
            .any_stdout()
            .success();
        let page = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(page.contains(note), "{page}");
        assert!(page.contains(&format!("\nlaunch: {launch}")), "{page}");
    }
}

#[test]
fn watching_makes_the_run_stay_and_an_abandoned_lease_does_not() {
    let launch = |manifest: &str, flags: &[&str]| {
        let test = Test::manifest(manifest)
            .args(["run", "--dry-run"])
            .args(flags);
        let output = test.any_stdout().success();
        let page = String::from_utf8(output.stdout).expect("UTF-8");
        let line = page.lines().find(|line| line.starts_with("launch: "));
        line.expect("how it is launched").to_owned()
    };
    let plain = "version: 1\nenv: { A: file://a }\n";
    assert_eq!(
        launch(&format!("{plain}run: {{ watch: 1m }}\n"), &[]),
        "launch: supervise: `run.watch` acts on changes"
    );
    assert_eq!(
        launch(plain, &["--watch"]),
        "launch: supervise: `--watch` acts on changes"
    );
    let leased = "version: 1\nenv: { A: { from: \"vault://database/creds/chat#password\", lease: KEEPS } }\n";
    let keeps = |word: &str| launch(&leased.replace("KEEPS", word), &[]);
    assert!(keeps("keep").starts_with("launch: supervise if leased: "));
    assert!(keeps("abandon").starts_with("launch: exec: "));
}

#[test]
fn every_error_is_json_where_json_is_asked_for() {
    Test::new()
        .args(["explain", "--format", "json"])
        .stderr(
            "{\n  \"problems\": [\n    {\n      \"code\": \"error\",\n      \"hints\": [\n        \
             \"write one (see `endow --help`), or name one: `endow --file PATH ...`, or ENDOW_FILE\"\n      ],\n      \
             \"message\": \"no secretfile.yaml in this directory or above it\",\n      \"place\": null,\n      \
             \"related\": []\n    }\n  ]\n}\n",
        )
        .status(2);
}

#[test]
fn the_second_of_a_doubled_name_is_dropped_and_said_so() {
    let test = Test::manifest("version: 1\ninherit: [none, TWICE]\n");
    let block = test.path("environ");
    let output = test
        .file("environ", b"TWICE=first-value\0TWICE=second-value\0")
        .known("first-value")
        .known("second-value")
        .started_with(&["--environ", block.to_str().expect("a path of text")])
        .args(["explain", "--format", "json"])
        .any_stdout()
        .success();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        report["inherited"],
        json!({ "inherit TWICE (secretfile.yaml:2)": ["TWICE"] })
    );
    assert_eq!(
        report["dropped"],
        json!({ "second of that name": ["TWICE"] })
    );
}

#[test]
fn a_path_that_holds_the_project_s_own_is_shown_whole() {
    let test = Test::new();
    let directory = fs::canonicalize(test.path("")).unwrap();
    let place = format!("/mnt{}/key", directory.display());
    let output = test
        .file(
            "secretfile.yaml",
            format!("version: 1\nenv: {{ A: \"file://{place}\" }}\n"),
        )
        .args(["explain", "--format", "json"])
        .any_stdout()
        .success();
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        report["requests"][0]["labels"],
        json!([format!("read {place} (1 place)")])
    );
}

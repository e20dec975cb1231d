//! Who passes: the words of `inherit`, static credentials, `-e`, and declared names never.

use super::shown;
use crate::harness::Test;

/// The caller of the tests of words: some of the base set, of the clouds, and of nobody.
const CALLER: [&str; 15] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "DEBUGGING",
    "HTTP_TIMEOUT",
    "OP_SERVICE_ACCOUNT_TOKEN",
    "OP_SESSION_team",
    "OTEL_EXPORTER",
    "OTEL_KEY",
    "TZ",
    "VAULT_ADDR",
    "VAULT_TOKEN",
    "XDG_TOKEN",
];

/// The names of the child, for a caller whose every variable holds its own name.
#[track_caller]
fn names(manifest: &str, flags: &[&str]) -> Vec<String> {
    let test = CALLER
        .iter()
        .fold(Test::manifest(manifest), |test, name| test.env(name, name))
        .args(["run"])
        .args(flags)
        .args(["--", "cat", "/proc/self/environ"]);
    let output = test.prints_values().any_stdout().success();
    let entries = super::entries(&output.stdout);
    let names = entries.iter().map(|entry| {
        let entry = std::str::from_utf8(entry).expect("text");
        entry.split_once('=').expect("an entry").0.to_owned()
    });
    names.collect()
}

#[test]
fn the_words_of_inherit_add_and_remove_and_the_last_one_wins() {
    let all = "AWS_LAMBDA_FUNCTION_NAME AWS_REGION AWS_WEB_IDENTITY_TOKEN_FILE DEBUGGING HOME \
        HTTP_TIMEOUT OTEL_EXPORTER OTEL_KEY PATH TZ VAULT_ADDR XDG_TOKEN";
    let aws = "AWS_LAMBDA_FUNCTION_NAME AWS_REGION AWS_WEB_IDENTITY_TOKEN_FILE HOME PATH TZ";
    for (words, expected) in [
        ("[]", "HOME PATH TZ"),
        ("[DEBUGGING]", "DEBUGGING HOME PATH TZ"),
        ("DEBUGGING", "DEBUGGING HOME PATH TZ"),
        ("[NOT_SET, DEBU, EBUG]", "HOME PATH TZ"),
        ("[debug]", "HOME PATH TZ"),
        (
            "[HTTP_TIMEOUT, 'OTEL_*']",
            "HOME HTTP_TIMEOUT OTEL_EXPORTER OTEL_KEY PATH TZ",
        ),
        ("['*_KEY']", "HOME OTEL_KEY PATH TZ"),
        ("['O*L_*K*']", "HOME OTEL_KEY PATH TZ"),
        ("[XDG_TOKEN]", "HOME PATH TZ XDG_TOKEN"),
        ("['XDG_*']", "HOME PATH TZ XDG_TOKEN"),
        ("[aws]", aws),
        ("[none]", ""),
        ("[none, TZ]", "TZ"),
        ("[TZ, none]", ""),
        (
            "[none, aws, -AWS_REGION]",
            "AWS_LAMBDA_FUNCTION_NAME AWS_WEB_IDENTITY_TOKEN_FILE",
        ),
        ("[-TZ]", "HOME PATH"),
        ("[-TZ, TZ]", "HOME PATH TZ"),
        ("[DEBUGGING, -DEBUGGING]", "HOME PATH TZ"),
        ("[-DEBUGGING, DEBUGGING]", "DEBUGGING HOME PATH TZ"),
        ("['OTEL_*', '-*_KEY']", "HOME OTEL_EXPORTER PATH TZ"),
        (
            "['-*_KEY', 'OTEL_*']",
            "HOME OTEL_EXPORTER OTEL_KEY PATH TZ",
        ),
        ("[aws, -aws]", "HOME PATH TZ"),
        ("[-all, DEBUGGING]", "DEBUGGING"),
        ("[all]", all),
        ("['*']", all),
        ("[none, all]", all),
        ("[all, -all]", ""),
    ] {
        let found = names(&format!("version: 1\ninherit: {words}\n"), &[]);
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(found, expected, "inherit: {words}");
    }
}

#[test]
fn a_profile_adds_its_words_after_those_of_the_top_level() {
    let manifest = "version: 1\ninherit: [DEBUGGING, 'OTEL_*']\ndefault_profile: dev\nprofiles:\n  \
        dev: { inherit: [-OTEL_KEY, HTTP_TIMEOUT] }\n";
    assert_eq!(
        names(manifest, &[]),
        [
            "DEBUGGING",
            "HOME",
            "HTTP_TIMEOUT",
            "OTEL_EXPORTER",
            "PATH",
            "TZ"
        ]
    );
}

#[test]
fn a_static_credential_passes_by_its_literal_name_alone() {
    let credentials = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "OP_SERVICE_ACCOUNT_TOKEN",
        "OP_SESSION_team",
        "VAULT_TOKEN",
    ];
    for credential in credentials {
        let (head, tail) = credential.split_at(4);
        for words in [
            "[]".to_owned(),
            "[all]".to_owned(),
            format!("['{head}*']"),
            format!("['*{tail}']"),
            format!("['{credential}*']"),
            format!("[{credential}, -{credential}]"),
            format!("[{credential}, none]"),
        ] {
            let found = names(&format!("version: 1\ninherit: {words}\n"), &[]);
            assert!(
                !found.iter().any(|name| name == credential),
                "inherit: {words}"
            );
        }
        for words in [
            format!("[{credential}]"),
            format!("[none, {credential}]"),
            format!("[all, {credential}]"),
            format!("[-{credential}, {credential}]"),
        ] {
            let found = names(&format!("version: 1\ninherit: {words}\n"), &[]);
            let passed: Vec<_> = found
                .iter()
                .filter(|name| credentials.contains(&name.as_str()))
                .collect();
            assert_eq!(passed, [credential], "inherit: {words}");
        }
    }
}

#[test]
fn a_glob_or_group_after_its_name_does_not_take_a_credential_back() {
    for words in ["[VAULT_TOKEN, all]", "[VAULT_TOKEN, 'VAULT_*']"] {
        let found = names(&format!("version: 1\ninherit: {words}\n"), &[]);
        assert!(
            found.iter().any(|name| name == "VAULT_TOKEN"),
            "inherit: {words}"
        );
    }
}

#[test]
fn a_variable_that_a_setting_reads_is_a_static_credential() {
    let manifest = |words: &str| {
        format!(
            "version: 1\ninherit: {words}\nbackends:\n  \
             d: {{ type: dotenv, expand: {{ from: env://DEBUGGING }} }}\n"
        )
    };
    let debug = |words: &str| {
        let test = Test::manifest(&manifest(words)).env("DEBUGGING", "true");
        shown(test).contains(&"DEBUGGING=true".to_owned())
    };
    assert!(!debug("all"));
    assert!(!debug("['DEB*']"));
    assert!(debug("[all, DEBUGGING]"));
    // It is one because of the setting alone.
    assert!(names("version: 1\ninherit: all\n", &[]).contains(&"DEBUGGING".to_owned()));
}

/// What a backend is given does not reach the command by a glob or a group, whichever backend it is,
/// whichever profile says so, and whether it is asked or not.
#[test]
fn a_variable_that_any_backend_of_any_profile_is_given_is_a_static_credential() {
    let exec = "backends: { conjur: { type: exec, command: [conjur-provider], inherit: [CONJUR_AUTHN_API_KEY, 'CONJUR_ACCOUNT*', HOME, '*'] } }";
    let of_prod = "default_profile: dev\nprofiles:\n  dev:\n  prod: { backends: { vault: { auth: { token: { from: env://PROD_TOKEN } } }, own: { type: exec, inherit: [OWN_KEY] } } }";
    let of_profile = "default_profile: dev\nprofiles:\n  dev:\n  prod: { backends: { vault: { auth: { token: { from: 'env://TOKEN_{profile}' } } } } }";
    for (backends, names) in [
        (
            "",
            "BAO_HEADERS VAULT_HEADERS BAO_TOKEN BAO_CLIENT_KEY_BYTES VAULT_CLIENT_KEY_BYTES",
        ),
        (
            "",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN ACTIONS_ID_TOKEN_REQUEST_URL",
        ),
        (exec, "CONJUR_AUTHN_API_KEY CONJUR_ACCOUNT_KEY"),
        (of_prod, "PROD_TOKEN OWN_KEY"),
        (of_profile, "TOKEN_prod"),
    ] {
        for name in names.split_whitespace() {
            let passed = |words: &str| {
                let test = Test::manifest(&format!(
                    "version: 1\nenv: {{}}\ninherit: [{words}]\n{backends}\n"
                ))
                .env(name, "the-credential")
                .env("OTHER", "other")
                .args(["--file", "secretfile.yaml"])
                .run(["cat", "/proc/self/environ"]);
                let output = test.any_stdout().success();
                let block = String::from_utf8(output.stdout).unwrap();
                assert!(block.contains("HOME="), "{block}");
                block
                    .split('\0')
                    .any(|entry| entry.starts_with(&format!("{name}=")))
            };
            assert!(!passed("all"), "{name} reached the command");
            assert!(!passed("'*_*'"), "{name} reached the command");
            assert!(passed(&format!("all, {name}")), "{name} was named");
        }
    }
}

#[test]
fn a_declared_name_is_never_inherited() {
    let manifest = "\
version: 1
inherit: [all, ABSENT, PART, UNSELECTED]
env:
  ABSENT: { required: false, from: dotenv://.env }
  PART: { from: dotenv://.env, export: false }
  UNSELECTED: dotenv://.env
  SELECTED: dotenv://.env
";
    let dotenv = "PART=the-part\nUNSELECTED=unselected\nSELECTED=selected\n";
    let caller = ["ABSENT", "PART", "UNSELECTED", "SELECTED"];
    let test = || {
        caller
            .iter()
            .fold(Test::manifest(manifest).dotenv(dotenv), |test, name| {
                test.env(name, "of-the-caller")
            })
    };
    let declared = |entries: Vec<String>| -> Vec<String> {
        let is_declared = |entry: &String| {
            caller
                .iter()
                .any(|name| entry.starts_with(&format!("{name}=")))
        };
        entries.into_iter().filter(is_declared).collect()
    };
    assert_eq!(
        declared(shown(test())),
        ["SELECTED=selected", "UNSELECTED=unselected"]
    );
    let output = test()
        .args([
            "run",
            "--only",
            "SELECTED",
            "--",
            "cat",
            "/proc/self/environ",
        ])
        .prints_values()
        .any_stdout()
        .success();
    let entries = super::entries(&output.stdout);
    let entries = entries
        .into_iter()
        .map(|entry| String::from_utf8(entry).expect("text"));
    assert_eq!(declared(entries.collect()), ["SELECTED=selected"]);
}

#[test]
fn a_flag_passes_one_more_variable_and_credentials_too() {
    let manifest = "version: 1\ninherit: none\n";
    assert_eq!(names(manifest, &["-e", "DEBUGGING"]), ["DEBUGGING"]);
    assert_eq!(
        names(
            manifest,
            &["-e", "VAULT_TOKEN", "-eDEBUGGING", "-e", "NOT_SET"]
        ),
        ["DEBUGGING", "VAULT_TOKEN"]
    );
    assert_eq!(
        names("version: 1\ninherit: -DEBUGGING\n", &["-e", "DEBUGGING"]),
        ["DEBUGGING", "HOME", "PATH", "TZ"]
    );
    // A name, not a pattern, and no group.
    assert_eq!(names(manifest, &["-e", "OTEL_*", "-e", "all"]), [""; 0]);
}

#[test]
fn a_flag_with_a_value_sets_a_variable() {
    let test = Test::manifest("version: 1\ninherit: none\n")
        .env("TZ", "of-the-caller")
        .args([
            "run", "-e", "A=1", "-e", "B==x=y", "-e", "C=", "-e", "D=first", "-e", "D=last",
        ])
        .args([
            "-e",
            "TZ=UTC",
            "-e",
            "TZ",
            "-e",
            "odd name=two\nlines",
            "--",
        ]);
    let output = test.args(super::SHOW).any_stdout().success();
    assert_eq!(
        String::from_utf8(output.stdout).expect("text"),
        "A=1\0B==x=y\0C=\0D=last\0TZ=UTC\0odd name=two\nlines\0"
    );
}

#[test]
fn a_flag_for_a_declared_name_is_refused() {
    let manifest = "version: 1\nenv:\n  A: { required: false, from: dotenv://.env }\n  \
        PART: { from: dotenv://.env, export: false }\nvalues: { PORT: 3000 }\n";
    for (word, name) in [
        ("A", "A"),
        ("A=x", "A"),
        ("PART", "PART"),
        ("PORT=4000", "PORT"),
    ] {
        Test::manifest(manifest)
            .dotenv("PART=the-part\n")
            .args(["run", "-e", word, "--", "touch", "started"])
            .stderr(format!(
                "endow: error: -e {name}: the manifest declares it\n\
                 hint: its value comes from its place; another profile can say another place\n"
            ))
            .status(125);
    }
}

#[test]
fn a_flag_without_a_name_is_refused() {
    for word in ["", "=", "=x", "=x=y"] {
        Test::manifest("version: 1\n")
            .args(["run", "-e", word, "--", "touch", "started"])
            .stderr(
                "endow: error: -e with an empty name\n\
                 hint: write `-e NAME` or `-e NAME=VALUE`\n",
            )
            .status(125);
    }
}

/// `/proc` has every variable of the caller, also where another name leads there.
#[cfg(target_os = "linux")]
#[test]
fn no_place_reads_the_environment_of_a_process() {
    for place in [
        "file:///proc/self/environ",
        "file://link",
        "\"dotenv:///proc/self/environ#AWS_SECRET_ACCESS_KEY\"",
    ] {
        let test = Test::manifest(&format!("version: 1\nenv: {{ A: {place} }}\n"))
            .env_path("ENDOW_FILE", "secretfile.yaml")
            .env("AWS_SECRET_ACCESS_KEY", "the-key-of-an-admin")
            .known("the-key-of-an-admin");
        std::os::unix::fs::symlink("/proc/self/environ", test.path("link")).expect("a link");
        let output = test.run(["true"]).any_stderr().status(125);
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(report.contains("A: malformed: `/"), "{report}");
        assert!(
            report.contains("is no file but what the kernel says"),
            "{report}"
        );
    }
}

//! The two modes, what a failing program is quoted with, and what it is given.

use std::{collections::BTreeSet, fs};

use serde_json::json;

use super::Program;
use crate::harness::Test;

#[test]
fn a_stream_provider_answers_all_in_one_run_byte_for_byte() {
    let values = json!({"prod/db": "  kept as it is\n\n", "a b": "second \u{e9}"});
    let program = Program::of("summon_stream.py", &values);
    let test = program.manifest("", "A: own://prod/db, B: \"own://a b\", C: own://prod/db");
    test.shell("printf '%s|' \"$A\" \"$B\" \"$C\"")
        .stdout("  kept as it is\n\n|second \u{e9}|  kept as it is\n\n|")
        .success();
    let starts = program.starts();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0]["argv"], json!([]));
}

#[test]
fn a_legacy_provider_answers_one_a_run_and_is_trimmed() {
    let values = json!({"prod/db": "  trimmed as Summon does\n", "x": "second"});
    let program = Program::of("summon_legacy.py", &values);
    let test = program.manifest("", "A: own://prod/db, B: own://x");
    test.shell("printf '%s|' \"$A\" \"$B\"")
        .stdout("trimmed as Summon does|second|")
        .success();
    // Stream mode was tried first, and its complaint is not the user's concern.
    let mut words: Vec<String> = program
        .starts()
        .iter()
        .map(|start| start["argv"].to_string())
        .collect();
    words.sort();
    assert_eq!(words, ["[\"prod/db\"]", "[\"x\"]", "[]"]);
}

#[test]
fn standard_error_in_stream_mode_falls_back_to_legacy() {
    let script = "#!/bin/sh
if test $# = 0; then
    echo 'deprecated option' >&2
    while read -r id; do echo d3Jvbmc=; done
    exec sleep 600
fi
printf 'legacy value of %s' \"$1\"
";
    let program = Program::script(script);
    let test = program.manifest("", "A: own://a, B: own://b");
    test.shell("echo \"$A, $B\"")
        .stdout("legacy value of a, legacy value of b\n")
        .success();
}

#[test]
fn every_id_that_fails_is_named_with_the_program_s_own_words() {
    let program = Program::of("summon_stream.py", &json!({"good": "a-good-value"}));
    let test = program.manifest("", "A: own://bad, B: own://good, C: own://worse");
    let output = test
        .known("a-good-value")
        .run(["true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("endow: error: 2 of 3 variables have no value"),
        "{stderr}"
    );
    for (name, id) in [("A", "bad"), ("C", "worse")] {
        let path = program.path("provider");
        let expected = format!(
            "{name}: unreachable: `{}` ended with status 1: no variable {id} (own://{id},",
            path.display()
        );
        assert!(stderr.contains(&expected), "{stderr}");
    }
}

#[test]
fn no_known_value_is_in_what_a_program_is_quoted_with() {
    let script = "#!/bin/sh
test $# = 1 || exit 1
echo \"asked for $1 with $OWN_TOKEN, seen elsewhere-value, $(printf elsewhere-value | base64)\" >&2
case $1 in bad) exit 3;; *) printf 'value-of-%s' \"$1\"; echo \"value-of-$1\" >&2;; esac
";
    let program = Program::script(script);
    let entries = "A: own://good, B: env://ELSEWHERE";
    let test = program
        .manifest(", inherit: [OWN_TOKEN]", entries)
        .env("OWN_TOKEN", "the-own-token")
        .env("ELSEWHERE", "elsewhere-value");
    let known = ["the-own-token", "elsewhere-value", "value-of-good"];
    let test = known.into_iter().fold(test, Test::known);
    test.run(["true"])
        .stderr("endow: warning: `own` says: asked for good with ***, seen ***, ***; ***\n")
        .success();
    let entries = "A: own://good, B: env://ELSEWHERE, C: own://bad";
    let test = program
        .manifest(", inherit: [OWN_TOKEN]", entries)
        .env("OWN_TOKEN", "the-own-token")
        .env("ELSEWHERE", "elsewhere-value");
    let test = known.into_iter().fold(test, Test::known);
    let output = test.run(["true"]).any_stderr().status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = "ended with status 3: asked for bad with ***, seen ***, *** (own://bad,";
    assert!(stderr.contains(expected), "{stderr}");
}

/// What quotes a program cuts it short and puts it on one line: neither may hide a value from the
/// search for it.
#[test]
fn no_form_of_a_value_is_in_what_a_program_is_quoted_with() {
    let long = "a-long-value-of-the-program-itself-".repeat(4);
    let value = format!("tab\tand {long}");
    for say in [
        "printf '%0390d' 0 | cat - other",
        "cat other",
        "printf %s \"$value\" | od -An -v -tx1 | tr -d ' '",
        "printf %s \"$value\" | od -An -v -tx1 | tr -d ' \\n' | tr a-f A-F",
        "printf %s \"$value\" | base64",
        "printf %s \"$value\" | base64 -w 0 | tr +/ -_",
        "printf '%065500d' 0 | tr 0 ' '; printf %s \"$value\"",
    ] {
        let script = format!(
            "#!/bin/sh\ntest $# = 1 || exit 1\nvalue='{value}'\nprintf %s \"$value\"\n{{ {say}; }} >&2\n"
        );
        let program = Program::script(&script);
        for end in ["", "exit 3\n"] {
            let script = format!("{script}{end}");
            fs::write(program.path("provider"), script).expect("the program");
            let test = program.manifest("", "A: own://a, B: file://other");
            let output = test
                .file_with_mode("other", "another\tvalue of some-other-backend", 0o600)
                .known(&value)
                .known("some-other-backend")
                .run(["true"])
                .any_stderr()
                .status(if end.is_empty() { 0 } else { 125 });
            let report = String::from_utf8_lossy(&output.stderr);
            assert!(
                report.contains("***") || report.contains("000..."),
                "{say}: {report}"
            );
            for part in [
                "another",
                "some-other",
                "a-long",
                "YS1sb25n",
                "612d6c",
                "612D6C",
            ] {
                assert!(!report.contains(part), "{say}: {report}");
            }
        }
    }
}

#[test]
fn its_environment_is_the_base_set_and_what_its_inherit_names() {
    let program = Program::of("summon_stream.py", &json!({"a": "x"}));
    let test = program
        .manifest(
            ", inherit: [CONJUR_AUTHN_LOGIN, \"CONJUR_A*\"]",
            "A: own://a, B: env://SECRET",
        )
        .env("SECRET", "a-secret-of-another")
        .env("CONJUR_AUTHN_LOGIN", "host/chat")
        .env("CONJUR_APPLIANCE_URL", "https://conjur.acme.dev")
        .env("VAULT_TOKEN", "a-vault-token")
        .env("AWS_SECRET_ACCESS_KEY", "an-admin-key")
        .env("LANG", "C.UTF-8");
    test.run(["true"]).success();
    let starts = program.starts();
    let environment = starts[0]["environment"]
        .as_object()
        .expect("an environment");
    let names: BTreeSet<&str> = environment.keys().map(String::as_str).collect();
    let expected = [
        "CONJUR_APPLIANCE_URL",
        "CONJUR_AUTHN_LOGIN",
        "HOME",
        "LANG",
        "PATH",
    ];
    assert_eq!(names, BTreeSet::from(expected));
}

#[test]
fn a_glob_brings_in_no_credential_of_a_backend_nor_one_that_a_setting_names() {
    let program = Program::of("summon_stream.py", &json!({"a": "x"}));
    let manifest = format!(
        "version: 1
backends:
  own: {{ type: exec, command: [{}], inherit: [\"*\"] }}
  vault: {{ auth: {{ method: token, token: {{ from: env://CHAT_TOKEN }} }} }}
  op: {{ account: {{ from: env://LC_ACCOUNT }} }}
env: {{ A: own://a }}
",
        program.path("provider").display()
    );
    Test::manifest(&manifest)
        .args(["--file", "secretfile.yaml"])
        .env("CHAT_TOKEN", "the-token-of-the-chat")
        .env("LC_ACCOUNT", "a-name-of-the-base-set")
        .env("VAULT_TOKEN", "a-vault-token")
        .env("PLAIN", "plain")
        .run(["true"])
        .success();
    let starts = program.starts();
    let environment = starts[0]["environment"]
        .as_object()
        .expect("an environment");
    for (name, is_there) in [
        ("PLAIN", true),
        ("CHAT_TOKEN", false),
        ("LC_ACCOUNT", false),
        ("VAULT_TOKEN", false),
    ] {
        assert_eq!(environment.contains_key(name), is_there, "{name}");
    }
}

#[test]
fn a_name_is_looked_up_outside_the_repository() {
    let program = Program::of("summon_stream.py", &json!({"a": "from outside"}));
    let test = program.manifest("", "A: own://a");
    let theirs = test.path("bin");
    let manifest =
        "version: 1\nbackends: { own: { type: exec, command: [provider] } }\nenv: { A: own://a }\n";
    let path = format!(
        "bin:{}:{}:/usr/bin:/bin",
        theirs.display(),
        program.path("").display()
    );
    test.file("secretfile.yaml", manifest)
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file_with_mode(
            "bin/provider",
            "#!/bin/sh\nprintf 'from the repository'\n",
            0o755,
        )
        .env("PATH", path)
        .shell("echo \"$A\"")
        .stdout("from outside\n")
        .success();
}

#[test]
fn a_path_starts_where_the_manifest_stands() {
    let text = "version: 1\nbackends: { own: { type: exec, command: [./tools/provider, --first] } }\n\
        env: { A: own://a }\n";
    Test::manifest(text)
        .file_with_mode(
            "tools/provider",
            "#!/bin/sh\ntest $# = 2 || exit 1\nprintf '%s' \"$*\"\n",
            0o755,
        )
        .directory("below")
        .args(["--file", "../secretfile.yaml"])
        .shell("echo \"$A\"")
        .stdout("--first a\n")
        .success();
}

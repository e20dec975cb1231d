//! What `op` is given, and what it is not.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{StandIn, chat, project};
use crate::harness::Test;

const TOKEN: &str = "ops_eyJzaWduSW5BZGRyZXNz";

#[test]
fn nothing_secret_is_in_the_words_or_the_environment_of_op_but_its_own_token() {
    let fields = [("a", "value-of-a")];
    let mut config = chat(&fields);
    config["token"] = TOKEN.into();
    let manifest = "version: 1\nenv:\n  A: op://AI Team/Chat/a\n  B: env://OTHER_SECRET\n";
    let (test, op) = StandIn::install(Test::manifest(manifest), &config);
    test.env("OP_SERVICE_ACCOUNT_TOKEN", TOKEN)
        .env("OTHER_SECRET", "the-other-secret")
        .env("AWS_SECRET_ACCESS_KEY", "the-admin-key")
        .env("OP_SESSION_acme", "a-stale-session")
        .env("OP_DEBUG", "true")
        .env("LANG", "C.UTF-8")
        .env("XDG_CONFIG_HOME", "/nonexistent/config")
        .env("https_proxy", "http://127.0.0.1:9")
        .known(TOKEN)
        .known("the-other-secret")
        .known("the-admin-key")
        .known("value-of-a")
        .run(["true"])
        .success();
    let runs = op.runs();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["argv"], serde_json::json!(["inject"]));
    let environment = runs[0]["environment"].as_object().expect("an environment");
    let names: BTreeSet<&str> = environment.keys().map(String::as_str).collect();
    // Python adds a locale variable to its own environment where there is none of UTF-8.
    let expected = [
        "HOME",
        "LANG",
        "OP_SERVICE_ACCOUNT_TOKEN",
        "PATH",
        "XDG_CONFIG_HOME",
        "https_proxy",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    assert_eq!(environment["OP_SERVICE_ACCOUNT_TOKEN"], TOKEN);
    let template = runs[0]["stdin"].as_str().expect("a template");
    assert!(template.contains("{{ op://AI Team/Chat/a }}"), "{template}");
    assert_eq!(runs[0]["directory"], "/");
    assert_eq!(runs[0]["leads_group"], true);
}

#[test]
fn an_ambient_token_is_not_given_to_a_named_account() {
    let config = |account: &str| {
        let mut config = chat(&[("a", "value-of-a")]);
        config["account"] = account.into();
        config
    };
    let manifest = "version: 1\nbackends: { team: { type: op, account: acme.1password.com } }\n\
        env: { A: team://AI Team/Chat/a }\n";
    let (test, op) = StandIn::install(Test::manifest(manifest), &config("acme.1password.com"));
    test.env("OP_SERVICE_ACCOUNT_TOKEN", TOKEN)
        .env("OP_CONNECT_HOST", "http://127.0.0.1:9")
        .env("OP_CONNECT_TOKEN", "a-connect-token")
        .run(["true"])
        .success();
    assert_eq!(op.words(), ["inject --account acme.1password.com"]);
    let environment = &op.runs()[0]["environment"];
    assert_eq!(environment.get("OP_SERVICE_ACCOUNT_TOKEN"), None);
    assert_eq!(environment.get("OP_CONNECT_TOKEN"), None);
}

#[test]
fn several_accounts_are_several_backends() {
    let manifest = "version: 1
backends:
  one: { type: op, account: one.1password.com }
  two: { type: op, service_account_token: { from: env://TWO_TOKEN } }
env: { A: one://AI Team/Chat/a, B: two://AI Team/Chat/a }
";
    let (test, op) = StandIn::install(Test::manifest(manifest), &chat(&[("a", "value-of-a")]));
    test.env("TWO_TOKEN", TOKEN).run(["true"]).success();
    let mut words = op.words();
    words.sort();
    assert_eq!(words, ["inject", "inject --account one.1password.com"]);
    let tokens = op.runs();
    let tokens = tokens
        .iter()
        .filter_map(|run| run["environment"].get("OP_SERVICE_ACCOUNT_TOKEN"));
    assert_eq!(tokens.collect::<Vec<_>>(), [TOKEN]);
}

#[test]
fn a_stale_session_is_removed_and_a_good_one_is_used_where_nobody_is_signed_in() {
    let fields = [("a", "value-of-a")];
    // The app would let it in: a session that `op` were given would only hinder.
    let (test, op) = StandIn::install(project(&fields), &chat(&fields));
    test.env("OP_SESSION_acme", "a-stale-session")
        .run(["true"])
        .success();
    assert_eq!(op.words(), ["inject"]);
    assert_eq!(op.runs()[0]["environment"].get("OP_SESSION_acme"), None);
    let mut config = chat(&fields);
    config["session"] = "a-good-session".into();
    let (test, op) = StandIn::install(project(&fields), &config);
    test.env("OP_SESSION_acme", "a-good-session")
        .run(["true"])
        .success();
    assert_eq!(op.words(), ["inject", "inject"]);
    assert_eq!(
        op.runs()[1]["environment"]["OP_SESSION_acme"],
        "a-good-session"
    );
}

#[test]
fn a_token_in_the_manifest_is_refused_and_not_shown() {
    for setting in ["service_account_token", "connect_token"] {
        let text = format!(
            "version: 1\nbackends: {{ op: {{ {setting}: {TOKEN} }} }}\nenv: {{ A: op://a/b/c }}\n"
        );
        let output = Test::manifest(&text)
            .known(TOKEN)
            .run(["true"])
            .any_stderr()
            .status(125);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let expected = format!("`{setting}` is a credential, and a manifest is no place for one");
        assert!(stderr.contains(&expected), "{stderr}");
    }
}

#[test]
fn a_dollar_in_a_reference_is_refused_before_anything_runs() {
    let (test, op) = StandIn::install(
        Test::manifest("version: 1\nenv: { A: \"op://AI Team/$ITEM/a\" }\n"),
        &chat(&[]),
    );
    let output = test
        .env("ITEM", "Chat")
        .run(["true"])
        .any_stderr()
        .status(125);
    assert!(String::from_utf8_lossy(&output.stderr).contains("`$` is refused"));
    assert_eq!(op.runs(), Vec::<Value>::new());
}

#[test]
fn an_op_of_the_repository_is_never_run() {
    let fields = [("a", "value-of-a")];
    let (test, op) = StandIn::install(project(&fields), &chat(&fields));
    let was_run = op.path("was-run");
    let theirs = format!("#!/bin/sh\ntouch {}\nexit 1\n", was_run.display());
    let test = test
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file_with_mode("bin/op", &theirs, 0o755)
        .file_with_mode("op", &theirs, 0o755);
    let theirs = test.path("bin");
    let ours = op.path("");
    let path = format!(":.:bin:{}:{}", theirs.display(), ours.display());
    test.env("PATH", path).run(["/bin/true"]).success();
    assert_eq!(op.words(), ["inject"]);
    assert!(!was_run.exists());
    let given = op.runs()[0]["environment"]["PATH"]
        .as_str()
        .expect("PATH")
        .to_owned();
    assert!(
        std::env::split_paths(&given)
            .all(|directory| directory.is_absolute() && directory != theirs)
    );
}

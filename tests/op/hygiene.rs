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

/// What a program of the project does that must not be started.
fn planted(op: &StandIn) -> (String, std::path::PathBuf) {
    let was_run = op.path("was-run");
    let script = format!("#!/bin/sh\ntouch {}\nexit 1\n", was_run.display());
    (script, was_run)
}

/// However the project is kept, npm scripts put its programs first in PATH.
#[test]
fn an_op_of_the_project_is_never_run() {
    let fields = [("a", "value-of-a")];
    let kept: [&[&str]; 7] = [
        &[],
        &[".git/HEAD"],
        &[".git"],
        &[".hg/requires"],
        &[".jj/repo"],
        &[".svn/wc.db"],
        // The manifest's is the inner one, the program the outer one's.
        &[".git/HEAD", "packages/app/.git/HEAD"],
    ];
    for marks in kept {
        let (test, op) = StandIn::install(project(&fields), &chat(&fields));
        let (script, was_run) = planted(&op);
        let manifest = std::fs::read_to_string(test.path("secretfile.yaml")).expect("the manifest");
        let mut test = test
            .file("packages/app/secretfile.yaml", manifest)
            .file_with_mode("packages/app/node_modules/.bin/op", &script, 0o755)
            .file_with_mode("packages/app/op", &script, 0o755);
        let mut theirs = vec!["packages/app/node_modules/.bin", "packages/app"];
        for mark in marks {
            test = test.file(mark, "ref: refs/heads/main\n");
        }
        if !marks.is_empty() {
            theirs.push("bin");
            test = test.file_with_mode("bin/op", &script, 0o755);
            std::os::unix::fs::symlink(test.path("bin"), op.path("linked")).expect("a link");
        }
        let theirs: Vec<_> = theirs.into_iter().map(|name| test.path(name)).collect();
        let mut path = vec!["".into(), ".".into(), "bin".into(), op.path("linked")];
        path.push(test.path("packages/app/x/../node_modules/.bin"));
        std::fs::create_dir(test.path("packages/app/x")).expect("a directory");
        path.extend(theirs.iter().cloned());
        path.push(op.path(""));
        let path = std::env::join_paths(path).expect("a PATH");
        test.env("PATH", path)
            .directory("packages/app")
            .run(["/bin/true"])
            .success();
        assert_eq!(op.words(), ["inject"], "{marks:?}");
        assert!(!was_run.exists(), "{marks:?}");
        let run = &op.runs()[0];
        let given = run["environment"]["PATH"].as_str().expect("PATH");
        for directory in std::env::split_paths(given) {
            let real = directory.canonicalize().unwrap_or(directory);
            assert!(real.is_absolute() && !theirs.contains(&real), "{given}");
        }
    }
}

/// A manifest in a parent directory that this one extends makes that directory a part of it.
#[test]
fn an_op_beside_a_file_that_is_extended_is_never_run() {
    let fields = [("a", "value-of-a")];
    let (test, op) = StandIn::install(project(&fields), &chat(&fields));
    let (script, was_run) = planted(&op);
    let test = test
        .file(
            "app/secretfile.yaml",
            "version: 1\nextends: ../secretfile.yaml\nenv: { A: op://AI Team/Chat/a }\n",
        )
        .file_with_mode("bin/op", &script, 0o755);
    let path = std::env::join_paths([test.path("bin"), op.path("")]).expect("a PATH");
    test.env("PATH", path)
        .directory("app")
        .run(["/bin/true"])
        .success();
    assert_eq!(op.words(), ["inject"]);
    assert!(!was_run.exists());
}

#[test]
fn where_the_projects_own_op_is_the_only_one_that_is_said() {
    let fields = [("a", "value-of-a")];
    let (test, op) = StandIn::install(project(&fields), &chat(&fields));
    let (script, _) = planted(&op);
    let test = test.file_with_mode("node_modules/.bin/op", &script, 0o755);
    let path = test.path("node_modules/.bin");
    let output = test
        .env("PATH", &path)
        .run(["/bin/true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("1Password's CLI `op` is not in PATH")
            && stderr
                .contains("/node_modules/.bin/op` belongs to the project, so it is not started"),
        "{stderr}"
    );
}

/// Home can be kept in a repository: its programs are the caller's own.
#[test]
fn an_op_below_a_home_that_is_a_repository_is_run() {
    let fields = [("a", "value-of-a")];
    let (test, op) = StandIn::install(project(&fields), &chat(&fields));
    let home = test.path("..").canonicalize().expect("home");
    let of_home = home.join(".git");
    std::fs::create_dir(&of_home).expect("a directory");
    let bin = home.join("bin");
    std::os::unix::fs::symlink(op.path(""), &bin).expect("a link");
    let path = std::env::join_paths([&bin]).expect("a PATH");
    test.env("PATH", path)
        .env("HOME", &home)
        .run(["/bin/true"])
        .success();
    assert_eq!(op.words(), ["inject"]);
}

//! What `endow trust` shows, and how it asks.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use super::{EXEC, endow, ends, goes_on, is_refused, trust};
use crate::harness::{ENDOW, Test};

/// `endow trust` on a terminal, where this is typed.
fn answered(test: &Test, typed: &str) -> Output {
    let endow = test.command();
    let variables = endow
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut script = Command::new("script")
        .args(["-qec", &format!("'{ENDOW}' trust"), "/dev/null"])
        .env_clear()
        .envs(variables)
        .current_dir(test.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is installed: apt-get install bsdutils");
    let mut input = script.stdin.take().expect("a pipe");
    input.write_all(typed.as_bytes()).expect("script reads");
    // It is held open until the end: its own end would be typed too.
    let output = script.wait_with_output().expect("script ends");
    drop(input);
    output
}

fn rewrite(test: &Test, manifest: &str) {
    fs::write(test.path("secretfile.yaml"), manifest).expect("the manifest");
}

#[test]
fn on_a_terminal_it_asks_and_only_yes_is_yes() {
    for (typed, status) in [
        ("y\n", 0),
        ("YES\n", 0),
        ("n\n", 1),
        ("\n", 1),
        ("yy\n", 1),
        ("\u{4}", 1),
    ] {
        let output = answered(&Test::manifest(EXEC), typed);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{typed:?}: {said}");
        assert!(
            said.contains("  conjur  runs: conjur-provider\r\n"),
            "{said}"
        );
        assert!(said.contains("Trust this? [y/N] "), "{said}");
        assert_eq!(
            said.contains("trusted: secretfile.yaml"),
            status == 0,
            "{said}"
        );
        assert_eq!(said.contains("nothing was changed"), status == 1, "{said}");
    }
}

#[test]
fn without_a_terminal_it_shows_everything_and_wants_yes() {
    let test = Test::manifest(EXEC);
    let output = endow(&test, &["trust"]);
    ends(
        &output,
        2,
        "endow: error: nothing was changed: there is no terminal to ask on\n\
         hint: read what is printed above, then run `endow trust --yes`\n",
    );
    assert_eq!(
        output.stdout,
        b"secretfile.yaml asks for this:\n  conjur  runs: conjur-provider\n"
    );
    is_refused(&test);
    trust(&test);
    goes_on(&test);
    assert_eq!(
        trust(&test),
        "secretfile.yaml is trusted already, and has not changed\n"
    );
}

#[test]
fn after_a_change_only_what_is_different_is_shown() {
    let manifest = |address: &str, rest: &str| {
        format!(
            "version: 1\nvalues: {{ A: a }}\ndefault_profile: dev\nprofiles:\n  \
             dev: {{ backends: {{ own: {{ type: exec, command: [own] }} }} }}\n  \
             prod: {{ backends: {{ own: {{ type: exec, command: [own] }}, vault: {{ address: \"{address}\" }}{rest} }} }}\n"
        )
    };
    let test = Test::manifest(&manifest("https://one", ""));
    assert_eq!(
        trust(&test),
        "secretfile.yaml asks for this:\ndev:\n  own  runs: own\nprod:\n  own  runs: own\n  \
         vault  https://one  signs in as you do\ntrusted: secretfile.yaml\n"
    );
    rewrite(
        &test,
        &manifest(
            "https://two",
            ", bao: { type: openbao, proxy: \"http://p\" }",
        ),
    );
    assert_eq!(
        trust(&test),
        "secretfile.yaml was trusted before. This has changed:\nprod:\n  \
         + bao  at its usual address  type: vault  signs in as you do  proxy: http://p\n  \
         - vault  https://one  signs in as you do\n  \
         + vault  https://two  signs in as you do\n\
         trusted: secretfile.yaml\n"
    );
    // What is gone is no reason to ask, and is forgotten when it is trusted again.
    rewrite(&test, &manifest("https://two", ""));
    assert_eq!(endow(&test, &["get", "A"]).status.code(), Some(0));
    assert_eq!(
        trust(&test),
        "secretfile.yaml was trusted before. This has changed:\nprod:\n  \
         - bao  at its usual address  type: vault  signs in as you do  proxy: http://p\n\
         trusted: secretfile.yaml\n"
    );
}

#[test]
fn what_is_trusted_is_listed_and_can_be_forgotten() {
    let test = Test::manifest(EXEC);
    let list = |test: &Test| String::from_utf8(endow(test, &["trust", "--list"]).stdout).unwrap();
    assert_eq!(list(&test), "no manifest is trusted\n");
    trust(&test);
    let path = fs::canonicalize(test.path("secretfile.yaml")).unwrap();
    let line = format!("{}\n  conjur  runs: conjur-provider\n", path.display());
    assert_eq!(list(&test), line);
    let removed = endow(&test, &["trust", "--remove"]);
    ends(&removed, 0, "");
    assert_eq!(removed.stdout, b"no longer trusted: secretfile.yaml\n");
    assert_eq!(list(&test), "no manifest is trusted\n");
    is_refused(&test);
    let again = endow(&test, &["trust", "--remove"]);
    assert_eq!(again.stdout, b"secretfile.yaml was not trusted\n");
    // A manifest that is gone is forgotten by its name.
    trust(&test);
    fs::remove_file(&path).unwrap();
    let gone = list(&test);
    assert!(gone.contains("secretfile.yaml  (not there)\n"), "{gone}");
    ends(
        &endow(&test, &["--file", "secretfile.yaml", "trust", "--remove"]),
        0,
        "",
    );
    assert_eq!(list(&test), "no manifest is trusted\n");
}

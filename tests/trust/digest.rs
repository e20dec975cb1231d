//! What the digest covers: everything that decides on a trusted part, and nothing else.

use std::fs;

use super::{endow, is_refused, trust};
use crate::harness::Test;

/// A manifest whose `A` resolves once the code variable in it is trusted.
fn rewrite(test: &Test, manifest: &str) {
    fs::write(test.path("secretfile.yaml"), manifest).expect("the manifest");
}

#[track_caller]
fn is_obeyed(test: &Test) {
    let output = endow(test, &["get", "A"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Trusted, it is obeyed; with this manifest in its place it is not.
#[track_caller]
fn asks_again(test: &Test, manifest: &str) {
    is_refused(test);
    trust(test);
    is_obeyed(test);
    rewrite(test, manifest);
    is_refused(test);
}

#[test]
fn the_place_that_answers_a_code_variable_asks_again_when_it_changes() {
    let manifest =
        |from: &str| format!("version: 1\nfrom: dotenv://{from}\nenv: {{ A: , NODE_OPTIONS: }}\n");
    let test = Test::manifest(&manifest("one.env"))
        .file_with_mode("one.env", "A=a\nNODE_OPTIONS=\n", 0o600)
        .file_with_mode("two.env", "A=a\nNODE_OPTIONS=--require=./evil.js\n", 0o600);
    asks_again(&test, &manifest("two.env"));
}

#[test]
fn a_part_of_the_template_of_a_code_variable_asks_again_when_it_changes() {
    let manifest = |inner: &str| {
        format!(
            "version: 1\nenv:\n  NODE_OPTIONS: {{ template: \"${{OUTER}}\" }}\n  OUTER: {{ template: \"--require=${{INNER}}\", export: false }}\nvalues: {{ A: a, INNER: {inner} }}\n"
        )
    };
    let test = Test::manifest(&manifest("./ours.js"));
    trust(&test);
    is_obeyed(&test);
    rewrite(&test, &manifest("./evil.js"));
    is_refused(&test);
}

#[test]
fn a_new_name_and_another_value_of_a_plain_one_do_not_ask() {
    let manifest = |rest: &str| format!("version: 1\nvalues: {{ PATH: /usr/bin, A: a{rest} }}\n");
    let test = Test::manifest(&manifest(""));
    is_refused(&test);
    trust(&test);
    rewrite(&test, &manifest(", B: b, C: c"));
    is_obeyed(&test);
}

#[test]
fn a_change_of_the_caller_s_own_address_does_not_ask() {
    let test = Test::manifest(
        "version: 1\nbackends: { vault: { address: \"https://vault.example.com\", proxy: \"http://proxy.example.com\" } }\nvalues: { A: a }\n",
    );
    is_refused(&test);
    trust(&test);
    is_obeyed(&test);
    let output = test
        .command()
        .args(["get", "A"])
        .env("VAULT_ADDR", "https://vault.example.com")
        .output()
        .expect("endow runs");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_default_and_the_key_of_a_code_variable_ask_again_when_they_change() {
    let manifest = |entry: &str| {
        format!(
            "version: 1\nfrom: file://secrets\nvalues: {{ A: a }}\nenv: {{ NODE_OPTIONS: {{ {entry} }} }}\n"
        )
    };
    for (trusted, other) in [
        ("default: --one", "default: --require=./evil.js"),
        ("key: ours", "key: theirs"),
        // Neither passes for the other.
        ("default: ours", "key: ours"),
    ] {
        let test = Test::manifest(&manifest(trusted));
        is_refused(&test);
        trust(&test);
        is_obeyed(&test);
        rewrite(&test, &manifest(other));
        is_refused(&test);
        rewrite(&test, &manifest(trusted));
        is_obeyed(&test);
    }
}

#[test]
fn the_words_of_a_program_are_told_apart_wherever_they_are_cut() {
    let manifest = |setting: &str| {
        format!(
            "version: 1\nbackends: {{ own: {{ type: exec, {setting} }} }}\nvalues: {{ A: a }}\n"
        )
    };
    let trusted = "command: [run, safe, ly], inherit: [X]";
    let test = Test::manifest(&manifest(trusted));
    is_refused(&test);
    trust(&test);
    for other in [
        "command: [run, safely], inherit: [X]",
        "command: [runsafe, ly], inherit: [X]",
        "command: [run, saf, ely], inherit: [X]",
        "command: [run, safe, ly, X], inherit: []",
        "command: [run, safe], inherit: [ly, X]",
    ] {
        rewrite(&test, &manifest(other));
        is_refused(&test);
    }
    rewrite(&test, &manifest(trusted));
    is_obeyed(&test);
}

#[test]
fn a_program_or_an_address_that_moves_to_another_backend_or_setting_asks_again() {
    for (trusted, other) in [
        (
            "one: { type: exec, command: [a] }, two: { type: exec, command: [b] }",
            "one: { type: exec, command: [b] }, two: { type: exec, command: [a] }",
        ),
        (
            "one: { type: vault, address: https://a }, two: { type: vault, address: https://b }",
            "one: { type: vault, address: https://b }, two: { type: vault, address: https://a }",
        ),
        (
            "vault: { address: https://a, proxy: https://b }",
            "vault: { address: https://b, proxy: https://a }",
        ),
    ] {
        let manifest =
            |backends| format!("version: 1\nbackends: {{ {backends} }}\nvalues: {{ A: a }}\n");
        let test = Test::manifest(&manifest(trusted));
        is_refused(&test);
        trust(&test);
        is_obeyed(&test);
        rewrite(&test, &manifest(other));
        is_refused(&test);
    }
}

/// What a steering variable becomes is decided elsewhere, too.
#[test]
fn what_a_place_is_filled_in_with_asks_again_when_it_changes() {
    let manifest = |project: &str| {
        format!(
            "version: 1\nproject: {project}\n\
            env: {{ A: {{ value: a }}, NODE_OPTIONS: {{ from: \"file://{{project}}\" }} }}\n"
        )
    };
    let test = Test::manifest(&manifest("ours"))
        .file_with_mode("ours", "--no-warnings", 0o600)
        .file_with_mode("theirs", "--require=./evil.js", 0o600);
    asks_again(&test, &manifest("theirs"));
}

/// Each profile is trusted with what it does, so that it does not matter which is the default.
#[test]
fn another_default_profile_does_not_ask() {
    let manifest = |profile: &str| {
        format!(
            "version: 1\ndefault_profile: {profile}\nprofiles: {{ one: , two: }}\n\
            env: {{ A: {{ value: a }}, NODE_OPTIONS: {{ from: \"file://{{profile}}\" }} }}\n"
        )
    };
    let test = Test::manifest(&manifest("one"))
        .file_with_mode("one", "--no-warnings", 0o600)
        .file_with_mode("two", "--no-deprecation", 0o600);
    is_refused(&test);
    trust(&test);
    rewrite(&test, &manifest("two"));
    is_obeyed(&test);
}

#[test]
fn the_backend_that_answers_a_code_variable_asks_again_when_it_changes() {
    for (before, after, from) in [
        (
            "own: { type: dotenv }",
            "own: { type: file }",
            "own://it.env",
        ),
        (
            "own: { type: dotenv }",
            "own: { type: dotenv, expand: true }",
            "own://it.env",
        ),
        (
            "vault: { namespace: ours }",
            "vault: { namespace: theirs }",
            "vault://secret/it#key",
        ),
        // A setting of it is answered by another one.
        (
            "vault: { namespace: { from: own://it.env#X } }, own: { type: dotenv }",
            "vault: { namespace: { from: own://it.env#X } }, own: { type: dotenv, expand: true }",
            "vault://secret/it#key",
        ),
    ] {
        let manifest = |backends: &str| {
            format!(
                "version: 1\nbackends: {{ {backends} }}\n\
                env: {{ A: {{ value: a }}, NODE_OPTIONS: {{ from: \"{from}\" }} }}\n"
            )
        };
        let test = Test::manifest(&manifest(before)).file_with_mode(
            "it.env",
            "NODE_OPTIONS=--no-warnings\n",
            0o600,
        );
        asks_again(&test, &manifest(after));
    }
}

#[test]
fn what_a_setting_that_was_trusted_is_read_from_asks_again_when_it_changes() {
    let manifest = |project: &str| {
        format!(
            "version: 1\nproject: {project}\n\
            backends: {{ vault: {{ address: {{ from: \"file://{{project}}\" }} }} }}\n\
            values: {{ A: a }}\n"
        )
    };
    let test = Test::manifest(&manifest("ours"));
    asks_again(&test, &manifest("theirs"));
}

#[test]
fn a_part_that_moves_to_a_file_of_another_directory_asks_again() {
    let part = "backends: { own: { type: exec, command: [./provider] } }\n";
    let test = Test::manifest(&format!("version: 1\nvalues: {{ A: a }}\n{part}"));
    is_refused(&test);
    trust(&test);
    is_obeyed(&test);
    let test = test.file("theirs/secretfile.yaml", format!("version: 1\n{part}"));
    rewrite(
        &test,
        "version: 1\nextends: theirs/secretfile.yaml\nvalues: { A: a }\n",
    );
    is_refused(&test);
}

#[test]
fn a_backend_that_answers_plain_variables_alone_does_not_ask() {
    let manifest = "version: 1\nproject: a\nbackends: { own: { type: dotenv } }\n\
        env: { A: { value: a }, B: \"own://{project}.env\" }\nvalues: { PATH: /usr/bin }\n";
    let test = Test::manifest(manifest);
    is_refused(&test);
    trust(&test);
    rewrite(
        &test,
        &manifest.replace("type: dotenv", "type: dotenv, expand: true"),
    );
    is_obeyed(&test);
    rewrite(&test, &manifest.replace("project: a", "project: b"));
    is_obeyed(&test);
}

//! The sentences of environment.md that no table holds, through the program.

use super::{listed, page, section, table};
use crate::harness::Test;

/// The names that a command gets of these of the caller.
fn inherited(manifest: &str, options: &[&str], names: &[&str]) -> Vec<String> {
    let test = names.iter().fold(Test::manifest(manifest), |test, name| {
        test.env(name, "something")
    });
    let test = test.args(["run"]).args(options).args(["--", "env"]);
    let output = test.any_stdout().success();
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let found = printed.lines().filter_map(|line| line.split_once('='));
    let found = found.map(|(name, _)| name.to_owned());
    found.filter(|name| names.contains(&&**name)).collect()
}

fn with_words(words: &str) -> String {
    format!("version: 1\ninherit: [{words}]\nenv: {{ DECLARED: {{ value: a, export: false }} }}\n")
}

#[test]
fn a_word_of_inherit_means_what_the_table_says() {
    let page = page("environment.md");
    let rows = table(section(&page, "## `inherit`"), "| word | means |");
    let words: Vec<String> = rows.iter().flat_map(|row| listed(row, 0)).collect();
    let names = ["A_SUF", "AWS_REGION", "DECLARED", "LANG", "NAME", "PRE_A"];
    let base = ["LANG"];
    let expected: [(&str, &[&str]); 11] = [
        ("NAME", &["LANG", "NAME"]),
        ("PRE_*", &["LANG", "PRE_A"]),
        ("*_SUF", &["A_SUF", "LANG"]),
        ("all", &["AWS_REGION", "A_SUF", "LANG", "NAME", "PRE_A"]),
        ("none", &[]),
        ("aws", &["AWS_REGION", "LANG"]),
        ("-NAME", &base),
        ("-PRE_*", &base),
        ("-all", &[]),
        ("-aws", &base),
        ("none, NAME", &["NAME"]),
    ];
    let in_table: Vec<&str> = expected[..10].iter().map(|(word, _)| *word).collect();
    assert_eq!(words, in_table);
    for (word, expected) in expected {
        let found = inherited(
            &with_words(&format!("\"{}\"", word.replace(", ", "\", \""))),
            &[],
            &names,
        );
        assert_eq!(found, expected, "{word}");
    }
}

#[test]
fn a_word_with_a_hyphen_takes_out_what_a_word_before_it_brought_in() {
    let names = ["AWS_REGION", "NAME", "PRE_A"];
    let found = inherited(&with_words("all, -NAME, \"-PRE_*\""), &[], &names);
    assert_eq!(found, ["AWS_REGION"]);
    assert_eq!(
        inherited(&with_words("aws, -aws, NAME"), &[], &names),
        ["NAME"]
    );
}

#[test]
fn a_static_credential_passes_by_its_literal_name_and_by_e_alone() {
    let names = ["AWS_ROLE_ARN", "CHAT_ROLE", "VAULT_TOKEN"];
    let passed = |words: &str, options: &[&str]| {
        let setting = "backends: { vault: { namespace: { from: env://CHAT_ROLE } } }\n";
        inherited(&(with_words(words) + setting), options, &names)
    };
    let trusted: [(&str, &[&str], &[&str]); 6] = [
        ("all", &[], &["AWS_ROLE_ARN"]),
        ("all, VAULT_TOKEN", &[], &["AWS_ROLE_ARN", "VAULT_TOKEN"]),
        ("VAULT_TOKEN, all", &[], &["AWS_ROLE_ARN", "VAULT_TOKEN"]),
        ("VAULT_TOKEN, none, all", &[], &["AWS_ROLE_ARN"]),
        ("CHAT_ROLE", &[], &["CHAT_ROLE"]),
        (
            "\"*_*\"",
            &["-e", "VAULT_TOKEN", "-e", "NOT_SET"],
            &["AWS_ROLE_ARN", "VAULT_TOKEN"],
        ),
    ];
    for (words, options, expected) in trusted {
        assert_eq!(passed(words, options), expected, "{words} {options:?}");
    }
}

#[test]
fn a_name_that_looks_like_a_secret_is_left_out_of_a_pattern_of_the_base_set() {
    let names = [
        "LC_ALL",
        "LC_my_token",
        "PYTHONPATH",
        "PYTHON_KEYRING_BACKEND",
    ];
    let found = inherited("version: 1\n", &[], &names);
    assert_eq!(found, ["LC_ALL", "PYTHONPATH"]);
}

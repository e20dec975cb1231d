//! `{checkout}`, linked working trees, and what a path can't say.

use std::process::Command;

use crate::harness::Test;

/// Runs git in a directory of the test, with nothing of this machine's settings.
fn git(test: &Test, directory: &str, words: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@acme.dev",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(words)
        .current_dir(test.path(directory))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "{output:?}");
}

/// A repository `main` with a linked working tree `linked`; `.env` is in the main one alone.
fn repository(manifest: &str) -> Test {
    let test = Test::new().file("main/secretfile.yaml", manifest);
    git(&test, "main", &["init", "-q"]);
    git(&test, "main", &["add", "."]);
    git(&test, "main", &["commit", "-qm", "a"]);
    git(&test, "main", &["worktree", "add", "-q", "../linked"]);
    test.file_with_mode("main/.env", "A=from-main\n", 0o600)
}

#[test]
fn checkout_names_one_file_for_all_working_trees() {
    for directory in ["main", "linked"] {
        repository("version: 1\nenv: { A: \"dotenv://{checkout}/.env\" }\n")
            .directory(directory)
            .args(["get", "A"])
            .prints_values()
            .stdout("from-main")
            .success();
    }
}

#[test]
fn outside_of_git_and_for_a_forged_mark_checkout_is_the_own_directory() {
    let test = Test::manifest("version: 1\nenv: { A: \"dotenv://{checkout}/.env\" }\n")
        .dotenv("A=of-this\n");
    test.args(["get", "A"])
        .prints_values()
        .stdout("of-this")
        .success();
    // Anyone can write a file that points to a repository.
    let forged = repository("version: 1\n");
    let gitdir = format!(
        "gitdir: {}\n",
        forged.path("main/.git/worktrees/linked").display()
    );
    forged
        .file("forged/.git", gitdir)
        .file(
            "forged/secretfile.yaml",
            "version: 1\nenv: { A: \"dotenv://{checkout}/.env\" }\n",
        )
        .file_with_mode("forged/.env", "A=of-forged\n", 0o600)
        .directory("forged")
        .args(["get", "A"])
        .prints_values()
        .stdout("of-forged")
        .success();
}

#[test]
fn a_file_that_is_missing_in_a_linked_working_tree_is_looked_for_in_the_main_one() {
    let manifest = "version: 1\nenv: { A: dotenv://.env }\n";
    let output = repository(manifest)
        .directory("linked")
        .args(["check"])
        .any_stdout()
        .status(1);
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(page.contains("hint: ") && page.contains("main/.env is there, in the main working tree: `{checkout}/.env` names it from all of them"), "{page}");
    let output = repository(manifest)
        .directory("linked")
        .args(["run", "--", "true"])
        .any_stderr()
        .status(125);
    assert!(String::from_utf8_lossy(&output.stderr).contains("`{checkout}/.env`"));
    // Nothing is said where it is in neither.
    let output = repository("version: 1\nenv: { A: dotenv://other }\n")
        .directory("linked")
        .args(["check"])
        .any_stdout()
        .status(1);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("checkout"));
}

#[test]
fn the_message_says_where_the_search_stopped_and_what_is_farther() {
    let said = |test: Test, directory: &str| {
        let output = test
            .directory(directory)
            .args(["check"])
            .any_stderr()
            .status(2);
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let submodule = || {
        Test::new()
            .file("sub/.git", "gitdir: ../.git/modules/sub\n")
            .file("sub/deep/x", "")
    };
    let text = said(submodule(), "sub/deep");
    assert!(
        text.contains("/sub, where the search stops: it is a submodule of git\n"),
        "{text}"
    );
    let text = said(
        submodule().file("secretfile.yaml", "version: 1\n"),
        "sub/deep",
    );
    assert!(text.contains("/secretfile.yaml is not looked at: name it with --file, or write one here that has `extends: "), "{text}");
    let linked = repository("version: 1\n");
    std::fs::remove_file(linked.path("linked/secretfile.yaml")).expect("it is there");
    let text = said(linked, "linked");
    assert!(
        text.contains("it is a linked working tree of git\n"),
        "{text}"
    );
    assert!(
        text.contains("main/secretfile.yaml is not looked at"),
        "{text}"
    );
    let root = Test::new();
    std::fs::create_dir(root.path(".git")).expect("a mark");
    let text = said(root, ".");
    assert!(
        text.contains("it is the root of a git repository\n"),
        "{text}"
    );
}

#[test]
fn variables_and_homes_of_others_in_a_path_are_refused_with_what_to_write() {
    for (place, message, hint) in [
        (
            "dotenv://$XDG_CONFIG_HOME/.env",
            "`$XDG_CONFIG_HOME` is not expanded in a path",
            "write the path itself",
        ),
        (
            "file://${RUN_DIR}/key",
            "`$RUN_DIR` is not expanded in a path",
            "write the path itself",
        ),
        (
            "file:///a/$HOME/key",
            "`$HOME` is not expanded in a path",
            "write `~/`",
        ),
        (
            "file://$CREDENTIALS_DIRECTORY/key",
            "`$CREDENTIALS_DIRECTORY` is not expanded in a path",
            "write `systemd://NAME`",
        ),
        (
            "file://~dana/key",
            "`~` with a name is not expanded in a path",
            "`./~` begins a name with `~`",
        ),
    ] {
        let manifest = format!("version: 1\nenv: {{ A: {{ from: \"{place}\", default: x }} }}\n");
        let output = Test::manifest(&manifest)
            .args(["check"])
            .any_stderr()
            .status(2);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            text.contains(message) && text.contains(hint),
            "{place}: {text}"
        );
    }
    let output = Test::manifest("version: 1\nextends: $HOME/x.yaml\n")
        .args(["check"])
        .any_stderr()
        .status(2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("`$HOME` is not expanded in a path"));
    for (place, file) in [
        ("file://a%24B", "a$B"),
        ("file://a$", "a$"),
        ("file://a$5", "a$5"),
        ("file://./~dana", "~dana"),
    ] {
        Test::manifest(&format!("version: 1\nenv: {{ A: \"{place}\" }}\n"))
            .file(file, "x")
            .args(["get", "A"])
            .stdout("x")
            .success();
    }
}

#[test]
fn credentials_of_a_unit_are_read_by_name_in_a_production_profile_too() {
    let manifest = "version: 1\nprofiles: { prod: { production: true, env: { A: systemd://token, B: \"systemd://app#KEY\", C: \"systemd://json#/a\" } } }\n";
    Test::manifest(manifest)
        .env_path("CREDENTIALS_DIRECTORY", "credentials")
        .file("credentials/token", "a\nb\n")
        .file("credentials/app", "KEY='b b'\n")
        .file("credentials/json", "{\"a\": 5}")
        .args([
            "-p",
            "prod",
            "run",
            "--",
            "sh",
            "-c",
            "printf '%s|' \"$A\" \"$B\" \"$C\"",
        ])
        .prints_values()
        .stdout("a\nb\n|b b|5|")
        .success();
}

#[test]
fn null_is_said_as_null_and_a_mark_at_the_beginning_of_a_text_is_said() {
    let output = Test::manifest("version: 1\nenv: { A: \"file://j#/a\", B: file://b }\n")
        .file("j", "{\"a\": null, \"c\": 1}")
        .file("b", b"\xef\xbb\xbftext")
        .args(["check"])
        .any_stdout()
        .any_stderr()
        .status(1);
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(page.contains("j` is null (file://j#/a"), "{page}");
    assert!(!page.contains("there are"), "{page}");
    assert!(
        page.contains("`B` begins with a byte order mark, which is a part of the value"),
        "{page}"
    );
}

//! Working trees of one repository share what was trusted; what only pretends to be one does not.

use std::{fs, path::Path, process::Command};

use super::{EXEC, endow, is_refused, trust};
use crate::harness::Test;

#[track_caller]
fn git(directory: &Path, words: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=u", "-c", "user.email=u@example.com"])
        .args(words)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A repository with this manifest in it, and a linked working tree beside it.
fn repository(manifest: &str) -> Test {
    let test = Test::manifest(manifest);
    let directory = test.path(".");
    git(&directory, &["init", "-q"]);
    git(&directory, &["add", "."]);
    git(&directory, &["commit", "-q", "-m", "one"]);
    git(&directory, &["worktree", "add", "-q", "../linked"]);
    test
}

/// Whether `get A` is refused for want of trust in a directory beside the project.
fn asks_in(test: &Test, directory: &str) -> bool {
    let mut command = test.command();
    command.current_dir(test.path(directory)).args(["get", "A"]);
    let output = command.output().expect("endow runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let asks = ["is not trusted yet", "has changed since it was trusted"];
    asks.iter().any(|text| stderr.contains(text))
}

#[test]
fn a_linked_working_tree_does_not_ask_again_for_the_same_content() {
    let test = repository(EXEC);
    assert!(asks_in(&test, "../linked"));
    trust(&test);
    assert!(!asks_in(&test, "../linked"));
    // Another content is asked for there, and once trusted there, in neither of the two.
    let other = EXEC.replace("[conjur-provider]", "[other]");
    fs::write(test.path("../linked/secretfile.yaml"), other).unwrap();
    assert!(asks_in(&test, "../linked"));
    let mut command = test.command();
    command
        .current_dir(test.path("../linked"))
        .args(["trust", "--yes"]);
    assert!(command.status().expect("endow runs").success());
    assert!(!asks_in(&test, "../linked"));
    assert!(!asks_in(&test, "."));
}

#[test]
fn a_program_of_a_linked_working_tree_is_its_own() {
    let manifest = "version: 1\nbackends: { own: { type: exec, command: [./provider] } }\nenv: { A: own://a }\n";
    let test = repository(manifest);
    for directory in [".", "../linked"] {
        fs::write(test.path(directory).join("provider"), "one").unwrap();
    }
    trust(&test);
    assert!(!asks_in(&test, "../linked"));
    fs::write(test.path("../linked/provider"), "two").unwrap();
    assert!(asks_in(&test, "../linked"));
    assert!(!asks_in(&test, "."));
}

#[test]
fn what_the_repository_does_not_point_back_to_is_no_working_tree_of_it() {
    let test = repository(EXEC);
    trust(&test);
    let forged = test.path("../forged");
    fs::create_dir(&forged).unwrap();
    fs::write(forged.join("secretfile.yaml"), EXEC).unwrap();
    let linked = fs::canonicalize(test.path(".git/worktrees/linked")).unwrap();
    let main = fs::canonicalize(test.path(".git")).unwrap();
    for mark in [linked, main] {
        fs::write(forged.join(".git"), format!("gitdir: {}\n", mark.display())).unwrap();
        assert!(asks_in(&test, "../forged"), "{}", mark.display());
    }
    // One that makes a directory of its own beside those of the repository's working trees.
    let own = test.path("../own");
    fs::create_dir_all(own.join("worktrees/w")).unwrap();
    fs::write(
        own.join("worktrees/w/commondir"),
        fs::canonicalize(test.path(".git"))
            .unwrap()
            .as_os_str()
            .as_encoded_bytes(),
    )
    .unwrap();
    fs::write(
        own.join("worktrees/w/gitdir"),
        fs::canonicalize(&forged)
            .unwrap()
            .join(".git")
            .as_os_str()
            .as_encoded_bytes(),
    )
    .unwrap();
    let mark = fs::canonicalize(own.join("worktrees/w")).unwrap();
    fs::write(forged.join(".git"), format!("gitdir: {}\n", mark.display())).unwrap();
    assert!(asks_in(&test, "../forged"));
}

#[test]
fn a_file_of_the_main_working_tree_belongs_to_the_project() {
    let test = repository(EXEC);
    let main = fs::canonicalize(test.path(".")).unwrap();
    let manifest = format!(
        "version: 1\nenv: {{ A: \"dotenv://{}/.env\" }}\n",
        main.display()
    );
    fs::write(test.path("../linked/secretfile.yaml"), manifest).unwrap();
    fs::write(test.path(".env"), "A=value\n").unwrap();
    assert!(!asks_in(&test, "../linked"));
    fs::write(test.path("../outside.env"), "A=value\n").unwrap();
    let outside = "version: 1\nenv: { A: \"dotenv://../outside.env\" }\n";
    fs::write(test.path("../linked/secretfile.yaml"), outside).unwrap();
    assert!(asks_in(&test, "../linked"));
    is_refused(&test);
    assert_eq!(endow(&test, &["trust", "--yes"]).status.code(), Some(0));
}

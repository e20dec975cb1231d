//! Which manifest and which profile: the search, `--file`, `ENDOW_FILE`, `ENDOW_PROFILE`.

use std::{fs, os::unix::fs::symlink};

use super::Explained;
use crate::harness::Test;

/// What is said in a repository below a directory that has a manifest.
fn stops(kind: &str) -> String {
    format!(
        "endow: error: no secretfile.yaml from this directory up to [DIR]/repo, where the search stops: it is {kind}\n\
         hint: [DIR]/secretfile.yaml is not looked at: name it with --file, or write one here that has `extends: [DIR]/secretfile.yaml`\n"
    )
}

/// A manifest with one plain value.
fn says(value: &str) -> String {
    format!("version: 1\nvalues: {{ A: {value} }}\n")
}

/// `get A` prints this.
#[track_caller]
fn gives(test: Test, value: &str) {
    test.args(["get", "A"])
        .prints_values()
        .stdout(value)
        .success();
}

#[test]
fn the_nearest_manifest_upward_is_found() {
    let test = || {
        Test::manifest(&says("top"))
            .file("one/secretfile.yaml", says("one"))
            .file("one/two/three/.keep", "")
    };
    gives(test().directory("one/two/three"), "one");
    gives(test().directory("one"), "one");
    gives(test().directory("other"), "top");
    let explained = Explained::of(test().directory("one/two/three"), &[]);
    assert_eq!(explained.0["file"], "../../secretfile.yaml");
}

#[test]
fn the_directory_that_holds_git_is_the_last_one_looked_at() {
    let outside = || Test::new().file("secretfile.yaml", says("outside"));
    outside()
        .file("repo/.git/HEAD", "")
        .directory("repo/src")
        .args(["get", "A"])
        .stderr(stops("the root of a git repository"))
        .status(2);
    // Of a worktree or a submodule, `.git` is a file.
    outside()
        .file("repo/.git", "gitdir: elsewhere\n")
        .directory("repo/src")
        .args(["get", "A"])
        .stderr(stops("a submodule of git"))
        .status(2);
    gives(
        outside()
            .file("repo/.git/HEAD", "")
            .file("repo/secretfile.yaml", says("inside"))
            .directory("repo/src"),
        "inside",
    );
}

#[test]
fn home_is_the_last_directory_looked_at() {
    let above = || Test::new().file("../../secretfile.yaml", says("above"));
    above()
        .directory("deep")
        .args(["get", "A"])
        .any_stderr()
        .status(2);
    gives(above().file("../secretfile.yaml", says("home")), "home");
}

#[test]
fn a_named_manifest_is_not_searched_for() {
    let test = || {
        Test::manifest(&says("found"))
            .file("other/named.yaml", says("named"))
            .file("other/secretfile.yaml", says("neighbour"))
    };
    gives(test().args(["--file", "other/named.yaml"]), "named");
    gives(test().env("ENDOW_FILE", "other/named.yaml"), "named");
    gives(
        test()
            .env("ENDOW_FILE", "missing.yaml")
            .args(["--file", "other/named.yaml"]),
        "named",
    );
    gives(
        test()
            .directory("other")
            .args(["--file", "../secretfile.yaml"]),
        "found",
    );
}

#[test]
fn a_directory_is_no_manifest_even_if_it_holds_one() {
    Test::new()
        .file("other/secretfile.yaml", says("inside"))
        .args(["--file", "other", "get", "A"])
        .stderr("endow: error: other: is a directory, not a manifest\n")
        .status(2);
}

#[test]
fn relative_paths_start_where_a_link_stands_and_not_at_its_target() {
    let manifest = "version: 1\nextends: base.yaml\nenv: { A: file://value, B: }\n";
    let base = |value: &str| format!("version: 1\nvalues: {{ B: {value} }}\n");
    let test = Test::new()
        .file("real/secretfile.yaml", manifest)
        .file("real/value", "wrong")
        .file("real/base.yaml", base("wrong"))
        .file("linked/value", "right")
        .file("linked/base.yaml", base("right"));
    symlink(
        "../real/secretfile.yaml",
        test.path("linked/secretfile.yaml"),
    )
    .unwrap();
    let both = |test: Test| {
        let values = super::exported(test, &[]);
        assert_eq!((&*values["A"], &*values["B"]), ("right", "right"));
    };
    let test = test.directory("linked");
    fs::create_dir_all(test.path("linked/below")).unwrap();
    both(test.directory("linked/below"));
}

#[test]
fn a_named_link_is_its_own_directory_too() {
    let test = Test::new()
        .file(
            "real/secretfile.yaml",
            "version: 1\nenv: { A: file://value }\n",
        )
        .file("real/value", "wrong")
        .file("linked/value", "right");
    symlink("../real/secretfile.yaml", test.path("linked/other.yaml")).unwrap();
    gives(test.args(["--file", "linked/other.yaml"]), "right");
}

#[test]
fn paths_of_a_named_manifest_start_at_its_directory() {
    let test = Test::new()
        .file(
            "conf/app.yaml",
            "version: 1\nenv: { A: \"file://./sub/../value\" }\n",
        )
        .file("conf/sub/.keep", "")
        .file("conf/value", "right")
        .file("value", "wrong");
    gives(test.args(["--file", "conf/app.yaml"]), "right");
}

#[test]
fn the_flag_chooses_the_profile_before_the_variable_and_that_before_the_default() {
    let test = || {
        Test::manifest(
            "version: 1\ndefault_profile: one\nprofiles:\n  one: { values: { A: one } }\n  two: { values: { A: two } }\n  three: { values: { A: three } }\n",
        )
    };
    gives(test(), "one");
    gives(test().env("ENDOW_PROFILE", "two"), "two");
    test()
        .env("ENDOW_PROFILE", "two")
        .args(["get", "A", "--profile", "three"])
        .prints_values()
        .stdout("three")
        .success();
    // Set but empty is a mistake of the caller, whoever says the profile.
    test()
        .env("ENDOW_PROFILE", "")
        .args(["get", "A", "-p", "three"])
        .stderr("endow: error: ENDOW_PROFILE is set but empty\nhint: unset it, or say what it names: `unset ENDOW_PROFILE`\n")
        .status(2);
}

#[test]
fn without_profiles_the_top_level_is_the_manifest() {
    gives(Test::manifest(&says("top")), "top");
}

#[test]
fn the_default_profile_of_the_nearest_file_counts() {
    let test = |own: &str| {
        Test::manifest(&format!(
            "version: 1\nextends: base.yaml\n{own}profiles:\n  one: {{ values: {{ A: one }} }}\n  two: {{ values: {{ A: two }} }}\n"
        ))
        .file("base.yaml", "version: 1\ndefault_profile: one\n")
    };
    gives(test(""), "one");
    gives(test("default_profile: two\n"), "two");
}

#[test]
fn home_that_is_named_through_a_link_is_the_last_one_looked_at() {
    let test = Test::manifest(&says("outside")).file("real/home/project/.keep", "");
    symlink("real/home", test.path("home")).unwrap();
    let home = test.path("home");
    test.env("HOME", &home)
        .directory("real/home/project")
        .args(["get", "A"])
        .any_stderr()
        .status(2);
}

#[test]
fn a_named_manifest_needs_no_working_directory() {
    let test = Test::manifest(&says("named"));
    let manifest = test.path("secretfile.yaml");
    let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"";
    test.through(["sh", "-c", script, "sh"])
        .args(["--file"])
        .args([&manifest])
        .args(["get", "A"])
        .prints_values()
        .stdout("named")
        .success();
}

#[test]
fn a_nearer_file_of_the_other_ending_is_passed_over_with_a_warning() {
    Test::manifest("version: 1\nvalues: { A: outer }\n")
        .file("inner/secretfile.yml", "version: 1\nvalues: { A: inner }\n")
        .directory("inner")
        .args(["get", "A"])
        .stdout("outer")
        .stderr(
            "endow: warning: [DIR]/inner/secretfile.yml is not read: ../secretfile.yaml is farther, and has the name that is searched for\n\
             hint: rename the nearer one to secretfile.yaml, or name it with --file\n",
        )
        .success();
}

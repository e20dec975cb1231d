//! Where trust is recorded, and for which manifest.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use super::{EXEC, endow, ends, is_refused, trust};
use crate::harness::Test;

#[test]
fn the_record_is_below_home_and_its_owners_alone() {
    // A path that is not absolute is none (XDG Base Directory Specification).
    let test = Test::manifest(EXEC).env("XDG_STATE_HOME", "nowhere");
    trust(&test);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let directory = test.path("../.local/state/endow/trust");
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&test.path("../.local/state/endow")), 0o700);
    let records: Vec<_> = fs::read_dir(&directory).unwrap().collect();
    assert_eq!(records.len(), 1, "the file that was renamed is gone");
    let record = records[0].as_ref().unwrap().path();
    assert_eq!(mode(&record), 0o600);
    let content = fs::read_to_string(&record).unwrap();
    let manifest = fs::canonicalize(test.path("secretfile.yaml")).unwrap();
    let content: serde_json::Value = serde_json::from_str(&content).unwrap();
    assert_eq!(content["manifest"], manifest.to_str().unwrap());
    let checkout = manifest.parent().unwrap().to_str().unwrap();
    let grant = &content["checkouts"][checkout][""][0];
    assert_eq!(grant["line"], "conjur  runs: conjur-provider");
    let digest = grant["digest"].as_str().unwrap();
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let forged = fs::read_to_string(&record)
        .unwrap()
        .replace(digest, &"0".repeat(64));
    fs::write(&record, forged).unwrap();
    is_refused(&test);
    fs::write(&record, "0".repeat(64)).unwrap();
    is_refused(&test);
}

#[test]
fn a_copy_of_a_trusted_manifest_is_not_trusted() {
    let test = Test::manifest(EXEC).file("copy/secretfile.yaml", EXEC);
    trust(&test);
    let command = |directory: &str| -> Command {
        let mut command = test.command();
        command.current_dir(test.path(directory)).args(["get", "A"]);
        command
    };
    let copy = command("copy").output().unwrap();
    assert!(String::from_utf8_lossy(&copy.stderr).contains("not trusted yet"));
    // A link to the directory is the same manifest.
    symlink(".", test.path("link")).unwrap();
    let link = command("link").output().unwrap();
    assert!(String::from_utf8_lossy(&link.stderr).contains("no program `conjur-provider`"));
}

#[test]
fn a_link_to_a_trusted_manifest_is_not_trusted_because_its_places_are_elsewhere() {
    let manifest = "version: 1\nenv: { NODE_OPTIONS: dotenv://.env }\n";
    let test = Test::manifest(manifest)
        .dotenv("NODE_OPTIONS=--mine\n")
        .file_with_mode("cloned/.env", "NODE_OPTIONS=--theirs\n", 0o600)
        .known("--theirs");
    trust(&test);
    symlink("../secretfile.yaml", test.path("cloned/secretfile.yaml")).unwrap();
    let mut command = test.command();
    command.current_dir(test.path("cloned"));
    let output = command.args(["get", "NODE_OPTIONS"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not trusted yet:\n"));
    assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]));
}

#[test]
fn without_a_home_directory_nothing_can_be_trusted() {
    let no_place = "endow: error: trust could not be recorded: HOME is not set, so there is no place to record it\n";
    for test in [
        Test::manifest(EXEC).without_env("HOME"),
        Test::manifest(EXEC).env("HOME", ""),
        Test::manifest(EXEC).env("HOME", "relative"),
    ] {
        let output = endow(&test, &["trust", "--yes"]);
        ends(&output, 2, no_place);
        assert_eq!(output.stdout, b"", "nothing is said to be trusted");
        is_refused(&test);
    }
}

#[test]
fn a_home_that_can_not_be_written_says_so() {
    let test = Test::manifest(EXEC).file("../.local", "a file where a directory belongs");
    let home = fs::canonicalize(test.path("..")).unwrap();
    let stderr = format!(
        "endow: error: trust could not be recorded: {}/.local/state/endow/trust: not a directory\n",
        home.display()
    );
    ends(&endow(&test, &["trust", "--yes"]), 2, &stderr);
}

#[test]
fn the_record_is_where_the_state_of_the_user_is_kept() {
    let test = Test::manifest(EXEC).env_path("XDG_STATE_HOME", "state");
    trust(&test);
    let records = fs::read_dir(test.path("state/endow/trust")).unwrap();
    assert_eq!(records.count(), 1);
    assert!(!test.path("../.local").exists());
    // A caller without a home has a place too.
    let test = Test::manifest(EXEC)
        .env_path("XDG_STATE_HOME", "state")
        .without_env("HOME");
    trust(&test);
}

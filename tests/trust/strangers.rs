//! Manifests that someone else can write.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, lchown, symlink},
};

use nix::unistd::Uid;

use super::{COMMANDS, endow, ends};
use crate::harness::Test;

const PLAIN: &str = "version: 1\nvalues: { A: a }\n";

/// Some user who is neither root nor likely to be the caller.
const OTHER: u32 = 54_321;

fn refusal(file: &str, reason: &str) -> String {
    format!(
        "endow: error: {file} is not used: {reason}\nhint: if you believe it, name it: `endow --file {file} ...`\n"
    )
}

/// Every command refuses it, also those that only explain; named, it is accepted.
#[track_caller]
fn is_refused_until_named(test: &Test, stderr: &str) {
    for (words, status) in COMMANDS {
        ends(&endow(test, words), status, stderr);
    }
    for words in [&["explain"][..], &["trust"]] {
        ends(&endow(test, words), 2, stderr);
    }
    let dry = endow(test, &["run", "--dry-run", "--", "true"]);
    ends(&dry, 125, stderr);
    let named = endow(test, &["--file", "secretfile.yaml", "get", "A"]);
    ends(&named, 0, "");
    assert_eq!(named.stdout, b"a");
}

#[test]
fn a_manifest_that_everyone_can_write_is_refused_unless_it_is_named() {
    let test = Test::new().file_with_mode("secretfile.yaml", PLAIN, 0o666);
    is_refused_until_named(
        &test,
        &refusal("secretfile.yaml", "every user can write it"),
    );
}

#[test]
fn an_extended_file_that_everyone_can_write_is_refused_too() {
    let test = Test::manifest("version: 1\nextends: base.yaml\nvalues: { A: a }\n").file_with_mode(
        "base.yaml",
        "version: 1\n",
        0o646,
    );
    is_refused_until_named(&test, &refusal("base.yaml", "every user can write it"));
}

#[test]
fn a_manifest_in_a_directory_that_everyone_can_write_is_refused_unless_the_directory_is_sticky() {
    let test = Test::manifest(PLAIN);
    let mode =
        |mode| fs::set_permissions(test.path("."), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let reason = "every user can replace it, for its directory can be written by all";
    is_refused_until_named(&test, &refusal("secretfile.yaml", reason));
    mode(0o1777);
    ends(&endow(&test, &["get", "A"]), 0, "");
}

#[test]
fn a_manifest_that_its_group_can_write_is_accepted() {
    let test = Test::new().file_with_mode("secretfile.yaml", PLAIN, 0o664);
    ends(&endow(&test, &["get", "A"]), 0, "");
}

#[test]
fn a_manifest_of_another_user_is_refused_unless_it_is_named() {
    let test = Test::manifest(PLAIN);
    give_away(&test);
    is_refused_until_named(
        &test,
        &refusal("secretfile.yaml", "it belongs to another user"),
    );
}

#[test]
fn a_link_to_a_manifest_of_another_user_is_refused() {
    let test = Test::new().file("theirs/secretfile.yaml", PLAIN);
    symlink("theirs/secretfile.yaml", test.path("secretfile.yaml")).unwrap();
    give_away(&test);
    is_refused_until_named(
        &test,
        &refusal("secretfile.yaml", "it belongs to another user"),
    );
}

#[test]
fn a_link_of_another_user_to_a_manifest_of_the_caller_is_refused() {
    let test = Test::new().file("mine/secretfile.yaml", PLAIN);
    let link = test.path("secretfile.yaml");
    symlink("mine/secretfile.yaml", &link).unwrap();
    assert!(
        Uid::effective().is_root(),
        "only root can give a link to another user: run this test as root, for example in a container"
    );
    lchown(&link, Some(OTHER), None).unwrap();
    is_refused_until_named(
        &test,
        &refusal("secretfile.yaml", "it belongs to another user"),
    );
}

#[test]
fn a_manifest_of_root_or_of_the_caller_is_accepted() {
    for belongs_to_caller in [false, true] {
        let test = Test::manifest(PLAIN);
        for name in ["", "..", "../.."] {
            fs::set_permissions(test.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        if belongs_to_caller {
            give_away(&test);
        }
        let user = format!("--reuid={OTHER}");
        let test = test.through(["setpriv", &user, "--clear-groups"]);
        ends(&endow(&test, &["get", "A"]), 0, "");
    }
}

/// Makes [`OTHER`] the owner of the manifest.
#[track_caller]
fn give_away(test: &Test) {
    assert!(
        Uid::effective().is_root(),
        "only root can give a file to another user: run this test as root, for example in a container"
    );
    let path = fs::canonicalize(test.path("secretfile.yaml")).expect("the manifest");
    chown(path, Some(OTHER), None).expect("its owner");
}

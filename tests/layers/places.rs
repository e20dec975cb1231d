//! Where a name is looked up: placeholders, natural places, `key`, and lists.

use super::{Explained, exported};
use crate::{harness::Test, manifests::made::without_privileges};

/// The place of `MY_KEY` where `reference` is the layer's `from`.
#[track_caller]
fn layer_place(reference: &str) -> String {
    let manifest = format!(
        "version: 1\nproject: chat\nbackends: {{ own: {{ type: exec, command: [own] }} }}\nfrom: \"{reference}\"\nenv: {{ MY_KEY: }}\nprofiles: {{ dev: {{}} }}\n"
    );
    let explained = Explained::of(Test::manifest(&manifest), &["-p", "dev"]);
    explained.place("MY_KEY").to_owned()
}

/// The place of `MY_KEY` where `reference` is its own.
#[track_caller]
fn own_place(reference: &str) -> String {
    let manifest = format!(
        "version: 1\nproject: chat\nenv: {{ MY_KEY: \"{reference}\" }}\nprofiles: {{ dev: {{}} }}\n"
    );
    let explained = Explained::of(Test::manifest(&manifest), &["-p", "dev"]);
    explained.place("MY_KEY").to_owned()
}

#[test]
fn a_layer_takes_the_natural_place_of_each_type() {
    for (reference, place) in [
        ("op://AI Prod/chat", "op://AI Prod/chat/MY_KEY"),
        ("op://AI Prod/chat/keys", "op://AI Prod/chat/keys/MY_KEY"),
        (
            "op://AI/chat?attribute=otp",
            "op://AI/chat/MY_KEY?attribute=otp",
        ),
        ("vault://secret/chat", "vault://secret/chat#MY_KEY"),
        ("openbao://secret/chat", "openbao://secret/chat#MY_KEY"),
        (
            "vault://secret/chat?version=3",
            "vault://secret/chat#MY_KEY?version=3",
        ),
        ("aws-sm://chat/prod", "aws-sm://chat/prod#MY_KEY"),
        ("aws-ssm:///chat/prod", "aws-ssm:///chat/prod/MY_KEY"),
        ("aws-ssm:///chat/prod/", "aws-ssm:///chat/prod/MY_KEY"),
        ("dotenv://.env", "dotenv://.env#MY_KEY"),
        ("env://", "env://MY_KEY"),
        ("file:///run/secrets", "file:///run/secrets/MY_KEY"),
        ("file://secrets/", "file://secrets/MY_KEY"),
        ("own://prod/chat", "own://prod/chat/MY_KEY"),
    ] {
        assert_eq!(layer_place(reference), place, "{reference}");
    }
}

#[test]
fn a_layer_that_mentions_the_name_is_taken_as_it_is_written() {
    for (reference, place) in [
        ("vault://secret/{name}#value", "vault://secret/my_key#value"),
        ("vault://secret/chat#{name}", "vault://secret/chat#my_key"),
        ("aws-sm://chat/{NAME}", "aws-sm://chat/MY_KEY"),
        ("op://AI/{NAME}/credential", "op://AI/MY_KEY/credential"),
        ("env://CHAT_{NAME}", "env://CHAT_MY_KEY"),
        (
            "file:///run/secrets/{name}.txt",
            "file:///run/secrets/my_key.txt",
        ),
    ] {
        assert_eq!(layer_place(reference), place, "{reference}");
    }
}

#[test]
fn an_own_place_takes_the_name_where_the_type_knows_variables() {
    assert_eq!(own_place("dotenv://.env"), "dotenv://.env#MY_KEY");
    assert_eq!(own_place("dotenv://.env#OTHER"), "dotenv://.env#OTHER");
    assert_eq!(own_place("env://"), "env://MY_KEY");
    assert_eq!(own_place("env://OTHER"), "env://OTHER");
    assert_eq!(own_place("aws-sm://chat/prod"), "aws-sm://chat/prod");
    assert_eq!(own_place("file://a b"), "file://a b");
}

#[test]
fn placeholders_are_a_closed_set_and_a_brace_is_encoded() {
    assert_eq!(
        own_place("vault://secret/{project}/{profile}/{NAME}#{name}"),
        "vault://secret/chat/dev/MY_KEY#my_key"
    );
    assert_eq!(
        own_place("vault://secret/%7Bname}#a"),
        "vault://secret/%7Bname}#a"
    );
    assert_eq!(
        own_place("vault://secret/a+b%20c%23d#e"),
        "vault://secret/a+b c%23d#e"
    );
    // What a placeholder brings in is not decoded and moves no boundary.
    assert_eq!(
        own_place("aws-sm://chat/%25{name}"),
        "aws-sm://chat/%25my_key"
    );
    // 1Password's own syntax knows no percent-encoding.
    assert_eq!(
        own_place("op://AI/{project} {profile}/key"),
        "op://AI/chat dev/key"
    );
}

#[test]
fn the_first_hash_and_the_first_question_mark_after_it_split_a_reference() {
    assert_eq!(
        own_place("vault://secret/chat#a#b"),
        "vault://secret/chat#a#b"
    );
    assert_eq!(
        own_place("aws-sm://arn:aws:secretsmanager:eu-west-1:1:secret:chat-Ab#/a/b?stage=X"),
        "aws-sm://arn:aws:secretsmanager:eu-west-1:1:secret:chat-Ab#/a/b?stage=X"
    );
}

#[test]
fn key_is_the_name_at_the_layers_place_unless_the_type_knows_variables_by_name() {
    for (from, place) in [
        ("vault://secret/chat", "vault://secret/chat#stripe"),
        ("op://AI/chat", "op://AI/chat/stripe"),
        ("aws-sm://{name}#value", "aws-sm://stripe#value"),
        ("aws-sm://{NAME}#value", "aws-sm://stripe#value"),
        ("file:///run/secrets", "file:///run/secrets/stripe"),
        ("dotenv://.env", "dotenv://.env#STRIPE_API_KEY"),
        ("env://", "env://STRIPE_API_KEY"),
        ("env://X_{NAME}", "env://X_STRIPE_API_KEY"),
    ] {
        let manifest =
            format!("version: 1\nfrom: \"{from}\"\nenv: {{ STRIPE_API_KEY: {{ key: stripe }} }}\n");
        let explained = Explained::of(Test::manifest(&manifest), &[]);
        assert_eq!(explained.place("STRIPE_API_KEY"), place, "{from}");
    }
}

#[test]
fn a_key_of_the_register_is_ignored_by_a_profile_that_gives_a_place() {
    let manifest = "version: 1\nfrom: vault://secret/chat\nenv: { A: { key: stripe } }\nprofiles:\n  dev: { env: { A: file://a } }\n  prod: {}\n";
    let place = |profile: &str| {
        let explained = Explained::of(Test::manifest(manifest), &["-p", profile]);
        explained.place("A").to_owned()
    };
    assert_eq!(place("dev"), "file://a");
    assert_eq!(place("prod"), "vault://secret/chat#stripe");
}

#[test]
fn a_list_is_asked_in_its_order_where_the_one_before_is_absent() {
    let manifest = "version: 1\nfrom: [dotenv://missing.env, dotenv://.env, file://files]\nenv: { A: , B: , C: , D: { from: [env://D, file://files/A] } }\n";
    let test = Test::manifest(manifest)
        .dotenv("A=from-dotenv\n")
        .file("files/A", "from-file")
        .file("files/B", "from-file")
        .env("C", "not-asked")
        .file("files/C", "from-file\n");
    let values = exported(test, &[]);
    assert_eq!(values["A"], "from-dotenv");
    assert_eq!(values["B"], "from-file");
    assert_eq!(values["C"], "from-file");
    assert_eq!(values["D"], "from-file");
}

#[test]
fn an_own_list_does_not_fall_through_to_the_layer() {
    Test::manifest("version: 1\nfrom: file://files\nenv: { A: { from: [env://A] } }\n")
        .file("files/A", "value")
        .args(["get", "A"])
        .stderr(
            "endow: error: the variable has no value; nothing was printed
  A: absent: `A` is not set (env://A, secretfile.yaml:3)
",
        )
        .status(1);
}

#[test]
fn what_is_not_absent_ends_a_list() {
    let manifest = |place: &str| {
        let list = format!("version: 1\nenv: {{ A: {{ from: [\"{place}\", env://A] }} }}\n");
        Test::manifest(&list)
            .env("A", "not-asked")
            .args(["get", "A"])
            .any_stderr()
    };
    let says = |output: std::process::Output, word: &str| {
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(word), "{word}: {stderr}");
    };
    let directory = manifest("dotenv://dir").file("dir/inside", "");
    says(directory.status(1), "is a directory");
    let broken = manifest("dotenv://broken.env")
        .file_with_mode("broken.env", "A=\"hunter2\n", 0o600)
        .known("hunter2");
    says(broken.status(1), "A: malformed: ");
    let denied = manifest("file://denied").file_with_mode("denied", "value", 0o000);
    says(without_privileges(denied).status(1), "A: denied: ");
}

#[test]
fn relative_paths_start_at_the_file_that_says_them() {
    let test = Test::manifest(
        "version: 1\nextends: shared/base.yaml\nenv: { A: , B: file://b, H: file://~/h }\n",
    )
    .file("shared/base.yaml", "version: 1\nenv: { A: file://a }\n")
    .file("shared/a", "shared-a")
    .file("a", "wrong")
    .file("b", "main-b")
    .file("../h", "home-h")
    .directory("deep/down")
    .env_path("ENDOW_FILE", "secretfile.yaml");
    let values = exported(test, &[]);
    assert_eq!(values["A"], "shared-a");
    assert_eq!(values["B"], "main-b");
    assert_eq!(values["H"], "home-h");
}

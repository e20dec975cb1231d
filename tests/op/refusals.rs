//! What `op` says when it fails, and what endow makes of it: the class, one run, and a hint.

use super::{StandIn, chat, project};
use crate::harness::Test;

/// Key of the stand-in, the recorded text, the class, the status of `check`, and a part of the
/// report.
const MESSAGES: [(&str, &str, &str, i32, &str); 24] = [
    (
        "message",
        "\"AI Team\" isn't a vault in this account. Specify the vault with its ID or name.",
        "denied",
        1,
        "op vault list",
    ),
    (
        "message",
        "\"Chat\" isn't an item. Specify the item with its UUID, name, or domain.",
        "absent",
        1,
        "no item `Chat`",
    ),
    (
        "message",
        "\"Chat\" isn't an item in the \"AI Team\" vault. Specify the item with its UUID, name, or domain.",
        "absent",
        1,
        "no item `Chat` in the vault `AI Team`",
    ),
    (
        "message",
        "could not find item Chat in vault AI Team",
        "absent",
        1,
        "no item `Chat` in the vault `AI Team`",
    ),
    (
        "message",
        "item 'AI Team/Chat' does not have a field 'a'",
        "absent",
        1,
        "no field `a`",
    ),
    (
        "message",
        "item 'AI Team/Chat' doesn't have a field 'a'",
        "absent",
        1,
        "no field `a`",
    ),
    (
        "message",
        "More than one item matches \"Chat\". Try again and specify the item by its ID:\n\t* for the item \"Chat\" in vault AI Team: ipifsyjdmyeg4e75ujmbkrefl4\n\t* for the item \"Chat\" in vault AI Team: h35qui6evukiodlevihezl7jgu",
        "ambiguous",
        1,
        "there are: ipifsyjdmyeg4e75ujmbkrefl4, h35qui6evukiodlevihezl7jgu",
    ),
    (
        "message",
        "account is not signed in",
        "unauthenticated",
        3,
        "op signin",
    ),
    (
        "message",
        "You are not currently signed in. Please run `op signin --help` for instructions",
        "unauthenticated",
        3,
        "op signin",
    ),
    (
        "message",
        "error initializing client: found no accounts for filter \"acme\"",
        "unauthenticated",
        3,
        "op account list",
    ),
    (
        "message",
        "no account found for filter acme",
        "unauthenticated",
        3,
        "op account add",
    ),
    (
        "raw_message",
        "No accounts configured for use with 1Password CLI.",
        "unauthenticated",
        3,
        "op account add",
    ),
    (
        "message",
        "multiple accounts found. Use the --account flag or set the OP_ACCOUNT environment variable",
        "unauthenticated",
        3,
        "OP_ACCOUNT",
    ),
    (
        "message",
        "error initializing client: authorization prompt dismissed, please try again",
        "unauthenticated",
        3,
        "approve the request",
    ),
    (
        "message",
        "error initializing client: connecting to desktop app timed out, make sure it is installed, running and CLI integration is enabled",
        "unauthenticated",
        3,
        "unlock",
    ),
    (
        "message",
        "service account token set, but not authenticated yet",
        "unauthenticated",
        3,
        "token of the service account",
    ),
    (
        "message",
        "error initializing client: Authentication: (failed to auth.LookupAuth), Server: (failed to session.DecryptResponse), Authorization: (403) (Forbidden) (Service Account Deleted)",
        "unauthenticated",
        3,
        "op service-account create",
    ),
    (
        "message",
        "(401) Unauthorized: You aren't authorized to perform this action.",
        "unauthenticated",
        3,
        "token",
    ),
    (
        "message",
        "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is allowed to make. Please retry in 17 minutes or try other requests.",
        "throttled",
        4,
        "again in 17 minutes",
    ),
    (
        "message",
        "(429) Too Many Requests: You've reached the maximum number of this type of requests this 1Password account is allowed to make. Please retry in 600 minutes or try other requests.",
        "throttled",
        4,
        "requests a day",
    ),
    (
        "message",
        "(101) You do not have permission to perform this action",
        "denied",
        1,
        "read access",
    ),
    (
        "message",
        "(404) Not Found: the object was not found",
        "denied",
        1,
        "(404) Not Found",
    ),
    (
        "message",
        "invalid secret reference 'op://AI Team/Chat/a': invalid character in secret reference: '('",
        "malformed",
        1,
        "invalid character",
    ),
    (
        "message",
        "something that nobody has seen before",
        "malformed",
        1,
        "op read REFERENCE",
    ),
];

#[test]
fn every_recorded_message_has_its_class_a_hint_and_one_run() {
    for (key, text, class, status, part) in MESSAGES {
        let mut config = chat(&[("a", "value-of-a")]);
        config[key] = text.into();
        let (test, op) = StandIn::install(project(&[("a", "value-of-a")]), &config);
        let output = test
            .args(["check"])
            .any_stdout()
            .any_stderr()
            .status(status);
        let report = [output.stdout, output.stderr].concat();
        let report = String::from_utf8_lossy(&report);
        assert!(report.contains(class), "{text}: {report}");
        assert!(report.contains(part), "{text}: {report}");
        assert_eq!(op.words(), ["inject"], "{text}");
    }
}

#[test]
fn an_error_of_the_account_is_not_asked_again_for_each_reference() {
    for text in [
        "account is not signed in",
        "error initializing client: authorization prompt dismissed, please try again",
        "(429) Too Many Requests: Please retry in 5 minutes or try other requests.",
    ] {
        let fields = [
            ("a", "value-of-a"),
            ("b", "value-of-b"),
            ("c", "value-of-c"),
        ];
        let mut config = chat(&fields);
        config["message"] = text.into();
        let (test, op) = StandIn::install(project(&fields), &config);
        let output = test.run(["true"]).any_stderr().status(125);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.starts_with("endow: error: 3 of 3 variables have no value"),
            "{stderr}"
        );
        assert_eq!(op.words(), ["inject"], "{text}");
    }
}

#[test]
fn a_limit_that_is_reached_while_bad_ones_are_taken_out_ends_the_asking() {
    let fields = [("a", "value-of-a"), ("b", "value-of-b")];
    let mut config = chat(&fields[..1]);
    config["limit"] = 1.into();
    let (test, op) = StandIn::install(project(&fields), &config);
    let output = test.run(["true"]).any_stderr().status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("A: throttled: "), "{stderr}");
    assert!(stderr.contains("B: absent: "), "{stderr}");
    assert_eq!(op.words(), ["inject"; 2]);
}

#[test]
fn a_network_that_fails_is_tried_again() {
    let mut config = chat(&[("a", "value-of-a")]);
    config["message"] = "dial tcp: lookup my.1password.com: no such host".into();
    let (test, op) = StandIn::install(project(&[("a", "value-of-a")]), &config);
    let output = test.run(["true"]).any_stderr().status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("A: unreachable: 1Password can't be reached"),
        "{stderr}"
    );
    assert_eq!(op.words(), ["inject"; 3]);
}

#[test]
fn without_op_the_report_says_how_to_get_it() {
    let test = project(&[("a", "value-of-a")]).env("PATH", "/nonexistent");
    let output = test
        .args(["run", "--", "/bin/true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("A: unreachable: 1Password's CLI `op` is not in PATH"),
        "{stderr}"
    );
    assert!(stderr.contains("hint: install it"), "{stderr}");
}

/// `op` has no `%3A` and no `%40`.
#[test]
fn an_item_with_a_mail_address_as_its_name_is_named_by_its_id() {
    for place in [
        "op://AI Team/login:dana@acme.dev/password",
        "op://u:hunter2@vault/item/password",
        "op://u:a/hunter2@host/password",
        "op://postgres://u:hunter2@host/password",
    ] {
        let output = Test::manifest(&format!("version: 1\nenv: {{ A: \"{place}\" }}\n"))
            .args(["explain"])
            .any_stderr()
            .status(2);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains("by its id where its name has a `:`"),
            "{stderr}"
        );
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

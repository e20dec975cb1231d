//! Writing: whole values and keys of JSON secrets, and nothing of another writer's lost.

use endow_providers::{Address, Class, Condition, Fault, Metadata, Provider, Secret};
use serde_json::{Value, json};

use super::{
    action,
    provider::{anyone, limits, open, place, run},
};
use crate::harness::{
    aws::{Aws, allow, text},
    proxy,
};

fn write(
    provider: &dyn Provider,
    address: &Address,
    value: &[u8],
    condition: Condition,
) -> Result<Metadata, Fault> {
    let secret = Secret::copied_from(value);
    run(provider.write(address, &secret, condition, &limits()))
}

/// The current version of a secret.
fn current(aws: &Aws, name: &str) -> Value {
    let body = json!({ "SecretId": name, "VersionStage": "AWSCURRENT" });
    aws.secrets("GetSecretValue", &body)
}

fn stands(name: &str) -> String {
    text(&current(Aws::moto(), name)["SecretString"])
}

#[test]
fn a_key_is_written_and_every_other_stays_as_it_stands() {
    let moto = Aws::moto();
    moto.secret(
        "written/json",
        "{ \"a\": 1.50, \"key\":\"old\",\n \"deep\": {\"x\": [1, 2]} }",
    );
    let provider = open("aws-sm", &moto.url(), &anyone());
    let address = place("written/json", Some("key"));
    let made =
        write(&*provider, &address, b"new \"value\"", Condition::Always).expect("it is written");
    let answer = current(moto, "written/json");
    assert_eq!(json!(made.version), answer["VersionId"]);
    assert_eq!(answer["VersionStages"], json!(["AWSCURRENT"]));
    let written = stands("written/json");
    let parsed: Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(parsed["key"], "new \"value\"");
    assert!(
        written.contains("1.50") && written.contains("{\"x\": [1, 2]}"),
        "{written}"
    );
    let pointer = place("written/json", Some("/deep/y/z"));
    write(&*provider, &pointer, b"deeper", Condition::Absent).expect("it is written");
    let parsed: Value = serde_json::from_str(&stands("written/json")).expect("JSON");
    assert_eq!(
        parsed["deep"],
        json!({ "x": [1, 2], "y": { "z": "deeper" } })
    );
    // What was current is the version before.
    let body = json!({ "SecretId": "written/json", "VersionStage": "AWSPREVIOUS" });
    let before = text(&moto.secrets("GetSecretValue", &body)["SecretString"]);
    assert!(before.contains("new \\\"value\\\""), "{before}");
}

#[test]
fn a_key_is_not_written_over_what_another_wrote_in_between() {
    let moto = Aws::moto();
    moto.secret("written/raced", r#"{"mine":"old","theirs":"old"}"#);
    // Another writer comes between reading and making the new version current.
    let raced = proxy::with(&moto.address(), |request| {
        if action(request) == "UpdateSecretVersionStage"
            && stands("written/raced").contains("\"theirs\":\"old\"")
        {
            let body = json!({ "SecretId": "written/raced", "SecretString": r#"{"mine":"old","theirs":"new"}"# });
            Aws::moto().secrets("PutSecretValue", &body);
        }
        None
    });
    let provider = open("aws-sm", &raced.url(), &anyone());
    let address = place("written/raced", Some("mine"));
    let fault =
        write(&*provider, &address, b"lost-update", Condition::Always).expect_err("it is refused");
    assert_eq!(fault.class, Class::Conflict, "{fault:?}");
    assert_eq!(stands("written/raced"), r#"{"mine":"old","theirs":"new"}"#);
    assert!(!format!("{fault:?}").contains("lost-update"));
    // Nothing of the attempt has a stage.
    let known = moto.secrets("DescribeSecret", &json!({ "SecretId": "written/raced" }));
    let stages = known["VersionIdsToStages"].as_object().expect("a map");
    let stages: Vec<&Value> = stages
        .values()
        .filter(|stages| **stages != json!([]))
        .collect();
    assert_eq!(stages.len(), 2, "{stages:?}");
    assert!(stages.contains(&&json!(["AWSCURRENT"])) && stages.contains(&&json!(["AWSPREVIOUS"])));
    // Read again, it is written.
    write(&*provider, &address, b"second-try", Condition::Always).expect("it is written");
    let parsed: Value = serde_json::from_str(&stands("written/raced")).expect("JSON");
    assert_eq!(parsed, json!({ "mine": "second-try", "theirs": "new" }));
}

#[test]
fn conditions_of_a_write_hold_or_are_a_conflict() {
    // moto does not move the stages of a version that was made current by them.
    let ministack = Aws::ministack();
    let writer = ministack.user("writer", &allow(&["secretsmanager:*"]));
    let provider = open("aws-sm", &ministack.url(), &writer);
    let stands = |name: &str| text(&current(ministack, name)["SecretString"]);
    let whole = place("written/whole", None);
    let class = |result: Result<Metadata, Fault>| result.map_err(|fault| fault.class);
    let wrong = Condition::Version("00000000-0000-0000-0000-000000000000".into());
    assert_eq!(
        class(write(&*provider, &whole, b"x", wrong.clone())),
        Err(Class::Conflict)
    );
    let made = write(&*provider, &whole, b"the-first", Condition::Absent).expect("it is made");
    assert_eq!(stands("written/whole"), "the-first");
    assert_eq!(
        class(write(&*provider, &whole, b"x", Condition::Absent)),
        Err(Class::Conflict)
    );
    assert_eq!(
        class(write(&*provider, &whole, b"x", wrong)),
        Err(Class::Conflict)
    );
    let version = Condition::Version(made.version.expect("a version"));
    write(&*provider, &whole, b"the-second", version.clone()).expect("it is written");
    assert_eq!(stands("written/whole"), "the-second");
    assert_eq!(
        class(write(&*provider, &whole, b"x", version)),
        Err(Class::Conflict)
    );
    write(&*provider, &whole, b"the-third", Condition::Always).expect("it is written");
    assert_eq!(stands("written/whole"), "the-third");
    // A key that stands there is not absent, whatever else is.
    ministack.secret("written/keys", r#"{"a":"1"}"#);
    let (a, b) = (
        place("written/keys", Some("a")),
        place("written/keys", Some("b")),
    );
    assert_eq!(
        class(write(&*provider, &a, b"x", Condition::Absent)),
        Err(Class::Conflict)
    );
    write(&*provider, &b, b"2", Condition::Absent).expect("it is written");
    let parsed: Value = serde_json::from_str(&stands("written/keys")).expect("JSON");
    assert_eq!(parsed, json!({ "a": "1", "b": "2" }));
    // A key of a secret that is not there makes one.
    let fresh = place("written/fresh", Some("key"));
    write(&*provider, &fresh, b"made", Condition::Absent).expect("it is made");
    assert_eq!(stands("written/fresh"), r#"{"key":"made"}"#);
}

#[test]
fn what_can_not_be_written_is_refused_without_its_value() {
    let moto = Aws::moto();
    moto.secret("written/text", "no-json-value");
    moto.secret("written/list", r#"{"a":["secret-of-list"]}"#);
    let provider = open("aws-sm", &moto.url(), &anyone());
    let cases = [
        (
            place("written/text", Some("key")),
            b"new-value".to_vec(),
            "the secret `written/text` is not valid JSON",
        ),
        (
            place("written/list", Some("/a/b")),
            b"new-value".to_vec(),
            "has no object to hold `/a/b`",
        ),
        (
            place("written/list", Some("a")),
            b"\xff\xfe".to_vec(),
            "holds text, and this is none",
        ),
    ];
    for (address, value, text) in cases {
        let fault =
            write(&*provider, &address, &value, Condition::Always).expect_err("it is refused");
        assert_eq!(fault.class, Class::Malformed);
        assert!(fault.message.contains(text), "{fault:?}");
        assert!(!format!("{fault:?}").contains("value"), "{fault:?}");
    }
    let mut version = place("written/text", None);
    version.options.push(("stage".into(), "AWSPREVIOUS".into()));
    let fault = write(&*provider, &version, b"x", Condition::Always).expect_err("it is refused");
    assert_eq!(
        fault.message,
        "what is written becomes the current version: leave out `?stage=`"
    );
}

#[test]
fn bytes_are_written_as_bytes() {
    let moto = Aws::moto();
    let provider = open("aws-sm", &moto.url(), &anyone());
    let address = place("written/bytes", None);
    write(&*provider, &address, b"\xff\xfe\xfd", Condition::Absent).expect("it is made");
    let answer = moto.secrets("GetSecretValue", &json!({ "SecretId": "written/bytes" }));
    assert_eq!(answer["SecretBinary"], "//79");
}

#[test]
fn a_parameter_is_written_encrypted_and_keeps_its_type() {
    let moto = Aws::moto();
    let provider = open("aws-ssm", &moto.url(), &anyone());
    let stands = |name: &str| {
        let body = json!({ "Name": name, "WithDecryption": true });
        let answer = moto.parameters("GetParameter", &body)["Parameter"].clone();
        (text(&answer["Value"]), text(&answer["Type"]))
    };
    let address = place("/written/new", None);
    let made = write(&*provider, &address, b"the-first", Condition::Absent).expect("it is made");
    assert_eq!(made.version.as_deref(), Some("1"));
    assert_eq!(
        stands("/written/new"),
        ("the-first".into(), "SecureString".into())
    );
    let body = json!({ "Name": "/written/plain", "Value": "old", "Type": "String" });
    moto.parameters("PutParameter", &body);
    write(
        &*provider,
        &place("/written/plain", None),
        b"new",
        Condition::Always,
    )
    .expect("it is written");
    assert_eq!(stands("/written/plain"), ("new".into(), "String".into()));
    let class = |result: Result<Metadata, Fault>| result.map_err(|fault| fault.class);
    assert_eq!(
        class(write(&*provider, &address, b"x", Condition::Absent)),
        Err(Class::Conflict)
    );
    let version = |number: &str| Condition::Version(number.into());
    assert_eq!(
        class(write(&*provider, &address, b"x", version("7"))),
        Err(Class::Conflict)
    );
    let second = write(&*provider, &address, b"the-second", version("1")).expect("it is written");
    assert_eq!(second.version.as_deref(), Some("2"));
}

#[test]
fn a_parameter_that_another_wrote_in_between_is_a_conflict() {
    let moto = Aws::moto();
    moto.parameter("/written/raced", "the-first");
    let raced = proxy::with(&moto.address(), |request| {
        if action(request) == "PutParameter" {
            Aws::moto().parameter("/written/raced", "theirs");
        }
        None
    });
    let provider = open("aws-ssm", &raced.url(), &anyone());
    let address = place("/written/raced", None);
    let condition = Condition::Version("1".into());
    let fault = write(&*provider, &address, b"mine", condition).expect_err("it is a conflict");
    assert_eq!(fault.class, Class::Conflict);
    assert!(
        fault.hints[0].contains("version 3 was written over that of another, which is 2"),
        "{fault:?}"
    );
}

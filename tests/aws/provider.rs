//! What a backend says without a value, and as whom; for commands that do not start a child.

use std::time::{Duration, Instant};

use endow_providers::{
    Absence, Address, Class, Fault, Field, Helpers, Limits, Metadata, Opening, Provider, Secret,
    Settings, kind,
};
use serde_json::{Value, json};

use crate::harness::{
    aws::{ACCOUNT, Aws, Caller, KEY, REGION, SECRET, allow},
    faults,
};

/// A backend of this type that asks this address with these keys.
pub(super) fn open(name: &str, url: &str, caller: &Caller) -> Box<dyn Provider> {
    let settings = [("region", REGION), ("endpoint_url", url)].map(|(name, text)| {
        (
            name.to_owned(),
            Settings::Text(Secret::copied_from(text.as_bytes())),
        )
    });
    let environment = [
        ("AWS_ACCESS_KEY_ID", caller.key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", caller.secret.as_str()),
        ("AWS_ENDPOINT_URL_STS", url),
    ]
    .map(|(name, value)| (name.into(), value.into()));
    let open = kind::named(name)
        .and_then(|kind| kind.open)
        .expect("the type");
    open(Opening {
        name,
        settings: Settings::Map(settings.into()),
        environment: &environment,
        home: None,
        helpers: Helpers::default(),
    })
    .expect("it opens")
}

/// Anyone, for an emulator without signature checks.
pub(super) fn anyone() -> Caller {
    Caller {
        key: KEY.into(),
        secret: SECRET.into(),
    }
}

/// Runs a future of a backend.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

pub(super) fn limits() -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_secs(20),
        approval: None,
    }
}

pub(super) fn place(locator: &str, field: Option<&str>) -> Address {
    Address {
        locator: locator.to_owned(),
        field: field.map(|field| match field.strip_prefix('/') {
            Some(_) => Field::Pointer(field.to_owned()),
            None => Field::Name(field.to_owned()),
        }),
        options: Vec::new(),
    }
}

fn with(mut address: Address, option: &str, value: &str) -> Address {
    address.options.push((option.to_owned(), value.to_owned()));
    address
}

type Known = Result<Result<Metadata, Absence>, Fault>;

fn describe(provider: &dyn Provider, batch: &[Address]) -> Vec<Known> {
    run(provider.describe(batch, &limits()))
}

fn label<'m>(metadata: &'m Metadata, name: &str) -> Option<&'m str> {
    let found = metadata.labels.iter().find(|(label, _)| label == name);
    found.map(|(_, text)| text.as_str())
}

#[test]
fn a_secret_is_described_without_its_value() {
    let moto = Aws::moto();
    let body = json!({
        "Name": "described",
        "SecretString": "value-of-described",
        "Tags": [{ "Key": "team", "Value": "ai" }],
    });
    moto.secrets("CreateSecret", &body);
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let body = json!({ "SecretId": "described", "ResourcePolicy": policy });
    moto.secrets("PutResourcePolicy", &body);
    let second = moto.secrets(
        "PutSecretValue",
        &json!({ "SecretId": "described", "SecretString": "value-the-second" }),
    );
    let rules = json!({ "SecretId": "described", "RotationRules": { "AutomaticallyAfterDays": 30 }, "RotateImmediately": false });
    let rotated = moto.secrets("RotateSecret", &rules);
    let counted = crate::harness::proxy::to(&moto.address());
    let provider = open("aws-sm", &counted.url(), &anyone());
    let batch = [
        place("described", Some("any-key")),
        with(place("described", None), "stage", "AWSPREVIOUS"),
        place("described/not", None),
    ];
    let known = describe(&*provider, &batch);
    let Ok(Ok(current)) = &known[0] else {
        panic!("{known:?}")
    };
    // moto makes a version of its own for a rotation without a function.
    let version = current.version.as_deref().expect("a version");
    let expected = [&second["VersionId"], &rotated["VersionId"]];
    assert!(expected.contains(&&json!(version)), "{version}");
    let created = current.created.as_deref().expect("a date");
    assert!(
        created.starts_with("20") && created.ends_with('Z'),
        "{created}"
    );
    assert_eq!(label(current, "rotation"), Some("true"));
    assert_eq!(label(current, "rotates_every"), Some("30d"));
    assert_eq!(label(current, "tag.team"), Some("ai"));
    let told: Value =
        serde_json::from_str(label(current, "resource_policy").expect("a policy")).expect("JSON");
    assert_eq!(told["Version"], "2012-10-17");
    for name in ["last_rotated", "next_rotation", "last_changed"] {
        assert!(label(current, name).is_some(), "{name}: {current:?}");
    }
    let Ok(Ok(previous)) = &known[1] else {
        panic!("{known:?}")
    };
    assert_ne!(previous.version, current.version);
    assert_eq!(
        known[2]
            .as_ref()
            .expect("no fault")
            .as_ref()
            .unwrap_err()
            .what,
        "no secret `described/not` in eu-west-1"
    );
    // No action that gives a value.
    let asked = super::actions(&counted);
    assert!(
        !asked.iter().any(|action| action.contains("SecretValue")),
        "{asked:?}"
    );
    assert!(!format!("{known:?}").contains("value-"), "{known:?}");
}

#[test]
fn a_secret_that_is_marked_for_deletion_says_when() {
    let moto = Aws::moto();
    moto.secret("described/doomed", "value-of-doomed");
    moto.secrets("DeleteSecret", &json!({ "SecretId": "described/doomed" }));
    let provider = open("aws-sm", &moto.url(), &anyone());
    let known = describe(&*provider, &[place("described/doomed", None)]);
    let fault = known[0].as_ref().unwrap_err();
    assert!(
        matches!(&fault.class, Class::Deleted { at: Some(at) } if at.starts_with("20")),
        "{fault:?}"
    );
}

#[test]
fn who_may_not_list_versions_or_read_policies_still_describes() {
    let date = 1_700_000_000;
    let server = faults::start(move |request, _| match super::action(request) {
        "DescribeSecret" => {
            let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:a-AbCdEf");
            let body = json!({ "ARN": arn, "Name": "a", "LastChangedDate": date, "VersionIdsToStages": { "v1": ["AWSCURRENT"] } });
            faults::reply(200, &[], body.to_string())
        }
        _ => faults::reply(
            400,
            &[],
            json!({ "__type": "AccessDeniedException" }).to_string(),
        ),
    });
    let provider = open("aws-sm", &server.url(), &anyone());
    let known = describe(&*provider, &[place("a", None)]);
    let metadata = known[0]
        .as_ref()
        .expect("no fault")
        .as_ref()
        .expect("it is there");
    assert_eq!(metadata.version.as_deref(), Some("v1"));
    assert_eq!(metadata.created, None);
    assert_eq!(
        label(metadata, "last_changed"),
        Some("2023-11-14T22:13:20Z")
    );
}

#[test]
fn a_parameter_is_described_without_its_value() {
    let moto = Aws::moto();
    let body = json!({ "Name": "/described/a", "Value": "value-of-a", "Type": "SecureString", "Tags": [{ "Key": "team", "Value": "ai" }] });
    moto.parameters("PutParameter", &body);
    moto.parameter("/described/a", "value-the-second");
    let counted = crate::harness::proxy::to(&moto.address());
    let provider = open("aws-ssm", &counted.url(), &anyone());
    let arn = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/described/a");
    let batch = [
        place("/described/a", None),
        place("/described/not", None),
        place(&arn, None),
        with(place("/described/a", None), "version", "1"),
    ];
    let known = describe(&*provider, &batch);
    let told = |index: usize| known[index].as_ref().expect("no fault").as_ref();
    let metadata = told(0).expect("it is there");
    assert_eq!(metadata.version.as_deref(), Some("2"));
    assert_eq!(label(metadata, "type"), Some("SecureString"));
    assert_eq!(label(metadata, "tag.team"), Some("ai"));
    assert!(metadata.created.is_some());
    assert_eq!(
        told(1).unwrap_err().what,
        "no parameter `/described/not` in eu-west-1"
    );
    assert_eq!(told(2).expect("it is there"), metadata);
    assert_eq!(told(3).expect("it is there").version.as_deref(), Some("1"));
    for request in counted.requests() {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(!body.contains("\"WithDecryption\":true"), "{body}");
    }
}

#[test]
fn a_backend_says_as_whom_it_is_signed_in() {
    let ministack = Aws::ministack();
    let caller = ministack.user("identified", &allow(&["sts:GetCallerIdentity"]));
    let provider = open("aws-sm", &ministack.url(), &caller);
    let identity = run(provider.identity(&limits())).expect("it is known");
    assert!(identity.name.ends_with(":user/identified"), "{identity:?}");
    assert_eq!(identity.expires, None);
}

//! What the register and the lease keeper ask of the provider: metadata without the value, the
//! identity, leases prolonged and ended.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    time::{Duration, Instant},
};

use endow_providers::{
    Address, Class, Field, Helpers, Limits, Metadata, Opening, Provider, Reply, Settings, kind,
};
use serde_json::{Value, json};

use super::{reader, reads};
use crate::harness::{
    openbao::{OpenBao, ROOT},
    proxy,
};

fn address(path: &str, field: &str, version: Option<&str>) -> Address {
    Address {
        locator: path.into(),
        field: Some(Field::Name(field.into())),
        options: version
            .map(|version| ("version".to_owned(), version.to_owned()))
            .into_iter()
            .collect(),
    }
}

fn limits() -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_secs(30),
        approval: None,
    }
}

/// A provider of this server, opened as the launcher does.
fn with<T>(url: &str, token: &str, work: impl AsyncFnOnce(&dyn Provider) -> T) -> T {
    let environment: Vec<(OsString, OsString)> = vec![
        ("VAULT_ADDR".into(), url.into()),
        ("VAULT_TOKEN".into(), token.into()),
    ];
    let opening = Opening {
        name: "vault",
        settings: Settings::Map(BTreeMap::new()),
        environment: &environment,
        home: None,
        helpers: Helpers::default(),
    };
    let kind = kind::named("vault").expect("the type");
    let provider = kind.open.expect("a client")(opening).expect("it opens");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let result = work(&*provider).await;
        provider.close(false).await;
        result
    })
}

#[test]
fn a_version_is_described_without_its_value() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    for number in 1..=4 {
        root.put(&mount, "chat", &json!({ "a": format!("value-{number}") }));
    }
    let custom = json!({ "custom_metadata": { "owner": "dana@acme.dev", "ticket": "12" } });
    root.call("POST", &format!("{mount}/metadata/chat"), &custom);
    let delete = json!({ "versions": [2] });
    root.call("POST", &format!("{mount}/delete/chat"), &delete);
    root.call(
        "PUT",
        &format!("{mount}/destroy/chat"),
        &json!({ "versions": [3] }),
    );
    let stated = root.call("GET", &format!("{mount}/metadata/chat"), &Value::Null);
    let created = |number: &str| {
        let created = stated["data"]["versions"][number]["created_time"].as_str();
        created.map(str::to_owned)
    };
    // Only the metadata may be read: a value that is not asked for needs no right.
    let token = root.token(&format!(
        "path \"{mount}/metadata/*\" {{ capabilities = [\"read\"] }}"
    ));
    let path = format!("{mount}/chat");
    let batch = [
        address(&path, "a", None),
        address(&path, "a", Some("1")),
        address(&path, "a", Some("2")),
        address(&path, "a", Some("3")),
        address(&path, "a", Some("9")),
        address(&format!("{mount}/none"), "a", None),
    ];
    let counted = proxy::to(&OpenBao::shared().address());
    let described = with(&counted.url(), &token, async |provider| {
        provider.describe(&batch, &limits()).await
    });
    let labels = vec![
        ("owner".to_owned(), "dana@acme.dev".to_owned()),
        ("ticket".to_owned(), "12".to_owned()),
    ];
    let expected = |version: &str| Metadata {
        version: Some(version.into()),
        created: created(version),
        lease: None,
        labels: labels.clone(),
    };
    assert_eq!(described[0], Ok(Ok(expected("4"))));
    assert_eq!(described[1], Ok(Ok(expected("1"))));
    for (index, version) in [(2, "2"), (3, "3")] {
        let fault = described[index].as_ref().expect_err("it is gone");
        assert!(
            matches!(fault.class, Class::Deleted { .. }),
            "{version}: {fault:?}"
        );
    }
    assert!(matches!(described[4], Ok(Err(_))), "{:?}", described[4]);
    assert!(matches!(described[5], Ok(Err(_))), "{:?}", described[5]);
    let lines = counted.lines();
    assert!(
        !lines.iter().any(|line| line.contains("/data/")),
        "{lines:?}"
    );
}

#[test]
fn a_version_that_will_be_deleted_later_is_described() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let later = json!({ "delete_version_after": "1h" });
    root.call("POST", &format!("{mount}/metadata/chat"), &later);
    root.put(&mount, "chat", &json!({ "a": "short-lived-value" }));
    let batch = [address(&format!("{mount}/chat"), "a", None)];
    let described = with(&OpenBao::shared().url(), ROOT, async |provider| {
        provider.describe(&batch, &limits()).await
    });
    let metadata = described[0]
        .clone()
        .expect("no fault")
        .expect("it stands there");
    assert_eq!(metadata.version.as_deref(), Some("1"));
}

#[test]
fn a_value_comes_with_the_same_metadata() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
    let custom = json!({ "custom_metadata": { "owner": "dana@acme.dev" } });
    root.call("POST", &format!("{mount}/metadata/chat"), &custom);
    let batch = [address(&format!("{mount}/chat"), "a", None)];
    let token = root.token(&reads(&mount));
    with(&OpenBao::shared().url(), &token, async |provider| {
        let fetched = provider.fetch(&batch, &limits()).await;
        let described = provider.describe(&batch, &limits()).await;
        let Ok(Reply::Value(value)) = &fetched.answers[0] else {
            panic!("{:?}", fetched.answers[0]);
        };
        assert_eq!(Ok(Ok(value.metadata.clone())), described[0]);
        assert_eq!(value.metadata.labels.len(), 1);
    });
}

#[test]
fn the_identity_is_the_tokens_name_and_end() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let token = reader(&root, &mount);
    let identity = with(&OpenBao::shared().url(), &token, async |provider| {
        provider.identity(&limits()).await.expect("an identity")
    });
    assert_eq!(identity.name, "token");
    assert!(identity.expires.is_some_and(|end| end.starts_with("20")));
    let fault = with(&OpenBao::shared().url(), "hvs.wrong", async |provider| {
        provider.identity(&limits()).await.expect_err("no identity")
    });
    assert_eq!(fault.class, Class::Unauthenticated);
}

#[test]
fn a_lease_is_prolonged_and_ended() {
    let server = OpenBao::leased();
    let root = server.root();
    root.call(
        "POST",
        "secret/lease",
        &json!({ "a": "leased-value", "ttl": "1h" }),
    );
    let batch = [address("secret/lease", "a", None)];
    with(&server.url(), ROOT, async |provider| {
        let fetched = provider.fetch(&batch, &limits()).await;
        let Ok(Reply::Value(value)) = &fetched.answers[0] else {
            panic!("{:?}", fetched.answers[0]);
        };
        let lease = value.metadata.lease.clone().expect("a lease");
        assert_eq!(lease.duration, Duration::from_hours(1));
        assert!(lease.is_renewable);
        assert!(lease.id.starts_with("secret/lease/"), "{}", lease.id);
        let renewed = provider.renew(&lease, &limits()).await.expect("renewed");
        assert_eq!(renewed.id, lease.id);
        assert!(renewed.duration > Duration::from_mins(50));
        provider.revoke(&lease, &limits()).await.expect("revoked");
        let known = root.try_call("PUT", "sys/leases/lookup", &json!({ "lease_id": lease.id }));
        assert_eq!(known.status, 400, "the lease lives on");
        let fault = provider
            .renew(&lease, &limits())
            .await
            .expect_err("it ended");
        assert!(!fault.message.is_empty());
    });
}

//! Engines other than KV: a plain read, or the method and parameters under `backends`.

use serde_json::{Value, json};

use super::{fails, project};
use crate::harness::{
    Test,
    openbao::{OpenBao, ROOT, unique},
    proxy,
};

#[test]
fn any_engine_is_read_as_it_stands() {
    let root = OpenBao::shared().root();
    let token =
        root.token("path \"cubbyhole/*\" { capabilities = [\"create\", \"read\", \"update\"] }");
    root.with(&token)
        .call("POST", "cubbyhole/mine", &json!({ "a": "value-of-a" }));
    project(
        "version: 1\nenv: { A: vault://cubbyhole/mine#a }\n",
        &OpenBao::shared().url(),
        &token,
    )
    .shell("echo $A")
    .stdout("value-of-a\n")
    .success();
}

#[test]
fn a_code_of_a_time_based_password_is_a_read() {
    let root = OpenBao::shared().root();
    let mount = unique("totp");
    root.mount(&mount, &json!({ "type": "totp" }));
    let key = json!({ "generate": true, "issuer": "acme", "account_name": "dana" });
    root.call("POST", &format!("{mount}/keys/dana"), &key);
    project(
        &format!("version: 1\nenv: {{ CODE: vault://{mount}/code/dana#code }}\n"),
        &OpenBao::shared().url(),
        ROOT,
    )
    .shell("expr \"$CODE\" : '[0-9][0-9][0-9][0-9][0-9][0-9]$'")
    .stdout("6\n")
    .success();
}

/// A certificate authority with a role `chat`.
fn authority() -> String {
    let root = OpenBao::shared().root();
    let mount = unique("pki");
    root.mount(&mount, &json!({ "type": "pki" }));
    let body = json!({ "common_name": "acme.dev", "ttl": "700h" });
    root.call("POST", &format!("{mount}/root/generate/internal"), &body);
    let role =
        json!({ "allowed_domains": ["acme.dev"], "allow_subdomains": true, "max_ttl": "24h" });
    root.call("POST", &format!("{mount}/roles/chat"), &role);
    mount
}

fn issuing(mount: &str, kv: &str) -> Test {
    let manifest = format!(
        "version: 1\nbackends: {{ vault: {{ method: POST, params: {{ common_name: chat.acme.dev, ttl: 1h }} }} }}\nenv:\n  CERT: vault://{mount}/issue/chat#certificate\n  KEY: vault://{mount}/issue/chat#private_key\n  SERIAL: {{ from: \"vault://{mount}/issue/chat#serial_number\" }}\n  A: vault://{kv}/chat#a\n"
    );
    // What is sent where must be trusted; naming the manifest is consent.
    project("version: 1\n", &OpenBao::shared().url(), ROOT)
        .file("named.yaml", manifest)
        .env_path("ENDOW_FILE", "named.yaml")
}

#[test]
fn an_engine_that_wants_a_method_and_parameters_is_asked_so_and_once() {
    let root = OpenBao::shared().root();
    let (mount, kv) = (authority(), root.kv(2));
    root.put(&kv, "chat", &json!({ "a": "value-of-a" }));
    let counted = proxy::to(&OpenBao::shared().address());
    // The key belongs to the certificate, because both came from one request.
    issuing(&mount, &kv)
        .env("VAULT_ADDR", counted.url())
        .shell(
            "[ \"$(echo \"$CERT\" | openssl x509 -noout -pubkey)\" = \"$(echo \"$KEY\" | openssl pkey -pubout)\" ] && echo \"$CERT\" | openssl x509 -noout -subject -nameopt RFC2253 && echo $A",
        )
        .stdout("subject=CN=chat.acme.dev\nvalue-of-a\n")
        .success();
    let requests = counted.requests();
    let issued: Vec<_> = requests
        .iter()
        .filter(|request| request.target == format!("/v1/{mount}/issue/chat"))
        .collect();
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0].method, "POST");
    let sent: Value = serde_json::from_slice(&issued[0].body).expect("JSON");
    assert_eq!(sent, json!({ "common_name": "chat.acme.dev", "ttl": "1h" }));
    // A secret of the KV engine is read as ever.
    assert!(counted.lines().contains(&format!("GET /v1/{kv}/data/chat")));
}

#[test]
fn a_request_that_makes_something_is_not_repeated_after_it_may_have_arrived() {
    let root = OpenBao::shared().root();
    let (mount, kv) = (authority(), root.kv(2));
    root.put(&kv, "chat", &json!({ "a": "value-of-a" }));
    let broken = crate::harness::faults::start({
        let mount = mount.clone();
        move |request, _| {
            let json = [("content-type", "application/json")];
            if request.target.starts_with("/v1/sys/internal/") {
                let kind = if request.target.contains(&mount) {
                    "pki"
                } else {
                    "cubbyhole"
                };
                let path = if kind == "pki" { &mount } else { &kv };
                let data = json!({ "path": format!("{path}/"), "type": kind, "options": null });
                return crate::harness::faults::reply(
                    200,
                    &json,
                    json!({ "data": data }).to_string(),
                );
            }
            vec![crate::harness::faults::Step::Reset]
        }
    });
    let test = issuing(&mount, "unused").env("VAULT_ADDR", broken.url());
    super::fails_within(test, 3, &["CERT", "unreachable: "]);
    let lines = broken.lines();
    let issued = lines
        .iter()
        .filter(|line| line.starts_with("POST "))
        .count();
    assert_eq!(issued, 1, "{lines:?}");
}

#[test]
fn a_version_of_an_engine_without_versions_is_refused() {
    let root = OpenBao::shared().root();
    let mount = root.kv(1);
    root.call(
        "POST",
        &format!("{mount}/chat"),
        &json!({ "a": "value-of-a" }),
    );
    fails(
        project(
            &format!("version: 1\nenv: {{ A: \"vault://{mount}/chat#a?version=2\" }}\n"),
            &OpenBao::shared().url(),
            ROOT,
        )
        .known("value-of-a"),
        &["A: malformed: ", "version"],
    );
}

//! Sign-in as an AWS identity, which OpenBao does not have: a scripted server takes what Vault
//! would send to STS, and moto says whether the signature is right.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::fails;
use crate::harness::{
    Test,
    aws::{Aws, Caller, allow},
    faults::{self, reply},
    http,
    listener::Listener,
};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const OWN: &str = "hvs.the-token-that-endow-made";

/// A server of Vault that lets everyone in.
fn server() -> Listener {
    faults::start(|request, _| {
        let answer = match request.target.as_str() {
            "/v1/auth/aws/login" => json!({ "auth": { "client_token": OWN } }),
            target if target.starts_with("/v1/sys/internal/") => {
                json!({ "data": { "path": "secret/", "type": "kv", "options": { "version": "1" } } })
            }
            _ => json!({ "data": { "a": "value-of-a" } }),
        };
        reply(200, JSON, answer.to_string())
    })
}

fn test(auth: &str, server: &Listener, caller: &Caller) -> Test {
    let manifest = format!(
        "version: 1\nbackends: {{ vault: {{ auth: {{ method: aws{auth} }} }} }}\nenv: {{ A: vault://secret/chat#a }}\n"
    );
    Test::manifest(&manifest)
        .env("VAULT_ADDR", server.url())
        .env("AWS_ACCESS_KEY_ID", &caller.key)
        .env("AWS_SECRET_ACCESS_KEY", &caller.secret)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .known(&caller.secret)
        .known(OWN)
}

/// What the sign-in sent, and the request in it.
struct Sent {
    login: Value,
    method: String,
    url: String,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Sent {
    fn to(server: &Listener) -> Self {
        let requests = server.requests();
        let is_login = |request: &&http::Request| request.target.ends_with("/login");
        let logins: Vec<_> = requests.iter().filter(is_login).collect();
        assert_eq!(logins.len(), 1);
        let login: Value = serde_json::from_slice(&logins[0].body).expect("JSON");
        let text = |name: &str| login[name].as_str().expect("a text").to_owned();
        let decoded = |name: &str| STANDARD.decode(text(name)).expect("base64");
        let headers: Value = serde_json::from_slice(&decoded("iam_request_headers")).expect("JSON");
        let headers = headers.as_object().expect("a map").iter();
        // A header is a text, or a list of them.
        let headers = headers.map(|(name, value)| {
            let value = value.as_str().or_else(|| value[0].as_str());
            (name.to_lowercase(), value.expect("a text").to_owned())
        });
        Self {
            method: text("iam_http_request_method"),
            url: String::from_utf8(decoded("iam_request_url")).expect("text"),
            body: decoded("iam_request_body"),
            headers: headers.collect(),
            login,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Does what Vault does: sends it to STS, for which moto stands.
    fn at(&self, moto: &Aws) -> http::Response {
        let host = self
            .url
            .trim_start_matches("https://")
            .trim_end_matches('/');
        let address = moto.address();
        http::ask_as(
            (&address, host),
            &self.method,
            "/",
            &self.headers,
            &self.body,
        )
        .expect("moto answers")
    }
}

#[test]
fn the_signed_request_is_one_that_sts_takes_and_names_the_caller() {
    let moto = Aws::start_moto();
    let caller = moto.user("chat", &allow(&["sts:GetCallerIdentity"]));
    moto.check_signatures();
    let server = server();
    test(", role: chat", &server, &caller)
        .prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    let mut sent = Sent::to(&server);
    assert_eq!(sent.login["role"], "chat");
    assert_eq!(sent.method, "POST");
    assert_eq!(sent.url, "https://sts.amazonaws.com/");
    assert_eq!(sent.body, b"Action=GetCallerIdentity&Version=2011-06-15");
    let answer = sent.at(&moto);
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{text}");
    assert!(text.contains(":user/chat</Arn>"), "{text}");
    // One digit of the signature decides.
    for (name, value) in &mut sent.headers {
        if name == "authorization" {
            let last = if value.ends_with('0') { "1" } else { "0" };
            value.replace_range(value.len() - 1.., last);
        }
    }
    let answer = sent.at(&moto);
    assert_eq!(
        answer.status,
        403,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
}

#[test]
fn the_servers_own_id_is_signed_and_a_region_has_its_endpoint() {
    let caller = Caller {
        key: "AKIAENDOWTESTS000000".into(),
        secret: "secret-access-key-of-the-tests-0000".into(),
    };
    let server = server();
    let auth = ", role: chat, server_id: vault.acme.dev, region: eu-west-1";
    test(auth, &server, &caller).run(["true"]).success();
    let sent = Sent::to(&server);
    assert_eq!(sent.url, "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(
        sent.header("x-vault-aws-iam-server-id"),
        Some("vault.acme.dev")
    );
    let authorization = sent.header("authorization").expect("a signature");
    assert!(
        authorization.contains("/eu-west-1/sts/aws4_request"),
        "{authorization}"
    );
    let signed = authorization
        .split("SignedHeaders=")
        .nth(1)
        .expect("the signed headers");
    let signed = signed.split(',').next().expect("the signed headers");
    let signed: Vec<&str> = signed.split(';').collect();
    assert!(signed.contains(&"x-vault-aws-iam-server-id"), "{signed:?}");
    assert!(signed.contains(&"host"), "{signed:?}");
}

#[test]
fn without_an_identity_nothing_is_sent() {
    let server = server();
    let manifest = "version: 1\nbackends: { vault: { auth: { method: aws, role: chat } } }\nenv: { A: vault://secret/chat#a }\n";
    let test = Test::manifest(manifest)
        .env("VAULT_ADDR", server.url())
        .env("AWS_EC2_METADATA_DISABLED", "true");
    fails(test, &["A: unauthenticated: "]);
    assert_eq!(server.lines(), [""; 0]);
}

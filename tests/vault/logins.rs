//! What each method sends, and what a sign-in that fails does: by a scripted server.

use std::time::Duration;

use serde_json::{Value, json};

use super::{fails, fails_within};
use crate::harness::{
    Test,
    faults::{self, Step, reply},
    http::Request,
    listener::Listener,
};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const OWN: &str = "hvs.the-token-that-endow-made";

/// A server with one secret that answers sign-ins by this script, which is given how many came
/// before.
fn server(script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Listener {
    let logins = std::sync::atomic::AtomicUsize::new(0);
    faults::start(move |request, _| {
        let target = &request.target;
        if target.contains("/login") {
            return script(logins.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        }
        let data = if target.starts_with("/v1/sys/internal/") {
            json!({ "path": "secret/", "type": "kv", "options": { "version": "1" } })
        } else {
            json!({ "a": "value-of-a" })
        };
        reply(200, JSON, json!({ "data": data }).to_string())
    })
}

fn signed_in() -> Vec<Step> {
    let auth = json!({ "client_token": OWN, "lease_duration": 3600, "renewable": true });
    reply(200, JSON, json!({ "auth": auth }).to_string())
}

fn test(auth: &str, server: &Listener) -> Test {
    Test::manifest(&format!(
        "version: 1\nbackends: {{ vault: {{ auth: {{ {auth} }} }} }}\nenv: {{ A: vault://secret/chat#a }}\n"
    ))
    .env("VAULT_ADDR", server.url())
    .env("CREDENTIAL", "the-credential")
    .known("the-credential")
    .known(OWN)
    .known("value-of-a")
    .file("token", "the-credential\n")
}

fn logins(server: &Listener) -> Vec<Request> {
    let is_login = |request: &Request| request.target.contains("/login");
    server.requests().into_iter().filter(is_login).collect()
}

#[test]
fn each_method_sends_what_the_server_wants_to_its_own_mount() {
    let from = "{ from: env://CREDENTIAL }";
    let cases = [
        (
            format!("method: approle, role_id: role, secret_id: {from}"),
            "auth/approle/login",
            json!({ "role_id": "role", "secret_id": "the-credential" }),
        ),
        (
            format!("method: approle, mount: team/approle, role_id: {from}"),
            "auth/team/approle/login",
            json!({ "role_id": "the-credential" }),
        ),
        (
            "method: kubernetes, role: web, jwt_file: token".into(),
            "auth/kubernetes/login",
            json!({ "role": "web", "jwt": "the-credential" }),
        ),
        (
            format!("method: jwt, role: ci, jwt: {from}"),
            "auth/jwt/login",
            json!({ "role": "ci", "jwt": "the-credential" }),
        ),
        (
            format!("method: jwt, mount: gitlab, jwt: {from}"),
            "auth/gitlab/login",
            json!({ "jwt": "the-credential" }),
        ),
        (
            format!("method: userpass, username: dana, password: {from}"),
            "auth/userpass/login/dana",
            json!({ "password": "the-credential" }),
        ),
        (
            format!("method: ldap, username: \"d a/na\", password: {from}"),
            "auth/ldap/login/d%20a%2Fna",
            json!({ "password": "the-credential" }),
        ),
    ];
    for (auth, path, body) in cases {
        let server = server(|_| signed_in());
        test(&auth, &server)
            .prints_values()
            .shell("echo $A")
            .stdout("value-of-a\n")
            .success();
        let logins = logins(&server);
        assert_eq!(logins.len(), 1, "{auth}");
        assert_eq!(logins[0].target, format!("/v1/{path}"));
        assert!(["POST", "PUT"].contains(&logins[0].method.as_str()));
        assert_eq!(logins[0].header("x-vault-token"), None, "{auth}");
        let sent: Value = serde_json::from_slice(&logins[0].body).expect("JSON");
        assert_eq!(sent, body);
        // What it got is what it reads with, and what it gives back.
        let requests = server.requests();
        let rest: Vec<_> = requests
            .iter()
            .filter(|request| !request.target.contains("/login"))
            .collect();
        assert!(
            rest.iter()
                .all(|request| request.header("x-vault-token") == Some(OWN))
        );
        assert!(
            rest.last()
                .is_some_and(|last| last.target == "/v1/auth/token/revoke-self")
        );
    }
}

#[test]
fn a_sign_in_that_did_not_arrive_or_was_put_off_is_tried_again() {
    for status in [429, 503] {
        let server = server(move |before| match before {
            0 => reply(status, JSON, "{\"errors\":[\"later\"]}"),
            _ => signed_in(),
        });
        let auth = "method: userpass, username: dana, password: { from: env://CREDENTIAL }";
        test(auth, &server).run(["true"]).success();
        assert_eq!(logins(&server).len(), 2);
    }
}

#[test]
fn a_sign_in_by_what_may_be_good_for_one_use_is_not_tried_again_after_it_may_have_arrived() {
    let faults: [fn() -> Vec<Step>; 3] = [
        || reply(500, JSON, "{\"errors\":[\"internal error\"]}"),
        || vec![Step::Reset],
        Vec::new,
    ];
    for fault in faults {
        let server = server(move |before| if before == 0 { fault() } else { signed_in() });
        let auth = "method: approle, role_id: x, secret_id: { from: env://CREDENTIAL }";
        fails_within(test(auth, &server), 5, &["A: unreachable: "]);
        assert_eq!(logins(&server).len(), 1);
    }
}

#[test]
fn a_user_name_leads_to_no_other_endpoint() {
    for username in ["..", ".", "../../sys/x", ""] {
        let server = server(|_| signed_in());
        let auth = format!(
            "method: userpass, username: \"{username}\", password: {{ from: env://CREDENTIAL }}"
        );
        let prepared = test(&auth, &server).run(["true"]).any_stderr();
        let _ = prepared.command().output().expect("endow runs");
        for target in logins(&server).iter().map(|request| &request.target) {
            let rest = target.strip_prefix("/v1/auth/userpass/login/");
            assert!(rest.is_some_and(|rest| !rest.contains('/')), "{target}");
        }
        let lines = server.lines();
        assert!(
            !lines.iter().any(|line| line.contains("/v1/sys/x")),
            "{lines:?}"
        );
    }
}

#[test]
fn traces_of_a_sign_in_hold_no_credential() {
    let server = server(|_| signed_in());
    let auth = "method: approle, role_id: x, secret_id: { from: env://CREDENTIAL }";
    let output = test(auth, &server)
        .env("ENDOW_LOG", "trace")
        .args(["-v"])
        .run(["true"])
        .any_stderr()
        .success();
    let trace = String::from_utf8_lossy(&output.stderr);
    assert!(trace.contains("auth/approle/login"), "{trace}");
}

#[test]
fn a_sign_in_that_is_refused_is_not_tried_again() {
    for status in [400, 401, 403] {
        let server =
            server(move |_| reply(status, JSON, "{\"errors\":[\"invalid the-credential\"]}"));
        let auth = "method: userpass, username: dana, password: { from: env://CREDENTIAL }";
        fails_within(test(auth, &server), 5, &["A: unauthenticated: "]);
        assert_eq!(logins(&server).len(), 1, "{status}");
    }
}

#[test]
fn a_sign_in_without_a_token_in_its_answer_is_malformed() {
    for body in [
        "{}",
        "{\"auth\":null}",
        "{\"auth\":{}}",
        "[]",
        "the-credential",
        "",
    ] {
        let server = server(move |_| reply(200, JSON, body));
        let auth = "method: userpass, username: dana, password: { from: env://CREDENTIAL }";
        let report = fails_within(test(auth, &server), 5, &["A: "]);
        assert!(!report.contains("absent"), "{report}");
    }
}

#[test]
fn a_sign_in_that_hangs_ends_with_the_deadline() {
    let server = server(|_| vec![Step::Hold]);
    let auth = "method: userpass, username: dana, password: { from: env://CREDENTIAL }";
    fails_within(test(auth, &server), 1, &["A: timed out: "]);
}

#[test]
fn an_auth_setting_that_is_wrong_or_missing_is_named() {
    let server = server(|_| signed_in());
    let from = "{ from: env://CREDENTIAL }";
    for (auth, texts) in [
        (
            format!("method: approle, secret_id: {from}"),
            &["role_id"][..],
        ),
        ("method: userpass, username: dana".into(), &["password"]),
        ("method: jwt, role: ci".into(), &["jwt"]),
        (
            "method: jwt, provider: gitea".into(),
            &["provider", "github"],
        ),
        (
            format!("method: approle, role_id: x, secret_idd: {from}"),
            &["secret_idd"],
        ),
        ("role_id: x".into(), &["method"]),
    ] {
        fails(test(&auth, &server), texts);
    }
    assert_eq!(server.lines(), [""; 0]);
}

#[test]
fn github_that_fails_is_no_fault_of_the_server_and_gets_no_token_of_it() {
    let auth = "method: jwt, role: ci, provider: github, audience: vault";
    for (status, body) in [
        (403, "denied request-token"),
        (200, "{}"),
        (200, "<html>"),
        (307, ""),
    ] {
        let elsewhere = faults::start(|_, _| reply(200, JSON, "{\"value\":\"x\"}"));
        let location = elsewhere.url();
        let github = faults::start(move |_, _| reply(status, &[("location", &location)], body));
        let server = server(|_| signed_in());
        let test = test(auth, &server)
            .env(
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                format!("{}/token?v=2", github.url()),
            )
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")
            .known("request-token");
        fails_within(test, 3, &["A: ", "GitHub"]);
        assert_eq!(logins(&server).len(), 0);
        assert_eq!(elsewhere.connections(), 0);
    }
}

#[test]
fn the_longest_time_of_one_request_is_that_of_the_official_clients() {
    let server = server(|before| match before {
        0 => vec![Step::Wait(Duration::from_secs(20))],
        _ => signed_in(),
    });
    let auth = "method: userpass, username: dana, password: { from: env://CREDENTIAL }";
    for (timeout, tries) in [("1", 2), ("1s", 3), ("1000ms", 4)] {
        test(auth, &server)
            .env("VAULT_CLIENT_TIMEOUT", timeout)
            .run(["true"])
            .success();
        assert_eq!(logins(&server).len(), tries, "{timeout}");
    }
}

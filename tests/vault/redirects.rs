//! Redirects: one at most, never to a weaker scheme, and a token goes nowhere it was not meant for.

use serde_json::json;

use super::{fails, fails_within, project};
use crate::harness::{
    Test,
    faults::{self, reply},
    http::Response,
    listener::Listener,
    openbao::OpenBao,
    proxy,
};

const TOKEN: &str = "hvs.the-token-of-these-tests";

fn test(address: &str) -> Test {
    project(
        "version: 1\nenv: { A: vault://secret/chat#a }\n",
        address,
        TOKEN,
    )
}

/// Sends everybody on to the same path at `origin`.
fn redirecting(status: u16, origin: String) -> Listener {
    faults::start(move |request, _| {
        let location = format!("{origin}{}", request.target);
        reply(status, &[("location", &location)], "")
    })
}

/// What stands before all nodes sends on to the same origin.
#[test]
fn a_redirect_within_the_origin_is_followed() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
    let token = super::reader(&root, &mount);
    for status in [301, 302, 307, 308] {
        let before = proxy::with(&OpenBao::shared().address(), move |request| {
            let (path, query) = request
                .target
                .split_once('?')
                .unwrap_or((&request.target, ""));
            (query != "again").then(|| Response {
                status,
                headers: vec![("location".to_owned(), format!("{path}?again"))],
                body: Vec::new(),
            })
        });
        project(
            &format!("version: 1\nenv: {{ A: vault://{mount}/chat#a }}\n"),
            &before.url(),
            &token,
        )
        .prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    }
}

/// Another port is another server, on however many machines both can be.
#[test]
fn a_redirect_to_another_port_takes_no_token_along() {
    let other = faults::start(|_, _| reply(200, &[], "{}"));
    let server = redirecting(307, other.url());
    let port = format!("it redirects to another server, {}", other.url());
    fails(test(&server.url()), &["A: unreachable: ", &port]);
    assert_eq!(other.lines(), [""; 0]);
}

#[test]
fn a_second_redirect_is_not_followed() {
    let server = faults::start(|request, _| {
        let again = format!("{}x", request.target);
        reply(307, &[("location", &again)], "")
    });
    fails(test(&server.url()), &["A: ", "it redirects twice"]);
    let last = server
        .lines()
        .into_iter()
        .filter(|line| line.ends_with("xx"));
    assert_eq!(last.count(), 0);
}

#[test]
fn a_redirect_to_itself_ends() {
    let server = faults::start(|request, _| reply(307, &[("location", &request.target)], ""));
    fails_within(test(&server.url()), 5, &["A: ", "redirect"]);
    assert!(server.lines().len() <= 4, "{:?}", server.lines());
}

#[test]
fn a_redirect_to_another_host_takes_no_token_along() {
    // `localhost` is the same machine by another name, so the request would arrive.
    let other = faults::start(|_, _| reply(200, &[], "{}"));
    let port = other
        .address()
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    let server = redirecting(307, format!("http://localhost:{port}"));
    fails(test(&server.url()), &["A: ", "redirect", "localhost"]);
    for request in other.requests() {
        assert_eq!(request.header("x-vault-token"), None);
    }
}

#[test]
fn a_redirect_to_no_address_is_refused() {
    for location in [
        "",
        "ftp://127.0.0.1/x",
        "http://",
        "//",
        "http://user:pw@127.0.0.1/",
    ] {
        let server = faults::start(move |_, _| reply(307, &[("location", location)], ""));
        fails_within(test(&server.url()), 5, &["A: ", "redirect"]);
    }
    let server = faults::start(|_, _| reply(307, &[], ""));
    fails_within(test(&server.url()), 5, &["A: ", "redirect"]);
}

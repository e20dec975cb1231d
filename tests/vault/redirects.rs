//! Redirects: one at most, never to a weaker scheme, and a token goes nowhere it was not meant for.

use serde_json::json;

use super::{fails, fails_within, project};
use crate::harness::{
    Test,
    faults::{self, reply},
    listener::Listener,
    openbao::OpenBao,
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

#[test]
fn a_standby_sends_on_to_the_active_node() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
    let token = super::reader(&root, &mount);
    for status in [301, 302, 307, 308] {
        let standby = redirecting(status, OpenBao::shared().url());
        project(
            &format!("version: 1\nenv: {{ A: vault://{mount}/chat#a }}\n"),
            &standby.url(),
            &token,
        )
        .prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    }
}

#[test]
fn a_second_redirect_is_not_followed() {
    let last = faults::start(|_, _| reply(200, &[], "{}"));
    let middle = redirecting(307, last.url());
    let first = redirecting(307, middle.url());
    fails(test(&first.url()), &["A: ", "redirect"]);
    assert_eq!(last.lines(), [""; 0]);
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

//! Servers that fail: nothing hangs, what may pass is tried again, and the culprit is named.

use std::{
    io::Write,
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{fails, fails_within, prints};
use crate::harness::{
    aws::{Aws, project},
    faults::{self, Step},
    guarded::free_port,
    listener::Listener,
    proxy,
};

const ONE: &str = "version: 1\nenv: { A: aws-sm://a }\n";

fn good() -> Vec<Step> {
    let body = json!({ "ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf", "Name": "a", "SecretString": "value-of-a" });
    faults::reply(200, &[], body.to_string())
}

fn bad(status: u16, code: &str) -> Vec<Step> {
    let body = json!({ "__type": code, "message": "-" }).to_string();
    faults::reply(status, &[], body)
}

#[test]
fn what_may_pass_is_tried_again() {
    let cases: [fn() -> Vec<Step>; 6] = [
        || bad(400, "ThrottlingException"),
        || bad(429, "TooManyRequestsException"),
        || bad(500, "InternalServiceError"),
        || faults::reply(503, &[], "<html>busy</html>"),
        || faults::reply(502, &[], ""),
        || vec![Step::Reset],
    ];
    for failure in cases {
        let server = faults::start(move |_, before| if before < 3 { failure() } else { good() });
        prints(project(ONE, &server.url()), "echo $A", "value-of-a\n");
        assert_eq!(server.requests().len(), 4);
    }
}

#[test]
fn an_address_that_refuses_connections_is_tried_until_something_listens() {
    let port = free_port();
    let test = project(ONE, &format!("http://127.0.0.1:{port}"));
    let test = test.shell("echo $A").prints_values().any_stderr();
    let test = test.stdout("value-of-a\n");
    let mut child = test.spawn();
    // The pause is what the test is about, no wait for something to be ready.
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().expect("its state").is_none(), "it gave up");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let _server = Listener::on(listener, |_, stream| {
        for step in good() {
            if let Step::Send(bytes) = step {
                stream.write_all(&bytes)?;
            }
        }
        Ok(false)
    });
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    test.compare(&output);
}

#[test]
fn throttling_without_end_ends_at_the_deadline_and_is_named() {
    let server = faults::start(|_, _| bad(400, "ThrottlingException"));
    let text = "A: throttled: Secrets Manager in eu-west-1 answers that there are too many requests (after ";
    fails_within(project(ONE, &server.url()), "4s", &[text]);
}

#[test]
fn a_wait_that_is_longer_than_the_deadline_is_not_waited_for() {
    let server = faults::start(|_, _| {
        let body = json!({ "__type": "TooManyRequestsException", "message": "-" });
        faults::reply(429, &[("retry-after", "3600")], body.to_string())
    });
    let text = "A: throttled: Secrets Manager in eu-west-1 answers that there are too many requests, \
        and it asks to wait 3600 s";
    fails_within(project(ONE, &server.url()), "60s", &[text]);
    // The SDK asks once more by itself.
    assert!(server.requests().len() <= 2, "{:?}", server.requests());
}

#[test]
fn failures_without_end_are_named() {
    let server = faults::start(|_, _| bad(500, "InternalServiceError"));
    let text = "A: unreachable: Secrets Manager in eu-west-1 fails: status 500: InternalServiceError (after ";
    fails_within(project(ONE, &server.url()), "4s", &[text]);
    let text = "A: unreachable: can't reach Secrets Manager in eu-west-1 (after ";
    let hint = "the endpoint is http://127.0.0.1:1";
    fails_within(project(ONE, "http://127.0.0.1:1"), "3s", &[text, hint]);
}

#[test]
fn a_slow_answer_within_the_deadline_is_good() {
    let server = faults::start(|_, _| {
        let mut steps = vec![Step::Wait(Duration::from_millis(700))];
        steps.extend(good());
        steps
    });
    prints(project(ONE, &server.url()), "echo $A", "value-of-a\n");
}

#[test]
fn what_is_no_answer_of_aws_is_malformed_and_not_asked_again() {
    let portal = "<html>sign in to the hotel</html>";
    for (status, body) in [
        (200, portal),
        (200, "{\"SecretString\":\"value-of-a\""),
        (200, "[]"),
        (404, portal),
        (302, ""),
    ] {
        let server = faults::start(move |_, _| {
            faults::reply(status, &[("location", "http://127.0.0.1:1/")], body)
        });
        let text = "A: malformed: what answers for Secrets Manager in eu-west-1 is not AWS: status";
        fails(
            project(ONE, &server.url()).known("value-of-a"),
            &[text, &server.url()],
        );
        assert!(server.requests().len() <= 2, "{status} {body}");
    }
    let server = faults::start(|_, _| faults::reply(200, &[], "{\"Name\":\"a\"}"));
    let text = "A: malformed: Secrets Manager gives no value of `a`";
    fails(project(ONE, &server.url()), &[text]);
}

#[test]
fn an_answer_that_is_too_large_is_given_up_and_not_asked_again() {
    let server = faults::start(|_, _| {
        let length = 1 << 30;
        vec![faults::head(200, length), Step::Flood(length)]
    });
    let text = "A: malformed: the answer of Secrets Manager in eu-west-1 is larger than 16 MiB";
    fails(project(ONE, &server.url()), &[text, &server.url()]);
    // The SDK asks once more by itself.
    assert!(server.requests().len() <= 2, "{:?}", server.requests());
}

#[test]
fn a_json_secret_that_is_none_says_where_and_not_what() {
    let moto = Aws::moto();
    moto.secret(
        "broken/json",
        "{\"password\": \"value-that-breaks\",\n \"x\": oops}",
    );
    let manifest = "version: 1\nenv: { A: aws-sm://broken/json#password }\n";
    let text = "A: malformed: the secret `broken/json` is not valid JSON, at line 2, column 7";
    fails(moto.project(manifest).known("value-that-breaks"), &[text]);
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let moto = Aws::moto();
    moto.secret("proxied", "value-of-proxied");
    let forward = proxy::forward();
    let manifest = "version: 1\nenv: { A: aws-sm://proxied }\n";
    let test = moto
        .project(manifest)
        .env("AWS_ENDPOINT_URL", proxy::elsewhere(&moto.url()))
        .env("HTTP_PROXY", forward.url());
    prints(test, "echo $A", "value-of-proxied\n");
    assert_eq!(forward.requests().len(), 1);
}

#[test]
fn what_is_on_this_machine_is_asked_through_no_proxy() {
    let moto = Aws::moto();
    moto.secret("beside", "value-of-beside");
    let forward = proxy::forward();
    let manifest = "version: 1\nenv: { A: aws-sm://beside }\n";
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        for host in ["127.0.0.1", "localhost"] {
            let endpoint = moto.url().replace("127.0.0.1", host);
            let test = moto
                .project(manifest)
                .env("AWS_ENDPOINT_URL", endpoint)
                .env(name, forward.url());
            prints(test, "echo $A", "value-of-beside\n");
        }
    }
    assert_eq!(forward.lines(), [""; 0]);
}

#[test]
fn a_proxy_on_the_way_is_named_without_its_password() {
    for (proxy, endpoint) in [
        (
            "http://someone:hunter2hunter2@127.0.0.1:1",
            "http://server.test:1",
        ),
        (
            "http://someone:hunter2hunter2@127.0.0.1:1",
            "https://server.test:1",
        ),
    ] {
        let test = project("version: 1\nenv: { A: aws-sm://any }\n", endpoint)
            .env("ALL_PROXY", proxy)
            .known("hunter2hunter2");
        fails(
            test.flags(["--timeout", "1s"]),
            &[
                "A: unreachable: can't reach Secrets Manager in eu-west-1 through the proxy 127.0.0.1:1 of ALL_PROXY",
            ],
        );
    }
}

#[test]
fn a_signal_ends_it_at_once() {
    let server = faults::start(|_, _| vec![Step::Hold]);
    let test = project(ONE, &server.url()).shell("echo started");
    let mut child = test.spawn();
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).expect("the signal");
    let started = Instant::now();
    let status = child.wait().expect("it ends");
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(15)
    );
}

//! A server that fails: the right class, within the deadline, with nothing started or shown.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{fails_at_once, fails_within, project};
use crate::harness::{
    Test,
    faults::{self, Step, head, reply},
    http::Request,
    listener::Listener,
    wait,
};

const TOKEN: &str = "hvs.the-token-of-these-tests";
const VALUE: &str = "value-of-the-scripted-server";
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// A fault.
type Answer = fn() -> Vec<Step>;

/// A server with one secret that answers reads by this script, which is given how many came
/// before, and everything else as a healthy one.
fn server(script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Listener {
    let reads = std::sync::atomic::AtomicUsize::new(0);
    faults::start(move |request, _| {
        if request.target.starts_with("/v1/sys/internal/ui/mounts/") {
            return reply(200, JSON, mount());
        }
        if !request.target.starts_with("/v1/secret/") {
            // The token is good, and the server in health.
            return reply(200, JSON, "{\"data\":{}}");
        }
        script(reads.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    })
}

fn mount() -> String {
    let data = json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } });
    json!({ "data": data }).to_string()
}

fn secret() -> String {
    let metadata = json!({ "version": 1, "created_time": "2026-01-02T03:04:05.6Z", "deletion_time": "", "destroyed": false, "custom_metadata": null });
    json!({ "data": { "data": { "a": VALUE }, "metadata": metadata } }).to_string()
}

fn errors(text: &str) -> String {
    json!({ "errors": [text] }).to_string()
}

fn test(address: &str) -> Test {
    project(
        "version: 1\nenv: { A: vault://secret/chat#a }\n",
        address,
        TOKEN,
    )
    .known(VALUE)
}

/// How many reads were tried.
fn reads(server: &Listener) -> usize {
    let is_read = |request: &Request| request.target.starts_with("/v1/secret/");
    server
        .requests()
        .iter()
        .filter(|request| is_read(request))
        .count()
}

/// Cases that wait for their deadline wait together.
fn all_at_once<T: Send>(cases: impl IntoIterator<Item = T>, run: impl Fn(T) + Sync) {
    let run = &run;
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || run(case));
        }
    });
}

/// After one such answer the next one is taken.
#[track_caller]
fn recovers(fault: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Duration {
    let server = server(move |before| match before {
        0 => fault(),
        _ => reply(200, JSON, secret()),
    });
    let started = Instant::now();
    test(&server.url())
        .prints_values()
        .any_stderr()
        .shell("echo $A")
        .stdout(format!("{VALUE}\n"))
        .success();
    assert_eq!(reads(&server), 2);
    started.elapsed()
}

#[test]
fn a_transient_fault_is_tried_again_and_the_run_succeeds() {
    const UPGRADE: &str = "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will resume service shortly.";
    let cases: [Answer; 9] = [
        || reply(412, JSON, errors("required index state not present")),
        || reply(429, JSON, errors("rate limit quota exceeded")),
        || reply(500, JSON, errors("internal error")),
        || reply(502, &[], "<html>bad gateway</html>"),
        || reply(503, JSON, errors("Vault is sealed")),
        || reply(503, &[], "no healthy upstream"),
        || vec![Step::Reset],
        Vec::new,
        || reply(400, JSON, errors(UPGRADE)),
    ];
    all_at_once(cases, |answer| {
        recovers(answer);
    });
}

#[test]
fn retry_after_is_kept() {
    for status in [429, 503] {
        let took = recovers(move || {
            let headers = [("content-type", "application/json"), ("retry-after", "2")];
            reply(status, &headers, errors("later"))
        });
        assert!(took >= Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn a_fault_that_lasts_is_named_by_its_class_within_the_deadline() {
    let cases: [(Answer, &[&str]); 8] = [
        (
            || reply(412, JSON, errors("required index state not present")),
            &["A: unreachable: ", "required index state not present"],
        ),
        (
            || reply(429, JSON, errors("rate limit quota exceeded")),
            &["A: throttled: "],
        ),
        (
            || reply(429, &[("retry-after", "1")], ""),
            &["A: throttled: "],
        ),
        (
            || reply(500, JSON, errors("internal error")),
            &["A: unreachable: ", "500"],
        ),
        (
            || reply(502, &[], "<html>bad gateway</html>"),
            &["A: unreachable: ", "502"],
        ),
        (
            || reply(503, JSON, errors("Vault is sealed")),
            &["A: unreachable: ", "sealed"],
        ),
        (|| vec![Step::Reset], &["A: unreachable: "]),
        (Vec::new, &["A: unreachable: "]),
    ];
    all_at_once(cases, |(answer, texts)| {
        let server = server(move |_| answer());
        fails_within(test(&server.url()), 2, texts);
        assert!(reads(&server) >= 2, "{texts:?}: {:?}", server.lines());
    });
}

#[test]
fn a_wait_that_is_longer_than_the_deadline_is_not_waited_for() {
    let server = server(|_| reply(429, &[("retry-after", "3600")], ""));
    fails_at_once(test(&server.url()), &["A: throttled: ", "3600"]);
    assert_eq!(reads(&server), 1);
}

#[test]
fn what_no_later_try_would_change_is_not_tried_again() {
    for (status, class) in [(400, "malformed"), (403, "denied"), (501, "malformed")] {
        let server = server(move |_| reply(status, JSON, errors("permission denied")));
        fails_within(test(&server.url()), 5, &[&format!("A: {class}: ")]);
        assert_eq!(reads(&server), 1, "{status}");
    }
}

#[test]
fn an_answer_that_is_slow_in_any_part_ends_with_the_deadline() {
    let slow_header = || {
        let mut steps = Vec::new();
        for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json" {
            steps.push(Step::Send(vec![*byte]));
            steps.push(Step::Wait(Duration::from_millis(200)));
        }
        steps
    };
    let slow_body = || {
        let mut steps = vec![head(200, secret().len())];
        for byte in secret().bytes() {
            steps.push(Step::Send(vec![byte]));
            steps.push(Step::Wait(Duration::from_millis(100)));
        }
        steps
    };
    let cases: [Answer; 3] = [|| vec![Step::Hold], slow_header, slow_body];
    all_at_once(cases, |answer| {
        let server = server(move |_| answer());
        let texts = ["A: timed out: ", &server.address()];
        fails_within(test(&server.url()), 1, &texts);
    });
}

#[test]
fn a_body_of_a_hundred_megabytes_is_not_read_to_its_end() {
    const LENGTH: usize = 100 << 20;
    let said = server(|_| vec![head(200, LENGTH), Step::Flood(LENGTH)]);
    fails_within(test(&said.url()), 10, &["A: malformed: ", "MiB"]);
    let unsaid = server(|_| {
        let head = b"HTTP/1.1 200 -\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"data\":\"";
        vec![Step::Send(head.to_vec()), Step::Flood(LENGTH)]
    });
    fails_within(test(&unsaid.url()), 10, &["A: malformed: ", "MiB"]);
    let failing = server(|_| vec![head(403, LENGTH), Step::Flood(LENGTH)]);
    fails_within(test(&failing.url()), 10, &["A: malformed: ", "MiB"]);
}

#[test]
fn an_answer_that_is_no_json_is_malformed_and_not_shown() {
    for body in [
        format!("<html>{VALUE}</html>"),
        format!("{{\"data\": {{\"data\": {{\"a\": \"{VALUE}\""),
        format!("[\"{VALUE}\"]"),
        format!("{{\"data\": \"{VALUE}\"}}"),
        String::new(),
    ] {
        let server = server(move |_| reply(200, JSON, &body));
        fails_within(test(&server.url()), 2, &["A: malformed: "]);
        assert_eq!(reads(&server), 1);
    }
}

#[test]
fn what_a_failing_answer_quotes_of_the_request_or_a_value_is_not_shown() {
    for status in [400, 403, 404, 500] {
        let server = server(move |_| reply(status, JSON, errors(&format!("bad token {TOKEN}"))));
        fails_within(test(&server.url()), 1, &["A: "]);
        let text = format!("<html>{TOKEN}</html>");
        let server = faults::start(move |_, _| reply(status, &[], &text));
        fails_within(test(&server.url()), 1, &["A: "]);
    }
}

#[test]
fn a_port_that_nobody_listens_on_is_unreachable_at_the_deadline() {
    let port = crate::harness::guarded::free_port();
    let started = Instant::now();
    let address = format!("127.0.0.1:{port}");
    fails_within(
        test(&format!("http://{address}")),
        2,
        &["A: unreachable: ", &address, "refused"],
    );
    assert!(
        started.elapsed() > Duration::from_secs(1),
        "it did not wait for the server"
    );
}

#[test]
fn a_run_that_waits_ends_by_a_signal_at_once() {
    use nix::{sys::signal, unistd::Pid};
    use std::os::unix::process::ExitStatusExt;

    let server = server(|_| vec![Step::Hold]);
    let test = test(&server.url()).run(["echo", "started"]);
    let child = test.spawn();
    wait::until("it asks", || reads(&server) > 0);
    let sent = Instant::now();
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    signal::kill(pid, signal::Signal::SIGTERM).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.signal(), Some(15));
    assert!(
        sent.elapsed() < Duration::from_secs(3),
        "{:?}",
        sent.elapsed()
    );
    test.compare(&output);
}

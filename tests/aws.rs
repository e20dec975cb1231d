//! AWS Secrets Manager and Parameter Store: values, requests, sign-in, faults, and what of AWS
//! reaches the child.

mod batches;
mod environment;
mod errors;
mod faults;
mod parameters;
mod provider;
mod secrets;
mod sign_in;
pub(crate) mod tls;
mod writes;

use crate::harness::{Test, http::Request, listener::Listener};

/// Runs a command that says so when it is started, which it must not be; every one of these
/// texts must stand in the report.
#[track_caller]
fn fails(test: Test, texts: &[&str]) -> String {
    fails_within(test, "20s", texts)
}

/// The same with this time-out.
#[track_caller]
fn fails_within(test: Test, timeout: &str, texts: &[&str]) -> String {
    let test = test.args(["run", "--timeout", timeout, "--", "echo", "started"]);
    let output = test.any_stderr().status(125);
    let report = String::from_utf8(output.stderr).expect("text");
    for text in texts {
        assert!(report.contains(text), "`{text}` is missing:\n{report}");
    }
    report
}

/// Runs a script that prints what it was given.
#[track_caller]
fn prints(test: Test, script: &str, expected: &str) {
    test.shell(script)
        .prints_values()
        .stdout(expected)
        .success();
}

/// The action that a request of a JSON service names.
fn action(request: &Request) -> &str {
    let target = request.header("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

/// The actions that were asked for, sorted.
fn actions(listener: &Listener) -> Vec<String> {
    let requests = listener.requests();
    let mut actions: Vec<String> = requests
        .iter()
        .map(|request| action(request).to_owned())
        .collect();
    actions.sort_unstable();
    actions
}

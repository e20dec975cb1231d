//! Vault and OpenBao: values, sign-in, requests, faults.

mod addresses;
mod aws;
mod engines;
mod errors;
mod faults;
mod interrupted;
mod kept;
mod kv;
mod leases;
mod logins;
mod provider;
mod redirects;
mod requests;
mod sign_in;
mod starts;
pub(crate) mod tls;
mod tokens;
mod watch;
mod watched;
mod workloads;
mod wrapping;

use std::time::{Duration, Instant};

use crate::harness::{Test, openbao::Session};

/// A project whose server and token stand in the environment.
pub(crate) fn project(manifest: &str, address: &str, token: &str) -> Test {
    Test::manifest(manifest)
        .env("VAULT_ADDR", address)
        .env("VAULT_TOKEN", token)
        .known(token)
}

/// The rules of a policy that allows to read everything of a mount.
fn reads(mount: &str) -> String {
    format!("path \"{mount}/*\" {{ capabilities = [\"read\"] }}")
}

/// A token that may read everything of a mount.
pub(crate) fn reader(session: &Session<'_>, mount: &str) -> String {
    session.token(&reads(mount))
}

/// Runs a command that says so when it is started, which it must not be; every one of these
/// texts must stand in the report.
#[track_caller]
fn fails(test: Test, texts: &[&str]) -> String {
    let output = test.run(["echo", "started"]).any_stderr().status(125);
    let report = String::from_utf8(output.stderr).expect("text");
    for text in texts {
        assert!(report.contains(text), "`{text}` is missing:\n{report}");
    }
    report
}

/// The same, long before a deadline of 20 seconds: no later try would change it.
#[track_caller]
fn fails_at_once(test: Test, texts: &[&str]) {
    let started = Instant::now();
    fails_within(test, 20, texts);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// The same, within its deadline of `seconds`.
#[track_caller]
fn fails_within(test: Test, seconds: u64, texts: &[&str]) -> String {
    let started = Instant::now();
    let timeout = format!("{seconds}s");
    let test = test.args(["run", "--timeout", &timeout, "--", "echo", "started"]);
    let output = test.any_stderr().status(125);
    let report = String::from_utf8(output.stderr).expect("text");
    for text in texts {
        assert!(report.contains(text), "`{text}` is missing:\n{report}");
    }
    // A second to close, and some for a busy machine.
    let most = Duration::from_secs(seconds + 5);
    assert!(
        started.elapsed() < most,
        "{:?}:\n{report}",
        started.elapsed()
    );
    report
}

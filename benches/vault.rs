//! How many round trips to Vault a run waits for: 100 variables over 20 paths, each response 50 ms
//! late.
//!
//! `tests/servers/install && cargo bench --bench vault`. The figure is a ratio to the latency: the
//! wall time of the run, less that of the same run without latency. It should be about 2 with a
//! ready token (one look-up of the mount, then all paths at once) and about 4 with a sign-in (and
//! its revocation). What the run costs without latency is the client, the server and the machine.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[expect(
    dead_code,
    unused_imports,
    reason = "a benchmark uses a part of the tests' harness"
)]
#[path = "../tests"]
mod tests {
    pub(crate) mod harness;
}

use std::{
    fmt::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use tests::harness::{Test, listener::Listener, openbao::OpenBao, proxy};

const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 11;
const VARIABLES: usize = 100;
const PATHS: usize = 20;
const LAUNCHERS: usize = 100;

fn main() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let mut manifest = "env:\n".to_owned();
    for path in 0..PATHS {
        let fields = (0..VARIABLES).map(|field| (format!("field{field}"), json!("a value")));
        root.put(
            &mount,
            &format!("path{path}"),
            &Value::Object(fields.collect()),
        );
    }
    for field in 0..VARIABLES {
        let path = field % PATHS;
        let _ = writeln!(
            manifest,
            "  V{field}: vault://{mount}/path{path}#field{field}"
        );
    }
    let rules = format!("path \"{mount}/*\" {{ capabilities = [\"read\"] }}");
    let fast = proxy::to(&OpenBao::shared().address());
    let slow = proxy::slow(&OpenBao::shared().address(), LATENCY);
    let token = root.token(&rules);
    let ready = |server: &Listener| {
        Test::manifest(&format!("version: 1\n{manifest}"))
            .env("VAULT_ADDR", server.url())
            .env("VAULT_TOKEN", &token)
            .run(["true"])
    };
    let signing_in = |server: &Listener| signing_in(&manifest, &rules, server).run(["true"]);

    println!("{VARIABLES} variables over {PATHS} paths, {LATENCY:?} a response, {RUNS} runs each:");
    compare("with a ready token", &ready(&fast), &ready(&slow), &slow);
    compare(
        "with a sign-in",
        &signing_in(&fast),
        &signing_in(&slow),
        &slow,
    );
    hundred_launchers();
}

/// A run that signs in by an AppRole of its own.
fn signing_in(manifest: &str, rules: &str, server: &Listener) -> Test {
    let role = OpenBao::shared().root().app_role(rules);
    Test::manifest(&format!("version: 1\n{}{manifest}", role.settings()))
        .env("VAULT_ADDR", server.url())
        .env("SECRET_ID", &role.secret_id)
}

/// Runs both in turn, so that a slow moment of the machine hits both.
fn compare(name: &str, fast: &Test, slow: &Test, server: &Listener) {
    let before = (server.lines().len(), server.connections());
    let pairs = (0..RUNS).map(|_| (time(&mut fast.command()), time(&mut slow.command())));
    let pairs: Vec<(Duration, Duration)> = pairs.collect();
    let median = |of: &dyn Fn(&(Duration, Duration)) -> Duration| {
        let mut times: Vec<Duration> = pairs.iter().map(of).collect();
        times.sort();
        times[RUNS / 2]
    };
    let waits = median(&|(fast, slow)| slow.saturating_sub(*fast));
    println!(
        "  {name}: {:.2} round trips; {:.1?}, and {:.1?} without latency; {} requests on {} connections",
        waits.as_secs_f64() / LATENCY.as_secs_f64(),
        median(&|pair| pair.1),
        median(&|pair| pair.0),
        (server.lines().len() - before.0) / RUNS,
        (server.connections() - before.1) / RUNS,
    );
}

fn time(command: &mut Command) -> Duration {
    let started = Instant::now();
    let status = command.stdin(Stdio::null()).status().expect("endow starts");
    assert!(status.success());
    started.elapsed()
}

/// A hundred launchers at once below a rate limit of 50 requests a second.
fn hundred_launchers() {
    let server = OpenBao::start(&[]);
    let counted = proxy::to(&server.address());
    let root = server.root();
    root.put("secret", "chat", &json!({ "a": "a value" }));
    let token = root.token("path \"secret/*\" { capabilities = [\"read\"] }");
    let quota = json!({ "rate": 50, "interval": "1s" });
    root.call("POST", "sys/quotas/rate-limit/all", &quota);
    let test = Test::manifest("version: 1\nenv: { A: vault://secret/chat#a }\n")
        .env("VAULT_ADDR", counted.url())
        .env("VAULT_TOKEN", token)
        .run(["true"]);
    let started = Instant::now();
    let mut children: Vec<_> = (0..LAUNCHERS)
        .map(|_| {
            test.command()
                .stdin(Stdio::null())
                .spawn()
                .expect("endow starts")
        })
        .collect();
    let failed = children
        .iter_mut()
        .map(|child| child.wait().expect("it ends"))
        .filter(|status| !status.success())
        .count();
    println!(
        "{LAUNCHERS} launchers at once, 50 requests a second: {failed} failed, all done after {:.1?}, {} requests",
        started.elapsed(),
        counted.lines().len()
    );
}

//! How many round trips to Vault a run waits for: 100 variables over 20 paths, each response 50 ms
//! late.
//!
//! `tests/servers/install && cargo bench --bench vault`. The figure is a ratio: the wall time of the
//! run, less that of one without Vault, to the latency. It should be about 2 with a ready token
//! (one look-up of the mount, then all paths at once) and about 4 with a sign-in (and its
//! revocation). What is left over is the client itself and the machine.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[expect(dead_code, reason = "a benchmark uses a part of the tests' harness")]
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

use tests::harness::{
    Test,
    listener::Listener,
    openbao::{OpenBao, text},
    proxy,
};

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
    let slow = proxy::slow(&OpenBao::shared().address(), LATENCY);
    let ready = Test::manifest(&format!("version: 1\n{manifest}"))
        .env("VAULT_ADDR", slow.url())
        .env("VAULT_TOKEN", root.token(&rules))
        .run(["true"]);
    let signing_in = signing_in(&manifest, &rules, &slow).run(["true"]);
    let without = Test::manifest("version: 1\nvalues: { A: a }\n").run(["true"]);

    println!("{VARIABLES} variables over {PATHS} paths, {LATENCY:?} a response, {RUNS} runs each:");
    let least = median(&without);
    println!("  without Vault: {least:.1?}");
    for (name, test) in [
        ("with a ready token", &ready),
        ("with a sign-in", &signing_in),
    ] {
        let before = (slow.lines().len(), slow.connections());
        let time = median(test);
        let count = |now: usize, before: usize| (now - before) / RUNS;
        println!(
            "  {name}: {time:.1?}, {:.2} round trips; {} requests on {} connections",
            time.saturating_sub(least).as_secs_f64() / LATENCY.as_secs_f64(),
            count(slow.lines().len(), before.0),
            count(slow.connections(), before.1),
        );
    }
    hundred_launchers();
}

/// A run that signs in by an AppRole of its own.
fn signing_in(manifest: &str, rules: &str, server: &Listener) -> Test {
    let root = OpenBao::shared().root();
    let auth = root.auth("approle");
    let role = json!({ "token_policies": [root.policy(rules)] });
    root.call("POST", &format!("auth/{auth}/role/bench"), &role);
    let role_id = root.call(
        "GET",
        &format!("auth/{auth}/role/bench/role-id"),
        &Value::Null,
    );
    let role_id = text(&role_id["data"]["role_id"]);
    let secret_id = root.call(
        "POST",
        &format!("auth/{auth}/role/bench/secret-id"),
        &json!({}),
    );
    let method = format!(
        "{{ method: approle, mount: {auth}, role_id: {role_id}, secret_id: {{ from: env://SECRET_ID }} }}"
    );
    Test::manifest(&format!(
        "version: 1\nbackends: {{ vault: {{ auth: {method} }} }}\n{manifest}"
    ))
    .env("VAULT_ADDR", server.url())
    .env("SECRET_ID", text(&secret_id["data"]["secret_id"]))
}

fn median(test: &Test) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| time(&mut test.command())).collect();
    times.sort();
    times[RUNS / 2]
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

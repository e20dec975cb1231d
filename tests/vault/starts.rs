//! A server that comes later than its clients, and one that many ask at once.

use std::{
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{project, reader};
use crate::harness::{guarded::free_port, http, listener::Listener, openbao::OpenBao};
use std::io::Write;

#[test]
fn a_run_that_starts_five_seconds_before_its_server_succeeds() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "late-value" }));
    let port = free_port();
    let manifest = format!("version: 1\nenv: {{ A: vault://{mount}/chat#a }}\n");
    let test = project(
        &manifest,
        &format!("http://127.0.0.1:{port}"),
        &reader(&root, &mount),
    )
    .prints_values()
    .stdout("late-value\n")
    .any_stderr()
    .shell("echo $A");
    let started = Instant::now();
    let mut child = test.spawn();
    // The pause is what the test is about, no wait for something to be ready.
    std::thread::sleep(Duration::from_secs(5));
    assert!(child.try_wait().expect("its state").is_none(), "it gave up");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let upstream = OpenBao::shared().address();
    let _server = Listener::on(listener, move |request, stream| {
        let (method, target) = (&request.method, &request.target);
        let response = http::ask(&upstream, method, target, &request.headers, &request.body)?;
        stream.write_all(&response.to_bytes())?;
        Ok(false)
    });
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    test.compare(&output);
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_hundred_launchers_at_once_succeed_below_a_rate_limit_of_fifty_requests_a_second() {
    const LAUNCHERS: usize = 100;
    let server = OpenBao::start(&[]);
    let root = server.root();
    root.put("secret", "chat", &json!({ "a": "value-of-a" }));
    let token = reader(&root, "secret");
    root.call(
        "POST",
        "sys/quotas/rate-limit/all",
        &json!({ "rate": 50, "interval": "1s" }),
    );
    let manifest = "version: 1\nenv: { A: vault://secret/chat#a }\n";
    let test = project(manifest, &server.url(), &token).shell("echo $A");
    let children: Vec<_> = (0..LAUNCHERS)
        .map(|_| {
            let mut command = test.command();
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.spawn().expect("endow starts")
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        assert_eq!(output.stdout, b"value-of-a\n");
    }
}

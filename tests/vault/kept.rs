//! Leases while the command runs: renewed, replaced where they end, and revoked at the exit.

use std::{
    fs::File,
    io::{BufRead, BufReader, Lines, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdout, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use nix::{
    libc,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

use super::leases::{LOG_IN, app_role, assert_gone, database, database_until, leases, test, users};
use crate::harness::{
    Test,
    http::{self, Response},
    listener::Listener,
    openbao::{OpenBao, ROOT},
    proxy, wait,
};

/// A command that says its user and waits until the test says that it may end.
const WAIT: &str = "echo $PGUSER; until [ -e go ]; do sleep 0.05; done";

/// What the command prints, line by line.
pub(super) fn lines(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().expect("a pipe")).lines()
}

#[track_caller]
pub(super) fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    lines.next().expect("a line").expect("text")
}

/// Lets the command end.
pub(super) fn go(test: &Test) {
    std::fs::write(test.path("go"), "").expect("a file of the test");
}

fn signal(child: &Child, signal: Signal) {
    let process = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(process), signal).expect("it runs");
}

fn count(proxy: &Listener, line: &str) -> usize {
    proxy.lines().iter().filter(|found| *found == line).count()
}

const RENEWAL: &str = "POST /v1/sys/leases/renew";

/// A run that signs in by an AppRole, through a proxy that counts.
fn counted(mount: &str, script: &str) -> (Test, Listener) {
    let counted = proxy::to(&OpenBao::shared().address());
    let (settings, secret_id) = app_role(mount);
    let test = test(mount, &settings, &counted.url());
    (test.env("SECRET_ID", secret_id).shell(script), counted)
}

#[test]
fn a_lease_is_renewed_while_the_command_runs_and_revoked_with_its_user_when_it_ends() {
    let mount = database("3s");
    let script = format!("{WAIT}; {LOG_IN}");
    let (test, counted) = counted(&mount, &script);
    let mut child = test.spawn();
    let mut output = lines(&mut child);
    let user = line(&mut output);
    wait::until("the lease is renewed twice", || {
        count(&counted, RENEWAL) >= 2
    });
    assert_eq!((leases(&mount), users(&mount).as_str()), (1, "1"));
    go(&test);
    assert_eq!(line(&mut output), "t", "{user}");
    let output = child.wait_with_output().expect("endow ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_gone(&mount);
    let read = format!("GET /v1/{mount}/creds/chat");
    assert_eq!(count(&counted, &read), 1);
    assert_eq!(count(&counted, "POST /v1/auth/token/revoke-self"), 1);
}

#[test]
fn the_token_that_leases_hang_on_is_renewed_too() {
    let mount = database("1h");
    let root = OpenBao::shared().root();
    let role = root.app_role(&super::reads(&mount));
    let short = json!({ "token_ttl": "3s", "token_policies": [role.policy] });
    root.call("POST", &format!("auth/{}/role/chat", role.mount), &short);
    let counted = proxy::to(&OpenBao::shared().address());
    let test = test(&mount, &role.settings(), &counted.url())
        .env("SECRET_ID", &role.secret_id)
        .shell(WAIT);
    let mut child = test.spawn();
    wait::until("the token is renewed twice", || {
        count(&counted, "POST /v1/auth/token/renew-self") >= 2
    });
    assert_eq!(leases(&mount), 1);
    go(&test);
    assert!(child.wait().expect("endow ends").success());
    assert_gone(&mount);
}

#[test]
fn where_a_lease_comes_to_its_end_the_command_is_started_again_with_a_new_user() {
    let mount = database_until("2s", "4s");
    let (test, _counted) = counted(&mount, &format!("{WAIT}; {LOG_IN}"));
    let mut child = test.spawn();
    let mut output = lines(&mut child);
    let (first, second) = (line(&mut output), line(&mut output));
    assert_ne!(first, second);
    go(&test);
    // The last of them logs in, however often it was started.
    assert_eq!(output.last().expect("a line").expect("text"), "t");
    let output = child.wait_with_output().expect("endow ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    let warning = "endow: warning: `PGPASSWORD`, `PGUSER` changed: the command is started again\n";
    assert!(errors.starts_with(warning), "{errors}");
    assert_gone(&mount);
}

#[test]
fn where_the_token_comes_to_its_end_endow_signs_in_again() {
    let mount = database("1h");
    let root = OpenBao::shared().root();
    let role = root.app_role(&super::reads(&mount));
    let short =
        json!({ "token_ttl": "2s", "token_max_ttl": "4s", "token_policies": [role.policy] });
    root.call("POST", &format!("auth/{}/role/chat", role.mount), &short);
    let test = test(&mount, &role.settings(), &OpenBao::shared().url())
        .env("SECRET_ID", &role.secret_id)
        .shell(WAIT);
    let mut child = test.spawn();
    let mut output = lines(&mut child);
    assert_ne!(line(&mut output), line(&mut output));
    go(&test);
    assert!(child.wait().expect("endow ends").success());
    assert_gone(&mount);
}

#[test]
fn a_server_that_fails_for_a_while_costs_no_lease() {
    let mount = database("4s");
    let failed = AtomicUsize::new(0);
    let failing = proxy::with(&OpenBao::shared().address(), move |request| {
        let fails = request.line() == RENEWAL && failed.fetch_add(1, Ordering::Relaxed) < 2;
        fails.then(|| Response {
            status: 503,
            headers: Vec::new(),
            body: br#"{"errors":[]}"#.to_vec(),
        })
    });
    let (settings, secret_id) = app_role(&mount);
    let test = test(&mount, &settings, &failing.url())
        .env("SECRET_ID", secret_id)
        .shell(WAIT);
    let child = test.spawn();
    wait::until("the lease is renewed", || count(&failing, RENEWAL) >= 4);
    go(&test);
    let output = child.wait_with_output().expect("endow ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let read = format!("GET /v1/{mount}/creds/chat");
    assert_eq!(count(&failing, &read), 1);
    assert_gone(&mount);
}

/// What the server says of a lease's length is only kept in bounds; the lease is given back.
#[test]
fn no_length_of_a_lease_ends_endow() {
    let mount = database("1h");
    for seconds in [
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1e308",
        "-1",
        "-9223372036854775808",
        "0.5",
        "null",
        "true",
        "[]",
        "\"1h\"",
        "\"9223372036854775808\"",
    ] {
        let upstream = OpenBao::shared().address();
        let changed = Listener::start(move |request, stream| {
            let (method, headers) = (&request.method, &request.headers);
            let mut answer = http::ask(&upstream, method, &request.target, headers, &request.body)?;
            let text = String::from_utf8(answer.body).expect("JSON");
            let mut rest = text.as_str();
            let mut body = String::new();
            while let Some((before, after)) = rest.split_once("\"lease_duration\":") {
                body += &format!("{before}\"lease_duration\":{seconds}");
                rest = after.trim_start_matches(|character: char| character.is_ascii_digit());
            }
            answer.body = (body + rest).into_bytes();
            answer.headers.retain(|(name, _)| name != "content-length");
            stream.write_all(&answer.to_bytes())?;
            Ok(true)
        });
        let (settings, secret_id) = app_role(&mount);
        let test = test(&mount, &settings, &changed.url())
            .env("SECRET_ID", secret_id)
            .shell(WAIT)
            .any_stderr();
        let mut child = test.spawn();
        let mut output = lines(&mut child);
        line(&mut output);
        go(&test);
        let output = child.wait_with_output().expect("endow ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{seconds}: {errors}");
        assert!(!errors.contains("internal error"), "{seconds}: {errors}");
    }
    assert_gone(&mount);
}

#[test]
fn what_is_not_to_be_started_again_goes_on_with_a_warning() {
    let mount = database_until("2s", "3s");
    let (test, counted) = counted(&mount, WAIT);
    let manifest = std::fs::read_to_string(test.path("secretfile.yaml")).expect("the manifest");
    let field = |name: &str, field: &str| {
        format!("{name}: {{ from: \"vault://{mount}/creds/chat#{field}\", on_change: none }}")
    };
    let quiet = manifest
        .replace(
            &format!("PGUSER: vault://{mount}/creds/chat#username"),
            &field("PGUSER", "username"),
        )
        .replace(
            &format!("PGPASSWORD: vault://{mount}/creds/chat#password"),
            &field("PGPASSWORD", "password"),
        );
    let test = test.file("secretfile.yaml", quiet);
    let said = test.path("said");
    let mut command = test.command();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&said).expect("a file"));
    let mut child = command.spawn().expect("endow starts");
    let mut output = lines(&mut child);
    line(&mut output);
    let read = format!("GET /v1/{mount}/creds/chat");
    wait::until("the values are read again", || count(&counted, &read) >= 2);
    // Not before: the end of the command ends a read that is not answered.
    wait::until("a warning says so", || {
        let said = std::fs::read_to_string(&said).expect("what was said");
        said.contains("changed: the command goes on with what it was given")
    });
    go(&test);
    assert!(output.next().is_none());
    assert!(child.wait().expect("endow ends").success());
    assert_gone(&mount);
}

#[test]
fn a_lease_ends_with_a_command_that_a_signal_ends() {
    let mount = database("1h");
    let (test, _counted) = counted(&mount, "kill -KILL $$");
    test.killed_by(libc::SIGKILL);
    assert_gone(&mount);
}

/// That nothing is given back can only be seen for a while; a keeper without a command gives back at once.
const KEPT: std::time::Duration = std::time::Duration::from_millis(400);

#[test]
fn a_lease_ends_with_the_command_also_where_endow_is_killed_before_it() {
    for ending in [Signal::SIGTERM, Signal::SIGKILL] {
        let mount = database("1h");
        let (test, _counted) = counted(&mount, &format!("echo $$; {WAIT}"));
        let mut child = test.spawn();
        let mut output = lines(&mut child);
        let command = line(&mut output).trim().parse().expect("a process id");
        assert_eq!(leases(&mount), 1);
        signal(&child, ending);
        let status = child.wait().expect("endow ends");
        assert_eq!(status.signal(), Some(ending as i32));
        if ending == Signal::SIGKILL {
            // The command runs on, and what it was given lasts.
            std::thread::sleep(KEPT);
            assert_eq!(leases(&mount), 1);
            kill(Pid::from_raw(command), ending).expect("the command runs on");
        }
        assert_gone(&mount);
    }
}

#[test]
fn the_leases_of_the_users_own_token_are_revoked_and_the_token_is_not() {
    let mount = database("1h");
    let root = OpenBao::shared().root();
    let revokes = "path \"sys/leases/revoke\" { capabilities = [\"update\"] }";
    let token = root.token(&format!("{}\n{revokes}", super::reads(&mount)));
    test(&mount, "", &OpenBao::shared().url())
        .env("VAULT_TOKEN", &token)
        .shell(LOG_IN)
        .stdout("t\n")
        .success();
    assert_gone(&mount);
    assert!(root.is_valid(&token));
}

#[test]
fn leases_of_the_users_own_token_are_revoked_where_nothing_uses_their_values() {
    let mount = database("1h");
    let root = OpenBao::shared().root();
    let revokes = "path \"sys/leases/revoke\" { capabilities = [\"update\"] }";
    let token = root.token(&format!("{}\n{revokes}", super::reads(&mount)));
    let of_token = || test(&mount, "", &OpenBao::shared().url()).env("VAULT_TOKEN", &token);
    of_token()
        .args(["check"])
        .any_stdout()
        .any_stderr()
        .success();
    assert_gone(&mount);
    let failing = of_token();
    let path = failing.path("secretfile.yaml");
    let manifest = std::fs::read_to_string(path).expect("the manifest");
    let manifest = manifest.replace("env: {", "env: { OTHER: file://none,");
    failing
        .file("secretfile.yaml", manifest)
        .run(["echo", "started"])
        .any_stderr()
        .status(125);
    assert_gone(&mount);
    assert!(root.is_valid(&token));
}

#[test]
fn an_abandoned_lease_is_left_and_the_command_takes_endows_place() {
    let mount = database("1h");
    let address = OpenBao::shared().url();
    let field =
        |field: &str| format!("{{ from: \"vault://{mount}/creds/chat#{field}\", lease: abandon }}");
    let (settings, secret_id) = app_role(&mount);
    let test = Test::manifest(&format!(
        "version: 1\n{settings}env: {{ PGUSER: {}, PGPASSWORD: {} }}\n",
        field("username"),
        field("password")
    ))
    .env("VAULT_ADDR", address)
    .env("SECRET_ID", secret_id)
    .known(ROOT)
    .shell("echo $$");
    let mut child = test.spawn();
    assert_eq!(line(&mut lines(&mut child)), child.id().to_string());
    assert!(child.wait().expect("it ends").success());
    assert_eq!((leases(&mount), users(&mount).as_str()), (1, "1"));
}

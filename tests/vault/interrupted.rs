//! A signal before the launch: what the server gave until then is given back first.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Output},
    thread,
    time::Duration,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};

use super::{
    leases::{app_role, assert_gone, database, leases, test},
    reads,
};
use crate::{
    harness::{Test, http, listener::Listener, long, openbao::OpenBao, random, wait},
    signals::{as_init, child_of},
};

/// The run has one more value, which nobody answers.
fn waiting(test: Test) -> Test {
    let path = test.path("secretfile.yaml");
    let manifest = std::fs::read_to_string(path).expect("the manifest");
    let manifest = manifest.replace("env: {", "env: { OTHER: dotenv://fifo,");
    mkfifo(&test.path("fifo"), Mode::from_bits_truncate(0o600)).expect("a FIFO");
    test.file("secretfile.yaml", manifest)
        .run(["touch", "started"])
}

/// Signed in by an AppRole.
fn by_role(mount: &str, address: &str) -> Test {
    let (settings, secret_id) = app_role(mount);
    waiting(test(mount, &settings, address).env("SECRET_ID", secret_id))
}

/// With a token of the user's own, which outlives the run.
fn by_token(mount: &str, address: &str) -> Test {
    let revokes = "path \"sys/leases/revoke\" { capabilities = [\"update\"] }";
    let root = OpenBao::shared().root();
    let token = root.token(&format!("{}\n{revokes}", reads(mount)));
    waiting(test(mount, "", address).env("VAULT_TOKEN", token))
}

fn send(process: i32, signal: Signal) {
    kill(Pid::from_raw(process), signal).expect("it takes the signal");
}

fn id(child: &Child) -> i32 {
    child.id().try_into().expect("a process id")
}

#[track_caller]
fn ended(test: &Test, child: Child) -> Output {
    let output = child.wait_with_output().expect("it ends");
    assert!(!test.path("started").exists(), "the command was started");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    output
}

#[test]
fn a_signal_while_another_value_is_waited_for_gives_a_lease_back_first() {
    let address = OpenBao::shared().url();
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        for of in [by_role, by_token] {
            let mount = database("1h");
            let test = of(&mount, &address);
            let child = test.spawn();
            wait::until("there is a lease", || leases(&mount) == 1);
            send(id(&child), signal);
            let output = ended(&test, child);
            assert_eq!(output.status.signal(), Some(signal as i32));
            assert_gone(&mount);
        }
    }
}

#[test]
fn as_pid_1_a_signal_gives_a_lease_back_first() {
    let mount = database("1h");
    let test = by_token(&mount, &OpenBao::shared().url()).through(as_init());
    let child = test.spawn();
    wait::until("there is a lease", || leases(&mount) == 1);
    send(child_of(&child), Signal::SIGTERM);
    assert_eq!(ended(&test, child).status.code(), Some(128 + 15));
    assert_gone(&mount);
}

/// The other value is of the same server, and in the same batch.
#[test]
fn a_lease_whose_batch_is_still_waited_for_is_given_back_too() {
    let server = Listener::start(|request, stream| {
        if request.target.ends_with("/silent") && !request.target.contains("/sys/") {
            // For longer than the test.
            thread::sleep(Duration::from_mins(2));
        }
        let upstream = OpenBao::shared().address();
        let (method, headers) = (&request.method, &request.headers);
        let response = http::ask(&upstream, method, &request.target, headers, &request.body)?;
        std::io::Write::write_all(stream, &response.to_bytes())?;
        Ok(false)
    });
    for of in [by_role, by_token] {
        let mount = database("1h");
        let test = of(&mount, &server.url());
        let path = test.path("secretfile.yaml");
        let manifest = std::fs::read_to_string(path).expect("the manifest");
        let silent = format!("vault://{mount}/silent#a");
        let test = test.file(
            "secretfile.yaml",
            manifest.replace("dotenv://fifo", &silent),
        );
        let child = test.spawn();
        wait::until("there is a lease", || leases(&mount) == 1);
        send(id(&child), Signal::SIGTERM);
        assert_eq!(ended(&test, child).status.signal(), Some(15));
        assert_gone(&mount);
    }
}

#[test]
fn where_the_server_takes_nothing_back_the_signal_ends_endow_all_the_same() {
    let server = Listener::start(|request, stream| {
        if request.target.contains("revoke") {
            thread::sleep(Duration::from_mins(2));
        }
        let upstream = OpenBao::shared().address();
        let (method, headers) = (&request.method, &request.headers);
        let response = http::ask(&upstream, method, &request.target, headers, &request.body)?;
        std::io::Write::write_all(stream, &response.to_bytes())?;
        Ok(false)
    });
    for of in [by_role, by_token] {
        let mount = database("5s");
        let test = of(&mount, &server.url());
        let child = test.spawn();
        wait::until("there is a lease", || leases(&mount) == 1);
        send(id(&child), Signal::SIGTERM);
        assert_eq!(ended(&test, child).status.signal(), Some(15));
    }
}

#[test]
fn at_whatever_moment_a_signal_comes_no_lease_is_left() {
    let mount = database("1h");
    let address = OpenBao::shared().url();
    for round in 0..long(20, 1000) {
        let test = if round % 2 == 0 {
            by_role(&mount, &address)
        } else {
            by_token(&mount, &address)
        };
        let child = test.spawn();
        // Not waited for: any moment of a launch is meant.
        thread::sleep(Duration::from_millis(u64::from(random::bytes(1)[0]) / 2));
        send(id(&child), Signal::SIGTERM);
        assert_eq!(ended(&test, child).status.signal(), Some(15));
    }
    assert_gone(&mount);
}

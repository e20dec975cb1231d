//! The servers of these tests: none outlives them, and none is in the way of another.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::harness::{
    guarded::{Guarded, free_port},
    runtime, wait,
};

/// A guard of a program that says its process id, in its directory.
fn guard(directory: &Path) -> (Child, String) {
    let words = runtime::program("guard.py");
    let guard = Command::new(&words[0])
        .args(&words[1..])
        .arg(directory)
        .args([
            "sh",
            "-c",
            "echo $$ > pid.new; mv pid.new pid; exec sleep 600",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the guard starts");
    let pid = directory.join("pid");
    wait::until("the server starts", || pid.exists());
    let pid = fs::read_to_string(pid).expect("the server's process id");
    (guard, pid.trim().to_owned())
}

/// A process that ended may wait for its new parent to notice.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn a_server_ends_with_the_tests_and_leaves_nothing() {
    let directory = Guarded::directory();
    let (mut guard, pid) = guard(&directory);
    assert!(is_running(&pid));
    // The kernel closes the pipe of tests that are gone.
    drop(guard.stdin.take());
    assert!(guard.wait().expect("the guard ends").success());
    assert!(!is_running(&pid));
    assert!(!directory.exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_ends_with_its_guard() {
    let directory = Guarded::directory();
    let (mut guard, pid) = guard(&directory);
    guard.kill().expect("the guard runs");
    guard.wait().expect("the guard ends");
    wait::until("the server ends", || !is_running(&pid));
    fs::remove_dir_all(directory).expect("the directory");
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let directory = Guarded::directory();
    let command = ["sh", "-c", "echo no such storage >&2; exit 3"].map(Into::into);
    let mut server = Guarded::start("the server", &directory, &command);
    let error = server.wait_until(|| false).expect_err("it ends");
    assert_eq!(error, "the server ended:\nno such storage\n");
    fs::remove_dir_all(directory).expect("the directory");
}

#[test]
fn no_two_servers_get_one_port() {
    let ports: BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
    assert_eq!(ports.len(), 50);
    // Each has the next one to itself, too.
    assert!(ports.iter().all(|port| !ports.contains(&(port + 1))));
}

//! Core files, where the system allows them in any size: of endow while it waits with values at
//! hand, of the one that stays with the command, of a helper, and of the command itself.

use std::{fs, os::unix::process::ExitStatusExt, process::Child};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    all,
    broken::{allowed, canaries, waiting},
    room::{Allowed, private, watched},
    value::{Canary, Search},
};
use crate::{
    exec::Program,
    harness::{Test, wait},
    matrix::{Given, Row},
};

/// As many bytes of core as the system allows.
pub(super) const DUMPS: [&str; 2] = ["--limit", "CORE=hard"];

/// Sends a signal until it ends the process: Rust's runtime takes the first SEGV for an overflow of
/// the stack.
fn strike(child: &Child, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    wait::until("it ends", || {
        kill(process, signal).expect("it is not waited for");
        let stat = fs::read_to_string(format!("/proc/{process}/stat"));
        stat.is_ok_and(|stat| stat.contains(") Z "))
    });
}

/// A waiting endow, which has the value of a file already.
fn struck(row: &Row, signal: Signal) -> Vec<String> {
    let given = Given::new();
    let scene = row.arrange(&given);
    let is_waiting = scene.is_waiting.expect("a row that waits");
    let manifest = fs::read_to_string(scene.test.path("secretfile.yaml")).expect("a manifest");
    let manifest = manifest.replace("env: { A:", "env: { B: file://at-hand, A:");
    let test = private(scene.test)
        .file("secretfile.yaml", manifest)
        .file_with_mode("at-hand", &given.value, 0o600)
        .started_with(&DUMPS)
        .run(["echo", "started"]);
    let evidence = watched(&test, |child| {
        wait::until("it waits", is_waiting);
        strike(child, signal);
    });
    let status = evidence.output.status;
    let mut wrong = evidence.leaks(&Search::of(&canaries(&given)), &allowed(row, &[]));
    if status.signal() != Some(signal as i32) || status.core_dumped() {
        wrong.push(status.to_string());
    }
    let case = format!("{}, {signal}", row.backend);
    wrong.iter().map(|text| format!("{case}: {text}")).collect()
}

#[test]
fn a_waiting_endow_that_is_struck_leaves_no_core_file() {
    let rows: Vec<Row> = waiting().collect();
    let cases = rows
        .into_iter()
        .flat_map(|row| [Signal::SIGSEGV, Signal::SIGABRT].map(|signal| (row, signal)));
    all(cases, |(row, signal)| struck(&row, signal));
}

/// A project with one value in a dotenv file.
fn project(canary: &Canary) -> Test {
    let text = [b"PLAIN=", &canary.value[..]].concat();
    let manifest = "version: 1\nenv: { PLAIN: dotenv://.env }\n";
    private(Test::manifest(manifest))
        .file_with_mode(".env", text, 0o600)
        .started_with(&DUMPS)
}

#[test]
fn an_endow_that_stays_with_the_command_leaves_no_core_file() {
    let cases = ["--init", "--redact", "--watch"]
        .into_iter()
        .flat_map(|flag| [Signal::SIGSEGV, Signal::SIGFPE].map(|signal| (flag, signal)));
    all(cases, |(flag, signal)| {
        let canary = Canary::plain();
        // It ends when its parent is gone. The signals are faults, which are not forwarded.
        let script = "exec > errors 2>&1; touch ready; while kill -0 $PPID; do sleep 0.1; done";
        let test = project(&canary).flags([flag]).shell(script);
        let ready = test.path("ready");
        let evidence = watched(&test, |child| {
            wait::until("the command runs", || ready.exists());
            strike(child, signal);
        });
        let mut wrong = evidence.leaks(&Search::of(&[canary]), &Allowed::default());
        if evidence.output.status.core_dumped() {
            wrong.push("a core was dumped".to_owned());
        }
        wrong
            .iter()
            .map(|text| format!("{flag}, {signal}: {text}"))
            .collect()
    });
}

#[test]
fn a_helper_that_crashes_with_a_value_leaves_no_core_file() {
    let canary = Canary::plain();
    let value = str::from_utf8(&canary.value).expect("a text");
    let program = Program::script(&format!("#!/bin/sh\nvalue={value}\nkill -SEGV $$\n"));
    let command = program.path("provider");
    let manifest = format!(
        "version: 1\nbackends: {{ own: {{ type: exec, command: [{}] }} }}\nenv: {{ A: own://a }}\n",
        command.display()
    );
    let test = private(Test::manifest(&manifest))
        .started_with(&DUMPS)
        .args(["--file", "secretfile.yaml"])
        .run(["true"]);
    let evidence = watched(&test, |_| {});
    let report = String::from_utf8_lossy(&evidence.output.stderr);
    assert!(report.contains("SIGSEGV"), "{report}");
    let leaks = evidence.leaks(&Search::of(&[canary]), &Allowed::default());
    assert!(leaks.is_empty(), "{leaks:?}");
}

#[test]
fn the_search_finds_a_value_in_a_core_file_of_the_command() {
    let canary = Canary::plain();
    let test = project(&canary).shell("kill -SEGV $$");
    let evidence = watched(&test, |_| {});
    assert!(evidence.output.status.core_dumped());
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("the pattern");
    // Where cores go to a program or another directory, that one was dumped has to do.
    let is_here = !pattern.starts_with(['|', '/']);
    let leaks = evidence.leaks(&Search::of(&[canary]), &Allowed::default());
    assert_eq!(!leaks.is_empty(), is_here, "{leaks:?}");
}

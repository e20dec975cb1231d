//! Every fault of the matrix, with canaries in what the backend says before it fails.

use std::collections::BTreeSet;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::os::unix::process::ExitStatusExt;

use super::{
    all,
    command::{COMMANDS, Command},
    room::{Allowed, CREDENTIAL, Evidence, traced},
    shared::Shared,
    talkative,
    value::{Canary, Search},
};
use crate::{
    harness::wait,
    matrix::{Given, Row, rows},
    signals::child_of,
};

/// Of the words of a program that floods so much is kept.
const FLOOD: (&str, &str) = ("it says too much", "1000");

/// The commands of every row; the others tell of a failure as one of these.
const TWO: [&[&str]; 2] = [&["run"], &["check", "--format", "json"]];

const CHILD: [&str; 3] = ["sh", "-c", "echo ${A+started}"];

pub(super) fn canaries(given: &Given) -> Vec<Canary> {
    vec![
        Canary::of("VALUE", given.value.as_bytes()),
        Canary::of(CREDENTIAL, given.credential.as_bytes()),
    ]
}

/// What a row may show: the launcher's own environment is its place, or has the credential.
pub(super) fn allowed(row: &Row, child: &[String]) -> Allowed {
    let is_environment = row.backend == "env";
    Allowed {
        child: child.to_vec(),
        launcher: ["VALUE", CREDENTIAL][usize::from(!is_environment)..].to_vec(),
        ..Allowed::default()
    }
}

/// Every row by two commands, and one failing row of each backend by all that read values.
fn cases() -> impl Iterator<Item = (Row, &'static Command)> + Send {
    let mut known = BTreeSet::new();
    rows().flat_map(move |row| {
        let is_first = !row.starts() && known.insert(row.backend);
        let commands = COMMANDS.iter().filter(move |command| {
            let is_of_all = TWO.contains(&command.words) && command.delivery.is_none();
            is_of_all || is_first && command.resolves()
        });
        commands.map(move |command| (row, command))
    })
}

fn fails(row: &Row, command: &Command, shared: &Shared) -> Vec<String> {
    let given = Given::new();
    let scene = row.arrange(&given);
    let words = CHILD.iter().filter(|_| command.is_run());
    let child: Vec<String> = words.map(|word| (*word).to_owned()).collect();
    let test = talkative(scene.test, command, &child);
    let most = (row.fault == FLOOD.0).then_some(FLOOD.1);
    let evidence = traced(test, most, |_| {});
    let case = format!("{}, {}, {}", row.backend, row.fault, command.name());
    let mut wrong = Vec::new();
    let status = evidence.output.status.code();
    let is_right = match (row.starts(), command.is_run()) {
        (true, true) => status == Some(0),
        // An empty value is a finding.
        (true, false) => matches!(status, Some(0 | 1)),
        (false, true) => status == Some(125),
        (false, false) => matches!(status, Some(1..=4)),
    };
    if !is_right {
        wrong.push(format!("status {status:?}"));
    }
    if command.is_run() && evidence.started(&child) != row.starts() {
        wrong.push("the child".to_owned());
    }
    let canaries = canaries(&given);
    wrong.extend(evidence.leaks(&Search::of(&canaries), &allowed(row, &child)));
    shared.add(canaries);
    wrong.iter().map(|text| format!("{case}: {text}")).collect()
}

#[test]
fn no_fault_of_any_backend_shows_a_value_or_starts_the_command() {
    let shared = Shared::begin();
    all(cases(), |(row, command)| fails(&row, command, &shared));
    shared.end();
}

/// The first row of each backend in which endow waits for something that says when it does.
pub(super) fn waiting() -> impl Iterator<Item = Row> + Send {
    let mut known = BTreeSet::new();
    rows().filter(move |row| {
        let waits = row.class == "timed out" && row.arrange(&Given::new()).is_waiting.is_some();
        waits && known.insert(row.backend)
    })
}

fn terminated(row: &Row) -> Vec<String> {
    let given = Given::new();
    let scene = row.arrange(&given);
    let is_waiting = scene.is_waiting.expect("a row that waits");
    let child = CHILD.map(str::to_owned);
    let test = talkative(scene.test, &COMMANDS[0], &child);
    let evidence: Evidence = traced(test, None, |strace| {
        wait::until("it waits", is_waiting);
        kill(Pid::from_raw(child_of(strace)), Signal::SIGTERM).expect("it runs");
    });
    let mut wrong = evidence.leaks(&Search::of(&canaries(&given)), &allowed(row, &child));
    if evidence.output.status.signal() != Some(Signal::SIGTERM as i32) {
        wrong.push(evidence.output.status.to_string());
    }
    if evidence.started(&child) {
        wrong.push("the child was started".to_owned());
    }
    wrong
        .iter()
        .map(|text| format!("{}: {text}", row.backend))
        .collect()
}

#[test]
fn a_signal_that_ends_a_waiting_endow_leaves_no_value() {
    let rows: Vec<Row> = waiting().collect();
    // The environment waits for nothing.
    assert_eq!(rows.len(), 9);
    all(rows.into_iter(), |row| terminated(&row));
}

//! The canary suite: random values, and a search for them in everything that a run can reach.
//!
//! Each case is a run of the built program under strace, in a directory of its own that is also its
//! home, its temporary directory and everything else that has a variable. Then every canary is
//! searched for, as it is and encoded, in every file that was made or changed, in what was written
//! to a file that is gone, in the names of files, in both outputs with tracing at its most, in the
//! words of every process and in the environment of every process but the child. Where a value is
//! printed by purpose, standard output is compared to the byte.
//!
//! The cases are a table: every backend by every command; every fault of the matrix, which has every
//! backend; every way in which a command can't be started, by every backend that got as far. The
//! rest of the product adds nothing: which command asked is not known to a backend, and what a
//! backend said is told by one piece of code for all commands.

mod broken;
mod command;
mod control;
mod cores;
mod history;
mod panics;
mod place;
mod room;
mod shared;
mod trace;
mod unstarted;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::{
    command::{COMMANDS, Command, Prints},
    place::{BACKENDS, Place},
    room::{Allowed, Evidence, private, traced},
    shared::Shared,
    value::{Canary, Search},
};
use crate::{harness::Test, matrix::at_once};

/// How endow is called in every case: it says everything that it ever says.
const TALKATIVE: [&str; 1] = ["-vv"];

/// Runs cases at the same time, and shows all that found something.
#[track_caller]
fn all<T: Send>(cases: impl Iterator<Item = T> + Send, run: impl Fn(T) -> Vec<String> + Sync) {
    let run = |case| {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(case)));
        outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            vec![text.unwrap_or_else(|| "a case that can't be run".to_owned())]
        })
    };
    let wrong = at_once(cases, run).concat();
    assert!(
        wrong.is_empty(),
        "{} findings:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A command line for a project; a manifest that asks for trust is named.
fn talkative(test: Test, command: &Command, child: &[String]) -> Test {
    let is_named = command.words[0] != "trust";
    let named = ["--file", "secretfile.yaml"];
    let named = named.into_iter().filter(|_| is_named);
    let test = private(test)
        .env("ENDOW_LOG", "trace")
        .env("LANG", "C.UTF-8")
        .env("GITHUB_ACTIONS", "true")
        .args(TALKATIVE)
        .args(named)
        .args(command.words);
    if child.is_empty() {
        test
    } else {
        test.args(["--"]).args(child)
    }
}

/// What a case may show, by its backend and command.
fn allowed(place: &Place, values: &[Canary], command: &Command, child: &[String]) -> Allowed {
    let is_environment = place.is_environment;
    let ambient = place.ambient.iter().map(|canary| canary.name);
    let values = values.iter().map(|canary| canary.name);
    Allowed {
        child: child.to_vec(),
        launcher: values.filter(|_| is_environment).chain(ambient).collect(),
        helper: place.helper.clone(),
        is_output_expected: !matches!(command.prints, Prints::Report),
        is_masked_by_reader: command.words.contains(&"github"),
        memory: command
            .delivery
            .filter(|delivery| delivery.contains("tmpfs"))
            .map(|_| "/dev/shm".into()),
    }
}

/// One backend by one command, where all is well.
fn succeeds(backend: &str, command: &Command, shared: &Shared) -> Vec<String> {
    let mut values = place::values(backend);
    values.retain(|canary| command.carries(canary));
    let mut place = place::arrange(backend, &values, command.delivery);
    let child = if command.is_run() {
        command.child(&values)
    } else {
        Vec::new()
    };
    let allowed = allowed(&place, &values, command, &child);
    let test = talkative(place.take_test(), command, &child);
    let evidence = traced(test, None, |_| {});
    let case = format!("{backend}, {}", command.name());
    let mut wrong = evidence.assert_status(0);
    if let Some(expected) = command.output(&values)
        && evidence.output.stdout != expected
    {
        wrong.push("standard output is not what was expected".to_owned());
    }
    let is_started = command.is_run() && !evidence.started(&child);
    wrong.extend(is_started.then(|| "no child was seen".to_owned()));
    // A log that says nothing would prove nothing.
    let is_silent = !String::from_utf8_lossy(&evidence.output.stderr).contains("INFO");
    let is_logged = command.words != ["schema"];
    wrong.extend((is_silent && is_logged).then(|| "nothing was traced".to_owned()));
    values.extend(place.others());
    wrong.extend(evidence.leaks(&Search::of(&values), &allowed));
    shared.add(values);
    wrong.iter().map(|text| format!("{case}: {text}")).collect()
}

impl Evidence {
    fn assert_status(&self, expected: i32) -> Vec<String> {
        let status = self.output.status;
        let text = || format!("{status}: {}", String::from_utf8_lossy(&self.output.stderr));
        (status.code() != Some(expected))
            .then(text)
            .into_iter()
            .collect()
    }
}

/// A type of backend without a place here would be looked at by nobody.
#[test]
fn every_type_of_backend_has_canaries() {
    let known: Vec<&str> = BACKENDS
        .iter()
        .map(|backend| backend.split(" (").next().unwrap_or_default())
        .collect();
    for kind in endow_providers::kind::ALL {
        assert!(known.contains(&kind.name), "`{}` has none", kind.name);
    }
}

#[test]
fn every_value_of_every_backend_reaches_by_every_command_what_it_is_for_and_nothing_else() {
    let shared = Shared::begin();
    let cases = BACKENDS
        .iter()
        .flat_map(|backend| COMMANDS.iter().map(move |command| (*backend, command)));
    all(cases, |(backend, command)| {
        succeeds(backend, command, &shared)
    });
    shared.end();
}

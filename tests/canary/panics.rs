//! A panic at the end of every stage, of every backend where values are at hand.
//!
//! A build with debug assertions is made to panic (`src/stage.rs`); a release can't be.

use std::fs;

use crate::harness::ENDOW;

const VARIABLE: &str = "ENDOW_PANIC_AT";

#[test]
fn only_a_build_for_tests_can_be_made_to_panic() {
    let program = fs::read(ENDOW).expect("the program");
    let mut windows = program.windows(VARIABLE.len());
    let is_known = windows.any(|window| window == VARIABLE.as_bytes());
    assert_eq!(is_known, cfg!(debug_assertions));
}

#[cfg(debug_assertions)]
mod forced {
    use std::os::unix::process::ExitStatusExt;

    use nix::sys::signal::Signal;

    use super::{
        super::{
            all,
            command::COMMANDS,
            cores::DUMPS,
            place::{self, BACKENDS},
            room::{Allowed, watched},
            talkative,
            value::{Canary, Search},
        },
        VARIABLE,
    };

    const STAGES: [&str; 7] = [
        "arguments",
        "manifest",
        "profile",
        "plan",
        "resolve",
        "environment",
        "launch",
    ];
    /// Those of every command that resolves; values are at hand in the last of them.
    const COMMON: usize = 5;

    fn panics(backend: &str, command: &super::super::Command, stage: &str) -> Vec<String> {
        let values = [Canary::plain()];
        let mut place = place::arrange(backend, &values, command.delivery);
        // What a panic says can be a value too.
        let payload = Canary::of("TEXT", crate::harness::random::word(32));
        let said = str::from_utf8(&payload.value).expect("a text");
        let child = ["sh", "-c", "echo started"].map(str::to_owned);
        let child = &child[..if command.is_run() { 3 } else { 0 }];
        let test = talkative(place.take_test(), command, child)
            .started_with(&DUMPS)
            .env(VARIABLE, format!("{stage}:{said}"));
        let evidence = watched(&test, |_| {});
        let status = evidence.output.status;
        let mut wrong = Vec::new();
        if status.signal() != Some(Signal::SIGABRT as i32) || status.core_dumped() {
            wrong.push(status.to_string());
        }
        let report = String::from_utf8_lossy(&evidence.output.stderr);
        if !report.contains("internal error") {
            wrong.push(format!("no word of it: {report}"));
        }
        let canaries = values.into_iter().chain([payload]).chain(place.others());
        let search = Search::of(&canaries.collect::<Vec<_>>());
        let allowed = Allowed {
            helper: place.helper.clone(),
            ..Allowed::default()
        };
        wrong.extend(evidence.leaks(&search, &allowed));
        let case = format!("{backend}, {}, {stage}", command.name());
        wrong.iter().map(|text| format!("{case}: {text}")).collect()
    }

    #[test]
    fn a_panic_inside_of_a_backend_is_a_fault_of_it_and_ends_nothing() {
        for backend in BACKENDS {
            let values = [Canary::plain()];
            let mut place = place::arrange(backend, &values, None);
            let child = ["sh", "-c", "echo started"].map(str::to_owned);
            let test =
                talkative(place.take_test(), &COMMANDS[0], &child).env(VARIABLE, "provider:a text");
            let evidence = watched(&test, |_| {});
            let report = String::from_utf8_lossy(&evidence.output.stderr).into_owned();
            assert_eq!(
                evidence.output.status.code(),
                Some(125),
                "{backend}: {report}"
            );
            assert!(
                report.contains("malformed: a library of the backend `"),
                "{backend}: {report}"
            );
            assert!(
                !report.contains("internal error") && !report.contains("a text"),
                "{backend}: {report}"
            );
            let search = Search::of(&values.into_iter().chain(place.others()).collect::<Vec<_>>());
            let allowed = Allowed {
                helper: place.helper.clone(),
                ..Allowed::default()
            };
            assert_eq!(
                evidence.leaks(&search, &allowed),
                Vec::<String>::new(),
                "{backend}"
            );
        }
    }

    #[test]
    fn a_panic_at_any_stage_shows_no_value_and_leaves_no_core_file() {
        let of_commands = COMMANDS
            .iter()
            .filter(|command| command.resolves())
            .flat_map(|command| {
                let count = if command.is_run() {
                    STAGES.len()
                } else {
                    COMMON
                };
                let stages = STAGES[..count].iter();
                stages.map(move |stage| ("dotenv", command, *stage))
            });
        let of_backends = BACKENDS.iter().flat_map(|backend| {
            let stages = STAGES[COMMON - 1..].iter();
            stages.map(move |stage| (*backend, &COMMANDS[0], *stage))
        });
        all(
            of_commands.chain(of_backends),
            |(backend, command, stage)| panics(backend, command, stage),
        );
    }
}

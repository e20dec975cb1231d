//! What a launch costs: `endow run -- true` with 20 dotenv variables against `env -i A=1 true`.
//!
//! `cargo bench --bench launch`. Both run in turn, so a slow moment of the machine hits both; the
//! figure is the ratio of CPU time (user and system, of the finished children), pair by pair.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "shared/project.rs"]
mod project;

use std::{path::Path, process::Command, time::Duration};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

/// Launches that are summed up into one measurement: the clock of CPU time is coarse.
const BATCH: usize = 50;
const PAIRS: usize = 21;
const VARIABLES: usize = 20;

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let values: Vec<(String, String)> = (0..VARIABLES)
        .map(|number| {
            (
                format!("VARIABLE_{number}"),
                format!("value-number-{number}"),
            )
        })
        .collect();
    project::write(directory.path(), &values);

    let endow = || {
        command(
            directory.path(),
            env!("CARGO_BIN_EXE_endow"),
            &["run", "--", "true"],
        )
    };
    let env = || command(directory.path(), "env", &["-i", "A=1", "true"]);
    let bare = || command(directory.path(), "true", &[]);
    cpu(endow);
    let mut ratios: Vec<(f64, f64)> = (0..PAIRS)
        .map(|_| {
            let (endow, env, bare) = (cpu(endow), cpu(env), cpu(bare));
            (
                endow.as_secs_f64() / env.as_secs_f64(),
                endow.as_secs_f64() / bare.as_secs_f64(),
            )
        })
        .collect();
    println!(
        "CPU time of `endow run -- true` with {VARIABLES} dotenv variables, {PAIRS} x {BATCH} launches:"
    );
    report("env -i A=1 true", &mut ratios, |pair| pair.0);
    report("true", &mut ratios, |pair| pair.1);
}

fn report(name: &str, ratios: &mut [(f64, f64)], of: fn(&(f64, f64)) -> f64) {
    ratios.sort_by(|one, other| of(one).total_cmp(&of(other)));
    let at = |index: usize| of(&ratios[index]);
    println!(
        "  / `{name}`: median {:.2}, from {:.2} to {:.2}",
        at(ratios.len() / 2),
        at(0),
        at(ratios.len() - 1)
    );
}

fn command(directory: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    command
}

/// The CPU time of a batch of launches.
fn cpu(command: impl Fn() -> Command) -> Duration {
    let before = children();
    for _ in 0..BATCH {
        assert!(command().status().expect("it starts").success());
    }
    children().saturating_sub(before)
}

fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of children");
    let duration = |time: TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
        let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
        Duration::from_secs(seconds) + Duration::from_micros(micros)
    };
    duration(usage.user_time()) + duration(usage.system_time())
}

//! endow gives a process its secrets, and nothing else.
//!
//! `arguments -> manifest -> profile -> plan -> resolved -> environment -> launch`: each stage is
//! a function of the one before, and imports only stages before it. [`commands`] puts them
//! together; [`ui`] alone prints; [`sys`] alone is unsafe.

pub mod cli;
mod commands;
pub mod environment;
pub mod error;
pub mod finding;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod harden;
pub mod launch;
pub mod manifest;
pub mod plan;
pub mod redact;
pub mod resolve;
pub mod session;
mod shell;
mod stage;
pub mod sys;
pub mod ui;
pub mod variables;

use std::process::ExitCode;

use crate::{
    cli::Stop,
    error::{Error, Family},
    ui::Ui,
};

/// Runs the command line of this process. With `run`, it returns only on an error, or where endow
/// stayed with the command.
pub fn main() -> ExitCode {
    harden::harden();
    sys::signal::outlive_full_files();
    let environment: Vec<_> = std::env::vars_os().collect();
    let ui = Ui::new(&environment, false);
    match cli::parse::<commands::Cli>(std::env::args_os().collect()) {
        Ok(cli) => {
            stage::reached("arguments");
            ExitCode::from(commands::dispatch(cli, environment))
        }
        Err(Stop::Print(text)) => match ui.report(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => ExitCode::from(report(ui, &error, Family::Other)),
        },
        Err(Stop::Wrong {
            message,
            hints,
            is_run,
        }) => {
            let family = if is_run { Family::Run } else { Family::Other };
            ExitCode::from(report(ui, &Error::Usage { message, hints }, family))
        }
    }
}

fn report(ui: Ui, error: &Error, family: Family) -> u8 {
    ui.error(error);
    error.exit_code(family)
}

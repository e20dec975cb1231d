//! `endow run`: the main job.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    time::Duration,
};

use clap::Args;

use super::explain;
use crate::{
    cli::Format,
    environment::{Environment, Extra, NulInValue, inherit::Rules},
    error::Error,
    launch::{
        self, Launch,
        supervise::{Stop, supervise},
    },
    manifest::{duration, is_name},
    plan::Plan,
    session::{Context, Only, refuse_unsupported, values},
    sys,
};

/// Start a command with the variables of the manifest, and with what it inherits.
///
/// The first word that is no option begins the command; nothing after it is read by endow.
/// The exit status is the command's. endow's own failures are 125; 126 is a command that can't
/// be executed, 127 one that was not found.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endow run -- npm run dev
  endow run --profile prod -- node server.js
  endow run --only DATABASE_URL -- psql
  endow run -e DEBUG -e PORT=4000 -- python3 app.py
  endow run --dry-run                 what would be asked, inherited and dropped")]
pub(super) struct Arguments {
    /// Only these variables and groups, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Pass on one more variable of the caller, or set one; not for a declared name
    #[arg(short = 'e', value_name = "NAME[=VALUE]")]
    extra: Vec<OsString>,
    /// The deadline of all backends together, such as 10s; else `run.timeout`, else 30s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Stay as the command's parent: forward signals, reap orphans, end as it ends. For containers
    #[arg(long)]
    init: bool,
    /// Say what would be done and do nothing: `endow explain`
    #[arg(long)]
    dry_run: bool,
    /// How --dry-run is printed: text, or json
    #[arg(
        long,
        value_enum,
        default_value_t,
        requires = "dry_run",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(super) format: Format,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write a number and one of ms, s, m, h: `10s`".to_owned())
}

/// Resolves, builds the environment, and becomes the command or stays with it.
pub(super) fn run(arguments: &Arguments, context: &Context) -> Result<u8, Error> {
    let extra = Extras::parse(&arguments.extra)?;
    let mut session = context.open()?;
    session.refuse_stranger()?;
    let is_trusted = session.require_trust();
    let plan = session.plan(&Only::Words(&arguments.only))?;
    extra.refuse_declared(&plan)?;
    if arguments.dry_run {
        let untrusted = match is_trusted {
            Err(Error::Untrusted { parts, .. }) => parts,
            _ => Vec::new(),
        };
        let setting = explain::Setting {
            context,
            extra: &extra.passed,
            command: &arguments.command,
            duties: arguments.duties(),
            untrusted,
        };
        return explain::print(&plan, &setting).map(|()| 0);
    }
    is_trusted?;
    refuse_unsupported(&plan)?;
    let name = arguments.command.first().ok_or_else(no_command)?;
    let program = launch::find(name, context.variable("PATH"))?;
    let resolved = values(
        context,
        &plan,
        arguments.timeout,
        "the command was not started",
    )?;
    let rules = Rules::new(plan.manifest, &extra.passed);
    let fates = rules.fates(&context.environment);
    let exported = exported(&plan, resolved.values);
    let environment = Environment::build(&context.environment, &fates, &extra.set, &exported)
        .map_err(|NulInValue { names }| Error::NulInValue { names })?;
    drop(exported);
    context.ui.warnings(&resolved.warnings);
    let launch = Launch::new(&program, &arguments.command, environment)?;
    let has_duty = !(arguments.duties().is_empty() && plan.duties().is_empty());
    if has_duty {
        supervise(launch, stop(&plan))
    } else {
        Err(launch.exec())
    }
}

impl Arguments {
    /// The duties that flags ask for.
    fn duties(&self) -> Vec<String> {
        let is_init = self.init.then(|| "`--init` asks for it".to_owned());
        is_init.into_iter().collect()
    }
}

/// How the command is asked to stop.
fn stop(plan: &Plan<'_>) -> Stop {
    let run = &plan.manifest.run;
    let stated = run.stop_signal.as_ref();
    Stop {
        // Its name was checked when it was read.
        signal: stated
            .and_then(|name| sys::signal::by_name(&name.value))
            .unwrap_or(sys::signal::TERM),
        timeout: run.stop_timeout.as_ref().map(|timeout| timeout.value),
    }
}

/// The values that the child gets.
fn exported(
    plan: &Plan<'_>,
    mut values: std::collections::BTreeMap<String, Option<endow_providers::Secret>>,
) -> std::collections::BTreeMap<String, Option<endow_providers::Secret>> {
    values.retain(|name, _| plan.variables[name.as_str()].part == crate::plan::Part::Exported);
    values
}

fn no_command() -> Error {
    Error::Usage {
        message: "no command to run".to_owned(),
        hints: vec!["write it after `--`: `endow run -- npm run dev`".to_owned()],
    }
}

/// The words of `-e`.
struct Extras {
    /// Passed on from the caller.
    passed: Vec<OsString>,
    /// Set here.
    set: Vec<Extra>,
}

impl Extras {
    fn parse(words: &[OsString]) -> Result<Self, Error> {
        let mut extras = Self {
            passed: Vec::new(),
            set: Vec::new(),
        };
        for word in words {
            let bytes = word.as_bytes();
            let equals = bytes.iter().position(|byte| *byte == b'=');
            let name = &bytes[..equals.unwrap_or(bytes.len())];
            if name.is_empty() {
                return Err(Error::Usage {
                    message: "-e with an empty name".to_owned(),
                    hints: vec!["write `-e NAME` or `-e NAME=VALUE`".to_owned()],
                });
            }
            let name = OsStr::from_bytes(name).to_owned();
            match equals {
                Some(at) => extras
                    .set
                    .push((name, OsString::from_vec(bytes[at + 1..].to_vec()))),
                None => extras.passed.push(name),
            }
        }
        Ok(extras)
    }

    fn refuse_declared(&self, plan: &Plan<'_>) -> Result<(), Error> {
        let names = self
            .passed
            .iter()
            .chain(self.set.iter().map(|(name, _)| name));
        for name in names.filter_map(|name| name.to_str()) {
            if is_name(name) && plan.variables.contains_key(name) {
                return Err(Error::Usage {
                    message: format!("-e {name}: the manifest declares it"),
                    hints: vec![
                        "its value comes from its place; another profile can say another place"
                            .to_owned(),
                    ],
                });
            }
        }
        Ok(())
    }
}

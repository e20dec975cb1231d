//! `endow run`: the main job.

mod again;
mod delivery;
mod extras;
mod masks;

use std::{ffi::OsString, time::Duration};

use clap::{Args, builder::EnumValueParser};

use self::{again::Again, delivery::deliver, extras::Extras, masks::Masks};
use super::{duration_parser, explain};
use crate::{
    cli::{Format, Late, LateParser, Options, PROFILE_VARIABLE},
    error::Error,
    launch::{
        self, Launch,
        keeping::Keeping,
        supervise::{Care, Stop, supervise},
    },
    plan::{Plan, WATCH},
    session::{Context, Only, kept_values, unseen},
    stage,
    sys::{
        self,
        user::{Account, is_root, is_set_id},
    },
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
  endow run --redact -- pytest -v     values in the output become names
  endow run --init --user app -- server       as the entry point of a container
  endow run --dry-run                 what would be asked, inherited and dropped")]
pub(super) struct Arguments {
    /// Only these variables and groups, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Pass on one more variable of the caller, or set one; not for a declared name
    #[arg(short = 'e', value_name = "NAME[=VALUE]")]
    extra: Vec<OsString>,
    /// The deadline of all backends together, such as 10s; else `run.timeout`, else 30s
    #[arg(long, value_name = "DURATION", value_parser = duration_parser())]
    timeout: Option<Late<Duration>>,
    /// Stay as the command's parent: forward signals, reap orphans, end as it ends. For containers
    #[arg(long)]
    init: bool,
    /// Replace values in the command's output by the names of their variables
    #[arg(long, overrides_with = "no_redact")]
    redact: bool,
    /// Leave the output as it is, also if the manifest says `run.redact`
    #[arg(long, overrides_with = "redact")]
    no_redact: bool,
    /// Look at the values every 30 s, or as `run.watch` says, and do what they ask for on a change
    #[arg(long, overrides_with = "no_watch")]
    watch: bool,
    /// Look at nothing, also if the manifest says `run.watch`
    #[arg(long, overrides_with = "watch")]
    no_watch: bool,
    /// Start the command as this user, with the user's groups, HOME, USER and LOGNAME; endow must be root
    #[arg(long, value_name = "NAME[:GROUP]")]
    user: Option<String>,
    /// Say what would be done and do nothing: `endow explain`
    #[arg(long)]
    dry_run: bool,
    /// How --dry-run is printed: text, or json
    #[arg(
        long,
        value_parser = LateParser(EnumValueParser::<Format>::new()),
        default_value = "text",
        requires = "dry_run",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(super) format: Late<Format>,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Resolves, builds the environment, and becomes the command or stays with it.
pub(super) fn run(arguments: &Arguments, context: &Context) -> Result<u8, Error> {
    let mut extra = Extras::parse(&arguments.extra)?;
    let mut session = context.open()?;
    if arguments.no_redact {
        session.manifest.run.redact = None;
    }
    if arguments.no_watch {
        session.manifest.run.watch = None;
    }
    extra.chosen.clone_from(&session.chosen);
    session.refuse_stranger()?;
    let is_trusted = session.require_trust();
    let trust = (arguments.dry_run).then(|| session.grants(&session.consent()));
    let plan = session.plan(&Only::Words(&arguments.only))?;
    extra.refuse_declared(&plan)?;
    if let Some(trust) = trust {
        let setting = explain::Setting {
            context,
            extra: &extra.passed,
            chosen: &extra.chosen,
            command: &arguments.command,
            duties: arguments.duties(),
            trust,
        };
        return explain::print(&plan, &setting).map(|()| 0);
    }
    is_trusted?;
    say_production(context, &plan);
    start(arguments, context, &plan, &extra)
}

/// Says that a variable, which nobody may remember, chose production.
fn say_production(context: &Context, plan: &Plan<'_>) {
    let is_chosen =
        context.global.profile.is_none() && context.variable(PROFILE_VARIABLE).is_some();
    if is_chosen
        && plan.manifest.is_production
        && let Some(profile) = &plan.manifest.profile
    {
        let text = format!("{PROFILE_VARIABLE} chooses the production profile `{profile}`");
        context.ui.note(&text);
    }
}

/// Does what the plan says.
fn start(
    arguments: &Arguments,
    context: &Context,
    plan: &Plan<'_>,
    extra: &Extras,
) -> Result<u8, Error> {
    let name = arguments.command.first().ok_or_else(no_command)?;
    let program = launch::find(name, context.variable("PATH"))?;
    let user = account(arguments.user.as_deref())?;
    let redacts = arguments.redact || plan.redacts();
    let watch = plan.watch().or(arguments.watch.then_some(WATCH));
    let (resolved, keeper) = kept_values(context, plan, arguments.timeout(), watch)?;
    let masks = Masks::new(plan, redacts);
    // Before the files are made, which are nothing to the process that keeps.
    let say = |warning| context.ui.warnings(&[warning]);
    let keeping = keeper.map(|keeper| Keeping::start(keeper, &say));
    let keeping = keeping.transpose()?;
    let masker = masks.masker(&resolved.values, Some(context.ui));
    let (environment, files) = deliver(plan, resolved.values, extra, user.as_ref(), context)?;
    context.ui.warnings(&resolved.warnings);
    context.ui.warnings(&unseen(plan));
    stage::reached("environment");
    let owner = user.clone();
    let launch = Launch::new(&program, &arguments.command, environment, files, user)?;
    stage::reached("launch");
    let has_duty = !(arguments.duties().is_empty() && plan.duties().is_empty());
    if has_duty || keeping.is_some() {
        let again = Again {
            program: &program,
            command: &arguments.command,
            plan,
            extra,
            user: owner.as_ref(),
            masks: &masks,
            context,
        };
        let next = |values| again.next(values);
        let is_gone = || again.is_gone();
        let care = keeping.map(|keeping| Care {
            keeping,
            next: &next,
            is_gone: &is_gone,
        });
        supervise(launch, stop(plan, arguments.init), masker, care)
    } else {
        Err(launch.exec())
    }
}

impl Options for Arguments {
    fn misread(&self) -> Option<&clap::Error> {
        let timeout = self.timeout.as_ref().and_then(Late::misread);
        timeout.or_else(|| self.format.misread())
    }
}

impl Arguments {
    fn timeout(&self) -> Option<Duration> {
        self.timeout.as_ref()?.value()
    }

    /// The duties that flags ask for.
    fn duties(&self) -> Vec<String> {
        let flags = [
            (self.init, "`--init` asks for it"),
            (self.redact, "`--redact` masks the command's output"),
            (self.watch, "`--watch` acts on changes"),
        ];
        let stated = flags.into_iter().filter(|(is_stated, _)| *is_stated);
        stated.map(|(_, duty)| duty.to_owned()).collect()
    }
}

/// The user of `--user`. A program with a set-id bit, or with capabilities of its file, would make one of
/// everybody.
fn account(name: Option<&str>) -> Result<Option<Account>, Error> {
    let Some(name) = name else {
        return Ok(None);
    };
    let refused = if is_set_id() {
        Some("endow is a set-id program, or has capabilities of its own")
    } else {
        (!is_root()).then_some("endow is not root")
    };
    if let Some(reason) = refused {
        let reason = reason.to_owned();
        return Err(Error::UserNotTaken { reason });
    }
    let found = Account::find(name).map_err(|reason| Error::UserNotTaken { reason })?;
    Ok(Some(found))
}

/// How the command is asked to stop.
fn stop(plan: &Plan<'_>, is_init: bool) -> Stop {
    let run = &plan.manifest.run;
    let stated = run.stop_signal.as_ref();
    Stop {
        // Its name was checked when it was read.
        signal: stated
            .and_then(|name| sys::signal::by_name(&name.value))
            .unwrap_or(sys::signal::TERM),
        timeout: run.stop_timeout.as_ref().map(|timeout| timeout.value),
        leaves_directory: is_init,
    }
}

fn no_command() -> Error {
    Error::Usage {
        message: "no command to run".to_owned(),
        hints: vec!["write it after `--`: `endow run -- npm run dev`".to_owned()],
    }
}

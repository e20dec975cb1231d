//! The verbs, one file each, alphabetically.

mod check;
mod explain;
mod export;
mod get;
mod run;
mod schema;
mod trust;

use std::{ffi::OsString, str::FromStr, time::Duration};

use clap::{
    Parser, Subcommand,
    builder::{StringValueParser, TypedValueParser},
};
use endow_providers::Warning;
use tracing_subscriber::{filter::filter_fn, layer::SubscriberExt};

use crate::{
    cli::{Format, Global, HELP, LOG_VARIABLE, Late, LateParser, Options},
    error::{Error, Family},
    manifest::duration,
    session::Context,
    sys,
    ui::Ui,
};

/// endow's command line.
#[derive(Debug, Parser)]
#[command(
    name = "endow",
    version,
    override_help = HELP,
    disable_help_subcommand = true,
    args_override_self = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Explain(explain::Arguments),
    Export(export::Arguments),
    Get(get::Arguments),
    Run(run::Arguments),
    Schema(schema::Arguments),
    Trust(trust::Arguments),
}

impl Options for Cli {
    fn misread(&self) -> Option<&clap::Error> {
        match &self.command {
            Command::Check(arguments) => arguments.misread(),
            Command::Explain(arguments) => arguments.misread(),
            Command::Export(arguments) => arguments.misread(),
            Command::Run(arguments) => arguments.misread(),
            Command::Get(_) | Command::Schema(_) | Command::Trust(_) => None,
        }
    }
}

/// A deadline of the command line.
fn duration_parser() -> impl TypedValueParser<Value = Late<Duration>> {
    let parse =
        |text: &str| duration::parse(text).ok_or("write a number and one of ms, s, m, h: `10s`");
    LateParser(StringValueParser::new().try_map(move |text| parse(&text)))
}

/// Carries out a command line; the result is the exit status.
pub(crate) fn dispatch(cli: Cli, environment: Vec<(OsString, OsString)>) -> u8 {
    let Cli { global, command } = cli;
    let mut ui = Ui::new(&environment, global.quiet);
    ui.format = command.format();
    let family = if matches!(command, Command::Run(_)) {
        Family::Run
    } else {
        Family::Other
    };
    let context = Context {
        environment,
        global,
        ui,
    };
    trace(&context);
    sys::signal::end_with_helpers();
    let outcome = match command {
        Command::Check(arguments) => check::check(&arguments, &context),
        Command::Explain(arguments) => explain::explain(&arguments, &context).map(|()| 0),
        Command::Export(arguments) => export::export(&arguments, &context).map(|()| 0),
        Command::Get(arguments) => get::get(&arguments, &context).map(|()| 0),
        Command::Run(arguments) => run::run(&arguments, &context),
        Command::Schema(_) => schema::schema(&context).map(|()| 0),
        Command::Trust(arguments) => trust::trust(&arguments, &context).map(|()| 0),
    };
    outcome.unwrap_or_else(|error| fail(&context, &error, family))
}

fn fail(context: &Context, error: &Error, family: Family) -> u8 {
    context.ui.error(error);
    error.exit_code(family)
}

impl Command {
    /// How its report, and a manifest's problems, are printed.
    fn format(&self) -> Format {
        match self {
            Self::Check(check::Arguments { format, .. })
            | Self::Explain(explain::Arguments { format, .. })
            | Self::Run(run::Arguments { format, .. }) => format.value().unwrap_or_default(),
            Self::Export(_) | Self::Get(_) | Self::Schema(_) | Self::Trust(_) => Format::Text,
        }
    }
}

/// Turns on tracing where it is asked for.
fn trace(context: &Context) {
    let stated = context.variable(LOG_VARIABLE).and_then(|level| {
        let known = level
            .to_str()
            .and_then(|level| tracing::Level::from_str(level).ok());
        if known.is_none() && !level.is_empty() {
            context.ui.warnings(&[Warning {
                message: format!("{LOG_VARIABLE} names no level"),
                hint: Some("there are error, warn, info, debug and trace".to_owned()),
            }]);
        }
        known
    });
    let level = match context.global.verbose {
        0 => stated,
        1 => Some(tracing::Level::DEBUG),
        _ => Some(tracing::Level::TRACE),
    };
    if let Some(level) = level {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(|| crate::ui::Log)
            .with_ansi(false)
            .without_time();
        // Libraries below trace headers and bodies: what they say is not shown at any level.
        let is_ours = |metadata: &tracing::Metadata<'_>| metadata.target().starts_with("endow");
        let subscriber = subscriber.finish().with(filter_fn(is_ours));
        // A second initialisation would be ours; the first one stays.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
}

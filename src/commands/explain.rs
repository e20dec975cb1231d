//! `endow explain`: what `run` would do, without any I/O but reading the manifest.

mod page;
mod report;

use std::ffi::OsString;

use clap::{Args, builder::EnumValueParser};

use crate::{
    cli::{Format, Late, LateParser, Options},
    environment::Extra,
    error::Error,
    plan::Plan,
    session::{Context, GrantLine, Only},
};

/// Say what `run` would do; no value is read.
///
/// For each variable its place and the line that decided it; the requests to each backend; what
/// the command inherits, and what is dropped and why.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endow explain
  endow explain --profile prod
  endow explain --format json | jq '.variables[] | {name, owner: .metadata.owner}'")]
pub(super) struct Arguments {
    /// Only these variables and groups, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// How it is printed: text, or json
    #[arg(
        long,
        value_parser = LateParser(EnumValueParser::<Format>::new()),
        default_value = "text",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(super) format: Late<Format>,
}

/// What the page says besides the plan.
pub(super) struct Setting<'a> {
    pub(super) context: &'a Context,
    /// Names of `-e`.
    pub(super) extra: &'a [OsString],
    /// The variables that say which manifest and profile were chosen.
    pub(super) chosen: &'a [Extra],
    /// The command of `run --dry-run`.
    pub(super) command: &'a [OsString],
    /// Duties that flags of `run --dry-run` ask for.
    pub(super) duties: Vec<String>,
    /// What needs trust.
    pub(super) trust: Vec<GrantLine>,
}

impl Options for Arguments {
    fn misread(&self) -> Option<&clap::Error> {
        self.format.misread()
    }
}

pub(super) fn explain(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    let mut session = context.open()?;
    session.refuse_stranger()?;
    let trust = session.grants(&session.consent());
    let chosen = session.chosen.clone();
    let plan = session.plan(&Only::Words(&arguments.only))?;
    print(
        &plan,
        &Setting {
            context,
            extra: &[],
            chosen: &chosen,
            command: &[],
            duties: Vec::new(),
            trust,
        },
    )
}

pub(super) fn print(plan: &Plan<'_>, setting: &Setting<'_>) -> Result<(), Error> {
    let report = report::Report::new(plan, setting);
    match setting.context.ui.format {
        Format::Text => setting
            .context
            .ui
            .report(&page::page(&report, setting.context.ui.width())),
        Format::Json => setting.context.ui.report_json(&report.json()),
    }
}

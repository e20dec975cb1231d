//! `endow check`: whether every variable resolves, with every problem at once.

mod tracked;

use std::{collections::BTreeMap, fmt::Write as _, rc::Rc, time::Duration};

use clap::{Args, builder::EnumValueParser};
use endow_providers::{Secret, Warning};
use serde_json::{Value, json};

use super::duration_parser;
use crate::{
    cli::{Format, Late, LateParser, Options},
    environment::inherit::{Fate, Rules, WhyNot},
    error::Error,
    finding::{self, Finding},
    launch::check_value,
    manifest::{
        Choice,
        diagnostic::{Problems, one_line},
    },
    plan::{Part, Plan, Planned, Source},
    resolve::{Failure, Resolved, wants_encoding},
    session::{Context, Only, Session, advised, place_of, resolve_all, unseen},
};

/// Say whether every variable resolves; prints no value, runs nothing.
///
/// The exit status is 0 without findings, 1 with some, 2 for a wrong manifest, 3 where a backend
/// needs a sign-in, 4 where the answer is incomplete.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endow check
  endow check --profile prod --format json
  endow check --all-profiles")]
pub(super) struct Arguments {
    /// Every profile, one after the other
    #[arg(long)]
    all_profiles: bool,
    /// The deadline of all backends of a profile together, such as 10s; else `run.timeout`, else 30s
    #[arg(long, value_name = "DURATION", value_parser = duration_parser())]
    timeout: Option<Late<Duration>>,
    /// How the report is printed: text, or json
    #[arg(
        long,
        value_parser = LateParser(EnumValueParser::<Format>::new()),
        default_value = "text",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(super) format: Late<Format>,
}

/// What was found in one profile.
struct Report {
    profile: Option<String>,
    total: usize,
    findings: Vec<Finding>,
    warnings: Vec<Warning>,
    code: u8,
}

impl Options for Arguments {
    fn misread(&self) -> Option<&clap::Error> {
        let timeout = self.timeout.as_ref().and_then(Late::misread);
        timeout.or_else(|| self.format.misread())
    }
}

pub(super) fn check(arguments: &Arguments, context: &Context) -> Result<u8, Error> {
    if arguments.all_profiles && context.global.profile.is_some() {
        return Err(Error::usage("--all-profiles beside --profile"));
    }
    let mut sessions = sessions(arguments, context)?;
    refuse_problems(&mut sessions)?;
    let reports: Vec<Report> = sessions
        .into_iter()
        .map(|session| report(session, arguments, context))
        .collect::<Result<_, _>>()?;
    match context.ui.format {
        Format::Text => context
            .ui
            .report(&reports.iter().map(as_text).collect::<String>())?,
        Format::Json => context
            .ui
            .report_json(&json!({ "profiles": reports.iter().map(as_json).collect::<Vec<_>>() }))?,
    }
    let codes = reports.iter().map(|report| report.code);
    Ok(finding::worst_code(codes).unwrap_or(0))
}

/// One for each profile that is asked for.
fn sessions<'c>(arguments: &Arguments, context: &'c Context) -> Result<Vec<Session<'c>>, Error> {
    if !arguments.all_profiles {
        return Ok(vec![context.open()?]);
    }
    let found = context.find()?;
    // That none of them is chosen here is no problem of the manifest.
    let profiles = context.open_as(found.clone(), Choice::Default)?.profiles;
    if profiles.is_empty() {
        return Ok(vec![context.open()?]);
    }
    let named =
        |profile: &String| context.open_as(found.clone(), Choice::Named(profile, "--all-profiles"));
    profiles.iter().map(named).collect()
}

/// What is wrong with the manifest in any of the profiles, said at once and before a backend is
/// asked.
fn refuse_problems(sessions: &mut [Session<'_>]) -> Result<(), Error> {
    let mut all = Problems::default();
    for session in &mut *sessions {
        match session.plan(&Only::Everything) {
            Err(Error::Manifest { problems, .. }) => {
                for problem in problems {
                    all.add(problem);
                }
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    match sessions.first() {
        Some(first) if !all.is_empty() => Err(Error::Manifest {
            problems: all.into_sorted(),
            // Every profile is read from the same files, in the same order.
            sources: Rc::clone(&first.manifest.sources),
        }),
        _ => Ok(()),
    }
}

/// Values that begin with a byte order mark, which their program takes for a part of them: no editor
/// shows it.
fn marked(plan: &Plan<'_>, values: &BTreeMap<String, Option<Secret>>) -> Vec<Warning> {
    let is_marked = |name: &str| {
        let value = values.get(name).and_then(Option::as_ref);
        value.is_some_and(|value| value.expose().starts_with("\u{feff}".as_bytes()))
    };
    let placed = plan
        .selected()
        .filter(|(_, planned)| matches!(planned.source, Source::Places(_)));
    let marked = placed.filter(|(name, _)| is_marked(name));
    marked
        .map(|(name, _)| Warning {
            message: format!(
                "`{name}` begins with a byte order mark, which is a part of the value"
            ),
            hint: Some("save it as UTF-8 without one".into()),
        })
        .collect()
}

/// What the docker program reads together.
const DOCKER: [&str; 4] = [
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
];

/// Docker's variables of the caller, of which the command gets some and not the others: it could speak
/// to another daemon, or without TLS.
fn docker_at_odds(plan: &Plan<'_>, context: &Context) -> Option<Warning> {
    let parent = &context.environment;
    let fates = Rules::new(plan.manifest, &[]).fates(parent);
    let of_docker = parent.iter().zip(&fates).filter_map(|((name, _), fate)| {
        let name = DOCKER.iter().find(|docker| name == *docker)?;
        let is_doubled = *fate == Fate::Dropped(WhyNot::Doubled);
        (!is_doubled).then_some((*name, fate.is_inherited()))
    });
    let (kept, left): (Vec<_>, Vec<_>) = of_docker.partition(|(_, is_kept)| *is_kept);
    let names = |of: &[(&str, bool)]| {
        let names: Vec<String> = of.iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    };
    (!kept.is_empty() && !left.is_empty()).then(|| Warning {
        message: format!(
            "the command inherits {} but not {}, which Docker reads together",
            names(&kept),
            names(&left)
        ),
        hint: Some("declare all of them, or take all of them out: `inherit: [-DOCKER_*]`".into()),
    })
}

fn report(
    mut session: Session<'_>,
    arguments: &Arguments,
    context: &Context,
) -> Result<Report, Error> {
    let is_trusted = session.require_trust();
    let plan = session.plan(&Only::Everything)?;
    is_trusted?;
    let timeout = arguments.timeout.as_ref().and_then(Late::value);
    let mut resolved = resolve_all(context, &plan, timeout, false);
    let failures = resolved.failures.into_iter();
    resolved.failures = failures.map(|failure| advised(&plan, failure)).collect();
    let failed = |failure: &Failure| Finding::of(failure, place_of(&plan, failure));
    let mut findings: Vec<Finding> = resolved.failures.iter().map(failed).collect();
    findings.extend(empty(&plan, &resolved));
    findings.extend(refused(&plan, &resolved));
    findings.extend(tracked_files(&plan));
    let mut code = u8::from(!findings.is_empty());
    if !resolved.failures.is_empty() {
        code = finding::worst(resolved.failures.iter());
    }
    let mut warnings = resolved.warnings;
    warnings.extend(marked(&plan, &resolved.values));
    warnings.extend(unseen(&plan));
    warnings.extend(docker_at_odds(&plan, context));
    for warning in plain_parts(&plan, &resolved.values) {
        warnings.push(warning);
    }
    Ok(Report {
        profile: plan.manifest.profile.clone(),
        total: plan.selected().count(),
        findings,
        warnings,
        code,
    })
}

/// Required variables whose place holds an empty value. An empty default was meant.
fn empty(plan: &Plan<'_>, resolved: &Resolved) -> Vec<Finding> {
    let is_empty = |name: &str, planned: &Planned<'_>| {
        let default = planned.variable.entry.default.as_ref();
        planned.is_required()
            && default.is_none_or(|default| !default.value.is_empty())
            && !matches!(planned.source, Source::Value(_))
            && matches!(resolved.values.get(name), Some(Some(secret)) if secret.is_empty())
    };
    let found = plan
        .selected()
        .filter(|(name, planned)| is_empty(name, planned));
    let finding = |(name, planned): (&str, &Planned<'_>)| Finding {
        subject: name.to_owned(),
        message: "empty: a required variable has an empty value".to_owned(),
        place: None,
        line: Some(plan.manifest.sources.cite(planned.decided)),
        hints: vec!["fill it in, or say `required: false` and remove it there".to_owned()],
    };
    found.map(finding).collect()
}

/// Values that no command can be given in its environment: `run` would say so, and start nothing.
fn refused(plan: &Plan<'_>, resolved: &Resolved) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, planned) in plan.selected() {
        let is_in_environment =
            planned.part == Part::Exported && planned.variable.entry.file().is_none();
        let Some(Some(value)) = resolved.values.get(name).filter(|_| is_in_environment) else {
            continue;
        };
        let error = if value.expose().contains(&0) {
            let names = vec![name.to_owned()];
            Some(Error::NulInValue { names })
        } else {
            check_value(name.as_ref(), value.len()).err()
        };
        findings.extend(error.map(|error| {
            let message = error.message();
            Finding {
                subject: name.to_owned(),
                message: format!("refused: {}", message.text),
                place: None,
                line: Some(plan.manifest.sources.cite(planned.decided)),
                hints: message.hints,
            }
        }));
    }
    findings
}

/// Values that a template writes as they are although they mean something where it puts them.
fn plain_parts(plan: &Plan<'_>, values: &BTreeMap<String, Option<Secret>>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (name, planned) in plan.selected() {
        if let Source::Template(template) = &planned.source {
            let cited = plan.manifest.sources.cite(planned.decided);
            let wanted = wants_encoding(template, values).into_iter();
            warnings.extend(wanted.map(|(message, hint)| Warning {
                message: format!("{message} ({name}, {cited})"),
                hint: Some(hint),
            }));
        }
    }
    warnings
}

/// Dotenv files that git tracks: whoever has the repository has the values.
fn tracked_files(plan: &Plan<'_>) -> Vec<Finding> {
    let mut files: Vec<&str> = plan
        .backends
        .iter()
        .filter(|asked| asked.kind.name == "dotenv")
        .flat_map(|asked| {
            asked
                .addresses
                .iter()
                .map(|address| address.locator.as_str())
        })
        .collect();
    files.sort_unstable();
    files.dedup();
    let found = files.into_iter().map(std::path::Path::new);
    found.filter_map(tracked::by_git).collect()
}

fn as_text(report: &Report) -> String {
    let mut text = match &report.profile {
        Some(profile) => format!("profile {profile}: "),
        None => String::new(),
    };
    let count = |number: usize, one: &str, many: &str| {
        format!("{number} {}", if number == 1 { one } else { many })
    };
    let variables = count(report.total, "variable", "variables");
    let _ = match report.findings.len() {
        0 => writeln!(text, "{variables}, no findings"),
        findings => writeln!(
            text,
            "{variables}, {}",
            count(findings, "finding", "findings")
        ),
    };
    for line in finding::lines(&report.findings) {
        let _ = writeln!(text, "  {}", one_line(&line));
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "  warning: {}", one_line(&warning.message));
        if let Some(hint) = &warning.hint {
            let _ = writeln!(text, "    hint: {}", one_line(hint));
        }
    }
    text
}

fn as_json(report: &Report) -> Value {
    json!({
        "profile": report.profile,
        "variables": report.total,
        "findings": report.findings.iter().map(|finding| json!({
            "subject": finding.subject, "message": finding.message, "place": finding.place, "line": finding.line, "hints": finding.hints,
        })).collect::<Vec<_>>(),
        "warnings": report.warnings.iter().map(|warning| json!({ "message": warning.message, "hint": warning.hint })).collect::<Vec<_>>(),
        "exit_status": report.code,
    })
}

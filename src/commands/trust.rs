//! `endow trust`: consent to what a found manifest may not do by itself.

use std::{collections::BTreeMap, fmt::Write as _};

use clap::Args;

use crate::{
    error::Error,
    manifest::{
        diagnostic::one_line,
        find,
        trust::{Project, Record, Records, Trusted},
    },
    session::{Consent, Context, Only},
};

/// Record that the manifest's programs and addresses may be used.
///
/// Shown, and then covered, are for each profile: programs that backends run, addresses that credentials
/// are sent to, with the credentials, variables that steer programs, and what is read of yours outside
/// the project. When one of them changes, endow asks again; a new name with a place of its own does not.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endow trust             show what the manifest does, and ask
  endow trust --yes       do not ask: for scripts, after reading
  endow trust --list      the manifests that are trusted
  endow trust --remove    forget this manifest")]
pub(super) struct Arguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// List the manifests that are trusted, and for what
    #[arg(long, conflicts_with_all = ["yes", "remove"])]
    list: bool,
    /// Forget what was trusted of this manifest
    #[arg(long, conflicts_with = "yes")]
    remove: bool,
}

const COMMAND: &str = "endow trust";

pub(super) fn trust(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    if arguments.list {
        return list(context);
    }
    if arguments.remove {
        return remove(context);
    }
    let mut session = context.open()?;
    session.refuse_stranger()?;
    session.plan(&Only::Everything)?;
    let consent = session.consent();
    let file = one_line(&session.found.display);
    if needed(&consent).next().is_none() {
        let text = format!("{file} does nothing that must be trusted\n");
        return context.ui.report(&text);
    }
    if consent.is_whole() && recorded(&consent) == wanted(&consent) {
        let text = format!("{file} is trusted already, and has not changed\n");
        return context.ui.report(&text);
    }
    let records = records(context)?;
    context.ui.report(&page(&file, &consent))?;
    confirm(arguments, context)?;
    records
        .store(&consent.project, &consent.grants)
        .map_err(|reason| Error::TrustNotStored { reason })?;
    context.ui.report(&format!("trusted: {file}\n"))
}

fn confirm(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    if arguments.yes {
        return Ok(());
    }
    match context.ui.confirm("Trust this?") {
        Some(true) => Ok(()),
        Some(false) => Err(Error::Declined),
        None => Err(Error::Unconfirmed { command: COMMAND }),
    }
}

fn records(context: &Context) -> Result<Records, Error> {
    context.records().ok_or_else(|| Error::TrustNotStored {
        reason: "HOME is not set, so there is no place to record it".to_owned(),
    })
}

/// Profiles and lines, what needs no trust because of the caller's environment among them.
type Lines = BTreeMap<String, Vec<Trusted>>;

fn wanted(consent: &Consent) -> Lines {
    let profiles = consent.grants.iter().map(|profile| {
        let grants = profile.grants.iter().map(|grant| Trusted {
            line: grant.line(),
            digest: grant.digest.clone(),
        });
        (profile.profile.clone(), grants.collect())
    });
    profiles.collect()
}

fn recorded(consent: &Consent) -> Lines {
    let record = consent.record.as_ref();
    record.map_or_else(Lines::new, |record| record.trusted(&consent.project))
}

/// What needs trust.
fn needed(consent: &Consent) -> impl Iterator<Item = &str> {
    let grants = consent.grants.iter().flat_map(|profile| &profile.grants);
    grants
        .filter(|grant| !grant.is_free)
        .map(|grant| grant.digest.as_str())
}

/// Everything, or what is different from what was trusted before.
fn page(file: &str, consent: &Consent) -> String {
    let wanted = wanted(consent);
    if consent.record.is_none() {
        let each = |lines: &Vec<Trusted>| lines.iter().map(|line| line.line.clone()).collect();
        let profiles = wanted
            .iter()
            .map(|(profile, lines)| (profile.as_str(), each(lines)));
        return format!("{file} asks for this:\n{}", by_profile(profiles.collect()));
    }
    let recorded = recorded(consent);
    let mut changes: Vec<(&str, Vec<String>)> = Vec::new();
    let none = Vec::new();
    let mut profiles: Vec<&String> = wanted.keys().chain(recorded.keys()).collect();
    profiles.sort();
    profiles.dedup();
    for profile in profiles {
        let new = wanted.get(profile).unwrap_or(&none);
        let old = recorded.get(profile).unwrap_or(&none);
        let gone = old.iter().filter(|line| !new.contains(line));
        let added = new.iter().filter(|line| !old.contains(line));
        let mut lines: Vec<(&str, &str, &str)> = gone
            .map(|line| (subject(line), "-", line.line.as_str()))
            .chain(added.map(|line| (subject(line), "+", line.line.as_str())))
            .collect();
        lines.sort_by_key(|(subject, sign, _)| (*subject, *sign == "+"));
        let lines = pairs(&lines);
        changes.push((profile.as_str(), lines));
    }
    format!(
        "{file} was trusted before. This has changed:\n{}",
        by_profile(changes)
    )
}

/// The lines with their signs. Two that read alike differ in what stands behind them.
fn pairs(lines: &[(&str, &str, &str)]) -> Vec<String> {
    let is_doubled = |text: &str| lines.iter().filter(|(_, _, other)| *other == text).count() > 1;
    lines
        .iter()
        .map(|(_, sign, text)| {
            let behind = if is_doubled(text) && *sign == "+" {
                "  (what answers it has changed)"
            } else {
                ""
            };
            format!("{sign} {text}{behind}")
        })
        .collect()
}

fn subject(line: &Trusted) -> &str {
    line.line.split("  ").next().unwrap_or_default()
}

/// Profiles with the same lines are said once.
fn by_profile(profiles: Vec<(&str, Vec<String>)>) -> String {
    let mut groups: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for (profile, lines) in profiles {
        match groups.iter_mut().find(|(_, other)| *other == lines) {
            Some((names, _)) => names.push(profile),
            None => groups.push((vec![profile], lines)),
        }
    }
    let mut text = String::new();
    for (names, lines) in groups.iter().filter(|(_, lines)| !lines.is_empty()) {
        if names != &[""] {
            let _ = writeln!(text, "{}:", one_line(&names.join(", ")));
        }
        for line in lines {
            let _ = writeln!(text, "  {}", one_line(line));
        }
    }
    text
}

fn list(context: &Context) -> Result<(), Error> {
    let records = records(context)?.all();
    if records.is_empty() {
        return context.ui.report("no manifest is trusted\n");
    }
    let mut text = String::new();
    for record in &records {
        let gone = if record.manifest.exists() {
            ""
        } else {
            "  (not there)"
        };
        let _ = writeln!(
            text,
            "{}{gone}",
            one_line(&record.manifest.display().to_string())
        );
        for line in lines(record) {
            let _ = writeln!(text, "  {}", one_line(&line));
        }
    }
    context.ui.report(&text)
}

fn lines(record: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    for (profile, trusted) in record.all() {
        for line in trusted {
            let line = match profile {
                "" => line.line.clone(),
                profile => format!("{profile}: {}", line.line),
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

fn remove(context: &Context) -> Result<(), Error> {
    let found = context.find()?;
    let home = find::home(&context.environment);
    let project = Project::of(&found.path, home.as_deref());
    let was_known = records(context)?
        .remove(&project)
        .map_err(|reason| Error::TrustNotStored { reason })?;
    let file = one_line(&found.display);
    context.ui.report(&if was_known {
        format!("no longer trusted: {file}\n")
    } else {
        format!("{file} was not trusted\n")
    })
}

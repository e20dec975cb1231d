//! Everything that can go wrong, and the exit status of each.
//!
//! Texts name variables, places and programs, never a value. Hints are data beside the text.

use std::rc::Rc;

use endow_providers::{Absence, Class, Warning};

use crate::{
    manifest::{Unreadable, diagnostic::Diagnostic, find::NotFound, source::Sources},
    resolve::{Cause, Failure, Subject},
};

/// A failure of endow itself.
#[derive(Debug)]
pub enum Error {
    /// The command was found and can't be executed.
    CommandNotExecutable {
        /// As it was named, or where it was found.
        program: String,
        /// A lower-case fragment.
        reason: String,
    },
    /// The command was not found.
    CommandNotFound {
        /// As it was named.
        program: String,
        /// More about the search.
        hint: Option<String>,
    },
    /// The environment is larger than the system passes on.
    EnvironmentTooBig {
        /// The largest variables and the sizes of their strings, in bytes.
        largest: Vec<(String, usize)>,
        /// All strings together, in bytes.
        total: usize,
    },
    /// The manifest, or a selection of it, is wrong.
    Manifest {
        /// What is wrong.
        problems: Vec<Diagnostic>,
        /// Its files, for snippets.
        sources: Rc<Sources>,
    },
    /// There is no manifest.
    ManifestNotFound(NotFound),
    /// It can't be read.
    ManifestUnreadable(Unreadable),
    /// A value holds a NUL.
    NulInValue {
        /// The variables.
        names: Vec<String>,
    },
    /// Standard output could not be written.
    Output {
        /// The system's word; `None` for a closed pipe, which is no news to anyone.
        reason: Option<String>,
    },
    /// Some variables have no value.
    Resolve {
        /// Which, and why.
        failures: Vec<(Failure, Option<String>)>,
        /// What happened besides.
        warnings: Vec<Warning>,
        /// How many variables were asked for.
        total: usize,
        /// What did not happen therefore: `the command was not started`.
        consequence: &'static str,
    },
    /// A file of a manifest that was found by search can be written by a stranger.
    Stranger {
        /// The file.
        file: String,
        /// Why it is not believed.
        reason: &'static str,
    },
    /// Trust could not be recorded.
    TrustNotStored {
        /// Why.
        reason: String,
    },
    /// The manifest wants what this version can't do.
    Unsupported {
        /// What it wants.
        wants: Vec<String>,
    },
    /// The manifest was found by search and is not trusted.
    Untrusted {
        /// The file.
        file: String,
        /// What must be trusted, with its place.
        parts: Vec<(String, String)>,
    },
    /// The command line is wrong.
    Usage {
        /// A lower-case fragment.
        message: String,
        /// What to do.
        hints: Vec<String>,
    },
    /// One variable is larger than the system passes on.
    VariableTooBig {
        /// Which.
        name: String,
        /// The length of its value, in bytes.
        size: usize,
        /// The longest value that this name can have, in bytes.
        limit: usize,
    },
}

/// A text for standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// A lower-case fragment, perhaps with indented lines.
    pub text: String,
    /// What to do.
    pub hints: Vec<String>,
}

/// Whose exit statuses apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `run`: 125, 126 and 127, as `env` and `timeout` have them.
    Run,
    /// All others: 1 findings, 2 usage or manifest, 3 unauthenticated, 4 incomplete.
    Other,
}

impl Error {
    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Every exit status that an error has.
    pub fn exit_code(&self, family: Family) -> u8 {
        match (family, self) {
            (Family::Run, Self::CommandNotExecutable { .. }) => 126,
            (Family::Run, Self::CommandNotFound { .. }) => 127,
            (Family::Run, _) => 125,
            (Family::Other, Self::Resolve { failures, .. }) => {
                worst(failures.iter().map(|(failure, _)| failure))
            }
            (Family::Other, Self::Output { .. }) => 4,
            (
                Family::Other,
                Self::CommandNotExecutable { .. }
                | Self::CommandNotFound { .. }
                | Self::EnvironmentTooBig { .. }
                | Self::Manifest { .. }
                | Self::ManifestNotFound(_)
                | Self::ManifestUnreadable(_)
                | Self::NulInValue { .. }
                | Self::Stranger { .. }
                | Self::TrustNotStored { .. }
                | Self::Unsupported { .. }
                | Self::Untrusted { .. }
                | Self::Usage { .. }
                | Self::VariableTooBig { .. },
            ) => 2,
        }
    }

    /// What is printed. [`Self::Manifest`] is printed with snippets instead.
    pub fn message(&self) -> Message {
        let plain = |text: String, hints: Vec<String>| Message { text, hints };
        match self {
            Self::CommandNotExecutable { program, reason } => plain(
                format!("`{program}` can't be executed: {reason}"),
                Vec::new(),
            ),
            Self::CommandNotFound { program, hint } => plain(
                format!("`{program}` was not found"),
                hint.iter().cloned().collect(),
            ),
            Self::EnvironmentTooBig { largest, total } => too_big(largest, *total),
            Self::Manifest { problems, .. } => plain(
                problems
                    .iter()
                    .map(|problem| problem.message.as_str())
                    .collect::<Vec<_>>()
                    .join("\n"),
                Vec::new(),
            ),
            Self::ManifestNotFound(NotFound { message, hints }) => {
                plain(message.clone(), hints.clone())
            }
            Self::ManifestUnreadable(Unreadable { display, message }) => {
                plain(format!("{display}: {message}"), Vec::new())
            }
            Self::NulInValue { names } => plain(
                format!(
                    "the value of {} holds a NUL, which no environment can carry",
                    list(names)
                ),
                vec!["pass it as a file, or encode it".to_owned()],
            ),
            Self::Output { reason } => plain(
                format!("standard output: {}", reason.as_deref().unwrap_or("closed")),
                Vec::new(),
            ),
            Self::Resolve {
                failures,
                total,
                consequence,
                ..
            } => unresolved(failures, *total, consequence),
            Self::Stranger { file, reason } => plain(
                format!("{file} is not used: {reason}"),
                vec![format!(
                    "if you believe it, name it: `endow --file {file} ...`"
                )],
            ),
            Self::TrustNotStored { reason } => {
                plain(format!("trust could not be recorded: {reason}"), Vec::new())
            }
            Self::Unsupported { wants } => plain(
                format!(
                    "this version of endow can't do what the manifest asks for:{}",
                    indented(wants)
                ),
                Vec::new(),
            ),
            Self::Untrusted { file, parts } => plain(
                format!(
                    "{file} is not trusted yet:{}",
                    indented(
                        &parts
                            .iter()
                            .map(|(what, at)| format!("{what} ({at})"))
                            .collect::<Vec<_>>()
                    )
                ),
                vec![
                    "read these places, then run `endow trust`; or name the file with --file"
                        .to_owned(),
                ],
            ),
            Self::Usage { message, hints } => plain(message.clone(), hints.clone()),
            Self::VariableTooBig { name, size, limit } => plain(
                format!(
                    "the value of `{name}` has {size} bytes; this system passes on at most {limit} under that name"
                ),
                vec!["pass it as a file, which has no such limit".to_owned()],
            ),
        }
    }
}

/// The exit status of several failures: of 2, 3, 4 and 1 the first that occurs.
pub fn worst<'f>(failures: impl Iterator<Item = &'f Failure>) -> u8 {
    let code = |failure: &Failure| match &failure.cause {
        Cause::Absent(_) | Cause::AbsentPart(_) => 1,
        Cause::Fault(fault) => match fault.class {
            Class::Ambiguous { .. }
            | Class::Conflict
            | Class::Deleted { .. }
            | Class::Denied { .. }
            | Class::Malformed => 1,
            Class::Unauthenticated => 3,
            Class::Throttled { .. } | Class::TimedOut | Class::Unreachable => 4,
        },
    };
    failures
        .map(code)
        .min_by_key(|code| [2, 3, 4, 1].iter().position(|other| other == code))
        .unwrap_or(1)
}

fn too_big(largest: &[(String, usize)], total: usize) -> Message {
    let lines: Vec<String> = largest
        .iter()
        .map(|(name, size)| format!("{name}: {size} bytes"))
        .collect();
    Message {
        text: format!(
            "the environment has {total} bytes, more than this system passes on; its largest variables:{}",
            indented(&lines)
        ),
        hints: vec![
            "pass large values as files, or inherit less".to_owned(),
            "`ulimit -s` raises the limit: a quarter of the stack's".to_owned(),
        ],
    }
}

fn unresolved(failures: &[(Failure, Option<String>)], total: usize, consequence: &str) -> Message {
    let findings: Vec<Finding> = failures
        .iter()
        .map(|(failure, cited)| Finding::of(failure, cited.clone()))
        .collect();
    let is_variable = |failure: &Failure| matches!(failure.subject, Subject::Variable(_));
    let variables = failures.iter().filter(|(failure, _)| is_variable(failure));
    let head = match variables.count() {
        0 => "a backend's setting has no value".to_owned(),
        1 if total == 1 => "the variable has no value".to_owned(),
        1 => format!("1 of {total} variables has no value"),
        count => format!("{count} of {total} variables have no value"),
    };
    Message {
        text: format!("{head}; {consequence}{}", indented(&lines(&findings))),
        hints: Vec::new(),
    }
}

/// Something to report about a variable or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: String,
    /// A lower-case fragment.
    pub message: String,
    /// The place that was asked.
    pub place: Option<String>,
    /// The line of the manifest that decided on it.
    pub line: Option<String>,
    /// What to do.
    pub hints: Vec<String>,
}

impl Finding {
    /// What a failure is to its reader.
    pub fn of(failure: &Failure, line: Option<String>) -> Self {
        Self {
            subject: subject(&failure.subject),
            message: cause(&failure.cause),
            place: failure.place.clone(),
            line,
            hints: hints(&failure.cause),
        }
    }
}

/// Findings as lines; those that say the same of several variables are one.
pub fn lines(findings: &[Finding]) -> Vec<String> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let is_same =
            |other: &Finding| other.message == finding.message && other.hints == finding.hints;
        match groups.iter_mut().find(|group| is_same(group[0])) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    let mut lines = Vec::new();
    for group in groups {
        let subjects: Vec<&str> = group
            .iter()
            .map(|finding| finding.subject.as_str())
            .collect();
        // One place is worth showing; of many, the lines that decided on them.
        let mut places: Vec<&str> = group
            .iter()
            .filter_map(|finding| finding.line.as_deref())
            .collect();
        places.dedup();
        if let [only] = group[..] {
            places.splice(0..0, only.place.as_deref());
        }
        let places = if places.is_empty() {
            String::new()
        } else {
            format!(" ({})", places.join(", "))
        };
        lines.push(format!(
            "{}: {}{places}",
            subjects.join(", "),
            group[0].message
        ));
        lines.extend(group[0].hints.iter().map(|hint| format!("  hint: {hint}")));
    }
    lines
}

/// What a failure is about, as it is printed.
fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Setting { backend, name } => format!("`{name}` of backend `{backend}`"),
        Subject::Variable(name) => name.clone(),
    }
}

/// The class of a failure and what happened, in one line.
fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Absent(absences) => {
            let whats: Vec<&str> = absences
                .iter()
                .map(|absence| absence.what.as_str())
                .collect();
            format!("absent: {}", whats.join("; "))
        }
        Cause::AbsentPart(part) => format!("absent: its template needs `{part}`, which is absent"),
        Cause::Fault(fault) => format!("{}: {}", fault.class.name(), fault.message),
    }
}

/// What can be done about a failure.
fn hints(cause: &Cause) -> Vec<String> {
    match cause {
        Cause::Absent(absences) => absences.last().and_then(there).into_iter().collect(),
        Cause::AbsentPart(_) => Vec::new(),
        Cause::Fault(fault) => fault.hints.clone(),
    }
}

/// The keys that stand where one was missed.
fn there(absence: &Absence) -> Option<String> {
    const SHOWN: usize = 12;
    let more = if absence.keys.len() > SHOWN {
        format!(" and {} more", absence.keys.len() - SHOWN)
    } else {
        String::new()
    };
    let keys: Vec<String> = absence
        .keys
        .iter()
        .take(SHOWN)
        .map(|key| crate::manifest::diagnostic::shown(key))
        .collect();
    (!keys.is_empty()).then(|| format!("there are: {}{more}", keys.join(", ")))
}

fn indented(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| line.split('\n'))
        .map(|line| format!("\n  {line}"))
        .collect()
}

fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

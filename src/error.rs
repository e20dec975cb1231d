//! Everything that can go wrong, and the exit status of each.
//!
//! Texts name variables, places and programs, never a value. Hints are data beside the text.

use std::rc::Rc;

use endow_providers::Warning;

use crate::{
    finding::{Finding, lines, worst},
    manifest::{Unreadable, diagnostic::Diagnostic, find::NotFound, source::Sources},
    resolve::{Failure, Subject},
};

/// A failure of endow itself.
#[derive(Debug)]
pub enum Error {
    /// A variable is absent, may be, and was asked for.
    Absent {
        /// Which.
        name: String,
    },
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
    /// A value could not be made a file.
    FileNotMade {
        /// The variable.
        variable: String,
        /// A lower-case fragment.
        reason: String,
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
    /// No child could be made.
    NoChild {
        /// The system's word.
        reason: String,
    },
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
    /// The answer was no.
    Declined,
    /// A question could not be asked.
    Unconfirmed {
        /// The command, without `--yes`.
        command: &'static str,
    },
    /// The manifest was found by search and is not trusted.
    Untrusted {
        /// The file.
        file: String,
        /// Whether something in it was trusted before.
        is_known: bool,
        /// What must be trusted, with its profile and its place.
        lines: Vec<String>,
    },
    /// The command line is wrong.
    Usage {
        /// A lower-case fragment.
        message: String,
        /// What to do.
        hints: Vec<String>,
    },
    /// The command can't be started as another user.
    UserNotTaken {
        /// A lower-case fragment.
        reason: String,
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
    /// A lower-case fragment.
    pub text: String,
    /// More about it, a line each.
    pub lines: Vec<String>,
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
            (Family::Other, Self::Absent { .. } | Self::Declined) => 1,
            (Family::Other, Self::Output { .. }) => 4,
            (
                Family::Other,
                Self::CommandNotExecutable { .. }
                | Self::CommandNotFound { .. }
                | Self::EnvironmentTooBig { .. }
                | Self::FileNotMade { .. }
                | Self::Manifest { .. }
                | Self::ManifestNotFound(_)
                | Self::ManifestUnreadable(_)
                | Self::NoChild { .. }
                | Self::NulInValue { .. }
                | Self::Stranger { .. }
                | Self::TrustNotStored { .. }
                | Self::Unsupported { .. }
                | Self::Unconfirmed { .. }
                | Self::Untrusted { .. }
                | Self::Usage { .. }
                | Self::UserNotTaken { .. }
                | Self::VariableTooBig { .. },
            ) => 2,
        }
    }

    /// What is printed. [`Self::Manifest`] is printed with snippets instead.
    pub fn message(&self) -> Message {
        let plain = |text: String, hints: Vec<String>| Message {
            text,
            lines: Vec::new(),
            hints,
        };
        match self {
            Self::Absent { name } => plain(
                format!("`{name}` is absent, and may be: there is nothing to print"),
                Vec::new(),
            ),
            Self::CommandNotExecutable { program, reason } => plain(
                format!("`{program}` can't be executed: {reason}"),
                Vec::new(),
            ),
            Self::CommandNotFound { program, hint } => plain(
                format!("`{program}` was not found"),
                hint.iter().cloned().collect(),
            ),
            Self::EnvironmentTooBig { largest, total } => too_big(largest, *total),
            Self::FileNotMade { variable, reason } => plain(
                format!("the file of `{variable}` can't be made: {reason}"),
                Vec::new(),
            ),
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
            Self::NoChild { reason } => plain(
                format!("the command could not be started: {reason}"),
                Vec::new(),
            ),
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
            Self::Unsupported { wants } => Message {
                text: "this version of endow can't do what the manifest asks for:".to_owned(),
                lines: wants.clone(),
                hints: Vec::new(),
            },
            Self::Untrusted {
                file,
                is_known,
                lines,
            } => untrusted(file, *is_known, lines),
            Self::Unconfirmed { command } => plain(
                "nothing was changed: there is no terminal to ask on".to_owned(),
                vec![format!(
                    "read what is printed above, then run `{command} --yes`"
                )],
            ),
            Self::Declined => plain("nothing was changed".to_owned(), Vec::new()),
            Self::Usage { message, hints } => plain(message.clone(), hints.clone()),
            Self::UserNotTaken { reason } => plain(
                format!("the command can't be started as another user: {reason}"),
                Vec::new(),
            ),
            Self::VariableTooBig { name, size, limit } => plain(
                format!(
                    "the value of `{name}` has {size} bytes; this system passes on at most {limit} under that name"
                ),
                vec!["pass it as a file, which has no such limit".to_owned()],
            ),
        }
    }
}

fn untrusted(file: &str, is_known: bool, lines: &[String]) -> Message {
    let text = if is_known {
        format!("{file} has changed since it was trusted:")
    } else {
        format!("{file} is not trusted yet:")
    };
    let hint = "read these lines, then run `endow trust`; or name the file with --file";
    Message {
        text,
        lines: lines.to_vec(),
        hints: vec![hint.to_owned()],
    }
}

fn too_big(largest: &[(String, usize)], total: usize) -> Message {
    Message {
        text: format!(
            "the environment has {total} bytes, more than this system passes on; its largest variables:"
        ),
        lines: largest
            .iter()
            .map(|(name, size)| format!("{name}: {size} bytes"))
            .collect(),
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
        text: format!("{head}; {consequence}"),
        lines: lines(&findings),
        hints: Vec::new(),
    }
}

fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

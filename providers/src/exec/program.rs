//! The program: its words, its environment, and how long it may take.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Class, Fault, Helpers, Limits, Opening, Secret,
    helper::{Call, Cancel, Ended, Failure, Output, is_program},
    scrub, time,
};

/// What an entry under `backends` says, and what the launcher gave.
pub(super) struct Program {
    /// The name under `backends`.
    pub(super) backend: String,
    name: String,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    path: Option<OsString>,
    /// What `inherit` brought in: credentials of the program, as like as not.
    own: Vec<Secret>,
    timeout: Option<Duration>,
    helpers: Helpers,
}

impl Program {
    pub(super) fn new(opening: Opening<'_>) -> Result<Self, Fault> {
        let malformed = |message: String| Fault::new(Class::Malformed, message);
        let words = opening.settings.list("command");
        let Some((name, arguments)) = words.split_first().filter(|(name, _)| !name.is_empty())
        else {
            let fault = malformed(format!("backend `{}` names no program", opening.name));
            return Err(fault.hinted("write `command: [PROGRAM, ARGUMENT]` in its entry"));
        };
        let timeout = match opening.settings.text("timeout") {
            None => None,
            Some(text) => Some(duration(text).ok_or_else(|| {
                malformed(format!("`{text}` is no time"))
                    .hinted("write a number and one of ms, s, m, h: `timeout: 10s`")
            })?),
        };
        let inherited = inherited(&opening);
        let own = inherited.iter().map(|(_, value)| value.as_encoded_bytes());
        let own = own.filter(|value| !value.is_empty());
        let own = own.map(Secret::copied_from).collect();
        let mut environment = opening.helpers.base.clone();
        environment.retain(|(name, _)| !inherited.iter().any(|(other, _)| other == name));
        environment.extend(inherited);
        let path = opening.environment.iter().find(|(name, _)| name == "PATH");
        Ok(Self {
            backend: opening.name.to_owned(),
            name: (*name).to_owned(),
            arguments: arguments.iter().map(OsString::from).collect(),
            environment,
            path: path.map(|(_, path)| path.clone()),
            own,
            timeout,
            helpers: opening.helpers,
        })
    }

    /// The file, which is looked for as late as possible.
    pub(super) fn path(&self) -> Result<PathBuf, Fault> {
        let name = &self.name;
        let fault = |message: String| Fault::new(Class::Unreachable, message);
        if !name.contains('/') {
            let found = self.helpers.find(name, self.path.as_deref());
            return found.ok_or_else(|| {
                let hint = self.helpers.hint_of_project(name);
                fault(format!("no program `{name}`")).hinted(hint.unwrap_or_else(|| {
                    "the absolute directories of PATH outside the project are searched; or write \
                     an absolute path in `command`"
                        .to_owned()
                }))
            });
        }
        let path = Path::new(name);
        if is_program(path) {
            Ok(path.to_owned())
        } else {
            Err(fault(format!(
                "`{name}` is no program that this user may run"
            )))
        }
    }

    pub(super) fn limits(&self, limits: &Limits) -> Limits {
        let own = self.timeout.map(time::from_now);
        Limits {
            deadline: own.map_or(limits.deadline, |own| own.min(limits.deadline)),
            approval: limits.approval,
        }
    }

    /// Runs it with one more argument, or none.
    pub(super) fn run(
        &self,
        path: &Path,
        argument: Option<&str>,
        input: &[u8],
        limits: &Limits,
        cancel: &Cancel,
        is_enough: &dyn Fn(&Output) -> bool,
    ) -> Result<Ended, Fault> {
        let mut arguments = self.arguments.clone();
        arguments.extend(argument.map(OsString::from));
        let call = Call {
            program: path,
            arguments,
            environment: &self.environment,
            directory: None,
            input,
            end: limits.deadline,
            approval: limits.approval,
            is_enough,
        };
        let ended = call.run(self.helpers.groups, cancel);
        ended.map_err(|failure| self.fault(&failure))
    }

    fn fault(&self, failure: &Failure) -> Fault {
        let name = &self.name;
        match failure {
            Failure::NotStarted(reason) => Fault::new(
                Class::Unreachable,
                format!("`{name}` could not be started: {reason}"),
            ),
            Failure::TimedOut | Failure::Cancelled => Fault::new(
                Class::TimedOut,
                format!("`{name}` did not answer in time, and was killed"),
            )
            .hinted("give it longer: --timeout, and `timeout` in its entry under `backends`"),
            Failure::TooMuch => Fault::new(
                Class::Malformed,
                format!("`{name}` printed more than 16 MiB"),
            ),
            Failure::WantsTerminal => Fault::new(
                Class::Unauthenticated,
                format!("`{name}` asks for something, and there is no terminal"),
            )
            .hinted("sign in to it beforehand, or run endow in the foreground of a terminal"),
        }
    }

    /// A text of the program's standard error on one line, without the values that are known here. It
    /// is cut by whoever knows all values: a part of one would not be found any more.
    pub(super) fn shown<'a>(
        &'a self,
        stderr: &[u8],
        values: impl Iterator<Item = &'a Secret>,
    ) -> String {
        let known = self.own.iter().chain(values).map(Secret::expose);
        let text = scrub(&String::from_utf8_lossy(stderr), known);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join("; ");
        let text = text.chars().map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        });
        text.collect()
    }

    /// `PROGRAM --version`, and its name where it does not know that option.
    pub(super) fn version(&self, limits: &Limits, cancel: &Cancel) -> Result<String, Fault> {
        let (path, limits) = (self.path()?, self.limits(limits));
        let ended = self.run(&path, Some("--version"), b"", &limits, cancel, &|_| false)?;
        let said = self.shown(&ended.stdout, std::iter::empty());
        let said: String = said.chars().take(MOST_SHOWN).collect();
        let is_version = ended.status == crate::helper::Status::Exited(0) && !said.is_empty();
        Ok(if is_version {
            format!("{} {said}", self.name)
        } else {
            self.name.clone()
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// So much of what it says of its version is shown.
const MOST_SHOWN: usize = 400;

/// The variables that the entry's `inherit` names, by name or by a glob. A glob brings in no static
/// credential.
fn inherited(opening: &Opening<'_>) -> Vec<(OsString, OsString)> {
    let words = opening.settings.list("inherit");
    let credentials = &opening.helpers.credentials;
    let others = || {
        credentials
            .iter()
            .filter(|(_, owner)| owner != opening.name)
    };
    let is_credential = |name: &str| others().any(|(pattern, _)| matches(pattern, name));
    let is_wanted = |name: &str| {
        words.iter().any(|word| {
            *word == name || (word.contains('*') && matches(word, name) && !is_credential(name))
        })
    };
    let mut found: Vec<(OsString, OsString)> = Vec::new();
    for (name, value) in opening.environment {
        let is_new = found.iter().all(|(other, _)| other != name);
        if is_new && name.to_str().is_some_and(is_wanted) {
            found.push((name.clone(), value.clone()));
        }
    }
    found
}

/// A glob with `*` for any run of characters: each part stands after the one before.
fn matches(glob: &str, name: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// `10s`: a number and a unit.
fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|character: char| !character.is_ascii_digit())?;
    let number: u64 = text[..at].parse().ok()?;
    let unit = match &text[at..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_millis)
}

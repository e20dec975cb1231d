//! What is said of a variable that has no value, and how bad it is: for `run`'s report and for
//! `check`'s.

use endow_providers::{Absence, Class, Fault, is_name_like};

use crate::{
    manifest::diagnostic::{one_line, shown},
    resolve::{Cause, Failure, Subject},
};

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
            hints: hints(&failure.cause)
                .into_iter()
                .chain(failure.advice.clone())
                .collect(),
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
        Cause::Fault(fault) => candidates(fault)
            .into_iter()
            .chain(fault.hints.clone())
            .collect(),
    }
}

/// The ids of what one name means several of.
fn candidates(fault: &Fault) -> Option<String> {
    let Class::Ambiguous { candidates } = &fault.class else {
        return None;
    };
    let ids: Vec<String> = candidates.iter().map(|id| one_line(id)).collect();
    (!ids.is_empty()).then(|| format!("there are: {}", ids.join(", ")))
}

/// The keys that stand where one was missed.
fn there(absence: &Absence) -> Option<String> {
    const SHOWN: usize = 12;
    // What is no name can be a secret in the wrong place.
    let names = absence.keys.iter().filter(|key| is_name_like(key));
    let keys: Vec<String> = names.take(SHOWN).map(|key| shown(key)).collect();
    let more = match absence.keys.len() - keys.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!keys.is_empty()).then(|| format!("there are: {}{more}", keys.join(", ")))
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
    worst_code(failures.map(code)).unwrap_or(1)
}

/// Of 2, 3, 4 and 1 the first that occurs; `None` where none does.
pub fn worst_code(codes: impl Iterator<Item = u8>) -> Option<u8> {
    let rank = |code: &u8| [2, 3, 4, 1].iter().position(|other| other == code);
    codes.filter(|code| *code != 0).min_by_key(rank)
}

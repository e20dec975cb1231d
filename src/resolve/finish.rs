//! Answers into values: defaults, templates, and the checks that need the value.

use std::collections::BTreeMap;

use endow_providers::{Class, Fault, Reply, Secret, is_name_like};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Answers, Cause, Failure, Resolved, Subject,
    encode::{encode, is_unreserved},
};
use crate::{
    manifest::{
        document::Delivery,
        reference::Reference,
        template::{Encoding, Part, Template},
    },
    plan::{Placed, Plan, Planned, Source},
};

/// So much the templates of a run may make together, so that none can double without end.
const MOST_TEXT: usize = 16 << 20;

pub(super) fn finish(plan: &Plan<'_>, answers: &Answers, failures: Vec<Failure>) -> Resolved {
    let has_settings = failures.is_empty();
    let mut finisher = Finisher {
        plan,
        answers,
        values: BTreeMap::new(),
        failures,
        written: 0,
    };
    if has_settings {
        for (name, _) in plan.selected() {
            finisher.settle(name);
        }
    }
    let Finisher {
        values,
        mut failures,
        ..
    } = finisher;
    failures.sort_by(|one, other| one.subject.cmp(&other.subject));
    let values = values
        .into_iter()
        .filter_map(|(name, outcome)| match outcome {
            Outcome::Value(secret) => Some((name.to_owned(), Some(secret))),
            Outcome::Absent => Some((name.to_owned(), None)),
            Outcome::Failed => None,
        });
    Resolved {
        values: values.collect(),
        failures,
        warnings: Vec::new(),
    }
}

/// What became of a variable.
enum Outcome {
    Value(Secret),
    Absent,
    Failed,
}

struct Finisher<'p, 'm> {
    plan: &'p Plan<'m>,
    answers: &'p Answers,
    values: BTreeMap<&'m str, Outcome>,
    failures: Vec<Failure>,
    /// Bytes that templates have made so far.
    written: usize,
}

impl<'m> Finisher<'_, 'm> {
    /// Settles a variable, and first what its template needs. Cycles were refused before.
    fn settle(&mut self, name: &'m str) {
        if self.values.contains_key(name) {
            return;
        }
        let planned = &self.plan.variables[name];
        let outcome = match &planned.source {
            Source::Value(text) => Outcome::Value(Secret::copied_from(text.as_bytes())),
            Source::Template(template) => self.template(name, planned, template),
            Source::Places(places) => self.places(name, planned, places),
        };
        self.values.insert(name, outcome);
    }

    fn places(&mut self, name: &str, planned: &Planned<'m>, places: &[Placed]) -> Outcome {
        let mut absences = Vec::new();
        for placed in places {
            let shown = placed.shown.clone();
            match self.answers.get(placed) {
                Some(Ok(Reply::Absent(absence))) => absences.push((absence.clone(), shown)),
                Some(Ok(Reply::Value(value))) => {
                    let refused = self.refused(planned, placed, value.secret.expose());
                    let secret = Secret::copied_from(value.secret.expose());
                    return match refused {
                        Some(fault) => self.fail(name, Some(shown), Cause::Fault(fault)),
                        None => Outcome::Value(secret),
                    };
                }
                Some(Err(fault)) => {
                    let cause = Cause::Fault(fault.clone());
                    return self.fail(name, Some(shown), cause);
                }
                None => {
                    return self.fail(
                        name,
                        Some(shown),
                        Cause::Fault(Fault::new(
                            Class::TimedOut,
                            "not asked: the deadline had passed",
                        )),
                    );
                }
            }
        }
        let place = absences.last().map(|(_, shown)| shown.clone());
        self.absent(
            name,
            planned,
            place,
            Cause::Absent(absences.into_iter().map(|(absence, _)| absence).collect()),
        )
    }

    /// What is wrong with a value that its place gave.
    fn refused(&self, planned: &Planned<'m>, placed: &Placed, value: &[u8]) -> Option<Fault> {
        let asked = &self.plan.backends[placed.backend];
        if !asked.kind.is_secret_store {
            return misplaced(self.plan, planned, value, asked.kind.name);
        }
        let is_whole = asked.addresses[placed.address].field.is_none();
        (asked.kind.grammar.has_field && is_whole).then(|| object(planned, value))?
    }

    /// The default, nothing, or a failure, as the entry says.
    fn absent(
        &mut self,
        name: &str,
        planned: &Planned<'m>,
        place: Option<String>,
        cause: Cause,
    ) -> Outcome {
        let entry = &planned.variable.entry;
        if let Some(default) = &entry.default {
            return Outcome::Value(Secret::copied_from(default.value.as_bytes()));
        }
        if planned.is_required() {
            self.fail(name, place, cause)
        } else {
            Outcome::Absent
        }
    }

    fn fail(&mut self, name: &str, place: Option<String>, cause: Cause) -> Outcome {
        self.failures.push(Failure {
            subject: Subject::Variable(name.to_owned()),
            place,
            cause,
            advice: None,
        });
        Outcome::Failed
    }

    fn template(&mut self, name: &str, planned: &Planned<'m>, template: &'m Template) -> Outcome {
        for part in template.variables() {
            if let Some((part, _)) = self.plan.variables.get_key_value(part) {
                self.settle(part);
            }
        }
        let lengths = template.parts.iter().map(|part| match part {
            Part::Literal(text) => text.len(),
            Part::Variable { name, .. } => match self.values.get(name.as_str()) {
                Some(Outcome::Value(secret)) => secret.len(),
                _ => 0,
            },
        });
        let length: usize = lengths.sum();
        if self.written + length > MOST_TEXT {
            let fault = Fault::new(
                Class::Malformed,
                format!("with it templates make more than {} MiB", MOST_TEXT >> 20),
            );
            return self.fail(name, None, Cause::Fault(fault));
        }
        // Growing would leave copies behind: six times the length holds every encoding.
        let mut text = Zeroizing::new(Vec::with_capacity(6 * length));
        for part in &template.parts {
            match part {
                Part::Literal(literal) => text.extend_from_slice(literal.as_bytes()),
                Part::Variable {
                    name: part,
                    encoding,
                } => match self.values.get(part.as_str()) {
                    Some(Outcome::Value(secret)) => encode(secret.expose(), *encoding, &mut text),
                    // A failed part is reported by itself.
                    Some(Outcome::Failed) | None => return Outcome::Failed,
                    Some(Outcome::Absent) => {
                        return self.absent(name, planned, None, Cause::AbsentPart(part.clone()));
                    }
                },
            }
        }
        self.written += text.len();
        Outcome::Value(text.into())
    }
}

/// A value that was meant for another place: a reference that belongs into the manifest, or a
/// path that `as: file` would wrap once more.
fn misplaced(plan: &Plan<'_>, planned: &Planned<'_>, value: &[u8], kind: &str) -> Option<Fault> {
    let text = std::str::from_utf8(value).ok()?;
    if let Some(reference) = Reference::split(text)
        && plan
            .manifest
            .kind(&reference.scheme)
            .is_some_and(|kind| kind.is_secret_store)
    {
        return Some(
            Fault::new(
                Class::Malformed,
                format!("the value is itself a reference of `{}`", reference.scheme),
            )
            .hinted("references are resolved in the manifest only: move it there"),
        );
    }
    if planned.variable.entry.file().is_some()
        && kind != "file"
        && !text.is_empty()
        && !text.contains('\0')
        && std::path::Path::new(text).is_file()
    {
        return Some(
            Fault::new(
                Class::Malformed,
                "the value names an existing file, and `as: file` would make a file of that name",
            )
            .hinted("write the place as `file://PATH`"),
        );
    }
    None
}

/// A whole JSON object where one of its keys was meant: an application that got it as its password
/// would fail later, and say less.
fn object(planned: &Planned<'_>, value: &[u8]) -> Option<Fault> {
    let delivery = planned.variable.entry.delivery.as_ref();
    if delivery.is_some_and(|delivery| !matches!(delivery.value, Delivery::Env)) {
        return None;
    }
    let keys: BTreeMap<String, &RawValue> = serde_json::from_slice(value).ok()?;
    let fault = Fault::new(
        Class::Malformed,
        "the secret is a JSON object, and the reference names no key of it",
    );
    let is_empty = keys.is_empty();
    let keys: Vec<&str> = keys
        .iter()
        .filter(|(key, value)| is_name_like(key) && value.get() != "\"\"")
        .map(|(key, _)| key.as_str())
        .collect();
    let which = match &keys[..] {
        [] if is_empty => "it has none".to_owned(),
        [] => "those that it has do not look like names".to_owned(),
        keys => format!("it has `{}`", keys.join("`, `")),
    };
    Some(
        fault
            .hinted(format!("write the key after a `#`: {which}"))
            .hinted("write `as: json` for all of its text, or `as: file`"),
    )
}

/// Whether a template writes a value into a URL or into JSON as it is although it has characters
/// that mean something there; the text says which variable and what to write.
pub fn wants_encoding(
    template: &Template,
    values: &BTreeMap<String, Option<Secret>>,
) -> Vec<(String, String)> {
    let literal: String = template
        .parts
        .iter()
        .filter_map(|part| {
            if let Part::Literal(text) = part {
                Some(text.as_str())
            } else {
                None
            }
        })
        .collect();
    let is_json = literal.trim_start().starts_with(['{', '[']);
    let is_url = literal.contains("://");
    let mut wanted = Vec::new();
    for part in &template.parts {
        let Part::Variable {
            name,
            encoding: Encoding::Plain,
        } = part
        else {
            continue;
        };
        let Some(Some(secret)) = values.get(name) else {
            continue;
        };
        let has = |is_special: fn(u8) -> bool| secret.expose().iter().any(|byte| is_special(*byte));
        let (place, word) = if is_json && has(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
            ("JSON", "json")
        } else if is_url && has(|byte| !is_unreserved(byte)) {
            ("a URL", "url")
        } else {
            continue;
        };
        let message = format!("`{name}` has characters that mean something in {place}");
        wanted.push((
            message,
            format!("write `${{{name}|{word}}}` in the template"),
        ));
    }
    wanted
}

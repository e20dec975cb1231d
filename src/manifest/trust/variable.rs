//! Variables that steer programs.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Grant, Survey,
    canonical::{counted, digest},
};
use crate::{
    manifest::{
        Variable, credential,
        document::{Entry, Origin},
        reference::{Reference, Role},
        source::{Span, Spanned},
    },
    variables::steering,
};

/// Digests of what variables hold, by name; `None` while its parts are looked at.
type Held<'a> = BTreeMap<&'a str, Option<String>>;

impl Survey<'_> {
    /// One grant a variable of the table, or of the base set, that is not plain.
    pub(super) fn variables(&self, grants: &mut Vec<Grant>) {
        let mut held = Held::new();
        for (name, variable) in &self.manifest.variables {
            // One that is not exported steers nothing.
            if steering::reader(name).is_none() || !variable.entry.is_exported() {
                continue;
            }
            let value = self.held(name, &mut held);
            let canonical = format!("variable{}{}", counted(name), counted(&value));
            let span = self.decided(variable);
            grants.push(Grant::new(
                span,
                name,
                self.shown(name, variable),
                &canonical,
            ));
        }
    }

    /// The digest of everything that decides on what a variable holds, the parts of its template
    /// included. Parts are done before what needs them, on a stack of its own: a chain of templates
    /// can be as long as the manifest.
    fn held<'a>(&'a self, name: &'a str, held: &mut Held<'a>) -> String {
        let mut open = vec![name];
        while let Some(&name) = open.last() {
            let parts = self.parts(name);
            if !held.contains_key(name) {
                held.insert(name, None);
                let new = parts.iter().filter(|part| !held.contains_key(*part));
                open.extend(new.copied().collect::<BTreeSet<_>>());
                continue;
            }
            open.pop();
            if held.get(name).is_some_and(Option::is_none) {
                let mut text = self.own(name);
                for part in parts {
                    // A part that is not done is in a circle, which is refused elsewhere.
                    let digest = held.get(part).and_then(Option::as_deref);
                    text.push_str(&counted(part));
                    text.push_str(&counted(digest.unwrap_or("in a circle")));
                }
                held.insert(name, Some(digest(text.as_bytes())));
            }
        }
        held.get(name).cloned().flatten().unwrap_or_default()
    }

    /// The variables that a template needs.
    fn parts(&self, name: &str) -> Vec<&str> {
        let variable = self.manifest.variables.get(name);
        let origin = variable.and_then(|variable| variable.entry.origin.as_ref());
        match origin.map(|origin| &origin.value) {
            Some(Origin::Template(template)) => {
                let parts = template.variables();
                parts
                    .filter(|part| self.manifest.variables.contains_key(*part))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a variable's own entry says.
    fn own(&self, name: &str) -> String {
        let Some(variable) = self.manifest.variables.get(name) else {
            return "nothing".to_owned();
        };
        let entry = &variable.entry;
        let origin = match entry.origin.as_ref().map(|origin| &origin.value) {
            Some(Origin::Value(text)) => format!("value{}", counted(text)),
            Some(Origin::Template(template)) => {
                format!("template{}", counted(&format!("{:?}", template.parts)))
            }
            Some(Origin::From(places)) => self.places(name, entry, places, Role::Own),
            None => match &self.manifest.from {
                Some(places) => self.places(name, entry, places, Role::Layer),
                None => "nothing".to_owned(),
            },
        };
        let default = entry.default.as_ref();
        let default = default.map_or_else(|| "none".to_owned(), |text| counted(&text.value));
        let delivery = entry.delivery.as_ref().map(|delivery| &delivery.value);
        format!(
            "{origin}default{default}as{}",
            counted(&format!("{delivery:?}"))
        )
    }

    fn places(
        &self,
        name: &str,
        entry: &Entry,
        places: &[Spanned<Reference>],
        role: Role,
    ) -> String {
        let key = entry.key.as_ref().map_or(name, |key| key.value.as_str());
        let each = places.iter().map(|reference| {
            let place = self.place(&reference.value, reference.span, role, Some((name, key)));
            counted(&self.answer(&reference.value, place.as_ref(), true, 0))
        });
        format!("from{}", counted(&each.collect::<String>()))
    }

    /// As a person judges it.
    fn shown(&self, name: &str, variable: &Variable) -> String {
        let entry = &variable.entry;
        let key = entry.key.as_ref().map_or(name, |key| key.value.as_str());
        let places = |places: &[Spanned<Reference>], role| {
            let each = places.iter().map(|reference| {
                let place = self.place(&reference.value, reference.span, role, Some((name, key)));
                place.map_or_else(|| reference.value.text.clone(), |place| place.shown)
            });
            format!("from {}", each.collect::<Vec<_>>().join(", then "))
        };
        let text = match entry.origin.as_ref().map(|origin| &origin.value) {
            Some(Origin::Value(text)) => cut(&credential::masked(text)),
            Some(Origin::Template(template)) => {
                let mut parts: Vec<&str> = template.variables().collect();
                parts.dedup();
                format!("a template of {}", parts.join(", "))
            }
            Some(Origin::From(references)) => places(references, Role::Own),
            None => match &self.manifest.from {
                Some(references) => places(references, Role::Layer),
                None => String::new(),
            },
        };
        match &entry.default {
            Some(default) => format!(
                "{text}  default: {}",
                cut(&credential::masked(&default.value))
            )
            .trim_start()
            .to_owned(),
            None => text,
        }
    }

    /// The line that decides on a variable.
    pub(super) fn decided(&self, variable: &Variable) -> Span {
        let origin = variable.entry.origin.as_ref().map(|origin| origin.span);
        let layer = self
            .manifest
            .from
            .as_ref()
            .and_then(|from| Some(from.first()?.span));
        origin.or(layer).unwrap_or(variable.span)
    }
}

/// So much of a value is shown.
const SHOWN: usize = 200;

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}... ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    }
}

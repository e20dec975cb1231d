//! What decides on a trusted part without standing in it: the backends that answer its references,
//! and what their placeholders stand for. It asks for no trust itself, but counts for the digest.

use std::collections::BTreeSet;

use super::{Part, canonical_settings, counted};
use crate::manifest::{
    document::{Backend, Document, Setting, every_layer},
    reference::Reference,
    source::{Span, Spanned},
};

/// References that are still to be followed.
#[derive(Default)]
pub(super) struct Behind<'a> {
    open: Vec<&'a Reference>,
}

impl<'a> Behind<'a> {
    /// A trusted part needs these places.
    pub(super) fn places(&mut self, references: &'a [Spanned<Reference>]) {
        let references = references.iter().map(|reference| &reference.value);
        self.open.extend(references);
    }

    /// It has this setting.
    pub(super) fn setting(&mut self, setting: &'a Spanned<Setting>) {
        let mut found = Vec::new();
        setting.value.references(setting.span, &mut found);
        let references = found.into_iter().map(|(reference, _)| reference);
        self.open.extend(references);
    }

    /// It is this backend.
    pub(super) fn backend(&mut self, settings: &'a Backend) {
        for setting in settings.values() {
            self.setting(setting);
        }
    }

    /// All that is behind these, over every layer of every file: which of them holds depends on the
    /// profile, and trust covers all profiles.
    pub(super) fn parts(mut self, documents: &'a [Document]) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut schemes: BTreeSet<&str> = BTreeSet::new();
        let (mut has_project, mut has_profile) = (false, false);
        while let Some(reference) = self.open.pop() {
            has_project |= reference.text.contains("{project}");
            has_profile |= reference.text.contains("{profile}");
            if !schemes.insert(&reference.scheme) {
                continue;
            }
            let backends = every_layer(documents).flat_map(|layer| &layer.backends);
            for (name, settings) in backends.filter(|(name, _)| name.value == reference.scheme) {
                let canonical = format!(
                    "answers{}{}",
                    counted(&name.value),
                    canonical_settings(settings)
                );
                parts.push(part(name.span, canonical));
                self.backend(settings);
            }
        }
        let named = |is_used, name: &str, text: Option<&Spanned<String>>| {
            let text = text.filter(|_| is_used)?;
            Some(part(text.span, format!("{name}{}", counted(&text.value))))
        };
        for document in documents {
            let project = document.project.as_ref();
            let profile = document.default_profile.as_ref();
            parts.extend(named(has_project, "project", project));
            parts.extend(named(has_profile, "profile", profile));
        }
        parts
    }
}

fn part(span: Span, canonical: String) -> Part {
    Part {
        what: "this decides on what was trusted".to_owned(),
        span,
        is_free: true,
        canonical,
    }
}

//! Backends that run a program, or that say where credentials are sent.

use endow_providers::{Kind, Setting as Known, Shape, Trust};

use super::{
    Grant, Survey,
    canonical::{content, counted},
    origin::origin,
};
use crate::{
    manifest::{
        Backend, credential,
        document::Setting,
        reference::{Reference, absolute, names_a_path},
        source::{Span, Spanned},
    },
    shell,
};

impl Survey<'_> {
    /// One grant a backend that needs one.
    pub(super) fn backends(&self, grants: &mut Vec<Grant>) {
        for (scheme, backend) in &self.manifest.backends {
            let Some(kind) = self.manifest.kind(scheme) else {
                continue;
            };
            if kind.name == "exec" {
                grants.push(self.program(scheme, backend));
            } else if let Some(grant) = self.address(scheme, kind, backend) {
                grants.push(grant);
            }
        }
    }

    /// A program that is run, with the files of the project that it is made of.
    fn program(&self, scheme: &str, backend: &Backend) -> Grant {
        let words = match backend
            .settings
            .get("command")
            .map(|command| &command.value)
        {
            Some(Setting::List(words)) => words.as_slice(),
            _ => &[],
        };
        let mut argv: Vec<String> = words
            .iter()
            .map(|word| shell::word(&said(&word.value)))
            .collect();
        let mut files = Vec::new();
        for (index, word) in words.iter().enumerate() {
            let Setting::Text(text) = &word.value else {
                continue;
            };
            for (name, path) in self.files_of(text, index == 0, word.span) {
                files.push((name, content(&path)));
            }
        }
        if argv.is_empty() {
            argv.push("(no program)".to_owned());
        }
        let mut what = format!("runs: {}", argv.join(" "));
        for (name, digest) in &files {
            what.push_str(&format!("  ({name}: {digest:.16})"));
        }
        let others = backend.settings.iter();
        for (name, setting) in others.filter(|(name, _)| !["type", "command"].contains(&&***name)) {
            what.push_str(&format!("  {name}: {}", said(&setting.value)));
        }
        let files: String = files
            .iter()
            .map(|(name, digest)| format!("{}{}", counted(name), counted(digest)))
            .collect();
        let canonical = format!("program{}{}", self.backend(scheme), counted(&files));
        Grant::new(backend.span, scheme, what, &canonical)
    }

    /// The files of the project that a word of a command names: the program's, an argument's, or what
    /// stands after the `=` of an option. An argument's path starts at the working directory, or
    /// where the manifest is.
    fn files_of(
        &self,
        word: &str,
        is_program: bool,
        span: Span,
    ) -> Vec<(String, std::path::PathBuf)> {
        if is_program && !names_a_path(word) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let after = word.split_once('=').filter(|_| !is_program);
        let after = after.map(|(_, after)| after);
        for text in [Some(word), after].into_iter().flatten() {
            let scope = self.manifest.scope(span, None);
            let beside = absolute(text, &scope).ok().map(std::path::PathBuf::from);
            let here = (!is_program)
                .then(|| std::env::current_dir().ok())
                .flatten();
            let here = here.map(|directory| directory.join(text));
            for path in [beside, here].into_iter().flatten() {
                let is_file = std::fs::metadata(&path).is_ok_and(|file| file.is_file());
                if (is_file || is_program) && self.project.holds(&path) {
                    let name = self.project.named(&path);
                    if found.iter().all(|(other, _)| *other != name) {
                        found.push((name, path));
                    }
                }
            }
        }
        found
    }

    /// A backend whose settings say where something is sent.
    fn address(&self, scheme: &str, kind: &Kind, backend: &Backend) -> Option<Grant> {
        let needed: Vec<(&Known, &Spanned<Setting>)> = kind
            .settings
            .iter()
            .filter(|known| known.trust != Trust::Free)
            .filter_map(|known| Some((known, backend.settings.get(known.name)?)))
            .collect();
        let (_, first) = needed.first()?;
        let span = needed
            .iter()
            .map(|(_, setting)| setting.span)
            .min()
            .unwrap_or(first.span);
        let what = what(scheme, kind, backend);
        let canonical = format!("address{}", self.backend(scheme));
        let mut grant = Grant::new(span, scheme, what, &canonical);
        grant.is_free = needed
            .iter()
            .all(|(known, setting)| self.is_free(known, &setting.value));
        Some(grant)
    }

    /// Whether a setting sends nothing to a place that the caller's own environment does not name.
    fn is_free(&self, known: &Known, setting: &Setting) -> bool {
        match (known.trust, setting) {
            (Trust::Free, _) => true,
            // Elsewhere `false` is a name: of a file, or of a host.
            (Trust::Needed, Setting::Text(text)) => {
                matches!(known.shape, Shape::Bool) && text == "false"
            }
            (Trust::Origin(variables), Setting::Text(text)) => variables
                .iter()
                .filter_map(|name| (self.environment)(name))
                .any(|own| origin(&own).is_some() && origin(&own) == origin(text)),
            (Trust::Origin(variables), Setting::Reference(reference)) => {
                // The scheme can be given another type, and then reads what the repository holds.
                let is_environment = |kind: &Kind| kind.name == "env" && reference.scheme == "env";
                self.manifest
                    .kind(&reference.scheme)
                    .is_some_and(is_environment)
                    && variables.contains(&reference.locator())
            }
            (Trust::Needed | Trust::Origin(_), _) => false,
        }
    }
}

/// What a backend is, for a person to judge: where, signed in with what, and how else.
fn what(scheme: &str, kind: &Kind, backend: &Backend) -> String {
    let is_origin = |known: &&Known| matches!(known.trust, Trust::Origin(_));
    let addresses = kind.settings.iter().filter(is_origin);
    let addresses = addresses.filter_map(|known| backend.settings.get(known.name));
    let addresses: Vec<String> = addresses.map(|setting| said(&setting.value)).collect();
    let mut text = if addresses.is_empty() {
        "at its usual address".to_owned()
    } else {
        addresses.join(", ")
    };
    if kind.name != scheme {
        text.push_str(&format!("  type: {}", kind.name));
    }
    let mut references: Vec<(String, &Reference, Span)> = Vec::new();
    let others = backend.settings.iter().filter(|(name, _)| {
        *name != "type"
            && !kind
                .settings
                .iter()
                .any(|known| known.name == *name && is_origin(&known))
    });
    let mut rest = String::new();
    for (name, setting) in others {
        setting
            .value
            .named_references(name, setting.span, &mut references);
        if !is_token(&setting.value) {
            rest.push_str(&format!("  {name}: {}", said(&setting.value)));
        }
    }
    let credentials: Vec<&str> = references
        .iter()
        .map(|(_, reference, _)| &*reference.text)
        .collect();
    if !credentials.is_empty() {
        text.push_str(&format!("  signs in with {}", credentials.join(", ")));
    } else if !backend.settings.contains_key("auth") {
        text.push_str("  signs in as you do");
    }
    text + &rest
}

/// Whether a setting is nothing but a token from somewhere.
fn is_token(setting: &Setting) -> bool {
    let Setting::Map(map) = setting else {
        return false;
    };
    let token = map.get("token").filter(|_| map.len() == 1);
    token.is_some_and(|token| matches!(token.value, Setting::Reference(_)))
}

/// A setting as it is written, on one line.
fn said(setting: &Setting) -> String {
    match setting {
        Setting::Text(text) => credential::masked(text),
        Setting::List(items) => {
            let items: Vec<String> = items.iter().map(|item| said(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Setting::Map(map) => {
            let items = map
                .iter()
                .map(|(name, item)| format!("{name}: {}", said(&item.value)));
            format!("{{ {} }}", items.collect::<Vec<_>>().join(", "))
        }
        Setting::Reference(reference) => reference.text.clone(),
    }
}

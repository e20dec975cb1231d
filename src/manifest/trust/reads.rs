//! What a manifest reads of its caller's: files outside the project, and static credentials in the
//! environment.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use endow_providers::{Kind, Setting as Known, Shape};

use super::{Grant, Survey, canonical::counted, project::real};
use crate::{
    manifest::{
        Variable,
        document::{Origin, Setting},
        reference::{Place, Reference, Role, absolute},
        source::{Span, Spanned},
    },
    variables::glob,
};

/// One read, and who wants it.
struct Read {
    span: Span,
    /// A path, or the name of a variable.
    what: String,
    is_file: bool,
    reader: String,
}

impl Survey<'_> {
    /// One grant a file or variable. A name that a layer's place answers is none by itself.
    pub(super) fn reads(&self, grants: &mut Vec<Grant>) {
        let mut reads = Vec::new();
        self.of_layer(&mut reads);
        for (name, variable) in &self.manifest.variables {
            self.of_variable(name, variable, &mut reads);
        }
        self.of_settings(&mut reads);
        let mut said: BTreeSet<(String, String)> = BTreeSet::new();
        for read in reads {
            if !said.insert((read.what.clone(), read.reader.clone())) {
                continue;
            }
            let tag = if read.is_file { "file" } else { "credential" };
            let canonical = format!("{tag}{}{}", counted(&read.what), counted(&read.reader));
            let what = format!("is read for {}", read.reader);
            let subject = if read.is_file {
                read.what
            } else {
                format!("env://{}", read.what)
            };
            grants.push(Grant::new(read.span, subject, what, &canonical));
        }
    }

    /// The layer's places, for all names that they answer.
    fn of_layer(&self, reads: &mut Vec<Read>) {
        for reference in self.manifest.from.iter().flatten() {
            if let Some(directory) = self.directory_of_layer(&reference.value, reference.span) {
                reads.push(Read {
                    span: reference.span,
                    what: self.project.named(&directory),
                    is_file: true,
                    reader: "every name without a place".to_owned(),
                });
            }
        }
    }

    /// Where a layer's place reads, if that is outside the project. A name that is put into it stays
    /// below that.
    fn directory_of_layer(&self, reference: &Reference, span: Span) -> Option<PathBuf> {
        let kind = self.manifest.kind(&reference.scheme)?;
        // With a name in its middle, each name is asked for by itself.
        if !kind.grammar.is_path || reference.mentions_name() {
            return None;
        }
        let variable = Some(("NAME", "NAME"));
        let place = self.place(reference, span, Role::Layer, variable)?;
        let mut path = PathBuf::from(&place.address.locator);
        // A directory of files, one a name.
        if !kind.grammar.has_field || place.address.field.is_none() {
            path.pop();
        }
        self.is_outside(&path).then_some(path)
    }

    fn of_variable(&self, name: &str, variable: &Variable, reads: &mut Vec<Read>) {
        let entry = &variable.entry;
        let key = entry.key.as_ref().map_or(name, |key| key.value.as_str());
        let (references, role) = match entry.origin.as_ref().map(|origin| &origin.value) {
            Some(Origin::From(references)) => (references, Role::Own),
            None => match &self.manifest.from {
                Some(references) => (references, Role::Layer),
                None => return,
            },
            _ => return,
        };
        for Spanned { value, span } in references {
            let Some(kind) = self.manifest.kind(&value.scheme) else {
                continue;
            };
            let place = self.place(value, *span, role, Some((name, key)));
            let Some(read) = place.and_then(|place| self.read(kind, &place)) else {
                continue;
            };
            if role == Role::Layer && read.1 {
                let layer = self.directory_of_layer(value, *span);
                if layer.is_some_and(|layer| self.project.below(&read.0, &layer)) {
                    continue;
                }
            }
            reads.push(Read {
                span: *span,
                what: read.0,
                is_file: read.1,
                reader: name.to_owned(),
            });
        }
    }

    /// What a place reads of the caller's, and whether it is a file.
    fn read(&self, kind: &Kind, place: &Place) -> Option<(String, bool)> {
        if kind.grammar.is_path {
            let path = Path::new(&place.address.locator);
            return self
                .is_outside(path)
                .then(|| (self.project.named(path), true));
        }
        let name = &place.address.locator;
        let is_credential = kind.name == "env" && self.is_credential(name);
        is_credential.then(|| (name.clone(), false))
    }

    fn is_credential(&self, name: &str) -> bool {
        let mut patterns = self.credentials.iter();
        patterns.any(|pattern| glob::matches(pattern.as_bytes(), name.as_bytes()))
    }

    fn of_settings(&self, reads: &mut Vec<Read>) {
        for (scheme, backend) in &self.manifest.backends {
            let Some(kind) = self.manifest.kind(scheme) else {
                continue;
            };
            let reader = format!("backend `{scheme}`");
            for (name, setting) in &backend.settings {
                let known = kind.settings.iter().find(|known| known.name == name);
                self.of_setting(&reader, kind, known, setting, reads);
            }
        }
    }

    fn of_setting(
        &self,
        reader: &str,
        owner: &Kind,
        known: Option<&Known>,
        setting: &Spanned<Setting>,
        reads: &mut Vec<Read>,
    ) {
        let span = setting.span;
        let mut add = |what, is_file| {
            reads.push(Read {
                span,
                what,
                is_file,
                reader: reader.to_owned(),
            });
        };
        match (&setting.value, known.map(|known| known.shape)) {
            (Setting::Text(text), Some(Shape::Path)) => {
                let path = absolute(text, &self.manifest.scope(span, None));
                let path = path.ok().map(PathBuf::from);
                if let Some(path) = path.filter(|path| self.is_outside(path)) {
                    add(self.project.named(&path), true);
                }
            }
            (Setting::Text(_), _) => {}
            (Setting::List(items), _) => {
                for item in items {
                    self.of_setting(reader, owner, None, item, reads);
                }
            }
            (Setting::Map(map), shape) => {
                let inner: &[Known] = match shape {
                    Some(Shape::Keys(inner)) => inner,
                    _ => &[],
                };
                for (name, item) in map {
                    let known = inner.iter().find(|known| known.name == name);
                    self.of_setting(reader, owner, known, item, reads);
                }
            }
            (Setting::Reference(reference), _) => {
                let kind = self.manifest.kind(&reference.scheme);
                let place = self.place(reference, span, Role::Own, None);
                let read = kind
                    .zip(place)
                    .and_then(|(kind, place)| self.read(kind, &place));
                if let Some((what, is_file)) = read {
                    // A backend reads the credentials of its own type in any case.
                    let own = |pattern: &&str| glob::matches(pattern.as_bytes(), what.as_bytes());
                    let is_own = !is_file
                        && (owner.static_credentials.iter().any(own) || !is_published(&what));
                    if !is_own {
                        add(what, is_file);
                    }
                }
            }
        }
    }

    /// Whether a path is neither the project's nor a mount of the system's for secrets.
    fn is_outside(&self, path: &Path) -> bool {
        let credentials = (self.environment)("CREDENTIALS_DIRECTORY");
        !is_mount(path, credentials.as_deref()) && !self.project.holds(path)
    }
}

/// Whether a path leads below a directory of the system for secrets, or names what the caller passed on
/// as a descriptor. With `..` in it, it leads wherever it leads.
fn is_mount(path: &Path, credentials_directory: Option<&str>) -> bool {
    let mounts = ["/run/secrets", "/var/run/secrets", "/dev/fd", "/dev/stdin"];
    let own = credentials_directory.filter(|path| path.starts_with('/'));
    let is_straight = path.components().all(|part| part != Component::ParentDir);
    mounts.into_iter().chain(own).any(|mount| {
        (is_straight && path.starts_with(mount)) || real(path).starts_with(real(Path::new(mount)))
    })
}

/// Whether a variable is a static credential of some type of backend, whatever a manifest says.
fn is_published(name: &str) -> bool {
    let mut patterns = endow_providers::kind::ALL
        .iter()
        .flat_map(|kind| kind.static_credentials);
    patterns.any(|pattern| glob::matches(pattern.as_bytes(), name.as_bytes()))
}

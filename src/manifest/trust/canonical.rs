//! Texts that a digest covers: equal for equal meaning, different for any other.

use std::{fs::OpenOptions, io::Read, os::unix::fs::OpenOptionsExt, path::Path};

use endow_providers::{Address, Field, Kind, Setting as Known, Shape, dotenv_value};
use sha2::{Digest, Sha256};

use super::Survey;
use crate::manifest::{
    document::{Backend, Setting},
    reference::{Place, Reference, Role, absolute, names_a_path},
    source::{Span, Spanned},
};

/// A text after its length, so that no text can pass for two.
pub(super) fn counted(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// SHA-256, in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of a regular file, or a word for what is there instead.
pub(super) fn content(path: &Path) -> String {
    match read(path) {
        Some(bytes) => digest(&bytes),
        None => "no file".to_owned(),
    }
}

/// The bytes of a regular file. Nothing else is opened for longer than it takes to see that: a pipe
/// would let it wait.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    let mut options = OpenOptions::new();
    let options = options
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = options.open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

impl Survey<'_> {
    /// The backend behind a scheme, whole: its type and all its settings.
    pub(super) fn backend(&self, scheme: &str) -> String {
        let Some(kind) = self.manifest.kind(scheme) else {
            return "unknown".to_owned();
        };
        let settings = self.manifest.backends.get(scheme);
        let settings = settings.map_or_else(String::new, |backend| {
            self.settings(kind, &backend.settings, 0)
        });
        format!("{}{}{settings}", counted(scheme), counted(kind.name))
    }

    /// As [`Self::backend`], for one whose settings may be answered by another: only one hop is
    /// allowed, and a manifest that has more is refused elsewhere.
    fn settings(&self, kind: &Kind, settings: &Backend, depth: usize) -> String {
        let each = settings.iter().map(|(name, setting)| {
            let known = kind.settings.iter().find(|known| known.name == name);
            format!("{}{}", counted(name), self.setting(known, setting, depth))
        });
        counted(&each.collect::<String>())
    }

    pub(super) fn setting(
        &self,
        known: Option<&Known>,
        setting: &Spanned<Setting>,
        depth: usize,
    ) -> String {
        let shape = known.map(|known| known.shape);
        match (&setting.value, shape) {
            (Setting::Text(text), Some(Shape::Path)) => {
                let path = self.path(text, setting.span);
                format!("p{}", counted(&path))
            }
            (Setting::Text(text), _) => format!("t{}", counted(text)),
            (Setting::List(items), _) => {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| match &item.value {
                        Setting::Text(program)
                            if index == 0
                                && matches!(shape, Some(Shape::Command))
                                && names_a_path(program) =>
                        {
                            format!("p{}", counted(&self.path(program, item.span)))
                        }
                        _ => self.setting(None, item, depth),
                    });
                format!("l{}", counted(&items.collect::<String>()))
            }
            (Setting::Map(map), _) => {
                let inner = match shape {
                    Some(Shape::Keys(inner)) => inner,
                    _ => &[],
                };
                let items = map.iter().map(|(name, item)| {
                    let known = inner.iter().find(|known| known.name == name);
                    format!("{}{}", counted(name), self.setting(known, item, depth))
                });
                format!("m{}", counted(&items.collect::<String>()))
            }
            (Setting::Reference(reference), _) if depth < 2 => {
                // What decides on an address must not change unseen, so a file's content counts.
                let is_free = known.is_none_or(|known| known.trust == endow_providers::Trust::Free);
                let place = self.place(reference, setting.span, Role::Own, None);
                format!(
                    "r{}",
                    counted(&self.answer(reference, place.as_ref(), !is_free, depth + 1))
                )
            }
            (Setting::Reference(reference), _) => format!("R{}", counted(&reference.text)),
        }
    }

    /// A path that a setting says, as the project knows it.
    pub(super) fn path(&self, text: &str, span: Span) -> String {
        match absolute(text, &self.manifest.scope(span, None)) {
            Ok(path) => self.project.named(Path::new(&path)),
            Err(_) => format!("bad {text}"),
        }
    }

    pub(super) fn place(
        &self,
        reference: &Reference,
        span: Span,
        role: Role,
        variable: Option<(&str, &str)>,
    ) -> Option<Place> {
        let kind = self.manifest.kind(&reference.scheme)?;
        let scope = self.manifest.scope(span, variable);
        reference.place(kind, role, &scope).ok()
    }

    /// What answers a reference: the place, the whole backend, and where it is wanted and lies in the
    /// project, what is there now.
    pub(super) fn answer(
        &self,
        reference: &Reference,
        place: Option<&Place>,
        with_content: bool,
        depth: usize,
    ) -> String {
        let (Some(kind), Some(place)) = (self.manifest.kind(&reference.scheme), place) else {
            return format!("bad{}", counted(&reference.text));
        };
        let Address {
            locator,
            field,
            options,
        } = &place.address;
        let path = kind.grammar.is_path.then(|| Path::new(locator.as_str()));
        let locator = path.map_or_else(|| locator.clone(), |path| self.project.named(path));
        let field = match field {
            None => "none".to_owned(),
            Some(Field::Name(name)) => format!("name{}", counted(name)),
            Some(Field::Pointer(pointer)) => format!("pointer{}", counted(pointer)),
        };
        let options: String = options
            .iter()
            .map(|(name, value)| format!("{}{}", counted(name), counted(value)))
            .collect();
        let now = path
            .filter(|path| with_content && self.project.holds(path))
            .map_or_else(String::new, |path| now(kind, path, &place.address));
        let settings = self.manifest.backends.get(&reference.scheme);
        let settings = settings.map_or_else(String::new, |backend| {
            self.settings(kind, &backend.settings, depth)
        });
        format!(
            "{}{}{}{field}{}{}{settings}",
            counted(&reference.scheme),
            counted(kind.name),
            counted(&locator),
            counted(&options),
            counted(&now),
        )
    }
}

/// The digest of what a local file says now: of a dotenv file, the one value.
fn now(kind: &Kind, path: &Path, address: &Address) -> String {
    match &address.field {
        Some(Field::Name(name)) if kind.name == "dotenv" => {
            let text = read(path).unwrap_or_default();
            // Whether it is expanded, its settings say; a change of either counts.
            let each = [false, true].map(|expand| match dotenv_value(&text, name, expand) {
                Some(value) => digest(value.expose()),
                None => "absent".to_owned(),
            });
            each.concat()
        }
        _ => content(path),
    }
}

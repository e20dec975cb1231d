//! Which variables of the launcher reach the child, and why.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use endow_providers::kind;

use super::Extra;
use crate::manifest::{
    Manifest,
    source::{Span, Spanned},
};
use crate::variables::{
    base::{self, AWS},
    glob::matches,
};

/// What becomes of one entry of the launcher's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The child gets it.
    Inherited(Why),
    /// It does not.
    Dropped(WhyNot),
}

impl Fate {
    /// Whether the child gets it.
    pub fn is_inherited(&self) -> bool {
        matches!(self, Self::Inherited(_))
    }
}

/// Why a variable is inherited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The base set.
    Base,
    /// A word of `inherit`, and where it stands.
    Word(String, Span),
    /// `-e NAME`.
    Flag,
}

/// Why a variable is dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// Nothing brings it in.
    NotInherited,
    /// The manifest declares it.
    Declared,
    /// A pattern would bring in what looks like a secret.
    Suspicious,
    /// A static credential of a backend, which only its literal name passes on.
    Credential(String),
    /// A word of `inherit` takes it out.
    Removed(String, Span),
    /// The same name stands before it.
    Doubled,
}

/// The rules of one run.
#[derive(Debug)]
pub struct Rules<'a> {
    words: &'a [Spanned<String>],
    declared: BTreeSet<&'a str>,
    flags: &'a [OsString],
    /// Pattern and whose credential it is.
    credentials: Vec<(String, String)>,
}

impl<'a> Rules<'a> {
    /// The rules of a manifest and of the names that `-e` passes on.
    pub fn new(manifest: &'a Manifest, flags: &'a [OsString]) -> Self {
        Self {
            words: &manifest.inherit,
            declared: manifest.variables.keys().map(String::as_str).collect(),
            flags,
            credentials: credentials(manifest),
        }
    }

    /// The fate of every entry, in their order.
    pub fn fates(&self, parent: &[(OsString, OsString)]) -> Vec<Fate> {
        let mut seen = BTreeSet::new();
        parent
            .iter()
            .map(|(name, value)| {
                if seen.insert(name) {
                    self.fate(name, value)
                } else {
                    Fate::Dropped(WhyNot::Doubled)
                }
            })
            .collect()
    }

    /// Of the variables that say what was chosen, those that the child gets: a word of `inherit` takes
    /// one out, and a declared one is the manifest's.
    pub fn chosen<'c>(&self, all: &'c [Extra]) -> impl Iterator<Item = &'c Extra> {
        all.iter().filter(|(name, _)| {
            let said = self
                .words
                .iter()
                .filter_map(|word| apply(word, name))
                .next_back();
            !self.declares(name) && said.is_none_or(|(fate, _)| fate.is_inherited())
        })
    }

    fn fate(&self, name: &OsStr, value: &OsStr) -> Fate {
        if self.declares(name) {
            return Fate::Dropped(WhyNot::Declared);
        }
        if self.flags.iter().any(|flag| flag == name) {
            return Fate::Inherited(Why::Flag);
        }
        // The last word wins, but a glob after a literal name brings nothing new: the name was
        // said, also if it is a credential's.
        let (fate, is_literal) = self
            .words
            .iter()
            .fold(by_default(name, value), |so_far, word| {
                match apply(word, name) {
                    Some((fate, false)) if fate.is_inherited() && so_far.1 => so_far,
                    said => said.unwrap_or(so_far),
                }
            });
        match (&fate, self.credential(name)) {
            (Fate::Inherited(_), Some(owner)) if !is_literal => {
                Fate::Dropped(WhyNot::Credential(owner))
            }
            _ => fate,
        }
    }

    fn declares(&self, name: &OsStr) -> bool {
        name.to_str()
            .is_some_and(|name| self.declared.contains(name))
    }

    fn credential(&self, name: &OsStr) -> Option<String> {
        self.credentials
            .iter()
            .find(|(pattern, _)| matches(pattern.as_bytes(), name.as_bytes()))
            .map(|(_, owner)| owner.clone())
    }
}

/// The variables of the base set: what a program that a backend runs may have. The variables with
/// `credentials`, which are names or globs, are none of them.
pub fn base_set(
    parent: &[(OsString, OsString)],
    credentials: &[(String, String)],
) -> Vec<(OsString, OsString)> {
    let mut seen = BTreeSet::new();
    let is_credential = |name: &OsStr| {
        let mut credentials = credentials.iter();
        credentials.any(|(pattern, _)| matches(pattern.as_bytes(), name.as_bytes()))
    };
    parent
        .iter()
        .filter(|(name, value)| {
            seen.insert(name) && by_default(name, value).0.is_inherited() && !is_credential(name)
        })
        .cloned()
        .collect()
}

/// The fate by the base set alone, and whether its literal name stands there.
fn by_default(name: &OsStr, value: &OsStr) -> (Fate, bool) {
    match base::membership(name) {
        None => (Fate::Dropped(WhyNot::NotInherited), false),
        Some((pattern, is_suspicious)) if is_suspicious || base::leaves_out(pattern, value) => {
            (Fate::Dropped(WhyNot::Suspicious), false)
        }
        Some(_) => (Fate::Inherited(Why::Base), false),
    }
}

/// What one word of `inherit` says of a name; `None` where it says nothing.
fn apply(word: &Spanned<String>, name: &OsStr) -> Option<(Fate, bool)> {
    let text = word.value.as_str();
    if text == "none" {
        return Some((
            Fate::Dropped(WhyNot::Removed(text.to_owned(), word.span)),
            false,
        ));
    }
    if let Some(removed) = text.strip_prefix('-') {
        return means(removed, name).then(|| {
            (
                Fate::Dropped(WhyNot::Removed(text.to_owned(), word.span)),
                false,
            )
        });
    }
    means(text, name).then(|| {
        (
            Fate::Inherited(Why::Word(text.to_owned(), word.span)),
            text.as_bytes() == name.as_bytes(),
        )
    })
}

/// Whether a name, a glob or a group means a variable.
fn means(word: &str, name: &OsStr) -> bool {
    match word {
        "all" => true,
        "aws" => AWS
            .iter()
            .any(|pattern| matches(pattern.as_bytes(), name.as_bytes())),
        _ => matches(word.as_bytes(), name.as_bytes()),
    }
}

/// Every backend's static credentials, used or not, and the variables that backends of this manifest
/// are given: names or globs, and whose they are.
pub fn credentials(manifest: &Manifest) -> Vec<(String, String)> {
    let published = kind::ALL.iter().flat_map(|kind| {
        let patterns = kind.static_credentials.iter();
        patterns.map(|pattern| ((*pattern).to_owned(), kind.name.to_owned()))
    });
    let own = manifest.credentials.iter();
    published
        .chain(own.map(|(name, scheme)| (name.clone(), scheme.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::by_default;
    use crate::variables::base::BASE;

    #[test]
    fn every_literal_name_of_the_base_set_is_inherited() {
        for name in BASE
            .iter()
            .flat_map(|(_, names)| *names)
            .filter(|name| !name.contains('*'))
        {
            assert!(
                by_default(name.as_ref(), "value".as_ref()).0.is_inherited(),
                "{name}"
            );
        }
    }
}

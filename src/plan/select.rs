//! `--only`: names and groups, and what their templates need besides.

use std::collections::{BTreeMap, BTreeSet};

use super::Part;
use crate::manifest::{Manifest, diagnostic::did_you_mean, document::Origin};

/// What a command wants of the declared variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every exported name.
    All,
    /// These names, exported or not, as far as they are exported.
    Only(BTreeSet<String>),
    /// Every name, also those that are parts of templates: for `check`.
    Everything,
    /// One name, exported or not: for `get`.
    One(String),
}

/// Words of `--only` that name nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownNames {
    /// A lower-case fragment.
    pub message: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl Selection {
    /// The names that words of `--only` mean; groups are filled in.
    pub fn only(words: &[String], manifest: &Manifest) -> Result<Self, UnknownNames> {
        if words.is_empty() {
            return Ok(Self::All);
        }
        let mut names = BTreeSet::new();
        for word in words {
            if let Some(members) = manifest.groups.get(word) {
                // A group may hold names of other profiles; those do not exist in this one.
                names.extend(
                    members
                        .iter()
                        .map(|member| member.value.clone())
                        .filter(|name| manifest.variables.contains_key(name)),
                );
            } else if let Some(variable) = manifest.variables.get(word) {
                if !variable.entry.is_exported() {
                    return Err(unexported(word));
                }
                names.insert(word.clone());
            } else {
                return Err(unknown(word, manifest));
            }
        }
        Ok(Self::Only(names))
    }

    /// One declared name.
    pub fn one(name: &str, manifest: &Manifest) -> Result<Self, UnknownNames> {
        if manifest.variables.contains_key(name) {
            Ok(Self::One(name.to_owned()))
        } else {
            Err(unknown(name, manifest))
        }
    }
}

/// Asked for by its name, it would silently stay away.
fn unexported(word: &str) -> UnknownNames {
    UnknownNames {
        message: format!("`{word}` is not exported: it is a part of templates"),
        hint: Some("`endow get` prints it; without `export: false` the command gets it".to_owned()),
    }
}

fn unknown(word: &str, manifest: &Manifest) -> UnknownNames {
    let known = manifest
        .variables
        .keys()
        .chain(manifest.groups.keys())
        .map(String::as_str);
    UnknownNames {
        message: format!(
            "the manifest declares no `{}`",
            crate::manifest::diagnostic::shown(word)
        ),
        hint: did_you_mean(word, known),
    }
}

/// What each selected name does in the run; others are not in the map.
pub(super) fn roles<'m>(manifest: &'m Manifest, selection: &Selection) -> BTreeMap<&'m str, Part> {
    let is_wanted = |name: &str| match selection {
        Selection::All | Selection::Everything => true,
        Selection::Only(names) => names.contains(name),
        Selection::One(one) => one == name,
    };
    let mut roles = BTreeMap::new();
    for (name, variable) in &manifest.variables {
        let is_exported = variable.entry.is_exported();
        if is_wanted(name)
            && (is_exported || matches!(selection, Selection::Everything | Selection::One(_)))
        {
            roles.insert(name.as_str(), Part::Exported);
        }
    }
    let mut open: Vec<&str> = roles.keys().copied().collect();
    while let Some(name) = open.pop() {
        let Some(Origin::Template(template)) = manifest.variables[name]
            .entry
            .origin
            .as_ref()
            .map(|origin| &origin.value)
        else {
            continue;
        };
        for part in template.variables() {
            if let Some((part, _)) = manifest.variables.get_key_value(part)
                && !roles.contains_key(part.as_str())
            {
                roles.insert(part, Part::Needed);
                open.push(part);
            }
        }
    }
    roles
}

//! The manifest: found, read, checked and merged for one profile.
//!
//! Everything that is wrong is collected; nothing here reads a value or talks to a backend.

mod backend_variables;
pub mod credential;
pub mod diagnostic;
pub mod document;
pub mod duration;
mod entry;
pub mod find;
mod layers;
mod link;
mod load;
mod order;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod property;
mod read;
mod reader;
pub mod reference;
pub mod schema;
pub mod source;
pub mod template;
pub mod trust;
pub mod yaml;

use std::{collections::BTreeMap, path::PathBuf, rc::Rc};

use endow_providers::{Kind, kind};

pub use self::load::{Owner, Unreadable, reason};
use self::{
    diagnostic::{Diagnostic, Problems, did_you_mean, shown_name},
    document::{Entry, Run, Setting},
    find::Found,
    reference::{Reference, Scope},
    source::{Sources, Span, Spanned},
};

/// A manifest for one profile.
#[derive(Debug)]
pub struct Manifest {
    /// The files it was read from.
    pub sources: Rc<Sources>,
    /// `project`.
    pub project: Option<String>,
    /// The chosen profile; `None` where the manifest has none.
    pub profile: Option<String>,
    /// Whether that profile is a production profile.
    pub is_production: bool,
    /// Settings by scheme, merged.
    pub backends: BTreeMap<String, Backend>,
    /// From far to near.
    pub inherit: Vec<Spanned<String>>,
    /// The nearest layer's places for names without one.
    pub from: Option<Vec<Spanned<Reference>>>,
    /// The declared variables.
    pub variables: BTreeMap<String, Variable>,
    /// Names for `--only`.
    pub groups: BTreeMap<String, Vec<Spanned<String>>>,
    /// Defaults of `endow run`.
    pub run: Run,
    /// Variables of the caller that a backend of any profile is given as its own, and that backend's
    /// scheme: static credentials, as those that each type of backend lists.
    pub credentials: BTreeMap<String, String>,
    /// The home directory, for `~/`.
    pub home: Option<PathBuf>,
}

/// A declared variable, all layers merged.
#[derive(Debug)]
pub struct Variable {
    /// What its layers say.
    pub entry: Entry,
    /// Where its name is first declared.
    pub span: Span,
}

/// A backend's settings, all layers merged.
#[derive(Debug)]
pub struct Backend {
    /// By name; `type` among them.
    pub settings: document::Backend,
    /// Where it is first declared.
    pub span: Span,
}

impl Manifest {
    /// The type of a scheme: what its entry says, else the built-in of that name.
    pub fn kind(&self, scheme: &str) -> Option<&'static Kind> {
        match self
            .backends
            .get(scheme)
            .and_then(|backend| backend.settings.get("type"))
        {
            Some(Spanned {
                value: Setting::Text(name),
                ..
            }) => kind::named(name),
            _ => kind::named(scheme),
        }
    }

    /// What placeholders and relative paths mean in a reference said at `span`, for a variable.
    pub fn scope<'a>(&'a self, span: Span, variable: Option<(&'a str, &'a str)>) -> Scope<'a> {
        Scope {
            variable,
            project: self.project.as_deref(),
            profile: self.profile.as_deref(),
            directory: self.sources.get(span.source).directory(),
            home: self.home.as_deref(),
        }
    }
}

/// A manifest with what was found wrong with it so far.
#[derive(Debug)]
pub struct Opened {
    /// The manifest, as far as it could be understood.
    pub manifest: Manifest,
    /// What is wrong.
    pub problems: Problems,
    /// The files, for every other profile.
    pub files: Files,
    /// Who can change its files.
    pub owners: Vec<Owner>,
    /// The names of all profiles.
    pub profiles: Vec<String>,
}

/// The files of a manifest, from which it is merged for each profile.
#[derive(Debug)]
pub struct Files {
    loaded: load::Loaded,
    sources: Rc<Sources>,
}

impl Files {
    /// The manifest for every profile; the only one where it has no profiles.
    pub fn manifests(&self) -> impl Iterator<Item = Manifest> {
        let merge = |profile| layers::merge(&self.loaded, &self.sources, profile);
        self.profiles().into_iter().map(merge)
    }

    /// As [`Self::manifests`], without variables and groups.
    fn frames(&self) -> impl Iterator<Item = Manifest> {
        let merge = |profile| layers::frame(&self.loaded, &self.sources, profile);
        self.profiles().into_iter().map(merge)
    }

    fn profiles(&self) -> Vec<Option<&str>> {
        let names = layers::profile_names(&self.loaded.documents);
        if names.len() > layers::MAX_PROFILES {
            // That is an error, and such a chain of profiles is not walked.
            Vec::new()
        } else if names.is_empty() {
            vec![None]
        } else {
            names.into_iter().map(Some).collect()
        }
    }
}

/// Which profile the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// This one; the text says who named it: `--profile` or `ENDOW_PROFILE`.
    Named(&'a str, &'a str),
    /// The manifest's default.
    Default,
}

/// Reads and merges the manifest.
pub fn open(
    found: &Found,
    choice: Choice<'_>,
    home: Option<PathBuf>,
) -> Result<Opened, Unreadable> {
    open_by(&load::read_text, found, choice, home)
}

fn open_by(
    read: &load::ReadFile<'_>,
    found: &Found,
    choice: Choice<'_>,
    home: Option<PathBuf>,
) -> Result<Opened, Unreadable> {
    let mut problems = Problems::default();
    let mut loaded = load::load(found, home, read, &mut problems)?;
    link::check_documents(&mut loaded, &mut problems);
    layers::check_profiles(&loaded.documents, &mut problems);
    let mut unchosen = Problems::default();
    let profile = choose(&loaded, choice, &mut unchosen);
    if loaded.is_whole {
        problems.extend(unchosen);
    }
    let sources = Rc::new(std::mem::take(&mut loaded.sources));
    let mut manifest = layers::merge(&loaded, &sources, profile.as_deref());
    let files = Files { loaded, sources };
    manifest.credentials = files.frames().fold(BTreeMap::new(), |found, frame| {
        backend_variables::add(found, &frame)
    });
    link::check_manifest(&manifest, &mut problems);
    Ok(Opened {
        manifest,
        problems,
        owners: files.loaded.owners.clone(),
        profiles: layers::profile_names(&files.loaded.documents)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        files,
    })
}

/// So many profiles are named where none is chosen.
const LISTED_PROFILES: usize = 20;

fn choose(loaded: &load::Loaded, choice: Choice<'_>, problems: &mut Problems) -> Option<String> {
    let known = layers::profile_names(&loaded.documents);
    let mut list: Vec<&str> = known.iter().copied().take(LISTED_PROFILES).collect();
    list.extend((known.len() > LISTED_PROFILES).then_some("..."));
    let list = list.join(", ");
    match choice {
        Choice::Named(name, said_by) if !known.contains(name) => {
            let hint =
                did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match list.as_str() {
                    "" => "the manifest has no profiles".to_owned(),
                    list => format!("there are: {list}"),
                });
            problems.add(
                Diagnostic::whole(
                    "unknown-profile",
                    format!("no profile `{}`, which {said_by} names", shown_name(name)),
                )
                .hint(hint),
            );
            None
        }
        Choice::Named(name, _) => Some(name.to_owned()),
        Choice::Default => {
            let default = layers::nearest_spanned(
                loaded
                    .documents
                    .iter()
                    .map(|document| &document.default_profile),
            );
            match default {
                Some(default) => known
                    .contains(default.value.as_str())
                    .then(|| default.value.clone()),
                None if known.is_empty() => None,
                None => {
                    problems.add(
                        Diagnostic::whole(
                            "no-profile",
                            "no profile is chosen, and the manifest has no `default_profile`",
                        )
                        .hint(format!(
                            "choose one with --profile or ENDOW_PROFILE: {list}"
                        )),
                    );
                    None
                }
            }
        }
    }
}

/// Whether a text can name a variable: `[A-Za-z_][A-Za-z0-9_]*`.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

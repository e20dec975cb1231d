//! One manifest file, typed: what it says before it is merged with others.

use std::collections::BTreeMap;

use super::{
    reference::Reference,
    source::{SourceId, Span, Spanned},
    template::Template,
};

/// One file.
#[derive(Debug)]
pub struct Document {
    /// Which.
    pub source: SourceId,
    /// `project`.
    pub project: Option<Spanned<String>>,
    /// `extends`, as written.
    pub extends: Vec<Spanned<String>>,
    /// `default_profile`.
    pub default_profile: Option<Spanned<String>>,
    /// `groups`.
    pub groups: Vec<(Spanned<String>, Vec<Spanned<String>>)>,
    /// The top level.
    pub top: Layer,
    /// `profiles`.
    pub profiles: Vec<Profile>,
    /// `defaults`: metadata of entries that do not say their own.
    pub defaults: BTreeMap<&'static str, Spanned<Metadatum>>,
}

impl Document {
    /// Its top level, then its profiles.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        let profiles = self.profiles.iter().map(|profile| &profile.layer);
        std::iter::once(&self.top).chain(profiles)
    }
}

/// Every layer of every file.
pub fn every_layer(documents: &[Document]) -> impl Iterator<Item = &Layer> {
    documents.iter().flat_map(Document::layers)
}

/// One profile of one file.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: Spanned<String>,
    /// `production`, where it is stated.
    pub production: Option<Spanned<bool>>,
    /// `extends`.
    pub extends: Vec<Spanned<String>>,
    /// The rest.
    pub layer: Layer,
}

/// What a top level and a profile have in common.
#[derive(Debug, Default)]
pub struct Layer {
    /// `backends`.
    pub backends: Vec<(Spanned<String>, Backend)>,
    /// `inherit`.
    pub inherit: Vec<Spanned<String>>,
    /// `from`, in the order in which the places are asked.
    pub from: Option<Vec<Spanned<Reference>>>,
    /// `env` and `values`.
    pub entries: Vec<(Spanned<String>, Entry)>,
    /// `run`.
    pub run: Run,
}

/// Settings of a backend, as one layer says them.
pub type Backend = BTreeMap<String, Spanned<Setting>>;

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A scalar as written.
    Text(String),
    /// A list.
    List(Vec<Spanned<Setting>>),
    /// A map.
    Map(BTreeMap<String, Spanned<Setting>>),
    /// `{ from: REFERENCE }`.
    Reference(Reference),
}

impl Setting {
    /// Every reference in it.
    pub fn references<'a>(&'a self, span: Span, found: &mut Vec<(&'a Reference, Span)>) {
        match self {
            Self::Text(_) => {}
            Self::List(items) => items
                .iter()
                .for_each(|item| item.value.references(item.span, found)),
            Self::Map(map) => map
                .values()
                .for_each(|item| item.value.references(item.span, found)),
            Self::Reference(reference) => found.push((reference, span)),
        }
    }

    /// The same with the name of each, the way through maps by dots: `auth.token`.
    pub fn named_references<'a>(
        &'a self,
        name: &str,
        span: Span,
        found: &mut Vec<(String, &'a Reference, Span)>,
    ) {
        match self {
            Self::Text(_) => {}
            Self::List(items) => items
                .iter()
                .for_each(|item| item.value.named_references(name, item.span, found)),
            Self::Map(map) => map.iter().for_each(|(inner, item)| {
                let name = format!("{name}.{inner}");
                item.value.named_references(&name, item.span, found);
            }),
            Self::Reference(reference) => found.push((name.to_owned(), reference, span)),
        }
    }
}

/// An entry of `env` or `values`, as one layer says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// `from`, `value` or `template`: one slot.
    pub origin: Option<Spanned<Origin>>,
    /// `key`.
    pub key: Option<Spanned<String>>,
    /// `default`.
    pub default: Option<Spanned<String>>,
    /// `required`.
    pub required: Option<Spanned<bool>>,
    /// `export`.
    pub export: Option<Spanned<bool>>,
    /// `as`.
    pub delivery: Option<Spanned<Delivery>>,
    /// `lease: abandon`.
    pub abandons_lease: Option<Spanned<bool>>,
    /// `on_change`.
    pub on_change: Option<Spanned<OnChange>>,
    /// The register's keys.
    pub metadata: BTreeMap<&'static str, Spanned<Metadatum>>,
}

impl Entry {
    /// Whether the child gets it; what says nothing is exported.
    pub fn is_exported(&self) -> bool {
        self.export.as_ref().is_none_or(|export| export.value)
    }

    /// Its delivery as a file and where that is said, if it is one.
    pub fn file(&self) -> Option<Spanned<&FileDelivery>> {
        match self.delivery.as_ref()? {
            Spanned {
                value: Delivery::File(file),
                span,
            } => Some(Spanned::new(file, *span)),
            _ => None,
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `from`.
    From(Vec<Spanned<Reference>>),
    /// `value`.
    Value(String),
    /// `template`.
    Template(Template),
}

/// How a value reaches the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In the environment.
    Env,
    /// In the environment, a JSON object as its text.
    Json,
    /// As a file; the variable holds its path.
    File(FileDelivery),
}

/// `as: file` and its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDelivery {
    /// On tmpfs instead of in a memory file.
    pub is_tmpfs: bool,
    /// Permissions.
    pub mode: Option<u32>,
    /// User that owns it.
    pub owner: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// What a supervised run does when a value changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnChange {
    /// Starts the child again.
    Restart,
    /// Sends it a signal, by name without `SIG`.
    Signal(String),
    /// Nothing.
    Nothing,
}

/// A metadata value, checked for form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadatum {
    /// `true` or `false`.
    Flag(bool),
    /// `YYYY-MM-DD`.
    Date(jiff::civil::Date),
    /// A length of time.
    Duration(std::time::Duration),
    /// A text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Finding and reason.
    Reasons(BTreeMap<String, String>),
}

/// `watch`: whether and how often values are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// `false`.
    Never,
    /// `true`.
    Usually,
    /// A length of time.
    Each(std::time::Duration),
}

/// `run`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// `redact`.
    pub redact: Option<Spanned<bool>>,
    /// `timeout`.
    pub timeout: Option<Spanned<std::time::Duration>>,
    /// `stop_signal`.
    pub stop_signal: Option<Spanned<String>>,
    /// `stop_timeout`.
    pub stop_timeout: Option<Spanned<std::time::Duration>>,
    /// `watch`.
    pub watch: Option<Spanned<Watch>>,
}

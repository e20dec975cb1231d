//! The plan: which places are asked for which variables, with how many requests. No I/O.

mod planner;
mod select;
mod sign_in;

use std::{collections::BTreeMap, time::Duration};

use endow_providers::{Address, Kind, Request};

pub use self::{
    planner::plan,
    select::{Selection, UnknownNames},
};
use crate::{
    manifest::{
        Manifest, Variable,
        document::{OnChange, Watch},
        source::{Span, Spanned},
        template::Template,
    },
    sys::memory,
};

/// How often values are looked at where nobody says it.
pub const WATCH: Duration = Duration::from_secs(30);

/// What will be asked, and for what.
#[derive(Debug)]
pub struct Plan<'m> {
    /// What it was made from.
    pub manifest: &'m Manifest,
    /// Every declared variable, by name.
    pub variables: BTreeMap<&'m str, Planned<'m>>,
    /// The backends that selected variables need, by scheme.
    pub backends: Vec<Asked<'m>>,
    /// References in the settings of those backends: asked first.
    pub settings: Vec<SettingPlace>,
}

/// A variable and how its value comes about.
#[derive(Debug)]
pub struct Planned<'m> {
    /// What the manifest says.
    pub variable: &'m Variable,
    /// Where the value comes from.
    pub source: Source<'m>,
    /// The line that decided it.
    pub decided: Span,
    /// Whether and why it is resolved.
    pub part: Part,
}

impl Planned<'_> {
    /// Whether its absence is a failure, defaults aside.
    pub fn is_required(&self) -> bool {
        let required = self.variable.entry.required.as_ref();
        required.is_none_or(|required| required.value)
    }
}

/// What a variable does in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The child gets it.
    Exported,
    /// A selected template needs it; the child does not get it.
    Needed,
    /// Not asked for.
    Unselected,
}

/// Where a value comes from.
#[derive(Debug)]
pub enum Source<'m> {
    /// A plain value.
    Value(&'m str),
    /// Other variables.
    Template(&'m Template),
    /// Places, the next asked where the one before is absent.
    Places(Vec<Placed>),
}

/// An address in the plan.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Index into [`Plan::backends`].
    pub backend: usize,
    /// Index into [`Asked::addresses`].
    pub address: usize,
    /// The reference with its placeholders filled in.
    pub shown: String,
    /// Where it is said.
    pub span: Span,
}

/// A backend and everything that can be asked of it in this run, each address once.
#[derive(Debug)]
pub struct Asked<'m> {
    /// The scheme.
    pub scheme: &'m str,
    /// Its type.
    pub kind: &'static Kind,
    /// Places, in the order of the variables' names.
    pub addresses: Vec<Address>,
}

/// A reference inside a backend's setting.
#[derive(Debug)]
pub struct SettingPlace {
    /// The scheme whose setting it is.
    pub owner: String,
    /// The setting's name.
    pub setting: String,
    /// Where the value is.
    pub place: Placed,
}

impl<'m> Plan<'m> {
    /// The requests of the first round: places after the first of a list are asked only where the
    /// first is absent.
    pub fn requests(&self, backend: usize) -> Vec<Request> {
        let asked = &self.backends[backend];
        let mut wanted: Vec<usize> = self
            .selected()
            .filter_map(|(_, planned)| match &planned.source {
                Source::Places(places) => places.first(),
                _ => None,
            })
            .chain(self.settings.iter().map(|setting| &setting.place))
            .filter(|placed| placed.backend == backend)
            .map(|placed| placed.address)
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let batch: Vec<Address> = wanted
            .into_iter()
            .map(|index| asked.addresses[index].clone())
            .collect();
        (asked.kind.requests)(&batch)
    }

    /// The variables that are resolved.
    pub fn selected(&self) -> impl Iterator<Item = (&'m str, &Planned<'m>)> {
        self.variables
            .iter()
            .filter(|(_, planned)| planned.part != Part::Unselected)
            .map(|(name, planned)| (*name, planned))
    }

    /// The duties that keep the run from becoming the child, with the reason for each.
    pub fn duties(&self) -> Vec<String> {
        let mut duties = Vec::new();
        if self.watch().is_some() {
            duties.push("`run.watch` acts on changes".to_owned());
        }
        if self.redacts() {
            duties.insert(0, "`run.redact` masks the child's output".to_owned());
        }
        for (name, planned) in self.selected() {
            match planned.variable.entry.file() {
                Some(file) if file.value.is_tmpfs => {
                    duties.push(format!("`{name}` is a file on tmpfs"));
                }
                Some(_) if !memory::ARE_THERE => {
                    duties.push(format!("`{name}` is a file, which a pipe serves"));
                }
                _ => {}
            }
        }
        duties
    }

    /// Variables whose change is a signal, of which the child can't see the new value.
    pub fn unseen(&self) -> impl Iterator<Item = (&str, &str)> {
        self.selected().filter_map(|(name, planned)| {
            let entry = &planned.variable.entry;
            let signal = match &entry.on_change.as_ref()?.value {
                OnChange::Signal(signal) => signal.as_str(),
                OnChange::Restart | OnChange::Nothing => return None,
            };
            let is_replaced = entry.file().is_some_and(|file| file.value.is_tmpfs);
            (planned.part == Part::Exported && !is_replaced).then_some((name, signal))
        })
    }

    /// Whether the manifest asks for masks in the child's output.
    pub fn redacts(&self) -> bool {
        is_set(self.manifest.run.redact.as_ref())
    }

    /// How often the manifest wants the values looked at.
    pub fn watch(&self) -> Option<Duration> {
        match self.manifest.run.watch.as_ref()?.value {
            Watch::Never => None,
            Watch::Usually => Some(WATCH),
            Watch::Each(interval) => Some(interval),
        }
    }

    /// Whether a value of a backend can have a lease that is to be kept.
    pub fn may_keep(&self, backend: usize) -> bool {
        let keeps = |planned: &Planned<'_>| match &planned.source {
            Source::Places(places) => {
                let abandons = planned.variable.entry.abandons_lease.as_ref();
                let abandons = abandons.is_some_and(|abandons| abandons.value);
                !abandons && places.iter().any(|placed| placed.backend == backend)
            }
            _ => false,
        };
        self.backends[backend].kind.may_lease && self.selected().any(|(_, planned)| keeps(planned))
    }

    /// The variables that reach the child as files.
    pub fn files(&self) -> Vec<String> {
        self.selected()
            .filter(|(_, planned)| planned.variable.entry.file().is_some())
            .map(|(name, _)| format!("`{name}` as a file"))
            .collect()
    }
}

fn is_set(flag: Option<&Spanned<bool>>) -> bool {
    flag.is_some_and(|flag| flag.value)
}

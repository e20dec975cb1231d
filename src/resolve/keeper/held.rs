//! The leases that a run holds, and what hangs on each.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use endow_providers::{Lease, Provider, Reply, Warning};

use super::{super::Answers, clock::Clock};
use crate::plan::{Placed, Plan, Planned, Source};

/// A lease, of values or of a sign-in.
pub(super) struct Held {
    pub(super) backend: usize,
    pub(super) lease: Lease,
    /// Addresses of the backend whose values hang on it.
    pub(super) addresses: BTreeSet<usize>,
    /// Their variables, by name.
    pub(super) variables: BTreeSet<String>,
    pub(super) is_sign_in: bool,
    /// None of its variables wants it kept.
    pub(super) is_abandoned: bool,
    /// Whether a failure was said.
    pub(super) is_said: bool,
    /// `None` for one without an end.
    pub(super) clock: Option<Clock>,
}

impl Held {
    fn new(backend: usize, lease: Lease, is_sign_in: bool) -> Self {
        Self {
            clock: Clock::new(lease.duration, Instant::now()),
            backend,
            lease,
            addresses: BTreeSet::new(),
            variables: BTreeSet::new(),
            is_sign_in,
            is_abandoned: true,
            is_said: false,
        }
    }

    /// A lease that came with no answer, so that its variable is any of its backend's.
    pub(super) fn unanswered(backend: usize, lease: Lease, plan: &Plan<'_>) -> Self {
        let mut held = Self::new(backend, lease, false);
        let mut abandons_all = true;
        for (name, planned) in plan.selected() {
            let Source::Places(places) = &planned.source else {
                continue;
            };
            if places.iter().any(|placed| placed.backend == backend) {
                held.variables.insert(name.to_owned());
                abandons_all &= abandons(planned);
            }
        }
        held.is_abandoned = abandons_all;
        held
    }

    /// Of a sign-in: takes note of the variables that its backend answered.
    fn is_watched_by(&mut self, plan: &Plan<'_>, answers: &Answers) {
        for (name, planned) in plan.selected() {
            let Source::Places(places) = &planned.source else {
                continue;
            };
            let is_answer =
                |placed: &&Placed| placed.backend == self.backend && answers.get(placed).is_some();
            if !abandons(planned) && places.iter().any(|placed| is_answer(&placed)) {
                self.variables.insert(name.to_owned());
                self.is_abandoned = false;
            }
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.backend == other.backend && self.lease.id == other.lease.id
    }

    /// The places that its end takes away.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.addresses
            .iter()
            .map(|address| (self.backend, *address))
    }

    /// Its variables, for messages.
    pub(super) fn shown(&self) -> String {
        shown(&self.variables)
    }

    /// Where it could not be given back.
    pub(super) fn not_revoked(&self) -> Warning {
        let what = self.shown();
        Warning {
            message: format!("the lease of {what} was not revoked, and ends by its time to live"),
            hint: None,
        }
    }
}

/// Names, for messages.
pub(super) fn shown(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("`{}`", names.join("`, `"))
}

/// Whether a variable wants neither lease nor sign-in kept.
fn abandons(planned: &Planned<'_>) -> bool {
    let abandons = planned.variable.entry.abandons_lease.as_ref();
    abandons.is_some_and(|abandons| abandons.value)
}

/// The leases of all values, and of the sign-ins that those hang on which are kept. Where values are
/// watched, looking at them needs the sign-in of their backend too.
pub(super) fn held(
    plan: &Plan<'_>,
    answers: &Answers,
    providers: &[Option<Box<dyn Provider>>],
    is_watched: bool,
) -> Vec<Held> {
    let mut found: BTreeMap<(usize, String), Held> = BTreeMap::new();
    for (name, planned) in plan.selected() {
        let Source::Places(places) = &planned.source else {
            continue;
        };
        for placed in places {
            let Some(Ok(Reply::Value(value))) = answers.get(placed) else {
                continue;
            };
            let Some(lease) = &value.metadata.lease else {
                continue;
            };
            let key = (placed.backend, lease.id.clone());
            let held = found.entry(key);
            let held = held.or_insert_with(|| Held::new(placed.backend, lease.clone(), false));
            held.addresses.insert(placed.address);
            held.variables.insert(name.to_owned());
            held.is_abandoned &= abandons(planned);
        }
    }
    let mut all: Vec<Held> = found.into_values().collect();
    for (backend, provider) in providers.iter().enumerate() {
        let lease = provider.as_ref().and_then(|provider| provider.sign_in());
        let kept = all
            .iter()
            .filter(|held| held.backend == backend && !held.is_abandoned);
        if let Some(lease) = lease {
            let mut of_sign_in = Held::new(backend, lease, true);
            for held in kept {
                of_sign_in.addresses.extend(&held.addresses);
                of_sign_in.variables.extend(held.variables.iter().cloned());
                of_sign_in.is_abandoned = false;
            }
            if is_watched {
                of_sign_in.is_watched_by(plan, answers);
            }
            if !of_sign_in.is_abandoned {
                all.push(of_sign_in);
            }
        }
    }
    all
}

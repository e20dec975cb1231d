//! Looking for changes: by the version where the backend says one, else by the value.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use endow_providers::{Absence, Address, Answer, Class, Fault, Metadata, Pending, Reply, Warning};

use super::{
    Change, Held, Keeper, Reread, Unread, limits,
    trouble::{Trouble, is_refusal},
};
use crate::plan::Source;

type Described = Vec<Result<Result<Metadata, Absence>, Fault>>;
/// A backend, and which of its addresses.
type Places = BTreeSet<(usize, usize)>;

impl Keeper<'_, '_> {
    /// Looks at every backend, reads again what may have changed, and does what a change asks for.
    pub(super) fn look(&mut self, tell: &mut dyn FnMut(&Change), say: &dyn Fn(Warning)) {
        let mut change: Option<Reread> = None;
        for (backend, seen) in self.described() {
            let mut read = seen.and_then(|places| self.read_again(&places));
            if let Err(unread) = &read
                && is_refusal(unread)
                && self.trouble(backend).signs_in()
                && self.signs_in_again(backend, tell, say)
            {
                read = self.read_again(&self.watched_of(backend));
            }
            match read {
                Ok(read) => {
                    // One that was replaced with its leases was told of already.
                    let before = change.take().map(|change| change.before);
                    change = Some(Reread {
                        before: before.unwrap_or(read.before),
                        after: read.after,
                    });
                    if let Some(trouble) = self.troubles.remove(&backend) {
                        trouble.is_over(&self.names(backend)).map(say);
                    }
                }
                Err(unread) => {
                    let names = self.names(backend);
                    self.trouble(backend).failed(&unread, &names).map(say);
                }
            }
        }
        self.note_leases();
        if let Some(change) = change {
            change.settle(self.session.plan, tell, say);
        }
    }

    fn trouble(&mut self, backend: usize) -> &mut Trouble {
        self.troubles.entry(backend).or_insert_with(Trouble::new)
    }

    /// Signs in anew, with credentials that are read again; false where the sign-in still holds.
    fn signs_in_again(
        &mut self,
        backend: usize,
        tell: &mut dyn FnMut(&Change),
        say: &dyn Fn(Warning),
    ) -> bool {
        let hangs = |held: &Held| held.backend == backend && !held.addresses.is_empty();
        let sign_in = self
            .leases
            .iter()
            .position(|held| hangs(held) && held.is_sign_in);
        // Values hang on it: it is replaced with them, and only where it is lost.
        if let Some(at) = sign_in {
            let is_lost = !self.renew(at);
            if is_lost {
                self.replace(at, tell, say);
            }
            return is_lost;
        }
        let mut held = self.leases.iter().chain(&self.replaced);
        let is_in_use = held.any(hangs);
        self.read_settings_again(backend);
        if is_in_use {
            self.retire(backend);
        } else {
            self.leave(backend);
        }
        true
    }

    /// Reads the references in a backend's settings again; what can't be read stays as it was.
    fn read_settings_again(&mut self, backend: usize) {
        let plan = self.session.plan;
        let scheme = plan.backends[backend].scheme;
        let settings = plan
            .settings
            .iter()
            .filter(|setting| setting.owner == scheme);
        let places: Places = settings
            .map(|setting| (setting.place.backend, setting.place.address))
            .collect();
        if places.is_empty() {
            return;
        }
        let answers = &mut self.answers.by_backend;
        let kept: Vec<_> = places
            .iter()
            .map(|(backend, address)| answers[*backend][*address].take())
            .collect();
        self.session.limits = limits();
        self.session.ask(&places, &mut self.answers);
        for ((backend, address), kept) in places.into_iter().zip(kept) {
            let answer = &mut self.answers.by_backend[backend][address];
            if !matches!(answer, Some(Ok(Reply::Value(_)))) {
                *answer = kept;
            }
        }
    }

    /// Of every backend that is watched: the places whose values may be others than they were, or
    /// why that is not known.
    fn described(&mut self) -> BTreeMap<usize, Result<Places, Unread>> {
        let mut seen = BTreeMap::new();
        let mut batches: Vec<(usize, Vec<usize>, Vec<Address>)> = Vec::new();
        for (backend, indices) in self.watched() {
            if let Err(fault) = self.session.open(backend, &self.answers) {
                seen.insert(backend, Err(fault.into()));
                continue;
            }
            let addresses = &self.session.plan.backends[backend].addresses;
            let batch = indices.iter().map(|index| addresses[*index].clone());
            batches.push((backend, indices.clone(), batch.collect()));
        }
        let limits = limits();
        let opened: Vec<_> = batches
            .iter()
            .filter_map(|(backend, indices, batch)| {
                let provider = self.session.providers[*backend].as_deref()?;
                Some((*backend, indices, batch, provider))
            })
            .collect();
        let needs_runtime = opened.iter().any(|(.., provider)| provider.needs_runtime());
        let futures: Vec<(Pending<'_, Described>, Instant)> = opened
            .iter()
            .map(|(.., batch, provider)| (provider.describe(batch, &limits), limits.deadline))
            .collect();
        let described = self.session.executor.run(futures, needs_runtime);
        for ((backend, indices, ..), described) in opened.into_iter().zip(described) {
            let answers = &self.answers.by_backend[backend];
            let places = match described {
                Some(described) => may_differ(backend, indices, answers, described),
                None => Err(Fault::new(Class::TimedOut, "no answer within the deadline").into()),
            };
            seen.insert(backend, places);
        }
        seen
    }

    /// What was answered and hangs on no lease, by backend.
    fn watched(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut places = BTreeSet::new();
        for (_, planned) in self.session.plan.selected() {
            if let Source::Places(of_variable) = &planned.source {
                places.extend(of_variable.iter().map(|at| (at.backend, at.address)));
            }
        }
        for leased in self.leases.iter().flat_map(Held::places) {
            places.remove(&leased);
        }
        let mut watched: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (backend, address) in places {
            if self.answers.by_backend[backend][address].is_some() {
                watched.entry(backend).or_default().push(address);
            }
        }
        watched
    }

    fn watched_of(&self, backend: usize) -> Places {
        let watched = self.watched().remove(&backend).unwrap_or_default();
        watched
            .into_iter()
            .map(|address| (backend, address))
            .collect()
    }

    /// The variables that a backend answers.
    fn names(&self, backend: usize) -> BTreeSet<String> {
        let watched = self.watched_of(backend);
        let selected = self.session.plan.selected();
        let answered = selected.filter(|(_, planned)| match &planned.source {
            Source::Places(places) => places
                .iter()
                .any(|placed| watched.contains(&(placed.backend, placed.address))),
            _ => false,
        });
        answered.map(|(name, _)| name.to_owned()).collect()
    }
}

/// The places that may differ. Where not even that may be asked, the value is: many a policy allows
/// reading alone. Any other fault is one of the backend.
fn may_differ(
    backend: usize,
    indices: &[usize],
    answers: &[Option<Answer>],
    described: Described,
) -> Result<Places, Unread> {
    let mut places = Places::new();
    for (index, described) in indices.iter().zip(described) {
        let differs = match (&answers[*index], described) {
            (Some(Ok(Reply::Value(value))), Ok(Ok(metadata))) => {
                let versions = (&value.metadata.version, &metadata.version);
                !matches!(versions, (Some(one), Some(other)) if one == other)
            }
            (Some(Ok(Reply::Absent(_))), Ok(Err(_))) => false,
            (_, Ok(_)) => true,
            (_, Err(fault)) => match fault.class {
                Class::Denied { .. } | Class::Unauthenticated | Class::Deleted { .. } => true,
                _ => return Err(fault.into()),
            },
        };
        if differs {
            places.insert((backend, *index));
        }
    }
    Ok(places)
}

//! Looking for changes: by the version where the backend says one, else by the value.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use endow_providers::{Absence, Address, Answer, Fault, Metadata, Pending, Reply, Warning};

use super::{Change, Held, Keeper, Reread, limits};
use crate::plan::Source;

type Described = Vec<Result<Result<Metadata, Absence>, Fault>>;

impl Keeper<'_, '_> {
    /// The places whose values may be others than they were.
    pub(super) fn look(&mut self) -> BTreeSet<(usize, usize)> {
        let watched = self.watched();
        let limits = limits();
        let batches: Vec<(usize, Vec<usize>, Vec<Address>)> = watched
            .into_iter()
            .map(|(backend, indices)| {
                let addresses = &self.session.plan.backends[backend].addresses;
                let batch = indices.iter().map(|index| addresses[*index].clone());
                (backend, indices.clone(), batch.collect())
            })
            .collect();
        let opened = batches.iter().filter_map(|(backend, indices, batch)| {
            let provider = self.session.providers[*backend].as_deref()?;
            Some((*backend, indices, batch, provider))
        });
        let opened: Vec<_> = opened.collect();
        let needs_runtime = opened.iter().any(|(.., provider)| provider.needs_runtime());
        let futures: Vec<(Pending<'_, Described>, Instant)> = opened
            .iter()
            .map(|(.., batch, provider)| (provider.describe(batch, &limits), limits.deadline))
            .collect();
        let described = self.session.executor.run(futures, needs_runtime);
        let mut changed = BTreeSet::new();
        for ((backend, indices, ..), described) in opened.into_iter().zip(described) {
            for (index, described) in indices.iter().zip(described.into_iter().flatten()) {
                let answer = self.answers.by_backend[backend][*index].as_ref();
                if may_differ(answer, &described) {
                    changed.insert((backend, *index));
                }
            }
        }
        changed
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

    /// Does what follows from a look.
    pub(super) fn settle_look(
        &mut self,
        read: Result<Reread, String>,
        tell: &mut dyn FnMut(&Change),
        say: &dyn Fn(Warning),
    ) {
        match read {
            Ok(change) => {
                self.is_look_said = false;
                change.settle(self.session.plan, tell, say);
            }
            Err(reason) if !self.is_look_said => {
                self.is_look_said = true;
                say(Warning {
                    message: format!("what may have changed can't be read: {reason}"),
                    hint: Some("the command goes on with what it was given".to_owned()),
                });
            }
            Err(_) => {}
        }
    }
}

fn may_differ(
    answer: Option<&Answer>,
    described: &Result<Result<Metadata, Absence>, Fault>,
) -> bool {
    match (answer, described) {
        (Some(Ok(Reply::Value(value))), Ok(Ok(metadata))) => {
            let versions = (&value.metadata.version, &metadata.version);
            !matches!(versions, (Some(one), Some(other)) if one == other)
        }
        (Some(Ok(Reply::Value(_))), Ok(Err(_))) | (Some(Ok(Reply::Absent(_))), Ok(Ok(_))) => true,
        _ => false,
    }
}

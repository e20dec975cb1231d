//! What a change asks for: the strongest of what its variables say.

use std::collections::{BTreeMap, BTreeSet};

use endow_providers::Secret;

use crate::{
    manifest::document::OnChange,
    plan::{Plan, Source},
};

/// What is done with the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is ended and started again.
    Restart,
    /// It is sent a signal, by name without `SIG`.
    Signal(String),
}

/// A change, and all values as they are now.
#[derive(Debug)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// Every selected variable; `None` where it is absent.
    pub values: BTreeMap<String, Option<Secret>>,
}

/// A template that says nothing does what its parts say; any other variable asks for a restart.
pub(super) fn of(plan: &Plan<'_>, changed: &BTreeSet<String>) -> Option<Action> {
    let mut strongest = None;
    for name in changed {
        let Some(planned) = plan.variables.get(name.as_str()) else {
            continue;
        };
        let stated = planned.variable.entry.on_change.as_ref();
        match (stated.map(|stated| &stated.value), &planned.source) {
            (Some(OnChange::Nothing), _) | (None, Source::Template(_)) => {}
            (Some(OnChange::Signal(name)), _) => {
                strongest.get_or_insert_with(|| Action::Signal(name.clone()));
            }
            (Some(OnChange::Restart) | None, _) => return Some(Action::Restart),
        }
    }
    strongest
}

//! Leases of values that nobody will use: of a run that failed, of a check.

use std::time::Instant;

use endow_providers::{Fault, Limits, Pending, Warning};

use super::held::{Held, held};
use crate::resolve::{Answers, Session};

/// Gives them back at the same time; a warning for each that could not be. Those of a sign-in of
/// endow's own end with it, when its backend is closed.
pub(in crate::resolve) fn give_back(
    session: &mut Session<'_, '_>,
    answers: &Answers,
) -> Vec<Warning> {
    let providers = &session.providers;
    let mut leases = held(session.plan, answers, providers, false);
    // Those of requests that were given up with others.
    for (backend, provider) in providers.iter().enumerate() {
        for lease in provider.iter().flat_map(|provider| provider.leases()) {
            let unanswered = Held::unanswered(backend, lease, session.plan);
            if !leases.iter().any(|held| held.is(&unanswered)) {
                leases.push(unanswered);
            }
        }
    }
    let signs_in = |held: &Held| {
        let provider = providers[held.backend].as_ref();
        provider.is_some_and(|provider| provider.sign_in().is_some())
    };
    leases.retain(|held| !held.is_sign_in && !held.is_abandoned && !signs_in(held));
    if leases.is_empty() {
        return Vec::new();
    }
    let limits = Limits {
        deadline: session.closing_deadline(),
        approval: None,
    };
    let futures: Vec<(Pending<'_, Result<(), Fault>>, Instant)> = leases
        .iter()
        .filter_map(|held| {
            let provider = providers[held.backend].as_deref()?;
            Some((provider.revoke(&held.lease, &limits), limits.deadline))
        })
        .collect();
    let outcomes = session.executor.run(futures, true);
    leases
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| !matches!(outcome, Some(Ok(()))))
        .map(|(held, _)| held.not_revoked())
        .collect()
}

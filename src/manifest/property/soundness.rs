//! What must hold for any plan: what it points to exists, and everything is asked once.

use std::collections::BTreeSet;

use crate::{
    manifest::source::{Sources, Span},
    plan::{Part, Plan, Source},
};

/// A span of whole characters of its file.
pub(super) fn is_in_bounds(sources: &Sources, span: Span) {
    let text = &sources.get(span.source).text;
    assert!(
        text.get(span.start..span.end).is_some(),
        "{span:?} of {} bytes",
        text.len()
    );
}

/// Whether or not it may be used: a plan with problems is shown too.
pub(super) fn is_sound(plan: &Plan<'_>, is_right: bool) {
    let sources = &plan.manifest.sources;
    let mut asked = BTreeSet::new();
    for (name, planned) in &plan.variables {
        assert!(plan.manifest.variables.contains_key(*name));
        is_in_bounds(sources, planned.decided);
        is_in_bounds(sources, planned.variable.span);
        match &planned.source {
            Source::Places(places) => {
                for placed in places {
                    is_in_bounds(sources, placed.span);
                    if planned.part != Part::Unselected {
                        asked.insert((placed.backend, placed.address));
                    }
                }
                assert!(!is_right || !places.is_empty(), "`{name}` is asked nowhere");
            }
            Source::Template(template) if is_right => {
                let mut parts = template.variables();
                assert!(parts.all(|part| {
                    let part = plan.variables.get(part);
                    part.is_some_and(|part| {
                        planned.part == Part::Unselected || part.part != Part::Unselected
                    })
                }));
            }
            Source::Template(_) | Source::Value(_) => {}
        }
    }
    let settings = plan.settings.iter().map(|setting| &setting.place);
    asked.extend(settings.map(|placed| (placed.backend, placed.address)));
    let all = plan.backends.iter().enumerate();
    let all =
        all.flat_map(|(backend, asked)| (0..asked.addresses.len()).map(move |at| (backend, at)));
    assert_eq!(asked, all.collect(), "what is asked is what is wanted");
    for (backend, asked) in plan.backends.iter().enumerate() {
        let different: BTreeSet<_> = asked.addresses.iter().collect();
        assert_eq!(different.len(), asked.addresses.len(), "each address once");
        is_answered(plan, backend);
        let is_refused = plan.manifest.is_production && !asked.kind.is_for_production;
        assert!(!is_right || !is_refused, "`{}` in production", asked.scheme);
    }
    let variables = plan.manifest.variables.len();
    assert!(
        !is_right || plan.variables.len() == variables,
        "every name has a place"
    );
}

/// Each address of a batch is answered by one request.
fn is_answered(plan: &Plan<'_>, backend: usize) {
    let requests = plan.requests(backend);
    let mut answers: Vec<usize> = requests
        .into_iter()
        .flat_map(|request| request.answers)
        .collect();
    answers.sort_unstable();
    assert!(answers.iter().copied().eq(0..answers.len()), "{answers:?}");
}

//! What the launcher knows of a plan and its failures, beside what backends say.

use std::path::PathBuf;

use endow_providers::Warning;

use crate::{
    manifest::find,
    plan::{Plan, Source},
    resolve::{Cause, Failure, Subject},
};

/// A failure, with where a missing file of a linked working tree is instead: what git ignores is in the
/// main one alone.
pub fn advised(plan: &Plan<'_>, failure: Failure) -> Failure {
    let advice = missing_file(plan, &failure).and_then(|path| {
        let root = find::checkout(path.parent()?, plan.manifest.home.as_deref())?;
        let there = find::main_working_tree(&root)?;
        let rest = path.strip_prefix(&root).ok()?;
        let there = there.join(rest);
        there.exists().then(|| {
            format!(
                "{} is there, in the main working tree: `{{checkout}}/{}` names it from all of them",
                there.display(),
                rest.display()
            )
        })
    });
    Failure { advice, ..failure }
}

/// The file that a failure is about, if it is not there.
fn missing_file(plan: &Plan<'_>, failure: &Failure) -> Option<PathBuf> {
    let (Subject::Variable(name), Cause::Absent(_)) = (&failure.subject, &failure.cause) else {
        return None;
    };
    let Source::Places(places) = &plan.variables.get(name.as_str())?.source else {
        return None;
    };
    let last = places.last()?;
    let asked = &plan.backends[last.backend];
    let path = PathBuf::from(&asked.addresses[last.address].locator);
    let is_missing = asked.kind.grammar.is_path && !path.exists();
    is_missing.then_some(path)
}

/// Warnings about changes that the command is told of and can't see.
pub fn unseen(plan: &Plan<'_>) -> Vec<Warning> {
    const HINT: &str = "`as: { file: tmpfs }` makes it a file that is replaced; `on_change: restart` starts \
        the command again";
    let warning = |(name, signal)| Warning {
        message: format!(
            "`{name}` has `on_change: {{ signal: {signal} }}`, and the command can't see it change: it is in \
             its environment"
        ),
        hint: Some(HINT.into()),
    };
    plan.unseen().map(warning).collect()
}

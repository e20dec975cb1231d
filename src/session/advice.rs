//! What the launcher knows about a failure beside what the backend says.

use std::path::PathBuf;

use crate::{
    manifest::find,
    plan::{Plan, Source},
    resolve::{Cause, Failure, Subject},
};

/// A failure, with where a missing file of a linked working tree is instead: what git ignores is in the
/// main one alone.
pub fn advised(plan: &Plan<'_>, failure: Failure) -> Failure {
    let advice = missing_file(plan, &failure).and_then(|path| {
        let home = plan.manifest.home.as_deref();
        let directory = path.parent()?;
        let root = find::checkout(directory, home)?;
        let main = find::main_checkout(directory, home);
        let rest = path.strip_prefix(&root).ok()?;
        let there = main.join(rest);
        (main != root && there.exists()).then(|| {
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

//! Values on their way to the child: its environment, and its files.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use endow_providers::Secret;

use super::Extras;
use crate::{
    environment::{
        Environment, Extra, NulInValue,
        inherit::{Fate, Rules},
    },
    error::Error,
    launch::files::{Files, RUNTIME, Wanted, sweep},
    manifest::diagnostic::one_line,
    plan::{Part, Plan},
    session::Context,
    sys::user::Account,
};

type Values = BTreeMap<String, Option<Secret>>;

/// Makes the files, and builds the environment that names them.
pub(super) fn deliver(
    plan: &Plan<'_>,
    values: Values,
    extra: &Extras,
    user: Option<&Account>,
    context: &Context,
) -> Result<(Environment, Files), Error> {
    let (mut values, wanted) = exported(plan, values);
    let runtime = context.variable(RUNTIME).map(AsRef::<OsStr>::as_ref);
    sweep(runtime);
    let files = Files::create(&wanted, runtime, user.map(|user| user.user))?;
    drop(wanted);
    for (name, path) in files.own_paths() {
        values.insert(name.to_owned(), Some(Secret::copied_from(path.as_bytes())));
    }
    let rules = Rules::new(plan.manifest, &extra.passed);
    let mut set: Vec<Extra> = rules.chosen(&extra.chosen).cloned().collect();
    set.extend(extra.set.iter().cloned());
    // What is stated stands: on the command line, and in the manifest.
    for (name, value) in user.map(Account::variables).unwrap_or_default() {
        if !extra.passed.iter().any(|passed| passed == name) {
            set.insert(0, (name.into(), value));
        }
    }
    let fates = rules.fates(&context.environment);
    log_dropped(&context.environment, &fates);
    let environment = Environment::build(&context.environment, &fates, &set, &values)
        .map_err(|NulInValue { names }| Error::NulInValue { names })?;
    Ok((environment, files))
}

/// For `-v`: the names alone.
fn log_dropped(parent: &[(OsString, OsString)], fates: &[Fate]) {
    let dropped = parent
        .iter()
        .zip(fates)
        .filter(|(_, fate)| !fate.is_inherited());
    let mut names: Vec<String> = dropped
        .map(|((name, _), _)| one_line(&name.to_string_lossy()))
        .collect();
    names.sort_unstable();
    if !names.is_empty() {
        tracing::info!(names = %names.join(", "), "not passed on to the command");
    }
}

/// The values that the child gets: in its environment, and as files.
fn exported<'p>(plan: &'p Plan<'_>, mut values: Values) -> (Values, Vec<Wanted<'p>>) {
    values.retain(|name, _| plan.variables[name.as_str()].part == Part::Exported);
    let mut wanted = Vec::new();
    for (name, planned) in plan.selected() {
        if let Some(file) = planned.variable.entry.file()
            && let Some(Some(value)) = values.get_mut(name).map(Option::take)
        {
            wanted.push(Wanted {
                variable: name,
                delivery: file.value,
                value,
            });
        }
    }
    (values, wanted)
}

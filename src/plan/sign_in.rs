//! `auth` of backends, as far as its form can be judged before anything is asked.

use std::collections::BTreeMap;

use endow_providers::kind;

use crate::manifest::{
    Manifest,
    diagnostic::{Diagnostic, Problems, did_you_mean, shown},
    document::Setting,
    source::{Span, Spanned},
};

/// Checks the sign-in of every backend of the merged manifest, used or not.
pub(super) fn check(manifest: &Manifest, problems: &mut Problems) {
    for (scheme, backend) in &manifest.backends {
        let methods = manifest.kind(scheme).map_or(&[][..], |kind| kind.methods);
        let Some(auth) = backend.settings.get("auth").filter(|_| !methods.is_empty()) else {
            continue;
        };
        let Setting::Map(map) = &auth.value else {
            continue;
        };
        let (name, span) = match map.get("method") {
            None => ("token", auth.span),
            Some(method) => match &method.value {
                Setting::Text(name) => (name.as_str(), method.span),
                // What a reference gives is known when it is asked.
                _ => continue,
            },
        };
        let Some(method) = methods.iter().find(|method| method.name == name) else {
            let names = methods.iter().map(|method| method.name);
            let all = names.clone().collect::<Vec<_>>().join(", ");
            let hint = match did_you_mean(name, names) {
                Some(near) => format!("{near} there are: {all}"),
                None => format!("there are: {all}"),
            };
            let message = format!("`{}` has no method `{}`", shown(scheme), shown(name));
            problems.add(Diagnostic::at(span, "wrong-value", message).hint(hint));
            continue;
        };
        if let Some(instead) = method.instead {
            let message = format!("`method: {name}` can't be used without a person");
            problems.add(Diagnostic::at(span, "wrong-value", message).hint(instead));
            continue;
        }
        let is_known = |key: &str| methods.iter().any(|method| method.has(key));
        of_method(method, map, span, &is_known, problems);
    }
}

/// Checks the settings of one method.
fn of_method(
    method: &kind::Method,
    map: &BTreeMap<String, Spanned<Setting>>,
    span: Span,
    is_known: &dyn Fn(&str) -> bool,
    problems: &mut Problems,
) {
    let name = method.name;
    for needed in method.needs {
        if !map.contains_key(*needed) {
            let message = format!("`method: {name}` needs `{needed}`");
            problems.add(
                Diagnostic::at(span, "wrong-value", message)
                    .hint(format!("add `{needed}:` to `auth`")),
            );
        }
    }
    let of_one = method
        .needs_one
        .iter()
        .filter(|key| map.contains_key(**key));
    if !method.needs_one.is_empty() && of_one.count() != 1 {
        let all = method.needs_one.join(", ");
        let message = format!("`method: {name}` needs one of: {all}");
        problems.add(Diagnostic::at(span, "wrong-value", message));
    }
    // What no method has is refused already, as an unknown setting.
    let known = || {
        let lists = [method.needs, method.needs_one, method.takes];
        lists.into_iter().flatten().copied()
    };
    let strange = |key: &str| is_known(key) && !method.has(key);
    for (key, setting) in map.iter().filter(|(key, _)| strange(key)) {
        let message = format!("`method: {name}` has no `{}`", shown(key));
        let all = known().collect::<Vec<_>>().join(", ");
        let problem = Diagnostic::at(setting.span, "wrong-value", message);
        problems.add(problem.hint(format!("it has: {all}")));
    }
}

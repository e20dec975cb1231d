//! The order of templates: each behind what it needs, none in a circle, and none too deep for the
//! stages that follow them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Manifest,
    diagnostic::{Diagnostic, Problems},
    document::Origin,
    template::Template,
};

/// How deep templates may need each other.
const MAX_DEPTH: usize = 50;

/// Puts templates behind what they need. What is left over stands in a circle or needs one.
pub(super) fn check(manifest: &Manifest, problems: &mut Problems) {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut needed_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in manifest.variables.keys() {
        let parts: BTreeSet<&str> = parts(manifest, name).collect();
        for part in &parts {
            needed_by.entry(part).or_default().push(name);
        }
        left.insert(name, parts);
    }
    let mut ready: Vec<&str> = left
        .iter()
        .filter(|(_, parts)| parts.is_empty())
        .map(|(name, _)| *name)
        .collect();
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    while let Some(name) = ready.pop() {
        left.remove(name);
        let depth = depths.get(name).copied().unwrap_or(0);
        for user in needed_by.get(name).into_iter().flatten() {
            let deeper = depths.entry(user).or_insert(0);
            *deeper = (*deeper).max(depth + 1);
            if let Some(parts) = left.get_mut(user) {
                parts.remove(name);
                if parts.is_empty() {
                    ready.push(user);
                }
            }
        }
    }
    let too_deep = depths.iter().find(|(_, depth)| **depth > MAX_DEPTH);
    let too_deep = too_deep.map(|(name, _)| *name);
    match too_deep.and_then(|name| Some((name, manifest.variables[name].entry.origin.as_ref()?))) {
        Some((name, origin)) => problems.add(
            Diagnostic::at(
                origin.span,
                "too-deep",
                format!("the template of `{name}` needs others more than {MAX_DEPTH} deep"),
            )
            .hint("write the parts into one template"),
        ),
        None => report_circles(manifest, &left, problems),
    }
}

/// The declared variables that the template of a name needs.
fn parts<'m>(manifest: &'m Manifest, name: &str) -> impl Iterator<Item = &'m str> {
    let origin = manifest
        .variables
        .get(name)
        .and_then(|variable| variable.entry.origin.as_ref());
    let template = origin.and_then(|origin| match &origin.value {
        Origin::Template(template) => Some(template),
        Origin::From(_) | Origin::Value(_) => None,
    });
    let declared = |part: &&str| manifest.variables.contains_key(*part);
    template
        .into_iter()
        .flat_map(Template::variables)
        .filter(declared)
}

/// Follows what is left from each name until a name comes again.
fn report_circles(
    manifest: &Manifest,
    left: &BTreeMap<&str, BTreeSet<&str>>,
    problems: &mut Problems,
) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for start in left.keys() {
        let mut path: Vec<&str> = Vec::new();
        let mut here = *start;
        while seen.insert(here) {
            path.push(here);
            here = left[here]
                .iter()
                .copied()
                .find(|part| left.contains_key(part))
                .unwrap_or(here);
        }
        let Some(at) = path.iter().position(|name| *name == here) else {
            continue;
        };
        let mut circle = path.split_off(at);
        let first = (0..circle.len()).min_by_key(|at| circle[*at]);
        circle.rotate_left(first.unwrap_or(0));
        let Some(origin) = &manifest.variables[circle[0]].entry.origin else {
            continue;
        };
        circle.push(circle[0]);
        problems.add(Diagnostic::at(
            origin.span,
            "template-cycle",
            format!(
                "templates need each other in a circle: {}",
                circle.join(" -> ")
            ),
        ));
    }
}

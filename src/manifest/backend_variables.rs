//! Variables of the caller that backends are given as their own.

use std::collections::BTreeMap;

use super::{Manifest, document::Setting, reference::Role};
use crate::variables::base;

/// Adds those of a manifest, as it is merged for one profile: the variables that settings read, and
/// the names and globs that a program's `inherit` has. A name of the base set is everybody's, and
/// `*` alone names nothing.
pub(super) fn add(
    mut found: BTreeMap<String, String>,
    manifest: &Manifest,
) -> BTreeMap<String, String> {
    for (scheme, backend) in &manifest.backends {
        let mut references = Vec::new();
        for setting in backend.settings.values() {
            setting.value.references(setting.span, &mut references);
        }
        for (reference, span) in references {
            let kind = manifest.kind(&reference.scheme);
            let kind = kind.filter(|kind| kind.name == "env");
            let scope = manifest.scope(span, None);
            let place = kind.and_then(|kind| reference.place(kind, Role::Own, &scope).ok());
            if let Some(place) = place {
                found.insert(place.address.locator, scheme.clone());
            }
        }
        let is_program = manifest
            .kind(scheme)
            .is_some_and(|kind| kind.name == "exec");
        let inherit = backend.settings.get("inherit").filter(|_| is_program);
        if let Some(Setting::List(words)) = inherit.map(|inherit| &inherit.value) {
            for word in words {
                if let Setting::Text(name) = &word.value
                    && !name.trim_matches('*').is_empty()
                    && base::membership(name.as_ref()).is_none()
                {
                    found.insert(name.clone(), scheme.clone());
                }
            }
        }
    }
    found
}

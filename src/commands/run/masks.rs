//! Which values are masked in the command's output.

use std::collections::BTreeMap;

use endow_providers::{Secret, Warning};

use crate::{
    plan::{Plan, Planned, Source},
    redact::{Masker, Unmasked, Why},
    session::Context,
};

type Values = BTreeMap<String, Option<Secret>>;

/// The masks of a run; warns of the values that none can find. Parts of templates are secrets too,
/// exported or not.
pub(super) fn masker(plan: &Plan<'_>, values: &Values, context: &Context) -> Option<Masker> {
    let secrets: Vec<(&str, &[u8])> = plan
        .selected()
        .filter_map(|(name, planned)| {
            let value = values.get(name)?.as_ref()?.expose();
            is_secret(plan, planned, value).then_some((name, value))
        })
        .collect();
    let (masker, unmasked) = Masker::new(&secrets);
    let warning = |Unmasked { name, why }: &Unmasked| Warning {
        message: format!(
            "`{name}` is not masked: {}",
            match why {
                Why::TooShort => "its value is too short",
                Why::TooPlain => "its value is a word or a number that stands in any text",
            }
        ),
        hint: None,
    };
    let warnings: Vec<Warning> = unmasked.iter().map(warning).collect();
    context.ui.warnings(&warnings);
    masker
}

/// What stands in the manifest is none: a plain value, a default, a template of such.
fn is_secret(plan: &Plan<'_>, planned: &Planned<'_>, value: &[u8]) -> bool {
    let default = planned.variable.entry.default.as_ref();
    if default.is_some_and(|default| default.value.as_bytes() == value) {
        return false;
    }
    match &planned.source {
        Source::Value(_) => false,
        Source::Places(_) => true,
        // A part that was absent is in no value; cycles were refused before.
        Source::Template(template) => template.variables().any(|part| {
            let part = plan.variables.get(part);
            part.is_some_and(|part| is_secret(plan, part, b""))
        }),
    }
}

//! Settings of backends with their references resolved.

use std::collections::BTreeMap;

use endow_providers::{Class, Fault, Reply, Secret, Settings, Shape};

use super::{Answers, Cause, Failure, Subject};
use crate::{
    manifest::{document::Setting, source::Span},
    plan::Plan,
};

/// The settings of one backend. Every reference in them has been answered with a value.
pub(super) fn of(plan: &Plan<'_>, scheme: &str, answers: &Answers) -> BTreeMap<String, Settings> {
    let Some(backend) = plan.manifest.backends.get(scheme) else {
        return BTreeMap::new();
    };
    let settings = backend.settings.iter().filter(|(name, _)| *name != "type");
    settings
        .map(|(name, setting)| {
            (
                name.clone(),
                resolved(plan, &setting.value, setting.span, answers),
            )
        })
        .collect()
}

fn resolved(plan: &Plan<'_>, setting: &Setting, span: Span, answers: &Answers) -> Settings {
    match setting {
        Setting::Text(text) => Settings::Text(Secret::copied_from(text.as_bytes())),
        Setting::List(items) => Settings::List(
            items
                .iter()
                .map(|item| resolved(plan, &item.value, item.span, answers))
                .collect(),
        ),
        Setting::Map(map) => Settings::Map(
            map.iter()
                .map(|(name, item)| {
                    (
                        name.clone(),
                        resolved(plan, &item.value, item.span, answers),
                    )
                })
                .collect(),
        ),
        Setting::Reference(_) => {
            let place = plan
                .settings
                .iter()
                .find(|setting| setting.place.span == span);
            match place.and_then(|setting| answers.get(&setting.place)) {
                Some(Ok(Reply::Value(value))) => {
                    Settings::Text(Secret::copied_from(value.secret.expose()))
                }
                _ => Settings::Text(Secret::new(Vec::new())),
            }
        }
    }
}

/// A flag whose reference holds something else is an error here, before the backend is opened.
pub(super) fn check(plan: &Plan<'_>, answers: &Answers) -> Vec<Failure> {
    let mut failures = Vec::new();
    for setting in &plan.settings {
        let shape = plan.manifest.kind(&setting.owner).and_then(|kind| {
            kind.settings
                .iter()
                .find(|known| known.name == setting.setting)
        });
        let Some(Ok(Reply::Value(value))) = answers.get(&setting.place) else {
            continue;
        };
        let is_bool = shape.is_some_and(|known| known.shape == Shape::Bool);
        if is_bool && value.secret.expose() != b"true" && value.secret.expose() != b"false" {
            failures.push(Failure {
                subject: Subject::Setting {
                    backend: setting.owner.clone(),
                    name: setting.setting.clone(),
                },
                place: Some(setting.place.shown.clone()),
                cause: Cause::Fault(Fault::new(
                    Class::Malformed,
                    "the setting wants `true` or `false`",
                )),
            });
        }
    }
    failures
}

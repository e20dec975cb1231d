//! Settings of backends with their references resolved.

use std::collections::BTreeMap;

use endow_providers::{Class, Fault, Reply, Secret, Setting as Known, Settings, Shape};

use super::{Answers, Cause, Failure, Subject};
use crate::{
    manifest::{
        document::Setting,
        reference::{absolute, names_a_path},
        source::Spanned,
    },
    plan::Plan,
};

/// The settings of one backend. Every reference in them has been answered with a value.
pub(super) fn of(plan: &Plan<'_>, scheme: &str, answers: &Answers) -> BTreeMap<String, Settings> {
    let Some(backend) = plan.manifest.backends.get(scheme) else {
        return BTreeMap::new();
    };
    let known = plan
        .manifest
        .kind(scheme)
        .map_or(&[][..], |kind| kind.settings);
    let settings = backend.settings.iter().filter(|(name, _)| *name != "type");
    map(settings, known, plan, answers)
}

fn map<'s>(
    settings: impl Iterator<Item = (&'s String, &'s Spanned<Setting>)>,
    known: &[Known],
    plan: &Plan<'_>,
    answers: &Answers,
) -> BTreeMap<String, Settings> {
    let shape = |name: &str| {
        let known = known.iter().find(|known| known.name == name);
        known.map_or(Shape::Map, |known| known.shape)
    };
    settings
        .map(|(name, setting)| (name.clone(), resolved(plan, setting, shape(name), answers)))
        .collect()
}

fn resolved(
    plan: &Plan<'_>,
    setting: &Spanned<Setting>,
    shape: Shape,
    answers: &Answers,
) -> Settings {
    match &setting.value {
        Setting::Text(text) => {
            let path = matches!(shape, Shape::Path)
                .then(|| absolute(text, &plan.manifest.scope(setting.span, None)).ok())
                .flatten();
            Settings::Text(Secret::copied_from(
                path.as_ref().unwrap_or(text).as_bytes(),
            ))
        }
        Setting::List(items) => Settings::List(
            items
                .iter()
                .enumerate()
                .map(|(at, item)| {
                    let is_program = at == 0
                        && matches!(shape, Shape::Command)
                        && matches!(&item.value, Setting::Text(text) if names_a_path(text));
                    let shape = if is_program { Shape::Path } else { shape };
                    resolved(plan, item, shape, answers)
                })
                .collect(),
        ),
        Setting::Map(items) => {
            let known = match shape {
                Shape::Keys(known) => known,
                _ => &[],
            };
            Settings::Map(map(items.iter(), known, plan, answers))
        }
        Setting::Reference(_) => {
            let mut places = plan.settings.iter();
            let place = places.find(|place| place.place.span == setting.span);
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
        let is_bool = shape.is_some_and(|known| matches!(known.shape, Shape::Bool));
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
                advice: None,
            });
        }
    }
    failures
}

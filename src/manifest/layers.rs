//! Several files and one profile into one [`Manifest`].
//!
//! From far to near stand all top levels (extended files first), then the profiles that the
//! chosen one extends, then the chosen one; a profile is the merge of all of that name in these
//! files. Entries merge key by key and the nearest wins; `from`, `value` and `template` are one
//! slot. Names come from the first file alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Backend, Manifest, Variable,
    diagnostic::{Diagnostic, Problems, did_you_mean, shown_name},
    document::{Document, Entry, Layer, Profile, Run},
    load::Loaded,
    source::{Sources, Span, Spanned},
};

/// Most profiles that a manifest can have, over all its files.
pub(super) const MAX_PROFILES: usize = 200;

/// Merges what was loaded for a profile; `None` where the manifest has none.
pub(super) fn merge(loaded: &Loaded, sources: &Rc<Sources>, profile: Option<&str>) -> Manifest {
    let documents = &loaded.documents;
    let mut manifest = frame(loaded, sources, profile);
    let chain = chain(documents, profile);
    let names = declared_names(loaded.main(), &chain);
    manifest.variables = variables(names, &layers(documents, &chain));
    manifest.groups = groups(documents);
    let defaults = merged_defaults(documents);
    for variable in manifest.variables.values_mut() {
        for (name, datum) in &defaults {
            variable
                .entry
                .metadata
                .entry(name)
                .or_insert_with(|| datum.clone());
        }
    }
    manifest
}

/// As [`merge`], without the variables and groups.
pub(super) fn frame(loaded: &Loaded, sources: &Rc<Sources>, profile: Option<&str>) -> Manifest {
    let documents = &loaded.documents;
    let chain = chain(documents, profile);
    let layers = layers(documents, &chain);
    Manifest {
        project: nearest(documents.iter().map(|document| &document.project)),
        profile: profile.map(str::to_owned),
        is_production: profile.is_some_and(|name| is_production(documents, name)),
        backends: backends(&layers),
        inherit: layers
            .iter()
            .flat_map(|layer| layer.inherit.iter().cloned())
            .collect(),
        from: layers.iter().rev().find_map(|layer| layer.from.clone()),
        variables: BTreeMap::new(),
        groups: BTreeMap::new(),
        run: run(&layers),
        credentials: BTreeMap::new(),
        home: loaded.home.clone(),
        sources: Rc::clone(sources),
    }
}

fn chain(documents: &[Document], profile: Option<&str>) -> Vec<String> {
    profile
        .map(|name| profile_chain(documents, name, &mut Problems::default()))
        .unwrap_or_default()
}

/// Whether any file's profile of that name is a production profile.
pub(super) fn is_production(documents: &[Document], name: &str) -> bool {
    of_name(documents, name)
        .any(|profile| profile.production.as_ref().is_some_and(|flag| flag.value))
}

/// The profiles of that name, from far to near.
fn of_name<'d>(documents: &'d [Document], name: &'d str) -> impl Iterator<Item = &'d Profile> {
    documents
        .iter()
        .flat_map(|document| &document.profiles)
        .filter(move |profile| profile.name.value == name)
}

/// The names of all profiles, in the order of the alphabet.
pub(super) fn profile_names(documents: &[Document]) -> BTreeSet<&str> {
    documents
        .iter()
        .flat_map(|document| &document.profiles)
        .map(|profile| profile.name.value.as_str())
        .collect()
}

/// The chosen profile and those that it extends, from far to near.
fn profile_chain(documents: &[Document], chosen: &str, problems: &mut Problems) -> Vec<String> {
    let mut walk = Walk {
        documents,
        problems,
        path: Vec::new(),
        order: Vec::new(),
    };
    walk.visit(chosen, None);
    walk.order
}

struct Walk<'a> {
    documents: &'a [Document],
    problems: &'a mut Problems,
    path: Vec<String>,
    order: Vec<String>,
}

impl Walk<'_> {
    /// Depth first, so what is extended stands farther; what was reached keeps its place.
    fn visit(&mut self, name: &str, said: Option<Span>) {
        if let (true, Some(span)) = (self.path.iter().any(|other| other == name), said) {
            // Every profile of the circle finds it; the first by name says it.
            let is_first = self.path.iter().min() == self.path.first() && self.path[0] == name;
            if is_first {
                let circle = format!("{} -> {name}", self.path.join(" -> "));
                self.problems.add(Diagnostic::at(
                    span,
                    "extends-cycle",
                    format!("profiles extend each other in a circle: {circle}"),
                ));
            }
            return;
        }
        if self.order.iter().any(|other| other == name) {
            return;
        }
        self.path.push(name.to_owned());
        let extends: Vec<Spanned<String>> = of_name(self.documents, name)
            .flat_map(|profile| profile.extends.iter().cloned())
            .collect();
        for extended in extends {
            let known = profile_names(self.documents);
            if known.contains(extended.value.as_str()) {
                self.visit(&extended.value, Some(extended.span));
            } else {
                let problem = Diagnostic::at(
                    extended.span,
                    "unknown-profile",
                    format!("no profile `{}` to extend", shown_name(&extended.value)),
                );
                self.problems
                    .add(problem.hint_if(did_you_mean(&extended.value, known)));
            }
        }
        self.path.pop();
        self.order.push(name.to_owned());
    }
}

/// What holds for every profile, whichever is chosen.
pub(super) fn check_profiles(documents: &[Document], problems: &mut Problems) {
    let mut profiles = documents.iter().flat_map(|document| &document.profiles);
    if let Some(profile) = profiles.nth(MAX_PROFILES) {
        let message = format!("more than {MAX_PROFILES} profiles");
        problems.add(Diagnostic::at(
            profile.name.span,
            "too-many-profiles",
            message,
        ));
        return;
    }
    for name in profile_names(documents) {
        let chain = profile_chain(documents, name, problems);
        let states = of_name(documents, name).any(|profile| profile.production.is_some());
        let extends_production = chain
            .iter()
            .find(|other| *other != name && is_production(documents, other));
        if let (Some(production), false) = (extends_production, states)
            && let Some(profile) = of_name(documents, name).last()
        {
            problems.add(
                Diagnostic::at(profile.name.span, "production-unstated", format!("profile `{name}` extends the production profile `{production}` without saying what it is itself"))
                    .hint("add `production: true` or `production: false`"),
            );
        }
    }
    let Some(default) = nearest_spanned(documents.iter().map(|document| &document.default_profile))
    else {
        return;
    };
    let known = profile_names(documents);
    if !known.contains(default.value.as_str()) {
        problems.add(
            Diagnostic::at(
                default.span,
                "unknown-profile",
                format!(
                    "`default_profile` names no profile: `{}`",
                    shown_name(&default.value)
                ),
            )
            .hint_if(did_you_mean(&default.value, known)),
        );
    } else if is_production(documents, &default.value) {
        problems.add(
            Diagnostic::at(
                default.span,
                "production-default",
                format!(
                    "`default_profile` is the production profile `{}`",
                    default.value
                ),
            )
            .hint("production is chosen on purpose: `endow run --profile NAME`, or ENDOW_PROFILE"),
        );
    }
}

fn layers<'d>(documents: &'d [Document], chain: &[String]) -> Vec<&'d Layer> {
    let tops = documents.iter().map(|document| &document.top);
    let profiles = chain.iter().flat_map(|name| {
        documents
            .iter()
            .flat_map(|document| &document.profiles)
            .filter(move |profile| profile.name.value == *name)
    });
    tops.chain(profiles.map(|profile| &profile.layer)).collect()
}

/// The names that this file itself declares, at its top and in the chosen profiles.
fn declared_names<'d>(main: &'d Document, chain: &[String]) -> BTreeMap<&'d str, Span> {
    let profiles = main
        .profiles
        .iter()
        .filter(|profile| chain.contains(&profile.name.value))
        .map(|profile| &profile.layer);
    let mut names = BTreeMap::new();
    for (name, _) in std::iter::once(&main.top)
        .chain(profiles)
        .flat_map(|layer| &layer.entries)
    {
        names.entry(name.value.as_str()).or_insert(name.span);
    }
    names
}

/// The declared names with what all layers say of them, from far to near.
fn variables(names: BTreeMap<&str, Span>, layers: &[&Layer]) -> BTreeMap<String, Variable> {
    let empty = |(name, span): (&str, Span)| {
        let entry = Entry::default();
        (name.to_owned(), Variable { entry, span })
    };
    let mut variables: BTreeMap<String, Variable> = names.into_iter().map(empty).collect();
    for (name, entry) in layers.iter().flat_map(|layer| &layer.entries) {
        if let Some(variable) = variables.get_mut(&name.value) {
            merge_entry(&mut variable.entry, entry);
        }
    }
    variables
}

fn merge_entry(into: &mut Entry, nearer: &Entry) {
    fn slot<T: Clone>(into: &mut Option<T>, nearer: Option<&T>) {
        if let Some(nearer) = nearer {
            *into = Some(nearer.clone());
        }
    }
    slot(&mut into.origin, nearer.origin.as_ref());
    slot(&mut into.key, nearer.key.as_ref());
    slot(&mut into.default, nearer.default.as_ref());
    slot(&mut into.required, nearer.required.as_ref());
    slot(&mut into.export, nearer.export.as_ref());
    slot(&mut into.delivery, nearer.delivery.as_ref());
    slot(&mut into.abandons_lease, nearer.abandons_lease.as_ref());
    slot(&mut into.on_change, nearer.on_change.as_ref());
    for (name, datum) in &nearer.metadata {
        into.metadata.insert(name, datum.clone());
    }
}

fn backends(layers: &[&Layer]) -> BTreeMap<String, Backend> {
    let mut merged: BTreeMap<String, Backend> = BTreeMap::new();
    for (name, settings) in layers.iter().flat_map(|layer| &layer.backends) {
        let backend = merged.entry(name.value.clone()).or_insert_with(|| Backend {
            settings: BTreeMap::new(),
            span: name.span,
        });
        for (key, setting) in settings {
            backend.settings.insert(key.clone(), setting.clone());
        }
    }
    merged
}

fn groups(documents: &[Document]) -> BTreeMap<String, Vec<Spanned<String>>> {
    documents
        .iter()
        .flat_map(|document| &document.groups)
        .map(|(name, members)| (name.value.clone(), members.clone()))
        .collect()
}

fn merged_defaults(
    documents: &[Document],
) -> BTreeMap<&'static str, Spanned<super::document::Metadatum>> {
    documents
        .iter()
        .flat_map(|document| {
            document
                .defaults
                .iter()
                .map(|(name, datum)| (*name, datum.clone()))
        })
        .collect()
}

fn run(layers: &[&Layer]) -> Run {
    let mut merged = Run::default();
    for run in layers.iter().map(|layer| &layer.run) {
        merged = Run {
            redact: run.redact.clone().or(merged.redact),
            timeout: run.timeout.clone().or(merged.timeout),
            stop_signal: run.stop_signal.clone().or(merged.stop_signal),
            stop_timeout: run.stop_timeout.clone().or(merged.stop_timeout),
            watch: run.watch.clone().or(merged.watch),
        };
    }
    merged
}

fn nearest<'d>(values: impl Iterator<Item = &'d Option<Spanned<String>>>) -> Option<String> {
    nearest_spanned(values).map(|value| value.value.clone())
}

/// The last one stated, since documents stand from far to near.
pub(super) fn nearest_spanned<'d>(
    values: impl Iterator<Item = &'d Option<Spanned<String>>>,
) -> Option<&'d Spanned<String>> {
    values.flatten().last()
}

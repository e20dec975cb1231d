//! Checks that need more than one place of the manifest: schemes against backends, settings
//! against types, templates against names.

use std::collections::BTreeMap;

use endow_providers::{Kind, Setting as Known, Shape, kind};

use super::{
    Manifest, credential,
    diagnostic::{Diagnostic, Problems, did_you_mean, shown_name},
    document::{Backend, Document, Origin, Setting, every_layer},
    entry::{swallowed, swallowed_problem},
    load::Loaded,
    order,
    reference::Reference,
    source::{Sources, Span, Spanned},
};

/// The types of all schemes that any layer of any file declares. Where layers disagree, the
/// nearest is right for its profile; for the grammar of a reference the types are alike.
fn schemes(documents: &[Document]) -> BTreeMap<String, Option<&'static Kind>> {
    let mut schemes: BTreeMap<String, Option<&'static Kind>> = kind::ALL
        .iter()
        .flat_map(|kind| {
            std::iter::once(kind.name)
                .chain(kind.aliases.iter().copied())
                .map(|name| (name.to_owned(), Some(*kind)))
        })
        .collect();
    for (name, settings) in every_layer(documents).flat_map(|layer| &layer.backends) {
        match settings.get("type") {
            Some(Spanned {
                value: Setting::Text(text),
                ..
            }) => {
                schemes.insert(name.value.clone(), kind::named(text));
            }
            _ => {
                schemes.entry(name.value.clone()).or_insert(None);
            }
        }
    }
    schemes
}

/// What holds for all layers of all files, whichever profile is chosen.
pub(super) fn check_documents(loaded: &mut Loaded, problems: &mut Problems) {
    let schemes = schemes(&loaded.documents);
    for layer in every_layer(&loaded.documents) {
        for (name, settings) in &layer.backends {
            check_backend(name, settings, &schemes, &mut loaded.sources, problems);
        }
        let origins =
            layer
                .entries
                .iter()
                .filter_map(|(_, entry)| match &entry.origin.as_ref()?.value {
                    Origin::From(references) => Some(references),
                    _ => None,
                });
        for reference in origins.chain(&layer.from).flatten() {
            check_reference(
                &reference.value,
                reference.span,
                &schemes,
                &mut loaded.sources,
                problems,
            );
        }
    }
    for document in &loaded.documents {
        check_groups(document, problems);
    }
}

fn check_reference(
    reference: &Reference,
    span: Span,
    schemes: &BTreeMap<String, Option<&'static Kind>>,
    sources: &mut Sources,
    problems: &mut Problems,
) {
    let Some(kind) = schemes.get(&reference.scheme) else {
        problems.add(unknown_scheme(reference, span, schemes));
        return;
    };
    // A reference to a known backend is a place, not a value: it may be shown.
    if !credential::is_in(&reference.text) {
        sources.show(span);
    }
    let takes_field = kind.is_some_and(|kind| kind.grammar.has_field);
    if takes_field
        && !reference.has_field()
        && let Some(comment) = swallowed(&sources.get(span.source).text, span.end)
    {
        problems.add(swallowed_problem(Span {
            start: comment,
            end: comment + 1,
            ..span
        }));
    }
}

fn unknown_scheme(
    reference: &Reference,
    span: Span,
    schemes: &BTreeMap<String, Option<&'static Kind>>,
) -> Diagnostic {
    let problem = Diagnostic::at(
        span,
        "unknown-scheme",
        format!("no backend is called `{}`", shown_name(&reference.scheme)),
    );
    match did_you_mean(&reference.scheme, schemes.keys().map(String::as_str)) {
        Some(hint) => problem.hint(hint),
        None => problem
            .label("not shown: it can be a secret")
            .hint("a plain URL is written `{ value: ... }`, or stands under `values`; one with a password is a template")
            .hint(format!("a backend of your own name is declared under `backends`: `{}: {{ type: ... }}`", shown_name(&reference.scheme))),
    }
}

fn check_backend(
    name: &Spanned<String>,
    settings: &Backend,
    schemes: &BTreeMap<String, Option<&'static Kind>>,
    sources: &mut Sources,
    problems: &mut Problems,
) {
    for (key, setting) in settings {
        let mut references = Vec::new();
        setting.value.references(setting.span, &mut references);
        for (reference, span) in references {
            check_reference(reference, span, schemes, sources, problems);
        }
        if let ("type", Setting::Text(text)) = (key.as_str(), &setting.value)
            && kind::named(text).is_none()
        {
            let types = || kind::ALL.iter().map(|kind| kind.name);
            let hint = did_you_mean(text, types()).unwrap_or_else(|| {
                format!("there are: {}", types().collect::<Vec<_>>().join(", "))
            });
            problems.add(
                Diagnostic::at(
                    setting.span,
                    "unknown-type",
                    format!("no type of backend is called `{}`", shown_name(text)),
                )
                .hint(hint),
            );
        }
    }
    let Some(kind) = schemes.get(&name.value).copied().flatten() else {
        if !settings.contains_key("type") {
            problems.add(
                Diagnostic::at(
                    name.span,
                    "unknown-type",
                    format!("backend `{}` has no `type`", shown_name(&name.value)),
                )
                .hint(format!(
                    "a name that is no built-in type says its own: `{}: {{ type: vault, ... }}`",
                    name.value
                )),
            );
        }
        return;
    };
    for (key, setting) in settings.iter().filter(|(key, _)| *key != "type") {
        check_setting((kind.name, kind.settings), key, setting, sources, problems);
    }
}

/// Checks one setting; `owner` is what has the settings, and which there are.
fn check_setting(
    owner: (&str, &[Known]),
    key: &str,
    setting: &Spanned<Setting>,
    sources: &Sources,
    problems: &mut Problems,
) {
    let (name, settings) = owner;
    let Some(known) = settings.iter().find(|known| known.name == key) else {
        let names = || settings.iter().map(|known| known.name);
        let hint = did_you_mean(key, names()).unwrap_or_else(|| match settings {
            [] => format!("`{name}` has no settings"),
            _ => format!("`{name}` has: {}", names().collect::<Vec<_>>().join(", ")),
        });
        problems.add(
            Diagnostic::at(
                key_span(key, setting.span, sources),
                "unknown-setting",
                format!("`{name}` has no setting `{}`", shown_name(key)),
            )
            .hint(hint),
        );
        return;
    };
    if let (Shape::Keys(inner), Setting::Map(map)) = (known.shape, &setting.value) {
        for (inner_key, inner_setting) in map {
            check_setting((key, inner), inner_key, inner_setting, sources, problems);
        }
        return;
    }
    if let (Shape::Secret, Setting::Text(_)) = (known.shape, &setting.value) {
        problems.add(
            Diagnostic::at(
                setting.span,
                "credential-in-setting",
                format!("`{key}` is a credential, and a manifest is no place for one"),
            )
            .label("not shown: it can be a secret")
            .hint(format!(
                "write where it is: `{key}: {{ from: env://NAME }}`"
            )),
        );
        return;
    }
    if let Some(wanted) = wanted(known.shape, &setting.value) {
        problems.add(Diagnostic::at(
            setting.span,
            "wrong-type",
            format!("`{key}` wants {wanted}"),
        ));
    }
}

/// What a setting must be, where it is something else.
fn wanted(shape: Shape, setting: &Setting) -> Option<&'static str> {
    match (shape, setting) {
        (_, Setting::Reference(_))
        | (Shape::Text | Shape::Path, Setting::Text(_))
        | (Shape::List | Shape::Command, Setting::List(_))
        | (Shape::Map | Shape::Keys(_), Setting::Map(_)) => None,
        (Shape::Bool, Setting::Text(text)) if text == "true" || text == "false" => None,
        (Shape::Text, _) => Some("a text"),
        (Shape::Path, _) => Some("a path"),
        (Shape::Secret, _) => Some("`{ from: REFERENCE }`"),
        (Shape::Bool, _) => Some("`true` or `false`"),
        (Shape::List | Shape::Command, _) => Some("a list"),
        (Shape::Map | Shape::Keys(_), _) => Some("a map"),
    }
}

/// Where the key of a setting stands: before its value. A setting keeps the place of its value
/// alone, which is what all other problems are about.
fn key_span(key: &str, value: Span, sources: &Sources) -> Span {
    let before = &sources.get(value.source).text[..value.start];
    before.rfind(key).map_or(value, |start| Span {
        start,
        end: start + key.len(),
        ..value
    })
}

fn check_groups(document: &Document, problems: &mut Problems) {
    let declared: BTreeMap<&str, Span> = document
        .layers()
        .flat_map(|layer| &layer.entries)
        .map(|(name, _)| (name.value.as_str(), name.span))
        .collect();
    for (group, members) in &document.groups {
        if let Some(variable) = declared.get(group.value.as_str()) {
            problems.add(
                Diagnostic::at(
                    group.span,
                    "group-is-variable",
                    format!(
                        "group `{}` has the name of a variable",
                        shown_name(&group.value)
                    ),
                )
                .related(*variable, "declared here")
                .hint("`--only` could mean either: rename the group"),
            );
        }
        for member in members {
            if !declared.contains_key(member.value.as_str()) {
                problems.add(
                    Diagnostic::at(
                        member.span,
                        "unknown-variable",
                        format!(
                            "group `{}` has a name that no `env` declares: `{}`",
                            shown_name(&group.value),
                            shown_name(&member.value)
                        ),
                    )
                    .hint_if(did_you_mean(&member.value, declared.keys().copied())),
                );
            }
        }
    }
}

/// What holds for the merged manifest: one hop in settings, templates.
pub(super) fn check_manifest(manifest: &Manifest, problems: &mut Problems) {
    for (name, backend) in &manifest.backends {
        check_hops(manifest, name, &backend.settings, problems);
    }
    for (name, variable) in &manifest.variables {
        let Some(Spanned {
            value: Origin::Template(template),
            span,
        }) = &variable.entry.origin
        else {
            continue;
        };
        let of_profile = match &manifest.profile {
            Some(profile) => format!(" of profile `{profile}`"),
            None => String::new(),
        };
        for part in template.variables() {
            let declared = manifest.variables.get(part);
            if let Some(file) = declared.and_then(|variable| variable.entry.file()) {
                problems.add(
                    Diagnostic::at(*span, "file-in-template", format!("the template of `{name}` needs `{part}`, which is a file"))
                        .related(file.span, "here")
                        .hint("a template is made of values: give the part another name without `as: file`"),
                );
            }
            if !manifest.variables.contains_key(part) {
                problems.add(
                    Diagnostic::at(
                        *span,
                        "unknown-variable",
                        format!("the template of `{name}` names `{part}`, which no `env`{of_profile} declares"),
                    )
                    .hint_if(did_you_mean(
                        part,
                        manifest.variables.keys().map(String::as_str),
                    ))
                    .hint_if(
                        manifest
                            .variables
                            .is_empty()
                            .then(|| "declare it".to_owned()),
                    ),
                );
            }
        }
    }
    order::check(manifest, problems);
}

fn check_hops(manifest: &Manifest, name: &str, settings: &Backend, problems: &mut Problems) {
    let mut references = Vec::new();
    for setting in settings.values() {
        setting.value.references(setting.span, &mut references);
    }
    for (reference, span) in references {
        let mut inner = Vec::new();
        if let Some(other) = manifest.backends.get(&reference.scheme) {
            other
                .settings
                .values()
                .for_each(|setting| setting.value.references(setting.span, &mut inner));
        }
        if let Some((_, other)) = inner.first() {
            problems.add(
                Diagnostic::at(
                    span,
                    "two-hops",
                    format!(
                        "a setting of `{name}` needs `{}`, whose own settings hold a reference",
                        reference.scheme
                    ),
                )
                .related(*other, "this one")
                .hint("a setting's reference may use any backend whose settings hold none"),
            );
        }
    }
}

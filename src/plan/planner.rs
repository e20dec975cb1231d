//! Making the plan: every declared name gets its place, checked; the selected ones are asked.

use std::collections::{BTreeMap, HashMap, HashSet};

use endow_providers::{Address, Kind, Setting as Known, Shape};

use super::{Asked, Part, Placed, Plan, Planned, Selection, SettingPlace, Source, select, sign_in};
use crate::manifest::{
    Manifest, Variable,
    diagnostic::{Diagnostic, Problems},
    document::{Origin, Setting},
    reference::{Bad, Reference, Role, absolute, names_a_path},
    source::{SourceId, Span, Spanned},
    template::Template,
};

/// Plans a selection. Every declared name is checked, also those not selected.
pub fn plan<'m>(
    manifest: &'m Manifest,
    selection: &Selection,
    problems: &mut Problems,
) -> Plan<'m> {
    sign_in::check(manifest, problems);
    let had_problems = !problems.is_empty();
    let swallowed = problems.places("swallowed-field");
    let swallowed = swallowed.map(|span| manifest.sources.line(span)).collect();
    let mut planner = Planner {
        manifest,
        problems,
        backends: Vec::new(),
        known: HashMap::new(),
        said: HashSet::new(),
        swallowed,
        is_quiet: had_problems,
    };
    let mut variables = BTreeMap::new();
    for (name, variable) in &manifest.variables {
        if let Some((source, decided)) = planner.source(name, variable) {
            variables.insert(name.as_str(), (variable, source, decided));
        }
    }
    let parts = select::roles(manifest, selection);
    let mut plan = Plan {
        manifest,
        variables: BTreeMap::new(),
        backends: Vec::new(),
        settings: Vec::new(),
    };
    for (name, (variable, source, decided)) in variables {
        let part = parts.get(name).copied().unwrap_or(Part::Unselected);
        let source = match source {
            Found::Value(text) => Source::Value(text),
            Found::Template(template) => Source::Template(template),
            Found::Places(places) if part == Part::Unselected => {
                let unasked = |(found, span): (FoundPlace<'m>, Span)| Placed {
                    backend: usize::MAX,
                    address: 0,
                    shown: found.shown,
                    span,
                };
                Source::Places(places.into_iter().map(unasked).collect())
            }
            Found::Places(places) => Source::Places(
                places
                    .into_iter()
                    .map(|(found, span)| planner.ask(found, span))
                    .collect(),
            ),
        };
        plan.variables.insert(
            name,
            Planned {
                variable,
                source,
                decided,
                part,
            },
        );
    }
    plan.settings = planner.settings();
    plan.backends = planner.backends;
    plan
}

struct Planner<'m, 'p> {
    manifest: &'m Manifest,
    problems: &'p mut Problems,
    backends: Vec<Asked<'m>>,
    /// Where each address of a backend stands in its list.
    known: HashMap<(usize, Address), usize>,
    /// Places that were complained of.
    said: HashSet<Span>,
    /// Lines on which a comment swallowed a field.
    swallowed: HashSet<(SourceId, usize)>,
    /// The manifest had problems before: what follows from them is not said.
    is_quiet: bool,
}

enum Found<'m> {
    Value(&'m str),
    Template(&'m Template),
    Places(Vec<(FoundPlace<'m>, Span)>),
}

struct FoundPlace<'m> {
    scheme: &'m str,
    kind: &'static Kind,
    address: Address,
    shown: String,
}

impl<'m> Planner<'m, '_> {
    fn source(&mut self, name: &'m str, variable: &'m Variable) -> Option<(Found<'m>, Span)> {
        match &variable.entry.origin {
            Some(Spanned {
                value: Origin::Value(text),
                span,
            }) => Some((Found::Value(text), *span)),
            Some(Spanned {
                value: Origin::Template(template),
                span,
            }) => Some((Found::Template(template), *span)),
            Some(Spanned {
                value: Origin::From(references),
                span,
            }) => Some((self.places(name, references, Role::Own), *span)),
            None => match &self.manifest.from {
                Some(references) => Some((
                    self.places(name, references, Role::Layer),
                    references.first()?.span,
                )),
                None if variable.entry.default.is_some() && variable.entry.key.is_none() => {
                    let default = variable.entry.default.as_ref()?;
                    Some((Found::Value(&default.value), default.span))
                }
                None => {
                    self.no_place(name, variable);
                    None
                }
            },
        }
    }

    fn no_place(&mut self, name: &str, variable: &Variable) {
        if self.is_quiet {
            return;
        }
        let at = match &self.manifest.profile {
            Some(profile) => format!(" in profile `{profile}`"),
            None => String::new(),
        };
        self.problems.add(
            Diagnostic::at(variable.span, "no-place", format!("`{name}` has no place{at}"))
                .hint("give it a reference, a `value` or a `template`, or give the layer a `from` that answers all such names"),
        );
    }

    fn places(
        &mut self,
        name: &'m str,
        references: &'m [Spanned<Reference>],
        role: Role,
    ) -> Found<'m> {
        let variable = &self.manifest.variables[name];
        let key = variable
            .entry
            .key
            .as_ref()
            .map_or(name, |key| key.value.as_str());
        let places = references.iter().filter_map(|reference| {
            let place = self.place(&reference.value, reference.span, role, Some((name, key)))?;
            self.guard(name, Some(variable.span), place.kind, reference.span);
            Some((place, reference.span))
        });
        Found::Places(places.collect())
    }

    /// A production profile does not use what is only for development, for a variable or, where
    /// nothing is declared, for a backend's setting.
    fn guard(&mut self, name: &str, declared: Option<Span>, kind: &Kind, span: Span) {
        let manifest = self.manifest;
        if !manifest.is_production || kind.is_for_production {
            return;
        }
        let profile = manifest.profile.as_deref().unwrap_or_default();
        let sources = &manifest.sources;
        let mut problem = Diagnostic::at(
            span,
            "dotenv-in-production",
            format!(
                "`{name}` has a `{}` place in the production profile `{profile}`",
                kind.name
            ),
        );
        if let Some(declared) = declared
            && sources.cite(span) != sources.cite(declared)
        {
            problem = problem.related(declared, "declared here");
        }
        self.problems.add(problem.hint(match declared {
            Some(_) => {
                "give the profile a `from`, or the name a place, in a backend made for production"
            }
            None => "give the setting a place in a backend made for production",
        }));
    }

    fn place(
        &mut self,
        reference: &'m Reference,
        span: Span,
        role: Role,
        variable: Option<(&'m str, &'m str)>,
    ) -> Option<FoundPlace<'m>> {
        // An unknown scheme was reported when the files were read.
        let Some(kind) = self.manifest.kind(&reference.scheme) else {
            self.undeclared(reference, span);
            return None;
        };
        match reference.place(kind, role, &self.manifest.scope(span, variable)) {
            Ok(place) => Some(FoundPlace {
                scheme: &reference.scheme,
                kind,
                address: place.address,
                shown: place.shown,
            }),
            Err(Bad { message, hint }) => {
                // Said before, of another name of the layer, or because a comment swallowed its
                // field.
                let is_swallowed = self.swallowed.contains(&self.manifest.sources.line(span));
                if is_swallowed || !self.said.insert(span) {
                    return None;
                }
                let name = variable.map_or_else(String::new, |(name, _)| format!(" of `{name}`"));
                let what = match (role, variable) {
                    (Role::Layer, _) => "the layer's place",
                    (Role::Own, Some(_)) => "the place",
                    (Role::Own, None) => "the place of a setting",
                };
                self.problems.add(
                    Diagnostic::at(span, "bad-reference", format!("{what}{name}: {message}"))
                        .hint_if(hint),
                );
                None
            }
        }
    }

    fn undeclared(&mut self, reference: &Reference, span: Span) {
        if !self.is_quiet {
            let profile = self.manifest.profile.as_deref().unwrap_or_default();
            self.problems.add(
                Diagnostic::at(
                    span,
                    "unknown-scheme",
                    format!("profile `{profile}` has no backend `{}`", reference.scheme),
                )
                .hint("another profile declares it: declare it at the top to have it everywhere"),
            );
        }
    }

    fn ask(&mut self, found: FoundPlace<'m>, span: Span) -> Placed {
        let backend = self
            .backends
            .iter()
            .position(|asked| asked.scheme == found.scheme)
            .unwrap_or_else(|| {
                self.backends.push(Asked {
                    scheme: found.scheme,
                    kind: found.kind,
                    addresses: Vec::new(),
                });
                self.backends.len() - 1
            });
        let addresses = &mut self.backends[backend].addresses;
        let known = self.known.entry((backend, found.address.clone()));
        let address = *known.or_insert_with(|| {
            addresses.push(found.address);
            addresses.len() - 1
        });
        Placed {
            backend,
            address,
            shown: found.shown,
            span,
        }
    }

    /// The places that the settings of the asked backends name.
    fn settings(&mut self) -> Vec<SettingPlace> {
        let mut wanted = Vec::new();
        for asked in &self.backends {
            let Some(backend) = self.manifest.backends.get(asked.scheme) else {
                continue;
            };
            let known = asked.kind.settings;
            check_paths(self.manifest, known, &backend.settings, self.problems);
            for (name, setting) in &backend.settings {
                let mut references = Vec::new();
                (setting.value).named_references(name, setting.span, &mut references);
                wanted.extend(references.into_iter().map(|(name, reference, span)| {
                    (asked.scheme.to_owned(), name, reference, span)
                }));
            }
        }
        let mut places = Vec::new();
        for (owner, setting, reference, span) in wanted {
            if let Some(found) = self.place(reference, span, Role::Own, None) {
                self.guard(&setting, None, found.kind, span);
                places.push(SettingPlace {
                    owner,
                    setting,
                    place: self.ask(found, span),
                });
            }
        }
        places
    }
}

/// Paths in settings start where the manifest stands, as those of references do.
fn check_paths(
    manifest: &Manifest,
    known: &[Known],
    settings: &BTreeMap<String, Spanned<Setting>>,
    problems: &mut Problems,
) {
    for known in known {
        let Some(setting) = settings.get(known.name) else {
            continue;
        };
        match (known.shape, &setting.value) {
            (Shape::Keys(inner), Setting::Map(map)) => check_paths(manifest, inner, map, problems),
            (Shape::Path, Setting::Text(path)) => {
                check_path(manifest, known.name, path, setting.span, problems);
            }
            (Shape::Command, Setting::List(words)) => {
                let program = words.first().map(|word| (&word.value, word.span));
                if let Some((Setting::Text(program), span)) = program
                    && names_a_path(program)
                {
                    check_path(manifest, known.name, program, span, problems);
                }
            }
            _ => {}
        }
    }
}

fn check_path(manifest: &Manifest, name: &str, path: &str, span: Span, problems: &mut Problems) {
    if let Err(Bad { message, hint }) = absolute(path, &manifest.scope(span, None)) {
        let message = format!("`{name}`: {message}");
        problems.add(Diagnostic::at(span, "bad-path", message).hint_if(hint));
    }
}

//! The facts of the page, as data.

use std::{collections::BTreeMap, ffi::OsStr};

use serde_json::{Value, json};

use super::Setting;
use crate::{
    environment::{
        Extra,
        inherit::{Fate, Rules, Why, WhyNot},
    },
    manifest::{document::Metadatum, duration, source::Sources},
    plan::{Part, Plan, Planned, Source},
    session::GrantLine,
    sys::memory,
    ui::shown,
};

/// What `explain` says.
pub(super) struct Report {
    pub(super) file: String,
    pub(super) project: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) is_production: bool,
    pub(super) trust: Vec<GrantLine>,
    pub(super) variables: Vec<Variable>,
    pub(super) requests: Vec<Requests>,
    /// Names by reason, each list in the order of the alphabet.
    pub(super) inherited: BTreeMap<String, Vec<String>>,
    pub(super) dropped: BTreeMap<String, Vec<String>>,
    pub(super) launch: Launch,
    pub(super) command: Vec<String>,
}

pub(super) struct Variable {
    pub(super) name: String,
    /// Places in the order in which they are asked, or a word for what it is instead.
    pub(super) places: Vec<String>,
    pub(super) decided: String,
    /// `optional`, `has a default`, `not exported`, ...
    pub(super) notes: Vec<String>,
    pub(super) is_selected: bool,
    metadata: Value,
}

pub(super) struct Requests {
    pub(super) scheme: String,
    pub(super) kind: String,
    pub(super) count: usize,
    /// What each asks, and for how many variables.
    pub(super) labels: Vec<String>,
    pub(super) is_available: bool,
}

pub(super) struct Launch {
    pub(super) way: &'static str,
    pub(super) why: String,
}

impl Report {
    pub(super) fn new(plan: &Plan<'_>, setting: &Setting<'_>) -> Self {
        let manifest = plan.manifest;
        let (inherited, dropped) = environment(plan, setting);
        Self {
            file: manifest
                .sources
                .iter()
                .next()
                .map(|source| source.display.clone())
                .unwrap_or_default(),
            project: manifest.project.clone(),
            profile: manifest.profile.clone(),
            is_production: manifest.is_production,
            trust: setting.trust.clone(),
            variables: plan
                .variables
                .iter()
                .map(|(name, planned)| variable(name, planned, &manifest.sources))
                .collect(),
            requests: (0..plan.backends.len())
                .map(|backend| requests(plan, backend))
                .collect(),
            inherited,
            dropped,
            launch: launch(plan, setting),
            command: setting.command.iter().map(|word| shown(word)).collect(),
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "file": self.file,
            "project": self.project,
            "profile": self.profile,
            "production": self.is_production,
            "trust": self.trust.iter().map(|grant| json!({
                "profile": grant.profile, "what": grant.what, "line": grant.place, "trusted": grant.is_trusted,
            })).collect::<Vec<_>>(),
            "variables": self.variables.iter().map(|variable| json!({
                "name": variable.name, "places": variable.places, "decided": variable.decided,
                "notes": variable.notes, "selected": variable.is_selected, "metadata": variable.metadata,
            })).collect::<Vec<_>>(),
            "requests": self.requests.iter().map(|requests| json!({
                "backend": requests.scheme, "type": requests.kind, "count": requests.count,
                "labels": requests.labels, "available": requests.is_available,
            })).collect::<Vec<_>>(),
            "inherited": self.inherited,
            "dropped": self.dropped,
            "launch": { "way": self.launch.way, "why": self.launch.why },
            "command": self.command,
        })
    }
}

fn variable(name: &str, planned: &Planned<'_>, sources: &Sources) -> Variable {
    let entry = &planned.variable.entry;
    let mut notes = Vec::new();
    match planned.part {
        Part::Exported => {}
        Part::Needed => notes.push("not exported: part of a template".to_owned()),
        Part::Unselected => notes.push("not selected".to_owned()),
    }
    if planned.part == Part::Unselected && !entry.is_exported() {
        "not exported, and nothing needs it".clone_into(&mut notes[0]);
    }
    if entry.default.is_some() {
        notes.push("has a default".to_owned());
    } else if entry
        .required
        .as_ref()
        .is_some_and(|required| !required.value)
    {
        notes.push("optional".to_owned());
    }
    if let Some(file) = entry.file() {
        let place = if file.value.is_tmpfs {
            "on tmpfs"
        } else if memory::ARE_THERE {
            "in memory"
        } else {
            "in a pipe"
        };
        notes.push(format!("a file {place}"));
    }
    let places = match &planned.source {
        Source::Value(_) => vec!["value".to_owned()],
        Source::Template(template) => {
            let mut parts: Vec<&str> = template.variables().collect();
            parts.dedup();
            vec![if parts.is_empty() {
                "template".to_owned()
            } else {
                format!("template of {}", parts.join(", "))
            }]
        }
        Source::Places(places) => places.iter().map(|placed| placed.shown.clone()).collect(),
    };
    let metadata: BTreeMap<&str, Value> = entry
        .metadata
        .iter()
        .map(|(name, datum)| (*name, metadatum(&datum.value)))
        .collect();
    Variable {
        name: name.to_owned(),
        places,
        decided: sources.cite(planned.decided),
        notes,
        is_selected: planned.part != Part::Unselected,
        metadata: json!(metadata),
    }
}

fn metadatum(datum: &Metadatum) -> Value {
    match datum {
        Metadatum::Flag(flag) => json!(flag),
        Metadatum::Date(date) => json!(date.to_string()),
        Metadatum::Duration(length) => json!(duration::shown(*length)),
        Metadatum::Text(text) => json!(text),
        Metadatum::Texts(texts) => json!(texts),
        Metadatum::Reasons(reasons) => json!(reasons),
    }
}

fn requests(plan: &Plan<'_>, backend: usize) -> Requests {
    let asked = &plan.backends[backend];
    let all = plan.requests(backend);
    // Paths were made absolute for the backend; people know them from the manifest.
    let here = plan
        .manifest
        .sources
        .iter()
        .next()
        .map_or_else(String::new, |source| {
            format!(" {}/", source.directory().display())
        });
    let label = |request: &endow_providers::Request| {
        let count = request.answers.len();
        let label = request.label.replace(&here, " ");
        format!(
            "{label} ({count} {})",
            if count == 1 { "place" } else { "places" }
        )
    };
    let mut labels: Vec<String> = all.iter().map(label).collect();
    if all.is_empty() {
        labels.push("asked only where a place before it is absent".to_owned());
    }
    Requests {
        scheme: asked.scheme.to_owned(),
        kind: asked.kind.name.to_owned(),
        count: all.iter().filter(|request| !request.is_free).count(),
        labels,
        is_available: asked.kind.open.is_some(),
    }
}

type ByReason = BTreeMap<String, Vec<String>>;

fn environment(plan: &Plan<'_>, setting: &Setting<'_>) -> (ByReason, ByReason) {
    let rules = Rules::new(plan.manifest, setting.extra);
    let sources = &plan.manifest.sources;
    let (mut inherited, mut dropped) = (ByReason::new(), ByReason::new());
    let parent = &setting.context.environment;
    let chosen: Vec<&Extra> = rules.chosen(setting.chosen).collect();
    for (name, _) in &chosen {
        let reason = "chosen by a flag or a variable".to_owned();
        inherited.entry(reason).or_default().push(shown(name));
    }
    let is_replaced = |name: &OsStr| chosen.iter().any(|(chosen, _)| chosen == name);
    for ((name, _), fate) in parent.iter().zip(rules.fates(parent)) {
        if is_replaced(name) {
            continue;
        }
        let (reasons, reason) = match &fate {
            Fate::Inherited(why) => (&mut inherited, inherited_because(why, sources)),
            Fate::Dropped(why) => (&mut dropped, dropped_because(why, sources)),
        };
        reasons.entry(reason).or_default().push(shown(name));
    }
    inherited
        .values_mut()
        .chain(dropped.values_mut())
        .for_each(|names| names.sort_unstable());
    (inherited, dropped)
}

fn inherited_because(why: &Why, sources: &Sources) -> String {
    match why {
        Why::Base => "base set".to_owned(),
        Why::Word(word, span) => format!("inherit {word} ({})", sources.cite(*span)),
        Why::Flag => "-e".to_owned(),
    }
}

fn dropped_because(why: &WhyNot, sources: &Sources) -> String {
    match why {
        WhyNot::NotInherited => "not inherited".to_owned(),
        WhyNot::Declared => "declared by the manifest".to_owned(),
        WhyNot::Suspicious => "looks like a secret".to_owned(),
        WhyNot::Credential(owner) => format!("credential of {owner}"),
        WhyNot::Removed(word, span) => format!("inherit {word} ({})", sources.cite(*span)),
        WhyNot::Doubled => "second of that name".to_owned(),
    }
}

fn launch(plan: &Plan<'_>, setting: &Setting<'_>) -> Launch {
    let mut duties = setting.duties.clone();
    duties.extend(plan.duties());
    let leasing: Vec<&str> = plan
        .backends
        .iter()
        .enumerate()
        .filter(|(backend, _)| plan.may_keep(*backend))
        .map(|(_, asked)| asked.scheme)
        .collect();
    let (way, why) = if !duties.is_empty() {
        ("supervise", duties.join("; "))
    } else if !leasing.is_empty() {
        let leases = "can give leases, which are kept while the command runs; KV engines give none";
        (
            "supervise if leased",
            format!("`{}` {leases}", leasing.join("`, `")),
        )
    } else {
        (
            "exec",
            "the command replaces endow and keeps its process id".to_owned(),
        )
    };
    Launch { way, why }
}

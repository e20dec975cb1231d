//! The property that trust is for: two manifests that are trusted alike do alike whatever needs trust,
//! in every profile, and a new name or an ordinary place changes nothing.
//!
//! Manifests are made as data and written as YAML. What they do is worked out from the data by a
//! second, slow reading of the rules, which shares no line with the program's.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{Grant, ProfileGrants, Project, grants};
use crate::manifest::{Choice, find::Found, open_by};

/// Pairs of manifests that are compared.
const PAIRS: usize = 100_000;
/// So many manifests are alike.
const FAMILY: usize = 40;

/// Numbers that look random: xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        usize::try_from(mixed >> 33).unwrap_or_default() % end
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A layer as data: each value is the YAML after the colon.
#[derive(Clone, Debug, Default, PartialEq)]
struct Layer {
    /// Settings by scheme.
    backends: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
    from: Option<&'static str>,
    env: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct File {
    top: Layer,
    profiles: BTreeMap<&'static str, (Vec<&'static str>, Layer)>,
}

/// The found manifest, and one that it extends from another directory.
#[derive(Clone, Debug, Default, PartialEq)]
struct Made {
    base: Option<File>,
    main: File,
}

const PROFILES: [&str; 3] = ["a", "b", "c"];
/// Plain names, and names that steer.
const NAMES: [&str; 5] = ["X", "Y", "NODE_OPTIONS", "HTTP_PROXY", "HOME"];
const STEERING: [&str; 3] = ["NODE_OPTIONS", "HTTP_PROXY", "HOME"];
const PLACES: [&str; 6] = [
    "vault://secret/a#x",
    "vault://secret/b#x",
    "own://id",
    "env://THEIRS",
    "dotenv://.env#K",
    "file://secrets/x",
];
const VAULT: [(&str, &[&str]); 7] = [
    (
        "address",
        &[
            "https://one",
            "https://two",
            "{ from: env://THEIR_ADDRESS }",
        ],
    ),
    (
        "auth",
        &[
            "{ token: { from: env://ONE_TOKEN } }",
            "{ token: { from: env://TWO_TOKEN } }",
            "{ jwt: { from: file:///m/project/jwt } }",
        ],
    ),
    ("tls_skip_verify", &["true"]),
    ("proxy", &["http://p"]),
    ("namespace", &["ai", "ml"]),
    ("ca_cert", &["ca.pem"]),
    ("type", &["vault", "openbao"]),
];
const OWN: [(&str, &[&str]); 4] = [
    ("type", &["exec"]),
    ("command", &["[prog, -q]", "[./prog]", "[prog, \"-q \"]"]),
    ("inherit", &["[ONE]", "[TWO]"]),
    ("timeout", &["5s"]),
];
const FROM: [&str; 3] = ["dotenv://.env", "vault://secret/it", "file://secrets"];

fn layer(random: &mut Random) -> Layer {
    let mut layer = Layer::default();
    for _ in 0..random.below(3) {
        change(random, &mut layer);
    }
    layer
}

/// One more setting, name or place, or one less.
fn change(random: &mut Random, layer: &mut Layer) {
    match random.below(8) {
        0..=3 => {
            let (scheme, settings): (_, &[(&str, &[&str])]) = if random.one_in(3) {
                ("own", &OWN)
            } else {
                ("vault", &VAULT)
            };
            let (name, values) = random.pick(settings);
            let backend = layer.backends.entry(scheme).or_default();
            if backend.remove(name).is_none() || random.one_in(2) {
                backend.insert(name, random.pick(values));
            }
            layer.backends.retain(|_, settings| !settings.is_empty());
        }
        4..=6 => {
            let name = random.pick(&NAMES);
            if layer.env.remove(name).is_none() || random.one_in(2) {
                let entry = match random.below(5) {
                    0 => BTreeMap::from([("value", random.pick(&["v", "w"]))]),
                    1 | 2 => BTreeMap::from([("from", random.pick(&PLACES))]),
                    3 => BTreeMap::from([("template", random.pick(&["\"${X}\"", "\"${Y}\""]))]),
                    _ => BTreeMap::from([("default", random.pick(&["d", "e"]))]),
                };
                layer.env.insert(name, entry);
            }
        }
        _ => {
            layer.from = (!random.one_in(3)).then(|| random.pick(&FROM));
        }
    }
}

fn file(random: &mut Random) -> File {
    let mut file = File {
        top: layer(random),
        profiles: BTreeMap::new(),
    };
    for name in PROFILES {
        let mut extends = Vec::new();
        for other in PROFILES.iter().filter(|other| **other > name) {
            if random.one_in(3) {
                extends.insert(random.below(extends.len() + 1), *other);
            }
        }
        file.profiles.insert(name, (extends, layer(random)));
    }
    file
}

fn made(random: &mut Random) -> Made {
    Made {
        base: random.one_in(3).then(|| file(random)),
        main: file(random),
    }
}

/// Another manifest that differs in one thing, or two of whose things changed places.
fn mutant(random: &mut Random, made: &Made) -> Made {
    let mut other = made.clone();
    let file = match &mut other.base {
        Some(base) if random.one_in(3) => base,
        _ => &mut other.main,
    };
    let (one, two) = (random.pick(&PROFILES), random.pick(&PROFILES));
    match random.below(6) {
        0 => {
            let moved = file.profiles.get(one).map(|(_, layer)| layer.clone());
            let there = file.profiles.get(two).map(|(_, layer)| layer.clone());
            for (name, layer) in [(one, there), (two, moved)] {
                if let (Some(profile), Some(layer)) = (file.profiles.get_mut(name), layer) {
                    profile.1 = layer;
                }
            }
        }
        1 => {
            if let Some(profile) = file.profiles.get_mut(one) {
                profile.0.reverse();
            }
        }
        2 => {
            if let Some(profile) = file.profiles.get_mut(one) {
                std::mem::swap(&mut file.top, &mut profile.1);
            }
        }
        3 => change(random, &mut file.top),
        _ => {
            if let Some(profile) = file.profiles.get_mut(one) {
                change(random, &mut profile.1);
            }
        }
    }
    other
}

fn yaml_of_layer(layer: &Layer, indent: &str) -> String {
    let mut text = String::new();
    let map = |map: &BTreeMap<&str, &str>| {
        let items: Vec<String> = map
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        format!("{{ {} }}", items.join(", "))
    };
    if !layer.backends.is_empty() {
        text += &format!("{indent}backends:\n");
        for (scheme, settings) in &layer.backends {
            text += &format!("{indent}  {scheme}: {}\n", map(settings));
        }
    }
    if let Some(from) = layer.from {
        text += &format!("{indent}from: {from}\n");
    }
    if !layer.env.is_empty() {
        text += &format!("{indent}env:\n");
        for (name, entry) in &layer.env {
            text += &format!("{indent}  {name}: {}\n", map(entry));
        }
    }
    text
}

fn yaml(file: &File, head: &str) -> String {
    let mut text = format!(
        "version: 1\n{head}{}profiles:\n",
        yaml_of_layer(&file.top, "")
    );
    for (name, (extends, layer)) in &file.profiles {
        text += &format!("  {name}:\n    extends: [{}]\n", extends.join(", "));
        text += &yaml_of_layer(layer, "    ");
    }
    text
}

/// What the program says must be trusted.
fn said(made: &Made) -> Vec<ProfileGrants> {
    let directory = Path::new("/m/project");
    let path = directory.join("secretfile.yaml");
    let head = if made.base.is_some() {
        "extends: base/secretfile.yaml\n"
    } else {
        ""
    };
    let main = yaml(&made.main, head);
    let base = made.base.as_ref().map(|base| yaml(base, ""));
    let read = |asked: &Path, _| {
        let text = if asked == path {
            Some(&main)
        } else {
            base.as_ref()
        };
        text.map(|text| (text.clone(), Vec::new()))
            .ok_or_else(|| "no such file".to_owned())
    };
    let found = Found {
        path: path.clone(),
        display: "secretfile.yaml".to_owned(),
        is_named: false,
        passed_over: None,
    };
    let home = Some(PathBuf::from("/home/u"));
    let project = Project::of(&path, home.as_deref());
    let opened = open_by(&read, &found, Choice::Named("a", "--profile"), home);
    let opened = opened.expect("the file is there");
    let files = opened.files.manifests();
    files
        .map(|manifest| grants(&manifest, &project, &|_| None, &BTreeSet::new()))
        .collect()
}

/// What it does that needs trust, by profile and by what it is about.
type Done = BTreeMap<(&'static str, String), String>;

/// A setting or place with the directory of the file that says it, where that matters.
type Told = (&'static str, bool);

fn told(told: &Told) -> String {
    let (text, is_base) = *told;
    let is_relative = ["./prog", "ca.pem", ".env", "file://secrets"];
    let is_relative = is_relative.iter().any(|part| text.contains(part));
    let directory = if is_base && is_relative { "base/" } else { "" };
    format!("{directory}{text}")
}

/// The second reading.
fn done(made: &Made) -> Done {
    let files: Vec<(&File, bool)> = made
        .base
        .iter()
        .map(|base| (base, true))
        .chain([(&made.main, false)])
        .collect();
    let mut all = Done::new();
    for profile in PROFILES {
        let mut chain = Vec::new();
        extended(&files, profile, &mut chain);
        let mut layers: Vec<(&Layer, bool)> = files
            .iter()
            .map(|(file, is_base)| (&file.top, *is_base))
            .collect();
        for name in &chain {
            for (file, is_base) in &files {
                layers.extend(file.profiles.get(name).map(|(_, layer)| (layer, *is_base)));
            }
        }
        all.extend(of_profile(profile, &layers, made, &chain));
    }
    all
}

fn extended(files: &[(&File, bool)], name: &'static str, chain: &mut Vec<&'static str>) {
    if chain.contains(&name) {
        return;
    }
    for (file, _) in files {
        for other in file
            .profiles
            .get(name)
            .map(|(extends, _)| extends)
            .into_iter()
            .flatten()
        {
            extended(files, other, chain);
        }
    }
    if !chain.contains(&name) {
        chain.push(name);
    }
}

fn of_profile(
    profile: &'static str,
    layers: &[(&Layer, bool)],
    made: &Made,
    chain: &[&'static str],
) -> Done {
    let mut backends: BTreeMap<&str, BTreeMap<&str, Told>> = BTreeMap::new();
    let mut from: Option<Told> = None;
    let mut entries: BTreeMap<&str, BTreeMap<&str, Told>> = BTreeMap::new();
    for (layer, is_base) in layers {
        for (scheme, settings) in &layer.backends {
            let settings = settings
                .iter()
                .map(|(name, value)| (*name, (*value, *is_base)));
            backends.entry(scheme).or_default().extend(settings);
        }
        from = layer.from.map(|from| (from, *is_base)).or(from);
        for (name, entry) in &layer.env {
            let into = entries.entry(name).or_default();
            for (key, value) in entry {
                if ["value", "from", "template"].contains(key) {
                    into.retain(|key, _| *key == "default");
                }
                into.insert(key, (*value, *is_base));
            }
        }
    }
    // Names are those of the found file alone.
    let mut names: BTreeSet<&str> = made.main.top.env.keys().copied().collect();
    for name in chain {
        let profile = made.main.profiles.get(name);
        names.extend(profile.into_iter().flat_map(|(_, layer)| layer.env.keys()));
    }
    let backend = |scheme: &str| {
        let has_type = backends
            .get(scheme)
            .is_some_and(|settings| settings.contains_key("type"));
        if scheme == "own" && !has_type {
            return "an unknown scheme".to_owned();
        }
        let settings = backends.get(scheme).into_iter().flatten();
        let each = settings.map(|(name, value)| format!("{name}={}", told(value)));
        each.collect::<Vec<_>>().join(" ")
    };
    let mut all = Done::new();
    for (scheme, settings) in &backends {
        let is_program = settings
            .get("type")
            .is_some_and(|(text, _)| *text == "exec");
        let needed = ["address", "tls_skip_verify", "proxy", "ca_cert"];
        let is_address =
            *scheme == "vault" && needed.iter().any(|name| settings.contains_key(name));
        if is_program || is_address {
            all.insert((profile, (*scheme).to_owned()), backend(scheme));
        }
    }
    for name in STEERING.iter().filter(|name| names.contains(**name)) {
        let what = value(name, &entries, from, &names, &backend, 0);
        all.insert((profile, (*name).to_owned()), what);
    }
    all
}

fn value(
    name: &str,
    entries: &BTreeMap<&str, BTreeMap<&str, Told>>,
    from: Option<Told>,
    names: &BTreeSet<&str>,
    backend: &dyn Fn(&str) -> String,
    depth: usize,
) -> String {
    let empty = BTreeMap::new();
    let entry = entries.get(name).unwrap_or(&empty);
    let place = |place: Told| {
        let scheme = place.0.split("://").next().unwrap_or_default();
        format!("{} by {}", told(&place), backend(scheme))
    };
    let origin = if let Some(text) = entry.get("value") {
        format!("value {}", text.0)
    } else if let Some(template) = entry.get("template") {
        let part = if template.0.contains('X') { "X" } else { "Y" };
        let is_there = names.contains(part) && depth < 4;
        let inner = is_there.then(|| value(part, entries, from, names, backend, depth + 1));
        format!("template {} of {inner:?}", template.0)
    } else if let Some(own) = entry.get("from") {
        place(*own)
    } else {
        from.map_or_else(
            || "nothing".to_owned(),
            |from| format!("layer {}", place(from)),
        )
    };
    format!(
        "{origin} default {:?}",
        entry.get("default").map(|text| text.0)
    )
}

fn digests(profile: &ProfileGrants) -> BTreeSet<&str> {
    profile
        .grants
        .iter()
        .map(|grant| grant.digest.as_str())
        .collect()
}

/// Whether whoever trusted `one` is not asked for `other`.
fn covers(one: &[ProfileGrants], other: &[ProfileGrants]) -> bool {
    one.iter().zip(other).all(|(one, other)| {
        let trusted = digests(one);
        let is_trusted = |grant: &Grant| trusted.contains(grant.digest.as_str());
        other.grants.iter().all(is_trusted)
    })
}

/// A manifest with both readings of it.
struct Read {
    made: Made,
    said: Vec<ProfileGrants>,
    done: Done,
}

fn read(made: Made) -> Read {
    let (said, done) = (said(&made), done(&made));
    Read { made, said, done }
}

/// Whether the second is not asked for after the first; then it does nothing else.
#[track_caller]
fn compare(one: &Read, other: &Read) -> bool {
    let is_covered = covers(&one.said, &other.said);
    for (what, how) in other.done.iter().filter(|_| is_covered) {
        assert_eq!(
            one.done.get(what),
            Some(how),
            "{what:?} was not asked for\n{}\n---\n{}",
            yaml(&one.made.main, ""),
            yaml(&other.made.main, ""),
        );
    }
    is_covered
}

#[test]
fn manifests_that_are_trusted_alike_do_alike_what_needs_trust() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut pairs, mut covered, mut different) = (0, 0, 0);
    while pairs < PAIRS {
        // A family: each differs in one thing from one before it.
        let mut family = vec![read(made(&mut random))];
        for _ in 1..FAMILY {
            let from = random.below(family.len());
            let next = mutant(&mut random, &family[from].made);
            family.push(read(next));
        }
        for (at, second) in family.iter().enumerate() {
            for first in &family[..at] {
                let is_covered = compare(first, second);
                compare(second, first);
                covered += usize::from(is_covered && first.made != second.made);
                different += usize::from(!is_covered);
                pairs += 1;
            }
        }
    }
    // Neither answer is the only one.
    assert!(
        covered > PAIRS / 50,
        "{covered} of {pairs} are trusted alike"
    );
    assert!(different > PAIRS / 50, "{different} of {pairs} are not");
}

#[test]
fn a_new_name_and_an_ordinary_place_change_nothing_that_is_trusted() {
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    for _ in 0..500 {
        let first = made(&mut random);
        let trusted = said(&first);
        let mut second = first.clone();
        let place = random.pick(&["vault://secret/c#y", "env://ORDINARY", "aws-sm://a#b"]);
        let layer = match random.below(4) {
            0 => &mut second.main.top,
            at => {
                &mut second
                    .main
                    .profiles
                    .get_mut(PROFILES[at - 1])
                    .expect("a profile")
                    .1
            }
        };
        layer
            .env
            .insert("NEW_NAME", BTreeMap::from([("from", place)]));
        assert_eq!(
            said(&second).iter().map(digests).collect::<Vec<_>>(),
            trusted.iter().map(digests).collect::<Vec<_>>()
        );
    }
}

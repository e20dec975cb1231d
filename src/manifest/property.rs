//! What must hold for any manifest: it is understood or refused, in words that can be printed, at
//! places that exist, and never with a credential in them.

mod soundness;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use self::soundness::{is_in_bounds, is_sound};
use super::{
    Choice, credential,
    diagnostic::Diagnostic,
    find::Found,
    open_by,
    trust::{self, Project},
};
use crate::{
    plan::{self, Selection},
    ui,
};

/// So many profiles are looked at.
const MOST_PROFILES: usize = 3;
/// YAML 1.2.2, section 7.4.2, with some room for line ends.
const LONGEST_KEY: usize = 900;
const DIRECTORY: &str = "/m";

/// A manifest; each line `%%% NAME` begins another file beside it. `CRED0` to `CRED4` stand for
/// credentials in published formats, so that no file holds one.
///
/// # Panics
///
/// Where it does not hold.
pub fn manifest(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if has_secret(text) {
        return;
    }
    let files = files(text);
    let mut profiles = Vec::new();
    let found = look(&files, Choice::Default, &mut profiles);
    assert_eq!(
        found,
        look(&files, Choice::Default, &mut Vec::new()),
        "the same each time"
    );
    let names = profiles.iter().map(String::as_str).take(MOST_PROFILES);
    for name in names.chain(["no such"]) {
        look(&files, Choice::Named(name, "--profile"), &mut Vec::new());
    }
    ends_as_windows_does(&files, &found);
}

/// Files by name, the manifest itself under the empty one.
type Files = BTreeMap<PathBuf, String>;

/// Code, message and line of each problem.
type Said = Vec<(&'static str, String, Option<usize>)>;

fn files(text: &str) -> Files {
    let mut files = Files::new();
    let mut name = "secretfile.yaml";
    for line in text.split_inclusive('\n') {
        if let Some(next) = line.strip_prefix("%%% ") {
            name = next.trim();
        } else {
            let file = files.entry(Path::new(DIRECTORY).join(name)).or_default();
            file.push_str(&with_credentials(line));
        }
    }
    files
        .entry(Path::new(DIRECTORY).join("secretfile.yaml"))
        .or_default();
    files
}

/// The unit that the bodies of made credentials repeat.
const UNIT: &str = "q7Zx";

fn with_credentials(text: &str) -> String {
    let made = [
        format!("ghp_{}", UNIT.repeat(9)),
        format!("sk-proj-{}", UNIT.repeat(10)),
        format!("AKIA{}", UNIT.to_uppercase().repeat(4)),
        format!("eyJ{UNIT}.eyJ{UNIT}.{}", UNIT.repeat(8)),
        format!("-----BEGIN RSA {} KEY-----", "PRIVATE"),
    ];
    // A part of a longer word has no such format.
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut with = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("CRED") {
        with.push_str(before);
        let number = after.chars().next().and_then(|digit| digit.to_digit(10));
        let made = number.and_then(|number| made.get(usize::try_from(number).ok()?));
        let is_alone = !with.ends_with(is_word)
            && after
                .chars()
                .nth(1)
                .is_none_or(|next| !is_word(next) && next != '\\');
        match made {
            Some(made) if is_alone => {
                with.push_str(made);
                rest = &after[1..];
            }
            _ => {
                with.push_str("CRED");
                rest = after;
            }
        }
    }
    with + rest
}

/// Whether a text has a part of a made credential, also one that is too short to be known.
fn has_secret(text: &str) -> bool {
    text.to_lowercase().contains(&UNIT.to_lowercase().repeat(2))
}

fn look(files: &Files, choice: Choice<'_>, profiles: &mut Vec<String>) -> Said {
    let path = Path::new(DIRECTORY).join("secretfile.yaml");
    let found = Found {
        path,
        display: "secretfile.yaml".to_owned(),
        is_named: true,
        passed_over: None,
    };
    let read = |path: &Path, _| match files.get(path) {
        Some(text) => Ok((text.clone(), Vec::new())),
        None => Err("no such file".to_owned()),
    };
    let home = Some(PathBuf::from("/home/u"));
    let environment = |name: &str| (name == "VAULT_ADDR").then(|| "https://v.example".to_owned());
    let project = Project::of(&found.path, home.as_deref());
    let opened = open_by(&read, &found, choice, home);
    let opened = opened.expect("the file is there");
    *profiles = opened.profiles;
    for manifest in opened.files.manifests() {
        let profile = trust::grants(&manifest, &project, &environment, &BTreeSet::new());
        for grant in profile.grants {
            is_in_bounds(&opened.manifest.sources, grant.span);
            holds_no_credential(&grant.line());
        }
    }
    let mut problems = opened.problems;
    let plan = plan::plan(&opened.manifest, &Selection::All, &mut problems);
    let problems = problems.into_sorted();
    is_sound(&plan, problems.is_empty());
    can_be_shown(&problems, &plan);
    let line = |problem: &Diagnostic| Some(opened.manifest.sources.line(problem.span?).1);
    let said = problems
        .iter()
        .map(|problem| (problem.code, problem.message.clone(), line(problem)));
    said.collect()
}

fn can_be_shown(problems: &[Diagnostic], plan: &plan::Plan<'_>) {
    let sources = &plan.manifest.sources;
    for problem in problems {
        let spans = problem
            .span
            .into_iter()
            .chain(problem.related.iter().map(|(span, _)| *span));
        spans.for_each(|span| is_in_bounds(sources, span));
        assert!(!problem.message.is_empty());
        let again = ui::problem_json(problem, sources).to_string();
        holds_no_credential(&again);
    }
    holds_no_credential(&ui::problems_text(problems, sources));
    for planned in plan.variables.values() {
        let plan::Source::Places(places) = &planned.source else {
            continue;
        };
        assert!(
            places
                .iter()
                .all(|placed| !placed.shown.contains(char::is_control))
        );
    }
}

fn holds_no_credential(text: &str) {
    let is_shown = has_secret(text) || credential::issuer(text).is_some();
    assert!(!is_shown, "a credential is shown: {text}");
}

/// With the line ends of Windows it says the same.
fn ends_as_windows_does(files: &Files, said: &Said) {
    // A key ends at 1024 characters, and line ends in it count.
    let has_long = files.values().any(|text| text.len() > LONGEST_KEY);
    let is_about_a_key = has_long && said.iter().any(|(code, ..)| *code == "syntax");
    if is_about_a_key || files.values().any(|text| text.contains('\r')) {
        return;
    }
    let files = files
        .iter()
        .map(|(path, text)| (path.clone(), text.replace('\n', "\r\n")));
    let again = look(&files.collect(), Choice::Default, &mut Vec::new());
    assert_eq!(*said, again, "with the line ends of Windows");
}

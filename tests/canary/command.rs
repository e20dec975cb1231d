//! Every command of endow, and what it prints of the values that it was given.

use std::collections::BTreeMap;

use super::value::Canary;

/// A command line of endow.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    /// Its words; those of `run` go on with a child.
    pub(crate) words: &'static [&'static str],
    /// How the values are delivered.
    pub(crate) delivery: Option<&'static str>,
    /// The canaries that it can carry.
    takes: &'static [&'static str],
    pub(crate) prints: Prints,
}

/// What stands on standard output by purpose.
#[derive(Clone, Copy)]
pub(crate) enum Prints {
    /// No value: all of it is searched.
    Report,
    /// What the child was given, by the child.
    Child,
    /// The same with names in the place of values.
    Masks,
    /// One value.
    One,
    /// All values in this form.
    Form(fn(&[Canary]) -> String),
}

const ALL: &[&str] = &["PLAIN", "QUOTED", "LONG", "BINARY"];
const TEXTS: &[&str] = &["PLAIN", "QUOTED", "LONG"];
const LINES: &[&str] = &["PLAIN", "LONG"];

/// All of them, in both forms of their reports.
pub(crate) const COMMANDS: [Command; 21] = [
    run(&["run"], None, Prints::Child),
    run(&["run", "--init"], None, Prints::Child),
    run(&["run", "--redact"], None, Prints::Masks),
    run(&["run", "--watch"], None, Prints::Child),
    run(&["run"], Some("file"), Prints::Child),
    run(&["run"], Some("{ file: tmpfs }"), Prints::Child),
    reports(&["run", "--dry-run"]),
    reports(&["run", "--dry-run", "--format", "json"]),
    reports(&["explain"]),
    reports(&["explain", "--format", "json"]),
    reports(&["check"]),
    reports(&["check", "--format", "json"]),
    reports(&["check", "--all-profiles"]),
    reports(&["trust", "--yes"]),
    reports(&["schema"]),
    Command {
        prints: Prints::One,
        ..reports(&["get", "PLAIN"])
    },
    exports(&["export", "--format", "docker"], LINES, docker),
    exports(
        &["export", "--format", "dotenv", "--for", "python"],
        TEXTS,
        dotenv,
    ),
    exports(&["export", "--format", "github"], TEXTS, github),
    exports(&["export", "--format", "json"], TEXTS, json),
    exports(&["export", "--format", "shell"], TEXTS, shell),
];

impl Command {
    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        let delivery = self.delivery.map(|delivery| format!(", as: {delivery}"));
        self.words.join(" ") + &delivery.unwrap_or_default()
    }

    pub(crate) fn is_run(&self) -> bool {
        matches!(self.prints, Prints::Child | Prints::Masks)
    }

    /// Whether a value is asked for.
    pub(crate) fn resolves(&self) -> bool {
        let is_plan = ["--dry-run", "explain", "schema", "trust"];
        !self.words.iter().any(|word| is_plan.contains(word))
    }

    pub(crate) fn carries(&self, canary: &Canary) -> bool {
        self.takes.contains(&canary.name)
    }

    /// The words of a child that prints its values with a bar after each, by nothing but the shell
    /// itself where they are in its environment.
    pub(crate) fn child(&self, values: &[Canary]) -> Vec<String> {
        let print = |Canary { name, .. }: &Canary| match self.delivery {
            Some(_) => format!("cat \"${name}\"; printf '|'; "),
            None => format!("printf '%s|' \"${name}\"; "),
        };
        let script: String = values.iter().map(print).collect();
        vec!["sh".to_owned(), "-c".to_owned(), script]
    }

    /// The exact standard output; `None` where it is searched instead.
    pub(crate) fn output(&self, values: &[Canary]) -> Option<Vec<u8>> {
        match self.prints {
            Prints::Report => None,
            Prints::Child => {
                let parts = values
                    .iter()
                    .map(|canary| [&canary.value[..], b"|"].concat());
                Some(parts.collect::<Vec<_>>().concat())
            }
            Prints::Masks => {
                let parts = values.iter().map(|canary| format!("[{}]|", canary.name));
                Some(parts.collect::<String>().into_bytes())
            }
            Prints::One => Some(values[0].value.clone()),
            Prints::Form(form) => Some(form(values).into_bytes()),
        }
    }
}

const fn run(
    words: &'static [&'static str],
    delivery: Option<&'static str>,
    prints: Prints,
) -> Command {
    Command {
        words,
        delivery,
        takes: ALL,
        prints,
    }
}

const fn reports(words: &'static [&'static str]) -> Command {
    run(words, None, Prints::Report)
}

const fn exports(
    words: &'static [&'static str],
    takes: &'static [&'static str],
    form: fn(&[Canary]) -> String,
) -> Command {
    Command {
        takes,
        ..run(words, None, Prints::Form(form))
    }
}

/// Names and texts, sorted, each by a form.
fn each(values: &[Canary], form: impl Fn(&str, &str) -> String) -> String {
    let text = |canary: &Canary| str::from_utf8(&canary.value).expect("a text").to_owned();
    let texts: BTreeMap<&str, String> = values
        .iter()
        .map(|canary| (canary.name, text(canary)))
        .collect();
    texts.iter().map(|(name, text)| form(name, text)).collect()
}

fn docker(values: &[Canary]) -> String {
    each(values, |name, text| format!("{name}={text}\n"))
}

fn dotenv(values: &[Canary]) -> String {
    each(values, |name, text| {
        let text = text.replace('\\', "\\\\").replace('\'', "\\'");
        format!("{name}='{text}'\n")
    })
}

fn github(values: &[Canary]) -> String {
    each(values, |name, text| {
        format!("{name}<<ENDOW_0\n{text}\nENDOW_0\n")
    })
}

fn json(values: &[Canary]) -> String {
    let lines = each(values, |name, text| {
        format!("  \"{name}\": {},\n", serde_json::json!(text))
    });
    format!("{{\n{}\n}}\n", lines.trim_end_matches(",\n"))
}

fn shell(values: &[Canary]) -> String {
    each(values, |name, text| {
        format!("export {name}='{}'\n", text.replace('\'', "'\\''"))
    })
}

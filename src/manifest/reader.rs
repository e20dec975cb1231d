//! Reading maps, lists and scalars off the tree, with every complaint collected.

use std::{collections::BTreeMap, time::Duration};

use endow_providers::is_name_like;

use super::{
    credential,
    diagnostic::{Diagnostic, Problems, did_you_mean, is_plain, shown},
    document::Watch,
    duration,
    reference::Reference,
    schema::Key as Known,
    source::{Sources, Span, Spanned},
    yaml::{Content, Key, Node},
};

/// Reads one file.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a mut Sources,
    pub(super) problems: &'a mut Problems,
}

/// The values of a map by key.
#[derive(Default)]
pub(super) struct Fields<'n>(BTreeMap<&'n str, (&'n Key, &'n Node)>);

impl<'n> Fields<'n> {
    /// The value of a key, unless it is absent.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.0.get(name).map(|(_, node)| *node)
    }

    /// Where the key stands.
    pub(super) fn key(&self, name: &str) -> Option<Span> {
        self.0.get(name).map(|(key, _)| key.span)
    }
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, problem: Diagnostic) {
        self.problems.add(problem);
    }

    /// The pairs of a map, without duplicates and merge keys; null is an empty map.
    pub(super) fn pairs<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(&'n Key, &'n Node)> {
        let pairs = match &node.content {
            Content::Map(pairs) => pairs,
            Content::Null => return Vec::new(),
            _ => {
                self.wrong_type(node, what, "a map");
                return Vec::new();
            }
        };
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let mut kept = Vec::new();
        for (key, value) in pairs {
            if key.name == "<<" {
                self.sources.show(key.span);
                self.problem(
                    Diagnostic::at(key.span, "merge-key", "merge keys are not part of YAML 1.2")
                        .hint("`extends` takes over from another file or profile"),
                );
            } else if let Some(first) = seen.insert(&key.name, key.span) {
                self.show_key(key);
                self.problem(
                    Diagnostic::at(
                        key.span,
                        "duplicate-key",
                        format!("`{}` stands twice in {what}", shown_key(&key.name)),
                    )
                    .related(first, "first here")
                    .hint("remove one of them"),
                );
            } else {
                kept.push((key, value));
            }
        }
        kept
    }

    /// The values of a map with known keys.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&[Known]],
    ) -> Fields<'n> {
        let mut fields = BTreeMap::new();
        for (key, value) in self.pairs(node, what) {
            if known
                .iter()
                .flat_map(|keys| keys.iter())
                .any(|known| known.name == key.name)
            {
                self.sources.show(key.span);
                fields.insert(key.name.as_str(), (key, value));
            } else {
                self.unknown_key(key, what, &|| {
                    known
                        .iter()
                        .flat_map(|keys| keys.iter().map(|known| known.name))
                        .collect()
                });
            }
        }
        Fields(fields)
    }

    pub(super) fn unknown_key(
        &mut self,
        key: &Key,
        what: &str,
        known: &dyn Fn() -> Vec<&'static str>,
    ) {
        if self.is_rest_of_a_text(key) {
            let problem = Diagnostic::at(key.span, "unknown-key", format!("unknown key in {what}"));
            self.problem(
                problem
                    .label("not shown: it can be a secret")
                    .hint("quote a text that holds one of `{ } [ ] ,` inside braces or brackets"),
            );
            return;
        }
        self.show_key(key);
        let known = known();
        let hint = Some(&*key.name)
            .filter(|name| is_key_like(name))
            .and_then(|name| did_you_mean(name, known.iter().copied()))
            .unwrap_or_else(|| format!("{what} has: {}", known.join(", ")));
        self.problem(
            Diagnostic::at(
                key.span,
                "unknown-key",
                format!("unknown key `{}` in {what}", shown_key(&key.name)),
            )
            .hint(hint),
        );
    }

    /// `{ from: op://Open, AI/key }`: what stands after the comma has become a key without a `:`.
    fn is_rest_of_a_text(&self, key: &Key) -> bool {
        let after = &self.sources.get(key.span.source).text[key.span.end..];
        after.trim_start().starts_with([',', '}'])
    }

    /// A key may be shown where it has the form of one. Any other can be the content of a file that
    /// is no manifest.
    pub(super) fn show_key(&mut self, key: &Key) {
        if is_key_like(&key.name) {
            self.sources.show(key.span);
        }
    }

    pub(super) fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) {
        let found = match &node.content {
            Content::Null => "nothing",
            Content::Scalar(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        };
        self.problem(Diagnostic::at(
            node.span,
            "wrong-type",
            format!("{what} wants {wanted}, not {found}"),
        ));
    }

    /// A scalar. It stays hidden.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<Spanned<String>> {
        if let Content::Scalar(text) = &node.content {
            return Some(Spanned::new(text.clone(), node.span));
        }
        self.wrong_type(node, what, "a text");
        None
    }

    /// A scalar of a field that holds no literal: it may be shown where it is made of words.
    pub(super) fn word(&mut self, node: &Node, what: &str) -> Option<Spanned<String>> {
        let text = self.text(node, what)?;
        if is_plain(&text.value) {
            self.sources.show(text.span);
        }
        Some(text)
    }

    /// One word, or a list of them.
    pub(super) fn words(&mut self, node: &Node, what: &str) -> Vec<Spanned<String>> {
        match &node.content {
            Content::Scalar(_) => self.word(node, what).into_iter().collect(),
            Content::List(items) => items
                .iter()
                .filter_map(|item| self.word(item, &format!("an element of {what}")))
                .collect(),
            _ => {
                self.wrong_type(node, what, "a text or a list of texts");
                Vec::new()
            }
        }
    }

    pub(super) fn flag(&mut self, node: &Node, what: &str) -> Option<Spanned<bool>> {
        if !matches!(node.content, Content::Scalar(_)) {
            self.wrong_type(node, what, "`true` or `false`");
            return None;
        }
        let text = self.word(node, what)?;
        match text.value.as_str() {
            "true" => Some(Spanned::new(true, node.span)),
            "false" => Some(Spanned::new(false, node.span)),
            other => {
                let hint = match other.to_lowercase().as_str() {
                    "yes" | "on" | "y" | "true" | "1" => Some("write `true`".to_owned()),
                    "no" | "off" | "n" | "false" | "0" => Some("write `false`".to_owned()),
                    _ => None,
                };
                self.problem(
                    Diagnostic::at(
                        node.span,
                        "wrong-type",
                        format!("{what} wants `true` or `false`"),
                    )
                    .hint_if(hint),
                );
                None
            }
        }
    }

    pub(super) fn one_of(
        &mut self,
        node: &Node,
        what: &str,
        words: &[&'static str],
    ) -> Option<Spanned<&'static str>> {
        if !matches!(node.content, Content::Scalar(_)) {
            self.wrong_type(node, what, &format!("one of {}", words.join(", ")));
            return None;
        }
        let text = self.word(node, what)?;
        if let Some(found) = words.iter().find(|word| **word == text.value) {
            return Some(Spanned::new(found, node.span));
        }
        let hint = did_you_mean(&text.value, words.iter().copied())
            .unwrap_or_else(|| format!("it is one of {}", words.join(", ")));
        self.problem(
            Diagnostic::at(
                node.span,
                "wrong-value",
                format!("{what} has no such value"),
            )
            .hint(hint),
        );
        None
    }

    pub(super) fn duration(&mut self, node: &Node, what: &str) -> Option<Spanned<Duration>> {
        let text = self.word(node, what)?;
        let duration = duration::parse(&text.value);
        if duration.is_none() {
            self.problem(
                Diagnostic::at(
                    node.span,
                    "wrong-value",
                    format!("{what} wants a length of time"),
                )
                .hint("write a number and one of ms, s, m, h, d, w: `30s`, `90d`"),
            );
        }
        duration.map(|duration| Spanned::new(duration, node.span))
    }

    /// `run.watch`: a flag, or how often.
    pub(super) fn watch(&mut self, node: &Node) -> Option<Spanned<Watch>> {
        if let Content::Scalar(text) = &node.content
            && let Some(interval) = duration::parse(text)
        {
            return Some(Spanned::new(Watch::Each(interval), node.span));
        }
        let flag = self.flag(node, "`watch`")?;
        let watch = if flag.value {
            Watch::Usually
        } else {
            Watch::Never
        };
        Some(Spanned::new(watch, flag.span))
    }

    pub(super) fn date(&mut self, node: &Node, what: &str) -> Option<Spanned<jiff::civil::Date>> {
        let text = self.word(node, what)?;
        let date = (text.value.len() == 10)
            .then(|| text.value.parse().ok())
            .flatten();
        if date.is_none() {
            self.problem(
                Diagnostic::at(
                    node.span,
                    "wrong-value",
                    format!("{what} wants a date of the calendar"),
                )
                .hint("write it as `2027-01-31`"),
            );
        }
        date.map(|date| Spanned::new(date, node.span))
    }

    /// One reference, or a list of them.
    pub(super) fn references(
        &mut self,
        node: &Node,
        what: &str,
    ) -> Option<Vec<Spanned<Reference>>> {
        match &node.content {
            Content::List(items) if items.is_empty() => {
                self.problem(Diagnostic::at(
                    node.span,
                    "wrong-type",
                    format!("{what} is an empty list"),
                ));
                None
            }
            Content::List(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.reference(item, what))
                    .collect(),
            ),
            Content::Scalar(_) => self.reference(node, what).map(|reference| vec![reference]),
            _ => {
                self.wrong_type(node, what, "a reference or a list of references");
                None
            }
        }
    }

    /// One reference. Whether its scheme exists is known only after all layers are read.
    pub(super) fn reference(&mut self, node: &Node, what: &str) -> Option<Spanned<Reference>> {
        let text = self.text(node, what)?;
        if let Some(reference) = Reference::split(&text.value) {
            return Some(Spanned::new(reference, node.span));
        }
        let problem = Diagnostic::at(
            node.span,
            "not-a-reference",
            format!("{what} is no reference"),
        )
        .label("not shown: it can be a secret");
        self.problem(match credential::issuer(&text.value) {
            Some(issuer) => problem
                .hint(format!("it has the format of a credential ({issuer}): revoke it, store the new one in a backend and name its place here")),
            None => problem.hint("a reference is `scheme://place`; a plain setting is written `{ value: ... }`, or stands under `values`"),
        });
        None
    }
}

/// Whether a text has the form of a key, and is no credential.
fn is_key_like(text: &str) -> bool {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let is_name = text.is_empty() || is_name_like(text);
    is_name && text.chars().all(is_of_key) && !credential::is_in(text)
}

/// A key as it may be printed.
pub(super) fn shown_key(text: &str) -> String {
    if is_key_like(text) {
        shown(text)
    } else {
        credential::MASK.to_owned()
    }
}

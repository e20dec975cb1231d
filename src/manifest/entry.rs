//! Entries of `env` and `values`.

mod delivery;

use super::{
    credential,
    diagnostic::{Diagnostic, shown_name},
    document::{Entry, Metadatum, Origin},
    is_name,
    reader::{Fields, Reader},
    schema::{ENTRY, METADATA},
    source::{Span, Spanned},
    template::{Part, Template},
    yaml::{Content, Key, Node},
};

impl Reader<'_> {
    /// `env` and `values` of one layer.
    pub(super) fn entries(
        &mut self,
        env: Option<&Node>,
        values: Option<&Node>,
    ) -> Vec<(Spanned<String>, Entry)> {
        let mut entries: Vec<(Spanned<String>, Entry)> = Vec::new();
        for (key, node) in env
            .map(|node| self.pairs(node, "`env`"))
            .unwrap_or_default()
        {
            if self.check_name(key) {
                self.check_swallowed_entry(key, node);
                let entry = self.entry(key, node);
                entries.push((Spanned::new(key.name.clone(), key.span), entry));
            }
        }
        for (key, node) in values
            .map(|node| self.pairs(node, "`values`"))
            .unwrap_or_default()
        {
            if !self.check_name(key) {
                continue;
            }
            if let Some((first, _)) = entries.iter().find(|(name, _)| name.value == key.name) {
                let problem = Diagnostic::at(
                    key.span,
                    "duplicate-key",
                    format!("`{}` stands in both `env` and `values`", key.name),
                )
                .related(first.span, "first here")
                .hint("keep one of them");
                self.problem(problem);
            }
            if let Some(value) = self.plain_value(key, node) {
                let origin = Spanned::new(Origin::Value(value.value), value.span);
                self.refuse_credential(&key.name, value.span, &origin, None);
                entries.push((
                    Spanned::new(key.name.clone(), key.span),
                    Entry {
                        origin: Some(origin),
                        ..Entry::default()
                    },
                ));
            }
        }
        entries
    }

    fn check_name(&mut self, key: &Key) -> bool {
        self.show_key(key);
        if let Some(issuer) = credential::issuer(&key.name) {
            self.problem(
                Diagnostic::at(
                    key.span,
                    "credential-literal",
                    format!("a variable's name has the format of a credential ({issuer})"),
                )
                .label("not shown: it can be a secret")
                .hint("revoke it, store the new one in a backend and write `NAME: PLACE`"),
            );
            return false;
        }
        if is_name(&key.name) {
            return true;
        }
        let problem = match key.name.as_str() {
            "" => Diagnostic::at(key.span, "bad-name", "a variable without a name"),
            name => Diagnostic::at(
                key.span,
                "bad-name",
                format!("`{}` can't be a variable's name", shown_name(name)),
            ),
        };
        let is_assignment = key
            .name
            .split_once('=')
            .is_some_and(|(name, _)| is_name(name));
        self.problem(problem.hint(if is_assignment {
            "a manifest is no dotenv file: write `NAME: PLACE`; values stay out of it"
        } else {
            "a name is letters, digits and `_`, and does not begin with a digit"
        }));
        false
    }

    fn plain_value(&mut self, key: &Key, node: &Node) -> Option<Spanned<String>> {
        if matches!(node.content, Content::Null) {
            self.problem(
                Diagnostic::at(
                    key.span,
                    "wrong-type",
                    format!("`{}` has no value", key.name),
                )
                .hint("write `\"\"` for an empty one"),
            );
            return None;
        }
        self.text(node, &format!("`{}`", key.name))
    }

    fn entry(&mut self, key: &Key, node: &Node) -> Entry {
        match &node.content {
            Content::Null => Entry::default(),
            Content::Scalar(_) => {
                let reference = self.reference(node, &format!("`{}`", key.name));
                let origin = reference
                    .map(|reference| Spanned::new(Origin::From(vec![reference]), node.span));
                Entry {
                    origin,
                    ..Entry::default()
                }
            }
            Content::List(_) => {
                self.problem(
                    Diagnostic::at(
                        node.span,
                        "wrong-type",
                        format!("`{}` wants a reference or a map, not a list", key.name),
                    )
                    .hint("write several places as `{ from: [...] }`"),
                );
                Entry::default()
            }
            Content::Map(_) => self.entry_map(key, node),
        }
    }

    fn entry_map(&mut self, key: &Key, node: &Node) -> Entry {
        let what = format!("entry `{}`", key.name);
        let fields = self.fields(node, &what, &[ENTRY, METADATA]);
        let entry = Entry {
            origin: self.origin(key, &fields),
            key: fields.get("key").and_then(|node| self.place_name(node)),
            default: fields
                .get("default")
                .and_then(|node| self.default(key, node)),
            required: fields
                .get("required")
                .and_then(|node| self.flag(node, "`required`")),
            export: fields
                .get("export")
                .and_then(|node| self.flag(node, "`export`")),
            delivery: fields.get("as").and_then(|node| self.delivery(node)),
            abandons_lease: fields
                .get("lease")
                .and_then(|node| self.one_of(node, "`lease`", &["keep", "abandon"]))
                .map(|word| Spanned::new(word.value == "abandon", word.span)),
            on_change: fields
                .get("on_change")
                .and_then(|node| self.on_change(node)),
            metadata: self.metadata(&fields),
        };
        if let (Some(span), Some(_)) = (fields.key("key"), &entry.origin) {
            self.problem(Diagnostic::at(span, "key-beside-place", "`key` beside a place of its own")
                .hint("`key` is the name at the layer's `from`; put the name into the reference instead"));
        }
        self.check_literals(&key.name, &entry);
        entry
    }

    fn place_name(&mut self, node: &Node) -> Option<Spanned<String>> {
        let name = self.word(node, "`key`")?;
        if name.value.is_empty() {
            self.problem(
                Diagnostic::at(node.span, "wrong-value", "`key` is empty")
                    .hint("leave it out where the place has the variable's own name"),
            );
            return None;
        }
        Some(name)
    }

    fn origin(&mut self, key: &Key, fields: &Fields<'_>) -> Option<Spanned<Origin>> {
        let stated: Vec<(&str, Span)> = ["from", "value", "template"]
            .into_iter()
            .filter_map(|name| Some((name, fields.key(name)?)))
            .collect();
        if let [(first, _), (second, span), ..] = stated[..] {
            self.problem(
                Diagnostic::at(span, "two-origins", format!("`{second}` beside `{first}`"))
                    .hint("an entry has at most one of `from`, `value` and `template`"),
            );
        }
        let (name, _) = *stated.first()?;
        let node = fields.get(name)?;
        let origin = match name {
            "from" => Origin::From(self.references(node, &format!("`{}`", key.name))?),
            "value" => Origin::Value(self.plain_value(key, node)?.value),
            _ => {
                let text = self.text(node, "`template`")?;
                match Template::parse(&text.value) {
                    Ok(template) => Origin::Template(template),
                    Err((message, hint)) => {
                        self.problem(
                            Diagnostic::at(
                                node.span,
                                "bad-template",
                                format!("in the template of `{}`: {message}", key.name),
                            )
                            .hint_if(hint),
                        );
                        return None;
                    }
                }
            }
        };
        Some(Spanned::new(origin, node.span))
    }

    fn default(&mut self, key: &Key, node: &Node) -> Option<Spanned<String>> {
        if matches!(node.content, Content::Null) {
            self.problem(
                Diagnostic::at(
                    node.span,
                    "wrong-type",
                    format!("`default` of `{}` has no value", key.name),
                )
                .hint("write `\"\"` for an empty one"),
            );
            return None;
        }
        self.text(node, "`default`")
    }

    fn check_literals(&mut self, name: &str, entry: &Entry) {
        let waived = matches!(
            entry.metadata.get("waive").map(|waive| &waive.value),
            Some(Metadatum::Reasons(reasons)) if reasons.contains_key("credential-literal")
        );
        if waived {
            return;
        }
        if let Some(origin) = &entry.origin {
            self.refuse_credential(name, origin.span, origin, None);
        }
        if let Some(default) = &entry.default {
            let origin = Spanned::new(Origin::Value(default.value.clone()), default.span);
            self.refuse_credential(name, default.span, &origin, Some("default"));
        }
    }

    fn refuse_credential(
        &mut self,
        name: &str,
        span: Span,
        origin: &Spanned<Origin>,
        field: Option<&str>,
    ) {
        let (field, issuer) = match &origin.value {
            Origin::From(_) => return,
            Origin::Value(text) => (field.unwrap_or("value"), credential::issuer(text)),
            Origin::Template(template) => {
                let literal = |part: &Part| match part {
                    Part::Literal(text) => credential::issuer(text),
                    Part::Variable { .. } => None,
                };
                ("template", template.parts.iter().find_map(literal))
            }
        };
        if let Some(issuer) = issuer {
            self.problem(
                Diagnostic::at(
                    span,
                    "credential-literal",
                    format!("the {field} of `{name}` has the format of a credential ({issuer})"),
                )
                .label("not shown: it can be a secret")
                .hint("revoke it, store the new one in a backend and name its place here")
                .hint("if it is none, say so: `waive: { credential-literal: REASON }`"),
            );
        }
    }

    /// `NAME: #field` is an empty entry and a comment.
    fn check_swallowed_entry(&mut self, key: &Key, node: &Node) {
        if matches!(node.content, Content::Null)
            && let Some(comment) = swallowed(
                self.sources.get(key.span.source).text.as_str(),
                key.span.end,
            )
        {
            self.problem(swallowed_problem(Span {
                source: key.span.source,
                start: comment,
                end: comment + 1,
            }));
        }
    }
}

/// Where a comment begins that follows a byte on its line and looks like a `#field`.
pub(super) fn swallowed(text: &str, after: usize) -> Option<usize> {
    let rest = text[after..].strip_prefix(':').unwrap_or(&text[after..]);
    let comment = rest.trim_start_matches([' ', '\t']);
    let is_field = comment
        .strip_prefix('#')?
        .starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/'));
    (is_field && comment.len() < rest.len()).then_some(text.len() - comment.len())
}

pub(super) fn swallowed_problem(span: Span) -> Diagnostic {
    Diagnostic::at(
        span,
        "swallowed-field",
        "YAML takes this field for a comment and drops it",
    )
    .hint("write `#field` without a space before it, or quote the reference")
    .hint("a comment begins with `# `, hash and space")
}

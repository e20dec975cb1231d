//! A tree into a [`Document`]: the grammar of a manifest file.

use std::collections::BTreeMap;

use super::{
    credential,
    diagnostic::{Diagnostic, did_you_mean, nearest, shown_name},
    document::{Backend, Document, Layer, Metadatum, Profile, Run, Setting},
    reader::{Fields, Reader, shown_key},
    reference::is_scheme,
    schema::{Form, METADATA, PROFILE, RUN, TOP, VERSION, names},
    source::{SourceId, Span, Spanned},
    yaml::{Content, Node},
};

impl Reader<'_> {
    /// Reads a whole file.
    pub(super) fn document(&mut self, source: SourceId, root: &Node) -> Document {
        let fields = self.top(source, root);
        let document = Document {
            source,
            project: fields
                .get("project")
                .and_then(|node| self.name(node, "`project`")),
            extends: self.list(&fields, "extends"),
            default_profile: fields
                .get("default_profile")
                .and_then(|node| self.word(node, "`default_profile`")),
            groups: fields
                .get("groups")
                .map(|node| self.groups(node))
                .unwrap_or_default(),
            top: self.layer(&fields),
            profiles: fields
                .get("profiles")
                .map(|node| self.profiles(node))
                .unwrap_or_default(),
            defaults: fields
                .get("defaults")
                .map(|node| self.defaults(node))
                .unwrap_or_default(),
        };
        for name in ["policy", "people", "assets"] {
            if let Some(node) = fields.get(name)
                && matches!(node.content, Content::Scalar(_))
            {
                self.wrong_type(node, &format!("`{name}`"), "a map or a list");
            }
        }
        document
    }

    fn top<'n>(&mut self, source: SourceId, root: &'n Node) -> Fields<'n> {
        if matches!(root.content, Content::Null) {
            let span = Span {
                source,
                start: 0,
                end: 0,
            };
            self.problem(
                Diagnostic::at(span, "empty", "the manifest is empty")
                    .hint("begin with `version: 1` and an `env:` map"),
            );
            return self.fields(root, "the manifest", &[]);
        }
        if !matches!(root.content, Content::Map(_)) {
            let problem = Diagnostic::at(root.span, "wrong-type", "the manifest is not a map");
            self.problem(problem.hint("begin with `version: 1` and an `env:` map"));
            return Fields::default();
        }
        if let Content::Map(pairs) = &root.content
            && !pairs.iter().any(|(key, _)| is_known(&key.name))
        {
            // Its keys are the content of some other file.
            let span = Span {
                source,
                start: 0,
                end: 0,
            };
            let message = "this file is no manifest: none of its keys is a manifest's";
            let problem = Diagnostic::at(span, "no-manifest", message);
            self.problem(problem.hint("a manifest begins with `version: 1`; name another file"));
            return Fields::default();
        }
        let fields = self.fields(root, "the manifest", &[TOP]);
        match fields.get("version") {
            None => {
                let span = Span {
                    source,
                    start: 0,
                    end: 0,
                };
                self.problem(
                    Diagnostic::at(span, "no-version", "the manifest has no `version`")
                        .hint(format!("begin with `version: {VERSION}`")),
                );
            }
            Some(node) => self.version(node),
        }
        fields
    }

    fn version(&mut self, node: &Node) {
        if !matches!(node.content, Content::Scalar(_)) {
            let problem = Diagnostic::at(node.span, "wrong-type", "`version` wants a number");
            self.problem(problem.hint(format!("write `version: {VERSION}`")));
            return;
        }
        let Some(text) = self.word(node, "`version`") else {
            return;
        };
        if text.value != VERSION {
            self.problem(
                Diagnostic::at(
                    node.span,
                    "unknown-version",
                    format!("unknown version `{}`", shown_name(&text.value)),
                )
                .hint(format!("the newest that this endow knows is {VERSION}")),
            );
        }
    }

    /// A word that can stand in a reference without moving its boundaries.
    fn name(&mut self, node: &Node, what: &str) -> Option<Spanned<String>> {
        let text = self.word(node, what)?;
        if is_plain_name(&text.value) {
            return Some(text);
        }
        self.problem(
            Diagnostic::at(
                node.span,
                "wrong-value",
                format!("{what} can't be used as a name"),
            )
            .hint("use letters, digits, `.`, `_` and `-`"),
        );
        None
    }

    fn list(&mut self, fields: &Fields<'_>, name: &str) -> Vec<Spanned<String>> {
        fields
            .get(name)
            .map(|node| self.words(node, &format!("`{name}`")))
            .unwrap_or_default()
    }

    fn layer(&mut self, fields: &Fields<'_>) -> Layer {
        Layer {
            backends: fields
                .get("backends")
                .map(|node| self.backends(node))
                .unwrap_or_default(),
            inherit: self.inherit(fields),
            from: fields
                .get("from")
                .and_then(|node| self.references(node, "`from`")),
            entries: self.entries(fields.get("env"), fields.get("values")),
            run: fields
                .get("run")
                .map(|node| self.run(node))
                .unwrap_or_default(),
        }
    }

    fn inherit(&mut self, fields: &Fields<'_>) -> Vec<Spanned<String>> {
        let words = self.list(fields, "inherit");
        for word in &words {
            let name = word.value.strip_prefix('-').unwrap_or(&word.value);
            if name.is_empty() || name.contains(['=', '\0']) {
                self.problem(
                    Diagnostic::at(word.span, "wrong-value", "this names no variable").hint(
                        "write a name, a glob (`OTEL_*`), `all`, `none` or `aws`; `-NAME` removes",
                    ),
                );
            }
        }
        words
    }

    fn profiles(&mut self, node: &Node) -> Vec<Profile> {
        let mut profiles = Vec::new();
        for (key, value) in self.pairs(node, "`profiles`") {
            self.show_key(key);
            if !is_plain_name(&key.name) {
                self.problem(
                    Diagnostic::at(
                        key.span,
                        "bad-name",
                        format!("`{}` can't be a profile's name", shown_key(&key.name)),
                    )
                    .hint("use letters, digits, `.`, `_` and `-`"),
                );
                continue;
            }
            let fields = self.fields(value, &format!("profile `{}`", key.name), &[PROFILE]);
            profiles.push(Profile {
                name: Spanned::new(key.name.clone(), key.span),
                production: fields
                    .get("production")
                    .and_then(|node| self.flag(node, "`production`")),
                extends: self.list(&fields, "extends"),
                layer: self.layer(&fields),
            });
        }
        profiles
    }

    fn groups(&mut self, node: &Node) -> Vec<(Spanned<String>, Vec<Spanned<String>>)> {
        let mut groups = Vec::new();
        for (key, value) in self.pairs(node, "`groups`") {
            self.show_key(key);
            let names = self.words(value, &format!("group `{}`", shown_key(&key.name)));
            groups.push((Spanned::new(key.name.clone(), key.span), names));
        }
        groups
    }

    fn run(&mut self, node: &Node) -> Run {
        let fields = self.fields(node, "`run`", &[RUN]);
        let stop_signal = fields
            .get("stop_signal")
            .and_then(|node| self.word(node, "`stop_signal`"));
        if let Some(name) = &stop_signal
            && crate::sys::signal::by_name(&name.value).is_none()
        {
            self.problem(
                Diagnostic::at(name.span, "wrong-value", "`stop_signal` names no signal")
                    .hint("write `TERM`, `INT`, `QUIT`, ..."),
            );
        }
        Run {
            redact: fields
                .get("redact")
                .and_then(|node| self.flag(node, "`redact`")),
            timeout: fields
                .get("timeout")
                .and_then(|node| self.duration(node, "`timeout`")),
            stop_signal,
            stop_timeout: fields
                .get("stop_timeout")
                .and_then(|node| self.duration(node, "`stop_timeout`")),
            watch: fields.get("watch").and_then(|node| self.watch(node)),
        }
    }

    fn backends(&mut self, node: &Node) -> Vec<(Spanned<String>, Backend)> {
        let mut backends = Vec::new();
        for (key, value) in self.pairs(node, "`backends`") {
            self.show_key(key);
            if !is_scheme(&key.name) {
                self.problem(
                    Diagnostic::at(
                        key.span,
                        "bad-name",
                        format!("`{}` can't be a scheme", shown_key(&key.name)),
                    )
                    .hint("use lower-case letters, digits, `-` and `_`, a letter first"),
                );
                continue;
            }
            let mut settings = Backend::new();
            for (name, value) in self.pairs(value, &format!("backend `{}`", key.name)) {
                self.show_key(name);
                if name.name == "type" {
                    if let Some(text) = self.word(value, "`type`") {
                        settings.insert(
                            "type".to_owned(),
                            Spanned::new(Setting::Text(text.value), text.span),
                        );
                    }
                } else if let Some(setting) =
                    self.setting(value, &format!("`{}`", shown_name(&name.name)))
                {
                    settings.insert(name.name.clone(), setting);
                }
            }
            backends.push((Spanned::new(key.name.clone(), key.span), settings));
        }
        backends
    }

    fn setting(&mut self, node: &Node, what: &str) -> Option<Spanned<Setting>> {
        let setting = match &node.content {
            Content::Null => {
                self.wrong_type(node, what, "a setting");
                return None;
            }
            Content::Scalar(text) => Setting::Text(text.clone()),
            Content::List(items) => Setting::List(
                items
                    .iter()
                    .filter_map(|item| self.setting(item, what))
                    .collect(),
            ),
            Content::Map(pairs) if pairs.len() == 1 && pairs[0].0.name == "from" => {
                self.sources.show(pairs[0].0.span);
                let reference = self.reference(&pairs[0].1, &format!("`from` of {what}"))?;
                return Some(Spanned::new(
                    Setting::Reference(reference.value),
                    reference.span,
                ));
            }
            Content::Map(_) => {
                let mut map = BTreeMap::new();
                for (key, value) in self.pairs(node, what) {
                    self.show_key(key);
                    if let Some(setting) =
                        self.setting(value, &format!("`{}`", shown_key(&key.name)))
                    {
                        map.insert(key.name.clone(), setting);
                    }
                }
                Setting::Map(map)
            }
        };
        Some(Spanned::new(setting, node.span))
    }

    fn defaults(&mut self, node: &Node) -> BTreeMap<&'static str, Spanned<Metadatum>> {
        let fields = self.fields(node, "`defaults`", &[METADATA]);
        self.metadata(&fields)
    }

    /// The register's keys of an entry, checked for form.
    pub(super) fn metadata(
        &mut self,
        fields: &Fields<'_>,
    ) -> BTreeMap<&'static str, Spanned<Metadatum>> {
        let mut metadata = BTreeMap::new();
        for key in METADATA {
            let Some(node) = fields.get(key.name) else {
                continue;
            };
            if let Some(datum) = self.metadatum(&key.form, node, &format!("`{}`", key.name)) {
                metadata.insert(key.name, Spanned::new(datum, node.span));
            }
        }
        metadata
    }

    fn metadatum(&mut self, form: &Form, node: &Node, what: &str) -> Option<Metadatum> {
        Some(match form {
            Form::Bool => Metadatum::Flag(self.flag(node, what)?.value),
            Form::Date => Metadatum::Date(self.date(node, what)?.value),
            Form::Duration => Metadatum::Duration(self.duration(node, what)?.value),
            Form::Texts => Metadatum::Texts(
                self.words(node, what)
                    .into_iter()
                    .map(|word| word.value)
                    .collect(),
            ),
            Form::MapOf(_) => Metadatum::Reasons(self.reasons(node, what)),
            _ => Metadatum::Text(self.word(node, what)?.value),
        })
    }

    fn reasons(&mut self, node: &Node, what: &str) -> BTreeMap<String, String> {
        let mut reasons = BTreeMap::new();
        for (key, value) in self.pairs(node, what) {
            self.show_key(key);
            if !WAIVABLE.contains(&key.name.as_str()) {
                self.problem(
                    Diagnostic::at(
                        key.span,
                        "unknown-key",
                        format!("no finding is called `{}`", shown_key(&key.name)),
                    )
                    .hint(
                        did_you_mean(&key.name, WAIVABLE)
                            .unwrap_or_else(|| format!("there are: {}", WAIVABLE.join(", "))),
                    ),
                );
            }
            if let Some(reason) = self.word(value, &format!("{what} `{}`", shown_key(&key.name))) {
                if reason.value.trim().is_empty() {
                    self.problem(
                        Diagnostic::at(
                            value.span,
                            "wrong-value",
                            "a finding is waived with a reason",
                        )
                        .hint("say why in a few words"),
                    );
                }
                reasons.insert(key.name.clone(), reason.value);
            }
        }
        reasons
    }
}

/// Findings that `waive` can let through.
pub(super) const WAIVABLE: [&str; 1] = ["credential-literal"];

/// Letters, digits, `.`, `_` and `-`, something of it, and no credential.
fn is_plain_name(text: &str) -> bool {
    !text.is_empty()
        && !credential::is_in(text)
        && !text.starts_with(['-', '.'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether a key is one of a manifest's top level, or was meant to be.
fn is_known(name: &str) -> bool {
    names(TOP).any(|known| known == name) || nearest(name, names(TOP)).is_some()
}

//! `as` and `on_change`: how a value reaches the child, and what a change of it does.

use crate::manifest::{
    diagnostic::Diagnostic,
    document::{Delivery, FileDelivery, OnChange},
    reader::Reader,
    schema::AS,
    source::Spanned,
    yaml::{Content, Node},
};

impl Reader<'_> {
    /// `as`.
    pub(super) fn delivery(&mut self, node: &Node) -> Option<Spanned<Delivery>> {
        let delivery = if let Content::Map(_) = &node.content {
            let fields = self.fields(node, "`as`", &[AS]);
            let Some(place) = fields.get("file") else {
                self.problem(
                    Diagnostic::at(
                        node.span,
                        "wrong-value",
                        "`as` written as a map needs a `file`",
                    )
                    .hint("write `{ file: tmpfs }` or `{ file: memory }`"),
                );
                return None;
            };
            let place = self.one_of(place, "`file`", &["memory", "tmpfs"])?;
            Delivery::File(FileDelivery {
                is_tmpfs: place.value == "tmpfs",
                mode: fields.get("mode").and_then(|node| self.mode(node)),
                owner: fields
                    .get("owner")
                    .and_then(|node| self.word(node, "`owner`"))
                    .map(|word| word.value),
                name: fields.get("name").and_then(|node| self.file_name(node)),
            })
        } else {
            match self.one_of(node, "`as`", &["env", "file", "json"])?.value {
                "env" => Delivery::Env,
                "json" => Delivery::Json,
                _ => Delivery::File(FileDelivery::default()),
            }
        };
        Some(Spanned::new(delivery, node.span))
    }

    fn mode(&mut self, node: &Node) -> Option<u32> {
        let text = self.word(node, "`mode`")?;
        let mode = u32::from_str_radix(text.value.trim_start_matches("0o"), 8)
            .ok()
            .filter(|mode| *mode <= 0o777);
        if mode.is_none() {
            self.problem(
                Diagnostic::at(node.span, "wrong-value", "`mode` wants octal permissions")
                    .hint("write it as `\"0400\"`"),
            );
        }
        mode
    }

    fn file_name(&mut self, node: &Node) -> Option<String> {
        let text = self.word(node, "`name`")?;
        if text.value.is_empty()
            || text.value.contains(['/', '\0'])
            || [".", ".."].contains(&text.value.as_str())
        {
            self.problem(
                Diagnostic::at(node.span, "wrong-value", "`name` is no file name")
                    .hint("write a name without `/`"),
            );
            return None;
        }
        Some(text.value)
    }

    /// `on_change`.
    pub(super) fn on_change(&mut self, node: &Node) -> Option<Spanned<OnChange>> {
        let Content::Map(pairs) = &node.content else {
            let word = self.one_of(node, "`on_change`", &["restart", "none"])?;
            let change = if word.value == "restart" {
                OnChange::Restart
            } else {
                OnChange::Nothing
            };
            return Some(Spanned::new(change, node.span));
        };
        for (key, _) in pairs {
            self.show_key(key);
        }
        let signal = pairs
            .iter()
            .find(|(key, _)| key.name == "signal" && pairs.len() == 1);
        let is_text = |node: &Node| matches!(node.content, Content::Scalar(_));
        let name = signal
            .filter(|(_, node)| is_text(node))
            .and_then(|(_, node)| self.word(node, "`signal`"));
        let known = name.filter(|name| crate::sys::signal::by_name(&name.value).is_some());
        if known.is_none() {
            self.problem(
                Diagnostic::at(node.span, "wrong-value", "`on_change` names no signal")
                    .hint("write `{ signal: HUP }`"),
            );
        }
        known.map(|name| {
            Spanned::new(
                OnChange::Signal(name.value.trim_start_matches("SIG").to_owned()),
                node.span,
            )
        })
    }
}

//! What the YAML parser refuses, in words for people who write manifests.
//!
//! The parser's own texts are fixed but for one character, and are used only where nothing better
//! is known.

use serde_saphyr::{Error, budget::BudgetBreach};

use super::MAX_DEPTH;
use crate::manifest::{
    diagnostic::Diagnostic,
    source::{Position, Source, SourceId, Span},
};

const QUOTE_IN_FLOW: &str = "quote a text that holds one of `{ } [ ] ,` inside braces or brackets";

/// The parser's error as a problem at its place.
pub(super) fn refused(source: &Source, id: SourceId, error: &Error) -> Diagnostic {
    let mut error = error.without_snippet();
    let mut location = error.location();
    while let Error::AliasError {
        error: inner,
        locations,
        ..
    } = error
    {
        // Where an alias stands for what is wrong, the alias is what its author can change.
        location = Some(locations.reference_location);
        error = inner;
    }
    let start = location.map_or(0, |location| {
        let narrow = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
        source.offset(Position {
            line: narrow(location.line()),
            column: narrow(location.column()),
        })
    });
    let place = Place { source, id, start };
    match error {
        Error::MultipleDocuments { .. }
        | Error::Budget {
            breach: BudgetBreach::Documents { .. },
            ..
        } => place
            .problem("two-documents", "a second document begins here")
            .hint("a manifest is one document; profiles keep places apart"),
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => place.too_deep(),
        Error::Budget {
            breach:
                BudgetBreach::Aliases { .. }
                | BudgetBreach::Anchors { .. }
                | BudgetBreach::AliasAnchorRatio { .. },
            ..
        }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => place
            .problem("too-many-aliases", "aliases expand to too much")
            .hint("write out what they stand for, or use `extends`"),
        Error::Budget { .. } => place
            .problem("too-long", "more than a manifest may hold")
            .hint("a manifest is a page or two"),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            place.problem("alias-cycle", "this alias contains itself")
        }
        Error::UnknownAnchor { .. } => place
            .problem("unknown-alias", "this alias has no anchor before it")
            .hint("quote a text that begins with `*`"),
        Error::BinaryNotUtf8 { .. }
        | Error::InvalidBinaryBase64 { .. }
        | Error::InvalidBooleanStrict { .. }
        | Error::InvalidScalar { .. }
        | Error::TaggedEnumMismatch { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::UnsupportedTag { .. } => place.tag(),
        Error::Message { msg, .. } | Error::ExternalMessage { msg, .. } => place.syntax(msg),
        _ => place.problem("syntax", "this is not valid YAML"),
    }
}

/// A tag that the parser let pass.
pub(super) fn tagged(source: &Source, id: SourceId, start: usize) -> Diagnostic {
    Place { source, id, start }.tag()
}

/// Where the parser stopped.
struct Place<'s> {
    source: &'s Source,
    id: SourceId,
    start: usize,
}

impl Place<'_> {
    fn tag(&self) -> Diagnostic {
        let span = self.span(self.tag_before().unwrap_or(self.start));
        Diagnostic::at(span, "tag", "tags have no meaning in a manifest")
            .hint("every value is a text: leave the tag out, or quote a text that begins with `!`")
    }

    /// Where the tag of what is refused begins, on the same line: the parser names what follows it. An
    /// anchor can stand between.
    fn tag_before(&self) -> Option<usize> {
        let text = &self.source.text;
        let line = text[..self.start].rfind('\n').map_or(0, |at| at + 1);
        let before = text[line..self.start].trim_end();
        let words = before.rsplit(char::is_whitespace);
        let ends = |c| matches!(c, '[' | '{' | ',');
        let mut words = words.map(|word| word.trim_start_matches(ends));
        let tag = words
            .by_ref()
            .take(2)
            .take_while(|word| word.starts_with(['!', '&']))
            .find(|word| word.starts_with('!'))?;
        before.rfind(tag).map(|at| line + at)
    }

    fn span(&self, start: usize) -> Span {
        let next = self.source.text[start..].chars().next();
        let length = next.filter(|c| *c != '\n').map_or(0, char::len_utf8);
        Span {
            source: self.id,
            start,
            end: start + length,
        }
    }

    fn problem(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.span(self.start), code, message)
    }

    fn too_deep(&self) -> Diagnostic {
        self.problem("too-deep", format!("nested deeper than {MAX_DEPTH} levels"))
    }

    fn syntax(&self, text: &str) -> Diagnostic {
        let has = |part: &str| text.contains(part);
        if has("tab") {
            return self
                .problem("tab", "a tab where YAML wants spaces")
                .hint("indent with spaces");
        }
        if has("recursion limit") || has("nesting") {
            return self.too_deep();
        }
        if has("unclosed quote") {
            return self.problem("unclosed-quote", "this quote is not closed");
        }
        if has("flow mapping") || has("flow sequence") || has("bracket") {
            return self.flow(text);
        }
        let is_control = self.source.text[self.start..].starts_with(char::is_control);
        let (message, hint) = if has("unexpected character") && is_control {
            (
                "a control character can't stand in YAML as it is",
                "in double quotes write it as an escape: `\\x1B`",
            )
        } else if has("unexpected character") {
            (
                "a plain text can't begin with this character",
                "quote the text",
            )
        } else if has("mapping values are not allowed") {
            self.second_colon()
        } else if has("simple key") {
            self.no_colon()
        } else if has("did not find expected key") {
            (
                "this line does not fit into the map above it",
                "names of one map begin in one column",
            )
        } else if has("unknown escape") || has("hex escape") {
            (
                "an unknown escape in this text",
                "in double quotes `\\\\` is a backslash; single quotes take a text as it is",
            )
        } else if has("trailing content after single-quoted") {
            (
                "a text goes on after its closing quote",
                "inside single quotes write `''` for `'`",
            )
        } else if has("trailing content after double-quoted") {
            (
                "a text goes on after its closing quote",
                "inside double quotes write `\\\"` for `\"`",
            )
        } else {
            let message = format!("this is not valid YAML: {}", text.replace('\'', "`"));
            return self.problem("syntax", message);
        };
        self.problem("syntax", message).hint(hint)
    }

    /// A `: ` that begins no value: the second one of its line, or what the line before lacks.
    fn second_colon(&self) -> (&'static str, &'static str) {
        let (offset, line) = self.source.line_at(self.start);
        let before = &line[..(self.start - offset).min(line.len())];
        if before.contains(": ") {
            ("a second `: ` on this line", "quote a text that holds `: `")
        } else {
            (
                "this name begins inside of the text before it",
                "the line before lacks its `:`, or one of the two is indented wrongly",
            )
        }
    }

    fn no_colon(&self) -> (&'static str, &'static str) {
        let (_, line) = self.source.line_at(self.start);
        let head = line.split_once('=').map(|(head, _)| head.trim());
        let hint = if head.is_some_and(crate::manifest::is_name) {
            "a manifest is no dotenv file: write `NAME: PLACE`; values stay out of it"
        } else {
            "write `NAME: PLACE`"
        };
        ("a line without a `:`", hint)
    }

    /// Braces and brackets: what broke them often stands where they were opened.
    fn flow(&self, text: &str) -> Diagnostic {
        let message = if text.contains("mapping") {
            "a `,` or a `}` is missing before this"
        } else if text.contains("sequence") {
            "a `,` or a `]` is missing before this"
        } else if text.contains("unclosed") {
            "this is not closed"
        } else {
            "this is closed by a bracket of another kind, or closes nothing"
        };
        let problem = self.problem("syntax", message);
        let Some(opened) = self.opened() else {
            return problem.hint(QUOTE_IN_FLOW);
        };
        let (offset, line) = self.source.line_at(opened);
        let swallowed = comment(line).is_some_and(|at| {
            let comment = &line[at + 1..];
            let begins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/');
            line[..at].contains("://") && comment.starts_with(begins)
        });
        let hint = if swallowed {
            "YAML takes ` #...` for a comment: write `#field` without a space before it"
        } else {
            QUOTE_IN_FLOW
        };
        let is_elsewhere = offset != self.source.line_at(self.start).0;
        let problem = if is_elsewhere {
            problem.related(self.span(opened), "opened here")
        } else {
            problem
        };
        problem.hint(hint)
    }

    /// The innermost brace or bracket that is open where the parser stopped; quotes are not
    /// looked at, comments are.
    fn opened(&self) -> Option<usize> {
        let mut closed = 0_usize;
        let mut end = self.start;
        loop {
            let (offset, line) = self.source.line_at(end);
            let line = &line[..(end - offset).min(line.len())];
            let line = &line[..comment(line).unwrap_or(line.len())];
            for (at, c) in line.char_indices().rev() {
                match c {
                    '}' | ']' => closed += 1,
                    '{' | '[' if closed == 0 => return Some(offset + at),
                    '{' | '[' => closed -= 1,
                    _ => {}
                }
            }
            end = offset.checked_sub(1)?;
        }
    }
}

/// Where a line's comment begins, quotes aside.
fn comment(line: &str) -> Option<usize> {
    line.find(" #").map(|at| at + 1)
}

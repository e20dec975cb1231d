//! What is wrong with a manifest, as data. The text names keys and places, never a value.

use std::collections::HashSet;

use endow_providers::is_name_like;

use super::{credential, source::Span};

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable word for tools: `unknown-key`.
    pub code: &'static str,
    /// A lower-case fragment without a period.
    pub message: String,
    /// Where; `None` where it is about the whole.
    pub span: Option<Span>,
    /// What stands under the caret.
    pub label: String,
    /// Other places that matter, with their labels.
    pub related: Vec<(Span, String)>,
    /// What to do.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A problem at a place.
    pub fn at(span: Span, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            ..Self::whole(code, message)
        }
    }

    /// A problem of the whole.
    pub fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span: None,
            label: String::new(),
            related: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Text under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// One more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// One more hint, if there is one.
    #[must_use]
    pub fn hint_if(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// All problems found so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<Diagnostic>);

impl Problems {
    /// Adds one. Its texts can quote what the user wrote, and what backends say about it: a
    /// credential in them is masked.
    pub fn add(&mut self, mut problem: Diagnostic) {
        let texts = std::iter::once(&mut problem.message).chain(&mut problem.hints);
        texts.for_each(|text| *text = credential::masked(text));
        self.0.push(problem);
    }

    /// Adds all of others.
    pub fn extend(&mut self, others: Self) {
        others.0.into_iter().for_each(|problem| self.add(problem));
    }

    /// Where those of one code are.
    pub fn places(&self, code: &'static str) -> impl Iterator<Item = Span> {
        let such = self.0.iter().filter(move |problem| problem.code == code);
        such.filter_map(|problem| problem.span)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each once, in the order of the files and of their lines; those without a place last.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        let mut seen = HashSet::new();
        self.0
            .retain(|problem| seen.insert((problem.span, problem.code, problem.message.clone())));
        self.0.sort_by_key(|problem| {
            problem.span.map_or((true, None), |span| {
                (false, Some((span.source, span.start)))
            })
        });
        self.0
    }
}

/// The known name that was probably meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let known: Vec<&str> = known.into_iter().collect();
    let near = known
        .iter()
        .map(|candidate| {
            (
                strsim::osa_distance(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            let length = candidate.chars().count();
            *distance <= 1 + length / 5 && *distance < length
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| *candidate);
    // A word cut short, or written out: `prod`, `environment`.
    let is_part = |candidate: &&str| {
        let candidate = candidate.to_lowercase();
        lower.len().min(candidate.len()) >= 3
            && (lower.starts_with(&candidate) || candidate.starts_with(&lower))
    };
    near.or_else(|| known.iter().copied().find(is_part))
}

/// ``did you mean `x`?``, where something is near enough.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|found| format!("did you mean `{found}`?"))
}

/// A text from the user's file as it may stand in a message: short, without control characters,
/// without what follows a `=`, and no credential, which cut short would not be known as one.
pub fn shown(text: &str) -> String {
    if let Some((name, _)) = text.split_once('=') {
        return format!("{}=...", shown(name));
    }
    let text = &credential::masked(text);
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().count() > 60 {
        shown.push_str("...");
    }
    shown
}

/// A name from the user's file as it may stand in a message; `***` for what is no name: it can be a line
/// of another file.
pub fn shown_name(text: &str) -> String {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    if is_plain(name) {
        shown(text)
    } else {
        credential::MASK.to_owned()
    }
}

/// Whether a text is made of words, as names, paths and patterns are, and not of random characters. One
/// `$` begins a variable; hashes of passwords have several.
pub fn is_plain(text: &str) -> bool {
    let is_between =
        |c: char| "/ *~{}+,!?#%()$".contains(c) || !c.is_ascii() && !c.is_alphanumeric();
    let are_names = text
        .split(is_between)
        .all(|part| part.is_empty() || is_name_like(part));
    are_names && text.matches('$').count() < 2 && !credential::is_in(text)
}

/// Whether a character does something to a terminal instead of being seen. Bidirectional ones
/// reorder what stands around them, so that a line reads as something else.
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text that a stranger may have had a part in as it may stand in a line: it neither ends the
/// line nor steers the terminal.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_debug());
        } else if steers(c) {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

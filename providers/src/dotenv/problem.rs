//! What is wrong with a dotenv file: where, and which key, never the text that stands there.

use std::fmt::{self, Display, Formatter};

use crate::{Class, Fault, is_name_like};

/// So many are shown. After one more the rest is not looked at: the file is something else.
pub(super) const MOST: usize = 20;

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Counted from one.
    pub(super) line: usize,
    /// The key of the line, where it is known to be one.
    pub(super) key: Option<String>,
    /// What is wrong.
    pub(super) trouble: Trouble,
}

/// The kinds of problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Before `=` stands no name. It is not shown: it may be the rest of a value.
    BadName,
    /// A `${` in a form that is not expanded.
    BadReference,
    /// A line of some other kind.
    NoEquals,
    /// Something follows a closing quote.
    TextAfterQuote {
        /// The line of the opening quote.
        opened: usize,
    },
    /// Expansion makes too much of it.
    TooLarge,
    /// `${NAME}` of no earlier key.
    UnknownReference {
        /// It is shown where it looks like a name: it may be a part of the value.
        name: String,
    },
    /// A quote has no partner.
    Unterminated {
        /// The quote.
        quote: char,
    },
    /// The other encoding that editors on Windows write.
    Utf16,
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        let key = self
            .key
            .as_deref()
            .filter(|key| is_name_like(key))
            .map_or("the value".into(), |key| format!("`{key}`"));
        match &self.trouble {
            Trouble::BadName => write!(f, "no valid name before `=`"),
            Trouble::BadReference => {
                write!(
                    f,
                    "{key} has a `${{` that is neither `${{NAME}}` nor `${{NAME:-default}}`"
                )
            }
            Trouble::NoEquals => write!(f, "no `=`"),
            Trouble::TextAfterQuote { opened } if *opened == self.line => {
                write!(f, "text after the closing quote of {key}")
            }
            Trouble::TextAfterQuote { opened } => {
                write!(
                    f,
                    "text after the closing quote of {key}, which is opened on line {opened}"
                )
            }
            Trouble::TooLarge => write!(f, "with {key} the expanded values take more than 16 MiB"),
            Trouble::UnknownReference { name } if is_name_like(name) => {
                write!(f, "{key} refers to `{name}`, which no earlier line sets")
            }
            Trouble::UnknownReference { .. } => {
                write!(f, "{key} refers to a name that no earlier line sets")
            }
            Trouble::Unterminated { quote: '`' } => {
                write!(f, "the backtick that opens {key} is never closed")
            }
            Trouble::Unterminated { quote } => {
                write!(f, "the `{quote}` that opens {key} is never closed")
            }
            Trouble::Utf16 => write!(f, "the file is UTF-16, not UTF-8"),
        }
    }
}

/// One fault for all problems of the file `path`; there is at least one.
pub(super) fn fault(path: &str, problems: &[Problem]) -> Fault {
    let first = problems
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut fault = Fault::new(Class::Malformed, format!("`{path}` {first}"));
    fault.hints = problems
        .iter()
        .take(MOST)
        .skip(1)
        .map(|problem| format!("also {problem}"))
        .collect();
    if problems.len() > MOST {
        fault = fault.hinted(format!("only the first {MOST} problems are shown"));
    }
    let mut troubles = problems.iter().map(|problem| &problem.trouble);
    let is_unknown = |trouble: &Trouble| matches!(trouble, Trouble::UnknownReference { .. });
    if troubles.clone().any(is_unknown) {
        fault = fault.hinted(
            "`${NAME:-}` is empty where no earlier line sets `NAME`, and `${NAME:-x}` is `x`",
        );
    }
    if troubles.any(|trouble| is_unknown(trouble) || *trouble == Trouble::BadReference) {
        fault = fault.hinted("single quotes keep a `$` as it is");
    }
    fault
}

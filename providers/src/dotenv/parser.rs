//! The dialect of dotenv files: bytes to keys and wiped values, a pure function.
//!
//! A line is `[export] KEY = value`, and ends with LF, CRLF or CR. Unquoted, the value runs to
//! the end of the line, trimmed, and `#` after a blank, or before one at the beginning, starts a
//! comment. Single quotes and backticks keep everything; double quotes know `\n \r \t \" \\ \$` and
//! keep every other backslash. Quotes may span lines; every line end between them is a newline. After
//! them only a comment may follow. `$` means nothing, unless expansion is on: then `${X}` and
//! `${X:-default}` outside single quotes and backticks stand for an earlier key of the same file; as
//! in a shell the default also replaces an empty value.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use zeroize::Zeroizing;

use super::{
    blank::{at_end, at_start, trim},
    problem::{MOST, Problem, Trouble},
};
use crate::{Secret, is_name_like, read::MAX_BYTES};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The keys of a file.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// By key; of a key that stands twice the last one.
    pub(super) entries: BTreeMap<String, Entry>,
    /// Keys that stand again, in the order of the file.
    pub(super) repeated: Vec<Repeated>,
}

impl Parsed {
    /// The keys that may be shown. A key in base64 that ends in `=` reads as one without a value.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = self.entries.iter();
        let named =
            entries.filter(|(key, entry)| !entry.value.expose().is_empty() && is_name_like(key));
        named.map(|(key, _)| key.clone()).collect()
    }
}

/// One line's value.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where the line begins, counted from one.
    pub(super) line: usize,
    /// What it sets.
    pub(super) value: Secret,
    /// Why it may not be the value that was meant.
    pub(super) doubt: Option<Doubt>,
}

/// A value that other readers take in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It holds `${NAME}` and is not expanded.
    Literal,
    /// It begins with `#`: a comment, to some readers.
    Hash,
}

/// A key that was set before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    /// The key.
    pub(super) key: String,
    /// The line that no longer counts.
    pub(super) earlier: usize,
    /// The line that replaced it.
    pub(super) later: usize,
}

/// Whether `name` can stand before `=`.
pub(crate) fn is_key(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
}

/// Reads a whole file, and says everything that is wrong with it.
pub(super) fn parse(text: &[u8], is_expanding: bool) -> Result<Parsed, Vec<Problem>> {
    if UTF_16.iter().any(|mark| text.starts_with(mark)) {
        return Err(vec![Problem {
            line: 1,
            key: None,
            trouble: Trouble::Utf16,
        }]);
    }
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let converted = with_newlines(text);
    let mut parser = Parser {
        rest: converted.as_deref().map_or(text, Vec::as_slice),
        line: 1,
        is_expanding,
        size: 0,
        parsed: Parsed::default(),
        failed: HashSet::new(),
        problems: Vec::new(),
    };
    while !parser.rest.is_empty() && parser.problems.len() <= MOST {
        parser.statement();
    }
    if parser.problems.is_empty() {
        Ok(parser.parsed)
    } else {
        Err(parser.problems)
    }
}

/// Every line end as a newline; `None` where they are.
fn with_newlines(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.contains(&b'\r') {
        return None;
    }
    let mut lines = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\r') {
        lines.extend_from_slice(&rest[..at]);
        lines.push(b'\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    lines.extend_from_slice(rest);
    Some(lines)
}

struct Parser<'t> {
    rest: &'t [u8],
    line: usize,
    is_expanding: bool,
    /// Bytes of all values so far, so that expansion can't double without end.
    size: usize,
    parsed: Parsed,
    /// Keys whose own line is wrong: a reference to one is no second problem.
    failed: HashSet<String>,
    problems: Vec<Problem>,
}

/// A value as it stands in the file.
#[derive(Clone, Copy)]
struct Raw<'t> {
    text: &'t [u8],
    has_escapes: bool,
    is_expanded: bool,
    doubt: Option<Doubt>,
}

impl<'t> Parser<'t> {
    /// One line, or several where quotes span them.
    fn statement(&mut self) {
        let line = self.line;
        let head = self
            .rest
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let trimmed = trim(head);
        if trimmed.is_empty() || trimmed.starts_with(b"#") {
            self.finish_line();
            return;
        }
        let Some(equals) = head.iter().position(|byte| *byte == b'=') else {
            self.finish_line();
            self.report(line, None, Trouble::NoEquals);
            return;
        };
        let name = without_export(trim(&head[..equals]));
        let key = str::from_utf8(name)
            .ok()
            .filter(|_| is_key(name))
            .map(str::to_owned);
        // The value of a bad name is read all the same, to find where its quotes end.
        self.rest = &self.rest[equals + 1..];
        let raw = self.value();
        let Some(key) = key else {
            self.report(line, None, Trouble::BadName);
            return;
        };
        let doubt = raw.as_ref().ok().and_then(|raw| raw.doubt);
        match raw.and_then(|raw| self.evaluated(raw).map_err(|trouble| (line, trouble))) {
            Ok(value) => self.set(key, Entry { line, value, doubt }),
            Err((line, trouble)) => {
                self.failed.insert(key.clone());
                self.report(line, Some(key), trouble);
            }
        }
    }

    fn report(&mut self, line: usize, key: Option<String>, trouble: Trouble) {
        self.problems.push(Problem { line, key, trouble });
    }

    fn set(&mut self, key: String, entry: Entry) {
        self.failed.remove(&key);
        let later = entry.line;
        if let Some(earlier) = self.parsed.entries.insert(key.clone(), entry) {
            self.parsed.repeated.push(Repeated {
                key,
                earlier: earlier.line,
                later,
            });
        }
    }

    /// What is left of the line, without its ending.
    fn finish_line(&mut self) -> &'t [u8] {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = end.map_or(&[], |end| &self.rest[end + 1..]);
        self.line += 1;
        line
    }

    fn value(&mut self) -> Result<Raw<'t>, (usize, Trouble)> {
        let mut spaces = 0;
        while let Some(blank) = at_start(&self.rest[spaces..]) {
            spaces += blank;
        }
        if let Some(quote @ (b'"' | b'\'' | b'`')) = self.rest.get(spaces) {
            self.rest = &self.rest[spaces + 1..];
            self.quoted(*quote)
        } else {
            let line = self.finish_line();
            let begins = |at: &usize| match *at {
                0 => !is_word(&line[1..]),
                at => at_end(&line[..at]).is_some(),
            };
            let comment = (0..line.len()).find(|at| line[*at] == b'#' && begins(at));
            let text = trim(&line[..comment.unwrap_or(line.len())]);
            let doubt = if text.starts_with(b"#") {
                Some(Doubt::Hash)
            } else {
                self.literal(text, false)
            };
            Ok(Raw {
                text,
                has_escapes: false,
                is_expanded: self.is_expanding,
                doubt,
            })
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Raw<'t>, (usize, Trouble)> {
        let opened = self.line;
        let is_double = quote == b'"';
        let Some(end) = closing(self.rest, quote, is_double) else {
            // Everything after it is inside the quotes, so nothing more can be said.
            self.rest = &[];
            return Err((
                opened,
                Trouble::Unterminated {
                    quote: quote.into(),
                },
            ));
        };
        let text = &self.rest[..end];
        self.line += text.split(|byte| *byte == b'\n').count() - 1;
        self.rest = &self.rest[end + 1..];
        let closed = self.line;
        let tail = trim(self.finish_line());
        if !tail.is_empty() && !tail.starts_with(b"#") {
            return Err((closed, Trouble::TextAfterQuote { opened }));
        }
        Ok(Raw {
            text,
            has_escapes: is_double,
            is_expanded: is_double && self.is_expanding,
            doubt: is_double.then(|| self.literal(text, true)).flatten(),
        })
    }

    /// A doubt about a text that is not expanded.
    fn literal(&self, text: &[u8], has_escapes: bool) -> Option<Doubt> {
        if self.is_expanding {
            return None;
        }
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| b"\\$".contains(byte)) {
            rest = &rest[at..];
            let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
            match rest {
                [b'$', b'{', first, after @ ..] if is_name(first) && after.contains(&b'}') => {
                    return Some(Doubt::Literal);
                }
                [b'\\', _, after @ ..] if has_escapes => rest = after,
                _ => rest = &rest[1..],
            }
        }
        None
    }

    fn evaluated(&mut self, raw: Raw<'t>) -> Result<Secret, Trouble> {
        let mut pieces = Vec::new();
        self.collect(raw, &mut pieces)?;
        let size = self.size + pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if size > MAX_BYTES {
            return Err(Trouble::TooLarge);
        }
        // `concat` allocates the sum once: no growth leaves a copy behind.
        let value = Secret::new(pieces.concat());
        self.size = size;
        Ok(value)
    }

    /// The parts that a value is made of, none of them copied yet.
    fn collect<'p>(&'p self, raw: Raw<'t>, pieces: &mut Vec<&'p [u8]>) -> Result<(), Trouble>
    where
        't: 'p,
    {
        let mut rest = raw.text;
        let is_special =
            |byte: &u8| (raw.has_escapes && *byte == b'\\') || (raw.is_expanded && *byte == b'$');
        while let Some(at) = rest.iter().position(is_special) {
            pieces.push(&rest[..at]);
            rest = &rest[at..];
            if rest[0] == b'\\' {
                let (piece, length) = escape(rest);
                pieces.push(piece);
                rest = &rest[length..];
            } else if let Some(after) = rest.strip_prefix(b"${") {
                let end = after
                    .iter()
                    .position(|byte| *byte == b'}')
                    .ok_or(Trouble::BadReference)?;
                self.refer(
                    Raw {
                        text: &after[..end],
                        ..raw
                    },
                    pieces,
                )?;
                rest = &after[end + 1..];
            } else {
                pieces.push(&rest[..1]);
                rest = &rest[1..];
            }
        }
        pieces.push(rest);
        Ok(())
    }

    /// The inside of `${…}`.
    fn refer<'p>(&'p self, inside: Raw<'t>, pieces: &mut Vec<&'p [u8]>) -> Result<(), Trouble>
    where
        't: 'p,
    {
        let text = inside.text;
        let colon = text.iter().position(|byte| *byte == b':');
        let (name, default) = match colon {
            Some(at) => (
                &text[..at],
                Some(
                    text[at..]
                        .strip_prefix(b":-")
                        .ok_or(Trouble::BadReference)?,
                ),
            ),
            None => (text, None),
        };
        let is_nested = default.is_some_and(|default| default.windows(2).any(|pair| pair == b"${"));
        let name = str::from_utf8(name)
            .ok()
            .filter(|name| is_key(name.as_bytes()) && !is_nested);
        let name = name.ok_or(Trouble::BadReference)?;
        let known = self
            .parsed
            .entries
            .get(name)
            .map(|entry| entry.value.expose());
        match (known, default) {
            (Some([]) | None, Some(default)) => self.collect(
                Raw {
                    text: default,
                    is_expanded: false,
                    ..inside
                },
                pieces,
            ),
            (Some(value), _) => {
                pieces.push(value);
                Ok(())
            }
            (None, None) if self.failed.contains(name) => Ok(()),
            (None, None) => Err(Trouble::UnknownReference { name: name.into() }),
        }
    }
}

/// Whether what follows a `#` is rather the rest of a value than a comment.
fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && !text.starts_with(b"#") && at_start(text).is_none()
}

/// What a backslash and the byte after it stand for, and how many bytes they are.
fn escape(text: &[u8]) -> (&[u8], usize) {
    match text.get(1) {
        Some(b'n') => (b"\n", 2),
        Some(b'r') => (b"\r", 2),
        Some(b't') => (b"\t", 2),
        Some(b'"' | b'\\' | b'$') => (&text[1..2], 2),
        _ => (&text[..1], 1),
    }
}

/// Where the closing quote stands.
fn closing(text: &[u8], quote: u8, has_escapes: bool) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'\\' if has_escapes => at += 2,
            byte if *byte == quote => return Some(at),
            _ => at += 1,
        }
    }
}

fn without_export(name: &[u8]) -> &[u8] {
    match name.strip_prefix(b"export") {
        Some(rest) if at_start(rest).is_some() => trim(rest),
        _ => name,
    }
}

//! The dialect once more, byte by byte and without a thought for time or memory.

use std::collections::HashMap;

use super::super::{parser::is_key, problem::MOST};
use crate::read::MAX_BYTES;

/// A key, its line and its value.
pub(super) type Assigned = (String, usize, Vec<u8>);

/// A value that can't be read, and whether the text ends with it.
enum Wrong {
    Here(usize),
    ToTheEnd(usize),
}

/// All assignments in their order, or the lines that are wrong.
pub(super) fn reference(text: &[u8], is_expanding: bool) -> Result<Vec<Assigned>, Vec<usize>> {
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return Err(vec![1]);
    }
    let text = text.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(text);
    let text = &unified(text)[..];
    let mut reading = Reading {
        text,
        lines: text.split_inclusive(|byte| *byte == b'\n').collect(),
        begin: 0,
        is_expanding,
        assigned: Vec::new(),
        known: HashMap::new(),
        size: 0,
        wrong: Vec::new(),
    };
    let mut at = 0;
    while at < reading.lines.len() && reading.wrong.len() <= MOST {
        let next = reading.line(at);
        let read = reading.lines[at..next].iter().map(|line| line.len());
        reading.begin += read.sum::<usize>();
        at = next;
    }
    if reading.wrong.is_empty() {
        Ok(reading.assigned)
    } else {
        Err(reading.wrong)
    }
}

/// CRLF and CR as LF.
pub(super) fn unified(text: &[u8]) -> Vec<u8> {
    let mut unified = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\r' => unified.push(b'\n'),
            b'\n' if at > 0 && text[at - 1] == b'\r' => {}
            _ => unified.push(*byte),
        }
    }
    unified
}

struct Reading<'t> {
    text: &'t [u8],
    lines: Vec<&'t [u8]>,
    /// Where the line begins that is read.
    begin: usize,
    is_expanding: bool,
    assigned: Vec<Assigned>,
    /// By key; `None` where the last line that sets it is wrong and none before was right.
    known: HashMap<String, Option<Vec<u8>>>,
    size: usize,
    wrong: Vec<usize>,
}

impl Reading<'_> {
    /// Reads what begins on a line; the result is the line after it.
    fn line(&mut self, at: usize) -> usize {
        let number = at + 1;
        let line = self.lines[at];
        let blank = stripped(line.strip_suffix(b"\n").unwrap_or(line));
        if blank.is_empty() || blank[0] == b'#' {
            return number;
        }
        let Some(equals) = line.iter().position(|byte| *byte == b'=') else {
            self.wrong.push(number);
            return number;
        };
        let key = key(&line[..equals]);
        let rest = &self.text[self.begin + equals + 1..];
        let (value, count) = self.value(rest, number);
        let Some(key) = key else {
            self.wrong.push(number);
            return at + count;
        };
        match value {
            Ok(value) => {
                self.size += value.len();
                self.known.insert(key.clone(), Some(value.clone()));
                self.assigned.push((key, number, value));
            }
            Err(line) => {
                self.known.entry(key).or_insert(None);
                self.wrong.push(line);
            }
        }
        at + count
    }

    /// The value that a text begins with, or the line that is wrong, and how many lines it takes.
    fn value(&self, rest: &[u8], number: usize) -> (Result<Vec<u8>, usize>, usize) {
        let begin = rest.len() - lead(rest).len();
        let raw = match rest.get(begin) {
            Some(quote @ (b'"' | b'\'' | b'`')) => quoted(&rest[begin + 1..], *quote, number),
            _ => Ok((plain(rest), 1)),
        };
        let has_escapes = rest.get(begin) == Some(&b'"');
        let is_literal = matches!(rest.get(begin), Some(b'\'' | b'`'));
        match raw {
            Ok((raw, count)) => {
                let expands = self.is_expanding && !is_literal;
                let value = self.evaluated(raw, has_escapes, expands);
                let value = value.filter(|value| self.size + value.len() <= MAX_BYTES);
                (value.ok_or(number), count)
            }
            Err(Wrong::Here(line)) => (Err(line), line + 1 - number),
            Err(Wrong::ToTheEnd(line)) => (Err(line), self.lines.len() + 1 - number),
        }
    }

    fn evaluated(&self, raw: &[u8], has_escapes: bool, expands: bool) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let mut at = 0;
        while at < raw.len() {
            match (raw[at], raw.get(at + 1)) {
                (b'\\', Some(next)) if has_escapes && b"nrt\"\\$".contains(next) => {
                    value.push(match next {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        other => *other,
                    });
                    at += 2;
                }
                (b'$', Some(b'{')) if expands => {
                    let length = raw[at..].iter().position(|byte| *byte == b'}')?;
                    value.extend(self.expanded(&raw[at + 2..at + length], has_escapes)?);
                    at += length + 1;
                }
                (byte, _) => {
                    value.push(byte);
                    at += 1;
                }
            }
        }
        Some(value)
    }

    fn expanded(&self, inside: &[u8], has_escapes: bool) -> Option<Vec<u8>> {
        let end = inside.iter().position(|byte| *byte == b':');
        let (name, default) = inside.split_at(end.unwrap_or(inside.len()));
        if !is_key(name) || default.windows(2).any(|pair| pair == b"${") {
            return None;
        }
        let known = self.known.get(std::str::from_utf8(name).ok()?);
        if default.is_empty() {
            return known.map(|value| value.clone().unwrap_or_default());
        }
        let default = default.strip_prefix(b":-")?;
        match known {
            Some(Some(value)) if !value.is_empty() => Some(value.clone()),
            _ => self.evaluated(default, has_escapes, false),
        }
    }
}

/// What `char::is_whitespace` says, but for the ends of lines, and the zero-width no-break space.
fn is_blank(c: char) -> bool {
    c == '\u{feff}' || c.is_whitespace() && !matches!(c, '\n' | '\r' | '\u{85}')
}

/// A text without the blanks that it begins with.
fn lead(text: &[u8]) -> &[u8] {
    let first = text.utf8_chunks().next();
    match first.and_then(|chunk| chunk.valid().chars().next()) {
        Some(c) if is_blank(c) => lead(&text[c.len_utf8()..]),
        _ => text,
    }
}

/// A text without the blanks around it.
fn stripped(text: &[u8]) -> &[u8] {
    let mut text = lead(text);
    while ends_blank(text) {
        let begins_char = |at: &usize| text[*at] & 0xc0 != 0x80;
        text = &text[..(0..text.len()).rfind(begins_char).unwrap_or(0)];
    }
    text
}

fn ends_blank(text: &[u8]) -> bool {
    (1..=text.len().min(3)).any(|length| {
        std::str::from_utf8(&text[text.len() - length..])
            .is_ok_and(|end| end.chars().count() == 1 && end.chars().all(is_blank))
    })
}

fn key(text: &[u8]) -> Option<String> {
    let text = stripped(text);
    let key = match text.strip_prefix(b"export") {
        Some(after) if lead(after).len() < after.len() => lead(after),
        _ => text,
    };
    let key = std::str::from_utf8(key).ok()?;
    is_key(key.as_bytes()).then(|| key.to_owned())
}

/// The rest of a line, without a comment and the white space around.
fn plain(rest: &[u8]) -> &[u8] {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let begins = |at: &usize| line[*at] == b'#' && stripped(&line[..*at]).len() < *at;
    let first = (1..line.len()).find(begins);
    if let [b'#', after @ ..] = line
        && (after.is_empty() || after[0] == b'#' || lead(after).len() < after.len())
    {
        return &[];
    }
    stripped(&line[..first.unwrap_or(line.len())])
}

/// What stands before the closing quote, and how many lines there are to the end of its own.
fn quoted(text: &[u8], quote: u8, number: usize) -> Result<(&[u8], usize), Wrong> {
    let mut end = 0;
    while let Some(byte) = text.get(end) {
        if *byte == quote {
            break;
        }
        end += 1 + usize::from(quote == b'"' && *byte == b'\\');
    }
    let Some(after) = text.get(end..).filter(|after| !after.is_empty()) else {
        return Err(Wrong::ToTheEnd(number));
    };
    let inside = &text[..end];
    let count = inside.split(|byte| *byte == b'\n').count();
    let tail = after[1..].split(|byte| *byte == b'\n').next();
    match lead(tail.unwrap_or_default()).first() {
        None | Some(b'#') => Ok((inside, count)),
        Some(_) => Err(Wrong::Here(number + count - 1)),
    }
}

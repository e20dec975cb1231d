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
        let blank = line.trim_ascii();
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
        let begin = rest.iter().position(|byte| !b" \t".contains(byte));
        let begin = begin.unwrap_or(rest.len());
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

fn key(text: &[u8]) -> Option<String> {
    let is_space = |byte: &u8| b" \t".contains(byte);
    let mut words = text.split(is_space).filter(|word| !word.is_empty());
    let (first, second, third) = (words.next()?, words.next(), words.next());
    let key = match second {
        None => first,
        Some(second) if first == b"export" && third.is_none() => second,
        Some(_) => return None,
    };
    let key = std::str::from_utf8(key).ok()?;
    is_key(key.as_bytes()).then(|| key.to_owned())
}

/// The rest of a line, without a comment and the white space around.
fn plain(rest: &[u8]) -> &[u8] {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut end = line.len();
    for at in (1..line.len()).rev() {
        if line[at] == b'#' && b" \t".contains(&line[at - 1]) {
            end = at;
        }
    }
    let mut text = &line[..end];
    while let [b' ' | b'\t', after @ ..] = text {
        text = after;
    }
    while let [before @ .., b' ' | b'\t'] = text {
        text = before;
    }
    text
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
    let tail = tail.unwrap_or_default();
    let tail = tail.strip_suffix(b"\r").unwrap_or(tail);
    let spaces = tail.iter().take_while(|byte| b" \t".contains(byte)).count();
    match tail.get(spaces) {
        None => Ok((inside, count)),
        Some(b'#') if spaces > 0 => Ok((inside, count)),
        Some(_) => Err(Wrong::Here(number + count - 1)),
    }
}

//! What must hold for any dotenv file: it means what the plainest reading of the dialect says,
//! and a value that is quoted comes back byte for byte.

mod reference;

use std::collections::BTreeMap;

use self::reference::{Assigned, reference, unified};
use super::{
    blank::trim,
    parser::{Parsed, parse},
    problem::{MOST, fault},
};

const MOST_REFERENCES: usize = 12;

/// A file; and the same bytes as a value.
///
/// # Panics
///
/// Where it does not hold.
pub fn dotenv(input: &[u8]) {
    reads(input, false);
    // More of them multiply a value to megabytes, and no time is left for other cases.
    if input.windows(2).filter(|pair| *pair == b"${").count() <= MOST_REFERENCES {
        reads(input, true);
    }
    comes_back(input);
}

fn reads(text: &[u8], is_expanding: bool) {
    match (parse(text, is_expanding), reference(text, is_expanding)) {
        (Ok(parsed), Ok(expected)) => agrees(&parsed, expected),
        (Err(problems), Err(lines)) => {
            let found: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
            assert_eq!(found, lines, "the lines that are wrong");
            let said = fault("file", &problems);
            assert!(!said.message.is_empty() && said.hints.len() <= MOST + 2);
        }
        (Ok(_), Err(lines)) => panic!("taken although lines are wrong: {lines:?}"),
        (Err(problems), Ok(_)) => panic!("refused although it is right: {problems:?}"),
    }
}

fn agrees(parsed: &Parsed, expected: Vec<Assigned>) {
    let mut last = BTreeMap::new();
    let mut repeated = Vec::new();
    for (key, line, value) in expected {
        if let Some((earlier, _)) = last.insert(key.clone(), (line, value)) {
            repeated.push((key, earlier, line));
        }
    }
    let found = parsed.repeated.iter();
    let found = found.map(|again| (again.key.clone(), again.earlier, again.later));
    assert_eq!(found.collect::<Vec<_>>(), repeated, "keys that stand again");
    let found: Vec<(&str, usize, &[u8])> = parsed
        .entries
        .iter()
        .map(|(key, entry)| (key.as_str(), entry.line, entry.value.expose()))
        .collect();
    let last: Vec<(&str, usize, &[u8])> = last
        .iter()
        .map(|(key, (line, value))| (key.as_str(), *line, value.as_slice()))
        .collect();
    assert_eq!(found, last, "keys, lines and values");
}

/// Between two other lines, in every kind of quotes that can hold it.
fn comes_back(value: &[u8]) {
    let written = [b"\"", doubled(value).as_slice(), b"\""].concat();
    is_taken(&written, value, false);
    is_taken(&written, value, true);
    // Quotes without escapes know one kind of line end.
    let value = &unified(value)[..];
    let mut written = Vec::new();
    for quote in *b"'`" {
        if !value.contains(&quote) {
            written.push([&[quote], value, &[quote]].concat());
        }
    }
    for text in &written {
        is_taken(text, value, false);
        is_taken(text, value, true);
    }
    if is_plain(value) {
        is_taken(value, value, false);
    }
}

fn is_taken(text: &[u8], value: &[u8], is_expanding: bool) {
    let file = [b"BEFORE=1\nKEY=", text, b"\nAFTER=2"].concat();
    let parsed = parse(&file, is_expanding);
    let parsed = parsed.unwrap_or_else(|problems| panic!("{problems:?}"));
    let found = parsed.entries.get("KEY").map(|entry| entry.value.expose());
    assert_eq!(found, Some(value), "byte for byte");
    assert_eq!(parsed.entries.len(), 3, "and the lines around it");
}

fn doubled(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in value {
        match byte {
            b'"' | b'\\' | b'$' => text.extend_from_slice(&[b'\\', *byte]),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            byte => text.push(*byte),
        }
    }
    text
}

/// Whether a value can stand without quotes.
fn is_plain(value: &[u8]) -> bool {
    let is_comment = |at| value[at] == b'#' && trim(&value[..at]).len() < at;
    !value.contains(&b'\n')
        && !value.first().is_some_and(|first| b"'\"`#".contains(first))
        && trim(value) == value
        && !(0..value.len()).any(is_comment)
}

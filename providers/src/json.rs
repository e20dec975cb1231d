//! One field of a JSON document, without a tree that nobody wipes.
//!
//! The document is walked by borrowed parsing: what is not asked for is skipped where it stands,
//! and the one value is copied once, into wiped memory. Errors say where, never what: the
//! parser's own messages quote the document.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod property;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{
    Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};
use zeroize::Zeroizing;

use crate::{Absence, Class, Fault, Field, Secret, is_name_like};

/// Deeper documents are refused by most that read JSON, and writing calls itself for each step.
const MOST_STEPS: usize = 100;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Never shown: where it is, is.
const DOUBLED: &str = "a key stands twice";

/// What stands at a field.
#[derive(Debug)]
pub(crate) enum Selection {
    /// The text of a string, the literal of a number or boolean, the JSON of anything larger.
    Value(Secret),
    /// Nothing, or null.
    Absent(Missing),
}

/// What is not at a field.
#[derive(Debug)]
pub(crate) struct Missing {
    /// Whether null stands there.
    is_null: bool,
    /// The other keys of the innermost object that exists.
    keys: Vec<String>,
}

impl Missing {
    /// The absence of a field, where `subject` names the document: `` `/run/secrets/app` ``.
    pub(crate) fn absence(self, field: &Field, subject: &str) -> Absence {
        let field = field.as_str();
        if self.is_null {
            return Absence {
                what: format!("`{field}` in {subject} is null"),
                keys: Vec::new(),
            };
        }
        Absence {
            what: format!("no `{field}` in {subject}"),
            keys: self.keys,
        }
    }
}

/// Where a document is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    line: usize,
    column: usize,
    what: What,
}

/// What is wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    EndsTooEarly,
    HasKeyTwice,
    IsNotJson,
}

impl Malformed {
    /// The fault, where `subject` names the document: `` `/run/secrets/app` ``.
    pub(crate) fn fault(&self, subject: &str) -> Fault {
        let Self { line, column, what } = self;
        let what = match what {
            What::EndsTooEarly => "ends too early",
            What::HasKeyTwice => "has an object in which a key stands twice",
            What::IsNotJson => "is not valid JSON",
        };
        Fault::new(
            Class::Malformed,
            format!("{subject} {what}, at line {line}, column {column}"),
        )
    }

    /// At the start of `piece`, which is a part of `document`.
    fn at(document: &[u8], piece: &str, what: What) -> Self {
        let start = piece
            .as_ptr()
            .addr()
            .saturating_sub(document.as_ptr().addr());
        let before = &document[..start.min(document.len())];
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count()
            + 1;
        Self { line, column, what }
    }
}

impl What {
    fn of(error: &serde_json::Error) -> Self {
        match error.classify() {
            Category::Eof => Self::EndsTooEarly,
            // The form is right: it is a reader here that refuses.
            Category::Data => Self::HasKeyTwice,
            Category::Io | Category::Syntax => Self::IsNotJson,
        }
    }
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Self {
            line: error.line(),
            column: error.column(),
            what: What::of(&error),
        }
    }
}

/// Checks the form of a field without a document; the text says what is wrong with it.
pub(crate) fn validate(field: &Field) -> Result<(), String> {
    match field {
        Field::Name(name) if name.is_empty() => Err("nothing stands after `#`".into()),
        Field::Pointer(pointer)
            if pointer
                .split('~')
                .skip(1)
                .any(|rest| !rest.starts_with(['0', '1'])) =>
        {
            Err(format!(
                "`{pointer}` is no JSON Pointer: a `~` is written `~0`, a `/` in a key `~1`"
            ))
        }
        Field::Pointer(pointer) if pointer.matches('/').count() > MOST_STEPS => {
            Err(format!("a JSON Pointer has at most {MOST_STEPS} steps"))
        }
        Field::Name(_) | Field::Pointer(_) => Ok(()),
    }
}

/// Selects `field` of `document`. An object on the way with a key that stands twice is malformed: which
/// of the two is meant, each reader decides otherwise (RFC 8259, section 4).
pub(crate) fn select(document: &[u8], field: &Field) -> Result<Selection, Malformed> {
    let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let found = walk(document, &steps(field), matches!(field, Field::Pointer(_)))?;
    let here = match found {
        (Some(here), _) if here.get() != "null" => here,
        (found, keys) => {
            let shown = keys.into_iter().filter(|(_, is_shown)| *is_shown);
            return Ok(Selection::Absent(Missing {
                is_null: found.is_some(),
                keys: shown.map(|(key, _)| key).collect(),
            }));
        }
    };
    match here.get().as_bytes() {
        [b'"', text @ .., b'"'] => match unescaped(text) {
            Some(text) => Ok(Selection::Value(text.into())),
            None => Err(Malformed::at(document, here.get(), What::IsNotJson)),
        },
        literal => Ok(Selection::Value(Secret::copied_from(literal))),
    }
}

/// The value at a field of a local document, or its absence, where `subject` names the document.
pub(crate) fn selected(
    document: &[u8],
    field: &Field,
    subject: &str,
) -> Result<Result<Secret, Absence>, Fault> {
    let selection = select(document, field).map_err(|malformed| malformed.fault(subject))?;
    Ok(match selection {
        Selection::Value(secret) => Ok(secret),
        Selection::Absent(missing) => Err(missing.absence(field, subject)),
    })
}

/// What stands at the end of `path`, an object at each step; `None` also for null.
pub(crate) fn at<'d>(document: &'d [u8], path: &[&str]) -> Result<Option<&'d [u8]>, Malformed> {
    let steps: Vec<Cow<'_, str>> = path.iter().map(|step| Cow::Borrowed(*step)).collect();
    let (found, _) = walk(document, &steps, false)?;
    Ok(found
        .map(|found| found.get().as_bytes())
        .filter(|found| found != b"null"))
}

/// The text at the end of `path`, or the literal of a number or boolean.
pub(crate) fn text_at(document: &[u8], path: &[&str]) -> Result<Option<Secret>, Malformed> {
    Ok(match at(document, path)? {
        Some([b'"', text @ .., b'"']) => unescaped(text).map(Secret::from),
        Some(literal) => Some(Secret::copied_from(literal)),
        None => None,
    })
}

/// An object of texts, written once into memory that is wiped. `None` where a text is not UTF-8.
pub(crate) fn object(members: &[(&str, &[u8])]) -> Option<Zeroizing<Vec<u8>>> {
    let longest = |(name, text): &(&str, &[u8])| 6 * (name.len() + text.len()) + 6;
    let mut written = Zeroizing::new(Vec::with_capacity(
        2 + members.iter().map(longest).sum::<usize>(),
    ));
    written.push(b'{');
    for (index, (name, text)) in members.iter().enumerate() {
        if index > 0 {
            written.push(b',');
        }
        // The capacity holds the longest escape of every byte, so nothing is left behind.
        serde_json::to_writer(&mut *written, name).ok()?;
        written.push(b':');
        serde_json::to_writer(&mut *written, std::str::from_utf8(text).ok()?).ok()?;
    }
    written.push(b'}');
    Some(written)
}

/// Descends step by step: what stands there, or the other keys of the innermost object.
fn walk<'d>(
    document: &'d [u8],
    steps: &[Cow<'_, str>],
    has_indices: bool,
) -> Result<(Option<&'d RawValue>, BTreeMap<String, bool>), Malformed> {
    let mut here: &RawValue = serde_json::from_slice(document)?;
    let mut keys = BTreeMap::new();
    for step in steps {
        let level = match here.get().as_bytes()[0] {
            b'{' => descend(here, Seek::Key(step)),
            b'[' if has_indices => descend(here, Seek::Index(index(step))),
            _ => Ok(Level::default()),
        };
        let level = level.map_err(|error| Malformed::at(document, here.get(), What::of(&error)))?;
        keys = level.keys;
        keys.remove(step.as_ref());
        match level.found {
            Some(found) => here = found,
            None => return Ok((None, keys)),
        }
    }
    Ok((Some(here), keys))
}

fn steps(field: &Field) -> Vec<Cow<'_, str>> {
    match field {
        Field::Name(name) => vec![Cow::Borrowed(name)],
        Field::Pointer(pointer) => pointer.split('/').skip(1).map(step).collect(),
    }
}

/// `~1` before `~0`, as RFC 6901 says, so that `~01` is `~1`.
fn step(escaped: &str) -> Cow<'_, str> {
    if escaped.contains('~') {
        Cow::Owned(escaped.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(escaped)
    }
}

/// RFC 6901: digits without a leading zero. `-` names the element after the last, which is none.
fn index(step: &str) -> Option<usize> {
    let is_canonical = step == "0" || !step.starts_with('0');
    (is_canonical && step.bytes().all(|byte| byte.is_ascii_digit())).then(|| step.parse().ok())?
}

fn descend<'d>(value: &'d RawValue, seek: Seek<'_>) -> serde_json::Result<Level<'d>> {
    serde_json::Deserializer::from_str(value.get()).deserialize_any(seek)
}

/// One object or array, looked at.
#[derive(Default)]
struct Level<'d> {
    found: Option<&'d RawValue>,
    /// And whether each may be shown as a name.
    keys: BTreeMap<String, bool>,
}

/// What to look for in it.
enum Seek<'s> {
    Key(&'s str),
    Index(Option<usize>),
}

impl<'d> Visitor<'d> for Seek<'_> {
    type Value = Level<'d>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'d>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut level = Level::default();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            if matches!(self, Self::Key(wanted) if wanted == key) {
                level.found = Some(value);
            }
            let is_shown = value.get() != "\"\"" && is_name_like(&key);
            if level.keys.insert(key, is_shown).is_some() {
                return Err(A::Error::custom(DOUBLED));
            }
        }
        Ok(level)
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut level = Level::default();
        let mut position = 0;
        while let Some(value) = elements.next_element::<&RawValue>()? {
            if matches!(self, Self::Index(Some(wanted)) if wanted == position) {
                level.found = Some(value);
            }
            position += 1;
        }
        Ok(level)
    }
}

/// The text of a JSON string; of anything else its literal. `None` for half a surrogate pair.
pub(crate) fn text(value: &RawValue) -> Option<Secret> {
    match value.get().as_bytes() {
        [b'"', text @ .., b'"'] => unescaped(text).map(Secret::from),
        literal => Some(Secret::copied_from(literal)),
    }
}

/// The text between the quotes of a string that was already scanned; `None` for half a surrogate
/// pair. `serde_json` would decode into a buffer of its own that stays unwiped.
fn unescaped(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // No escape is shorter than what it stands for, so this never grows.
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        decoded.extend_from_slice(&rest[..at]);
        let (escape, after) = rest[at + 1..].split_first()?;
        rest = after;
        let byte = match escape {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let character = character(&mut rest)?;
                decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            other => *other,
        };
        decoded.push(byte);
    }
    decoded.extend_from_slice(rest);
    Some(decoded)
}

/// The character after `\u`, two units of it where the first is half of a pair.
fn character(rest: &mut &[u8]) -> Option<char> {
    let first = unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first);
    }
    *rest = rest.strip_prefix(b"\\u")?;
    let second = unit(rest)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)
}

fn unit(rest: &mut &[u8]) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The document with `value` as a string at `field`, and everything else as it stands; `None`
/// where something other than an object stands on the way.
#[cfg(any(feature = "aws", test, feature = "fuzzing"))]
pub(crate) fn merged(
    document: &[u8],
    field: &Field,
    value: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Malformed> {
    let document = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let here: &RawValue = serde_json::from_slice(document)?;
    let steps = steps(field);
    // No byte is written as more than six, so nothing grows.
    let names: usize = steps.iter().map(|step| 6 * step.len() + 8).sum();
    let capacity = document.len() + 6 * value.len() + names + 8;
    let mut text = Zeroizing::new(Vec::with_capacity(capacity));
    let is_merged = merge(Some(here), &steps, value, &mut text)?;
    Ok(is_merged.then_some(text))
}

#[cfg(any(feature = "aws", test, feature = "fuzzing"))]
fn merge(
    here: Option<&RawValue>,
    steps: &[Cow<'_, str>],
    value: &str,
    into: &mut Vec<u8>,
) -> serde_json::Result<bool> {
    let Some((step, rest)) = steps.split_first() else {
        serde_json::to_writer(into, value)?;
        return Ok(true);
    };
    let entries = match here.map(|here| here.get().as_bytes()[0]) {
        None => Vec::new(),
        Some(b'{') => serde_json::Deserializer::from_str(here.map_or("", RawValue::get))
            .deserialize_map(Entries)?,
        Some(_) => return Ok(false),
    };
    into.push(b'{');
    let old = entries.iter().rev().find(|(key, _)| key == step);
    for (key, raw) in entries.iter().filter(|(key, _)| key != step) {
        serde_json::to_writer(&mut *into, key)?;
        into.push(b':');
        into.extend_from_slice(raw.get().as_bytes());
        into.push(b',');
    }
    serde_json::to_writer(&mut *into, step.as_ref())?;
    into.push(b':');
    let is_merged = merge(old.map(|(_, raw)| *raw), rest, value, into)?;
    into.push(b'}');
    Ok(is_merged)
}

/// The entries of an object in their order, their values as they stand.
#[cfg(any(feature = "aws", test, feature = "fuzzing"))]
struct Entries;

#[cfg(any(feature = "aws", test, feature = "fuzzing"))]
impl<'d> Visitor<'d> for Entries {
    type Value = Vec<(String, &'d RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'d>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        let mut keys = std::collections::BTreeSet::new();
        while let Some((key, value)) = map.next_entry::<String, _>()? {
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(DOUBLED));
            }
            entries.push((key, value));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests;

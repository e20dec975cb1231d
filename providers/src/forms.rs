//! The forms in which a value can stand in a text, and what a text says once it is decoded. Masks,
//! what is quoted of programs, and the search of the tests for values all use these; there is no other
//! list.
//!
//! A value is looked for as it is, in base64 and in hexadecimal. What programs do to a text beside that
//! is undone in [`View`]s of it: escapes are decoded, to a depth of two, and colours and line breaks
//! taken out.

mod view;

use std::ops::Range;

use zeroize::Zeroizing;

pub use self::view::View;

type Bytes = Zeroizing<Vec<u8>>;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";
/// So many bytes a value has at least that is looked for across line breaks and blanks: a shorter one
/// would be found by chance.
pub const JOINED: usize = 16;

/// In which views of a text a form is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// The text, and what it says when it is decoded.
    Plain,
    /// These without line breaks.
    Joined,
    /// The digits of hexadecimal in groups.
    Digits,
}

/// One form of a value.
pub struct Form {
    /// Its bytes, wiped when it is dropped.
    pub bytes: Bytes,
    /// Where it is looked for.
    pub search: Search,
    /// Whether it is base64 or hexadecimal, which programs break into lines.
    pub is_encoded: bool,
}

/// All forms of a value; some are equal.
pub fn of(value: &[u8]) -> Vec<Form> {
    let mut plain = vec![Bytes::new(value.to_vec())];
    let trimmed = value.trim_ascii_end();
    if trimmed.len() < value.len() {
        plain.push(Bytes::new(trimmed.to_vec()));
    }
    let mut encoded = Vec::new();
    let mut digits = Vec::new();
    for value in [value, trimmed] {
        for alphabet in [STANDARD, URL_SAFE] {
            base64(value, alphabet, &mut encoded);
        }
        for alphabet in [LOWER, UPPER] {
            digits.push(each(value, |byte, form| hex(byte, alphabet, form)));
        }
        spelled(value, &mut plain);
    }
    let mut forms = Vec::new();
    if value.len() >= JOINED {
        let joined = each(value, |byte, form| {
            form.extend((!matches!(byte, b'\n' | b'\r')).then_some(byte));
        });
        let add = |bytes: &Bytes, search, is_encoded| Form {
            bytes: bytes.clone(),
            search,
            is_encoded,
        };
        forms.push(add(&joined, Search::Joined, false));
        forms.extend(encoded.iter().map(|form| add(form, Search::Joined, true)));
        forms.extend(digits.iter().map(|form| add(form, Search::Digits, true)));
    }
    lines(value, &mut plain);
    // A value with escapes of its own: what the decoded text says then.
    let decoded = View::levels(value, true).skip(1);
    plain.extend(decoded.map(|view| Bytes::new(view.bytes().to_vec())));
    let plain = plain.into_iter().map(|bytes| (bytes, false));
    let encoded = encoded.into_iter().chain(digits).map(|bytes| (bytes, true));
    forms.extend(plain.chain(encoded).map(|(bytes, is_encoded)| Form {
        bytes,
        search: Search::Plain,
        is_encoded,
    }));
    forms.retain(|form| !form.bytes.is_empty());
    forms
}

/// The views of a whole text in which forms are looked for.
pub fn views(text: &[u8]) -> Vec<(Search, View<'_>)> {
    let mut views = Vec::new();
    for view in View::levels(text, true) {
        let joined = view
            .without_breaks(&mut Vec::new())
            .unwrap_or_else(|| view.same());
        views.push((Search::Joined, joined));
        views.extend(view.digits().map(|digits| (Search::Digits, digits)));
        views.push((Search::Plain, view));
    }
    views
}

/// Where any of these forms is in a text, from left to right; of those that overlap, all together.
pub fn places(text: &[u8], forms: &[Form]) -> Vec<Range<usize>> {
    let views = views(text);
    let mut places = Vec::new();
    for form in forms {
        let finder = memchr::memmem::Finder::new(&form.bytes);
        for (_, view) in views.iter().filter(|(search, _)| *search == form.search) {
            let found = finder.find_iter(view.bytes());
            places.extend(found.map(|at| view.source(at..at + form.bytes.len())));
        }
    }
    places.sort_by_key(|place: &Range<usize>| (place.start, place.end));
    places.dedup_by(|next, place| {
        let overlaps = next.start < place.end;
        if overlaps {
            place.end = place.end.max(next.end);
        }
        overlaps
    });
    places
}

/// What decoding does not undo: a blank as `+` in a form of HTML, and a quote inside the quotes of a
/// shell.
fn spelled(value: &[u8], forms: &mut Vec<Bytes>) {
    if value.contains(&b' ') {
        forms.push(each(value, |byte, form| {
            form.push(if byte == b' ' { b'+' } else { byte });
        }));
    }
    for quote in [&b"'\\''"[..], b"'\"'\"'"] {
        if value.contains(&b'\'') {
            forms.push(each(value, |byte, form| match byte {
                b'\'' => form.extend_from_slice(quote),
                byte => form.push(byte),
            }));
        }
    }
}

/// A form made byte by byte.
fn each(value: &[u8], mut encode: impl FnMut(u8, &mut Vec<u8>)) -> Bytes {
    // Growing would leave copies behind: no encoding has more than six bytes for one.
    let mut form = Bytes::new(Vec::with_capacity(6 * value.len()));
    for byte in value {
        encode(*byte, &mut form);
    }
    form
}

/// In base64 a value has three forms, as it stands behind a multiple of three bytes, one more or
/// two; what its neighbours have a part in is left out. Alone it is whole, with its padding too.
fn base64(value: &[u8], alphabet: &[u8; 64], forms: &mut Vec<Bytes>) {
    for before in 0..3 {
        let bits = 8 * (before + value.len());
        let sextet = |at: usize| {
            (0..6).fold(0_usize, |sextet, bit| {
                let bit = 6 * at + bit;
                let byte = (bit / 8).checked_sub(before).and_then(|at| value.get(at));
                sextet << 1 | usize::from(byte.copied().unwrap_or(0) >> (7 - bit % 8) & 1)
            })
        };
        let first = (8 * before).div_ceil(6);
        let encoded = |to: usize| {
            let mut form = Bytes::new(Vec::with_capacity(to + 3));
            form.extend((first..to).map(|at| alphabet[sextet(at)]));
            form
        };
        forms.push(encoded(bits / 6));
        if before == 0 && !bits.is_multiple_of(6) {
            let mut padded = encoded(bits.div_ceil(6));
            forms.push(padded.clone());
            while !padded.len().is_multiple_of(4) {
                padded.push(b'=');
            }
            forms.push(padded);
        }
    }
}

fn hex(byte: u8, digits: &[u8; 16], form: &mut Vec<u8>) {
    form.push(digits[usize::from(byte >> 4)]);
    form.push(digits[usize::from(byte & 0xf)]);
}

/// Each line of a value that has several, but for the frame of a PEM file, which is no secret.
fn lines(value: &[u8], forms: &mut Vec<Bytes>) {
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let secret = lines.filter(|line| line.len() < value.len() && !line.starts_with(b"-----"));
    forms.extend(secret.map(|line| Bytes::new(line.to_vec())));
}

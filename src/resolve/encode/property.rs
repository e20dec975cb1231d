//! What must hold for any template and any values: it is read as it is written, and each encoding
//! is undone by somebody else's decoder.

use super::encode;
use crate::manifest::{
    credential,
    template::{Encoding, Part, Template},
};

/// A template, and values after it, each behind a NUL.
///
/// # Panics
///
/// Where it does not hold.
pub fn templates(input: &[u8]) {
    let mut pieces = input.split(|byte| *byte == 0);
    let text = std::str::from_utf8(pieces.next().unwrap_or_default());
    let values: Vec<&[u8]> = pieces.collect();
    for value in &values {
        comes_back(value);
    }
    let Ok(text) = text else { return };
    match Template::parse(text) {
        Ok(template) => {
            is_read_again(&template);
            is_filled_in(&template, text, &values);
        }
        Err((message, hint)) => {
            assert!(!message.is_empty() && hint.is_some());
            assert!(!message.contains(char::is_control), "it can be printed");
            // A part of what is none can look like one, and so can the dots behind it.
            let message = message.replace("...`", "`").replace("...=", "=");
            let is_shown = credential::issuer(&message).is_some();
            assert!(
                !is_shown || credential::issuer(text).is_none(),
                "a credential is shown"
            );
            assert!(text.contains('$'), "nothing else can be wrong");
        }
    }
}

fn encoded(value: &[u8], encoding: Encoding) -> Vec<u8> {
    let room = 6 * value.len();
    let mut text = Vec::with_capacity(room);
    let buffer = text.as_ptr();
    encode(value, encoding, &mut text);
    assert!(
        room == 0 || text.as_ptr() == buffer,
        "a copy is left behind"
    );
    text
}

fn comes_back(value: &[u8]) {
    assert_eq!(encoded(value, Encoding::Plain), value, "as it is");
    let url = encoded(value, Encoding::Url);
    assert!(
        url.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(byte))
    );
    assert_eq!(percent_decoded(&url), value, "percent-encoded");
    let base64 = encoded(value, Encoding::Base64);
    assert_eq!(base64_decoded(&base64), value, "base64");
    if let Ok(text) = std::str::from_utf8(value) {
        let json = [b"\"", &encoded(value, Encoding::Json)[..], b"\""].concat();
        let found: String = serde_json::from_slice(&json).expect("a string of JSON");
        assert_eq!(found, text, "JSON");
    }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).expect("ASCII");
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).expect("two digits"));
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    bytes
}

fn base64_decoded(text: &[u8]) -> Vec<u8> {
    assert!(text.len().is_multiple_of(4), "padded");
    let mut bits = Vec::new();
    for byte in text.iter().filter(|byte| **byte != b'=') {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            other => panic!("{other} in base64"),
        };
        bits.extend((0..6).rev().map(|bit| sextet >> bit & 1));
    }
    let octets = bits.chunks_exact(8);
    octets
        .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit))
        .collect()
}

/// Written out, it is the same template.
fn is_read_again(template: &Template) {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Literal(literal) => text.push_str(&literal.replace('$', "$$")),
            Part::Variable { name, encoding } => {
                let word = match encoding {
                    Encoding::Plain => "",
                    Encoding::Url => "|url",
                    Encoding::Json => "|json",
                    Encoding::Base64 => "|base64",
                };
                text.push_str(&format!("${{{name}{word}}}"));
            }
        }
    }
    assert_eq!(Template::parse(&text).as_ref(), Ok(template), "{text}");
}

/// Its values stand where the text says, in their order, with the text between them as it is.
fn is_filled_in(template: &Template, text: &str, values: &[&[u8]]) {
    let names: Vec<&str> = template.variables().collect();
    let value = |name: &str| {
        let at = names.iter().position(|other| *other == name)?;
        values.get(at).copied()
    };
    let mut found = Vec::new();
    for part in &template.parts {
        match part {
            Part::Literal(literal) => found.extend_from_slice(literal.as_bytes()),
            Part::Variable { name, encoding } => {
                encode(value(name).unwrap_or_default(), *encoding, &mut found);
            }
        }
    }
    // The same without a parser: the text is cut at its dollars.
    let (mut expected, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        expected.extend_from_slice(before.as_bytes());
        if let Some(after) = after.strip_prefix('$') {
            expected.push(b'$');
            rest = after;
            continue;
        }
        let (inside, after) = after[1..].split_once('}').expect("it was parsed");
        let (name, word) = inside.split_once('|').unwrap_or((inside, ""));
        let value = value(name).unwrap_or_default();
        match word {
            "" => expected.extend_from_slice(value),
            "url" => expected.extend(encoded(value, Encoding::Url)),
            "json" => expected.extend(encoded(value, Encoding::Json)),
            _ => expected.extend(encoded(value, Encoding::Base64)),
        }
        rest = after;
    }
    expected.extend_from_slice(rest.as_bytes());
    assert_eq!(found, expected, "filled in");
}

//! The forms in which a value can stand in a text: as it is, and encoded.

use zeroize::Zeroizing;

use super::plain::why_unmasked;

type Form = Zeroizing<Vec<u8>>;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// All of them; some are equal.
pub(super) fn of(value: &[u8]) -> Vec<Form> {
    let mut forms = vec![Form::new(value.to_vec())];
    let trimmed = value.trim_ascii_end();
    if trimmed.len() < value.len() {
        forms.push(Form::new(trimmed.to_vec()));
    }
    for value in [value, trimmed] {
        for alphabet in [STANDARD, URL_SAFE] {
            base64(value, alphabet, &mut forms);
        }
        for digits in [LOWER, UPPER] {
            forms.push(each(value, |byte, form| hex(byte, digits, form)));
            forms.push(percent(value, digits, b"-._~", None));
        }
        // What JavaScript's encodeURIComponent keeps, and what HTML's forms do.
        forms.push(percent(value, UPPER, b"-._~!'()*", None));
        forms.push(percent(value, UPPER, b"-._*", Some(b'+')));
        json(value, &mut forms);
        shell(value, &mut forms);
    }
    lines(value, &mut forms);
    forms.retain(|form| why_unmasked(form).is_none());
    forms
}

/// A form made byte by byte.
fn each(value: &[u8], mut encode: impl FnMut(u8, &mut Vec<u8>)) -> Form {
    // Growing would leave copies behind: no encoding has more than six bytes for one.
    let mut form = Form::new(Vec::with_capacity(6 * value.len()));
    for byte in value {
        encode(*byte, &mut form);
    }
    form
}

/// In base64 a value has three forms, as it stands behind a multiple of three bytes, one more or
/// two; what its neighbours have a part in is left out. Alone it is whole, with its padding too.
fn base64(value: &[u8], alphabet: &[u8; 64], forms: &mut Vec<Form>) {
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
            let mut form = Form::new(Vec::with_capacity(to + 3));
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

/// RFC 3986, with the characters beside letters and digits that are kept.
fn percent(value: &[u8], digits: &[u8; 16], kept: &[u8], space: Option<u8>) -> Form {
    each(value, |byte, form| match (byte, space) {
        (b' ', Some(space)) => form.push(space),
        _ if byte.is_ascii_alphanumeric() || kept.contains(&byte) => form.push(byte),
        _ => {
            form.push(b'%');
            hex(byte, digits, form);
        }
    })
}

/// RFC 8259: as short as possible; with `/` escaped (PHP); with what HTML knows escaped (Go);
/// and with nothing but ASCII (Python).
fn json(value: &[u8], forms: &mut Vec<Form>) {
    forms.push(each(value, json_byte));
    forms.push(each(value, |byte, form| match byte {
        b'/' => form.extend_from_slice(b"\\/"),
        byte => json_byte(byte, form),
    }));
    forms.push(each(value, |byte, form| match byte {
        b'<' | b'>' | b'&' => unicode(u16::from(byte), form),
        byte => json_byte(byte, form),
    }));
    if let Ok(text) = std::str::from_utf8(value)
        && !text.is_ascii()
    {
        let mut form = Form::new(Vec::with_capacity(6 * text.len()));
        for unit in text.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => json_byte(byte, &mut form),
                _ => unicode(unit, &mut form),
            }
        }
        forms.push(form);
    }
}

fn json_byte(byte: u8, form: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => form.extend_from_slice(&[b'\\', byte]),
        0x08 => form.extend_from_slice(b"\\b"),
        0x0c => form.extend_from_slice(b"\\f"),
        b'\n' => form.extend_from_slice(b"\\n"),
        b'\r' => form.extend_from_slice(b"\\r"),
        b'\t' => form.extend_from_slice(b"\\t"),
        0..=0x1f => unicode(u16::from(byte), form),
        byte => form.push(byte),
    }
}

fn unicode(unit: u16, form: &mut Vec<u8>) {
    form.extend_from_slice(b"\\u");
    for byte in unit.to_be_bytes() {
        hex(byte, LOWER, form);
    }
}

/// Inside the quotes of shells: single ones in two ways, double ones, `$'...'`, and none.
fn shell(value: &[u8], forms: &mut Vec<Form>) {
    for quote in [&b"'\\''"[..], b"'\"'\"'"] {
        forms.push(each(value, |byte, form| match byte {
            b'\'' => form.extend_from_slice(quote),
            byte => form.push(byte),
        }));
    }
    forms.push(each(value, |byte, form| {
        if matches!(byte, b'"' | b'$' | b'`' | b'\\') {
            form.push(b'\\');
        }
        form.push(byte);
    }));
    forms.push(each(value, |byte, form| match byte {
        b'\'' => form.extend_from_slice(b"\\'"),
        byte => json_byte(byte, form),
    }));
    forms.push(each(value, |byte, form| {
        if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"%+,-./:=@_".contains(&byte) {
            form.push(b'\\');
        }
        form.push(byte);
    }));
}

/// Each line of a value that has several, but for the frame of a PEM file, which is no secret.
fn lines(value: &[u8], forms: &mut Vec<Form>) {
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let secret = lines.filter(|line| line.len() < value.len() && !line.starts_with(b"-----"));
    forms.extend(secret.map(|line| Form::new(line.to_vec())));
}

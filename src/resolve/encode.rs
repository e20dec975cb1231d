//! How templates write values: as they are, or encoded, without a buffer that grows.

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod property;

use crate::manifest::template::Encoding;

/// Writes a value into a template.
pub(super) fn encode(value: &[u8], encoding: Encoding, into: &mut Vec<u8>) {
    match encoding {
        Encoding::Plain => into.extend_from_slice(value),
        Encoding::Url => value.iter().for_each(|byte| url_byte(*byte, into)),
        Encoding::Json => json_inside(value, into),
        Encoding::Base64 => base64(value, into),
    }
}

fn hex_digit(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(nibble & 0xf)]
}

/// RFC 3986, section 2.3.
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986: everything but unreserved characters is escaped.
fn url_byte(byte: u8, into: &mut Vec<u8>) {
    if is_unreserved(byte) {
        into.push(byte);
    } else {
        into.extend_from_slice(&[b'%', hex_digit(byte >> 4), hex_digit(byte)]);
    }
}

/// RFC 8259, section 7. Bytes that are not UTF-8 can't stand in JSON and are kept as they are.
fn json_inside(value: &[u8], into: &mut Vec<u8>) {
    for byte in value {
        match byte {
            b'"' | b'\\' => into.extend_from_slice(&[b'\\', *byte]),
            b'\n' => into.extend_from_slice(b"\\n"),
            b'\r' => into.extend_from_slice(b"\\r"),
            b'\t' => into.extend_from_slice(b"\\t"),
            0..=0x1f => into.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                hex_digit(byte >> 4),
                hex_digit(*byte),
            ]),
            _ => into.push(*byte),
        }
    }
}

/// RFC 4648, section 4.
fn base64(value: &[u8], into: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in value.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (index, byte)| {
            bits | u32::from(*byte) << (16 - 8 * index)
        });
        for index in 0..4 {
            let sextet = usize::try_from(bits >> (18 - 6 * index) & 0x3f).unwrap_or(0);
            into.push(if index <= chunk.len() {
                ALPHABET[sextet]
            } else {
                b'='
            });
        }
    }
}

//! What must hold for any output of a program: its values are those of whole lines of base64.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::values;
use crate::{Secret, helper::Status};

/// Values with a NUL between them; and the same bytes as an output.
///
/// # Panics
///
/// Where it does not hold.
pub fn summon_stream(input: &[u8]) {
    let pieces: Vec<&[u8]> = input.split(|byte| *byte == 0).collect();
    comes_back(&pieces);
    comes_back(&[input]);
    for count in 1..4 {
        for status in [Status::Exited(0), Status::Enough, Status::Exited(1)] {
            let found = values(input, count, status);
            let found: Option<Vec<&[u8]>> = found
                .as_ref()
                .map(|found| found.iter().map(Secret::expose).collect());
            let expected = reference(input, count, status == Status::Exited(0));
            assert_eq!(found, expected.as_deref().map(views), "{count}, {status:?}");
        }
    }
}

fn views(values: &[Vec<u8>]) -> Vec<&[u8]> {
    values.iter().map(Vec::as_slice).collect()
}

fn comes_back(pieces: &[&[u8]]) {
    for end in ["\n", "\r\n"] {
        let mut output = String::new();
        for piece in pieces {
            output.push_str(&STANDARD.encode(piece));
            output.push_str(end);
        }
        let found = values(output.as_bytes(), pieces.len(), Status::Enough);
        let found = found.expect("it answered every id");
        let found: Vec<&[u8]> = found.iter().map(Secret::expose).collect();
        assert_eq!(found, pieces, "byte for byte");
        // Whoever was killed can have written any part of it.
        let last = output.len() - 1;
        for cut in last.saturating_sub(12)..last {
            let cut = values(&output.as_bytes()[..cut], pieces.len(), Status::Exited(1));
            assert!(cut.is_none(), "a value of an incomplete line");
        }
    }
}

/// Line by line and bit by bit.
fn reference(output: &[u8], count: usize, is_whole: bool) -> Option<Vec<Vec<u8>>> {
    let mut lines: Vec<&[u8]> = output.split(|byte| *byte == b'\n').collect();
    let last = lines.pop()?;
    if is_whole && !last.is_empty() {
        lines.push(last);
    }
    let lines = lines.get(..count)?;
    lines
        .iter()
        .map(|line| decoded(line.strip_suffix(b"\r").unwrap_or(line)))
        .collect()
}

/// RFC 4648, section 4, with its padding, and no bit set that means nothing.
fn decoded(line: &[u8]) -> Option<Vec<u8>> {
    let end = line.iter().position(|byte| *byte == b'=');
    let (text, padding) = line.split_at(end.unwrap_or(line.len()));
    let is_padded = line.len().is_multiple_of(4) && matches!(padding, b"" | b"=" | b"==");
    let mut bits = Vec::new();
    for byte in text {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits.extend((0..6).rev().map(|bit| sextet >> bit & 1));
    }
    let (bytes, rest) = bits.split_at(bits.len() / 8 * 8);
    let octets = bytes.chunks(8);
    let octets = octets.map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit));
    (is_padded && !rest.contains(&1)).then(|| octets.collect())
}

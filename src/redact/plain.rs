//! Values that no mask can find without mangling what is no secret.

/// Shorter ones stand in any text by chance.
const SHORTEST: usize = 6;
/// Fewer different bytes than that are a line, or a row of zeros.
const FEWEST: usize = 4;
/// Shorter numbers are ports, years and counts.
const SHORTEST_NUMBER: usize = 8;
/// Words that programs print.
const WORDS: [&str; 16] = [
    "default",
    "development",
    "disabled",
    "enabled",
    "localhost",
    "password",
    "postgres",
    "production",
    "sandbox",
    "secret",
    "service",
    "staging",
    "string",
    "testing",
    "undefined",
    "username",
];

/// Why a value is not masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has too few bytes.
    TooShort,
    /// It is a word or a number that stands in any text.
    TooPlain,
    /// It is so long that only its head is looked for.
    OnlyItsHead,
}

/// `None` for one that is.
pub(super) fn why_unmasked(value: &[u8]) -> Option<Why> {
    let value = value.trim_ascii();
    let mut seen = [false; 256];
    for byte in value {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.iter().filter(|is_seen| **is_seen).count();
    let is_number = value.iter().all(u8::is_ascii_digit) && value.len() < SHORTEST_NUMBER;
    let is_word = WORDS
        .iter()
        .any(|word| word.as_bytes().eq_ignore_ascii_case(value));
    if value.len() < SHORTEST {
        Some(Why::TooShort)
    } else if different < FEWEST || is_number || is_word {
        Some(Why::TooPlain)
    } else {
        None
    }
}

//! Random values that must not be seen, and the search for them.
//!
//! A canary is searched for in pieces of eight bytes, each as it is and in every encoding that a
//! value could be hidden in without anyone meaning to. So an escaped, quoted, cut or wrapped value
//! is found as well: some piece of it stands there whole.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

use crate::harness::random;

/// So much of a canary is recognised.
const PIECE: usize = 8;
/// More than a pipe's buffer takes with its encodings, less than one variable may have.
const LONG: usize = 24 << 10;

/// A value that must not be seen.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    pub(crate) name: &'static str,
    pub(crate) value: Vec<u8>,
    pieces: Vec<Vec<u8>>,
}

impl Canary {
    /// These bytes, all of which are random.
    pub(crate) fn of(name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        let value = value.into();
        let pieces = value.chunks_exact(PIECE).map(<[u8]>::to_vec).collect();
        Self {
            name,
            value,
            pieces,
        }
    }

    /// Letters.
    pub(crate) fn plain() -> Self {
        Self::of("PLAIN", random::word(32))
    }

    /// Letters around a NUL.
    pub(crate) fn nul() -> Self {
        let words = [(); 2].map(|()| random::word(PIECE * 2));
        Self {
            value: words.join("\0").into_bytes(),
            ..Self::of("PLAIN", words.concat())
        }
    }

    /// With everything that some form must quote, between random words.
    pub(crate) fn quoted() -> Self {
        let words = [(); 4].map(|()| random::word(PIECE));
        let [a, b, c, d] = &words;
        let value = format!("{a}\"\n{b}'\\{c}$x `\u{e9}\n{d}%#");
        Self {
            name: "QUOTED",
            value: value.into_bytes(),
            pieces: words.map(String::into_bytes).to_vec(),
        }
    }

    /// One random word again and again.
    pub(crate) fn long() -> Self {
        let word = random::word(PIECE * 4);
        Self {
            value: word.repeat(LONG / word.len()).into_bytes(),
            ..Self::of("LONG", word)
        }
    }

    /// Bytes of any kind but NUL, which no environment can carry.
    pub(crate) fn binary() -> Self {
        let bytes = random::bytes(64).into_iter();
        let mut value: Vec<u8> = bytes.map(|byte| byte.max(1)).collect();
        // A file's last newline is none of its value.
        value[63] = 0xff;
        Self::of("BINARY", value)
    }
}

/// What was found: whose, and in which form.
pub(crate) type Found = BTreeSet<(&'static str, &'static str)>;

/// A search for canaries.
pub(crate) struct Search {
    automaton: AhoCorasick,
    /// What each of its patterns is.
    patterns: Vec<(&'static str, &'static str)>,
}

impl Search {
    pub(crate) fn of(canaries: &[Canary]) -> Self {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut patterns = Vec::new();
        for canary in canaries {
            for piece in &canary.pieces {
                for (form, text) in forms(piece) {
                    texts.push(text);
                    patterns.push((canary.name, form));
                }
            }
        }
        Self {
            automaton: AhoCorasick::new(texts).expect("an automaton"),
            patterns,
        }
    }

    pub(crate) fn find(&self, bytes: &[u8]) -> Found {
        let matches = self.automaton.find_overlapping_iter(bytes);
        matches
            .map(|found| self.patterns[found.pattern().as_usize()])
            .collect()
    }
}

/// A piece in every form, each with a name.
fn forms(piece: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let each = |form: fn(u8) -> String| -> Vec<u8> {
        piece
            .iter()
            .flat_map(|byte| form(*byte).into_bytes())
            .collect()
    };
    let mut forms = vec![
        ("it is", piece.to_vec()),
        (
            "Debug prints it",
            piece.escape_ascii().to_string().into_bytes(),
        ),
        ("hex", each(|byte| format!("{byte:02x}"))),
        ("HEX", each(|byte| format!("{byte:02X}"))),
        ("percent", each(|byte| format!("%{byte:02x}"))),
        ("PERCENT", each(|byte| format!("%{byte:02X}"))),
        ("an escape", each(|byte| format!("\\x{byte:02x}"))),
        ("a list of bytes", {
            let numbers: Vec<String> = piece.iter().map(u8::to_string).collect();
            numbers.join(", ").into_bytes()
        }),
    ];
    // Letters are the same in some of them: the first name is said.
    forms.dedup_by(|later, earlier| later.1 == earlier.1);
    for offset in 0..3 {
        let text = base64(piece, offset);
        let url = text.iter().map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        });
        forms.push(("base64 of URLs", url.collect()));
        forms.push(("base64", text));
    }
    forms
}

/// The part of its base64 that does not depend on what stands around it, after so many bytes.
fn base64(piece: &[u8], offset: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // From the first group of six bits that is whole, to the last.
    let bit = |at: usize| piece[at / 8] >> (7 - at % 8) & 1;
    let first = (6 - offset * 8 % 6) % 6;
    let groups = (piece.len() * 8 - first) / 6;
    let group = |group: usize| {
        let bits = (0..6).map(|at| bit(first + group * 6 + at));
        ALPHABET[usize::from(bits.fold(0, |all, bit| all << 1 | bit))]
    };
    (0..groups).map(group).collect()
}

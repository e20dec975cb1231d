//! Random values that must not be seen, and the search for them.
//!
//! A canary is searched for in pieces of eight bytes, each as it is and in every encoding that a
//! value could be hidden in without anyone meaning to. So an escaped, quoted, cut or wrapped value
//! is found as well: some piece of it stands there whole.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use endow_providers::forms;

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

/// A search for canaries, in the forms and views that masks look for too.
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
                // Pieces are too short to be looked for across line breaks; a line of one is found by chance.
                let plain = forms::of(piece).into_iter().filter(|form| {
                    form.search == forms::Search::Plain && form.bytes.len() >= PIECE
                });
                for form in plain {
                    texts.push(form.bytes.to_vec());
                    let name = if form.is_encoded {
                        "an encoding"
                    } else {
                        "it is"
                    };
                    patterns.push((canary.name, name));
                }
                texts.push(list_of_bytes(piece));
                patterns.push((canary.name, "a list of bytes"));
            }
        }
        Self {
            automaton: AhoCorasick::new(texts).expect("an automaton"),
            patterns,
        }
    }

    pub(crate) fn find(&self, bytes: &[u8]) -> Found {
        let views = forms::views(bytes).into_iter();
        views
            .filter(|(search, _)| *search == forms::Search::Plain)
            .flat_map(|(_, view)| {
                let matches = self.automaton.find_overlapping_iter(view.bytes());
                let found = matches.map(|found| self.patterns[found.pattern().as_usize()]);
                found.collect::<Vec<_>>()
            })
            .collect()
    }
}

/// As `{:?}` of a `Vec<u8>` prints it: no program does that to a value, but Rust does when somebody
/// forgets.
fn list_of_bytes(piece: &[u8]) -> Vec<u8> {
    let numbers: Vec<String> = piece.iter().map(u8::to_string).collect();
    numbers.join(", ").into_bytes()
}

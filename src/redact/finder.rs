//! Finding forms in bytes. Two steps find one. A table of three-byte blocks says how far the next one
//! can't begin (Wu and Manber): most text is jumped over. Where one can begin, the automaton decides
//! (Aho and Corasick), and each byte is walked over once.

use aho_corasick::{
    Anchored, MatchKind,
    automaton::{Automaton, StateID},
    nfa::{contiguous, noncontiguous},
};
use zeroize::Zeroizing;

use super::skip::Skip;

/// A walk of the automaton that is no deeper than this is one of chance.
const SHALLOW: usize = 2;
/// So many bits say which three bytes forms begin with: few enough for the nearest cache.
const HEADS: u32 = 18;

/// Forms, and what finds them.
pub(super) struct Finder {
    automaton: contiguous::NFA,
    start: StateID,
    /// The states that say little of what was read.
    shallow: Bits,
    /// Whether a form can begin with three bytes.
    heads: Bits,
    skip: Skip,
    /// Every form, in the order of bytes.
    pub(super) forms: Vec<Zeroizing<Vec<u8>>>,
    /// What each is replaced by.
    pub(super) masks: Vec<String>,
    pub(super) longest: usize,
    /// Whether a form begins with two bytes.
    begins: Vec<bool>,
    /// What a value that is longer than what is looked for goes on with, by the place of its form.
    pub(super) rests: Vec<(usize, Zeroizing<Vec<u8>>)>,
}

impl Finder {
    /// Of two variables with one form the first counts; `None` without forms.
    pub(super) fn new(mut forms: Vec<(Zeroizing<Vec<u8>>, String)>) -> Option<Self> {
        forms.sort_by(|(one, _), (other, _)| one.cmp(other));
        forms.dedup_by(|(next, _), (form, _)| next == form);
        let (forms, masks): (Vec<_>, Vec<_>) = forms.into_iter().unzip();
        let built = noncontiguous::Builder::new()
            .match_kind(MatchKind::LeftmostLongest)
            .prefilter(false)
            .build(forms.iter().map(|form| form.as_slice()))
            .ok()?;
        let automaton = contiguous::Builder::new()
            .prefilter(false)
            .build_from_noncontiguous(&built)
            .ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        let mut begins = vec![false; 1 << 16];
        for form in &forms {
            begins[pair(form[0], form[1])] = true;
        }
        Some(Self {
            skip: Skip::new(&forms)?,
            longest: forms.iter().map(|form| form.len()).max()?,
            shallow: shallow(&automaton, start, &forms),
            heads: forms.iter().map(|form| head(form)).collect(),
            automaton,
            start,
            forms,
            masks,
            begins,
            rests: Vec::new(),
        })
    }

    /// Says what follows the head of a long value, where that is a form.
    pub(super) fn go_on(&mut self, head: &[u8], rest: &[u8]) {
        let place = self.forms.binary_search_by(|form| (***form).cmp(head));
        if let Ok(form) = place {
            self.rests.push((form, Zeroizing::new(rest.to_vec())));
        }
    }

    /// What follows a form.
    pub(super) fn rest(&self, form: usize) -> Option<&[u8]> {
        let (_, rest) = self.rests.iter().find(|(at, _)| *at == form)?;
        Some(rest)
    }

    /// The bytes that the automaton takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.automaton.memory_usage()
    }

    /// The first form from a place on, and of those there the longest: where it is, and which. Every
    /// byte is walked over once, also where forms begin like themselves.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, usize, usize)> {
        let mut at = self.candidate(bytes, from)?;
        let (mut began, mut state, mut found) = (at, self.start, None);
        while let Some(byte) = bytes.get(at) {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            at += 1;
            if self.automaton.is_dead(state) {
                break;
            }
            if self.automaton.is_match(state) {
                let form = self.automaton.match_pattern(state, 0).as_usize();
                found = Some((at - self.forms[form].len(), at, form));
            } else if found.is_none() && at - began > SHALLOW && self.is_shallow(state) {
                at = self.candidate(bytes, at - SHALLOW)?;
                (began, state) = (at, self.start);
            }
        }
        found
    }

    /// The next place where the first three bytes of a form can be.
    fn candidate(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = self.skip.next(bytes, from)?;
        while let Some(block) = bytes.get(at..at + 3)
            && !self.heads.has(head(block))
        {
            at = self.skip.next(bytes, at + 1)?;
        }
        Some(at)
    }

    fn is_shallow(&self, state: StateID) -> bool {
        self.shallow.has(state.as_usize())
    }

    /// The first place from `from` on whose rest is the beginning of a form and no whole one.
    pub(super) fn unfinished(&self, bytes: &[u8], from: usize) -> usize {
        let first = from.max(bytes.len().saturating_sub(self.longest - 1));
        (first..bytes.len())
            .find(|at| self.is_beginning(&bytes[*at..]))
            .unwrap_or(bytes.len())
    }

    fn is_beginning(&self, bytes: &[u8]) -> bool {
        if let [first, second, ..] = bytes
            && !self.begins[pair(*first, *second)]
        {
            return false;
        }
        let at = self.forms.partition_point(|form| form.as_slice() < bytes);
        // Forms that begin so stand together, and the shortest first.
        self.forms[at..]
            .iter()
            .take(2)
            .any(|form| form.len() > bytes.len() && form.starts_with(bytes))
    }
}

/// A set of small numbers.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn has(&self, number: usize) -> bool {
        let word = self.0.get(number / 64).copied().unwrap_or(0);
        word >> (number % 64) & 1 == 1
    }
}

impl FromIterator<usize> for Bits {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut bits = Self::default();
        for number in numbers {
            if bits.0.len() <= number / 64 {
                bits.0.resize(number / 64 + 1, 0);
            }
            bits.0[number / 64] |= 1 << (number % 64);
        }
        bits
    }
}

/// Fibonacci hashing of the first three bytes (Knuth).
fn head(bytes: &[u8]) -> usize {
    let number = u32::from(bytes[0]) | u32::from(bytes[1]) << 8 | u32::from(bytes[2]) << 16;
    (number.wrapping_mul(0x9e37_79b1) >> (32 - HEADS)) as usize
}

/// The states of the shortest beginnings, and the one before any.
fn shallow(automaton: &contiguous::NFA, start: StateID, forms: &[Zeroizing<Vec<u8>>]) -> Bits {
    let mut states = vec![start.as_usize()];
    for form in forms {
        let mut state = start;
        for byte in form.iter().take(SHALLOW) {
            state = automaton.next_state(Anchored::No, state, *byte);
            states.push(state.as_usize());
        }
    }
    states.into_iter().collect()
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

//! Redaction: values in a stream of bytes are replaced by the name of their variable.
//!
//! A stream comes in pieces, and a value can begin in one and end in another. What could still
//! become a value is held back, and nothing else: the result is that of the whole stream at once,
//! whatever the pieces are. At each place the longest form counts, of places the first.
//!
//! Two steps find a form. A table of three-byte blocks says how far the next one can't begin
//! (Wu and Manber): most text is jumped over. Where one can begin, the automaton decides.

mod forms;
mod plain;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod property;
mod skip;
#[cfg(test)]
mod tests;

use aho_corasick::{
    AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Anchored, Input, MatchKind, StartKind,
};
use zeroize::Zeroizing;

pub use self::plain::Why;
use self::{plain::why_unmasked, skip::Skip};

/// So much of a value is released to a terminal that waits for it: less says nothing, and
/// somebody who types must see it.
const SHORT: usize = 4;

/// What is masked, for any number of streams.
pub struct Masker {
    automaton: AhoCorasick,
    skip: Skip,
    /// Every form, in the order of bytes.
    forms: Vec<Zeroizing<Vec<u8>>>,
    /// What each is replaced by.
    masks: Vec<String>,
    longest: usize,
    /// Whether a form begins with two bytes.
    begins: Vec<bool>,
}

/// A value that can't be masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmasked {
    /// Its variable.
    pub name: String,
    /// Why not.
    pub why: Why,
}

impl Masker {
    /// Masks values and their encodings; `None` where nothing is left to mask.
    pub fn new(values: &[(&str, &[u8])]) -> (Option<Self>, Vec<Unmasked>) {
        let mut unmasked = Vec::new();
        let mut forms = Vec::new();
        for (name, value) in values {
            if let Some(why) = why_unmasked(value) {
                let name = (*name).to_owned();
                unmasked.push(Unmasked { name, why });
                continue;
            }
            let of_value = forms::of(value).into_iter();
            forms.extend(of_value.map(|form| (form, format!("[{name}]"))));
        }
        (Self::of_forms(forms), unmasked)
    }

    /// Of two variables with one form the first counts.
    fn of_forms(mut forms: Vec<(Zeroizing<Vec<u8>>, String)>) -> Option<Self> {
        forms.sort_by(|(one, _), (other, _)| one.cmp(other));
        forms.dedup_by(|(next, _), (form, _)| next == form);
        let (forms, masks): (Vec<_>, Vec<_>) = forms.into_iter().unzip();
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::LeftmostLongest)
            .start_kind(StartKind::Anchored)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .prefilter(false)
            .build(forms.iter().map(|form| form.as_slice()))
            .ok()?;
        let mut begins = vec![false; 1 << 16];
        for form in &forms {
            begins[pair(form[0], form[1])] = true;
        }
        Some(Self {
            skip: Skip::new(&forms)?,
            longest: forms.iter().map(|form| form.len()).max()?,
            automaton,
            forms,
            masks,
            begins,
        })
    }

    /// A stream at its beginning.
    pub fn stream(&self) -> Stream<'_> {
        Stream {
            masker: self,
            held: Zeroizing::new(Vec::new()),
            released: 0,
        }
    }

    /// The first form from a place on: where it is, and which.
    fn find(&self, bytes: &[u8], mut from: usize) -> Option<(usize, usize, usize)> {
        loop {
            let at = self.skip.next(bytes, from)?;
            let input = Input::new(bytes)
                .span(at..bytes.len())
                .anchored(Anchored::Yes);
            if let Ok(Some(found)) = self.automaton.try_find(input) {
                return Some((at, found.end(), found.pattern().as_usize()));
            }
            from = at + 1;
        }
    }

    /// The first place from `from` on whose rest is the beginning of a form and no whole one.
    fn unfinished(&self, bytes: &[u8], from: usize) -> usize {
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

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// One stream on its way.
pub struct Stream<'m> {
    masker: &'m Masker,
    /// What can still become a value.
    held: Zeroizing<Vec<u8>>,
    /// How much of it was written all the same.
    released: usize,
}

impl Stream<'_> {
    /// Takes a piece, and appends what is decided.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.held.is_empty() {
            let done = mask(self.masker, bytes, 0, false, out);
            self.held.extend_from_slice(&bytes[done..]);
        } else {
            self.held.extend_from_slice(bytes);
            let done = mask(self.masker, &self.held, self.released, false, out);
            self.held.drain(..done);
            self.released = self.released.saturating_sub(done);
        }
    }

    /// Whether [`Self::release`] would write something.
    pub fn waits(&self) -> bool {
        self.held.len() < SHORT && self.released < self.held.len()
    }

    /// Writes what is too short to say anything. If a value goes on from there, its mask follows.
    pub fn release(&mut self, out: &mut Vec<u8>) {
        if self.waits() {
            out.extend_from_slice(&self.held[self.released..]);
            self.released = self.held.len();
        }
    }

    /// The stream has ended: what is held is no value any more, but a value can be in it.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        mask(self.masker, &self.held, self.released, true, out);
        self.held.clear();
        self.released = 0;
    }
}

/// Writes what is decided; the result is where the rest begins. The first `released` bytes were
/// written before.
fn mask(masker: &Masker, bytes: &[u8], released: usize, is_last: bool, out: &mut Vec<u8>) -> usize {
    let unfinished = |from| {
        if is_last {
            bytes.len()
        } else {
            masker.unfinished(bytes, from)
        }
    };
    let plain = |from: usize, to: usize| &bytes[from.max(released).min(to)..to];
    let mut done = 0;
    let mut open = unfinished(0);
    let mut found = masker.find(bytes, 0);
    // A form that begins where one could begin that is longer, or behind one, is not decided.
    while let Some((start, end, form)) = found.filter(|(start, ..)| *start < open) {
        out.extend_from_slice(plain(done, start));
        out.extend_from_slice(masker.masks[form].as_bytes());
        done = end;
        if open < done {
            open = unfinished(done);
        }
        found = masker.find(bytes, done);
    }
    out.extend_from_slice(plain(done, open));
    open
}

//! Redaction: values in a stream of bytes are replaced by the name of their variable.
//!
//! A stream comes in pieces, and a value can begin in one and end in another. What could still
//! become a value is held back, and nothing else: the result is that of the whole stream at once,
//! whatever the pieces are. At each place the longest form counts, of places the first.
//!
//! What is searched is the text, and views of it in which escapes are decoded, and colours and line
//! breaks taken out ([`View`]). A form is replaced where it came from.

mod finder;
mod plain;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod property;
mod searched;
mod skip;
#[cfg(test)]
mod tests;

use endow_providers::forms::{self, Search};
use zeroize::Zeroizing;

pub use self::plain::Why;
use self::{finder::Finder, plain::why_unmasked, searched::Searched};

/// So much of a value is released to a terminal that waits for it: less says nothing, and
/// somebody who types must see it.
const SHORT: usize = 4;
/// So much of a value is looked for; where that is found, as much of the rest as follows is masked too.
/// The automata take some hundred bytes for each of these, whatever the value's size.
pub const LOOKED_FOR: usize = 4 << 10;

/// What is masked, for any number of streams.
pub struct Masker {
    plain: Option<Finder>,
    joined: Option<Finder>,
    digits: Option<Finder>,
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
        let mut long: Vec<(&[u8], &[u8])> = Vec::new();
        for (name, value) in values {
            if let Some(why) = why_unmasked(value) {
                let name = (*name).to_owned();
                unmasked.push(Unmasked { name, why });
                continue;
            }
            let head = &value[..value.len().min(LOOKED_FOR)];
            let of_value = forms::of(head).into_iter();
            let said = of_value.filter(|form| why_unmasked(&form.bytes).is_none());
            forms.extend(said.map(|form| (form, format!("[{name}]"))));
            if head.len() < value.len() {
                let name = (*name).to_owned();
                let why = Why::OnlyItsHead;
                unmasked.push(Unmasked { name, why });
                long.push((head, &value[LOOKED_FOR..]));
            }
        }
        let mut masker = Self::of_forms(forms);
        if let Some(Self { plain, joined, .. }) = &mut masker {
            for (head, rest) in long {
                let finders = [&mut *plain, &mut *joined].into_iter().flatten();
                finders.for_each(|finder| finder.go_on(head, rest));
            }
        }
        (masker, unmasked)
    }

    fn of_forms(forms: Vec<(forms::Form, String)>) -> Option<Self> {
        let (mut plain, mut joined, mut digits) = (Vec::new(), Vec::new(), Vec::new());
        for (form, mask) in forms {
            let of_search = match form.search {
                // The text without breaks has it too, and is searched once.
                Search::Plain if is_joined(&form.bytes) => &mut joined,
                Search::Plain => &mut plain,
                Search::Joined => &mut joined,
                Search::Digits => &mut digits,
            };
            of_search.push((form.bytes, mask));
        }
        let masker = Self {
            plain: Finder::new(plain),
            joined: Finder::new(joined),
            digits: Finder::new(digits),
        };
        masker.finders().next()?;
        Some(masker)
    }

    fn finders(&self) -> impl Iterator<Item = &Finder> {
        let finders = [&self.plain, &self.joined, &self.digits];
        finders.into_iter().flatten()
    }

    /// So much of a stream is held at most, beside one piece: the longest form in the longest escapes, and
    /// as much again.
    fn most_held(&self) -> usize {
        let longest = self.finders().map(|finder| finder.longest).max();
        24 * longest.unwrap_or(0) + (4 << 10)
    }

    /// A stream at its beginning.
    pub fn stream(&self) -> Stream<'_> {
        Stream {
            masker: self,
            held: Zeroizing::new(Vec::new()),
            released: 0,
            decided: 0,
            depth: 0,
            following: None,
            buffer: Zeroizing::default(),
        }
    }
}

/// One stream on its way.
pub struct Stream<'m> {
    masker: &'m Masker,
    /// What can still become a value, from the beginning of an escape on.
    held: Zeroizing<Vec<u8>>,
    /// How much of it was written or masked all the same.
    released: usize,
    /// How much of it was decided: no value begins before that.
    decided: usize,
    /// How much of a value it can be the beginning of, in bytes of the value's form.
    depth: usize,
    /// After the head of a long value: what has not come of its rest.
    following: Option<&'m [u8]>,
    /// Memory for what is searched of a piece.
    buffer: Zeroizing<Vec<u8>>,
}

impl Stream<'_> {
    /// Takes a piece, and appends what is decided.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let bytes = self.follow(bytes);
        if bytes.is_empty() {
            return;
        }
        if self.held.is_empty() {
            let done = self.mask(bytes, false, out);
            self.held.extend_from_slice(&bytes[done..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let done = self.mask(&held, false, out);
            held.drain(..done);
            self.held = held;
        }
    }

    /// Drops what goes on with a long value whose head was masked at the end of what came before.
    fn follow<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(rest) = self.following.take() else {
            return bytes;
        };
        let same = common(rest, bytes);
        if same == bytes.len() && same < rest.len() {
            self.following = Some(&rest[same..]);
        }
        &bytes[same..]
    }

    /// Whether [`Self::release`] would write something.
    pub fn waits(&self) -> bool {
        self.depth < SHORT && self.released < self.held.len()
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
        let held = std::mem::take(&mut self.held);
        self.mask(&held, true, out);
        (self.released, self.decided, self.depth) = (0, 0, 0);
        self.following = None;
    }

    /// Writes what is decided; the result is where the rest begins.
    fn mask(&mut self, bytes: &[u8], is_last: bool, out: &mut Vec<u8>) -> usize {
        let masker = self.masker;
        let mut searched = Searched::new(masker, bytes, is_last, &mut self.buffer);
        let released = self.released;
        let plain = |from: usize, to: usize| &bytes[from.max(released).min(to)..to];
        let mut done = self.decided;
        let mut following = None;
        let (mut open, mut depth) = searched.unfinished(done);
        // A form that begins where one could begin that is longer, or behind one, is not decided.
        while let Some(hit) = searched.next(done).filter(|hit| hit.source.start < open) {
            out.extend_from_slice(plain(done, hit.source.start));
            out.extend_from_slice(hit.mask.as_bytes());
            done = hit.source.end;
            if let Some(rest) = hit.rest {
                let same = common(rest, &bytes[done..]);
                done += same;
                following = (done == bytes.len() && same < rest.len()).then_some(&rest[same..]);
            }
            if open < done {
                (open, depth) = searched.unfinished(done);
            }
        }
        // Colours and line breaks without end would be held without end.
        if bytes.len() - open > masker.most_held() {
            (open, depth) = (bytes.len(), 0);
        }
        out.extend_from_slice(plain(done, open));
        let kept = searched.boundary(open);
        self.following = following.filter(|_| open == bytes.len());
        self.released = released.max(open) - kept;
        self.decided = open - kept;
        self.depth = depth;
        kept
    }
}

/// How many bytes both begin with.
fn common(one: &[u8], other: &[u8]) -> usize {
    let pairs = one.iter().zip(other);
    pairs.take_while(|(one, other)| one == other).count()
}

/// Whether a form is looked for without line breaks alone: long enough not to be met by chance there.
fn is_joined(form: &[u8]) -> bool {
    form.len() >= forms::JOINED && !form.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

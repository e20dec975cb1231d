//! What a text says after programs have written it their way: escapes decoded, colours and line breaks
//! taken out, with the places in the text kept.

use std::{borrow::Cow, ops::Range};

use zeroize::Zeroize;

/// A text, or what was made of it.
pub struct View<'t> {
    bytes: Cow<'t, [u8]>,
    /// From left to right; none where the view is the text itself.
    runs: Vec<Run>,
    /// Where something begins that could be an escape and has no end yet.
    open: Option<usize>,
    /// The length of the text.
    end: usize,
}

/// Bytes of a view that come from one place of the text.
#[derive(Clone, Copy)]
struct Run {
    /// Where it begins in the view.
    at: usize,
    /// Where it begins in the text.
    from: usize,
    /// How long it is in the text, where each byte does not stand for itself.
    escape: Option<usize>,
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(bytes) = &mut self.bytes {
            bytes.zeroize();
        }
    }
}

impl<'t> View<'t> {
    /// The text as it is.
    pub fn of(text: &'t [u8]) -> Self {
        Self {
            bytes: Cow::Borrowed(text),
            runs: Vec::new(),
            open: None,
            end: text.len(),
        }
    }

    fn empty(end: usize, capacity: usize) -> Self {
        Self {
            bytes: Cow::Owned(Vec::with_capacity(capacity)),
            runs: Vec::new(),
            open: None,
            end,
        }
    }

    /// Another one with the same content.
    #[must_use]
    pub fn same(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            runs: self.runs.clone(),
            open: self.open,
            end: self.end,
        }
    }

    /// What can be searched.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where an escape begins that has no end yet, in the text.
    pub fn open(&self) -> Option<usize> {
        self.open
    }

    fn run(&self, at: usize) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.at <= at);
        self.runs.get(after.checked_sub(1)?)
    }

    /// Where a byte of the view begins and ends in the text.
    fn place(&self, at: usize) -> Range<usize> {
        match self.run(at) {
            None => at..at + 1,
            Some(run) => match run.escape {
                Some(length) => run.from..run.from + length,
                None => run.from + at - run.at..run.from + at - run.at + 1,
            },
        }
    }

    /// Where a byte of the view begins in the text; the end of the text for that of the view.
    pub fn start(&self, at: usize) -> usize {
        if at >= self.bytes.len() {
            self.end
        } else {
            self.place(at).start
        }
    }

    /// Where a part of the view is in the text; it is not empty.
    pub fn source(&self, part: Range<usize>) -> Range<usize> {
        self.place(part.start).start..self.place(part.end - 1).end
    }

    /// The first byte of the view that begins at this place of the text or behind it.
    pub fn first(&self, from: usize) -> usize {
        if self.runs.is_empty() {
            return from.min(self.bytes.len());
        }
        let after = self.runs.partition_point(|run| run.from < from);
        let before = after.checked_sub(1).map(|at| self.runs[at]);
        let next = self.runs.get(after).map_or(self.bytes.len(), |run| run.at);
        match before {
            Some(Run {
                at,
                from: start,
                escape: None,
            }) => (at + from - start).min(next),
            _ => next,
        }
    }

    /// The beginning of whatever stands across a place of the text.
    pub fn boundary(&self, place: usize) -> usize {
        let after = self.runs.partition_point(|run| run.from < place);
        match after.checked_sub(1).map(|at| self.runs[at]) {
            Some(Run {
                from,
                escape: Some(length),
                ..
            }) if from + length > place => from,
            _ => place,
        }
    }

    fn vec(&mut self) -> &mut Vec<u8> {
        self.bytes.to_mut()
    }

    /// Adds bytes of another view as they are.
    fn keep(&mut self, of: &View<'_>, part: Range<usize>) {
        if part.is_empty() {
            return;
        }
        let at = self.bytes.len();
        if of.runs.is_empty() {
            self.join(at, part.start);
        } else {
            for index in part.clone() {
                let place = of.place(index);
                let run = at + index - part.start;
                if place.len() == 1 {
                    self.join(run, place.start);
                } else {
                    self.runs.push(Run {
                        at: run,
                        from: place.start,
                        escape: Some(place.len()),
                    });
                }
            }
        }
        let bytes = &of.bytes[part];
        self.vec().extend_from_slice(bytes);
    }

    /// Begins a run of bytes that stand for themselves, unless the last one goes on there.
    fn join(&mut self, at: usize, from: usize) {
        let goes_on = self
            .runs
            .last()
            .is_some_and(|run| run.escape.is_none() && run.from + at - run.at == from);
        if !goes_on {
            self.runs.push(Run {
                at,
                from,
                escape: None,
            });
        }
    }

    /// Adds what a part of another view stands for.
    fn decoded(&mut self, of: &View<'_>, part: Range<usize>, bytes: &[u8]) {
        let source = of.source(part);
        self.runs.push(Run {
            at: self.bytes.len(),
            from: source.start,
            escape: Some(source.len()),
        });
        self.vec().extend_from_slice(bytes);
    }

    /// The text, and what it says decoded once and twice, as far as there is anything to decode.
    pub fn levels(text: &'t [u8], is_last: bool) -> impl Iterator<Item = Self> {
        let text = Self::of(text);
        let decoded = text.decode(is_last);
        let twice = decoded.as_ref().and_then(|view| view.decode(is_last));
        [Some(text), decoded, twice].into_iter().flatten()
    }

    /// Its escapes decoded once, and its colours taken out; `None` where it has none. `is_last` says
    /// that nothing follows, so that nothing is open.
    pub fn decode(&self, is_last: bool) -> Option<View<'static>> {
        let bytes = &self.bytes;
        let mut signs = signs(bytes).peekable();
        signs.peek()?;
        let mut view = View::empty(self.end, bytes.len());
        let mut done = 0;
        for next in signs {
            // It is inside an escape.
            if next < done {
                continue;
            }
            match escape(&bytes[next..]) {
                Escape::None => {}
                Escape::Open if is_last => {}
                // What follows is not known yet: the view ends before it.
                Escape::Open => {
                    view.keep(self, done..next);
                    view.end = self.start(next);
                    view.open = Some(view.end);
                    return Some(view);
                }
                Escape::Skip(length) => {
                    view.keep(self, done..next);
                    done = next + length;
                }
                Escape::Is(length, stands_for) => {
                    view.keep(self, done..next);
                    view.decoded(self, next..next + length, stands_for.as_bytes());
                    done = next + length;
                }
                Escape::Byte(length, byte) => {
                    view.keep(self, done..next);
                    view.decoded(self, next..next + length, &[byte]);
                    done = next + length;
                }
            }
        }
        if done == 0 {
            return None;
        }
        view.keep(self, done..bytes.len());
        view.open = self.open;
        Some(view)
    }

    /// Without line breaks, in a buffer of [`Self::into_buffer`]; `None` where it has none.
    pub fn without_breaks(&self, buffer: &mut Vec<u8>) -> Option<View<'static>> {
        let bytes = &self.bytes;
        memchr::memchr2(b'\n', b'\r', bytes)?;
        let mut view = View::empty(self.end, 0);
        if buffer.capacity() < bytes.len() {
            buffer.zeroize();
        }
        *view.vec() = std::mem::take(buffer);
        view.vec().clear();
        view.vec().reserve_exact(bytes.len());
        let mut done = 0;
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            view.keep(self, done..at);
            done = at + 1;
        }
        view.keep(self, done..bytes.len());
        view.open = self.open;
        Some(view)
    }

    /// The memory of a view that is no longer needed, for another; the caller wipes it in the end.
    pub fn into_buffer(mut self) -> Vec<u8> {
        match &mut self.bytes {
            Cow::Borrowed(_) => Vec::new(),
            Cow::Owned(bytes) => std::mem::take(bytes),
        }
    }

    /// The digits of hexadecimal in groups, `73 6b 2d`, with a byte that is none between two groups
    /// that do not belong together; `None` where there are none.
    pub fn digits(&self) -> Option<View<'static>> {
        let bytes = &self.bytes;
        let is_part = |byte: &u8| IS_OF_GROUP[usize::from(*byte)];
        let mut view = View::empty(self.end, 0);
        // What the end cuts off may be long enough when it goes on.
        let last = bytes.iter().rev().take_while(|byte| is_part(byte)).count();
        let last = bytes.len() - last;
        let mut at = 0;
        while at < last {
            // The end of the bytes is part of what `last` begins.
            let is_middle = |step: usize| bytes.get(at + step * STRIDE).is_none_or(is_part);
            if !(is_part(&bytes[at]) & is_middle(1) & is_middle(2)) {
                at += STRIDE;
                continue;
            }
            let before = bytes[..at].iter().rev().take_while(|byte| is_part(byte));
            let start = at - before.count();
            let after = bytes[at..].iter().take_while(|byte| is_part(byte));
            let end = at + after.count();
            if end - start >= GROUPS {
                view.group(self, start..end);
            }
            at = end + 1;
        }
        view.group(self, last..bytes.len());
        view.open = self.open;
        (!view.bytes.is_empty()).then_some(view)
    }

    fn group(&mut self, of: &View<'_>, part: Range<usize>) {
        let mut done = part.start;
        for at in part.clone() {
            if !of.bytes[at].is_ascii_hexdigit() {
                self.keep(of, done..at);
                done = at + 1;
            }
        }
        self.keep(of, done..part.end);
        if part.end < of.bytes.len() {
            self.keep(of, part.end..part.end + 1);
        }
    }
}

const ESCAPE: u8 = 0x1b;
/// Sixteen bytes in more than one group are this long at least.
const GROUPS: usize = 33;
/// Three that are so far from each other are in each of these, wherever it begins.
const STRIDE: usize = GROUPS / 3;
/// Digits, and what is between groups of them.
const IS_OF_GROUP: [bool; 256] = {
    let mut is_of = [false; 256];
    let mut byte: u8 = 0;
    while byte < u8::MAX {
        is_of[byte as usize] = byte.is_ascii_hexdigit() || matches!(byte, b' ' | b'\n' | b'\r');
        byte += 1;
    }
    is_of
};
/// No escape is longer, but for a colour.
const LONGEST: usize = 12;
const LONGEST_COLOUR: usize = 32;

enum Escape {
    /// It is none.
    None,
    /// It can become one.
    Open,
    /// It says nothing.
    Skip(usize),
    /// So many bytes are this character.
    Is(usize, Text),
    /// So many bytes are this byte.
    Byte(usize, u8),
}

/// One character in UTF-8.
struct Text([u8; 4], usize);

impl Text {
    fn of(c: char) -> Self {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        Self(bytes, length)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.0[..self.1]
    }
}

/// Where escapes can begin, from left to right. Each of both searches goes over the bytes once: many of
/// one sign never make the other look at the rest again.
fn signs(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut others = memchr::memchr3_iter(b'%', b'\\', b'&', bytes).peekable();
    let mut colours = memchr::memchr_iter(ESCAPE, bytes).peekable();
    std::iter::from_fn(move || match (others.peek(), colours.peek()) {
        (Some(other), Some(colour)) if colour < other => colours.next(),
        (None, _) => colours.next(),
        _ => others.next(),
    })
}

/// What begins here.
fn escape(bytes: &[u8]) -> Escape {
    match bytes {
        [b'%', rest @ ..] => number(rest, 2).map_or_else(
            || open(rest, |rest| rest.len() < 2 && is_hex(rest)),
            |byte| Escape::Byte(3, u8::try_from(byte).unwrap_or_default()),
        ),
        [b'\\', rest @ ..] => backslash(rest),
        [b'&', ..] => entity(bytes),
        [ESCAPE, ..] => colour(bytes),
        _ => Escape::None,
    }
}

fn open(rest: &[u8], could_be: impl Fn(&[u8]) -> bool) -> Escape {
    if could_be(rest) {
        Escape::Open
    } else {
        Escape::None
    }
}

fn is_hex(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_hexdigit)
}

fn number(bytes: &[u8], digits: usize) -> Option<u32> {
    let digits = bytes.get(..digits).filter(|digits| is_hex(digits))?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// RFC 8259, section 7; `\xXX` of Python and C; and a quoted sign of a shell.
fn backslash(rest: &[u8]) -> Escape {
    match rest {
        [] => Escape::Open,
        [b'x', hex @ ..] => number(hex, 2).map_or_else(
            || open(hex, |hex| hex.len() < 2 && is_hex(hex)),
            |byte| Escape::Byte(4, u8::try_from(byte).unwrap_or_default()),
        ),
        [b'u', hex @ ..] => unicode(hex),
        [b'b', ..] => Escape::Byte(2, 0x08),
        [b'f', ..] => Escape::Byte(2, 0x0c),
        [b'n', ..] => Escape::Byte(2, b'\n'),
        [b'r', ..] => Escape::Byte(2, b'\r'),
        [b't', ..] => Escape::Byte(2, b'\t'),
        [sign, ..] if sign.is_ascii_punctuation() || *sign == b' ' => Escape::Byte(2, *sign),
        _ => Escape::None,
    }
}

fn unicode(hex: &[u8]) -> Escape {
    let Some(unit) = number(hex, 4) else {
        return open(hex, |hex| hex.len() < 4 && is_hex(hex));
    };
    if let Some(c) = char::from_u32(unit) {
        return Escape::Is(6, Text::of(c));
    }
    // The first half of a surrogate pair.
    match &hex[4..] {
        [b'\\', b'u', low @ ..] if low.len() >= 4 => {
            let low = number(low, 4).unwrap_or_default();
            let both =
                char::decode_utf16([unit, low].map(|unit| u16::try_from(unit).unwrap_or_default()))
                    .next();
            match both {
                Some(Ok(c)) => Escape::Is(12, Text::of(c)),
                _ => Escape::None,
            }
        }
        short => open(short, |short| {
            short.len() < 6 && b"\\u".starts_with(&short[..short.len().min(2)])
        }),
    }
}

/// The entities of XML, and numbers (XML 1.0, section 4.1).
fn entity(bytes: &[u8]) -> Escape {
    let near = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = memchr::memchr(b';', near) else {
        let is_of_one = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
        let is_open = near.len() < LONGEST && near[1..].iter().all(is_of_one);
        return if is_open { Escape::Open } else { Escape::None };
    };
    let name = std::str::from_utf8(&near[1..end]).unwrap_or_default();
    let code = match name {
        "amp" => Some(u32::from(b'&')),
        "lt" => Some(u32::from(b'<')),
        "gt" => Some(u32::from(b'>')),
        "quot" => Some(u32::from(b'"')),
        "apos" => Some(u32::from(b'\'')),
        name => match name.strip_prefix('#') {
            Some(hex) if hex.starts_with(['x', 'X']) => u32::from_str_radix(&hex[1..], 16).ok(),
            Some(decimal) => decimal.parse().ok(),
            None => None,
        },
    };
    match code.and_then(char::from_u32) {
        Some(c) => Escape::Is(end + 1, Text::of(c)),
        None => Escape::None,
    }
}

/// A sequence that changes colours, or that clears a line (ECMA-48, SGR and EL).
fn colour(bytes: &[u8]) -> Escape {
    let near = &bytes[..bytes.len().min(LONGEST_COLOUR)];
    match near {
        [_] => Escape::Open,
        [_, b'[', rest @ ..] => {
            let is_parameter = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b';' | b':');
            let count = rest.iter().take_while(is_parameter).count();
            match rest.get(count) {
                Some(b'm' | b'K') => Escape::Skip(count + 3),
                None if near.len() < LONGEST_COLOUR => Escape::Open,
                _ => Escape::None,
            }
        }
        _ => Escape::None,
    }
}

//! Where the next form can begin, without looking at every byte.
//!
//! Of each form the first bytes count, as many as the shortest has. A block of three bytes says
//! how far the window may move on: as far as the block stands from the end of every form that has
//! it, and over all of it where none has. Blocks share the slots of a table; one that is shared
//! has the shortest way.

use zeroize::Zeroizing;

const BLOCK: usize = 3;
const SLOTS: usize = 1 << 16;

pub(super) struct Skip {
    window: usize,
    ways: Vec<u8>,
}

impl Skip {
    /// `None` without forms, or with one that is shorter than a block.
    pub(super) fn new(forms: &[Zeroizing<Vec<u8>>]) -> Option<Self> {
        let shortest = forms.iter().map(|form| form.len()).min()?;
        let window = shortest.min(usize::from(u8::MAX));
        let farthest = u8::try_from(window.checked_sub(BLOCK)? + 1).ok()?;
        let mut ways = vec![farthest; SLOTS];
        for form in forms {
            for end in BLOCK..=window {
                let way = &mut ways[slot(&form[end - BLOCK..end])];
                *way = (*way).min(u8::try_from(window - end).unwrap_or(0));
            }
        }
        Some(Self { window, ways })
    }

    /// The first place from `from` on where a form can begin.
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut end = from + self.window;
        while let Some(block) = bytes.get(end.checked_sub(BLOCK)?..end) {
            match self.ways[slot(block)] {
                0 => return Some(end - self.window),
                way => end += usize::from(way),
            }
        }
        None
    }
}

/// Fibonacci hashing (Knuth).
fn slot(block: &[u8]) -> usize {
    let number = u32::from(block[0]) | u32::from(block[1]) << 8 | u32::from(block[2]) << 16;
    (number.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

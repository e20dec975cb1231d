//! Where the next form can begin, without looking at every byte.
//!
//! Of each form the first bytes count, as many as the shortest has, and fewer where there are many
//! forms. A block of three or four bytes says how far the window may move on: as far as the block stands
//! from the end of every form that has it, and over all of it where none has. Blocks share the slots of
//! a table; one that is shared has the shortest way.

use zeroize::Zeroizing;

/// The size of a block. In base64 three bytes are one of 262,144: many forms have them all.
const BLOCK: usize = 4;
/// Where a form is shorter than two blocks.
const SMALL_BLOCK: usize = 3;
/// Few enough for the second cache.
const MOST_SLOTS: usize = 1 << 20;
/// So many slots are there for one block, or hardly any would be free.
const SLOTS_A_BLOCK: usize = 8;
/// The window has so many blocks at least, however many forms there are.
const FEWEST_BLOCKS: usize = 5;

pub(super) struct Skip {
    block: usize,
    window: usize,
    /// How many bits of a hash are no part of the number of a slot.
    unused: u32,
    ways: Vec<u8>,
}

impl Skip {
    /// `None` without forms, or with one that is shorter than a block.
    pub(super) fn new(forms: &[Zeroizing<Vec<u8>>]) -> Option<Self> {
        let shortest = forms.iter().map(|form| form.len()).min()?;
        let block = if shortest < 2 * BLOCK {
            SMALL_BLOCK
        } else {
            BLOCK
        };
        let blocks = (MOST_SLOTS / SLOTS_A_BLOCK / forms.len()).max(FEWEST_BLOCKS);
        let window = shortest.min(blocks + block - 1).min(usize::from(u8::MAX));
        let blocks = (window + 1).checked_sub(block)?;
        let farthest = u8::try_from(blocks).ok()?;
        let slots = (SLOTS_A_BLOCK * blocks * forms.len())
            .next_power_of_two()
            .min(MOST_SLOTS);
        let mut skip = Self {
            block,
            window,
            unused: u32::BITS - slots.ilog2(),
            ways: vec![farthest; slots],
        };
        for form in forms {
            for end in block..=window {
                let slot = skip.slot(&form[end - block..end]);
                let way = &mut skip.ways[slot];
                *way = (*way).min(u8::try_from(window - end).unwrap_or(0));
            }
        }
        Some(skip)
    }

    /// The first place from `from` on where a form can begin.
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut end = from + self.window;
        while let Some(block) = bytes.get(end.checked_sub(self.block)?..end) {
            match self.ways[self.slot(block)] {
                0 => return Some(end - self.window),
                way => end += usize::from(way),
            }
        }
        None
    }

    /// Fibonacci hashing (Knuth).
    fn slot(&self, block: &[u8]) -> usize {
        let number = match *block {
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            [a, b, c] => u32::from_le_bytes([a, b, c, 0]),
            _ => 0,
        };
        (number.wrapping_mul(0x9e37_79b1) >> self.unused) as usize
    }
}

//! Secrets that are the same in every run of a benchmark.

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Characters as keys have them, by xorshift.
pub(crate) struct Random(u64);

impl Random {
    /// The characters of this number, like those of no other.
    pub(crate) fn of(number: usize) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1))
    }

    pub(crate) fn character(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ALPHABET[usize::try_from(self.0 % 64).unwrap_or_default()]
    }
}

/// So many names, each with a value of forty characters.
pub(crate) fn secrets(count: usize) -> Vec<(String, String)> {
    let value = |number| {
        let mut random = Random::of(number);
        (0..40).map(|_| char::from(random.character())).collect()
    };
    (0..count)
        .map(|number| (format!("SECRET_{number}"), value(number)))
        .collect()
}

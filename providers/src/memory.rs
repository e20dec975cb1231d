//! Where values stand: in memory that the launcher gives, else in the heap.
//!
//! To lock memory is the operating system's business, and unsafe. So this crate asks for blocks,
//! and whoever starts it says once who has them.

use std::sync::OnceLock;

use zeroize::Zeroize;

/// Memory of one value. It is wiped on drop, and is nobody else's until then.
pub trait Block: AsRef<[u8]> + AsMut<[u8]> + Zeroize + Send + Sync {}

/// Who has memory for values.
pub trait Memory: Send + Sync {
    /// So many bytes, all zero.
    fn block(&self, length: usize) -> Box<dyn Block>;
}

static MEMORY: OnceLock<&'static dyn Memory> = OnceLock::new();

/// Has values stand in `memory` from here on. Of several the first counts.
pub fn keep_values_in(memory: &'static dyn Memory) {
    let _ = MEMORY.set(memory);
}

pub(crate) fn block(length: usize) -> Box<dyn Block> {
    match MEMORY.get() {
        Some(memory) => memory.block(length),
        None => Box::new(Heap(vec![0; length])),
    }
}

/// Where nobody was named: wiped, and neither locked nor kept from dumps.
struct Heap(Vec<u8>);

impl Block for Heap {}

impl AsRef<[u8]> for Heap {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Heap {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Zeroize for Heap {
    fn zeroize(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        self.zeroize();
    }
}

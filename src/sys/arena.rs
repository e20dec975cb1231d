//! The memory of values: a few regions of pages that are locked, kept from dumps and wiped.
//!
//! Small values share regions, in chunks whose sizes are powers of two; a chunk that is given back
//! is wiped, and is the next one's of its size. A larger value has a region of its own, which goes
//! with it. Regions are as large as what is there already, so that no more is locked than twice what
//! is used: the limit of locked memory is everybody's in this process. `mlockall` would take it all,
//! and with a small limit no thread could be made and malloc would fail.
//!
//! Nothing about a chunk is written in it or beside it.

mod region;
#[cfg(test)]
mod tests;

use std::{
    ptr::NonNull,
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

use self::region::Region;
use super::{process::page_size, wipe::wipe};

/// The arena of this process.
pub static VALUES: Arena = Arena::new();

/// The smallest chunk: a cache line is not worth less.
const SMALLEST: usize = 64;
/// The largest one that shares a region.
const LARGEST: usize = 4 << 10;
/// How many sizes there are.
const SIZES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;
/// The first region, where a page is no larger.
const STEP: usize = 16 << 10;
/// The largest region that is shared.
const LARGEST_STEP: usize = 1 << 20;

/// Memory for values.
#[derive(Debug)]
pub struct Arena(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Those that chunks share.
    shared: Vec<Region>,
    /// Those of one value each.
    own: Vec<Region>,
    /// How much of the last shared region was never given out.
    rest: usize,
    /// Chunks that were given back, by size.
    free: [Vec<NonNull<u8>>; SIZES],
}

// SAFETY: What is free stands in regions that are here too; no thread is special to it.
unsafe impl Send for State {}

/// The memory of one value.
#[derive(Debug)]
pub struct Chunk {
    start: NonNull<u8>,
    length: usize,
    arena: &'static Arena,
}

// SAFETY: A chunk is the only one that has its bytes, and lends them as a box does.
unsafe impl Send for Chunk {}
// SAFETY: As above.
unsafe impl Sync for Chunk {}

/// Nobody takes or gives back a chunk while this is there.
#[derive(Debug)]
pub struct Held<'a>(MutexGuard<'a, State>);

impl Arena {
    const fn new() -> Self {
        Self(Mutex::new(State {
            shared: Vec::new(),
            own: Vec::new(),
            rest: 0,
            free: [const { Vec::new() }; SIZES],
        }))
    }

    /// So many bytes, all zero.
    pub fn take(&'static self, length: usize) -> Chunk {
        let start = match length {
            0 => NonNull::dangling(),
            1..=LARGEST => self.state().share(size_of_chunk(length)),
            _ => self.state().own(length),
        };
        Chunk {
            start,
            length,
            arena: self,
        }
    }

    /// Keeps all as it is: before a fork, whose child could wait for a thread that it does not have.
    pub fn hold(&self) -> Held<'_> {
        Held(self.state())
    }

    /// How many bytes could not be locked.
    pub fn unlocked(&self) -> usize {
        let state = self.state();
        let regions = state.shared.iter().chain(&state.own);
        let unlocked = regions.filter(|region| !region.is_locked());
        unlocked.map(Region::size).sum()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held<'_> {
    /// In a child, which inherits the memory and no lock.
    pub fn lock_again(&mut self) {
        let state = &mut *self.0;
        for region in state.shared.iter_mut().chain(&mut state.own) {
            region.lock();
        }
    }
}

impl State {
    /// A chunk of a size.
    fn share(&mut self, size: usize) -> NonNull<u8> {
        if let Some(chunk) = self.free[index(size)].pop() {
            return chunk;
        }
        if self.rest < size {
            // What is left of the region before is lost: less than one chunk of the largest size.
            let all: usize = self.shared.iter().map(Region::size).sum();
            let size = all.clamp(STEP, LARGEST_STEP);
            let region = Region::new(size.next_multiple_of(page_size()));
            self.rest = region.size();
            self.shared.push(region);
        }
        let region = self.shared.last().expect("a region was just made");
        let offset = region.size() - self.rest;
        self.rest -= size;
        // SAFETY: The rest was as large as the chunk, and it is the end of this region.
        unsafe { region.start().add(offset) }
    }

    /// A region of whole pages for one value.
    fn own(&mut self, length: usize) -> NonNull<u8> {
        let region = Region::new(length.next_multiple_of(page_size()));
        let start = region.start();
        self.own.push(region);
        start
    }

    fn take_back(&mut self, start: NonNull<u8>, length: usize) {
        if length <= LARGEST {
            self.free[index(size_of_chunk(length))].push(start);
        } else if let Some(at) = self.own.iter().position(|region| region.start() == start) {
            self.own.swap_remove(at);
        }
    }
}

fn size_of_chunk(length: usize) -> usize {
    length.next_power_of_two().max(SMALLEST)
}

fn index(size: usize) -> usize {
    (size / SMALLEST).ilog2() as usize
}

impl Chunk {
    /// Writes zeros over all of it.
    pub fn wipe(&mut self) {
        // SAFETY: These bytes are this chunk's alone, and bytes may be zero.
        unsafe { wipe(self.start.as_ptr(), self.length) };
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: These bytes are this chunk's alone, were zero at first, and stay until it is
        // dropped. None are asked of a pointer that dangles.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl AsMut<[u8]> for Chunk {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: As above, and the chunk is borrowed for as long as they are.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if self.length > 0 {
            self.wipe();
            self.arena.state().take_back(self.start, self.length);
        }
    }
}

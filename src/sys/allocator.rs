//! The heap, in which nothing is left behind: every block is wiped when it is freed.
//!
//! A value passes through memory of others: buffers of TLS and HTTP, what the SDK of AWS makes of
//! an answer, the tables of the masks. None of that is ours to wipe, but all of it is in this heap.
//! What libraries written in C allocate is not: of those, AWS-LC alone sees values, and it wipes
//! what it frees itself (`OPENSSL_free`).

use std::{
    alloc::{GlobalAlloc, Layout, System},
    ptr,
};

use super::wipe::wipe;

#[global_allocator]
static HEAP: Wiping<System> = Wiping(System);

/// Wipes what another allocator is given back.
struct Wiping<A>(A);

// SAFETY: All memory is the inner allocator's, by its own rules; between two calls of it only bytes
// of a block that the caller owns are read or written.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Wiping<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: The caller's promise is the one that is asked for.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: As above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: The block has this layout and is the caller's, who gives it away.
        unsafe {
            wipe(block, layout.size());
            self.0.dealloc(block, layout);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: The caller promises that `size`, rounded up to the alignment, is no overflow. The
        // new block is another one, both hold what is copied, and the old one is the caller's.
        unsafe {
            let layout_of_new = Layout::from_size_align_unchecked(size, layout.align());
            let new = self.0.alloc(layout_of_new);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        alloc::{GlobalAlloc, Layout, System},
        cell::RefCell,
        slice,
    };

    use super::Wiping;

    /// Remembers how every block looked that it was given back.
    #[derive(Default)]
    struct Watched(RefCell<Vec<Vec<u8>>>);

    // SAFETY: All memory is the system's, by its own rules.
    unsafe impl GlobalAlloc for Watched {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: The caller's promise is the one that is asked for.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: The block has this layout, all of it was written, and it is the caller's.
            unsafe {
                let bytes = slice::from_raw_parts(block, layout.size()).to_vec();
                self.0.borrow_mut().push(bytes);
                System.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn allocator_wipes_a_block_before_it_is_given_back() {
        let heap = Wiping(Watched::default());
        for (size, align) in [(1, 1), (7, 1), (24, 8), (4096, 64), (100_000, 16)] {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: The size is not zero; the block is used and freed within it.
            unsafe {
                let block = heap.alloc(layout);
                assert_eq!(block.align_offset(align), 0);
                block.write_bytes(0xa5, size);
                heap.dealloc(block, layout);
            }
            assert_eq!(
                heap.0.0.borrow_mut().drain(..).collect::<Vec<_>>(),
                [vec![0; size]]
            );
        }
    }

    #[test]
    fn allocator_leaves_nothing_behind_where_a_block_grows_or_shrinks() {
        let heap = Wiping(Watched::default());
        for (before, after) in [(8, 64), (64, 8), (3, 200_000), (16, 16)] {
            let layout = Layout::from_size_align(before, 8).unwrap();
            let layout_of_new = Layout::from_size_align(after, 8).unwrap();
            // SAFETY: No size is zero; a block is written and freed within its size.
            unsafe {
                let block = heap.alloc(layout);
                block.write_bytes(0xa5, before);
                let new = heap.realloc(block, layout, after);
                let kept = slice::from_raw_parts(new, before.min(after));
                assert!(kept.iter().all(|byte| *byte == 0xa5));
                new.write_bytes(0xa5, after);
                heap.dealloc(new, layout_of_new);
            }
            let given_back: Vec<_> = heap.0.0.borrow_mut().drain(..).collect();
            assert_eq!(given_back, [vec![0; before], vec![0; after]]);
        }
    }
}

//! Pages of the system's own: locked, kept from dumps, and with no neighbour.
//!
//! A page on either side can't be touched, so that who runs over the end of another mapping reads
//! nothing here. The memory is private and without a file: no other process has it, and `execve`
//! takes it away. Locking is the best that can be done: with a small limit (`RLIMIT_MEMLOCK`) the
//! memory is as good, and can be swapped out.

use std::ptr::NonNull;

/// Some pages.
#[derive(Debug)]
pub(super) struct Region {
    start: NonNull<u8>,
    size: usize,
    is_locked: bool,
}

// SAFETY: A region is addresses that nothing else in this process has; no thread is special to it.
unsafe impl Send for Region {}

impl Region {
    /// Makes one of whole pages, all zero.
    pub(super) fn new(size: usize) -> Self {
        let mut region = Self {
            start: pages::map(size),
            size,
            is_locked: false,
        };
        region.lock();
        region
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Locks it, which a child does not inherit.
    pub(super) fn lock(&mut self) {
        self.is_locked = pages::lock(self.start, self.size);
    }
}

impl Drop for Region {
    /// Gives the pages back; what was in them is wiped by then.
    fn drop(&mut self) {
        pages::unmap(self.start, self.size);
    }
}

#[cfg(not(miri))]
mod pages {
    use std::{
        alloc::{Layout, handle_alloc_error},
        num::NonZeroUsize,
        ptr::NonNull,
        sync::OnceLock,
    };

    use nix::sys::mman::{MapFlags, ProtFlags, mlock, mmap_anonymous, mprotect, munmap};

    use crate::sys::process::page_size;

    /// The page on either side.
    fn guard() -> usize {
        static SIZE: OnceLock<usize> = OnceLock::new();
        *SIZE.get_or_init(page_size)
    }

    pub(super) fn map(size: usize) -> NonNull<u8> {
        try_map(size).unwrap_or_else(|| {
            // As any allocation that finds no memory.
            handle_alloc_error(Layout::from_size_align(size, 1).unwrap_or(Layout::new::<u8>()))
        })
    }

    fn try_map(size: usize) -> Option<NonNull<u8>> {
        let whole = NonZeroUsize::new(size.checked_add(2 * guard())?)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_ANON;
        // SAFETY: The kernel chooses where: nothing that is there is replaced.
        let whole = unsafe { mmap_anonymous(None, whole, ProtFlags::PROT_NONE, flags) }.ok()?;
        // SAFETY: The guard is the first page of what was just mapped.
        let start = unsafe { whole.byte_add(guard()) };
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: These pages were just mapped, and nothing knows them yet.
        unsafe { mprotect(start, size, access) }.ok()?;
        // SAFETY: It changes what a dump holds, and no memory.
        #[cfg(target_os = "linux")]
        let _ = unsafe {
            let advice = nix::sys::mman::MmapAdvise::MADV_DONTDUMP;
            nix::sys::mman::madvise(start, size, advice)
        };
        Some(start.cast())
    }

    pub(super) fn lock(start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: Locking changes where pages are kept, and no memory.
        unsafe { mlock(start.cast(), size) }.is_ok()
    }

    pub(super) fn unmap(start: NonNull<u8>, size: usize) {
        // SAFETY: The region with its guards was mapped at once, and its owner is dropped.
        let _ = unsafe { munmap(start.byte_sub(guard()).cast(), size + 2 * guard()) };
    }
}

/// Miri knows no pages: it sees what is done with the memory, which is all the same.
#[cfg(miri)]
mod pages {
    use std::{
        alloc::{Layout, alloc_zeroed, dealloc},
        ptr::NonNull,
    };

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 4096).expect("a size")
    }

    pub(super) fn map(size: usize) -> NonNull<u8> {
        // SAFETY: No region is empty.
        NonNull::new(unsafe { alloc_zeroed(layout(size)) }).expect("memory")
    }

    pub(super) fn lock(_: NonNull<u8>, _: usize) -> bool {
        true
    }

    pub(super) fn unmap(start: NonNull<u8>, size: usize) {
        // SAFETY: It was allocated so, and its owner is dropped.
        unsafe { dealloc(start.as_ptr(), layout(size)) };
    }
}

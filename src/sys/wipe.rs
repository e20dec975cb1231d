//! Writing zeros that no compiler leaves out.

/// Writes zeros.
///
/// # Safety
///
/// So many bytes from `start` on must be the caller's to write, and nobody's to read as anything
/// that zeros are not.
pub(super) unsafe fn wipe(start: *mut u8, length: usize) {
    // SAFETY: The caller's promise.
    unsafe { start.write_bytes(0, length) };
    // SAFETY: Nothing is done here. To the compiler it is code that may read what the pointer leads
    // to, so the zeros have to be there, even where the memory is freed next.
    #[cfg(not(miri))]
    unsafe {
        std::arch::asm!("/* {0} */", in(reg) start, options(nostack, preserves_flags));
    }
}

//! What endow inherited, recorded before Rust's start-up changes it.
//!
//! Before `main`, Rust's runtime ignores SIGPIPE and opens /dev/null in the place of closed
//! standard descriptors. A child must get what endow got, so both are read in an initialiser,
//! which the loader calls before the runtime, and put back at launch.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use nix::libc;

static IGNORED_SIGPIPE: AtomicBool = AtomicBool::new(false);
static CLOSED: AtomicU8 = AtomicU8::new(0);

// Miri, which checks the memory of values, knows no dispositions.
#[cfg(not(miri))]
// SAFETY: The loader calls what stands in this section once, before any other code of ours; the
// function makes only async-signal-safe calls and allocates nothing.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static RECORD: extern "C" fn() = record;

#[cfg_attr(
    miri,
    expect(
        dead_code,
        reason = "nothing is recorded: everything is as it is by default"
    )
)]
extern "C" fn record() {
    // SAFETY: An all-zero sigaction is a valid value of that C struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: A null new action only reads the old one into the struct above.
    if unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) } == 0 {
        IGNORED_SIGPIPE.store(action.sa_sigaction == libc::SIG_IGN, Ordering::Relaxed);
    }
    let mut closed = 0;
    for descriptor in 0..3 {
        // SAFETY: F_GETFD reads a flag and touches no memory.
        if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
            closed |= 1 << descriptor;
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
}

/// Whether endow was started with SIGPIPE ignored.
pub fn ignored_sigpipe() -> bool {
    IGNORED_SIGPIPE.load(Ordering::Relaxed)
}

/// The standard descriptors that were closed when endow was started.
pub fn closed_descriptors() -> impl Iterator<Item = i32> {
    let closed = CLOSED.load(Ordering::Relaxed);
    (0..3).filter(move |descriptor| closed & 1 << descriptor != 0)
}

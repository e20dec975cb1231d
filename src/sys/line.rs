//! A line on the terminal that is not to stay there, also where a signal ends endow.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use nix::libc;

/// Back to the first column, and clear to the end (ECMA-48).
const ERASE: &[u8] = b"\r\x1b[K";

/// Whether it stands on standard error.
static STANDS: AtomicBool = AtomicBool::new(false);

/// Writes it to standard error, which is a terminal. One that is gone misses nothing.
pub fn show(text: &str) {
    STANDS.store(true, Ordering::SeqCst);
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Erases it.
pub fn erase() {
    let _ = io::stderr().write_all(ERASE);
    STANDS.store(false, Ordering::SeqCst);
}

/// Erases it in a handler that ends the process, which is not to wait: neither for a terminal that
/// was stopped by a key, nor, from the background, for the foreground, whose line stands there.
pub(super) fn erase_at_end() {
    if !STANDS.load(Ordering::SeqCst) {
        return;
    }
    // SAFETY: Async-signal-safe calls; the kernel reads and writes what is borrowed for the call.
    unsafe {
        let foreground = libc::tcgetpgrp(libc::STDERR_FILENO);
        // -1 is a terminal that is not this session's: nobody here is in its foreground.
        if foreground != -1 && foreground != libc::getpgrp() {
            return;
        }
        let mut room = libc::pollfd {
            fd: libc::STDERR_FILENO,
            events: libc::POLLOUT,
            revents: 0,
        };
        if libc::poll(&raw mut room, 1, 0) == 1 && room.revents & libc::POLLOUT != 0 {
            libc::write(libc::STDERR_FILENO, ERASE.as_ptr().cast(), ERASE.len());
        }
    }
}

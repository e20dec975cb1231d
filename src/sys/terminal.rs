//! The size of the terminal.

use std::os::fd::{AsFd, AsRawFd};

use nix::libc;

/// How many columns a terminal has; `None` where it is none.
pub fn columns(descriptor: &impl AsFd) -> Option<u16> {
    // SAFETY: An all-zero winsize is a valid value of that C struct.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: The descriptor is open while it is borrowed, and the kernel fills in the struct.
    let done = unsafe {
        libc::ioctl(
            descriptor.as_fd().as_raw_fd(),
            libc::TIOCGWINSZ,
            &raw mut size,
        )
    };
    (done == 0 && size.ws_col > 0).then_some(size.ws_col)
}

//! The terminal: its size, and whether it is endow's.

use std::{
    fs::OpenOptions,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::OpenOptionsExt,
    },
};

use nix::{
    libc,
    unistd::{getpgrp, tcgetpgrp},
};

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

/// Whether there is a controlling terminal and endow is in its foreground: only then can a person
/// be asked for something.
pub fn is_own() -> bool {
    let terminal = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOCTTY)
        .open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal) == Ok(getpgrp()))
}

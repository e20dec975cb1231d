//! The terminal: its size, and whose the keyboard is.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
};

use nix::{
    libc,
    sys::signal::{SigSet, SigmaskHow, Signal},
    unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp},
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

/// The terminal that this process's session has.
#[derive(Debug)]
pub struct Terminal {
    device: File,
}

impl Terminal {
    /// `None` where the session has none.
    pub fn controlling() -> Option<Self> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open("/dev/tty");
        opened.ok().map(|device| Self { device })
    }

    /// Another descriptor of it, which never waits.
    pub fn keyboard(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
            .open("/dev/tty")
    }

    /// The group that the keyboard belongs to.
    pub fn foreground(&self) -> Option<i32> {
        tcgetpgrp(&self.device).ok().map(Pid::as_raw)
    }

    /// Whether that is this process's own group.
    pub fn is_ours(&self) -> bool {
        self.foreground() == Some(getpgrp().as_raw())
    }

    /// Gives the keyboard to a group of this session.
    pub fn give_to(&self, group: i32) {
        // From the background it is allowed to whoever blocks SIGTTOU (tcsetpgrp(3)).
        let stop = SigSet::from(Signal::SIGTTOU);
        let mask = stop.thread_swap_mask(SigmaskHow::SIG_BLOCK);
        // The terminal can be gone, and the group too: then there is nothing to give.
        let _ = tcsetpgrp(&self.device, Pid::from_raw(group));
        if let Ok(mask) = mask {
            let _ = mask.thread_set_mask();
        }
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// Whether there is a controlling terminal and endow is in its foreground: only then can a person
/// be asked for something.
pub fn is_own() -> bool {
    Terminal::controlling().is_some_and(|terminal| terminal.is_ours())
}

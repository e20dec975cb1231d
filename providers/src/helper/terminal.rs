//! Lending the terminal to a helper that asks its user something, and taking it back.
//!
//! The foreground group is the one that may read the terminal and that its keys send signals to.
//! Helpers run in the background, so that a key ends endow and them. One that reads the terminal,
//! or switches its echo off, is stopped by the kernel; then it is lent the terminal and continued.
//! A process of another group that changes the foreground is stopped too, unless it blocks
//! SIGTTOU.

use std::{
    fs::{File, OpenOptions},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
};

use nix::{
    fcntl::OFlag,
    sys::signal::{SigSet, Signal, killpg},
    unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp},
};

use super::Groups;

/// The terminal while a helper has it; it comes back on drop.
pub(super) struct Lent {
    terminal: File,
    groups: &'static Groups,
}

/// What became of a wish for the terminal.
pub(super) enum Wish {
    /// The helper has it.
    Granted(Lent),
    /// Another helper has it, of this endow or of another.
    Later,
    /// There is none.
    Refused,
}

impl Lent {
    /// Hands the terminal over.
    pub(super) fn to(borrower: Pid, groups: &'static Groups) -> Wish {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open("/dev/tty");
        let Ok(terminal) = opened else {
            return Wish::Refused;
        };
        let is_own = tcgetpgrp(&terminal) == Ok(getpgrp());
        if !is_own || !groups.lend_terminal(terminal.as_raw_fd(), getpgrp().as_raw()) {
            return Wish::Later;
        }
        let lent = Self { terminal, groups };
        lent.again(borrower);
        Wish::Granted(lent)
    }

    /// Hands it over once more, and wakes a helper that was stopped for the want of it.
    pub(super) fn again(&self, borrower: Pid) {
        set_foreground(&self.terminal, borrower);
        // One that is gone is reaped by the caller.
        let _ = killpg(borrower, Signal::SIGCONT);
    }

    /// Takes it back for a while.
    pub(super) fn take(&self) {
        set_foreground(&self.terminal, getpgrp());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.take();
        self.groups.terminal_is_back();
    }
}

fn set_foreground(terminal: &File, group: Pid) {
    let mut stops = SigSet::empty();
    stops.add(Signal::SIGTTOU);
    let old = SigSet::thread_get_mask();
    // A terminal that was hung up belongs to nobody: there is nothing to set.
    if stops.thread_block().is_ok() {
        let _ = tcsetpgrp(terminal, group);
    }
    if let Ok(old) = old {
        let _ = old.thread_set_mask();
    }
}

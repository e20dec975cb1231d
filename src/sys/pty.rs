//! Pseudo-terminals: a terminal whose other end endow has.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    libc,
    pty::openpty,
    sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr},
    unistd::setsid,
};

use super::{stream::never_wait, terminal::Terminal};

#[cfg(target_os = "linux")]
const CLAIM: libc::Ioctl = libc::TIOCSCTTY;
#[cfg(not(target_os = "linux"))]
const CLAIM: libc::c_ulong = libc::TIOCSCTTY as libc::c_ulong;

/// Both ends.
#[derive(Debug)]
pub struct Pty {
    /// endow's: what the programs write is read here, what is written here they read.
    pub master: OwnedFd,
    /// Theirs.
    pub slave: OwnedFd,
}

impl Pty {
    /// One of the size of a terminal, with its modes; raw where it is for output alone.
    pub fn like(terminal: &impl AsFd, is_for_output: bool) -> io::Result<Self> {
        let pty = openpty(None, None)?;
        for end in [pty.master.as_fd(), pty.slave.as_fd()] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        never_wait(&pty.master)?;
        if let Ok(mut modes) = tcgetattr(terminal) {
            if is_for_output {
                cfmakeraw(&mut modes);
            }
            tcsetattr(&pty.slave, SetArg::TCSANOW, &modes)?;
        }
        let pty = Self {
            master: pty.master,
            slave: pty.slave,
        };
        copy_size(terminal, &pty.master);
        Ok(pty)
    }
}

/// Gives one terminal the size of another; programs on it are told where that is a change.
pub fn copy_size(from: &impl AsFd, to: &impl AsFd) {
    // SAFETY: An all-zero winsize is a valid value of that C struct, which the kernel fills in and
    // reads; both descriptors are open while they are borrowed.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        let from = from.as_fd().as_raw_fd();
        if libc::ioctl(from, libc::TIOCGWINSZ, &raw mut size) == 0 {
            libc::ioctl(to.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size);
        }
    }
}

/// Makes this process the leader of a session whose terminal this is.
pub fn lead_session(slave: &impl AsFd) -> io::Result<()> {
    setsid()?;
    // SAFETY: The request takes a number, and the descriptor is open while it is borrowed.
    Errno::result(unsafe { libc::ioctl(slave.as_fd().as_raw_fd(), CLAIM, 0) })?;
    Ok(())
}

/// The caller's terminal while another one stands in for it: every key is passed on as it is.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal,
    master: File,
    /// The modes to go back to; `None` while they are in force.
    modes: Option<Termios>,
}

impl Screen {
    /// Nothing is changed yet.
    pub fn new(terminal: Terminal, master: OwnedFd) -> Self {
        Self {
            terminal,
            master: File::from(master),
            modes: None,
        }
    }

    /// Passes keys on, where the keyboard is this process's.
    pub fn enter(&mut self) {
        if self.modes.is_some() || !self.terminal.is_ours() {
            return;
        }
        if let Ok(modes) = tcgetattr(&self.terminal) {
            let mut raw = modes.clone();
            cfmakeraw(&mut raw);
            if tcsetattr(&self.terminal, SetArg::TCSANOW, &raw).is_ok() {
                self.modes = Some(modes);
            }
        }
        self.resize();
    }

    /// Whether keys are passed on.
    pub fn has_keyboard(&self) -> bool {
        self.modes.is_some()
    }

    /// Gives the terminal back as it was.
    pub fn leave(&mut self) {
        if let Some(modes) = self.modes.take()
            && self.terminal.is_ours()
        {
            // The terminal can be gone.
            let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &modes);
        }
    }

    /// Takes over the size.
    pub fn resize(&self) {
        copy_size(&self.terminal, &self.master);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

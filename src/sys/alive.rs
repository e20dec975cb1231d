//! Whether a process that is nobody's child here lives: by its id and its start, since ids are used again.

use std::{io, os::fd::OwnedFd};

/// A process, as no later one can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    id: i32,
    /// When it was started, in ticks since the machine was (`proc_pid_stat(5)`, field 22).
    start: u64,
}

impl Process {
    /// A process that lives; `None` where there is none, or it can't be told.
    pub fn of(id: i32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name before it can hold anything.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let is_over = ["Z", "X"].contains(fields.first()?);
        let start = fields.get(19)?.parse().ok()?;
        (!is_over).then_some(Self { id, start })
    }

    /// Whether it lives.
    pub fn lives(self) -> bool {
        Self::of(self.id) == Some(self)
    }

    /// A descriptor that can be read when it has ended (`pidfd_open(2)`).
    #[cfg(target_os = "linux")]
    pub fn watched(self) -> io::Result<OwnedFd> {
        use std::os::fd::FromRawFd;

        // SAFETY: It takes two numbers and gives a new descriptor, which nobody else has.
        let descriptor = unsafe { nix::libc::syscall(nix::libc::SYS_pidfd_open, self.id, 0) };
        let descriptor = i32::try_from(descriptor).unwrap_or(-1);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: As above.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        // It may be another one's by now.
        if self.lives() {
            Ok(descriptor)
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// Not made for other systems.
    #[cfg(not(target_os = "linux"))]
    pub fn watched(self) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// As one line of text.
    pub fn line(self) -> String {
        format!("{} {}\n", self.id, self.start)
    }

    /// The process of the last whole line.
    pub fn of_lines(text: &str) -> Option<Self> {
        let (lines, _) = text.rsplit_once('\n')?;
        let (id, start) = lines.lines().next_back()?.split_once(' ')?;
        Some(Self {
            id: id.parse().ok()?,
            start: start.parse().ok()?,
        })
    }
}

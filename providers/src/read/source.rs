//! An opened file, and draining it without a copy that is not wiped.
//!
//! `poll` on a FIFO that was opened without a writer blocks until one came, while `read` says
//! end-of-file at once: so a FIFO is polled before its first byte. An anonymous pipe
//! (`/dev/stdin`, `<(...)`) whose writer is gone hangs up instead: no other will come.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read},
    mem,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use zeroize::Zeroizing;

use super::{Content, Failure, MAX_BYTES, STANDARD_INPUT, failure, fault, is_a_directory};
use crate::{Class, Fault};

const PIECE: usize = 8 << 10;
const READABLE_BY_OTHERS: u32 = 0o004;

/// One file, open and not read yet.
pub(super) struct Source<'a> {
    path: &'a Path,
    file: File,
    metadata: Metadata,
    waits: Waits,
    deadline: Instant,
}

/// Which files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything that has bytes.
    Any,
    /// Regular files.
    Regular,
}

/// When a read must be preceded by a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Only after `EAGAIN`.
    IfAsked,
    /// Until the first byte: a FIFO, whose writer may come later.
    ForTheFirstByte,
    /// Always: an inherited descriptor, which may be blocking and must stay as it is.
    Always,
}

impl<'a> Source<'a> {
    /// Opens what may be read, without waiting. Opening a device can do something, rewind a tape or
    /// start a watchdog, so it is looked at first.
    pub(super) fn open(path: &'a Path, deadline: Instant, scope: Scope) -> Result<Self, Failure> {
        let opened = match looked_at(path, scope)? {
            Some(seen) => reopened(&seen, path),
            None => opened(path),
        };
        let (file, waits) = match opened {
            Ok(file) => (file, None),
            Err(error) => (inherited(path, &error)?, Some(Waits::Always)),
        };
        Self::new(path, file, waits, deadline, scope)
    }

    pub(super) fn new(
        path: &'a Path,
        file: File,
        waits: Option<Waits>,
        deadline: Instant,
        scope: Scope,
    ) -> Result<Self, Failure> {
        let metadata = file.metadata().map_err(|error| failure(path, &error))?;
        judged(path, &file, &metadata, scope)?;
        let is_fifo = metadata.file_type().is_fifo();
        let waits = waits.unwrap_or(if is_fifo {
            Waits::ForTheFirstByte
        } else {
            Waits::IfAsked
        });
        Ok(Self {
            path,
            file,
            metadata,
            waits,
            deadline,
        })
    }

    /// Reads to the end.
    pub(super) fn content(mut self) -> Result<Content, Failure> {
        let is_regular = self.metadata.is_file();
        let is_readable_by_others = is_regular && self.metadata.mode() & READABLE_BY_OTHERS != 0;
        let version = is_regular.then(|| version(&self.metadata));
        Ok(Content {
            bytes: self.drain()?.into(),
            is_readable_by_others,
            version,
        })
    }

    fn drain(&mut self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let size = usize::try_from(self.metadata.len()).unwrap_or(usize::MAX);
        if size > MAX_BYTES {
            return Err(self.is_too_large());
        }
        let mut bytes = Zeroizing::new(vec![0; if self.metadata.is_file() { size } else { 0 }]);
        let mut length = 0;
        // Where a full buffer meets the end of the file, nothing has to grow.
        let mut beyond = Zeroizing::new([0; PIECE]);
        loop {
            let is_full = length == bytes.len();
            let target = if is_full {
                &mut beyond[..]
            } else {
                &mut bytes[length..]
            };
            let count = self.read_some(target, length)?;
            if count == 0 {
                bytes.truncate(length);
                return Ok(bytes);
            }
            if length + count > MAX_BYTES {
                return Err(self.is_too_large());
            }
            if is_full {
                grow(&mut bytes, length + count);
                bytes[length..length + count].copy_from_slice(&beyond[..count]);
            }
            length += count;
        }
    }

    fn read_some(&mut self, target: &mut [u8], length: usize) -> Result<usize, Failure> {
        let mut waits_first = match self.waits {
            Waits::Always => true,
            Waits::ForTheFirstByte => length == 0,
            Waits::IfAsked => false,
        };
        loop {
            if waits_first {
                self.wait(length)?;
            }
            match self.file.read(target) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => waits_first = true,
                Err(error) => return Err(failure(self.path, &error)),
            }
        }
    }

    fn wait(&self, length: usize) -> Result<(), Failure> {
        let name = self.path.display();
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let what = if length == 0 {
                    "gave nothing"
                } else {
                    "did not end"
                };
                return Err(fault(Class::TimedOut, format!("`{name}` {what} in time")));
            }
            // A millisecond more, because poll cuts the rest off and would spin through it.
            let timeout =
                PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            let mut descriptors = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut descriptors, timeout) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) if has(&descriptors[0], PollFlags::POLLNVAL) => {
                    return Err(fault(
                        Class::Unreachable,
                        format!("`{name}` can't be waited for"),
                    ));
                }
                Ok(_) => return Ok(()),
                Err(errno) => return Err(failure(self.path, &errno.into())),
            }
        }
    }

    fn is_too_large(&self) -> Failure {
        fault(
            Class::Malformed,
            format!(
                "`{}` is larger than {} MiB",
                self.path.display(),
                MAX_BYTES >> 20
            ),
        )
    }
}

/// Whether a file may be read, by what it is.
fn judged(path: &Path, file: &File, metadata: &Metadata, scope: Scope) -> Result<(), Failure> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(is_a_directory(path));
    }
    if is_of_kernel(file) {
        return Err(of_kernel(path));
    }
    if scope == Scope::Regular && !kind.is_file() {
        return Err(Failure::NotRegular);
    }
    if kind.is_char_device() || kind.is_block_device() {
        let message = format!(
            "`{}` is a device or a terminal, and is not opened",
            path.display()
        );
        let fault = Fault::new(Class::Malformed, message);
        return Err(Failure::Fault(
            fault.hinted("a file, a pipe and a FIFO are read"),
        ));
    }
    Ok(())
}

/// A descriptor that only stands for the file (open(2), `O_PATH`), once that was found to be one that
/// may be read; `None` where the system has no such descriptors.
#[cfg(target_os = "linux")]
fn looked_at(path: &Path, scope: Scope) -> Result<Option<File>, Failure> {
    let seen = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_PATH.bits())
        .open(path)
        .map_err(|error| failure(path, &error))?;
    let metadata = seen.metadata().map_err(|error| failure(path, &error))?;
    judged(path, &seen, &metadata, scope)?;
    Ok(Some(seen))
}

#[cfg(not(target_os = "linux"))]
fn looked_at(_: &Path, _: Scope) -> Result<Option<File>, Failure> {
    Ok(None)
}

/// Opens the very file that was looked at, or by its name where there is no `/proc`.
fn reopened(seen: &File, path: &Path) -> io::Result<File> {
    let same = format!("/proc/self/fd/{}", seen.as_raw_fd());
    match opened(Path::new(&same)) {
        Err(error) if error.kind() == ErrorKind::NotFound => opened(path),
        other => other,
    }
}

/// Opens without waiting: `O_NONBLOCK` for a FIFO, `O_NOCTTY` for a terminal; std adds `O_CLOEXEC`.
fn opened(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits()).open(path)
}

/// Whether it stands in `/proc`, by whatever name it was opened. No value is kept there, but the
/// environments and the memory of processes are, with credentials that nobody named.
#[cfg(target_os = "linux")]
fn is_of_kernel(file: &File) -> bool {
    use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
    fstatfs(file).is_ok_and(|data| data.filesystem_type() == PROC_SUPER_MAGIC)
}

#[cfg(not(target_os = "linux"))]
const fn is_of_kernel(_: &File) -> bool {
    false
}

fn of_kernel(path: &Path) -> Failure {
    let message = format!("`{}` is no file but what the kernel says", path.display());
    let fault = Fault::new(Class::Malformed, message);
    Failure::Fault(fault.hinted("write `env://NAME` for a variable of the caller"))
}

/// Standard input that can't be opened again is read where it is: a socket (what Node.js gives
/// its children), or a pipe or terminal of another user (`sudo -u`).
fn inherited(path: &Path, error: &io::Error) -> Result<File, Failure> {
    let is_standard_input = STANDARD_INPUT.iter().any(|name| path == Path::new(name));
    let can_be_shared = matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::ENXIO | Errno::EACCES)
    );
    if !(is_standard_input && can_be_shared) {
        return Err(failure(path, error));
    }
    let shared: io::Result<OwnedFd> = io::stdin().as_fd().try_clone_to_owned();
    shared
        .map(File::from)
        .map_err(|error| failure(path, &error))
}

fn has(descriptor: &PollFd<'_>, flag: PollFlags) -> bool {
    descriptor
        .revents()
        .is_some_and(|events| events.contains(flag))
}

/// Status change time, inode and size: a rewrite, a rename onto it and a swapped link all differ.
fn version(metadata: &Metadata) -> String {
    format!(
        "{}.{:09}-{}-{}",
        metadata.ctime(),
        metadata.ctime_nsec(),
        metadata.ino(),
        metadata.size()
    )
}

/// Doubles, and wipes what it leaves.
fn grow(bytes: &mut Zeroizing<Vec<u8>>, needed: usize) {
    let mut larger = Zeroizing::new(vec![0; needed.max(bytes.len() * 2)]);
    larger[..bytes.len()].copy_from_slice(bytes);
    drop(mem::replace(bytes, larger));
}

//! The standard streams: what they are, and writing to them without waiting.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    libc,
    sys::stat::{SFlag, fstat},
};

/// Whether standard input, output or error is a pipe: endow is part of a pipeline, or is read.
pub fn any_standard_is_pipe() -> bool {
    let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
    [input.as_fd(), output.as_fd(), error.as_fd()]
        .into_iter()
        .any(|stream| is_of_kind(stream, SFlag::S_IFIFO))
}

fn is_of_kind(stream: BorrowedFd<'_>, kind: SFlag) -> bool {
    fstat(stream)
        .is_ok_and(|status| SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == kind)
}

/// Whether a standard stream is a terminal.
pub fn is_terminal(descriptor: i32) -> bool {
    // SAFETY: isatty takes a number and touches no memory.
    unsafe { libc::isatty(descriptor) == 1 }
}

/// Whether two standard streams are one file, so that the order between them matters.
pub fn are_one(one: i32, other: i32) -> bool {
    let identity = |descriptor: i32| {
        // SAFETY: All-zero is a valid value of this C struct, which the kernel fills in.
        let (done, status) = unsafe {
            let mut status: libc::stat = std::mem::zeroed();
            (libc::fstat(descriptor, &raw mut status), status)
        };
        (done == 0).then_some((status.st_dev, status.st_ino))
    };
    identity(one).is_some() && identity(one) == identity(other)
}

/// Puts a descriptor in the place of a standard one, open for the next program.
pub fn place(descriptor: &impl AsFd, standard: i32) -> io::Result<()> {
    // SAFETY: dup2 takes two numbers; who holds the standard stream expects it to be replaced.
    let done = unsafe { libc::dup2(descriptor.as_fd().as_raw_fd(), standard) };
    Errno::result(done)?;
    Ok(())
}

/// Gives a pipe room for more than one piece, so that its two ends work at the same time.
#[cfg(target_os = "linux")]
pub fn widen(pipe: &impl AsFd) {
    const ROOM: i32 = 1 << 20;
    // A user can have too many already: then it stays as it is.
    let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(ROOM));
}

/// It has room enough.
#[cfg(not(target_os = "linux"))]
pub fn widen(_: &impl AsFd) {}

/// Reading it never waits from now on.
pub fn never_wait(descriptor: &impl AsFd) -> io::Result<()> {
    fcntl(descriptor, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Where a stream goes, without waiting for its reader as far as that can be had.
///
/// A standard stream is shared with others, who may not expect it to refuse to wait: so a pipe or
/// a terminal is opened once more, and a socket is told with each write. What remains, a file,
/// never waits long.
#[derive(Debug)]
pub struct Sink {
    file: File,
    is_socket: bool,
}

impl Sink {
    /// A standard stream.
    pub fn standard(descriptor: i32) -> io::Result<Self> {
        // SAFETY: The standard streams stay open as long as this process.
        let stream = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let can_be_opened = cfg!(target_os = "linux")
            && (is_of_kind(stream, SFlag::S_IFIFO) || is_of_kind(stream, SFlag::S_IFCHR));
        let opened = can_be_opened.then(|| {
            OpenOptions::new()
                .write(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
                .open(format!("/proc/self/fd/{descriptor}"))
        });
        // A pipe of another user can't be opened.
        let file = match opened {
            Some(Ok(file)) => file,
            _ => File::from(stream.try_clone_to_owned()?),
        };
        Ok(Self {
            is_socket: is_of_kind(stream, SFlag::S_IFSOCK),
            file,
        })
    }

    /// One that does not wait already.
    pub fn of(descriptor: OwnedFd) -> Self {
        Self {
            file: File::from(descriptor),
            is_socket: false,
        }
    }

    /// Writes as much as there is room for.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_socket {
            return self.file.write(bytes);
        }
        // SAFETY: The kernel reads the bytes while they are borrowed.
        let written = unsafe {
            libc::send(
                self.file.as_raw_fd(),
                bytes.as_ptr().cast(),
                bytes.len(),
                libc::MSG_DONTWAIT,
            )
        };
        Ok(usize::try_from(Errno::result(written)?).unwrap_or(0))
    }
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

//! The standard streams as they were inherited.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use nix::sys::stat::{SFlag, fstat};

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

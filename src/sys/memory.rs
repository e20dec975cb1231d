//! Memory files: bytes that have a descriptor and no place in a file system.

use std::{
    ffi::CStr,
    io,
    os::fd::{AsFd, OwnedFd},
};

/// Whether this system has them.
pub const ARE_THERE: bool = cfg!(target_os = "linux");

/// The first descriptor that one gets: programs close low ones, and count on some of them.
#[cfg(target_os = "linux")]
const FIRST: i32 = 200;
/// Where the limit of open files is lower than that.
#[cfg(target_os = "linux")]
const FIRST_OF_FEW: i32 = 3;

/// A file of these bytes that nobody can change any more; its descriptor survives `execve`.
#[cfg(target_os = "linux")]
pub fn sealed(name: &CStr, bytes: &[u8], mode: u32, owner: Option<u32>) -> io::Result<OwnedFd> {
    use std::{
        fs::{File, Permissions},
        io::Write,
        os::{fd::FromRawFd, unix::fs::PermissionsExt},
    };

    use nix::{
        fcntl::{FcntlArg, SealFlag, fcntl},
        unistd::{Uid, fchown},
    };

    let mut file = File::from(create(name, mode)?);
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    if let Some(owner) = owner {
        fchown(&file, Some(Uid::from_raw(owner)), None)?;
    }
    let seals = SealFlag::F_SEAL_SEAL
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_WRITE;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    let descriptor = fcntl(file.as_fd(), FcntlArg::F_DUPFD(FIRST))
        .or_else(|_| fcntl(file.as_fd(), FcntlArg::F_DUPFD(FIRST_OF_FEW)))?;
    // SAFETY: The kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(target_os = "linux")]
fn create(name: &CStr, mode: u32) -> io::Result<OwnedFd> {
    use nix::sys::memfd::{MFdFlags, memfd_create};

    /// Linux 6.3: without it or its opposite the kernel warns, or refuses.
    const NOEXEC_SEAL: u32 = 8;

    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let is_program = mode & 0o111 != 0;
    if !is_program
        && let Ok(file) = memfd_create(name, flags | MFdFlags::from_bits_retain(NOEXEC_SEAL))
    {
        return Ok(file);
    }
    Ok(memfd_create(name, flags)?)
}

/// There are none.
#[cfg(not(target_os = "linux"))]
pub fn sealed(_: &CStr, _: &[u8], _: u32, _: Option<u32>) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a directory is on a file system that is memory.
#[cfg(target_os = "linux")]
pub fn holds(directory: &impl AsFd) -> bool {
    use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};

    /// include/uapi/linux/magic.h
    const RAMFS_MAGIC: i64 = 0x8584_58f6;

    fstatfs(directory).is_ok_and(|status| {
        status.filesystem_type() == TMPFS_MAGIC || status.filesystem_type().0 == RAMFS_MAGIC
    })
}

/// No file system is known to be.
#[cfg(not(target_os = "linux"))]
pub fn holds(_: &impl AsFd) -> bool {
    false
}

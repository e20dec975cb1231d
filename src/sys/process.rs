//! Becoming another program, and the limits of that.

use std::{convert::Infallible, ffi::CStr, path::Path};

use nix::{
    errno::Errno,
    fcntl::AtFlags,
    sys::resource::{Resource, getrlimit},
    unistd::{AccessFlags, SysconfVar, close, execve, faccessat, sysconf},
};

use super::{signal, startup};

/// Replaces the process. The signal mask, ignored dispositions, descriptors, working directory,
/// limits, niceness and umask are those that endow inherited; only an error comes back.
pub fn exec(program: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> Errno {
    signal::set_sigpipe(startup::ignored_sigpipe());
    for descriptor in startup::closed_descriptors() {
        // The runtime's /dev/null stands there; a failure would leave just that.
        let _ = close(descriptor);
    }
    let failed: Result<Infallible, Errno> = execve(program, arguments, environment);
    signal::set_sigpipe(true);
    match failed {
        Err(errno) => errno,
        Ok(never) => match never {},
    }
}

/// Makes this process one that leaves no core file and that no debugger of the same user attaches
/// to. A program that it executes is an ordinary one again (`PR_SET_DUMPABLE`, prctl(2)).
pub fn forbid_dumps() {
    // It can fail only for a value other than 0 and 1.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Whether the effective user may execute a file.
pub fn is_executable(path: &Path) -> bool {
    faccessat(
        nix::fcntl::AT_FDCWD,
        path,
        AccessFlags::X_OK,
        AtFlags::AT_EACCESS,
    )
    .is_ok()
}

/// The size of a page of memory, in bytes.
pub fn page_size() -> usize {
    sysconf(SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(4096)
}

/// The soft limit of the stack, in bytes.
pub fn stack_limit() -> u64 {
    getrlimit(Resource::RLIMIT_STACK).map_or(8 << 20, |(soft, _)| soft)
}

/// The effective user.
pub fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

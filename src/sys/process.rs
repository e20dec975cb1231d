//! Becoming another program, and the limits of that.

use std::{
    convert::Infallible,
    env,
    ffi::{CStr, OsStr},
    path::Path,
    sync::OnceLock,
};

#[cfg(target_os = "linux")]
use nix::libc;
use nix::{
    errno::Errno,
    fcntl::AtFlags,
    sys::resource::{Resource, getrlimit, rlim_t, setrlimit},
    unistd::{AccessFlags, SysconfVar, close, execve, faccessat, sysconf},
};

use super::{signal, startup};

/// The soft limit of core files that endow was started with.
static CORE_LIMIT: OnceLock<rlim_t> = OnceLock::new();

/// Replaces the process. The signal mask, ignored dispositions, descriptors, working directory,
/// limits, niceness and umask are those that endow inherited; only an error comes back.
pub fn exec(program: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> Errno {
    signal::set_sigpipe(startup::ignored_sigpipe());
    for descriptor in startup::closed_descriptors() {
        // The runtime's /dev/null stands there; a failure would leave just that.
        let _ = close(descriptor);
    }
    set_core_limit(CORE_LIMIT.get().copied());
    let failed: Result<Infallible, Errno> = execve(program, arguments, environment);
    set_core_limit(Some(NO_CORE));
    signal::set_sigpipe(true);
    match failed {
        Err(errno) => errno,
        Ok(never) => match never {},
    }
}

/// A limit that no core file keeps. Where cores go to a program, the kernel passes over 0 and heeds
/// 1 (core(5)).
const NO_CORE: rlim_t = 1;

/// Makes this process one that leaves no core file and that no debugger of the same user attaches
/// to. The helpers that it starts are ordinary programs again (`PR_SET_DUMPABLE`, prctl(2)), so
/// they get a limit as well; [`exec`] gives the old one back.
pub fn forbid_dumps() {
    if let Ok((soft, _)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = CORE_LIMIT.set(soft);
        set_core_limit(Some(NO_CORE));
    }
    // It can fail only for a value other than 0 and 1.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Sets the soft limit of core files, as far as the hard one lets it.
fn set_core_limit(soft: Option<rlim_t>) {
    if let (Some(soft), Ok((_, hard))) = (soft, getrlimit(Resource::RLIMIT_CORE)) {
        // It can fail only for one above the hard limit.
        let _ = setrlimit(Resource::RLIMIT_CORE, soft.min(hard), hard);
    }
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

/// Sets this process's own `PATH`, which the command is not given.
#[expect(
    clippy::disallowed_methods,
    reason = "the SDK of AWS starts a credential_process with this process's own environment"
)]
pub fn set_search_path(path: &OsStr) {
    // SAFETY: endow has one thread here; those that read and resolve are started later or have ended,
    // but for one that hangs in the kernel and reads no environment.
    unsafe { env::set_var("PATH", path) };
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

/// The most bytes that a file may have which this process writes; also one in memory.
pub fn file_limit() -> u64 {
    getrlimit(Resource::RLIMIT_FSIZE).map_or(u64::MAX, |(soft, _)| soft)
}

/// Whether the kernel started this program with rights that its caller does not have (`AT_SECURE`,
/// getauxval(3)), or would for another caller: its file has capabilities (capabilities(7)).
#[cfg(target_os = "linux")]
pub fn is_secure() -> bool {
    // SAFETY: It reads what the kernel left on the stack, and takes no pointer.
    let is_secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    // SAFETY: Both texts end in NUL, and a length of 0 makes it write nothing.
    let length = unsafe {
        libc::getxattr(
            c"/proc/self/exe".as_ptr(),
            c"security.capability".as_ptr(),
            std::ptr::null_mut(),
            0,
        )
    };
    is_secure || length > 0
}

/// The mechanism is Linux's own.
#[cfg(not(target_os = "linux"))]
pub fn is_secure() -> bool {
    false
}

/// The effective user.
pub fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

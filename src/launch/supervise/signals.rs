//! Which signals are forwarded: one list.

use nix::libc;

/// The signals that are forwarded: all but KILL and STOP, which nobody can catch, CHLD, which is
/// about endow's own children, and those of a fault (ILL, TRAP, BUS, FPE, SEGV, SYS), which are
/// endow's own. The real-time signals are added to them.
const FORWARDED: &[i32] = &[
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGABRT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGPIPE,
    libc::SIGALRM,
    libc::SIGTERM,
    #[cfg(target_os = "linux")]
    libc::SIGSTKFLT,
    libc::SIGCONT,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGURG,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGWINCH,
    libc::SIGIO,
    #[cfg(target_os = "linux")]
    libc::SIGPWR,
];

/// Everything that is caught.
pub(super) fn caught() -> impl Iterator<Item = i32> {
    FORWARDED
        .iter()
        .copied()
        .chain([libc::SIGCHLD])
        .chain(real_time())
}

#[cfg(target_os = "linux")]
fn real_time() -> impl Iterator<Item = i32> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}

#[cfg(not(target_os = "linux"))]
fn real_time() -> impl Iterator<Item = i32> {
    std::iter::empty()
}

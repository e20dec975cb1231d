//! Children: making one, what becomes of them, and ending as one ended.

use std::{io, process};

use nix::{
    libc,
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::{ForkResult, Pid, getpgrp, getpid, getsid, setpgid},
};

use super::arena::VALUES;

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The new process.
    Child,
    /// The one that made it, with the child's process id.
    Parent(i32),
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It ended with a status.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
    /// A signal stopped it.
    Stopped(i32),
    /// It goes on.
    Continued,
}

/// Makes a process.
///
/// The contract of `fork` is that no other thread holds a lock that the child needs. endow's
/// threads live in the stage that resolves: a launch follows only when all of them have answered.
/// What can be left is one that hangs in the kernel (a mount that does not answer, a name look-up),
/// and holds no lock there. The async runtime is gone. The memory of values is held meanwhile, and
/// locked in the child too.
pub fn fork() -> io::Result<Side> {
    let mut held = VALUES.hold();
    // SAFETY: See above; the child execs or ends, and glibc keeps malloc usable in it.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => {
            held.lock_again();
            Ok(Side::Child)
        }
        ForkResult::Parent { child } => Ok(Side::Parent(child.as_raw())),
    }
}

/// Ends a child that could not become another program, without what `main` does at its end.
pub fn end_now(status: i32) -> ! {
    // SAFETY: _exit ends the process and touches no memory.
    unsafe { libc::_exit(status) }
}

/// The next child that changed, if there is one; a child that ended is gone with it.
pub fn next_change() -> Option<(i32, Change)> {
    let mut status = 0;
    let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
    // SAFETY: The kernel writes the status into the integer. nix knows no real-time signal.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
    if pid <= 0 {
        return None;
    }
    let change = if libc::WIFEXITED(status) {
        Change::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Change::Killed(libc::WTERMSIG(status))
    } else if libc::WIFSTOPPED(status) {
        Change::Stopped(libc::WSTOPSIG(status))
    } else {
        Change::Continued
    };
    Some((pid, change))
}

/// Makes this process the parent of all descendants that lose theirs. PID 1 is that anyway, and
/// only Linux has it.
pub fn adopt_orphans() {
    // SAFETY: This option of prctl takes a number and touches no memory.
    #[cfg(target_os = "linux")]
    let _ = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Sends a signal to a process; one that is gone needs none.
pub fn send(process: i32, signal: i32) {
    // SAFETY: kill takes two numbers.
    unsafe { libc::kill(process, signal) };
}

/// Sends a signal to every process of a group.
pub fn send_to_group(group: i32, signal: i32) {
    // SAFETY: killpg takes two numbers.
    unsafe { libc::killpg(group, signal) };
}

/// Makes a child the leader of a group of its own; both sides do it, so that it holds for each.
pub fn lead_group(process: i32) {
    // The other side may have done it, or the child is another program by now.
    let _ = setpgid(Pid::from_raw(process), Pid::from_raw(process));
}

/// This process's group.
pub fn own_group() -> i32 {
    getpgrp().as_raw()
}

/// Whether this process leads its group, as one that a shell started as a job of its own does.
pub fn leads_group() -> bool {
    getpgrp() == getpid()
}

/// Whether this process leads its session, so that no shell can continue it.
pub fn leads_session() -> bool {
    getsid(None).is_ok_and(|session| session == getpid())
}

/// Ends this process by a signal, without a core file. Returns where it can't be ended so: PID 1.
pub fn end_by(signal: i32) {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        // With it the kernel writes none; lowering a soft limit is allowed to everyone.
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    }
    // SAFETY: The default disposition runs no code; an empty set is made before a signal is added
    // to it; raise takes a number. Only this signal is let in: another one that waits would end
    // endow otherwise. nix knows no real-time signal.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut alone: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut alone);
        libc::sigaddset(&raw mut alone, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const alone, std::ptr::null_mut());
        libc::raise(signal);
    }
}

/// This process's id.
pub fn own_id() -> i32 {
    i32::try_from(process::id()).unwrap_or(i32::MAX)
}

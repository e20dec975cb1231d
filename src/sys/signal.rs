//! Signals: their names, their end of endow before launch, SIGPIPE and SIGXFSZ.

use std::{
    io, mem,
    os::fd::{IntoRawFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use endow_providers::Groups;
use nix::{
    errno::Errno,
    libc,
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
};

use super::line;

/// The signals that end endow before launch.
const ENDING: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// What asks a process to stop.
pub const TERM: i32 = libc::SIGTERM;

/// The signal of a name, with or without `SIG`.
pub fn by_name(name: &str) -> Option<i32> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    format!("SIG{name}")
        .parse::<Signal>()
        .ok()
        .map(|signal| signal as i32)
}

/// The helper programs that run. A signal that ends endow ends them first.
pub static HELPERS: Groups = Groups::new();

/// Where the first ending signal is told to who put the end off; -1 where nobody did.
static DEFERRED: AtomicI32 = AtomicI32::new(-1);
/// The ending signal that was put off, or 0.
static ASKED: AtomicI32 = AtomicI32::new(0);

/// An end that is put off while something has to be given back first. The signal that comes meanwhile
/// kills the helpers as ever; a second one ends endow at once. When this is dropped the first is
/// carried out.
#[derive(Debug)]
pub struct Deferral {
    told: Arc<OwnedFd>,
}

impl Deferral {
    /// Puts the end off from now on.
    pub fn begin() -> io::Result<Self> {
        let (told, writer) = io::pipe()?;
        let told = Arc::new(told.into());
        // Neither end is closed before the exec: a handler may be about to write.
        mem::forget(Arc::clone(&told));
        DEFERRED.store(writer.into_raw_fd(), Ordering::SeqCst);
        Ok(Self { told })
    }

    /// What can be read as soon as endow is asked to end.
    pub fn told(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.told)
    }

    /// Whether endow was asked to end.
    pub fn is_asked(&self) -> bool {
        ASKED.load(Ordering::SeqCst) != 0
    }

    /// Puts nothing off any more, in a process that does not end by these signals.
    pub fn forget(self) {
        DEFERRED.store(-1, Ordering::SeqCst);
        ASKED.store(0, Ordering::SeqCst);
    }
}

impl Drop for Deferral {
    fn drop(&mut self) {
        DEFERRED.store(-1, Ordering::SeqCst);
        let signal = ASKED.swap(0, Ordering::SeqCst);
        if signal != 0 {
            // SAFETY: It takes a number; the handler of the signal is `end`.
            unsafe { libc::raise(signal) };
        }
    }
}

/// Makes the ending signals kill the helpers and then end endow: by the signal itself, and as
/// PID 1, to which the kernel delivers no signal without a handler, with 128+n. Inherited ignored
/// ones stay ignored; `execve` takes the handler away.
pub fn end_with_helpers() {
    let action = SigAction::new(
        SigHandler::Handler(end),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    for signal in ENDING {
        handle(signal, &action);
    }
}

/// Makes a write beyond the limit of a file's size (`RLIMIT_FSIZE`) an error instead of the end of
/// endow. `execve` takes the handler away, so nothing has to be put back for what is started.
pub fn outlive_full_files() {
    let action = SigAction::new(
        SigHandler::Handler(pass),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    handle(Signal::SIGXFSZ, &action);
}

/// Installs a handler, unless the signal is ignored.
fn handle(signal: Signal, action: &SigAction) {
    // SAFETY: A null new action only reads the old one; what the handlers here do is
    // async-signal-safe.
    unsafe {
        let mut old: libc::sigaction = mem::zeroed();
        let was_read = libc::sigaction(signal as i32, std::ptr::null(), &raw mut old) == 0;
        if was_read && old.sa_sigaction != libc::SIG_IGN {
            // It can fail only for a signal that has no handlers.
            let _ = sigaction(signal, action);
        }
    }
}

/// The call that the signal is about fails with EFBIG, which says it.
extern "C" fn pass(_: libc::c_int) {}

extern "C" fn end(signal: libc::c_int) {
    let errno = Errno::last_raw();
    if HELPERS.end(signal) && !is_put_off(signal) {
        end_by(signal);
    }
    // Otherwise the thread that is starting a helper raises the signal again, or who put the end off
    // carries it out.
    Errno::set_raw(errno);
}

/// Tells the signal to who put the end off. The second one is for now.
fn is_put_off(signal: libc::c_int) -> bool {
    let writer = DEFERRED.load(Ordering::SeqCst);
    if writer < 0 || ASKED.swap(signal, Ordering::SeqCst) != 0 {
        return false;
    }
    // SAFETY: write is async-signal-safe and reads one byte; both ends of the pipe stay open, and
    // nothing else is written into it.
    unsafe { libc::write(writer, c"!".as_ptr().cast(), 1) };
    true
}

/// Ends this process, from a handler of the signal.
fn end_by(signal: libc::c_int) {
    take_terminal();
    line::erase_at_end();
    // SAFETY: All of these are async-signal-safe. The signal is blocked while its handler runs:
    // what is raised here ends the process when the handler returns.
    unsafe {
        if libc::getpid() == 1 {
            libc::_exit(128 + signal);
        }
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Gives endow's own group the terminal again that a helper had. A shell does that itself for its
/// jobs; what runs endow without job control would be left without input.
fn take_terminal() {
    if let Some((terminal, owner)) = HELPERS.borrowed_terminal() {
        // SAFETY: Async-signal-safe calls on a descriptor that the table holds open; SIGTTOU is
        // ignored because it would stop a process that is not in the foreground.
        unsafe {
            libc::signal(libc::SIGTTOU, libc::SIG_IGN);
            libc::tcsetpgrp(terminal, owner);
        }
    }
}

/// Sets the disposition of SIGPIPE: ignored as Rust's runtime has it, or the default.
pub fn set_sigpipe(is_ignored: bool) {
    let handler = if is_ignored {
        SigHandler::SigIgn
    } else {
        SigHandler::SigDfl
    };
    // SAFETY: Neither disposition runs code.
    let set = unsafe {
        sigaction(
            Signal::SIGPIPE,
            &SigAction::new(handler, SaFlags::empty(), SigSet::empty()),
        )
    };
    debug_assert!(set.is_ok(), "SIGPIPE has a disposition");
}

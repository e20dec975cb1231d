//! Signals: their names, their end of endow before launch, SIGPIPE and SIGXFSZ.

use endow_providers::Groups;
use nix::{
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
        let mut old: libc::sigaction = std::mem::zeroed();
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
    if !HELPERS.end(signal) {
        // The thread that is starting a helper raises the signal again.
        return;
    }
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

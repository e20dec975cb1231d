//! Signals: their names, their end of endow before launch, and SIGPIPE.

use nix::{
    libc,
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
    unistd::getpid,
};

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

/// As PID 1, makes the ending signals end endow with 128+n: the kernel does not deliver a signal
/// without a handler to an init. The handler stays until `execve` takes it away. Elsewhere the
/// default dispositions already do the right thing, and inherited ignored ones stay ignored.
pub fn end_as_init() {
    if getpid().as_raw() != 1 {
        return;
    }
    let action = SigAction::new(SigHandler::Handler(end), SaFlags::empty(), SigSet::empty());
    for signal in ENDING {
        // SAFETY: A null new action only reads the old one; the handler makes one
        // async-signal-safe call and never returns.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            let was_read = libc::sigaction(signal as i32, std::ptr::null(), &raw mut old) == 0;
            if was_read && old.sa_sigaction != libc::SIG_IGN {
                // It can fail only for a signal that has no handlers.
                let _ = sigaction(signal, &action);
            }
        }
    }
}

extern "C" fn end(signal: libc::c_int) {
    // SAFETY: _exit is async-signal-safe and ends the process.
    unsafe { libc::_exit(128 + signal) }
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

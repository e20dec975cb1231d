//! The process groups of running helpers, as a signal handler can read them.
//!
//! endow may be ended by a signal at any moment, also between the start of a helper and the line
//! that remembers it. Every start is therefore counted before it happens: a handler that finds one
//! under way kills what it knows and returns, and the thread that started it raises the signal
//! again once its group stands in the table.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::{Pid, getpid},
};

/// More than this many helpers at once are refused.
const MOST: usize = 64;
const FREE: i32 = 0;
const CLAIMED: i32 = -1;

/// The table. One a process, because signals are the process's.
#[derive(Debug)]
pub struct Groups {
    places: [AtomicI32; MOST],
    starting: AtomicUsize,
    /// The signal that ends endow, or 0.
    ending: AtomicI32,
    /// The descriptor of the terminal while a helper has it, or -1.
    terminal: AtomicI32,
    /// The group that has it otherwise: endow's own.
    owner: AtomicI32,
}

impl Groups {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            places: [const { AtomicI32::new(FREE) }; MOST],
            starting: AtomicUsize::new(0),
            ending: AtomicI32::new(0),
            terminal: AtomicI32::new(-1),
            owner: AtomicI32::new(0),
        }
    }

    /// Kills every group, from a handler of `signal`: nothing in it allocates or locks. `false`
    /// says that a helper is just being started; the signal comes again as soon as it is known.
    pub fn end(&self, signal: i32) -> bool {
        self.ending.store(signal, SeqCst);
        // Read before the table, so that whoever is not counted any more stands in it.
        let is_starting = self.starting.load(SeqCst) > 0;
        for place in &self.places {
            kill_group(place.load(SeqCst));
        }
        !is_starting
    }

    /// The descriptor of the terminal and the group that must have it, while a helper has it.
    pub fn borrowed_terminal(&self) -> Option<(i32, i32)> {
        let descriptor = self.terminal.load(SeqCst);
        (descriptor >= 0).then(|| (descriptor, self.owner.load(SeqCst)))
    }

    /// Notes who has the terminal otherwise; `false` while another helper has it.
    pub(super) fn lend_terminal(&self, descriptor: i32, owner: i32) -> bool {
        self.owner.store(owner, SeqCst);
        let lent = self
            .terminal
            .compare_exchange(-1, descriptor, SeqCst, SeqCst);
        lent.is_ok()
    }

    pub(super) fn terminal_is_back(&self) {
        self.terminal.store(-1, SeqCst);
    }

    /// Starts a helper that leads a group of its own.
    pub(super) fn start(&'static self, command: &mut Command) -> io::Result<(Child, Group)> {
        let place = self.places.iter().find(|place| {
            place
                .compare_exchange(FREE, CLAIMED, SeqCst, SeqCst)
                .is_ok()
        });
        let place = place.ok_or_else(|| io::Error::other("too many programs run already"))?;
        self.starting.fetch_add(1, SeqCst);
        let started = command.process_group(0).spawn().map(|child| {
            let id = child.id().try_into().unwrap_or(CLAIMED);
            place.store(id, SeqCst);
            (child, Group { place, id })
        });
        self.starting.fetch_sub(1, SeqCst);
        if started.is_err() {
            place.store(FREE, SeqCst);
        }
        if let Ok(signal) = Signal::try_from(self.ending.load(SeqCst)) {
            // Nobody can be told that it failed; the process ends by this signal.
            let _ = kill(getpid(), signal);
        }
        started
    }
}

impl Default for Groups {
    fn default() -> Self {
        Self::new()
    }
}

/// A helper's group: killed and forgotten when this is dropped.
#[derive(Debug)]
pub(super) struct Group {
    place: &'static AtomicI32,
    id: i32,
}

impl Group {
    /// The process that leads it, and its number.
    pub(super) fn id(&self) -> Pid {
        Pid::from_raw(self.id)
    }

    pub(super) fn kill(&self) {
        kill_group(self.id);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What the helper left behind holds its pipes, and may hold values.
        self.kill();
        self.place.store(FREE, SeqCst);
    }
}

/// 0 would be endow's own group, -1 and 1 everything that it may signal.
pub(super) fn kill_group(id: i32) {
    if id > 1 {
        // One that is gone needs no signal.
        let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
    }
}

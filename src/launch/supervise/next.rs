//! A value changed: the child is sent a signal, or another is started in its place.

use std::{collections::BTreeMap, os::fd::BorrowedFd, time::Duration};

use endow_providers::{Secret, time::from_now};

use super::{Failure, State, Supervisor};
use crate::{
    environment::Environment,
    launch::{Launch, files::Files, keeping::Keeping},
    redact::Masker,
    resolve::Action,
    sys::{child as process, signal},
};

/// How long a child that is to be started again may take to end, where nobody says it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer this layer waits than the other.
const MARGIN: Duration = Duration::from_secs(1);

type Values = BTreeMap<String, Option<Secret>>;

/// Who keeps the child's values, and how another child is made of new ones.
pub struct Care<'m> {
    /// The process that keeps them.
    pub keeping: Keeping,
    /// What the next child gets; where that can't be made, it says so itself.
    pub next: &'m dyn Fn(Values) -> Option<Next<'m>>,
    /// Says that the process which keeps them is gone.
    pub is_gone: &'m dyn Fn(),
}

impl Care<'_> {
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.keeping.descriptor()
    }
}

/// What the next child gets.
pub struct Next<'m> {
    /// Its environment.
    pub environment: Environment,
    /// Its files.
    pub files: Files,
    /// What is masked from then on, where anything is.
    pub masker: Option<&'m Masker>,
}

impl Supervisor<'_> {
    /// Does what a change asks for.
    pub(super) fn heed(&mut self, launch: &Launch<'_>) {
        let Some(care) = &mut self.care else {
            return;
        };
        let Some(change) = care.keeping.change() else {
            (care.is_gone)();
            self.care = None;
            return;
        };
        match change.action {
            Action::Restart => {
                self.next = (care.next)(change.values);
                if self.next.is_some() {
                    self.ask_to_make_room();
                }
            }
            Action::Signal(name) => {
                launch.files.rewrite(&change.values);
                // Its name was checked when it was read.
                if let Some(signal) = signal::by_name(&name) {
                    process::send(self.child, signal);
                }
            }
        }
    }

    fn ask_to_make_room(&mut self) {
        process::send(self.child, self.stop().signal);
        if self.state == State::Stopped {
            self.send_to_all(nix::libc::SIGCONT);
        }
        // The other layer, where there is one, kills first.
        let timeout = self.stop.timeout.unwrap_or(PATIENCE) + MARGIN * u32::from(self.is_outer());
        self.kill_at.get_or_insert(from_now(timeout));
    }

    /// The child has ended: starts the next one, where there is to be one.
    pub(super) fn start_next(&mut self, launch: &mut Launch<'_>) -> Result<bool, Failure> {
        let Some(next) = self.next.take() else {
            return Ok(false);
        };
        self.take_keyboard();
        // The other layer would leave it for good when it drops its copy.
        self.leave_screen();
        self.end_rest();
        self.kill_at = None;
        self.continue_at = None;
        self.follows = false;
        self.state = State::Running;
        self.relay.turn_all();
        if let Some(masker) = next.masker {
            self.relay.mask_by(masker);
        }
        launch.environment = next.environment;
        launch.files = next.files;
        self.queue.close()?;
        self.spawn(launch)?;
        launch.forget();
        Ok(true)
    }
}

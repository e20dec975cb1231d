//! Whose the keyboard is, and what a stop and a continuation do about it.

use endow_providers::time::from_now;
use nix::libc;

use super::{Group, Layer, PATIENCE, State, Supervisor, process};

impl Supervisor<'_> {
    pub(super) fn enter_screen(&mut self) {
        if let Layer::Outer(Some(screen)) = &mut self.layer {
            screen.enter();
        }
    }

    pub(super) fn leave_screen(&mut self) {
        if let Layer::Outer(Some(screen)) = &mut self.layer {
            screen.leave();
        }
    }

    /// Stops as the child was stopped, so that the shell sees its job stopped.
    pub(super) fn follow_stop(&mut self, signal: i32) {
        self.state = State::Stopped;
        self.take_keyboard();
        self.relay.turn_all();
        self.leave_screen();
        let is_of_a_key = matches!(signal, libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
        let (signal, is_of_a_key) = match self.layer {
            Layer::Only => (signal, is_of_a_key),
            // A key would have stopped all of the caller's job.
            Layer::Outer(_) => (libc::SIGTSTP, true),
            // The other layer is the shell of this one, and of its session no process.
            Layer::Inner => (libc::SIGSTOP, false),
        };
        // Nobody continues the leader of a session; who stopped the child by SIGSTOP can.
        let can_follow =
            is_of_a_key || matches!(self.layer, Layer::Inner) || !process::leads_session();
        let is_for_all = matches!(self.layer, Layer::Outer(_));
        self.follows = can_follow && self.queue.stop_by(signal, is_for_all);
        if is_of_a_key && !self.follows {
            self.resume();
        }
    }

    /// Goes on after a stop, by the signal that continued endow.
    pub(super) fn go_on(&mut self) {
        self.follows = false;
        match (self.group, self.state) {
            (Group::Own, _) => self.resume(),
            (Group::Shared, State::Stopped) => self.continue_at = Some(from_now(PATIENCE)),
            (Group::Shared, State::Running) => {}
        }
    }

    /// Continues the child's group, with the keyboard where endow has it.
    pub(super) fn resume(&mut self) {
        if self.group == Group::Own
            && let Some(terminal) = self.terminal.as_ref().filter(|terminal| terminal.is_ours())
        {
            terminal.give_to(self.child);
            self.has_given = true;
        }
        self.enter_screen();
        self.state = State::Running;
        self.continue_at = None;
        self.send_to_all(libc::SIGCONT);
    }

    /// Takes the keyboard back from the child's group, or from what the child gave it to.
    pub(super) fn take_keyboard(&mut self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.has_given) {
            terminal.give_to(process::own_group());
        }
        self.has_given = false;
    }
}

//! Staying with the child: a correct init, and invisible to a shell.
//!
//! # Theory of operation
//!
//! The parent does three things in turn until the child is gone: it waits for a signal, forwards
//! it, and reaps whoever ended. Everything else here is about which signals reach whom.
//!
//! **Before the fork** every signal is blocked and handlers stand ready; the child is given the
//! dispositions and the mask that endow inherited before it execs. A signal in between waits in
//! the parent's queue and is forwarded, or waits in the child until it can be delivered there. The
//! child is endow's one direct child; every orphan below it becomes one too (PID 1 by nature,
//! elsewhere as a subreaper), so that none stays a zombie.
//!
//! **Groups.** A key such as Ctrl-C is sent by the kernel to the whole foreground group of the
//! terminal. If parent and child were in one group, a forwarded signal would be a second one. So
//! the child leads a group of its own, and where endow has the keyboard, that group is given it:
//! keys reach the child alone. It can't be so where endow shares its group with others, in a
//! pipeline or below a script: a program beside it (`| less`, `make`) would lose the keyboard.
//! There the child stays in the group, and what the kernel sent is not forwarded: the child has it.
//!
//! **Stopping.** A child that a key stopped makes endow take the keyboard back and stop itself by
//! the same signal, so that its shell sees a stopped job. `fg` and `bg` send SIGCONT to endow's
//! group, which hands the keyboard over again where it is endow's, and continues the child's.
//! Where nobody could continue endow (PID 1, a session's leader), the child is continued at once,
//! as the kernel does with a group that has no shell.
//!
//! **Two layers.** Where the child's output is masked and goes to a terminal, the child must see a
//! terminal all the same. It gets another one, which has a session of its own, so that a shell in
//! it has job control; a key is passed on as a byte, and that terminal's kernel makes a signal of
//! it. A group can only be stopped by a key where its leader's parent is in the same session. So a
//! second supervisor leads that session and has the child, exactly as it would below a shell; its
//! shell is the first one, which has the caller's terminal. A stop goes up: the child, the inner
//! one by SIGSTOP, the outer one's job; and SIGCONT comes down again.
//!
//! **Starting again.** Where a value changed and its variable says so, the child is asked to stop,
//! and when it has ended the next one is started with the new values in the same way, from the same
//! process: nothing else has a thread here. Who asks endow to stop meanwhile gets the end.
//!
//! **The end.** What is left in the child's group is sent SIGTERM. endow ends as the child ended:
//! by the same status, or by the same signal, without a core file.

mod child;
mod keyboard;
mod next;
mod signals;
mod start;

use std::{
    io,
    time::{Duration, Instant},
};

use endow_providers::time::from_now;
use nix::{
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

pub use self::next::{Care, Next};
use super::{
    Launch, Refusal,
    relay::{self, Places, Relay},
};
use crate::{
    error::Error,
    redact::Masker,
    sys::{
        child::{self as process, Change},
        pty::Screen,
        queue::{Delivered, Queue},
        terminal::Terminal,
    },
};

/// A shell continues all of its job: a child in endow's group goes on with endow, but for a moment
/// it may not do so yet.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often a job in the background looks whether it is in the foreground.
const LOOK: Duration = Duration::from_millis(250);
/// What ends endow before the launch, and when only its output is left to be written.
const ENDING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// How a child is asked to stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// What SIGTERM is forwarded as.
    pub signal: i32,
    /// How long after it the group is killed; `None` leaves that to whoever asked.
    pub timeout: Option<Duration>,
    /// Whether endow leaves its working directory to the command.
    pub leaves_directory: bool,
}

impl Stop {
    /// For who only passes it on.
    const AS_IT_CAME: Self = Self {
        signal: libc::SIGTERM,
        timeout: None,
        leaves_directory: false,
    };
}

/// Starts the program, stays until it ended, and ends as it did: the status, unless a signal ends
/// this process as one ended the child. With a masker the child's output goes through it. With care
/// it is started again, or sent a signal, when its values change.
pub fn supervise<'m>(
    mut launch: Launch<'_>,
    stop: Stop,
    masker: Option<&'m Masker>,
    care: Option<Care<'m>>,
) -> Result<u8, Error> {
    // A command that is started again is started where the first one was.
    let leaves_directory = stop.leaves_directory && care.is_none();
    let started = match masker {
        Some(masker) if relay::wants_terminal() => start::layered(&mut launch, stop, masker, care),
        masker => start::single(&mut launch, stop, masker, care),
    };
    let ended = started.and_then(|supervisor| {
        if leaves_directory {
            // As init programs do: a mount that is below it can be taken away.
            let _ = std::env::set_current_dir("/");
        }
        supervisor.stay(&mut launch)
    });
    match ended {
        Ok(end) => {
            drop(launch);
            Ok(end.carry_out())
        }
        Err(Failure::NoChild(error)) => Err(Error::NoChild {
            reason: crate::manifest::reason(&error),
        }),
        Err(Failure::Refused(refusal)) => Err(launch.failed(refusal)),
    }
}

/// Why there is no child.
enum Failure {
    NoChild(io::Error),
    Refused(Refusal),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::NoChild(error)
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug)]
enum End {
    Exited(i32),
    Killed(i32),
}

impl End {
    /// Ends this process by the same signal; otherwise gives the status to end with.
    fn carry_out(self) -> u8 {
        let status = match self {
            Self::Exited(status) => status,
            Self::Killed(signal) => {
                process::end_by(signal);
                128 + signal
            }
        };
        u8::try_from(status).unwrap_or(u8::MAX)
    }
}

/// What the child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Stopped,
}

/// The group that the child is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// One that it leads.
    Own,
    /// endow's, with others beside it.
    Shared,
}

/// Which of two supervisors this is.
enum Layer {
    /// There is one.
    Only,
    /// The one that has the caller's terminal, where the session has one.
    Outer(Option<Screen>),
    /// The one that has the child.
    Inner,
}

struct Supervisor<'m> {
    child: i32,
    state: State,
    /// Whether endow was stopped as the child was, and has not seen yet what continued it.
    follows: bool,
    group: Group,
    layer: Layer,
    terminal: Option<Terminal>,
    /// Whether the keyboard is with the child.
    has_given: bool,
    queue: Queue,
    relay: Relay<'m>,
    /// The child's ends, kept where another may be started.
    places: Places,
    stop: Stop,
    kill_at: Option<Instant>,
    continue_at: Option<Instant>,
    care: Option<Care<'m>>,
    /// What is started when the child has ended.
    next: Option<Next<'m>>,
}

impl Supervisor<'_> {
    /// The other layer does what the caller asked for.
    fn stop(&self) -> Stop {
        if self.is_outer() {
            Stop::AS_IT_CAME
        } else {
            self.stop
        }
    }

    fn is_outer(&self) -> bool {
        matches!(self.layer, Layer::Outer(_))
    }

    /// The terminal whose keyboard the child is given.
    fn gives(&self) -> Option<&Terminal> {
        let terminal = self.terminal.as_ref();
        terminal.filter(|terminal| self.group == Group::Own && terminal.is_ours())
    }

    /// The loop.
    fn stay(mut self, launch: &mut Launch<'_>) -> Result<End, Failure> {
        launch.forget();
        let end = loop {
            if self.wait() {
                self.heed(launch);
            }
            self.forward();
            if let Some(end) = self.reap()
                && !self.start_next(launch)?
            {
                break end;
            }
        };
        self.leave();
        Ok(end)
    }

    /// Waits for a signal, or until something is due; meanwhile output goes its way. The result is
    /// whether a value changed.
    fn wait(&mut self) -> bool {
        self.enter_screen();
        let has_keyboard =
            matches!(&self.layer, Layer::Outer(Some(screen)) if screen.has_keyboard());
        let mut descriptors = vec![PollFd::new(self.queue.descriptor(), PollFlags::POLLIN)];
        let changes = self.care.as_ref().and_then(Care::descriptor);
        descriptors.extend(changes.map(|changes| PollFd::new(changes, PollFlags::POLLIN)));
        let first = descriptors.len();
        let (channels, interests): (Vec<usize>, Vec<PollFd<'_>>) =
            self.relay.interests(has_keyboard).into_iter().unzip();
        descriptors.extend(interests);
        // An interruption is a signal that stands in the queue now.
        let is_ready = poll(&mut descriptors, self.timeout(has_keyboard)).is_ok();
        let ready = channels
            .into_iter()
            .zip(&descriptors[first..])
            .filter(|(_, descriptor)| is_ready && descriptor.any() == Some(true));
        let ready: Vec<usize> = ready.map(|(channel, _)| channel).collect();
        let is_changed = first > 1 && is_ready && descriptors[1].any() == Some(true);
        drop(descriptors);
        self.relay.turn(&ready);
        is_changed
    }

    fn timeout(&self, has_keyboard: bool) -> PollTimeout {
        // A job that runs in the background is not told when it is brought to the foreground.
        let is_behind = matches!(&self.layer, Layer::Outer(Some(_))) && !has_keyboard;
        let look = is_behind.then(|| from_now(LOOK));
        let due = [self.kill_at, self.continue_at, look];
        due.into_iter()
            .flatten()
            .min()
            .map_or(PollTimeout::NONE, |at| {
                // A millisecond more, because poll cuts the rest off and would spin through it.
                let left = at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            })
    }

    fn forward(&mut self) {
        while let Some(delivered) = self.queue.take() {
            match delivered.signal {
                libc::SIGCHLD => {}
                libc::SIGCONT if self.follows || self.state == State::Stopped => self.go_on(),
                _ if self.has_it(delivered) => {}
                libc::SIGTERM => self.ask_to_stop(),
                signal => self.forward_one(signal, delivered.is_from_kernel()),
            }
        }
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        if is_due(self.continue_at) {
            self.resume();
        }
        if is_due(self.kill_at) {
            self.kill_at = None;
            self.send_to_all(libc::SIGKILL);
        }
    }

    fn forward_one(&mut self, signal: i32, is_from_kernel: bool) {
        match (&self.layer, signal) {
            // The other terminal's kernel tells who is on it.
            (Layer::Outer(Some(screen)), libc::SIGWINCH) => screen.resize(),
            // endow itself wrote or read from the background.
            (Layer::Outer(_), libc::SIGTTOU | libc::SIGTTIN) if is_from_kernel => {
                self.leave_screen();
                self.follows = self.queue.stop_by(signal, true);
            }
            _ => process::send(self.child, signal),
        }
    }

    /// Whether a signal is not the child's, or reached it already.
    fn has_it(&self, delivered: Delivered) -> bool {
        // A hang-up is sent to the leader of the session alone.
        let is_hang_up = delivered.signal == libc::SIGHUP && process::leads_session();
        let is_of_a_key = delivered.is_from_kernel() && !is_hang_up;
        // What ends endow before the launch raises the signal once more, which can come late.
        let is_own = delivered.is_from_endow() && !ENDING.contains(&delivered.signal);
        is_own || (self.group == Group::Shared && is_of_a_key)
    }

    fn ask_to_stop(&mut self) {
        self.next = None;
        let stop = self.stop();
        process::send(self.child, stop.signal);
        if let Some(timeout) = stop.timeout {
            self.kill_at.get_or_insert(from_now(timeout));
        }
    }

    /// Takes note of every child that changed; the end of the one that was started ends all.
    fn reap(&mut self) -> Option<End> {
        let mut end = None;
        while let Some((pid, change)) = process::next_change() {
            if pid != self.child {
                continue;
            }
            match change {
                Change::Exited(status) => end = Some(End::Exited(status)),
                Change::Killed(signal) => end = Some(End::Killed(signal)),
                Change::Stopped(signal) => self.follow_stop(signal),
                Change::Continued => {
                    self.state = State::Running;
                    self.continue_at = None;
                }
            }
        }
        end
    }

    /// To the child and what it started, where that can be told from what others started.
    fn send_to_all(&self, signal: i32) {
        match self.group {
            Group::Own => process::send_to_group(self.child, signal),
            Group::Shared => process::send(self.child, signal),
        }
    }

    /// Asks what the child left in its group to end.
    fn end_rest(&self) {
        if self.group == Group::Own {
            process::send_to_group(self.child, libc::SIGTERM);
            // What somebody else has stopped stays as it is.
            if self.state == State::Stopped {
                process::send_to_group(self.child, libc::SIGCONT);
            }
        }
    }

    /// Ends what the child left in its group, and writes what it wrote.
    fn leave(&mut self) {
        self.take_keyboard();
        self.places.clear();
        self.end_rest();
        while self.relay.finish() {
            self.wait();
            // A reader that makes no room is waited for, until somebody asks to stop.
            while let Some(delivered) = self.queue.take() {
                if ENDING.contains(&delivered.signal) {
                    self.leave_screen();
                    process::end_by(delivered.signal);
                }
            }
        }
        self.leave_screen();
    }
}

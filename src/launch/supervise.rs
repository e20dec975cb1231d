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
//! **The end.** What is left in the child's group is sent SIGTERM. endow ends as the child ended:
//! by the same status, or by the same signal, without a core file.

mod child;
mod keyboard;
mod signals;

use std::{
    io::{self, PipeReader, Read},
    time::{Duration, Instant},
};

use nix::{
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::{
    Launch, Refusal,
    relay::{self, Places, Relay},
};
use crate::{
    error::Error,
    redact::Masker,
    sys::{
        child::{self as process, Change, Side},
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
/// What ends endow when only its output is left to be written.
const ENDING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// How a child is asked to stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// What SIGTERM is forwarded as.
    pub signal: i32,
    /// How long after it the group is killed; `None` leaves that to whoever asked.
    pub timeout: Option<Duration>,
}

impl Stop {
    /// For who only passes it on.
    const AS_IT_CAME: Self = Self {
        signal: libc::SIGTERM,
        timeout: None,
    };
}

/// Starts the program, stays until it ended, and ends as it did: the status, unless a signal ends
/// this process as one ended the child. With a masker the child's output goes through it.
pub fn supervise(launch: Launch<'_>, stop: Stop, masker: Option<&Masker>) -> Result<u8, Error> {
    let started = match masker {
        Some(masker) if relay::wants_terminal() => layered(&launch, stop, masker),
        masker => single(&launch, stop, masker),
    };
    let supervisor = started.map_err(|failure| match failure {
        Failure::NoChild(error) => Error::NoChild {
            reason: crate::manifest::reason(&error),
        },
        Failure::Refused(refusal) => launch.failed(refusal),
    })?;
    // The child has them: no value stays here but those that are masked.
    let directory = launch.files.into_directory();
    let end = supervisor.stay();
    drop(directory);
    Ok(end.carry_out())
}

/// endow is the child's parent.
fn single<'m>(
    launch: &Launch<'_>,
    stop: Stop,
    masker: Option<&'m Masker>,
) -> Result<Supervisor<'m>, Failure> {
    let terminal = Terminal::controlling();
    let (relay, places) = match masker {
        Some(masker) => {
            let prepared = relay::prepare(masker, None)?;
            (prepared.relay, prepared.places)
        }
        None => Default::default(),
    };
    let start = Start {
        group: group(terminal.is_some()),
        terminal,
        layer: Layer::Only,
        relay,
        places,
        stop,
    };
    Supervisor::start(launch, start)
}

/// endow has the caller's terminal, and its child, which supervises in its turn, another one.
fn layered<'m>(
    launch: &Launch<'_>,
    stop: Stop,
    masker: &'m Masker,
) -> Result<Supervisor<'m>, Failure> {
    let terminal = Terminal::controlling();
    let prepared = relay::prepare(masker, terminal.as_ref())?;
    let screen = match (terminal, prepared.pty) {
        (Some(terminal), Some(pty)) => Some(Screen::new(terminal, pty.master)),
        _ => None,
    };
    let start = Start {
        group: Group::Own,
        terminal: None,
        layer: Layer::Outer(screen),
        relay: prepared.relay,
        places: prepared.places,
        stop,
    };
    Supervisor::start(launch, start)
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

/// What a supervisor begins with.
struct Start<'m> {
    group: Group,
    terminal: Option<Terminal>,
    layer: Layer,
    relay: Relay<'m>,
    places: Places,
    stop: Stop,
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
    stop: Stop,
    kill_at: Option<Instant>,
    continue_at: Option<Instant>,
}

impl<'m> Supervisor<'m> {
    /// Forks, and waits until the child is another program or said why not.
    fn start(launch: &Launch<'_>, start: Start<'m>) -> Result<Self, Failure> {
        process::adopt_orphans();
        let queue = Queue::catch(signals::caught())?;
        let (mut failure, report) = io::pipe()?;
        // Asked before the fork: a child in a group of its own has no keyboard yet.
        let has_given = start.gives().is_some();
        let child = match process::fork()? {
            Side::Child if start.is_outer() => child::stay_below(launch, &queue, start, report),
            Side::Child => child::become_program(launch, &queue, &start, has_given, report),
            Side::Parent(child) => child,
        };
        // One that leads a session leads its group, and can't if it did before.
        if start.group == Group::Own && !start.is_outer() {
            process::lead_group(child);
        }
        let stop = if start.is_outer() {
            Stop::AS_IT_CAME
        } else {
            start.stop
        };
        // The child has its ends; these would keep them open.
        drop((report, start.places));
        let mut supervisor = Self {
            child,
            state: State::Running,
            follows: false,
            group: start.group,
            layer: start.layer,
            terminal: start.terminal,
            has_given,
            queue,
            relay: start.relay,
            stop,
            kill_at: None,
            continue_at: None,
        };
        if let Some(refusal) = read_failure(&mut failure) {
            supervisor.take_keyboard();
            return Err(Failure::Refused(refusal));
        }
        supervisor.enter_screen();
        supervisor.queue.open()?;
        Ok(supervisor)
    }

    /// The loop.
    fn stay(mut self) -> End {
        let end = loop {
            self.wait();
            self.forward();
            if let Some(end) = self.reap() {
                break end;
            }
        };
        self.leave();
        end
    }

    /// Waits for a signal, or until something is due; meanwhile output goes its way.
    fn wait(&mut self) {
        self.enter_screen();
        let has_keyboard =
            matches!(&self.layer, Layer::Outer(Some(screen)) if screen.has_keyboard());
        let mut descriptors = vec![PollFd::new(self.queue.descriptor(), PollFlags::POLLIN)];
        let (channels, interests): (Vec<usize>, Vec<PollFd<'_>>) =
            self.relay.interests(has_keyboard).into_iter().unzip();
        descriptors.extend(interests);
        // An interruption is a signal that stands in the queue now.
        let is_ready = poll(&mut descriptors, self.timeout(has_keyboard)).is_ok();
        let ready = channels
            .into_iter()
            .zip(&descriptors[1..])
            .filter(|(_, descriptor)| is_ready && descriptor.any() == Some(true));
        let ready: Vec<usize> = ready.map(|(channel, _)| channel).collect();
        drop(descriptors);
        self.relay.turn(&ready);
    }

    fn timeout(&self, has_keyboard: bool) -> PollTimeout {
        // A job that runs in the background is not told when it is brought to the foreground.
        let is_behind = matches!(&self.layer, Layer::Outer(Some(_))) && !has_keyboard;
        let look = is_behind.then(|| Instant::now() + LOOK);
        let due = [self.kill_at, self.continue_at, self.relay.due(), look];
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
            self.kill();
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
        delivered.is_from_endow() || (self.group == Group::Shared && is_of_a_key)
    }

    fn ask_to_stop(&mut self) {
        process::send(self.child, self.stop.signal);
        if let Some(timeout) = self.stop.timeout {
            self.kill_at.get_or_insert(Instant::now() + timeout);
        }
    }

    fn kill(&self) {
        match self.group {
            Group::Own => process::send_to_group(self.child, libc::SIGKILL),
            Group::Shared => process::send(self.child, libc::SIGKILL),
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

    /// Ends what the child left in its group, and writes what it wrote.
    fn leave(&mut self) {
        self.take_keyboard();
        if self.group == Group::Own {
            process::send_to_group(self.child, libc::SIGTERM);
            process::send_to_group(self.child, libc::SIGCONT);
        }
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

impl Start<'_> {
    fn is_outer(&self) -> bool {
        matches!(self.layer, Layer::Outer(_))
    }

    /// The terminal whose keyboard the child is given.
    fn gives(&self) -> Option<&Terminal> {
        let terminal = self.terminal.as_ref();
        terminal.filter(|terminal| self.group == Group::Own && terminal.is_ours())
    }
}

/// The child leads a group of its own, unless others in endow's group use the terminal too.
fn group(has_terminal: bool) -> Group {
    let is_alone = process::leads_group() && !crate::sys::stream::any_standard_is_pipe();
    if is_alone || !has_terminal {
        Group::Own
    } else {
        Group::Shared
    }
}

/// What the child says before it is another program; its end of the pipe closes with the exec.
fn read_failure(pipe: &mut PipeReader) -> Option<Refusal> {
    let mut bytes = [0; size_of::<i32>()];
    pipe.read_exact(&mut bytes).ok()?;
    Some(Refusal::from_number(i32::from_ne_bytes(bytes)))
}

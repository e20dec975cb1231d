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
//! **The end.** What is left in the child's group is sent SIGTERM. endow ends as the child ended:
//! by the same status, or by the same signal, without a core file.

mod child;

use std::{
    io::{self, PipeReader, Read},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::Launch;
use crate::{
    error::Error,
    sys::{
        child::{self as process, Change, Side},
        queue::{Delivered, Queue},
        terminal::Terminal,
    },
};

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

/// A shell continues all of its job: a child in endow's group goes on with endow, but for a moment
/// it may not do so yet.
const PATIENCE: Duration = Duration::from_millis(50);

/// How a child is asked to stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// What SIGTERM is forwarded as.
    pub signal: i32,
    /// How long after it the group is killed; `None` leaves that to whoever asked.
    pub timeout: Option<Duration>,
}

/// Starts the program, stays until it ended, and ends as it did: the status, unless a signal ends
/// this process as one ended the child.
pub fn supervise(launch: Launch<'_>, stop: Stop) -> Result<u8, Error> {
    let mut supervisor = Supervisor::start(&launch, stop)?;
    // The child has them: no value stays here.
    let directory = launch.files.into_directory();
    let end = loop {
        supervisor.wait();
        supervisor.forward();
        if let Some(end) = supervisor.reap() {
            break end;
        }
    };
    supervisor.leave();
    drop(directory);
    Ok(end.carry_out())
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

struct Supervisor {
    child: i32,
    state: State,
    /// Whether endow was stopped as the child was, and has not seen yet what continued it.
    follows: bool,
    group: Group,
    terminal: Option<Terminal>,
    /// Whether the keyboard is with the child.
    has_given: bool,
    queue: Queue,
    stop: Stop,
    kill_at: Option<Instant>,
    continue_at: Option<Instant>,
}

impl Supervisor {
    /// Forks and execs; an exec that failed is this process's error.
    fn start(launch: &Launch<'_>, stop: Stop) -> Result<Self, Error> {
        let no_child = |error: io::Error| Error::NoChild {
            reason: crate::manifest::reason(&error),
        };
        let terminal = Terminal::controlling();
        let group = group(terminal.is_some());
        process::adopt_orphans();
        let queue = Queue::catch(caught()).map_err(no_child)?;
        let (mut failure, report) = io::pipe().map_err(no_child)?;
        let given = terminal
            .as_ref()
            .filter(|terminal| group == Group::Own && terminal.is_ours());
        let has_given = given.is_some();
        let child = match process::fork().map_err(no_child)? {
            Side::Child => child::become_program(launch, &queue, group, given, report),
            Side::Parent(child) => child,
        };
        if group == Group::Own {
            process::lead_group(child);
        }
        drop(report);
        let errno = read_failure(&mut failure);
        let mut supervisor = Self {
            child,
            state: State::Running,
            follows: false,
            group,
            terminal,
            has_given,
            queue,
            stop,
            kill_at: None,
            continue_at: None,
        };
        if let Some(errno) = errno {
            supervisor.take_keyboard();
            return Err(launch.failed(errno));
        }
        supervisor.queue.open().map_err(no_child)?;
        Ok(supervisor)
    }

    /// Waits for a signal, or until something is due.
    fn wait(&self) {
        let mut descriptors = [PollFd::new(self.queue.descriptor(), PollFlags::POLLIN)];
        let first = [self.kill_at, self.continue_at].into_iter().flatten().min();
        let timeout = first.map_or(PollTimeout::NONE, |at| {
            // A millisecond more, because poll cuts the rest off and would spin through it.
            let left = at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        // An interruption is a signal that stands in the queue now.
        let _ = poll(&mut descriptors, timeout);
    }

    fn forward(&mut self) {
        while let Some(delivered) = self.queue.take() {
            match delivered.signal {
                libc::SIGCHLD => {}
                libc::SIGCONT if self.follows || self.state == State::Stopped => self.go_on(),
                _ if self.has_it(delivered) => {}
                libc::SIGTERM => self.ask_to_stop(),
                signal => process::send(self.child, signal),
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

    /// Stops as the child was stopped, so that the shell sees its job stopped.
    fn follow_stop(&mut self, signal: i32) {
        self.state = State::Stopped;
        self.take_keyboard();
        let is_of_a_key = matches!(signal, libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
        // Nobody continues the leader of a session; who stopped the child by SIGSTOP can.
        let can_follow = is_of_a_key || !process::leads_session();
        self.follows = can_follow && self.queue.stop_by(signal);
        if is_of_a_key && !self.follows {
            self.resume();
        }
    }

    /// Goes on after a stop, by the signal that continued endow.
    fn go_on(&mut self) {
        self.follows = false;
        match (self.group, self.state) {
            (Group::Own, _) => self.resume(),
            (Group::Shared, State::Stopped) => self.continue_at = Some(Instant::now() + PATIENCE),
            (Group::Shared, State::Running) => {}
        }
    }

    /// Continues the child's group, with the keyboard where endow has it.
    fn resume(&mut self) {
        if self.group == Group::Own
            && let Some(terminal) = self.terminal.as_ref().filter(|terminal| terminal.is_ours())
        {
            terminal.give_to(self.child);
            self.has_given = true;
        }
        self.state = State::Running;
        self.continue_at = None;
        self.send_to_all(libc::SIGCONT);
    }

    /// To the child and what it started, where that can be told from what others started.
    fn send_to_all(&self, signal: i32) {
        match self.group {
            Group::Own => process::send_to_group(self.child, signal),
            Group::Shared => process::send(self.child, signal),
        }
    }

    /// Takes the keyboard back from the child's group, or from what the child gave it to.
    fn take_keyboard(&mut self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.has_given) {
            terminal.give_to(process::own_group());
        }
        self.has_given = false;
    }

    /// Ends what the child left in its group.
    fn leave(&mut self) {
        self.take_keyboard();
        if self.group == Group::Own {
            process::send_to_group(self.child, libc::SIGTERM);
            process::send_to_group(self.child, libc::SIGCONT);
        }
    }
}

/// Everything that is caught.
fn caught() -> impl Iterator<Item = i32> {
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
fn read_failure(pipe: &mut PipeReader) -> Option<Errno> {
    let mut bytes = [0; size_of::<i32>()];
    pipe.read_exact(&mut bytes).ok()?;
    Some(Errno::from_raw(i32::from_ne_bytes(bytes)))
}

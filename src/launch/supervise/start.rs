//! The beginning: which group, which terminals, and the fork.

use std::io::{self, PipeReader, Read};

use super::{Care, Failure, Group, Layer, State, Stop, Supervisor, child, signals};
use crate::{
    launch::{
        Launch, Refusal,
        relay::{self, Places, Relay},
    },
    redact::Masker,
    sys::{
        alive::Process,
        child::{self as process, Side},
        pty::Screen,
        queue::Queue,
        terminal::Terminal,
    },
};

/// endow is the child's parent.
pub(super) fn single<'m>(
    launch: &mut Launch<'_>,
    stop: Stop,
    masker: Option<&'m Masker>,
    care: Option<Care<'m>>,
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
        care,
    };
    Supervisor::start(launch, start)
}

/// endow has the caller's terminal, and its child, which supervises in its turn, another one.
pub(super) fn layered<'m>(
    launch: &mut Launch<'_>,
    stop: Stop,
    masker: &'m Masker,
    care: Option<Care<'m>>,
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
        care,
    };
    Supervisor::start(launch, start)
}

/// What a supervisor begins with.
pub(super) struct Start<'m> {
    pub(super) group: Group,
    pub(super) terminal: Option<Terminal>,
    pub(super) layer: Layer,
    pub(super) relay: Relay<'m>,
    pub(super) places: Places,
    pub(super) stop: Stop,
    pub(super) care: Option<Care<'m>>,
}

impl<'m> Supervisor<'m> {
    /// Catches signals, and starts the child.
    pub(super) fn start(launch: &mut Launch<'_>, start: Start<'m>) -> Result<Self, Failure> {
        process::adopt_orphans();
        let queue = Queue::catch(signals::caught())?;
        let mut supervisor = Self {
            child: 0,
            state: State::Running,
            follows: false,
            group: start.group,
            layer: start.layer,
            terminal: start.terminal,
            has_given: false,
            queue,
            relay: start.relay,
            places: start.places,
            stop: start.stop,
            kill_at: None,
            continue_at: None,
            care: start.care,
            next: None,
        };
        supervisor.spawn(launch)?;
        if supervisor.care.is_none() {
            // The child has its ends; these would keep them open.
            supervisor.places.clear();
        }
        Ok(supervisor)
    }

    /// Forks, and waits until the child is another program or said why not.
    pub(super) fn spawn(&mut self, launch: &mut Launch<'_>) -> Result<(), Failure> {
        let (mut failure, report) = io::pipe()?;
        // Asked before the fork: a child in a group of its own has no keyboard yet.
        self.has_given = self.gives().is_some();
        self.child = match process::fork()? {
            Side::Child => {
                // By the child, before it is another program: endow can be killed at any time from then on.
                self.take_over(launch);
                if self.is_outer() {
                    child::stay_below(launch, self, report)
                } else {
                    child::become_program(launch, self, report)
                }
            }
            Side::Parent(child) => child,
        };
        // One that leads a session leads its group, and can't if it did before.
        if self.group == Group::Own && !self.is_outer() {
            process::lead_group(self.child);
        }
        drop(report);
        if let Some(refusal) = read_failure(&mut failure) {
            self.take_keyboard();
            return Err(Failure::Refused(refusal));
        }
        self.enter_screen();
        self.queue.open()?;
        Ok(())
    }

    /// What was made for the command is this process's, which becomes it.
    fn take_over(&mut self, launch: &Launch<'_>) {
        if let Some(command) = Process::of(process::own_id()) {
            launch.files.belong_to(command);
            if let Some(care) = &mut self.care {
                care.keeping.belongs_to(command);
            }
        }
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

//! The child's side of the fork, up to the exec or to the loop of the inner layer.

use std::{
    io::{PipeWriter, Write},
    mem,
    os::{fd::OwnedFd, unix::fs::fchown},
};

use super::{Failure, Group, Launch, Layer, Supervisor, relay::Relay, start::Start};
use crate::sys::{
    child::{end_now, lead_group, own_id},
    pty::lead_session,
    stream::place,
    terminal::Terminal,
};

/// Never seen where the report reached the parent, which ends as its own error says.
const FAILED: i32 = 127;

/// Becomes the program, with the keyboard where endow has it to give.
pub(super) fn become_program(launch: &Launch<'_>, start: &Supervisor<'_>, report: PipeWriter) -> ! {
    let own = own_id();
    if start.group == Group::Own {
        lead_group(own);
        // Here and not in the parent: the program may read the terminal at once.
        if let Some(terminal) = start.terminal.as_ref().filter(|_| start.has_given) {
            terminal.give_to(own);
        }
    }
    for (standard, descriptor) in &start.places {
        give(launch, descriptor);
        if let Err(error) = place(descriptor, *standard) {
            fail(report, error.raw_os_error());
        }
    }
    let environment = launch.environment_of(own);
    start.queue.give_back();
    fail(report, Some(launch.replace(&environment).to_number()))
}

/// Supervises the program on the terminal that stands in for the caller's.
pub(super) fn stay_below(
    launch: &mut Launch<'_>,
    outer: &mut Supervisor<'_>,
    report: PipeWriter,
) -> ! {
    outer.queue.give_back();
    // These ends are the other layer's: with them open here, no program would miss it.
    drop(mem::take(&mut outer.relay));
    outer.layer = Layer::Only;
    if let Some(care) = outer.care.take() {
        care.keeping.leave();
    }
    let places = mem::take(&mut outer.places);
    let slave = places.iter().find(|(standard, _)| *standard == 1);
    for (_, descriptor) in &places {
        give(launch, descriptor);
    }
    let led = slave.map_or(Ok(()), |(_, slave)| lead_session(slave));
    let mut streams = places.iter();
    let done = led.and_then(|()| streams.try_for_each(|(to, from)| place(from, *to)));
    if let Err(error) = done {
        fail(report, error.raw_os_error());
    }
    drop(places);
    let start = Start {
        group: Group::Own,
        terminal: Terminal::controlling(),
        layer: Layer::Inner,
        relay: Relay::default(),
        places: Vec::new(),
        stop: outer.stop,
        care: None,
    };
    let started = Supervisor::start(launch, start);
    match started {
        Ok(supervisor) => {
            drop(report);
            // It is asked for no other child, so this is its end.
            let end = supervisor.stay(launch);
            end_now(end.map_or(FAILED, |end| end.carry_out().into()))
        }
        Err(Failure::Refused(refusal)) => fail(report, Some(refusal.to_number())),
        Err(Failure::NoChild(error)) => fail(report, error.raw_os_error()),
    }
}

/// Makes a stream the user's, who may open it once more (`/dev/stderr`).
fn give(launch: &Launch<'_>, stream: &OwnedFd) {
    if let Some(user) = &launch.user {
        // Only root can, and nobody else becomes another user.
        let _ = fchown(stream, Some(user.user), None);
    }
}

/// Says why there is no program, and ends.
fn fail(mut report: PipeWriter, number: Option<i32>) -> ! {
    // The parent is gone: then nobody asks.
    let _ = report.write_all(&number.unwrap_or_default().to_ne_bytes());
    end_now(FAILED)
}

//! The child's side of the fork, up to the exec.

use std::io::{PipeWriter, Write};

use super::{Group, Launch};
use crate::sys::{
    child::{end_now, lead_group, own_id},
    queue::Queue,
    terminal::Terminal,
};

/// Never seen where the report reached the parent, which ends as its own error says.
const FAILED: i32 = 127;

/// Becomes the program, with the keyboard of `terminal`.
pub(super) fn become_program(
    launch: &Launch<'_>,
    queue: &Queue,
    group: Group,
    terminal: Option<&Terminal>,
    mut report: PipeWriter,
) -> ! {
    let own = own_id();
    if group == Group::Own {
        lead_group(own);
        // Here and not in the parent: the program may read the terminal at once.
        if let Some(terminal) = terminal {
            terminal.give_to(own);
        }
    }
    let environment = launch.environment_of(own);
    queue.give_back();
    let errno = launch.replace(&environment);
    // The parent is gone: then nobody asks.
    let _ = report.write_all(&(errno as i32).to_ne_bytes());
    end_now(FAILED)
}

//! What is done before anything else, so that a value can't leave this process by accident.
//!
//! No core file and no debugger of the same user: the process is not dumpable. `execve` makes the
//! command dumpable again. A helper's core file is forbidden by a limit, which launch undoes for the
//! command. A panic says where, and never what: its message can quote what was at hand.

use crate::{sys, ui};

/// Hardens this process.
pub(crate) fn harden() {
    sys::process::forbid_dumps();
    std::panic::set_hook(Box::new(|panic| ui::internal_error(panic.location())));
}

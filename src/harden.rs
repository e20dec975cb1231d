//! What is done before anything else, so that a value can't leave this process by accident.
//!
//! No core file and no debugger of the same user: the process is not dumpable. Values stand in an
//! arena that is locked and in no dump. `execve` makes the command dumpable again and takes the
//! arena away. A helper's core file is forbidden by a limit, which launch undoes for the command.
//! A panic says where, and never what: its message can quote what was at hand. It aborts, unless it is
//! of a library that a backend uses: that one is caught, and is a fault of the backend.

use endow_providers::{
    caught::is_caught,
    memory::{Block, Memory, keep_values_in},
};
use zeroize::Zeroize;

use crate::{
    sys::{
        self,
        arena::{Chunk, VALUES},
    },
    ui,
};

/// Hardens this process.
pub(crate) fn harden() {
    sys::process::forbid_dumps();
    std::panic::set_hook(Box::new(|panic| {
        if !is_caught() {
            ui::internal_error(panic.location());
            std::process::abort();
        }
    }));
    keep_values_in(&Locked);
}

/// The arena, as the backends know it.
struct Locked;

impl Memory for Locked {
    fn block(&self, length: usize) -> Box<dyn Block> {
        Box::new(VALUES.take(length))
    }
}

impl Block for Chunk {}

impl Zeroize for Chunk {
    fn zeroize(&mut self) {
        self.wipe();
    }
}

//! The boundary to the operating system: the only unsafe code.

#![expect(
    unsafe_code,
    reason = "signal dispositions, fork, start-up state and memory have no safe interface"
)]

pub mod alive;
mod allocator;
pub mod arena;
pub mod child;
pub mod line;
pub mod memory;
pub mod process;
pub mod pty;
pub mod queue;
pub mod signal;
pub mod startup;
pub mod stream;
pub mod terminal;
pub mod user;
mod wipe;

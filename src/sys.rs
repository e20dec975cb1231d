//! The boundary to the operating system: the only unsafe code.

#![expect(
    unsafe_code,
    reason = "signal dispositions and start-up state have no safe interface"
)]

pub mod process;
pub mod signal;
pub mod startup;
pub mod terminal;

//! Waiting for a handshake, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

const LONGEST: Duration = Duration::from_secs(30);

/// Waits until something is so, which must come soon.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LONGEST;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {LONGEST:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

//! Where values stand in the memory of endow: in its arena alone, which is locked, in no dump, and
//! wiped. Every test looks from outside, at a process that waits for another value or for its child.

mod arena;
mod backends;
mod limits;
mod staying;

use std::{
    process::Child,
    thread,
    time::{Duration, Instant},
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::{
    harness::{Test, memory::search},
    signals::{LONGEST_WAIT, writer},
};

/// A text that nothing else has.
fn canary() -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("canary-{}-{number}-of-the-memory", std::process::id())
}

/// What a variable is declared by that comes late: it keeps endow waiting.
const LATE: &str = "LATE: dotenv://fifo";

/// Starts a run that waits for `LATE`, lets `look` see it, and then gives the value and lets it end
/// well.
#[track_caller]
fn waiting(test: Test, look: impl FnOnce(&Child)) {
    mkfifo(&test.path("fifo"), Mode::from_bits_truncate(0o600)).expect("a FIFO");
    let test = test.run(["true"]);
    let child = test.spawn();
    let mut late = writer(&test);
    look(&child);
    std::io::Write::write_all(&mut late, b"LATE=late-value\n").expect("it is read");
    drop(late);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    test.compare(&output);
}

/// Waits until the value has come to the arena, and stands nowhere else.
#[track_caller]
fn assert_in_arena_alone(process: u32, value: &str) {
    let deadline = Instant::now() + LONGEST_WAIT;
    loop {
        let found = search(process, value.as_bytes());
        let (inside, outside): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(mapping, _)| mapping.is_arena());
        if !inside.is_empty() && outside.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{} times in the arena, and at {outside:#?}",
            inside.len()
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// The same where it is to be nowhere at all.
#[track_caller]
fn assert_nowhere(process: u32, value: &str) {
    let deadline = Instant::now() + LONGEST_WAIT;
    loop {
        let found = search(process, value.as_bytes());
        if found.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "it is at {found:#?}");
        thread::sleep(Duration::from_millis(20));
    }
}

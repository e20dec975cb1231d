//! When a lease is renewed: the clock of Vault's own clients.
//!
//! The grace is a random 10 to 20 % of the lease. Two thirds of what remains and a third of the
//! grace are slept; in the grace nothing is renewed any more, and the value is read again.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use endow_providers::time::{LONGEST, after};

/// The first delay after an error; it doubles.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// The clock of one lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The longest that the lease has been.
    duration: Duration,
    grace: Duration,
    pub(super) end: Instant,
    /// When something is to be done.
    pub(super) next: Instant,
    tries: u32,
}

impl Clock {
    /// A lease that begins now; `None` for one without an end.
    pub(super) fn new(duration: Duration, now: Instant) -> Option<Self> {
        if duration.is_zero() {
            return None;
        }
        let mut clock = Self {
            duration: Duration::ZERO,
            grace: Duration::ZERO,
            end: now,
            next: now,
            tries: 0,
        };
        clock.renewed(duration, now);
        Some(clock)
    }

    /// The lease is so long from now on.
    pub(super) fn renewed(&mut self, duration: Duration, now: Instant) {
        let duration = duration.min(LONGEST);
        if duration > self.duration {
            self.duration = duration;
            self.grace = duration.mul_f64(0.1 + 0.1 * random());
        }
        self.tries = 0;
        self.end = after(now, duration);
        let sleep = duration * 2 / 3 + self.grace / 3;
        self.next = after(now, sleep.min(duration.saturating_sub(self.grace)));
    }

    /// Whether nothing can be renewed any more.
    pub(super) fn is_ending(&self, now: Instant) -> bool {
        after(now, self.grace) >= self.end
    }

    /// It can't be prolonged: the value is read again when the grace begins.
    pub(super) fn ends(&mut self) {
        self.next = self.end.checked_sub(self.grace).unwrap_or(self.end);
    }

    /// Something failed that may go better: later, and while it is renewed before the grace.
    pub(super) fn failed(&mut self, now: Instant) {
        let delay = FIRST_DELAY.saturating_mul(1 << self.tries.min(10));
        let delay = delay.min(LONGEST_DELAY).mul_f64(0.5 + 0.5 * random());
        self.tries = self.tries.saturating_add(1);
        self.next = after(now, delay);
        if !self.is_ending(now) {
            let last = self.end.checked_sub(self.grace).unwrap_or(self.end);
            self.next = self.next.min(last);
        }
    }
}

/// A length that differs by up to a quarter, so that not all who began together ask together.
pub(super) fn jittered(length: Duration) -> Duration {
    length.min(LONGEST).mul_f64(0.75 + 0.5 * random())
}

/// From 0 to 1. The keys of a hasher are random, and no more is needed here.
fn random() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Clock;

    #[test]
    fn a_lease_is_renewed_after_two_thirds_and_read_again_in_the_grace() {
        let now = Instant::now();
        let hour = Duration::from_hours(1);
        for _ in 0..100 {
            let mut clock = Clock::new(hour, now).expect("a clock");
            let sleep = (clock.next - now).as_secs_f64() / hour.as_secs_f64();
            assert!((0.699..=0.734).contains(&sleep), "{sleep}");
            assert!(!clock.is_ending(now + hour.mul_f64(0.79)));
            assert!(clock.is_ending(now + hour.mul_f64(0.91)));
            // What the server gives less of, because the end has come near.
            clock.renewed(hour / 20, now);
            assert!(clock.is_ending(now));
        }
    }

    #[test]
    fn errors_are_tried_again_with_delays_that_grow_and_once_more_when_the_grace_begins() {
        let now = Instant::now();
        let mut clock = Clock::new(Duration::from_secs(100), now).expect("a clock");
        clock.failed(now);
        assert!(clock.next - now <= Duration::from_millis(500));
        let late = now + Duration::from_secs(79);
        for _ in 0..8 {
            clock.failed(late);
        }
        assert!(clock.next <= now + Duration::from_secs(90));
        assert!(Clock::new(Duration::ZERO, now).is_none());
    }
}

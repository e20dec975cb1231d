//! `VAULT_RATE_LIMIT`: how many requests a second a client sends at most.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use super::config::wrong;
use crate::Fault;
use crate::time;

/// A bucket of tokens that fills at a steady rate, as Go's `x/time/rate` has it.
pub(super) struct Rate {
    interval: Duration,
    burst: u32,
    /// When the bucket is full again.
    full: Cell<Option<Instant>>,
}

impl Rate {
    /// `rate[:burst]`; the burst is the rate where it is not said.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = || wrong("VAULT_RATE_LIMIT is no `RATE` or `RATE:BURST` of requests a second");
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (text, None),
        };
        let rate: f64 = rate.trim().parse().map_err(|_| wrong())?;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(wrong());
        }
        let burst = match burst {
            Some(burst) => burst.trim().parse::<u32>().map_err(|_| wrong())?,
            // A rate below one still lets one request through.
            None => format!("{rate:.0}").parse().unwrap_or(u32::MAX),
        };
        Ok(Self {
            interval: Duration::try_from_secs_f64(1.0 / rate)
                .map_err(|_| wrong())?
                .min(time::LONGEST),
            burst: burst.max(1),
            full: Cell::new(None),
        })
    }

    /// Waits until the next request may be sent.
    pub(super) async fn wait(&self) {
        let delay = self.take(Instant::now());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// Takes the next token; how long after `now` it is there.
    fn take(&self, now: Instant) -> Duration {
        let full = time::after(self.full.get().unwrap_or(now).max(now), self.interval);
        self.full.set(Some(full));
        let spare = self.interval.saturating_mul(self.burst);
        (full - now).saturating_sub(spare)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Rate;

    #[test]
    fn a_rate_has_a_burst_of_its_own_size_unless_it_is_said() {
        let burst = |text: &str| Rate::parse(text).map(|rate| (rate.burst, rate.interval));
        assert_eq!(burst("50"), Ok((50, Duration::from_millis(20))));
        assert_eq!(burst("50:10"), Ok((10, Duration::from_millis(20))));
        assert_eq!(burst("0.5"), Ok((1, Duration::from_secs(2))));
        for text in ["", "0", "-1", "x", "1:", "1:x", "inf", "NaN", "1:-1"] {
            assert!(burst(text).is_err(), "{text}");
        }
    }

    #[test]
    fn requests_beyond_the_burst_wait_for_their_turn() {
        let rate = Rate::parse("10:2").expect("a rate");
        let now = Instant::now();
        let millis = |count| Duration::from_millis(count);
        assert_eq!(rate.take(now), millis(0));
        assert_eq!(rate.take(now), millis(0));
        assert_eq!(rate.take(now), millis(100));
        assert_eq!(rate.take(now + millis(50)), millis(150));
        // After a pause the bucket is full again, and not fuller.
        let later = now + Duration::from_mins(1);
        assert_eq!(rate.take(later), millis(0));
        assert_eq!(rate.take(later), millis(0));
        assert_eq!(rate.take(later), millis(100));
    }
}

//! Lengths of time that others say, and moments that lie so far ahead.
//!
//! A server, a file or a variable can say any number. What is longer than [`LONGEST`] is that, where it
//! is read; so no sum of a moment and a length can leave what the clock can say.

use std::time::{Duration, Instant};

/// The longest time that is reckoned with: a hundred years.
pub const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// So many seconds.
pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count).min(LONGEST)
}

/// The seconds that a JSON number says, as text. What is below zero, or no number, is zero: a server
/// that says so gives no time.
pub fn seconds_of(number: &str) -> Duration {
    let number = number.trim();
    if let Ok(count) = number.parse::<u64>() {
        return seconds(count);
    }
    match number.parse::<f64>() {
        Ok(count) if count >= LONGEST.as_secs_f64() => LONGEST,
        Ok(count) => Duration::try_from_secs_f64(count).unwrap_or(Duration::ZERO),
        Err(_) => Duration::ZERO,
    }
}

/// The moment that is so long after another.
pub fn after(moment: Instant, length: Duration) -> Instant {
    moment
        .checked_add(length.min(LONGEST))
        // Clocks that can't say a moment a hundred years ahead.
        .unwrap_or(moment)
}

/// The moment that is so long from now.
pub fn from_now(length: Duration) -> Instant {
    after(Instant::now(), length)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LONGEST, after, seconds, seconds_of};

    #[test]
    fn no_number_of_a_server_leaves_the_clock() {
        for (number, expected) in [
            ("3600", Duration::from_hours(1)),
            ("0", Duration::ZERO),
            ("1.5", Duration::from_millis(1500)),
            ("1e3", Duration::from_secs(1000)),
            ("9223372036854775807", LONGEST),
            ("9223372036854775808", LONGEST),
            ("18446744073709551615", LONGEST),
            ("18446744073709551616", LONGEST),
            ("1e308", LONGEST),
            ("1e999", LONGEST),
            ("-1", Duration::ZERO),
            ("-1e308", Duration::ZERO),
            ("-9223372036854775808", Duration::ZERO),
            ("NaN", Duration::ZERO),
            ("true", Duration::ZERO),
            ("", Duration::ZERO),
        ] {
            assert_eq!(seconds_of(number), expected, "{number}");
        }
        assert_eq!(seconds(u64::MAX), LONGEST);
        let now = Instant::now();
        assert_eq!(after(now, Duration::MAX), now + LONGEST);
    }
}

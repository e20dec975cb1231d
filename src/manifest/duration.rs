//! Lengths of time as people write them: `90d`, `30s`, `1h 30m`, `500ms`.

use std::time::Duration;

use endow_providers::time::LONGEST;

const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

/// The duration that a text says; `None` where it says none, zero, or more than a hundred years. A day
/// has 24 hours.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (_, factor) = UNITS.iter().find(|(unit, _)| *unit == &rest[..letters])?;
        total = total.checked_add(number.checked_mul(*factor)?)?;
        rest = rest[letters..].trim_start();
    }
    let total = Duration::from_millis(total);
    (!total.is_zero() && total <= LONGEST).then_some(total)
}

/// The shortest way to write a duration.
pub fn shown(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let unit = UNITS[..5]
        .iter()
        .rev()
        .find(|(_, factor)| milliseconds.is_multiple_of(*factor))
        .unwrap_or(&UNITS[0]);
    format!("{}{}", milliseconds / unit.1, unit.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, shown};

    #[test]
    fn units_add_up_and_anything_else_is_refused() {
        assert_eq!(parse("90d"), Some(Duration::from_hours(90 * 24)));
        assert_eq!(parse("1h 30m"), Some(Duration::from_mins(90)));
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        for bad in [
            "",
            "0s",
            "30",
            "s",
            "-5s",
            "1.5h",
            "5 s",
            "90 days",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(shown(Duration::from_secs(90)), "90s");
        assert_eq!(shown(Duration::from_hours(2)), "2h");
    }
}

//! Names with `*`.

/// A glob with `*` for any run of bytes.
///
/// Only the last `*` is ever tried again: what it skips more, those before it need not skip. With
/// a try for each, a pattern of many would take for ever.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < name.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, seen));
        } else if pattern.get(at) == Some(&name[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((after, skipped)) = star {
            at = after;
            seen = skipped + 1;
            star = Some((after, seen));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_matches_any_run_of_bytes() {
        for (pattern, name, expected) in [
            ("LC_*", "LC_ALL", true),
            ("LC_*", "LC_", true),
            ("LC_*", "XLC_A", false),
            ("*COLOR*", "FORCE_COLOR", true),
            ("*COLOR*", "COLORFGBG", true),
            ("*", "", true),
            ("PATH", "PATHS", false),
            ("A*C*E", "ABCDE", true),
            ("A*C*E", "ABCDEF", false),
            ("A*BC", "ABCBBC", true),
            ("**", "A", true),
            ("A*", "*", false),
            ("", "A", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_matched_at_once() {
        let pattern = "*A".repeat(64);
        assert!(!matches(pattern.as_bytes(), "A".repeat(63).as_bytes()));
        assert!(matches(pattern.as_bytes(), "A".repeat(65).as_bytes()));
    }
}

//! Passwords in URLs: `scheme://user:password@host` (RFC 3986, section 3.2.1), and in what is left of a
//! URL that was taken apart: `user:password@host`.

use std::{borrow::Cow, ops::Range};

/// So long a user without a password is a token: `https://TOKEN@host`.
const TOKEN: usize = 16;

/// Whether a text holds a URL with a password.
pub(super) fn is_in(text: &str) -> bool {
    next(text, 0).is_some()
}

/// The text with each password replaced. None goes over the end of a line.
pub(super) fn masked<'t>(text: &'t str, mask: &str) -> Cow<'t, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut done = 0;
        while let Some(secret) = next(line, done) {
            masked.push_str(&line[done..secret.start]);
            masked.push_str(mask);
            done = secret.end;
        }
        masked.push_str(&line[done..]);
    }
    Cow::Owned(masked)
}

/// Where the next password is: in a URL, or in what looks like the authority of one.
fn next(text: &str, from: usize) -> Option<Range<usize>> {
    let (of_url, bare) = (next_of_url(text, from), next_bare(text, from));
    match (of_url, bare) {
        (Some(one), Some(other)) if other.start < one.start && other.end <= one.start => {
            Some(other)
        }
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

/// The scheme of Amazon's names of resources (ARN), whose parts colons separate.
const ARN: &str = "arn:";

fn next_of_url(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(found) = text[at..].find("://") {
        let start = at + found + 3;
        // White space alone ends it: passwords hold quotes, whatever the RFC says.
        let end = text[start..]
            .find(char::is_whitespace)
            .map_or(text.len(), |end| start + end);
        if let Some(secret) = secret(&text[start..end]) {
            return Some(start + secret.start..start + secret.end);
        }
        at = start;
    }
    None
}

/// `user:password@host` without a scheme before it.
fn next_bare(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(found) = text[at..].find('@') {
        let sign = at + found;
        let begin = text[from..sign]
            .rfind(char::is_whitespace)
            .map_or(from, |end| from + end + 1);
        let begin = (begin..=sign)
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(sign);
        let after = text[sign + 1..].chars().next();
        let is_host = after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '[');
        let colon = colon(&text[begin..sign]).map(|colon| begin + colon + 1);
        if let Some(start) = colon.filter(|start| is_host && *start < sign) {
            return Some(start..sign);
        }
        at = sign + 1;
    }
    None
}

/// The colon before a password: not that of `scheme:/`, which is what is left of a URL that was taken
/// for a path, not that of a port, and none in the brackets of an address.
fn colon(text: &str) -> Option<usize> {
    if is_arn(text) {
        return None;
    }
    let mut colons = text.match_indices(':').map(|(at, _)| at);
    colons.find(|at| {
        let after = text[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
        let is_bracketed = text[..*at].rfind('[') > text[..*at].rfind(']');
        !after.starts_with('/') && !is_bracketed
    })
}

fn is_arn(text: &str) -> bool {
    let text = text.rsplit("://").next().unwrap_or(text);
    text.trim_start_matches(|c: char| c.is_ascii_punctuation())
        .starts_with(ARN)
}

/// The password in what follows `://`. One that holds a `/` unencoded is found too: what follows the
/// first colon of an authority without `@` is a port, or it is a password.
fn secret(rest: &str) -> Option<Range<usize>> {
    if is_arn(rest) {
        return None;
    }
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest[..authority].rfind('@');
    let colon = rest[..at.unwrap_or(authority)].find(':');
    match (at, colon) {
        (Some(at), Some(colon)) => Some(colon + 1..at),
        (Some(at), None) => (at >= TOKEN).then_some(0..at),
        (None, Some(colon)) => {
            let port = &rest[colon + 1..authority];
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
            // `[::1]` is a host.
            let is_host = rest.starts_with('[');
            let at = rest.rfind('@').filter(|_| !is_port && !is_host)?;
            Some(colon + 1..at)
        }
        (None, None) => None,
    }
    .filter(|secret| !secret.is_empty())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_password_in_a_url_is_masked_wherever_the_url_is() {
        for (text, expected) in [
            ("postgres://u:pass@h/d", "postgres://u:***@h/d"),
            (
                "`postgres://u:pa/ss@h/d` is none",
                "`postgres://u:***@h/d` is none",
            ),
            ("postgres://u:p@a:ss@h/d", "postgres://u:***@h/d"),
            ("op://u:pass@v/i", "op://u:***@v/i"),
            (
                "a redis://:pass@h b amqp://u:pass@h",
                "a redis://:***@h b amqp://u:***@h",
            ),
            ("https://0123456789abcdef@h", "https://***@h"),
            ("x://y://u:pass@h", "x://y://u:***@h"),
            ("read u:pass@h/d (1 place)", "read u:***@h/d (1 place)"),
            ("no group `//u:pass@h/d`", "no group `//u:***@h/d`"),
            (
                "/home/p/postgres:/u:pass@h/d",
                "/home/p/postgres:/u:***@h/d",
            ),
            (
                "a u:pass@h b postgres://u:pass@h c",
                "a u:***@h b postgres://u:***@h c",
            ),
            ("\u{e9}:p\u{e9}@h", "\u{e9}:***@h"),
            ("`postgres://u:it's\"p`<ass@h/d`", "`postgres://u:***@h/d`"),
            ("no group `u:it's@h`", "no group `u:***@h`"),
            ("`/p/postgres:/u:k=a/pass@h/d`", "`/p/postgres:/u:***@h/d`"),
            ("`u:a/pass@h/d`", "`u:***@h/d`"),
        ] {
            assert_eq!(masked(text, "***"), expected);
        }
    }

    #[test]
    fn other_urls_are_left_alone() {
        for text in [
            "https://h:8200/v1",
            "postgres://app@db/chat",
            "https://[::1]:80/a@b",
            "postgres://u:@h",
            "a://",
            "vault://secret/a#b",
            "owner: dana@acme.dev, sam@acme.dev",
            "git@github.com:acme/chat",
            "arn:aws:iam::1:role/a",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mail@acme",
            "`aws-sm://arn:aws:secretsmanager:eu-west-1:1:secret:mail@acme` in",
            "a @ b:c",
            "u:***@h/d",
            "postgres://u:***@h/d",
        ] {
            assert_eq!(masked(text, "***"), text);
        }
    }
}

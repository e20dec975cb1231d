//! Tags (YAML 1.2.2, section 6.9.1). The parser resolves those of the core schema by itself, and says
//! nothing of them: `!!binary` would decode, `!!int` would pass.

use crate::manifest::source::Source;

/// Where the first tag is, or a directive that declares one. What stands outside of scalars and
/// comments, and begins with `!`, is a tag.
pub(super) fn first(source: &Source) -> Option<usize> {
    let text = source.text.as_str();
    if !text.contains('!') && !text.contains("%TAG") {
        return None;
    }
    let mut at = 0;
    while at < text.len() {
        if let Some((_, end, _)) = source.scalar_at(at) {
            at = end.max(at + 1);
            continue;
        }
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || matches!(c, '[' | '{' | ','));
        let c = rest.chars().next()?;
        match c {
            '#' if begins => at += rest.find('\n').unwrap_or(rest.len()),
            '!' if begins => return Some(at),
            '%' if rest.starts_with("%TAG") && before.is_none_or(|c| c == '\n') => {
                return Some(at);
            }
            _ => at += c.len_utf8(),
        }
    }
    None
}

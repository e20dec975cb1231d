//! Words of a POSIX shell (2.2.2, single quotes).

/// A word for a person to read or copy: quoted only where a shell would take it for something else.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-*".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut word = Vec::new();
    quote(text.as_bytes(), &mut word);
    String::from_utf8_lossy(&word).into_owned()
}

/// Appends bytes between single quotes, with `'\''` for a quote among them.
pub(crate) fn quote(bytes: &[u8], text: &mut Vec<u8>) {
    text.push(b'\'');
    for byte in bytes {
        match byte {
            b'\'' => text.extend_from_slice(b"'\\''"),
            _ => text.push(*byte),
        }
    }
    text.push(b'\'');
}

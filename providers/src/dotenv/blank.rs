//! White space of one line. Editors and web pages put no-break spaces where a space is meant, and
//! every other reader strips them too.

/// The white space of Unicode beyond ASCII, and the zero-width no-break space, which JavaScript counts.
const BEYOND_ASCII: [&str; 19] = [
    "\u{a0}", "\u{1680}", "\u{2000}", "\u{2001}", "\u{2002}", "\u{2003}", "\u{2004}", "\u{2005}",
    "\u{2006}", "\u{2007}", "\u{2008}", "\u{2009}", "\u{200a}", "\u{2028}", "\u{2029}", "\u{202f}",
    "\u{205f}", "\u{3000}", "\u{feff}",
];

/// The length of the blank that a text begins with.
pub(super) fn at_start(text: &[u8]) -> Option<usize> {
    length(*text.first()?, |blank| text.starts_with(blank))
}

/// The length of the blank that a text ends with.
pub(super) fn at_end(text: &[u8]) -> Option<usize> {
    length(*text.last()?, |blank| text.ends_with(blank))
}

/// The length of the blank that has this byte at its outer end. Nearly every byte is ASCII.
fn length(outer: u8, is_it: impl Fn(&[u8]) -> bool) -> Option<usize> {
    if outer.is_ascii() {
        return matches!(outer, b' ' | b'\t' | 0x0b | 0x0c).then_some(1);
    }
    let mut blanks = BEYOND_ASCII.iter().map(|blank| blank.as_bytes());
    blanks.find(|blank| is_it(blank)).map(<[u8]>::len)
}

/// A text without the blanks around it.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let Some(length) = at_start(text) {
        text = &text[length..];
    }
    while let Some(length) = at_end(text) {
        text = &text[..text.len() - length];
    }
    text
}

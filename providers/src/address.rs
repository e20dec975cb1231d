//! What a reference says after its scheme, decoded.

/// One place in one backend. Equal addresses are one place.
///
/// The parts are what the user wrote after percent-decoding; for a backend whose locator is a
/// file's path ([`crate::Grammar::is_path`]) the launcher has made it absolute.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Between `://` and the first `#` or `?`.
    pub locator: String,
    /// Between `#` and the first `?`.
    pub field: Option<Field>,
    /// After `?`, in the order written.
    pub options: Vec<(String, String)>,
}

impl Address {
    /// The first control character of the locator or of an option. No path, mount or name has one: URL
    /// types drop some of them without a word, and what is left can be another path.
    pub fn control(&self) -> Option<char> {
        let options = self.options.iter().map(|(_, value)| value);
        let mut texts = std::iter::once(&self.locator).chain(options);
        texts.find_map(|text| text.chars().find(|character| character.is_control()))
    }
}

/// The part of what stands at a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// One key, taken literally: dots and slashes have no meaning.
    Name(String),
    /// A JSON Pointer (RFC 6901), beginning with `/`, its `~0` and `~1` still escaped.
    Pointer(String),
}

impl Field {
    /// The text as written after `#`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(text) | Self::Pointer(text) => text,
        }
    }
}

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

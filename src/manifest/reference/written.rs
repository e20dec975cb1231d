//! A reference written again from its decoded parts: it can be printed, and copied into a manifest
//! it names the same place.

use std::fmt::{self, Display, Formatter, Write};

use endow_providers::Field;

use crate::manifest::diagnostic::steers;

/// The parts of a reference, with its placeholders filled in.
pub(super) struct Written<'a> {
    pub(super) scheme: &'a str,
    pub(super) locator: &'a str,
    pub(super) field: Option<&'a Field>,
    pub(super) options: &'a [(String, String)],
    /// Whether `%XX` is decoded. Types where it is not refuse what would have to be encoded.
    pub(super) is_percent_encoded: bool,
}

impl Display for Written<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        self.locator(f)?;
        if let Some(field) = self.field {
            f.write_char('#')?;
            match field {
                // Written plainly, the slash would begin a JSON Pointer.
                Field::Name(name) if name.starts_with('/') => {
                    encode(f, '/')?;
                    self.part(f, &name[1..], "?")?;
                }
                field => self.part(f, field.as_str(), "?")?,
            }
        }
        // The first `#` ends the locator, wherever it stands.
        let ends = if self.field.is_some() { "&" } else { "&#" };
        for (index, (name, value)) in self.options.iter().enumerate() {
            write!(f, "{}{name}=", if index == 0 { '?' } else { '&' })?;
            self.part(f, value, ends)?;
        }
        Ok(())
    }
}

impl Written<'_> {
    /// An `@` behind a `:` would end the password of a URL, which no reference holds.
    fn locator(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let after = self.locator.find(':').unwrap_or(self.locator.len());
        let (before, after) = self.locator.split_at(after);
        self.part(f, before, "#?")?;
        self.part(f, after, "#?@")
    }

    /// A part, without the characters that would end it, mean something else or do something to
    /// the terminal.
    fn part(&self, f: &mut Formatter<'_>, text: &str, ends: &str) -> fmt::Result {
        text.chars().try_for_each(|c| {
            let is_special = matches!(c, '%' | '{') || ends.contains(c) || steers(c);
            if is_special && self.is_percent_encoded {
                encode(f, c)
            } else {
                f.write_char(c)
            }
        })
    }
}

fn encode(f: &mut Formatter<'_>, c: char) -> fmt::Result {
    let bytes = c.encode_utf8(&mut [0; 4]).as_bytes().to_owned();
    bytes.iter().try_for_each(|byte| write!(f, "%{byte:02X}"))
}

//! The one type that holds a value.
//!
//! No `Display`, no `Serialize`, no `Clone`; `Debug` prints a fixed word; the memory is wiped on
//! drop. Reading it is [`Secret::expose`], which is easy to search for.

use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroize;

/// A value: bytes of any kind, NUL and invalid UTF-8 included.
pub struct Secret(SecretBox<Vec<u8>>);

impl Secret {
    /// Takes over `bytes`; their memory is wiped when the secret is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// Copies `bytes` into memory of exactly their size.
    pub fn copied_from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }

    /// The bytes. Every call is a place where a value can leak.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether the value is empty. An empty value is a value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<zeroize::Zeroizing<Vec<u8>>> for Secret {
    fn from(mut bytes: zeroize::Zeroizing<Vec<u8>>) -> Self {
        Self::new(std::mem::take(&mut *bytes))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // SecretBox wipes too; said here so that the guarantee does not hang on a dependency.
        secrecy::ExposeSecretMut::expose_secret_mut(&mut self.0).zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use crate::{Metadata, Reply, Settings, Value};

    #[test]
    fn what_holds_a_value_is_printed_without_it_also_for_debugging() {
        let secret = || Secret::copied_from(b"hunter2");
        assert_eq!(format!("{:?}", secret()), "Secret(..)");
        assert_eq!(format!("{:#?}", secret()), "Secret(..)");
        let reply = Reply::Value(Value {
            secret: secret(),
            metadata: Metadata::default(),
        });
        let settings = Settings::List(vec![Settings::Text(secret())]);
        let printed = format!("{reply:?} {settings:?}");
        assert_eq!(printed.matches("Secret(..)").count(), 2, "{printed}");
        // As text, and as the numbers that a list of bytes is printed as.
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(!printed.contains("104, 117"), "{printed}");
    }
}

//! The one type that holds a value.
//!
//! No `Display`, no `Serialize`, no `Clone`; `Debug` prints a fixed word; the memory is wiped on
//! drop. Reading it is [`Secret::expose`], which is easy to search for.

use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use zeroize::Zeroize;

use crate::memory::{self, Block};

/// A value: bytes of any kind, NUL and invalid UTF-8 included. Where they stand is said by
/// [`memory::keep_values_in`].
pub struct Secret(SecretBox<dyn Block>);

impl Secret {
    /// Takes over `bytes`: what they stood in is wiped.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let secret = Self::copied_from(&bytes);
        bytes.zeroize();
        secret
    }

    /// Copies `bytes` into memory of exactly their size.
    pub fn copied_from(bytes: &[u8]) -> Self {
        Self::written(bytes.len(), |memory| memory.copy_from_slice(bytes))
    }

    /// So many bytes, zero at first, as `write` leaves them: for what is put together in its place.
    pub fn written(length: usize, write: impl FnOnce(&mut [u8])) -> Self {
        let mut memory = SecretBox::new(memory::block(length));
        write(memory.expose_secret_mut().as_mut());
        Self(memory)
    }

    /// The bytes. Every call is a place where a value can leak.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_ref()
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

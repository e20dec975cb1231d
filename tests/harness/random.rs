//! Random words and bytes of the operating system: what a test looks for must not stand there by
//! chance.

use std::{fs::File, io::Read};

/// So many random bytes.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut device = File::open("/dev/urandom").expect("the system's random bytes");
    device.read_exact(&mut bytes).expect("random bytes");
    bytes
}

/// So many random letters and digits.
pub(crate) fn word(length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyzABCDEFGH";
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
    bytes(length).into_iter().map(letter).collect()
}

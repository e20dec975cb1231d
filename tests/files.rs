//! File values: who can read them, how often, and that nothing of them is on a disk.

mod limit;
mod memory;
mod tmpfs;

use crate::harness::Test;

const VALUE: &str = "dev-key-of-a-file";

/// A project whose one value is wanted as a file.
fn project(how: &str) -> Test {
    Test::manifest(&format!(
        "version: 1\nenv: {{ KEY_FILE: {{ from: file://value, as: {how} }} }}\n"
    ))
    .file("value", VALUE)
    .known(VALUE)
}

/// The ways of launching.
const WAYS: [&[&str]; 2] = [&[], &["--init"]];

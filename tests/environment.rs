//! The child's environment, as the child itself has it from the kernel.

mod block;
mod chosen;
mod families;
mod inherit;
mod limits;
mod values;

use crate::harness::Test;

/// Prints the environment that the child was started with, byte for byte.
const SHOW: [&str; 2] = ["cat", "/proc/self/environ"];

/// The entries of a block.
fn entries(block: &[u8]) -> Vec<Vec<u8>> {
    let block = block.strip_suffix(b"\0").unwrap_or(block);
    block
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// The entries that the child of this test gets, as text. The test itself says what is hidden.
#[track_caller]
fn shown(test: Test) -> Vec<String> {
    let output = test.run(SHOW).prints_values().any_stdout().success();
    entries(&output.stdout)
        .into_iter()
        .map(|entry| String::from_utf8(entry).expect("text"))
        .collect()
}

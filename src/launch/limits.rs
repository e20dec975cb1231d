//! The kernel's limits on arguments and environment, checked before launch so that the culprit
//! can be named (Linux, fs/exec.c).
//!
//! One string with its NUL has at most 32 pages. All strings and their pointers together have a
//! quarter of the stack's limit, at most 6 MiB and at least 128 KiB.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use super::Program;
use crate::{environment::Environment, error::Error, sys::process};

const PAGES_OF_A_STRING: usize = 32;
const LEAST_TOTAL: u64 = 128 << 10;
const MOST_TOTAL: u64 = 6 << 20;
/// How many culprits are named where no single one is.
const NAMED: usize = 5;

/// Checks what `execve` would answer with E2BIG.
pub fn check_size(
    program: &Program,
    command: &[OsString],
    environment: &Environment,
) -> Result<(), Error> {
    // The string is the name, `=`, the value and a NUL.
    let values = environment
        .sizes()
        .map(|(name, size)| (name, size - name.len() - 2));
    for (name, size) in values {
        check_value(name, size)?;
    }
    let pointer = size_of::<usize>();
    let strings: usize = environment.sizes().map(|(_, size)| size + pointer).sum();
    let arguments: usize = command
        .iter()
        .map(|argument| argument.as_bytes().len() + 1 + pointer)
        .sum();
    let total = strings + arguments + program.path.as_os_str().len() + 1;
    let limit = (process::stack_limit() / 4).clamp(LEAST_TOTAL, MOST_TOTAL);
    if u64::try_from(total).unwrap_or(u64::MAX) > limit {
        Err(too_big(environment))
    } else {
        Ok(())
    }
}

/// Checks whether a variable can have a value of so many bytes.
pub fn check_value(name: &OsStr, size: usize) -> Result<(), Error> {
    // A name alone can be longer than a string may be.
    let longest = PAGES_OF_A_STRING * process::page_size();
    if name.len() + size + 2 <= longest {
        return Ok(());
    }
    Err(Error::VariableTooBig {
        name: name.display().to_string(),
        size,
        limit: longest.saturating_sub(name.len() + 2),
    })
}

/// Names the largest variables.
pub(super) fn too_big(environment: &Environment) -> Error {
    let mut sizes: Vec<(String, usize)> = environment
        .sizes()
        .map(|(name, size)| (name.display().to_string(), size))
        .collect();
    let total = sizes.iter().map(|(_, size)| size).sum();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    sizes.truncate(NAMED);
    Error::EnvironmentTooBig {
        largest: sizes,
        total,
    }
}

//! Stream mode: one run of the program answers every id.

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod property;

use std::{cell::Cell, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::Program;
use crate::{
    Fault, Limits, Secret,
    helper::{Cancel, Output, Status},
};

/// The values in the order of the ids; `None` where the program does not speak this mode: it
/// answered less or something else, or said anything on its standard error.
pub(super) fn fetch(
    program: &Program,
    path: &Path,
    ids: &[&str],
    limits: &Limits,
    cancel: &Cancel,
) -> Result<Option<Vec<Secret>>, Fault> {
    let input: String = ids.iter().flat_map(|id| [*id, "\n"]).collect();
    // What was looked at is not looked at again: a flood would take its square of time.
    let counted = Cell::new((0, 0));
    let is_enough = |output: &Output| {
        let bytes = output.stdout.bytes();
        let (seen, lines) = counted.get();
        let new = bytes[seen..].iter().filter(|byte| **byte == b'\n');
        let lines = lines + new.count();
        counted.set((bytes.len(), lines));
        !output.stderr.bytes().is_empty() || lines >= ids.len()
    };
    let ended = program.run(path, None, input.as_bytes(), limits, cancel, &is_enough)?;
    if !ended.stderr.is_empty() {
        return Ok(None);
    }
    Ok(values(&ended.stdout, ids.len(), ended.status))
}

/// So many values, each a line of what it printed. The last line may lack its end where the program
/// ended well; where it was killed or failed, that is a part of a line, and base64 can be cut
/// without a trace.
fn values(stdout: &[u8], count: usize, status: Status) -> Option<Vec<Secret>> {
    let whole = stdout.iter().rposition(|byte| *byte == b'\n');
    let stdout = match status {
        Status::Exited(0) => stdout,
        _ => &stdout[..whole.map_or(0, |end| end + 1)],
    };
    let values: Option<Vec<Secret>> = lines(stdout).take(count).map(decoded).collect();
    values.filter(|values| values.len() == count)
}

/// The lines, the last one with or without its end.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let is_empty = bytes.is_empty();
    lines
        .split(|byte| *byte == b'\n')
        .filter(move |_| !is_empty)
}

fn decoded(line: &[u8]) -> Option<Secret> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut bytes = Zeroizing::new(vec![0; line.len()]);
    let length = STANDARD.decode_slice(line, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes.into())
}

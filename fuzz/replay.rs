//! The corpus of a target, run through its property: what fuzzing found stays found.
//!
//! A part of the tests of both crates.

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

/// Checks every input that is kept for `target`; a failure names its file.
pub(crate) fn replay(target: &str, property: fn(&[u8])) {
    let inputs = inputs(target);
    assert!(
        !inputs.is_empty(),
        "no corpus of `{target}`: it is in fuzz/corpus of the repository"
    );
    for (path, input) in inputs {
        assert!(
            catch_unwind(|| property(&input)).is_ok(),
            "{} breaks its property",
            path.display()
        );
    }
}

/// Every input that is kept for `target`, and where.
pub(crate) fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut inputs = Vec::new();
    for kept in ["corpus", "regressions"] {
        let directory = directory().join(kept).join(target);
        // Not every target has regressions; git keeps no empty directory.
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.expect("the directory can be listed").path();
            let input = fs::read(&path).expect("an input can be read");
            inputs.push((path, input));
        }
    }
    inputs
}

/// `fuzz/`, from either crate.
fn directory() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut directories = own.ancestors().map(|path| path.join("fuzz"));
    let found = directories.find(|path| path.is_dir());
    found.expect("the repository has fuzz/")
}

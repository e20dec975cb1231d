//! The corpus of a target, run through its property: what fuzzing found stays found.
//!
//! A part of the tests of both crates.

use std::{fs, panic::catch_unwind, path::Path};

/// Checks every input that is kept for `target`; a failure names its file.
pub(crate) fn replay(target: &str, property: fn(&[u8])) {
    let mut count = 0;
    for kept in ["corpus", "regressions"] {
        let directory = directory().join(kept).join(target);
        // Not every target has regressions; git keeps no empty directory.
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.expect("the directory can be listed").path();
            let input = fs::read(&path).expect("an input can be read");
            assert!(
                catch_unwind(|| property(&input)).is_ok(),
                "{} breaks its property",
                path.display()
            );
            count += 1;
        }
    }
    assert!(
        count > 0,
        "no corpus of `{target}`: it is in fuzz/corpus of the repository"
    );
}

/// `fuzz/`, from either crate.
fn directory() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.ancestors().find(|path| path.join("fuzz").is_dir());
    Box::leak(
        root.expect("the repository has fuzz/")
            .join("fuzz")
            .into_boxed_path(),
    )
}

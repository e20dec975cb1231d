//! Runtimes of the samples, and of helpers that arrange what Rust can't without unsafe code.
//!
//! A missing one fails the test and says what to install: a test that skips proves nothing.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The program in the PATH of these tests.
#[track_caller]
pub(crate) fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("`{program}` is not in PATH: install {}", package(program)))
}

/// Python's interpreter itself: a version manager's shim is a script that adds variables.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let output = Command::new(find("python3"))
            .args(["-I", "-c", "import sys; print(sys.executable, end='')"])
            .output()
            .expect("python3 starts");
        assert!(
            output.status.success(),
            "python3 does not work: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        PathBuf::from(String::from_utf8(output.stdout).expect("a path"))
    })
}

/// A PATH that finds the program at `first` before any other of its name.
pub(crate) fn path_with(first: &Path) -> OsString {
    let path = std::env::var_os("PATH").expect("PATH");
    let directory = first.parent().expect("a directory").to_owned();
    std::env::join_paths([directory].into_iter().chain(std::env::split_paths(&path)))
        .expect("a PATH")
}

/// Words that start a Python program of `tests/programs`.
pub(crate) fn program(name: &str) -> Vec<OsString> {
    let path = super::repository().join("tests/programs").join(name);
    // Isolated and without `site`: nothing of the test's environment changes it, and it is fast.
    vec![python().into(), "-I".into(), "-S".into(), path.into()]
}

fn package(program: &str) -> &str {
    match program {
        "node" | "npm" | "npx" => "Node.js 20.6 or later with npm",
        "python3" => "Python 3.8 or later with its venv module",
        "openssl" => "openssl (apt-get install openssl)",
        "podman" | "runc" => "podman and runc (apt-get install podman runc)",
        "strace" => "strace (apt-get install strace)",
        "unshare" => "util-linux",
        other => other,
    }
}

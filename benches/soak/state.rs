//! What a process that is late is doing, as `/proc` has it (proc(5)).

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// What tells where a thread is and which signals wait for it.
const LINES: [&str; 7] = [
    "Name:", "State:", "SigQ:", "SigPnd:", "ShdPnd:", "SigBlk:", "SigCgt:",
];

/// The state of a process and of all below it: of each thread its place in the kernel, and the
/// descriptors.
pub(crate) fn of(process: u32) -> String {
    let mut text = String::new();
    let mut open = vec![process];
    while let Some(process) = open.pop() {
        let root = PathBuf::from(format!("/proc/{process}"));
        let _ = writeln!(text, "process {process}: {}", words(&root));
        for thread in entries(&root.join("task")) {
            describe(&thread, &mut text);
            let children = content(&thread.join("children"));
            open.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        for descriptor in entries(&root.join("fd")) {
            let target = fs::read_link(&descriptor).unwrap_or_default();
            let _ = writeln!(text, "  {} -> {}", name(&descriptor), target.display());
        }
    }
    text
}

fn describe(thread: &Path, text: &mut String) {
    let status = content(&thread.join("status"));
    let status = status
        .lines()
        .filter(|line| LINES.iter().any(|name| line.starts_with(name)));
    let status: Vec<String> = status.map(|line| line.replace('\t', " ")).collect();
    let _ = writeln!(text, "  thread {}: {}", name(thread), status.join(", "));
    // The stack is root's to read; the other two say less, to everyone.
    for file in ["wchan", "syscall", "stack"] {
        let content = content(&thread.join(file));
        let _ = writeln!(
            text,
            "    {file}: {}",
            content.trim_end().replace('\n', "; ")
        );
    }
}

fn words(process: &Path) -> String {
    content(&process.join("cmdline")).replace('\0', " ")
}

/// A process can be gone at any moment.
fn content(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| error.to_string().into_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

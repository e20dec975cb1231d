//! Linked working trees of git (git-worktree(1)).

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// The main working tree of the repository that a directory is a linked working tree of; a bare
/// repository's own directory. Only where the repository points back: anyone can write a file that
/// points to a repository.
/// gitrepository-layout(5), `worktrees/<id>/gitdir` and `commondir`.
pub fn main_working_tree(checkout: &Path) -> Option<PathBuf> {
    let mark = checkout.join(".git");
    let text = read_line(&mark)?;
    let directory = checkout.join(text.strip_prefix("gitdir:")?.trim());
    let directory = fs::canonicalize(directory).ok()?;
    let common = fs::canonicalize(directory.join(read_line(&directory.join("commondir"))?)).ok()?;
    let is_listed = directory.parent() == Some(&*common.join("worktrees"));
    let back = directory.join(read_line(&directory.join("gitdir"))?);
    if !is_listed || fs::canonicalize(back).ok()? != fs::canonicalize(&mark).ok()? {
        return None;
    }
    if common.file_name() == Some(OsStr::new(".git")) {
        common.parent().map(Path::to_owned)
    } else {
        Some(common)
    }
}

/// The only line of a small regular file.
fn read_line(path: &Path) -> Option<String> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > 8192 {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim_end_matches(['\n', '\r']).to_owned())
}

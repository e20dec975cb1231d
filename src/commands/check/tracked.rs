//! Whether git tracks a file, read from its index.
//!
//! Git itself is never run: a hostile repository's configuration names programs that it starts
//! (`core.fsmonitor`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use gix_index::{File, decode, hash::Kind};

/// What to say of a file that stands in the index of the repository around it; nothing of one
/// that does not, or that is in no repository.
pub(super) fn by_git(path: &Path) -> Option<String> {
    let path = fs::canonicalize(path).ok()?;
    let (root, directory) = repository(&path)?;
    let index = directory.join("index");
    if !index.is_file() {
        return None;
    }
    let relative = path.strip_prefix(&root).ok()?;
    match File::at(&index, Kind::Sha1, true, decode::Options::default()) {
        Ok(file) => {
            let name = relative.as_os_str().as_encoded_bytes();
            let is_tracked = file.entry_by_path(name.into()).is_some();
            is_tracked
                .then(|| "tracked by git: whoever has the repository has its values".to_owned())
        }
        Err(_) => Some(format!(
            "the index of the repository can't be read ({}), so it is unknown whether git tracks the file",
            index.display()
        )),
    }
}

/// The root of the work tree around a file, and its git directory. In a work tree of its own or
/// a submodule, `.git` is a file that names it.
fn repository(path: &Path) -> Option<(PathBuf, PathBuf)> {
    for root in path.ancestors().skip(1) {
        let git = root.join(".git");
        if git.is_dir() {
            return Some((root.to_owned(), git));
        }
        // Reading a FIFO of that name would wait for ever.
        if git.is_file()
            && let Ok(text) = fs::read_to_string(&git)
        {
            let named = text.strip_prefix("gitdir:")?.trim();
            return Some((root.to_owned(), root.join(named)));
        }
    }
    None
}

//! Whether git tracks a file, read from its index.
//!
//! Git itself is never run: a hostile repository's configuration names programs that it starts
//! (`core.fsmonitor`). What is no regular file there is not opened: reading a FIFO would wait for
//! ever.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{ErrorKind, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use gix_config::file::{Metadata, init::Options};
use gix_index::{decode, hash::Kind};

use crate::{finding::Finding, shell};

/// What is wrong with a file that stands in the index of the repository around it, or that may:
/// nothing of one that does not, or that is in no repository.
pub(super) fn by_git(path: &Path) -> Option<Finding> {
    let (message, hints) = match is_tracked(&fs::canonicalize(path).ok()?) {
        Ok(false) => return None,
        Ok(true) => (
            "tracked by git: whoever has the repository has its values".to_owned(),
            vec![
                format!(
                    "take it out and ignore it: `git rm --cached -- {}`, then a line in .gitignore",
                    shell::word(&path.display().to_string())
                ),
                "every value that was ever in it must be rotated".to_owned(),
            ],
        ),
        Err(Unknown(why)) => (
            format!("{why}, so it is unknown whether git tracks the file"),
            vec![
                "if you believe the repository, `git ls-files` lists the files that it tracks"
                    .to_owned(),
            ],
        ),
    };
    Some(Finding {
        subject: path.display().to_string(),
        message,
        place: None,
        line: None,
        hints,
    })
}

/// Why nobody can say it.
struct Unknown(String);

fn unknown(what: &str, path: &Path) -> Unknown {
    Unknown(format!("the repository's {what} ({})", path.display()))
}

fn is_tracked(path: &Path) -> Result<bool, Unknown> {
    let Some((root, directory)) = repository(path)? else {
        return Ok(false);
    };
    let index = directory.join("index");
    if !is_there(&index)? {
        return Ok(false);
    }
    refuse_shared(&directory)?;
    let broken = || unknown("index can't be read", &index);
    let format = object_format(&directory)?;
    let file = gix_index::File::at(&index, format, true, decode::Options::default())
        .map_err(|_| broken())?;
    let name = path.strip_prefix(&root).map_err(|_| broken())?;
    let name = name.as_os_str().as_encoded_bytes();
    // With a conflict it stands there more than once, at other stages.
    let mut entries = file.entries().iter();
    Ok(entries.any(|entry| entry.path(&file) == name))
}

/// The root of the work tree around a file, and its git directory. In a work tree of its own or
/// a submodule, `.git` is a file that names it.
fn repository(path: &Path) -> Result<Option<(PathBuf, PathBuf)>, Unknown> {
    for root in path.ancestors().skip(1) {
        let git = root.join(".git");
        if git.is_dir() {
            return Ok(Some((root.to_owned(), git)));
        }
        if git.is_file() {
            let bytes = content(&git, ".git can't be read")?.unwrap_or_default();
            let named = bytes.strip_prefix(b"gitdir:").map(as_path);
            return Ok(named.map(|named| (root.to_owned(), root.join(named))));
        }
    }
    Ok(None)
}

/// Parts of an index that several share, which the library opens as it finds them named.
fn refuse_shared(directory: &Path) -> Result<(), Unknown> {
    let entries = fs::read_dir(directory).map_err(|_| unknown("can't be listed", directory))?;
    for entry in entries.flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(b"sharedindex.")
        {
            is_there(&entry.path())?;
        }
    }
    Ok(())
}

/// How its objects, and so the entries of its index, are named. The configuration of a work tree
/// of its own is that of the repository.
fn object_format(directory: &Path) -> Result<Kind, Unknown> {
    let common = content(&directory.join("commondir"), "commondir can't be read")?;
    let common = directory.join(common.as_deref().map_or(Path::new(""), as_path));
    let path = common.join("config");
    let broken = "configuration can't be read";
    let Some(config) = content(&path, broken)? else {
        return Ok(Kind::Sha1);
    };
    let config =
        gix_config::File::from_bytes_no_includes(&config, Metadata::api(), Options::default())
            .map_err(|_| unknown(broken, &path))?;
    match config.string("extensions.objectFormat") {
        None => Ok(Kind::Sha1),
        Some(format) => match &**format {
            b"sha1" => Ok(Kind::Sha1),
            b"sha256" => Ok(Kind::Sha256),
            _ => Err(unknown("object format is unknown", &path)),
        },
    }
}

/// Whether there is such a file; what is there and can't be read as one is an error.
fn is_there(path: &Path) -> Result<bool, Unknown> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(true),
        Ok(_) => Err(Unknown(format!("{} is not a regular file", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => {
            let reason = crate::manifest::reason(&error);
            Err(Unknown(format!("{}: {reason}", path.display())))
        }
    }
}

/// Longer ones are not git's.
const LONGEST: u64 = 1 << 20;

/// The bytes of a small file, where there is one.
fn content(path: &Path, broken: &str) -> Result<Option<Vec<u8>>, Unknown> {
    if !is_there(path)? {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
        .map_err(|_| unknown(broken, path))?;
    Ok(Some(bytes))
}

fn as_path(line: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(line.trim_ascii()))
}

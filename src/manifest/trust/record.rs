//! Where trust is recorded.

use std::{
    ffi::OsString,
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::hex;
use crate::manifest::load::reason;

/// One file a manifest, below the home directory and nowhere else, so
/// that no other variable can point to a prepared record.
fn record(home: &Path, manifest: &Path) -> PathBuf {
    let mut hash = Sha256::new();
    hash.update(manifest.as_os_str().as_encoded_bytes());
    home.join(".local/state/endow/trust")
        .join(hex(&hash.finalize()))
}

/// The manifest as it is named in its own directory. A link is not followed: relative places
/// start beside the link, so that what it names there is another manifest.
fn located(manifest: &Path) -> PathBuf {
    let directory = manifest.parent().map(fs::canonicalize);
    match (directory, manifest.file_name()) {
        (Some(Ok(directory)), Some(name)) => directory.join(name),
        _ => manifest.to_owned(),
    }
}

/// Whether this digest is recorded for the manifest.
pub fn is_recorded(home: Option<&Path>, manifest: &Path, digest: &str) -> bool {
    let Some(home) = home else { return false };
    fs::read_to_string(record(home, &located(manifest)))
        .is_ok_and(|text| text.lines().next() == Some(digest))
}

/// Records the digest. The record is whole or not there: it is written beside and renamed.
pub fn store(home: Option<&Path>, manifest: &Path, digest: &str) -> Result<(), String> {
    let home = home.ok_or("HOME is not set, so there is no place to record it")?;
    let manifest = located(manifest);
    let path = record(home, &manifest);
    let directory = path.parent().unwrap_or(home);
    let fail = |error: std::io::Error| format!("{}: {}", directory.display(), reason(&error));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(fail)?;
    let mut name = OsString::from(path.as_os_str());
    name.push(format!(".{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&name)
        .map_err(fail)?;
    let written = writeln!(file, "{digest}\n{}", manifest.display()).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&name, &path)) {
        // The half-written file is ours alone; that it can't be removed either changes nothing.
        let _ = fs::remove_file(&name);
        return Err(fail(error));
    }
    Ok(())
}

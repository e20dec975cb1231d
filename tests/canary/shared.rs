//! The directories that every program can write to: what is new there since a moment.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use super::value::{Canary, Search};

const DIRECTORIES: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
/// What these tests themselves make there; a case looks into its own.
const OURS: &str = "endow-";
/// A file of values has less.
const MOST: u64 = 64 << 20;

/// A moment, and the canaries that were there since.
pub(crate) struct Shared {
    began: i64,
    canaries: Mutex<Vec<Canary>>,
}

impl Shared {
    pub(crate) fn begin() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = since.expect("a time after 1970").as_secs();
        Self {
            began: i64::try_from(seconds).expect("a time of these days"),
            canaries: Mutex::default(),
        }
    }

    pub(crate) fn add(&self, canaries: impl IntoIterator<Item = Canary>) {
        self.canaries.lock().expect("the canaries").extend(canaries);
    }

    /// Searches all of them in all that is new.
    #[track_caller]
    pub(crate) fn end(self) {
        let found = self.found();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// What of them stands in what is new.
    #[track_caller]
    pub(crate) fn found(self) -> Vec<String> {
        let canaries = self.canaries.into_inner().expect("the canaries");
        assert!(!canaries.is_empty(), "nothing was run");
        let search = Search::of(&canaries);
        let new = DIRECTORIES
            .iter()
            .flat_map(|directory| new_files(Path::new(directory), self.began));
        let said = new.filter_map(|path| {
            let found = search.find(&fs::read(&path).unwrap_or_default());
            (!found.is_empty()).then(|| format!("{}: {found:?}", path.display()))
        });
        said.collect()
    }
}

/// The files below a directory that were made or changed since then.
fn new_files(directory: &Path, began: i64) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_ours = entry.file_name().to_string_lossy().starts_with(OURS);
            // What is gone meanwhile is another test's.
            let Ok(data) = path.symlink_metadata() else {
                continue;
            };
            if data.is_dir() && !is_ours {
                open.push(path);
            } else if data.is_file() && data.ctime() >= began && data.len() < MOST && !is_ours {
                found.push(path);
            }
        }
    }
    found
}

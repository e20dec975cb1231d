//! Finding a helper: in the absolute directories of PATH, and never in the repository that the
//! manifest came with.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use crate::Helpers;

impl Helpers {
    /// The program `name` of a PATH.
    pub(crate) fn find(&self, name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
        self.directories(path)
            .map(|directory| directory.join(name))
            .find(|program| is_program(program) && !self.is_in_repository(program))
    }

    /// The PATH that helpers get: what is searched here.
    pub(crate) fn path(&self, path: Option<&OsStr>) -> OsString {
        // A directory whose name can't stand in a PATH did not come from one.
        env::join_paths(self.directories(path)).unwrap_or_default()
    }

    fn directories<'a>(&'a self, path: Option<&'a OsStr>) -> impl Iterator<Item = PathBuf> + 'a {
        env::split_paths(path.unwrap_or_default())
            .filter(|directory| directory.is_absolute() && !self.is_in_repository(directory))
    }

    fn is_in_repository(&self, path: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.repositories.iter().any(|repository| {
            path.starts_with(repository) || real(path).starts_with(real(repository))
        })
    }
}

/// Whether a path is a file that this user may execute.
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

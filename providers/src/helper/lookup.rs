//! Finding a helper: in the absolute directories of PATH, and never in the project that the
//! manifest came with.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Component, Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use crate::Helpers;

impl Helpers {
    /// The program `name` of a PATH.
    pub(crate) fn find(&self, name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
        self.directories(path)
            .map(|directory| directory.join(name))
            .find(|program| is_program(program) && !self.is_in_project(program))
    }

    /// What to do where [`Self::find`] finds nothing, but the project has such a program in PATH.
    pub(crate) fn hint_of_project(&self, name: &str) -> Option<String> {
        let mut programs = self
            .passed_over
            .iter()
            .map(|directory| directory.join(name));
        let found = programs.find(|program| is_program(program))?;
        Some(format!(
            "`{}` belongs to the project, so it is not started; install it outside of the project",
            found.display()
        ))
    }

    /// The PATH that helpers get: what is searched here.
    pub(crate) fn path(&self, path: Option<&OsStr>) -> OsString {
        // A directory whose name can't stand in a PATH did not come from one.
        env::join_paths(self.directories(path)).unwrap_or_default()
    }

    /// Takes the project's directories out of the PATH that helpers are started with: what they start
    /// in their turn is not the project's either.
    pub fn leave_project(&mut self) {
        let Some(at) = self.base.iter().position(|(name, _)| name == "PATH") else {
            return;
        };
        let path = std::mem::take(&mut self.base[at].1);
        let directories = env::split_paths(&path);
        let passed_over = directories.filter(|directory| self.is_in_project(directory));
        self.passed_over = passed_over.collect();
        self.base[at].1 = self.path(Some(&path));
    }

    /// Whether a program belongs to the project, as it is named or behind its links.
    pub(crate) fn is_in_project(&self, path: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // `..` is followed by the system, and is only text here.
        let is_plain = !path.components().any(|part| part == Component::ParentDir);
        self.project.iter().any(|directory| {
            is_plain && path.starts_with(directory) || real(path).starts_with(real(directory))
        })
    }

    fn directories<'a>(&'a self, path: Option<&'a OsStr>) -> impl Iterator<Item = PathBuf> + 'a {
        env::split_paths(path.unwrap_or_default())
            .filter(|directory| directory.is_absolute() && !self.is_in_project(directory))
    }
}

/// Whether a path is a file that this user may execute.
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

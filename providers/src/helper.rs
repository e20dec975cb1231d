//! Running helper programs: `op`, programs of the user's own, token helpers.
//!
//! A helper is started without a shell, with an environment that its caller builds from nothing,
//! in a process group of its own. Its input and output are pipes; what it says is bounded and
//! wiped; at its end, at the deadline, and when endow is ended, the whole group is killed.
//!
//! Threads, and not tokio's processes: those need a reactor and a handler of SIGCHLD, which the
//! command would be started with, and a run without network needs neither. A job is a thread that
//! may run several helpers one after the other (`op` is asked again without a bad reference), and
//! a future that any executor can wait for.

mod buffer;
mod groups;
mod lookup;
mod run;
mod terminal;
#[cfg(test)]
mod tests;
mod work;

use std::{ffi::OsString, path::PathBuf};

pub use groups::Groups;
pub(crate) use {
    buffer::Buffer,
    lookup::is_program,
    run::{Call, Ended, Failure, Output, Status},
    work::{Cancel, work},
};

/// What a backend needs to run programs.
#[derive(Clone, Debug)]
pub struct Helpers {
    /// The groups of those that run, which the launcher kills when a signal ends it.
    pub groups: &'static Groups,
    /// The part of the launcher's environment that any program may have: the base set.
    pub base: Vec<(OsString, OsString)>,
    /// Names, or globs, of the variables that hold static credentials, and whose they are: those of
    /// every type of backend, and those that a backend of the manifest is given. No glob of another
    /// one brings one in.
    pub credentials: Vec<(String, String)>,
    /// The directories of the project that the manifest comes from: no program is looked up there.
    pub project: Vec<PathBuf>,
    /// The directories of PATH that were left out because they are the project's.
    pub passed_over: Vec<PathBuf>,
}

impl Default for Helpers {
    fn default() -> Self {
        static GROUPS: Groups = Groups::new();
        Self {
            groups: &GROUPS,
            base: Vec::new(),
            credentials: Vec::new(),
            project: Vec::new(),
            passed_over: Vec::new(),
        }
    }
}

//! File values: the variable holds a path, and what stands there is in memory alone.
//!
//! A sealed memory file has a descriptor that survives `execve`. Its path is `/proc/PID/fd/N` with
//! the child's process id: a descendant that was started without its descriptors (npm, Python's
//! subprocess) opens the child's, and `/proc/self` would be its own. Opening the path gives
//! everybody a position of its own, so it can be read twice.
//!
//! A file on tmpfs is for programs that outlive the process that was started, or want a name.
//! Somebody must remove it, so endow stays for it.
//!
//! Where there are no memory files a FIFO is served, for which endow stays too.

mod directory;
#[cfg(any(not(target_os = "linux"), test))]
mod fifo;

#[cfg(target_os = "linux")]
use std::ffi::CString;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use endow_providers::Secret;

use self::directory::{Directory, Holds};
pub use self::directory::{RUNTIME, sweep};
#[cfg(not(target_os = "linux"))]
use self::fifo::Fifo;
#[cfg(target_os = "linux")]
use crate::sys::memory;
use crate::{
    error::Error,
    manifest::{document::FileDelivery, reason},
    sys::{alive::Process, child, process::file_limit, user},
};

#[cfg(target_os = "linux")]
const NO_PROC: &str = "there is no /proc here, and the command could not open it: mount /proc, or write \
    `as: { file: tmpfs }`";

/// Who may read one where the manifest says nothing: its owner.
const MODE: u32 = 0o400;

/// One value that is wanted as a file.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The variable.
    pub variable: &'a str,
    /// How.
    pub delivery: &'a FileDelivery,
    /// What stands in it.
    pub value: Secret,
}

/// The files of one run.
#[derive(Debug, Default)]
pub struct Files {
    memory: Vec<(String, OwnedFd)>,
    tmpfs: Vec<(String, String)>,
    #[cfg(not(target_os = "linux"))]
    fifos: Vec<(String, Fifo)>,
    directory: Option<Directory>,
}

impl Files {
    /// Writes all of them. `runtime` is what [`RUNTIME`] names, `owner` whose they are unless
    /// the manifest says it.
    pub fn create(
        wanted: &[Wanted<'_>],
        runtime: Option<&OsStr>,
        owner: Option<u32>,
    ) -> Result<Self, Error> {
        let mut files = Self::default();
        for file in wanted {
            let refused = |reason: String| Error::FileNotMade {
                variable: file.variable.to_owned(),
                reason,
            };
            let owner = match &file.delivery.owner {
                Some(name) => Some(
                    user::id(name).ok_or_else(|| refused(format!("there is no user `{name}`")))?,
                ),
                None => owner,
            };
            files.add(file, runtime, owner).map_err(refused)?;
        }
        Ok(files)
    }

    fn add(
        &mut self,
        file: &Wanted<'_>,
        runtime: Option<&OsStr>,
        owner: Option<u32>,
    ) -> Result<(), String> {
        let name = file.delivery.name.as_deref().unwrap_or(file.variable);
        let mode = file.delivery.mode.unwrap_or(MODE);
        let bytes = file.value.expose();
        let variable = file.variable.to_owned();
        if file.delivery.is_tmpfs {
            let path = self
                .directory(runtime, Holds::Values)?
                .write(file.variable, name, bytes, mode, owner)
                .map_err(|error| not_written(&error, bytes.len()))?;
            self.tmpfs.push((variable, path));
            return Ok(());
        }
        #[cfg(not(target_os = "linux"))]
        {
            let part = self
                .directory(runtime, Holds::Pipes)?
                .part(file.variable, fifo::SHUT, owner)
                .map_err(|error| reason(&error))?;
            let fifo = Fifo::serve(part.join(name), &file.value, mode, owner);
            self.fifos
                .push((variable, fifo.map_err(|error| reason(&error))?));
        }
        #[cfg(target_os = "linux")]
        {
            // A name can't hold a NUL: the manifest refuses it.
            let name = CString::new(name).unwrap_or_default();
            let sealed = memory::sealed(&name, bytes, mode, owner)
                .map_err(|error| not_written(&error, bytes.len()))?;
            // Its path is one of `/proc`, which a chroot may not have.
            let path = format!("/proc/self/fd/{}", sealed.as_raw_fd());
            if std::fs::metadata(path).is_err() {
                return Err(NO_PROC.to_owned());
            }
            self.memory.push((variable, sealed));
        }
        Ok(())
    }

    fn directory(
        &mut self,
        runtime: Option<&OsStr>,
        holds: Holds,
    ) -> Result<&mut Directory, String> {
        let made = match self.directory.take() {
            Some(made) => made,
            None => Directory::create(runtime, holds)?,
        };
        Ok(self.directory.insert(made))
    }

    /// Each variable and its path, where `process` is the one that was started.
    pub fn paths(&self, process: i32) -> impl Iterator<Item = (&str, String)> {
        let memory = self.memory.iter().map(move |(variable, descriptor)| {
            let path = format!("/proc/{process}/fd/{}", descriptor.as_raw_fd());
            (variable.as_str(), path)
        });
        let tmpfs = self.tmpfs.iter();
        let paths = memory.chain(tmpfs.map(|(variable, path)| (variable.as_str(), path.clone())));
        #[cfg(not(target_os = "linux"))]
        let paths = {
            let fifos = self.fifos.iter();
            paths.chain(fifos.map(|(variable, fifo)| (variable.as_str(), fifo.path())))
        };
        paths
    }

    /// The same for this process.
    pub fn own_paths(&self) -> impl Iterator<Item = (&str, String)> {
        self.paths(child::own_id())
    }

    /// Records the command, which those on tmpfs last as long as. Where that can't be written, they last as
    /// long as endow.
    pub(super) fn belong_to(&self, command: Process) {
        if let Some(directory) = &self.directory {
            let _ = directory.belong_to(command);
        }
    }

    /// The child has what is in memory.
    pub(super) fn forget_memory(&mut self) {
        self.memory.clear();
    }

    /// Writes new values to the files on tmpfs, each put into its place at once.
    pub(super) fn rewrite(&self, values: &BTreeMap<String, Option<Secret>>) {
        for (variable, path) in &self.tmpfs {
            if let Some(Some(value)) = values.get(variable) {
                // The old one stays where it can't be replaced.
                let _ = directory::replace(path, value.expose());
            }
        }
        #[cfg(not(target_os = "linux"))]
        for (variable, fifo) in &self.fifos {
            if let Some(Some(value)) = values.get(variable) {
                fifo.set(value);
            }
        }
    }
}

/// Why a file of so many bytes was not written.
fn not_written(error: &io::Error, size: usize) -> String {
    if error.kind() == io::ErrorKind::FileTooLarge {
        let limit = file_limit();
        format!(
            "it has {size} bytes, and no file may have more than {limit} here (`ulimit -f`, \
             systemd's LimitFSIZE=)"
        )
    } else {
        reason(error)
    }
}

//! A directory for one run, removed with it: on tmpfs for values, anywhere for pipes.
//!
//! `BASE/endow-UID/RUN/VARIABLE/NAME`; `endow-UID.RANDOM` where another user made the first. A run holds a lock on its directory as long as it lives,
//! so that one without a holder is known to be left from a run that was killed: the next run of
//! the same user removes it, once the command is gone too.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{Flock, FlockArg},
    libc::O_NOFOLLOW,
};

use crate::sys::{alive::Process, child::own_id, memory, process::effective_user};

/// The variable that names the directory of this user.
pub const RUNTIME: &str = if memory::ARE_THERE {
    "XDG_RUNTIME_DIR"
} else {
    "TMPDIR"
};
/// Where it is not set, or is on a disk.
const SHARED: &str = if memory::ARE_THERE {
    "/dev/shm"
} else {
    "/tmp"
};
/// Others may go through, to files that are theirs, and list nothing.
const THROUGH: u32 = 0o711;
/// A sweep of another run can take a directory before it is locked.
const TRIES: u32 = 8;
/// Names the command of a run; no variable has such a name.
const COMMAND: &str = ".command";

/// What stands in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Values: it must be memory.
    Values,
    /// Pipes, which store nothing. Their directory is shut to others.
    #[cfg(any(not(target_os = "linux"), test))]
    Pipes,
}

/// The directory of this run.
#[derive(Debug)]
pub(in crate::launch) struct Directory {
    path: PathBuf,
    /// The lock that says that the run lives.
    _lock: Flock<File>,
}

impl Directory {
    pub(super) fn create(runtime: Option<&OsStr>, holds: Holds) -> Result<Self, String> {
        let mut reasons = Vec::new();
        for base in bases(runtime) {
            match Self::below(&base, holds) {
                Ok(directory) => return Ok(directory),
                Err(reason) => reasons.push(format!("{}: {reason}", base.display())),
            }
        }
        let place = match holds {
            Holds::Values => "tmpfs to write it to",
            #[cfg(any(not(target_os = "linux"), test))]
            Holds::Pipes => "directory for its pipe",
        };
        Err(format!("no {place}: {}", reasons.join("; ")))
    }

    fn below(base: &Path, holds: Holds) -> Result<Self, String> {
        let reason = |error: io::Error| crate::manifest::reason(&error);
        let opened = File::open(base).map_err(reason)?;
        if holds == Holds::Values && !memory::holds(&opened) {
            return Err("it is no tmpfs".to_owned());
        }
        let own = own_or_private(base).map_err(reason)?;
        for attempt in 0..TRIES {
            let path = own.join(format!("{}-{attempt}", own_id()));
            let made = DirBuilder::new().mode(THROUGH).create(&path);
            if made.is_ok()
                && let Some(lock) = lock(&path)
                && path.is_dir()
            {
                // The umask takes away from what a directory is made with.
                for directory in [&own, &path] {
                    fs::set_permissions(directory, Permissions::from_mode(THROUGH))
                        .map_err(reason)?;
                }
                return Ok(Self { path, _lock: lock });
            }
        }
        Err("no directory can be made there".to_owned())
    }

    /// Records whose files they are: they last as long as the command, whatever becomes of endow.
    pub(in crate::launch) fn belong_to(&self, command: Process) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path.join(COMMAND))?;
        file.write_all(command.line().as_bytes())
    }

    /// A directory for one variable.
    pub(super) fn part(
        &self,
        variable: &str,
        mode: u32,
        owner: Option<u32>,
    ) -> io::Result<PathBuf> {
        let part = self.path.join(variable);
        DirBuilder::new().mode(mode).create(&part)?;
        fs::set_permissions(&part, Permissions::from_mode(mode))?;
        if let Some(owner) = owner {
            chown(&part, Some(owner), None)?;
        }
        Ok(part)
    }

    /// Writes one file; the result is its path.
    pub(super) fn write(
        &self,
        variable: &str,
        name: &str,
        bytes: &[u8],
        mode: u32,
        owner: Option<u32>,
    ) -> io::Result<String> {
        let path = self.part(variable, THROUGH, None)?.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        if let Some(owner) = owner {
            fchown(&file, Some(owner), None)?;
        }
        Ok(path.display().to_string())
    }
}

/// Replaces a file, for the same readers.
pub(super) fn replace(path: &str, bytes: &[u8]) -> io::Result<()> {
    let before = fs::metadata(path)?;
    let new = format!("{path}.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.set_permissions(before.permissions()))
        .and_then(|()| fchown(&file, Some(before.uid()), None))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        fs::remove_file(&new)?;
    }
    written
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What can't be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what runs of this user left that were killed.
pub fn sweep(runtime: Option<&OsStr>) {
    for base in bases(runtime) {
        for own in own_directories(&base) {
            let entries = fs::read_dir(&own).into_iter().flatten();
            for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
                // Held by a run that lives, or gone meanwhile.
                if let Some(_lock) = lock(&path)
                    && !has_command(&path)
                {
                    let _ = fs::remove_dir_all(&path);
                }
            }
        }
    }
}

/// Whether the command of a run lives on without it.
fn has_command(path: &Path) -> bool {
    let text = fs::read_to_string(path.join(COMMAND)).unwrap_or_default();
    Process::of_lines(&text).is_some_and(Process::lives)
}

fn bases(runtime: Option<&OsStr>) -> impl Iterator<Item = PathBuf> {
    let runtime = runtime.map(PathBuf::from).filter(|path| path.is_absolute());
    runtime.into_iter().chain([PathBuf::from(SHARED)])
}

/// The directory of this user, made where it is not there. Everybody may make one of that name: where
/// another user did, one with a name that nobody could foresee.
fn own_or_private(base: &Path) -> io::Result<PathBuf> {
    let own = base.join(own_name());
    match DirBuilder::new().mode(THROUGH).create(&own) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if is_ours(&own) {
        return Ok(own);
    }
    if let Some(earlier) = own_directories(base).next() {
        return Ok(earlier);
    }
    let template = base.join(format!("{}.{}", own_name(), "X".repeat(6)));
    let private = nix::unistd::mkdtemp(&template)?;
    fs::set_permissions(&private, Permissions::from_mode(THROUGH))?;
    Ok(private)
}

fn own_name() -> String {
    format!("endow-{}", effective_user())
}

/// The directories of this user: the usual one, and private ones.
fn own_directories(base: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let name = own_name();
    let private = format!("{name}.");
    let entries = fs::read_dir(base).into_iter().flatten();
    let entries = entries.filter_map(Result::ok).filter(move |entry| {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        *other == *name || other.starts_with(&private)
    });
    entries
        .map(|entry| entry.path())
        .filter(|path| is_ours(path))
}

/// Everybody may write to /dev/shm: a directory of another user, or a link, is not believed.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == effective_user())
}

/// The lock of a run's directory, where nobody holds it.
fn lock(path: &Path) -> Option<Flock<File>> {
    let directory = OpenOptions::new()
        .read(true)
        .custom_flags(O_NOFOLLOW)
        .open(path);
    Flock::lock(directory.ok()?, FlockArg::LockExclusiveNonblock).ok()
}

//! One request to a person at a time: several endows that start together wait in turn.
//!
//! The first is approved, and the app lets the others through. The lock is an empty file in a
//! directory that only the user can write; the kernel gives it back when its holder ends, however
//! that happens. Where there is no such directory, nobody waits.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::{
    fcntl::{Flock, FlockArg, OFlag},
    unistd::geteuid,
};

use crate::{Class, Fault, helper::Cancel};

/// How often a held lock is tried.
const TRIES: Duration = Duration::from_millis(50);
/// Others may write in it.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The turn; it ends on drop.
pub(super) struct Lock {
    _file: Flock<File>,
}

/// Waits for the turn at an account.
pub(super) fn wait(
    account: &str,
    environment: &[(OsString, OsString)],
    end: Instant,
    cancel: &Cancel,
) -> Result<Option<Lock>, Fault> {
    let Some(mut file) = directory(environment).and_then(|directory| open(&directory, account))
    else {
        return Ok(None);
    };
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => return Ok(Some(Lock { _file: file })),
            Err((again, _)) => file = again,
        }
        if Instant::now() >= end || cancel.is_cancelled() {
            return Err(Fault::new(
                Class::TimedOut,
                "another endow waits for 1Password's approval, and did not end in time",
            )
            .hinted("approve its request first"));
        }
        thread::sleep(TRIES);
    }
}

/// `$XDG_RUNTIME_DIR/endow`, else `$XDG_STATE_HOME/endow`, else `~/.local/state/endow`.
fn directory(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let variable = |name: &str| {
        let found = environment.iter().find(|(other, _)| other == name);
        found
            .map(|(_, value)| PathBuf::from(value))
            .filter(|path| path.is_absolute())
    };
    let runtime = variable("XDG_RUNTIME_DIR").filter(|path| is_own(path));
    let state =
        || variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    let directory = runtime.or_else(state)?.join("endow");
    // What is there already need not be made; what can't be made is not there.
    let _ = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory);
    is_own(&directory).then_some(directory)
}

fn is_own(directory: &Path) -> bool {
    fs::symlink_metadata(directory).is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == geteuid().as_raw()
            && metadata.mode() & WRITABLE_BY_OTHERS == 0
    })
}

fn open(directory: &Path, account: &str) -> Option<File> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-.".contains(character);
    let name = account.replace(|character| !is_plain(character), "_");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(directory.join(format!("op-{name}.lock")))
        .ok()
}

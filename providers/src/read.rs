//! Reading a file under a deadline, wherever it lies.
//!
//! A thread that nobody waits for opens and reads, so that a mount that hangs hangs a thread and
//! not the launcher. A FIFO, a pipe or a terminal is polled until the deadline. A read that the
//! kernel can't interrupt (FUSE, NFS) is not ended here: the future then stays pending, and the
//! executor, which has the same deadline, drops it; a timer for the usual file would cost a
//! second thread.

mod source;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    future::Future,
    io,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use nix::errno::Errno;

use crate::{Absence, Address, Answer, Class, Fault, Metadata, Reply, Secret, oneshot};
use source::{Scope, Source};

/// The paths that name standard input.
pub const STANDARD_INPUT: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
/// The largest file that is read.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// What a file holds.
pub(crate) struct Content {
    /// The bytes. They can hold values, and wait here for slower files.
    pub(crate) bytes: Secret,
    /// Whether every user of this machine may read it. Only regular files are looked at.
    pub(crate) is_readable_by_others: bool,
    /// Changes when the content does; `None` for what is no regular file.
    pub(crate) version: Option<String>,
}

/// Why there is no content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing stands at the path.
    NotFound,
    /// Only a regular file was asked for, and it is something else. It was not read.
    NotRegular,
    /// Anything else.
    Fault(Fault),
}

impl Failure {
    /// The answer to an address whose locator is `path`.
    pub(crate) fn answer(&self, path: &str) -> Answer {
        match self {
            Self::NotFound => Ok(Reply::Absent(Absence {
                what: format!("no file `{path}`"),
                keys: Vec::new(),
            })),
            Self::NotRegular => Err(Fault::new(
                Class::Malformed,
                format!("`{path}` is not a regular file"),
            )),
            Self::Fault(fault) => Err(fault.clone()),
        }
    }
}

/// Starts reading `path` now, not when the future is first polled; several started before the
/// first is awaited are read at the same time.
pub(crate) fn read(
    path: PathBuf,
    deadline: Instant,
) -> impl Future<Output = Result<Content, Failure>> {
    start(path, deadline, Scope::Any)
}

/// The same for regular files alone: reading one takes nothing from anyone, as it would from a
/// FIFO.
pub(crate) fn read_regular(
    path: PathBuf,
    deadline: Instant,
) -> impl Future<Output = Result<Content, Failure>> {
    start(path, deadline, Scope::Regular)
}

/// Reads every file that the batch names with [`read`] or [`read_regular`], each once and all at
/// the same time, in the order in which they first occur.
pub(crate) async fn read_each<F>(
    batch: &[Address],
    start: impl Fn(PathBuf) -> F,
) -> Vec<(&str, F::Output)>
where
    F: Future<Output = Result<Content, Failure>>,
{
    let mut seen = HashSet::new();
    let started: Vec<_> = batch
        .iter()
        .map(|address| address.locator.as_str())
        .filter(|path| seen.insert(*path))
        .map(|path| (path, start(path.into())))
        .collect();
    let mut contents = Vec::with_capacity(started.len());
    for (path, content) in started {
        contents.push((path, content.await));
    }
    contents
}

/// What an answer says of the value without the value.
pub(crate) fn described(answer: Answer) -> Result<Result<Metadata, Absence>, Fault> {
    Ok(match answer? {
        Reply::Value(value) => Ok(value.metadata),
        Reply::Absent(absence) => Err(absence),
    })
}

fn start(
    path: PathBuf,
    deadline: Instant,
    scope: Scope,
) -> impl Future<Output = Result<Content, Failure>> {
    let (sender, receiver) = oneshot::channel();
    let named = path.clone();
    let spawned = thread::Builder::new()
        .name("endow-read".into())
        .spawn(move || sender.send(Source::open(&path, deadline, scope).and_then(Source::content)))
        .map(drop);
    async move {
        spawned.map_err(|error| failure(&named, &error))?;
        let gone = || {
            fault(
                Class::Unreachable,
                format!("the thread that read `{}` ended early", named.display()),
            )
        };
        receiver.await.unwrap_or_else(|| Err(gone()))
    }
}

fn fault(class: Class, message: String) -> Failure {
    Failure::Fault(Fault::new(class, message))
}

/// What an error of the operating system means for a reader.
fn failure(path: &Path, error: &io::Error) -> Failure {
    let name = path.display();
    let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
        return fault(
            Class::Unreachable,
            format!("`{name}` could not be read: {}", error.kind()),
        );
    };
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => Failure::NotFound,
        Errno::EISDIR => is_a_directory(path),
        Errno::EACCES | Errno::EPERM => fault(
            Class::Denied { permission: None },
            format!("`{name}` may not be read by this user"),
        ),
        other => fault(
            Class::Unreachable,
            format!("`{name}` could not be read: {}", other.desc()),
        ),
    }
}

fn is_a_directory(path: &Path) -> Failure {
    fault(
        Class::Malformed,
        format!("`{}` is a directory", path.display()),
    )
}

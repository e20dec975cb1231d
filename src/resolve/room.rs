//! Whether there is room for a runtime: where the system has no thread or descriptor for it, it
//! panics.

use std::{
    fs::{File, OpenOptions},
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
    time::Duration,
};

use endow_providers::{Class, Fault};
use nix::errno::Errno;
use tokio::{
    io::AsyncWrite,
    runtime::{Builder, Runtime},
};

/// The runtime opens six, and a connection is one.
const DESCRIPTORS: usize = 8;
/// While one thread of the pool lives, work that gets none of its own waits for it, instead of
/// a panic.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// A runtime, and one thread for what blocks.
pub(super) fn runtime() -> Result<Runtime, Fault> {
    probe_descriptors().map_err(|error| no_descriptor(&error))?;
    probe_threads().map_err(|error| no_thread(&error))?;
    let mut builder = Builder::new_current_thread();
    let builder = builder.enable_all().thread_keep_alive(FOREVER);
    let runtime = builder.build().map_err(|error| no_descriptor(&error))?;
    start_pool(&runtime).map_err(|error| no_thread(&error))?;
    Ok(runtime)
}

/// Starts the first thread of the pool. A write to a file is the one kind of work whose caller is
/// told that there is no thread; for any other that is a panic, and what a probe was given a moment
/// ago another process may have by now.
fn start_pool(runtime: &Runtime) -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    let _inside = runtime.enter();
    let mut file = tokio::fs::File::from_std(null);
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(&mut file).poll_write(&mut context, b"0") {
        // The runtime does not tell the system's reason, and there is one.
        Poll::Ready(Err(_)) => Err(Errno::EAGAIN.into()),
        Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
    }
}

fn probe_descriptors() -> io::Result<()> {
    let first = File::open("/dev/null")?;
    let others = (1..DESCRIPTORS).map(|_| first.try_clone());
    others.collect::<io::Result<Vec<_>>>().map(drop)
}

fn probe_threads() -> io::Result<()> {
    let thread: JoinHandle<()> = thread::Builder::new().spawn(|| {})?;
    // It does nothing, and ends at once.
    let _ = thread.join();
    Ok(())
}

fn no_descriptor(error: &io::Error) -> Fault {
    refused("open no more files", error)
        .hinted("raise the limit of open files: `ulimit -n`; 64 are enough for endow")
}

fn no_thread(error: &io::Error) -> Fault {
    refused("start no thread", error).hinted(
        "raise the limit of processes and threads (`ulimit -u`, or `pids.max` of the container), \
         or of memory (`ulimit -v`)",
    )
}

fn refused(what: &str, error: &io::Error) -> Fault {
    let reason = crate::manifest::reason(error);
    let message = format!("the system lets endow {what}: {reason}");
    Fault::new(Class::Unreachable, message)
}

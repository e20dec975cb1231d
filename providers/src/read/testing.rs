//! What the tests of this crate share: an executor without a runtime, and a directory of their
//! own beside the test binary, removed afterwards.

use std::{
    env, fs,
    future::Future,
    path::{Path, PathBuf},
    pin::pin,
    process,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use crate::{Address, Field, Limits};

/// Runs a future on this thread, parked between polls.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Limits that end after `milliseconds`, without a terminal.
pub(crate) fn limits(milliseconds: u64) -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_millis(milliseconds),
        approval: None,
    }
}

/// The address `locator#name`.
pub(crate) fn named(locator: &str, name: &str) -> Address {
    Address {
        field: Some(Field::Name(name.into())),
        ..plain(locator)
    }
}

/// The address `locator`.
pub(crate) fn plain(locator: &str) -> Address {
    Address {
        locator: locator.into(),
        field: None,
        options: Vec::new(),
    }
}

/// The same address with the option `name=value`.
pub(crate) fn with(mut address: Address, name: &str, value: &str) -> Address {
    address.options.push((name.into(), value.into()));
    address
}

/// An empty directory that is gone after the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let binary = env::current_exe().unwrap();
        let directory = binary.with_file_name(format!("scratch-{}-{count}", process::id()));
        fs::create_dir(&directory).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file and gives its path as the text that an address holds.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        text(&path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A path as an address holds it.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

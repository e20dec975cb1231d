//! A job on a thread of its own, as a future. Dropping the future kills what the job runs.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    thread::{self, JoinHandle},
};

use nix::unistd::Pid;

use super::groups::kill_group;
use crate::oneshot::{self, Receiver};

/// Whether a job was given up, and the groups that it runs.
#[derive(Default)]
pub(crate) struct Cancel(Mutex<State>);

#[derive(Default)]
struct State {
    is_cancelled: bool,
    running: Vec<Pid>,
}

impl Cancel {
    /// Whether nobody waits any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.locked(|state| state.is_cancelled)
    }

    /// Starts something by `start`, unless the job was given up. The lock is held meanwhile, so
    /// that what is given up has either not begun or can be killed.
    pub(super) fn start<T>(
        &self,
        start: impl FnOnce() -> io::Result<T>,
        id: impl FnOnce(&T) -> Pid,
    ) -> io::Result<Option<T>> {
        self.locked(|state| {
            if state.is_cancelled {
                return Ok(None);
            }
            let started = start()?;
            state.running.push(id(&started));
            Ok(Some(started))
        })
    }

    /// Forgets a group, before its number can be anyone else's.
    pub(super) fn forget(&self, id: Pid) {
        self.locked(|state| state.running.retain(|other| *other != id));
    }

    fn cancel(&self) {
        self.locked(|state| {
            state.is_cancelled = true;
            for group in &state.running {
                kill_group(group.as_raw());
            }
        });
    }

    fn locked<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A job under way. Its output is `None` where its thread ended early or could not be started.
pub(crate) struct Work<T> {
    receiver: Receiver<T>,
    thread: Option<JoinHandle<()>>,
    cancel: Arc<Cancel>,
}

/// Starts `job` now, not when the future is first polled.
pub(crate) fn work<T: Send + 'static>(job: impl FnOnce(&Cancel) -> T + Send + 'static) -> Work<T> {
    let (sender, receiver) = oneshot::channel();
    let cancel = Arc::new(Cancel::default());
    let shared = Arc::clone(&cancel);
    let thread = thread::Builder::new()
        .name("endow-helper".into())
        .spawn(move || sender.send(job(&shared)));
    Work {
        receiver,
        thread: thread.ok(),
        cancel,
    }
}

impl<T> Future for Work<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let output = Pin::new(&mut self.receiver).poll(context);
        if output.is_ready()
            && let Some(thread) = self.thread.take()
        {
            // Its last statement was run; a panic there left no output.
            let _ = thread.join();
        }
        output
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

//! A line on the terminal while backends take long, erased before anything else is printed,
//! and where a signal ends endow.

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::JoinHandle,
    time::Duration,
};

use crate::sys::line;

/// How long nothing is said.
const PATIENCE: Duration = Duration::from_millis(500);

/// Shows the line after half a second, until it is dropped.
#[derive(Debug)]
pub struct Progress {
    line: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to wait for what `text` says. Silent where standard error is no terminal.
    pub fn start(text: impl FnOnce() -> String, is_quiet: bool) -> Self {
        if is_quiet || !io::stderr().is_terminal() {
            return Self { line: None };
        }
        let text = text();
        let (done, is_done) = mpsc::channel();
        let wait = move || {
            if is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                line::show(&format!("endow: {text}"));
                let _ = is_done.recv();
                line::erase();
            }
        };
        // Where there is no room for a thread, nothing is said.
        let thread = std::thread::Builder::new().spawn(wait);
        Self {
            line: thread.ok().map(|thread| (done, thread)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.line.take() {
            drop(done);
            // It ends at once; a panic there has nothing to erase.
            let _ = thread.join();
        }
    }
}

//! A line on the terminal while backends take long, erased before anything else is printed,
//! and where a signal ends endow. Elsewhere it is one line, once something is known to be wrong.

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use endow_providers::waiting::{Reason, reason};

use super::Ui;
use crate::sys::line;

/// How long nothing is said on a terminal.
const PATIENCE: Duration = Duration::from_millis(500);
/// And elsewhere, where a line stays.
const LONG_PATIENCE: Duration = Duration::from_secs(2);
/// How often the line is made anew.
const BEAT: Duration = Duration::from_millis(500);

/// Shows the line until it is dropped.
#[derive(Debug)]
pub struct Progress {
    line: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to wait for what `text` says, until `deadline`. Off a terminal nothing is ever said where
    /// nothing is tried again.
    pub fn start(
        ui: Ui,
        text: impl FnOnce() -> String,
        tries_again: bool,
        deadline: Instant,
    ) -> Self {
        let is_terminal = io::stderr().is_terminal();
        if ui.is_quiet || !(is_terminal || tries_again) {
            return Self { line: None };
        }
        let text = text();
        let (done, is_done) = mpsc::channel();
        let wait = move || {
            if is_terminal {
                on_terminal(&text, deadline, &is_done);
            } else {
                elsewhere(ui, &text, deadline, &is_done);
            }
        };
        // Where there is no room for a thread, nothing is said.
        let thread = std::thread::Builder::new().spawn(wait);
        Self {
            line: thread.ok().map(|thread| (done, thread)),
        }
    }
}

fn on_terminal(text: &str, deadline: Instant, is_done: &Receiver<()>) {
    let mut patience = PATIENCE;
    let mut shown = String::new();
    while is_done.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        let next = said(text, deadline, true);
        if next != shown {
            if !shown.is_empty() {
                line::erase();
            }
            line::show(&next);
            shown = next;
        }
        patience = BEAT;
    }
    if !shown.is_empty() {
        line::erase();
    }
}

fn elsewhere(ui: Ui, text: &str, deadline: Instant, is_done: &Receiver<()>) {
    let mut patience = LONG_PATIENCE;
    while is_done.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        if reason().is_some_and(|reason| reason.is_tried_again) {
            ui.print(&format!("{}\n", said(text, deadline, false)));
            let _ = is_done.recv();
            return;
        }
        patience = BEAT;
    }
}

/// `endow: waiting for vault (127.0.0.1:8200: connection refused; 24 s left, Ctrl-C stops)`.
fn said(text: &str, deadline: Instant, is_terminal: bool) -> String {
    let left = deadline.saturating_duration_since(Instant::now()).as_secs();
    let stops = if is_terminal { ", Ctrl-C stops" } else { "" };
    match reason() {
        Some(Reason {
            text: why,
            is_tried_again,
        }) => {
            let why = super::one_line(&why);
            // A line that changes would write over what is typed into a prompt.
            let left = if is_tried_again {
                format!("; {left} s left{stops}")
            } else {
                String::new()
            };
            format!("endow: {text} ({why}{left})")
        }
        None => format!("endow: {text}"),
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

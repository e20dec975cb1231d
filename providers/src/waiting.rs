//! Why a backend has not answered yet, for the line that a person sees meanwhile.

use std::sync::{Mutex, PoisonError};

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// A lower-case fragment without a value in it: what the last try came to, or what a person is to do.
    pub text: String,
    /// Whether it is tried again until the deadline.
    pub is_tried_again: bool,
}

static REASON: Mutex<Option<Reason>> = Mutex::new(None);

/// Why there is no answer yet, if that is known.
pub fn reason() -> Option<Reason> {
    REASON
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// A try has failed, and another one follows.
pub(crate) fn failed(text: &str) {
    say(Some(Reason {
        text: text.to_owned(),
        is_tried_again: true,
    }));
}

/// A person is asked for something.
pub(crate) fn asked(text: &str) {
    say(Some(Reason {
        text: text.to_owned(),
        is_tried_again: false,
    }));
}

/// An answer has come.
pub(crate) fn over() {
    say(None);
}

fn say(reason: Option<Reason>) {
    *REASON.lock().unwrap_or_else(PoisonError::into_inner) = reason;
}

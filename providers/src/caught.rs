//! Panics of libraries: what one of them breaks off at is a fault of its backend, and no end of the
//! launcher, which has leases to give back.

use std::{
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is caught now: then nothing is to be said of it.
pub fn is_caught() -> bool {
    IS_CAUGHT.get()
}

/// What a call gives; `None` where it panics.
pub fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    let before = IS_CAUGHT.replace(true);
    // What it leaves half done is not looked at any more.
    let given = catch_unwind(AssertUnwindSafe(call)).ok();
    IS_CAUGHT.set(before);
    given
}

/// A future that ends with `None` where it panics; it is not polled again then.
pub struct Caught<F>(F);

impl<F> Caught<F> {
    /// Around a future.
    pub fn new(future: F) -> Self {
        Self(future)
    }
}

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match caught(|| Pin::new(&mut self.0).poll(context)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(given)) => Poll::Ready(Some(given)),
            None => Poll::Ready(None),
        }
    }
}

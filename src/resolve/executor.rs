//! Runs the futures of providers to their end or to the deadline, on this thread.
//!
//! Providers that answer from threads of their own need no reactor: parking this thread until
//! one of them wakes it is enough, and a run without network starts no runtime.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use endow_providers::Pending;

/// A provider says itself that its deadline has passed, and names the culprit; only one that
/// does not is cut off.
const GRACE: Duration = Duration::from_millis(200);

/// The outputs in order; `None` for a future that did not end in time.
pub(super) fn run<T>(
    futures: Vec<Pending<'_, T>>,
    deadline: Instant,
    needs_runtime: bool,
) -> Vec<Option<T>> {
    let mut all = All {
        outputs: futures.iter().map(|_| None).collect(),
        futures: futures.into_iter().map(Some).collect(),
    };
    let deadline = deadline + GRACE;
    if needs_runtime {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        if let Ok(runtime) = runtime {
            runtime.block_on(async {
                // What did not end stays `None`: that is the answer to the time-out.
                let _ = tokio::time::timeout_at(deadline.into(), Pin::new(&mut all)).await;
            });
            // A name look-up can hang in a blocking thread: it is not waited for.
            runtime.shutdown_background();
        }
    } else {
        park_until(Pin::new(&mut all), deadline);
    }
    all.outputs
}

/// All futures together; ends with the last.
struct All<'a, T> {
    futures: Vec<Option<Pending<'a, T>>>,
    outputs: Vec<Option<T>>,
}

// The futures are boxed, and nothing points into the outputs.
impl<T> Unpin for All<'_, T> {}

impl<T> Future for All<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        for (slot, output) in this.futures.iter_mut().zip(&mut this.outputs) {
            if let Some(future) = slot
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
                *slot = None;
            }
        }
        if this.futures.iter().all(Option::is_none) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn park_until<F: Future + Unpin>(mut future: Pin<&mut F>, deadline: Instant) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    while future.as_mut().poll(&mut context).is_pending() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}

//! Runs the futures of providers to their end or to the deadline, on this thread.
//!
//! Providers that answer from threads of their own need no reactor: parking this thread until
//! one of them wakes it is enough, and a run without network starts no runtime.

use std::{
    future::{Future, pending, poll_fn},
    os::fd::OwnedFd,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use endow_providers::{
    Fault, Pending,
    time::{after, from_now},
};
use tokio::{net::unix::pipe::Receiver, runtime::Runtime};

use super::room;

/// A provider says itself that its deadline has passed, and names the culprit; only one that
/// does not is cut off.
const GRACE: Duration = Duration::from_millis(200);

/// Where futures run. The runtime of network backends is started by the first that needs it, and
/// lives as long as this: their connections are its tasks.
#[derive(Default)]
pub(super) struct Executor {
    runtime: Option<Runtime>,
    /// A pipe that, as soon as it can be read, gives up what runs.
    pub(super) interrupt: Option<Arc<OwnedFd>>,
}

/// How much longer answers are waited for, after the interruption, that would have to be given back.
const LAST_ANSWERS: Duration = Duration::from_millis(250);

impl Executor {
    /// Starts the runtime; it is not started twice.
    pub(super) fn start(&mut self) -> Result<(), Fault> {
        if self.runtime.is_none() {
            self.runtime = Some(room::runtime()?);
        }
        Ok(())
    }

    /// The outputs in order; `None` for a future that did not end by its own deadline, and for all
    /// where the runtime can't be started.
    pub(super) fn run<T>(
        &mut self,
        futures: Vec<(Pending<'_, T>, Instant)>,
        needs_runtime: bool,
    ) -> Vec<Option<T>> {
        self.run_awaiting(futures, needs_runtime, &|| false)
    }

    /// As [`Self::run`]. Where it is interrupted, `awaits` says whether an answer is still wanted.
    pub(super) fn run_awaiting<T>(
        &mut self,
        futures: Vec<(Pending<'_, T>, Instant)>,
        needs_runtime: bool,
        awaits: &dyn Fn() -> bool,
    ) -> Vec<Option<T>> {
        let mut all = All {
            outputs: futures.iter().map(|_| None).collect(),
            futures: futures.into_iter().map(Some).collect(),
        };
        if needs_runtime && self.start().is_err() {
            return all.outputs;
        }
        while let Some(deadline) = all.next_deadline() {
            let deadline = after(deadline, GRACE);
            match &self.runtime {
                // What did not end stays `None`: that is the answer to the time-out.
                Some(runtime) => {
                    let is_interrupted = runtime.block_on(async {
                        let all = tokio::time::timeout_at(deadline.into(), Pin::new(&mut all));
                        first(readable(self.interrupt.clone()), all).await
                    });
                    if is_interrupted {
                        let end = from_now(LAST_ANSWERS);
                        let last = poll_fn(|context| {
                            let is_done = Pin::new(&mut all).poll(context).is_ready();
                            if is_done || !awaits() {
                                Poll::Ready(())
                            } else {
                                Poll::Pending
                            }
                        });
                        // What was not answered by then is given up as the rest is.
                        let _ = runtime
                            .block_on(async { tokio::time::timeout_at(end.into(), last).await });
                        return all.outputs;
                    }
                }
                None => park_until(Pin::new(&mut all), deadline),
            }
            all.give_up_at(deadline);
        }
        all.outputs
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // A name look-up can hang in a blocking thread: it is not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits until a pipe can be read; for ever where there is none.
async fn readable(pipe: Option<Arc<OwnedFd>>) {
    if let Some(pipe) = pipe
        && let Ok(pipe) = pipe.try_clone()
        && let Ok(pipe) = Receiver::from_owned_fd(pipe)
    {
        let _ = pipe.readable().await;
    } else {
        pending::<()>().await;
    }
}

/// Waits for either; whether it was the first.
async fn first<T>(one: impl Future<Output = ()>, other: impl Future<Output = T>) -> bool {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() {
            Poll::Ready(true)
        } else {
            other.as_mut().poll(context).map(|_| false)
        }
    })
    .await
}

/// All futures together; ends with the last.
struct All<'a, T> {
    futures: Vec<Option<(Pending<'a, T>, Instant)>>,
    outputs: Vec<Option<T>>,
}

impl<T> All<'_, T> {
    /// The first deadline of those that have not ended.
    fn next_deadline(&self) -> Option<Instant> {
        let open = self.futures.iter().flatten();
        open.map(|(_, deadline)| *deadline).min()
    }

    fn give_up_at(&mut self, now: Instant) {
        for slot in &mut self.futures {
            if slot
                .as_ref()
                .is_some_and(|(_, deadline)| after(*deadline, GRACE) <= now)
            {
                *slot = None;
            }
        }
    }
}

// The futures are boxed, and nothing points into the outputs.
impl<T> Unpin for All<'_, T> {}

impl<T> Future for All<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        for (slot, output) in this.futures.iter_mut().zip(&mut this.outputs) {
            if let Some((future, _)) = slot
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

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use endow_providers::Pending;
    use tokio::{sync::oneshot, task};

    use super::Executor;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn until<T>(deadline: Instant, futures: Vec<Pending<'_, T>>) -> Vec<(Pending<'_, T>, Instant)> {
        let futures = futures.into_iter();
        futures.map(|future| (future, deadline)).collect()
    }

    /// Who asks a person may take longer than the others, and does not prolong their time.
    #[test]
    fn each_is_given_up_at_its_own_deadline() {
        for needs_runtime in [false, true] {
            let now = Instant::now();
            let late = async move {
                while now.elapsed() < Duration::from_millis(400) {
                    let (sender, receiver) = oneshot::channel::<()>();
                    thread::spawn(move || {
                        thread::sleep(Duration::from_millis(20));
                        drop(sender);
                    });
                    let _ = receiver.await;
                }
                7
            };
            let futures: Vec<(Pending<'_, u8>, Instant)> = vec![
                (Box::pin(pending()), now + Duration::from_millis(50)),
                (Box::pin(late), now + Duration::from_mins(1)),
            ];
            let outputs = Executor::default().run(futures, needs_runtime);
            assert_eq!(outputs, [None, Some(7)], "with a runtime: {needs_runtime}");
        }
    }

    #[test]
    fn what_a_backend_left_running_goes_on_in_the_next_round() {
        let mut executor = Executor::default();
        let (sender, receiver) = oneshot::channel();
        executor.run(
            until(
                soon(),
                vec![Box::pin(async {
                    drop(task::spawn(async {
                        task::yield_now().await;
                        let _ = sender.send("still here");
                    }));
                })],
            ),
            true,
        );
        let answered = executor.run(until(soon(), vec![Box::pin(receiver)]), true);
        assert_eq!(answered, [Some(Ok("still here"))]);
    }

    /// One that ends at once between two that never end, as a read that the kernel can't
    /// interrupt never does.
    fn two_of_three_hang<'a>() -> Vec<Pending<'a, u8>> {
        vec![Box::pin(pending()), Box::pin(ready(7)), Box::pin(pending())]
    }

    #[test]
    fn what_never_ends_is_given_up_at_the_deadline_and_costs_nobody_else_their_answer() {
        for needs_runtime in [false, true] {
            let (done, is_done) = mpsc::channel();
            thread::spawn(move || {
                let deadline = Instant::now() + Duration::from_millis(50);
                done.send(
                    Executor::default().run(until(deadline, two_of_three_hang()), needs_runtime),
                )
            });
            let outputs = is_done.recv_timeout(Duration::from_secs(10));
            assert_eq!(
                outputs,
                Ok(vec![None, Some(7), None]),
                "with a runtime: {needs_runtime}"
            );
        }
    }

    #[test]
    fn what_ends_before_the_deadline_is_not_kept_waiting_until_it() {
        for needs_runtime in [false, true] {
            let began = Instant::now();
            let deadline = began + Duration::from_mins(1);
            let futures: Vec<Pending<'_, u8>> = vec![Box::pin(ready(1)), Box::pin(ready(2))];
            let outputs = Executor::default().run(until(deadline, futures), needs_runtime);
            assert_eq!(outputs, [Some(1), Some(2)]);
            assert!(began.elapsed() < Duration::from_secs(10));
        }
    }

    #[test]
    fn a_run_that_needs_no_runtime_starts_none() {
        let mut executor = Executor::default();
        executor.run(until(soon(), vec![Box::pin(async {})]), false);
        assert!(executor.runtime.is_none());
    }
}

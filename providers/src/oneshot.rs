//! One value from a thread to a future, with nothing but the standard library.
//!
//! It wakes whichever executor polls it, so the same future works under tokio and under a plain
//! `park`/`unpark` loop. A sender that is dropped without a value (its thread panicked) ends the
//! wait too.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The two ends.
pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Arc::new(Mutex::new(Slot {
        value: None,
        waker: None,
        is_closed: false,
    }));
    (Sender(Arc::clone(&slot)), Receiver(slot))
}

/// The thread's end.
pub(crate) struct Sender<T>(Arc<Mutex<Slot<T>>>);

/// The future's end: the value, or `None` if there will be none.
pub(crate) struct Receiver<T>(Arc<Mutex<Slot<T>>>);

struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
    is_closed: bool,
}

impl<T> Sender<T> {
    /// Hands over the value; the drop at the end wakes.
    pub(crate) fn send(self, value: T) {
        locked(&self.0).value = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut slot = locked(&self.0);
            slot.is_closed = true;
            slot.waker.take()
        };
        // Outside the lock: a waker may poll at once, on this thread.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = locked(&self.0);
        if slot.is_closed {
            return Poll::Ready(slot.value.take());
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn locked<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::channel;
    use crate::read::testing::block_on;

    #[test]
    fn a_value_sent_by_another_thread_arrives() {
        let (sender, receiver) = channel();
        thread::spawn(move || sender.send(7));
        assert_eq!(block_on(receiver), Some(7));
    }

    #[test]
    fn a_value_sent_before_the_first_poll_arrives() {
        let (sender, receiver) = channel();
        sender.send(7);
        assert_eq!(block_on(receiver), Some(7));
    }

    #[test]
    fn a_dropped_sender_ends_the_wait() {
        let (sender, receiver) = channel::<u8>();
        thread::spawn(move || drop(sender));
        assert_eq!(block_on(receiver), None);
    }
}

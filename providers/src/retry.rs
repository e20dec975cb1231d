//! Trying again inside a deadline, with delays that grow and jitter.
//!
//! The last fault is what is reported: that the server was sealed says more than that time ran
//! out.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{sleep, timeout_at};

use crate::{Class, Fault, time, waiting};

/// The first delay; jitter adds up to as much again.
const FIRST: Duration = Duration::from_millis(250);
/// The longest, so that what comes up late is noticed soon.
const LONGEST: Duration = Duration::from_secs(1);
/// With less time than this no further try is worth it.
const LEAST: Duration = Duration::from_millis(50);

/// The outcome of one try.
pub(crate) enum Try<T> {
    /// It is decided.
    Done(Result<T, Fault>),
    /// It may go better, after the time that the server asks for.
    Again {
        /// What went wrong.
        fault: Fault,
        /// How long the server asks to wait.
        after: Option<Duration>,
    },
}

/// Tries until it is decided or `deadline` has come. `silence` is the fault where not even the
/// first try ended.
pub(crate) async fn until<T, F>(
    deadline: Instant,
    silence: impl FnOnce() -> Fault,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Try<T>>,
{
    let mut delays = ExponentialBuilder::new()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .without_max_times()
        .with_jitter()
        .build();
    let mut tries: u32 = 0;
    let mut last: Option<Fault> = None;
    loop {
        let Ok(outcome) = timeout_at(deadline.into(), attempt()).await else {
            return Err(last.map_or_else(silence, |fault| after(fault, tries)));
        };
        let (fault, wanted) = match outcome {
            Try::Done(result) => {
                waiting::over();
                return result;
            }
            Try::Again { fault, after } => (fault, after),
        };
        tries += 1;
        waiting::failed(&fault.message);
        // A try that the deadline cut short says less than the one before.
        let fault = match last.take() {
            Some(earlier) if fault.class == Class::TimedOut => earlier,
            _ => fault,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        // Waiting as long as the server asks would end after the deadline: nothing is gained.
        if left < LEAST || wanted.is_some_and(|wanted| wanted > left) {
            return Err(after(fault, tries));
        }
        let delay = wanted.or_else(|| delays.next()).unwrap_or(LONGEST);
        last = Some(fault);
        sleep(if wanted.is_some() {
            delay
        } else {
            delay.min(left / 2)
        })
        .await;
    }
}

/// How long a server asks to wait: the seconds of a `Retry-After` (RFC 9110, section 10.2.3). A date
/// is not worth reading: no deadline here is that long.
pub(crate) fn asked(header: Option<&str>) -> Option<Duration> {
    header?.trim().parse().ok().map(time::seconds)
}

/// The same for people, after what is wrong: `, and it asks to wait 5 s`.
pub(crate) fn told(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| {
        format!(", and it asks to wait {} s", wait.as_secs())
    })
}

fn after(mut fault: Fault, tries: u32) -> Fault {
    if tries > 1 && fault.class != Class::Malformed {
        fault.message = format!("{} (after {tries} tries)", fault.message);
    }
    fault
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        time::{Duration, Instant},
    };

    use super::{Try, until};
    use crate::{Class, Fault};

    #[test]
    fn a_try_that_the_deadline_cut_short_does_not_hide_the_one_before() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let fault = |class| Fault::new(class, "-");
        let tries = Cell::new(0);
        let attempt = || async {
            tries.set(tries.get() + 1);
            let class = match tries.get() {
                1 => Class::Unreachable,
                _ => Class::TimedOut,
            };
            Try::Again {
                fault: fault(class),
                after: None,
            }
        };
        let deadline = Instant::now() + Duration::from_millis(200);
        let silence = || fault(Class::TimedOut);
        let outcome: Result<(), Fault> = runtime.block_on(until(deadline, silence, attempt));
        assert!(tries.get() > 1);
        assert_eq!(outcome.expect_err("no answer").class, Class::Unreachable);
    }
}

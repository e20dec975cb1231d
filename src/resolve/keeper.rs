//! Values that are kept after the launch: their leases are renewed, and revoked at the end; what
//! can't be kept, or is watched and changes, is read again.
//!
//! # Theory of operation
//!
//! It works in a process of its own ([`crate::launch::keeping`]), whose memory is a copy of endow's:
//! the plan, the answers and the open backends are there, the runtime is made anew. So no thread
//! and no runtime is in the process that forks the command, a server that hangs delays no signal,
//! and where endow is killed the keeper notices and still revokes.
//!
//! A turn does what is due: it renews a lease by its clock, reads again the values of one that has
//! come to its end, and looks for changes where the run is watched. What was read again is compared
//! with what the command was given. Only a real change is told, with the strongest action that the
//! variables ask for. An answer that can't be had costs nothing but a warning, and is asked for again.

mod action;
mod clock;
mod held;
mod trouble;
mod unused;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

use endow_providers::{
    Answer, Class, Fault, Lease, Limits, Pending, Provider, Secret, Warning, time::from_now,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub use self::action::{Action, Change};
pub(super) use self::unused::give_back;
use self::{
    clock::jittered,
    held::{Held, held, shown},
    trouble::Trouble,
};
use super::{Answers, CLOSING, Cause, Executor, Failure, Session, finish::finish};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Values = BTreeMap<String, Option<Secret>>;

/// What is kept.
pub struct Keeper<'a, 'm> {
    session: Session<'a, 'm>,
    answers: Answers,
    leases: Vec<Held>,
    /// Those whose values were replaced: the command may still use them.
    replaced: Vec<Held>,
    /// Backends that signed in before, with the leases that hang on that.
    retired: Vec<Box<dyn Provider>>,
    watch: Option<Duration>,
    look_at: Option<Instant>,
    /// Of the backends at which looking fails.
    troubles: BTreeMap<usize, Trouble>,
}

impl<'a, 'm> Keeper<'a, 'm> {
    /// Takes what is to be kept; the rest is closed. `None` where that is nothing.
    pub(super) fn of(
        mut session: Session<'a, 'm>,
        answers: Answers,
        watch: Option<Duration>,
    ) -> Option<Self> {
        let leases = held(session.plan, &answers, &session.providers, watch.is_some());
        let is_kept = |backend: usize| {
            let mut leases = leases.iter();
            leases.any(|held| held.backend == backend && !held.is_abandoned)
        };
        session.close(|backend| watch.is_none() && !is_kept(backend), true);
        if watch.is_none() && session.providers.iter().all(Option::is_none) {
            return None;
        }
        // Its threads and descriptors are this process's.
        session.executor = Executor::default();
        session.is_kept = true;
        session.limits.approval = None;
        // What takes its place there would look like another value.
        session.inputs.is_input_closed = true;
        Some(Self {
            session,
            answers,
            leases,
            replaced: Vec::new(),
            retired: Vec::new(),
            watch,
            look_at: watch.map(|interval| from_now(jittered(interval))),
            troubles: BTreeMap::new(),
        })
    }

    /// Keeps until `control` is closed, then as long as the command that `outlives` names, and then gives
    /// everything back. `tell` is told of changes.
    pub fn keep(
        mut self,
        control: OwnedFd,
        outlives: impl FnOnce() -> Option<OwnedFd>,
        tell: &mut dyn FnMut(&Change),
        say: &dyn Fn(Warning),
    ) {
        // Signals are blocked here: the end of the control pipe is what ends it.
        if let Some(deferral) = self.session.deferral.take() {
            deferral.forget();
        }
        self.keep_until(control, tell, say);
        if let Some(command) = outlives() {
            self.keep_until(command, tell, say);
        }
        self.session.executor.interrupt = None;
        self.end(say);
    }

    /// Keeps until a descriptor can be read.
    fn keep_until(&mut self, end: OwnedFd, tell: &mut dyn FnMut(&Change), say: &dyn Fn(Warning)) {
        let end = Arc::new(end);
        self.session.executor.interrupt = Some(Arc::clone(&end));
        while !is_over(&end, self.next()) {
            self.turn(tell, say);
        }
    }

    /// When something is due.
    fn next(&self) -> Option<Instant> {
        let kept = self.leases.iter().filter(|held| !held.is_abandoned);
        let clocks = kept.filter_map(|held| held.clock);
        clocks.map(|clock| clock.next).chain(self.look_at).min()
    }

    fn turn(&mut self, tell: &mut dyn FnMut(&Change), say: &dyn Fn(Warning)) {
        let due = |held: &Held| {
            let is_due = held.clock.is_some_and(|clock| clock.next <= Instant::now());
            is_due && !held.is_abandoned
        };
        // Replacing what hangs on one changes the list.
        while let Some(at) = self.leases.iter().position(due) {
            if !self.renew(at) {
                self.replace(at, tell, say);
            }
        }
        if self.look_at.is_some_and(|at| at <= Instant::now()) {
            self.look(tell, say);
            self.look_at = self.watch.map(|interval| from_now(jittered(interval)));
        }
    }

    /// Renews a lease; false where it can't be kept.
    fn renew(&mut self, at: usize) -> bool {
        let held = &mut self.leases[at];
        let Some(clock) = &mut held.clock else {
            return true;
        };
        let now = Instant::now();
        if clock.is_ending(now) || held.lease.id.is_empty() {
            return false;
        }
        if !held.lease.is_renewable {
            clock.ends();
            return clock.next > now;
        }
        let Some(provider) = self.session.providers[held.backend].as_deref() else {
            return false;
        };
        let mut limits = limits();
        // A server that hangs must not be what the value is lost by.
        limits.deadline = limits.deadline.min(clock.end);
        let future: Pending<'_, Result<Lease, Fault>> = provider.renew(&held.lease, &limits);
        let renewed = self
            .session
            .executor
            .run(vec![(future, limits.deadline)], true);
        let now = Instant::now();
        match renewed.into_iter().next().flatten() {
            Some(Ok(lease)) => {
                clock.renewed(lease.duration, now);
                held.lease = lease;
                !clock.is_ending(now)
            }
            Some(Err(Fault {
                class: Class::Deleted { .. } | Class::Denied { .. } | Class::Unauthenticated,
                ..
            })) => false,
            _ => {
                clock.failed(now);
                true
            }
        }
    }

    /// Reads again what hangs on a lease that is lost.
    fn replace(&mut self, at: usize, tell: &mut dyn FnMut(&Change), say: &dyn Fn(Warning)) {
        let (backend, is_sign_in) = (self.leases[at].backend, self.leases[at].is_sign_in);
        let places: BTreeSet<(usize, usize)> = self.leases[at].places().collect();
        if is_sign_in && places.is_empty() {
            // Only looks need it: the next one signs in.
            return self.leave(backend);
        }
        if is_sign_in {
            self.retire(backend);
        }
        let mut read = self.read_again(&places);
        if read.is_err() && !is_sign_in && self.signs_in(backend) {
            // The sign-in that it hung on may be what was lost.
            self.retire(backend);
            let of_backend = self.leases.iter().filter(|held| held.backend == backend);
            let places = of_backend.flat_map(Held::places).collect();
            read = self.read_again(&places);
        }
        match read {
            Ok(change) => change.settle(self.session.plan, tell, say),
            Err(unread) => self.retry(at, &unread.reason, say),
        }
    }

    /// The lease is tried again later, and that is said once.
    fn retry(&mut self, at: usize, reason: &str, say: &dyn Fn(Warning)) {
        let held = &mut self.leases[at];
        if let Some(clock) = &mut held.clock {
            clock.failed(Instant::now());
        }
        if !std::mem::replace(&mut held.is_said, true) {
            let what = held.shown();
            say(Warning {
                message: format!(
                    "the lease of {what} can't be kept, and no new value was had: {reason}"
                ),
                hint: Some("it is asked for again until there is one".to_owned()),
            });
        }
    }

    fn signs_in(&self, backend: usize) -> bool {
        let provider = self.session.providers[backend].as_ref();
        provider.is_some_and(|provider| provider.sign_in().is_some())
    }

    /// The next request of a backend signs in anew.
    fn retire(&mut self, backend: usize) {
        let provider = self.session.providers[backend].take();
        // One that never signed in holds nothing.
        self.retired
            .extend(provider.filter(|provider| provider.sign_in().is_some()));
        let mut leases = self.leases.iter_mut();
        let of_sign_in = leases.find(|held| held.backend == backend && held.is_sign_in);
        if let Some(held) = of_sign_in {
            // Not that of the next sign-in, which is called the same.
            held.lease.id.clear();
        }
    }

    /// Gives a backend up: the next request opens it, and signs in anew. No lease hangs on it.
    fn leave(&mut self, backend: usize) {
        self.session.close(|other| other == backend, false);
        self.note_leases();
    }

    /// Asks again for some places; an error says what failed, and then nothing has changed.
    fn read_again(&mut self, places: &BTreeSet<(usize, usize)>) -> Result<Reread, Unread> {
        let plan = self.session.plan;
        let before = finish(plan, &self.answers, Vec::new()).values;
        let mut kept: Vec<((usize, usize), Option<Answer>)> = Vec::new();
        for (backend, address) in places {
            let answer = self.answers.by_backend[*backend][*address].take();
            kept.push(((*backend, *address), answer));
        }
        self.session.limits = limits();
        while let Some(wanted) = self.answers.open_places(plan) {
            self.session.ask(&wanted, &mut self.answers);
        }
        if plan.backends.iter().any(|asked| asked.kind.quotes_programs) {
            self.answers.scrub(plan);
        }
        // They were said when the command was started.
        self.answers.warnings.clear();
        let after = finish(plan, &self.answers, Vec::new());
        if let Some(failure) = after.failures.first() {
            for ((backend, address), answer) in kept {
                self.answers.by_backend[backend][address] = answer;
            }
            return Err(Unread::of(failure));
        }
        self.note_leases();
        Ok(Reread {
            before,
            after: after.values,
        })
    }

    /// Takes over the leases of new answers; those that stay keep their clocks.
    fn note_leases(&mut self) {
        let session = &self.session;
        let is_watched = self.watch.is_some();
        let found = held(session.plan, &self.answers, &session.providers, is_watched);
        let mut known = std::mem::take(&mut self.leases);
        for new in found {
            match known.iter().position(|old| old.is(&new)) {
                Some(at) => self.leases.push(known.swap_remove(at)),
                None => self.leases.push(new),
            }
        }
        // Those that have ended by now need no more.
        let now = Instant::now();
        self.replaced
            .retain(|held| held.clock.is_none_or(|clock| clock.end > now));
        self.replaced
            .extend(known.into_iter().filter(|old| !old.is_sign_in));
    }

    /// Ends every lease, and with them what this run signed in.
    fn end(mut self, say: &dyn Fn(Warning)) {
        let leases: Vec<Held> = self
            .leases
            .drain(..)
            .chain(self.replaced.drain(..))
            .collect();
        let abandoned = leases.iter().filter(|held| held.is_abandoned);
        let abandoning: BTreeSet<usize> = abandoned.map(|held| held.backend).collect();
        let limits = Limits {
            deadline: from_now(CLOSING),
            approval: None,
        };
        for held in &leases {
            // Where the token goes, they all go with it.
            let is_revoked_by_token =
                self.signs_in(held.backend) && !abandoning.contains(&held.backend);
            if held.is_sign_in || held.is_abandoned || is_revoked_by_token {
                continue;
            }
            if !self.revoke(held, &limits) {
                say(held.not_revoked());
            }
        }
        self.session
            .close(|backend| abandoning.contains(&backend), true);
        self.session
            .providers
            .extend(self.retired.drain(..).map(Some));
        self.session.close(|_| true, false);
    }

    fn revoke(&mut self, held: &Held, limits: &Limits) -> bool {
        let Some(provider) = self.session.providers[held.backend].as_deref() else {
            return false;
        };
        let future: Pending<'_, Result<(), Fault>> = provider.revoke(&held.lease, limits);
        let outcome = self
            .session
            .executor
            .run(vec![(future, limits.deadline)], true);
        matches!(outcome.into_iter().next(), Some(Some(Ok(()))))
    }
}

/// Values that were read again, beside those before.
struct Reread {
    before: Values,
    after: Values,
}

impl Reread {
    /// The variables whose values are not what they were.
    fn changed(&self) -> BTreeSet<String> {
        let bytes = |values: &'_ Values, name: &str| {
            let value = values.get(name).and_then(Option::as_ref);
            value.map(|value| Secret::copied_from(value.expose()))
        };
        let names = self.after.keys().filter(|name| {
            let (before, after) = (bytes(&self.before, name), bytes(&self.after, name));
            before.as_ref().map(Secret::expose) != after.as_ref().map(Secret::expose)
        });
        names.cloned().collect()
    }

    /// Does what the variables that changed ask for.
    fn settle(
        self,
        plan: &crate::plan::Plan<'_>,
        tell: &mut dyn FnMut(&Change),
        say: &dyn Fn(Warning),
    ) {
        let changed = self.changed();
        if changed.is_empty() {
            return;
        }
        let action = action::of(plan, &changed);
        let consequence = match &action {
            Some(Action::Restart) => "the command is started again".to_owned(),
            Some(Action::Signal(name)) => format!("the command is sent {name}"),
            None => "the command goes on with what it was given".to_owned(),
        };
        say(Warning {
            message: format!("{} changed: {consequence}", shown(&changed)),
            hint: None,
        });
        if let Some(action) = action {
            tell(&Change {
                action,
                values: self.after,
            });
        }
    }
}

fn limits() -> Limits {
    Limits {
        deadline: from_now(PATIENCE),
        approval: None,
    }
}

/// Why a value could not be read again.
struct Unread {
    class: Option<Class>,
    reason: String,
}

impl Unread {
    fn of(failure: &Failure) -> Self {
        let (class, reason) = match &failure.cause {
            Cause::Fault(fault) => return fault.clone().into(),
            Cause::Absent(absences) => {
                let last = absences.last();
                let what = last.map(|absence| absence.what.clone());
                (None, what.unwrap_or_else(|| "absent".to_owned()))
            }
            Cause::AbsentPart(part) => (None, format!("`{part}` is absent")),
        };
        Self { class, reason }
    }
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Self {
            class: Some(fault.class),
            reason: fault.message,
        }
    }
}

/// Waits until something is due; whether the other end was closed instead.
fn is_over(control: &OwnedFd, until: Option<Instant>) -> bool {
    use std::os::fd::AsFd;
    loop {
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now());
            // What is longer than it can say is waited for in parts.
            let left = left + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut descriptors = [PollFd::new(control.as_fd(), PollFlags::POLLIN)];
        match poll(&mut descriptors, timeout) {
            Ok(0) | Err(_) => {
                if until.is_some_and(|until| until <= Instant::now()) {
                    return false;
                }
            }
            Ok(_) => return true,
        }
    }
}

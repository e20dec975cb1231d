//! The plan into values: all backends at once, one deadline, every failure collected.
//!
//! The only stage that waits. Threads and the async runtime live and end inside of it; what is kept
//! afterwards is a [`Keeper`], which asks from a process of its own.

mod encode;
mod executor;
mod finish;
mod keeper;
mod room;
mod settings;

#[cfg(any(test, feature = "fuzzing"))]
pub use self::encode::property::templates;
use self::executor::Executor;
pub use self::{
    finish::wants_encoding,
    keeper::{Action, Change, Keeper},
};

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::PathBuf,
    time::{Duration, Instant},
};

use endow_providers::{
    Absence, Address, Answer, Class, Fault, Fetched, Helpers, Limits, Pending, Provider, Reply,
    STANDARD_INPUT, Secret, Settings, Warning,
    caught::{Caught, caught},
    scrub,
    time::{after, from_now},
};

use crate::{
    plan::{Placed, Plan, Source},
    stage,
    sys::signal::Deferral,
};

/// How long backends may take to give back what they hold.
const CLOSING: Duration = Duration::from_secs(1);
/// So much of a message with a program's words is shown, in characters.
const MOST_QUOTED: usize = 600;

/// What resolving needs besides the plan.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The launcher's environment.
    pub environment: &'a [(OsString, OsString)],
    /// The home directory.
    pub home: Option<PathBuf>,
    /// How long it may take altogether.
    pub timeout: Duration,
    /// How long an approval may take beyond that, where a person can be asked for one.
    pub approval: Option<Duration>,
    /// What backends need to run programs.
    pub helpers: Helpers,
    /// Whether endow was started without standard input: what stands in its place is no value.
    pub is_input_closed: bool,
    /// Whether the values are used from here on; `check` only looks whether there are any. Leases
    /// that nobody uses end with the run.
    pub uses_values: bool,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Every selected name that did not fail; `None` where it is absent and may be.
    pub values: BTreeMap<String, Option<Secret>>,
    /// Every variable that failed, by name. With any, nothing may be started.
    pub failures: Vec<Failure>,
    /// Worth saying although it is no failure.
    pub warnings: Vec<Warning>,
}

/// Why one variable has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The variable, or the backend's setting.
    pub subject: Subject,
    /// The place that was asked, as it is shown.
    pub place: Option<String>,
    /// What went wrong.
    pub cause: Cause,
    /// What to do beside what the cause says, where the launcher knows more than the backend.
    pub advice: Option<String>,
}

/// What a failure is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A setting of a backend.
    Setting {
        /// The scheme.
        backend: String,
        /// The setting's name.
        name: String,
    },
    /// A declared variable.
    Variable(String),
}

/// What went wrong with one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing stands at its place.
    Absent(Vec<Absence>),
    /// Its template has an absent part.
    AbsentPart(String),
    /// The backend's fault.
    Fault(Fault),
}

/// Resolves a plan.
pub fn resolve(plan: &Plan<'_>, inputs: Inputs<'_>) -> Resolved {
    let (mut resolved, session, answers) = ask(plan, inputs);
    let is_used = resolved.failures.is_empty() && session.inputs.uses_values;
    let keeps_leases = is_used && !session.is_asked_to_end();
    end(&mut resolved, session, &answers, keeps_leases);
    resolved
}

/// Resolves a plan, and gives with the values what is to be kept while they are used: their leases,
/// and with `watch` an eye on all of them, so often.
pub fn resolve_and_keep<'a, 'm>(
    plan: &'a Plan<'m>,
    inputs: Inputs<'a>,
    watch: Option<Duration>,
) -> (Resolved, Option<Keeper<'a, 'm>>) {
    let (mut resolved, session, answers) = ask(plan, inputs);
    if resolved.failures.is_empty() {
        let keeper = Keeper::of(session, answers, watch);
        (resolved, keeper)
    } else {
        end(&mut resolved, session, &answers, false);
        (resolved, None)
    }
}

/// Closes all backends, and gives back the leases that nothing will use. A signal that comes meanwhile
/// is carried out afterwards.
fn end(
    resolved: &mut Resolved,
    mut session: Session<'_, '_>,
    answers: &Answers,
    keeps_leases: bool,
) {
    session.executor.interrupt = None;
    if !keeps_leases {
        let not_revoked = keeper::give_back(&mut session, answers);
        resolved.warnings.extend(not_revoked);
    }
    session.close(|_| true, keeps_leases);
}

fn ask<'a, 'm>(plan: &'a Plan<'m>, inputs: Inputs<'a>) -> (Resolved, Session<'a, 'm>, Answers) {
    let limits = Limits {
        deadline: from_now(inputs.timeout),
        approval: inputs.approval,
    };
    let mut answers = Answers::new(plan);
    let mut session = Session {
        plan,
        inputs,
        limits,
        providers: plan.backends.iter().map(|_| None).collect(),
        executor: Executor::default(),
        deferral: None,
        closes_by: None,
        is_kept: false,
    };
    let failed_settings = session.ask_settings(&mut answers);
    if failed_settings.is_empty() {
        while let Some(wanted) = answers.open_places(plan) {
            session.ask(&wanted, &mut answers);
            if session.is_asked_to_end() {
                // Nobody will see what is made of the answers.
                break;
            }
        }
    }
    if session.is_asked_to_end() {
        session.give_all_back(&answers);
    }
    if plan.backends.iter().any(|asked| asked.kind.quotes_programs) {
        answers.scrub(plan);
    }
    let mut resolved = finish::finish(plan, &answers, failed_settings);
    resolved.warnings = std::mem::take(&mut answers.warnings);
    stage::reached("resolve");
    (resolved, session, answers)
}

/// What the backends said, by backend and address.
struct Answers {
    by_backend: Vec<Vec<Option<Answer>>>,
    warnings: Vec<Warning>,
    /// Warnings with the words of programs.
    said: Vec<Warning>,
}

impl Answers {
    fn new(plan: &Plan<'_>) -> Self {
        let empty = |count: usize| std::iter::repeat_with(|| None).take(count).collect();
        Self {
            by_backend: plan
                .backends
                .iter()
                .map(|asked| empty(asked.addresses.len()))
                .collect(),
            warnings: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Takes every value out of what programs said: one can print what another backend answered.
    fn scrub(&mut self, plan: &Plan<'_>) {
        let values = self.by_backend.iter().flatten().flatten();
        let values = values.filter_map(|answer| match answer {
            Ok(Reply::Value(value)) => Some(Secret::copied_from(value.secret.expose())),
            _ => None,
        });
        let values: Vec<Secret> = values.collect();
        let clean = |text: &mut String| {
            let scrubbed = scrub(text, values.iter().map(Secret::expose));
            let mut rest = scrubbed.char_indices().skip(MOST_QUOTED);
            *text = match rest.next() {
                Some((end, _)) => format!("{}...", &scrubbed[..end]),
                None => scrubbed,
            };
        };
        let of_programs = plan.backends.iter().zip(&mut self.by_backend);
        let of_programs = of_programs.filter(|(asked, _)| asked.kind.quotes_programs);
        for fault in of_programs.flat_map(|(_, answers)| answers.iter_mut().flatten()) {
            if let Err(fault) = fault {
                clean(&mut fault.message);
            }
        }
        for warning in &mut self.said {
            clean(&mut warning.message);
        }
        self.warnings.append(&mut self.said);
    }

    fn get(&self, placed: &Placed) -> Option<&Answer> {
        self.by_backend[placed.backend][placed.address].as_ref()
    }

    /// The addresses of the next round: of each variable the first place that is not answered,
    /// if every place before it is absent.
    fn open_places(&self, plan: &Plan<'_>) -> Option<BTreeSet<(usize, usize)>> {
        let mut wanted = BTreeSet::new();
        for (_, planned) in plan.selected() {
            let Source::Places(places) = &planned.source else {
                continue;
            };
            let next = places
                .iter()
                .find(|placed| !matches!(self.get(placed), Some(Ok(Reply::Absent(_)))));
            if let Some(placed) = next
                && self.get(placed).is_none()
            {
                wanted.insert((placed.backend, placed.address));
            }
        }
        (!wanted.is_empty()).then_some(wanted)
    }
}

/// The addresses of one backend that are asked in one round.
struct Batch {
    backend: usize,
    /// Into [`crate::plan::Asked::addresses`].
    indices: Vec<usize>,
    addresses: Vec<Address>,
}

impl Batch {
    fn of(backend: usize) -> Self {
        Self {
            backend,
            indices: Vec::new(),
            addresses: Vec::new(),
        }
    }

    /// Answers the addresses that are standard input, and asks for them no more.
    fn refuse_input(&mut self, plan: &Plan<'_>, answers: &mut Answers) {
        if !plan.backends[self.backend].kind.grammar.is_path {
            return;
        }
        for at in (0..self.addresses.len()).rev() {
            if STANDARD_INPUT.contains(&self.addresses[at].locator.as_str()) {
                let fault = Fault::new(Class::Unreachable, "standard input is closed");
                answers.by_backend[self.backend][self.indices[at]] = Some(Err(fault));
                self.addresses.remove(at);
                self.indices.remove(at);
            }
        }
    }
}

/// The open backends of one run.
struct Session<'a, 'm> {
    plan: &'a Plan<'m>,
    inputs: Inputs<'a>,
    limits: Limits,
    providers: Vec<Option<Box<dyn Provider>>>,
    executor: Executor,
    /// From the first backend on that can hold something: a signal that ends endow waits until that
    /// is given back.
    deferral: Option<Deferral>,
    /// When everything must be given back; else a second after the last request.
    closes_by: Option<Instant>,
    /// Whether this is of the process that keeps values, which ends otherwise.
    is_kept: bool,
}

impl Session<'_, '_> {
    /// Whether a signal asked endow to end.
    fn is_asked_to_end(&self) -> bool {
        self.deferral.as_ref().is_some_and(Deferral::is_asked)
    }

    /// Gives back what was given until now, within a second, and ends endow by the signal that asked
    /// for it.
    fn give_all_back(&mut self, answers: &Answers) {
        self.executor.interrupt = None;
        self.closes_by = Some(from_now(CLOSING));
        // There is nobody left to be told.
        let _ = keeper::give_back(self, answers);
        self.close(|_| true, false);
        self.deferral = None;
    }

    /// Puts off the end by a signal, so that leases and sign-ins can be given back.
    fn defer_end(&mut self) {
        if self.deferral.is_none() && !self.is_kept {
            // Without a descriptor the signal ends endow at once, as before.
            self.deferral = Deferral::begin().ok();
            self.executor.interrupt = self.deferral.as_ref().map(Deferral::told);
        }
    }

    /// Resolves the references in the settings of backends.
    fn ask_settings(&mut self, answers: &mut Answers) -> Vec<Failure> {
        let wanted = self
            .plan
            .settings
            .iter()
            .map(|setting| (setting.place.backend, setting.place.address))
            .collect::<BTreeSet<_>>();
        if !wanted.is_empty() {
            self.ask(&wanted, answers);
        }
        let failure = |setting: &crate::plan::SettingPlace, cause| Failure {
            subject: Subject::Setting {
                backend: setting.owner.clone(),
                name: setting.setting.clone(),
            },
            place: Some(setting.place.shown.clone()),
            cause,
            advice: None,
        };
        let failed =
            self.plan
                .settings
                .iter()
                .filter_map(|setting| match answers.get(&setting.place) {
                    Some(Ok(Reply::Value(_))) | None => None,
                    Some(Ok(Reply::Absent(absence))) => {
                        Some(failure(setting, Cause::Absent(vec![absence.clone()])))
                    }
                    Some(Err(fault)) => Some(failure(setting, Cause::Fault(fault.clone()))),
                });
        let failed = failed.collect::<Vec<_>>();
        if failed.is_empty() {
            settings::check(self.plan, answers)
        } else {
            failed
        }
    }

    /// Asks all wanted addresses of all backends at the same time.
    fn ask(&mut self, wanted: &BTreeSet<(usize, usize)>, answers: &mut Answers) {
        let mut batches: BTreeMap<usize, Batch> = BTreeMap::new();
        for (backend, address) in wanted {
            let batch = batches
                .entry(*backend)
                .or_insert_with(|| Batch::of(*backend));
            batch.indices.push(*address);
            let addresses = &self.plan.backends[*backend].addresses;
            batch.addresses.push(addresses[*address].clone());
        }
        if self.inputs.is_input_closed {
            for batch in batches.values_mut() {
                batch.refuse_input(self.plan, answers);
            }
        }
        for batch in batches.values() {
            if let Err(fault) = self.open(batch.backend, answers) {
                for address in &batch.indices {
                    answers.by_backend[batch.backend][*address] = Some(Err(fault.clone()));
                }
            }
        }
        let mut providers = batches
            .keys()
            .filter_map(|backend| self.providers[*backend].as_ref());
        if providers.any(|provider| provider.needs_runtime()) {
            self.defer_end();
        }
        let mut opened: Vec<(&Batch, &dyn Provider)> = batches
            .values()
            .filter_map(|batch| Some((batch, self.providers[batch.backend].as_deref()?)))
            .collect();
        if opened.iter().any(|(_, provider)| provider.needs_runtime())
            && let Err(fault) = self.executor.start()
        {
            // The others are asked all the same: every failure is reported at once.
            opened.retain(|(batch, provider)| {
                if provider.needs_runtime() {
                    for address in &batch.indices {
                        answers.by_backend[batch.backend][*address] = Some(Err(fault.clone()));
                    }
                }
                !provider.needs_runtime()
            });
        }
        let needs_runtime = opened.iter().any(|(_, provider)| provider.needs_runtime());
        let futures: Vec<(Pending<'_, Fetched>, Instant)> = opened
            .iter()
            .map(|(batch, provider)| {
                let longer = self.limits.approval.filter(|_| provider.may_ask());
                let deadline = after(self.limits.deadline, longer.unwrap_or_default());
                let scheme = self.plan.backends[batch.backend].scheme;
                let count = batch.addresses.len();
                let future = provider.fetch(&batch.addresses, &self.limits);
                (guarded(future, scheme, count), deadline)
            })
            .collect();
        let awaits = || opened.iter().any(|(_, provider)| provider.awaits_lease());
        let fetched = self.executor.run_awaiting(futures, needs_runtime, &awaits);
        for ((batch, _), fetched) in opened.into_iter().zip(fetched) {
            let fetched = fetched.unwrap_or_else(|| timed_out(&batch.addresses));
            let is_quote = self.plan.backends[batch.backend].kind.quotes_programs;
            let warnings = if is_quote {
                &mut answers.said
            } else {
                &mut answers.warnings
            };
            warnings.extend(fetched.warnings);
            for (index, answer) in batch.indices.iter().zip(fetched.answers) {
                answers.by_backend[batch.backend][*index] = Some(answer);
            }
        }
    }

    fn open(&mut self, backend: usize, answers: &Answers) -> Result<(), Fault> {
        if self.providers[backend].is_some() {
            return Ok(());
        }
        let asked = &self.plan.backends[backend];
        let Some(open) = asked.kind.open else {
            return Err(Fault::new(
                Class::Unreachable,
                format!("this version of endow has no `{}` backend", asked.kind.name),
            ));
        };
        let settings = settings::of(self.plan, asked.scheme, answers);
        let opening = endow_providers::Opening {
            name: asked.scheme,
            settings: Settings::Map(settings),
            environment: self.inputs.environment,
            home: self.inputs.home.clone(),
            helpers: self.inputs.helpers.clone(),
        };
        self.providers[backend] = Some(open(opening)?);
        Ok(())
    }

    /// When what is given back now must have been.
    fn closing_deadline(&self) -> Instant {
        self.closes_by.unwrap_or_else(|| from_now(CLOSING))
    }

    /// Closes some of the backends.
    fn close(&mut self, is_wanted: impl Fn(usize) -> bool, keeps_leases: bool) {
        let providers = self.providers.iter_mut().enumerate();
        let closing = providers.filter(|(backend, _)| is_wanted(*backend));
        let closing: Vec<Box<dyn Provider>> = closing
            .filter_map(|(_, provider)| provider.take())
            .collect();
        let needs_runtime = closing.iter().any(|provider| provider.needs_runtime());
        if needs_runtime {
            let deadline = self.closing_deadline();
            let futures: Vec<(Pending<'_, ()>, Instant)> = closing
                .iter()
                .map(|provider| (provider.close(keeps_leases), deadline))
                .collect();
            self.executor.run(futures, needs_runtime);
        }
    }
}

fn timed_out(addresses: &[Address]) -> Fetched {
    let fault = |address: &Address| {
        Err(Fault::new(
            Class::TimedOut,
            format!("no answer for `{}` within the deadline", address.locator),
        ))
    };
    Fetched {
        answers: addresses.iter().map(fault).collect(),
        warnings: Vec::new(),
    }
}

/// A future of a backend, whose panic is a fault of all that it was asked for.
fn guarded<'f>(
    future: Pending<'f, Fetched>,
    scheme: &'f str,
    count: usize,
) -> Pending<'f, Fetched> {
    Box::pin(async move {
        let is_begun = caught(|| stage::reached("provider")).is_some();
        if is_begun && let Some(fetched) = Caught::new(future).await {
            return fetched;
        }
        let message = format!("a library of the backend `{scheme}` broke off");
        let fault = Fault::new(Class::Malformed, message)
            .hinted("look for a blank, a line break or a wrong character in its settings, variables and files");
        Fetched {
            answers: (0..count).map(|_| Err(fault.clone())).collect(),
            warnings: Vec::new(),
        }
    })
}

//! What is counted, and what must not have happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::{
    launch::Outcome,
    plan::{Plan, Whom},
    server::Server,
};

/// More of them say nothing more.
const MOST_SAID: usize = 40;

#[derive(Default)]
pub(crate) struct Tally {
    launches: usize,
    started: usize,
    faulty: usize,
    by_way: BTreeMap<&'static str, usize>,
    by_fault: BTreeMap<String, usize>,
    by_class: BTreeMap<String, usize>,
    by_signal: BTreeMap<String, usize>,
    /// The longest time by which a launch was later than its deadline.
    latest: Duration,
    left_at_once: usize,
    left_longest: Duration,
    left_runs: usize,
    /// Launches that were killed before their command: nobody could give their lease back.
    ended_before: BTreeSet<usize>,
    /// What came of those that a lease may have been given to.
    leased: BTreeMap<usize, String>,
    /// Commands whose endow was killed when it had just made their process.
    late: usize,
    leases: String,
    said: Vec<String>,
}

impl Tally {
    pub(crate) fn take(&mut self, number: usize, plan: &Plan, outcome: &Outcome) {
        self.launches += 1;
        self.started += usize::from(outcome.is_started);
        self.faulty += usize::from(!plan.is_good());
        *self.by_way.entry(plan.way).or_default() += 1;
        for place in plan.places.iter().filter(|place| place.does != "good") {
            let name = format!("{} {}", place.backend, place.does);
            *self.by_fault.entry(name).or_default() += 1;
        }
        for class in classes(&outcome.stderr) {
            *self.by_class.entry(class).or_default() += 1;
        }
        if let Some((whom, signal, _)) = plan.kill {
            let when = match (outcome.is_killed, outcome.is_started) {
                (false, _) => "too late",
                (true, true) if whom != Whom::Command => "to endow, the command was there",
                (true, false) => "to endow, before the command",
                (true, true) => "to the command",
            };
            *self
                .by_signal
                .entry(format!("{signal} {when}"))
                .or_default() += 1;
        }
        let is_by_kill = plan
            .kill
            .is_some_and(|(_, signal, _)| signal == Signal::SIGKILL);
        if is_by_kill && outcome.is_killed && !outcome.is_started {
            self.ended_before.insert(number);
        }
        if plan.places.iter().any(|place| place.backend == "lease") {
            self.leased.insert(number, format!("{plan}: {outcome:?}"));
        }
        self.latest = self.latest.max(outcome.took.saturating_sub(plan.timeout));
        if let Some(fault) = outcome.fault(plan) {
            self.say(format!("launch {number} ({plan}): {fault}: {outcome:?}"));
            if !outcome.late.is_empty() {
                self.say(format!("launch {number} was doing this:\n{}", outcome.late));
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.launches += other.launches;
        self.started += other.started;
        self.faulty += other.faulty;
        self.latest = self.latest.max(other.latest);
        for (name, count) in other.by_way {
            *self.by_way.entry(name).or_default() += count;
        }
        sum(&mut self.by_fault, other.by_fault);
        sum(&mut self.by_class, other.by_class);
        sum(&mut self.by_signal, other.by_signal);
        self.ended_before.extend(other.ended_before);
        self.leased.extend(other.leased);
        self.late += other.late;
        self.said.extend(other.said);
    }

    /// What was there at the end of a batch, and how long until no process was.
    pub(crate) fn left(&mut self, processes: usize, time: Duration, runs: usize) {
        self.left_at_once += processes;
        self.left_longest = self.left_longest.max(time);
        self.left_runs += runs;
    }

    /// A lease that was given out comes back, but where endow was killed before the launch.
    pub(crate) fn leases(&mut self, server: &Server) {
        let leases = server.leases();
        let kept: Vec<usize> = leases.given.difference(&leases.revoked).copied().collect();
        self.leases = format!(
            "{} given, {} given back, {} of launches that were killed before their command",
            leases.given.len(),
            leases.revoked.len(),
            kept.len()
        );
        for launch in kept {
            if !self.ended_before.contains(&launch) {
                let what = self.leased.get(&launch).map_or("", String::as_str);
                self.say(format!(
                    "launch {launch}: its lease was not given back: {what}"
                ));
            }
        }
    }

    /// A command that was started when its endow had been killed.
    pub(crate) fn late(&mut self, name: &str) {
        self.late += 1;
        if !name.ends_with("good") {
            self.say(format!(
                "launch {name}: the command was started though a value had failed"
            ));
        }
    }

    pub(crate) fn say(&mut self, text: String) {
        self.said.push(text);
    }

    pub(crate) fn is_bad(&self) -> bool {
        !self.said.is_empty()
    }
}

/// The classes that a message names: `  V0: absent: ...`.
fn classes(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("  V"));
    let class = |line: &str| line.split(": ").nth(1).map(str::to_owned);
    lines.filter_map(class).collect()
}

fn sum(into: &mut BTreeMap<String, usize>, from: BTreeMap<String, usize>) {
    for (name, count) in from {
        *into.entry(name).or_default() += count;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            launches,
            started,
            faulty,
            ..
        } = self;
        writeln!(
            to,
            "{launches} launches: {faulty} with a fault; {started} commands started"
        )?;
        writeln!(to, "  by way: {:?}", self.by_way)?;
        writeln!(to, "  by fault: {:?}", self.by_fault)?;
        writeln!(to, "  answers: {:?}", self.by_class)?;
        writeln!(to, "  kills: {:?}", self.by_signal)?;
        writeln!(
            to,
            "  commands that began after the end of their endow: {}",
            self.late
        )?;
        writeln!(to, "  leases: {}", self.leases)?;
        writeln!(to, "  latest after its deadline: {:.2?}", self.latest)?;
        writeln!(
            to,
            "  at the ends of batches: {} processes, none after at most {:.1?}; {} directories of killed runs on tmpfs, before the next run",
            self.left_at_once, self.left_longest, self.left_runs
        )?;
        for text in self.said.iter().take(MOST_SAID) {
            writeln!(to, "BAD: {text}")?;
        }
        write!(to, "{} things that must not be", self.said.len())
    }
}

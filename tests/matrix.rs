//! The fault matrix: every backend under every fault, in one place.
//!
//! A row is run by the built program against something that really fails so. It must end with
//! 125 within its deadline, say the class that the table says and who the culprit is, show no value
//! and no credential, and start nothing. The table is data, and `docs/faults.md` is made of it:
//! `UPDATE_FAULTS=1 cargo test --test endow matrix::page` writes the page anew.

mod files;
mod page;
mod programs;
mod servers;
mod services;

use std::{
    any::Any,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use crate::harness::{Test, random};

/// What a table says where the command is started.
const STARTS: &str = "starts";
/// What it says where a backend can't have a fault.
const NEVER: &str = "";
/// The deadline of every row that waits for it, as its manifest says it, and in seconds.
const TIMEOUT: &str = "run: { timeout: 3s }\n";
const DEADLINE: Duration = Duration::from_secs(3);
/// That of all others, which end by themselves, but late on a busy machine.
const PATIENT: &str = "run: { timeout: 10s }\n";
/// Giving back takes a second at most; the rest is for a busy machine. It stays far below the 30
/// seconds that hold where a deadline is not kept.
const MARGIN: Duration = Duration::from_secs(10);
/// Rows wait more than they work.
const AT_ONCE: usize = 12;

/// Backends that fail in the same ways.
struct Family {
    title: &'static str,
    backends: &'static [&'static str],
    faults: &'static [Fault],
}

/// A fault, and what each backend of the family makes of it.
struct Fault {
    name: &'static str,
    /// A class, [`STARTS`] or [`NEVER`] for each backend, in order.
    classes: &'static [&'static str],
    arrange: fn(backend: &str, given: &Given) -> Scene,
}

/// What must not be seen: made anew for each row.
pub(crate) struct Given {
    pub(crate) value: String,
    pub(crate) credential: String,
}

/// A project with one variable `A`, and what it needs while it runs.
pub(crate) struct Scene {
    pub(crate) test: Test,
    /// What the report must name where it waited: an address, a service, a path, a program.
    pub(crate) culprit: String,
    /// Whether endow waits now, where the fault is that nothing comes.
    pub(crate) is_waiting: Option<Box<dyn Fn() -> bool + Send + Sync>>,
    /// Servers and directories.
    pub(crate) kept: Vec<Box<dyn Any + Send + Sync>>,
}

/// One backend under one fault.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) backend: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) class: &'static str,
    arrange: fn(backend: &str, given: &Given) -> Scene,
}

const FAMILIES: [&Family; 3] = [&files::FAMILY, &servers::FAMILY, &programs::FAMILY];

/// A type of backend that stands in no family would fail in ways that nobody looked at.
#[test]
fn every_type_of_backend_is_in_a_family() {
    let known: Vec<&str> = FAMILIES
        .iter()
        .flat_map(|family| family.backends)
        .map(|backend| backend.split(" (").next().unwrap_or_default())
        .collect();
    for kind in endow_providers::kind::ALL {
        // What the launcher's own environment can do wrong: nothing, a variable is there or it is not.
        let has_reason = kind.name == "env";
        assert!(
            known.contains(&kind.name) || has_reason,
            "`{}` is in none",
            kind.name
        );
    }
}

impl Given {
    pub(crate) fn new() -> Self {
        Self {
            value: random::word(24),
            credential: random::word(24),
        }
    }
}

impl Scene {
    fn new(test: Test, culprit: impl Into<String>) -> Self {
        Self {
            test,
            culprit: culprit.into(),
            is_waiting: None,
            kept: Vec::new(),
        }
    }

    fn keep(mut self, kept: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    /// The same with a later deadline, for what ends by itself.
    fn patient(mut self) -> Self {
        let manifest = fs::read_to_string(self.test.path("secretfile.yaml"));
        let manifest = manifest.expect("a manifest").replace(TIMEOUT, PATIENT);
        self.test = self.test.file("secretfile.yaml", manifest);
        self
    }

    fn waits(mut self, is_waiting: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.is_waiting = Some(Box::new(is_waiting));
        self
    }
}

impl Row {
    /// Whether the command gets its value in the end.
    pub(crate) fn starts(&self) -> bool {
        self.class == STARTS
    }

    pub(crate) fn arrange(&self, given: &Given) -> Scene {
        let scene = (self.arrange)(self.backend, given);
        if self.may_pass() {
            scene
        } else {
            scene.patient()
        }
    }

    fn run(&self) {
        let given = Given::new();
        let scene = self.arrange(&given);
        let test = scene.test.known(&given.value).known(&given.credential);
        // What hangs is killed, and has another status than all that are expected.
        let most = (DEADLINE + MARGIN).as_secs().to_string();
        let test = test.within(["timeout", "--foreground", "--signal=KILL", &most]);
        let began = Instant::now();
        if self.starts() {
            let test = test.shell("echo ${A+started}");
            test.stdout("started\n").any_stderr().success();
        } else {
            // Standard output is compared: the command would be seen there.
            let output = test.run(["echo", "started"]).any_stderr().status(125);
            let report = String::from_utf8(output.stderr).expect("text");
            let class = format!("A: {}: ", self.class);
            assert!(report.contains(&class), "no `{class}`:\n{report}");
            let culprit = &scene.culprit;
            let is_named = !self.may_pass() || report.contains(culprit);
            assert!(is_named, "no `{culprit}`:\n{report}");
            assert!(report.contains(", secretfile.yaml:"), "no place:\n{report}");
        }
        let took = began.elapsed();
        assert!(
            took < DEADLINE + MARGIN,
            "the deadline is not kept: {took:?}"
        );
    }

    /// Whether the fault is somebody's who may be well later; else it is the place's.
    fn may_pass(&self) -> bool {
        ["throttled", "timed out", "unreachable"].contains(&self.class)
    }
}

impl Family {
    fn rows(&self) -> impl Iterator<Item = Row> {
        self.faults.iter().flat_map(|fault| {
            assert_eq!(fault.classes.len(), self.backends.len(), "{}", fault.name);
            let cells = self.backends.iter().zip(fault.classes);
            let cells = cells.filter(|(_, class)| **class != NEVER);
            cells.map(|(backend, class)| Row {
                backend,
                fault: fault.name,
                class,
                arrange: fault.arrange,
            })
        })
    }

    /// Runs every row, some at a time, and shows all that are wrong.
    #[track_caller]
    fn run(&self) {
        let wrong = at_once(self.rows(), |row| {
            catch_unwind(AssertUnwindSafe(|| row.run())).map_err(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.unwrap_or_default();
                format!("{}, {}: {text}", row.backend, row.fault)
            })
        });
        let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
        assert!(
            wrong.is_empty(),
            "{} rows:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}

/// Every row of every family.
pub(crate) fn rows() -> impl Iterator<Item = Row> {
    FAMILIES.into_iter().flat_map(Family::rows)
}

/// Does the same with each of these, some at a time.
pub(crate) fn at_once<T: Send, R: Send>(
    items: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let (items, results) = (Mutex::new(items), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let item = items.lock().expect("the items").next();
                    let Some(item) = item else { break };
                    let result = work(item);
                    results.lock().expect("the results").push(result);
                }
            });
        }
    });
    results.into_inner().expect("the results")
}

#[test]
fn a_place_on_this_machine_fails_as_the_table_says() {
    files::FAMILY.run();
}

#[test]
fn a_server_fails_as_the_table_says() {
    servers::FAMILY.run();
}

#[test]
fn a_program_fails_as_the_table_says() {
    programs::FAMILY.run();
}

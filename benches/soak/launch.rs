//! One launch, and what came of it.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    plan::{Plan, Whom},
    state,
    tests::harness::runtime,
    world::World,
};

/// How long after its deadline a launch may end, on a machine that has other things to do.
pub(crate) const MARGIN: Duration = Duration::from_secs(5);
/// Nothing listens there.
const REFUSES: &str = "http://127.0.0.1:1";

#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` where it did not end in time.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) is_started: bool,
    /// Whether the signal was sent before the end.
    pub(crate) is_killed: bool,
    pub(crate) took: Duration,
    pub(crate) stderr: String,
    /// What it did when it was not over in time.
    pub(crate) late: String,
}

pub(crate) fn launch(world: &World, worker: usize, number: usize, plan: &Plan) -> Outcome {
    let mark = world.path(&format!("marks/{number}-{}", plan.expectation()));
    let manifest = world.path(&format!("project/manifest-{worker}.yaml"));
    let said = world.path(&format!("project/stderr-{worker}"));
    fs::write(&manifest, &plan.manifest).expect("the manifest");
    let mut command = command(world, plan, &manifest, &mark);
    command.stderr(fs::File::create(&said).expect("a file"));
    let started = Instant::now();
    let mut child = command.spawn().expect("endow starts");
    let is_killed = interrupt(&mut child, plan, &mark);
    let (status, late) = match wait(&mut child, started + plan.timeout + MARGIN) {
        Ok(status) => (Some(status), String::new()),
        Err(late) => (None, late),
    };
    let took = started.elapsed();
    let is_started = mark.exists();
    let _ = fs::remove_file(&mark);
    Outcome {
        status,
        is_started,
        is_killed,
        took,
        stderr: fs::read_to_string(&said).expect("what it said"),
        late,
    }
}

fn command(world: &World, plan: &Plan, manifest: &Path, mark: &Path) -> Command {
    let url = world.server.url();
    let address = |backend: &str| if plan.refuses(backend) { REFUSES } else { &url };
    let op = world.path(&format!("programs/op-{}/op", plan.does("op")));
    let count = plan.places.len().to_string();
    let is_file = plan.manifest.contains("as:");
    let timeout = format!("{}ms", plan.timeout.as_millis());
    let mut command = Command::new(&world.endow);
    command
        .arg("--file")
        .arg(manifest)
        .args(["run", "--timeout", &timeout])
        .args(plan.flags)
        .arg("--")
        .arg(world.path("programs/command"))
        .arg(mark)
        .args([
            count.as_str(),
            if is_file { "file" } else { "text" },
            "0.03",
            plan.orphans(),
        ])
        .arg(plan.status.to_string())
        .current_dir(world.path("project"))
        .env_clear()
        .env("PATH", runtime::path_with(&op))
        .env("HOME", world.path("home"))
        .env("TMPDIR", world.path("tmp"))
        .env("SOAK_GOOD", crate::world::VALUE)
        .env("VAULT_ADDR", address("vault"))
        .env("VAULT_TOKEN", "hvs.the-token-of-the-soak")
        .env("AWS_ENDPOINT_URL", address("aws-sm"))
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAENDOWSOAK0000000")
        .env(
            "AWS_SECRET_ACCESS_KEY",
            "secret-access-key-of-the-soak-000000",
        )
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Sends the signal of the plan at its time; true where something was there to take it.
fn interrupt(child: &mut Child, plan: &Plan, mark: &Path) -> bool {
    let Some((whom, signal, after)) = plan.kill else {
        return false;
    };
    if whom == Whom::Endow {
        thread::sleep(after);
        return is_there(child) && send(child.id(), signal);
    }
    loop {
        // The shell has made the file before it has written its number.
        let number = fs::read_to_string(mark).unwrap_or_default();
        if let Ok(command) = number.trim_end().parse() {
            thread::sleep(after);
            let whom = if whom == Whom::Command {
                command
            } else {
                child.id()
            };
            return is_there(child) && send(whom, signal);
        }
        if !is_there(child) {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn is_there(child: &mut Child) -> bool {
    child.try_wait().expect("its state").is_none()
}

fn send(process: u32, signal: Signal) -> bool {
    let process = Pid::from_raw(process.try_into().expect("a process id"));
    kill(process, signal).is_ok()
}

/// The status of a child, or what it was doing when it was killed because it was late.
fn wait(child: &mut Child, deadline: Instant) -> Result<ExitStatus, String> {
    loop {
        // The clock is read before the child: one that ended while nobody looked was not late.
        let is_over = Instant::now() >= deadline;
        if let Some(status) = child.try_wait().expect("its state") {
            return Ok(status);
        }
        if is_over {
            let late = state::of(child.id());
            child.kill().expect("it is killed");
            child.wait().expect("it ends");
            return Err(late);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

impl Outcome {
    /// What this may not be; `None` where all is well.
    pub(crate) fn fault(&self, plan: &Plan) -> Option<&'static str> {
        let Some(status) = self.status else {
            return Some("it was not over in time");
        };
        if self.is_started && !plan.is_good() {
            return Some("the command was started though a value had failed");
        }
        let expected = if plan.is_good() { plan.status } else { 125 };
        let signal = plan.kill.map(|(_, signal, _)| signal as i32);
        let by_signal = self.is_killed && status.signal() == signal;
        if !by_signal && status.code() != Some(expected) {
            return Some("it ended otherwise");
        }
        if !by_signal && plan.is_good() && !self.is_started {
            return Some("the command was not started");
        }
        None
    }
}

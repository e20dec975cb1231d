//! How long a key that was typed takes to come back: through `endow run --redact` with 1,000 random
//! values against the same through `script -qc`.
//!
//! `cargo bench --bench keystrokes`. Both programs stay, and the keys go to each in turn, so a slow
//! moment of the machine hits both. Four characters that begin a value, or one of its encodings, are
//! held until the next key: these are counted, not timed.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "shared/project.rs"]
mod project;
#[path = "shared/random.rs"]
mod random;

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::AsFd,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::openpty,
};

use self::random::Random;

const VALUES: usize = 1000;
const KEYS: usize = 4000;
/// Who has not answered by then, in milliseconds, waits for the next key.
const HELD: u16 = 200;
/// Every key comes back as it was typed, and nothing else does.
const COMMAND: &str = "stty raw -echo; echo ready; exec cat";

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    project::write(directory.path(), &random::secrets(VALUES));
    let mut keys = Random::of(VALUES);
    let endow = [
        env!("CARGO_BIN_EXE_endow"),
        "run",
        "--redact",
        "--",
        "sh",
        "-c",
        COMMAND,
    ];
    let script = ["script", "-qc", COMMAND, "/dev/null"];
    let mut endow = Typist::start(directory.path(), &endow);
    let mut script = Typist::start(directory.path(), &script);
    for _ in 0..KEYS {
        let key = keys.character();
        endow.types(key);
        script.types(key);
    }
    println!("{KEYS} keys that come back, {VALUES} random values:");
    endow.report("endow run --redact");
    script.report("script -qc");
}

/// A program on a terminal of its own, and how long each key took.
struct Typist {
    terminal: File,
    child: Child,
    waits: Vec<Duration>,
    /// Keys that have not come back yet.
    held: Vec<u8>,
    count_of_held: usize,
}

impl Typist {
    fn start(directory: &Path, program: &[&str]) -> Self {
        let pty = openpty(None, None).expect("a terminal");
        let end = || File::from(pty.slave.try_clone().expect("its other end"));
        let child = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .args(program)
            .current_dir(directory)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("setsid starts");
        let mut typist = Self {
            terminal: File::from(pty.master),
            child,
            waits: Vec::with_capacity(KEYS),
            held: Vec::new(),
            count_of_held: 0,
        };
        typist.wait_for(b"ready");
        typist.wait_for(b"\n");
        typist
    }

    fn wait_for(&mut self, text: &[u8]) {
        let mut seen = Vec::new();
        while !seen.ends_with(text) {
            let mut byte = [0];
            self.terminal.read_exact(&mut byte).expect("its output");
            seen.push(byte[0]);
        }
    }

    fn types(&mut self, key: u8) {
        let began = Instant::now();
        self.terminal.write_all(&[key]).expect("a key");
        self.held.push(key);
        if self.is_silent() {
            self.count_of_held += 1;
            return;
        }
        let keys = std::mem::take(&mut self.held);
        self.wait_for(&keys);
        self.waits.push(began.elapsed());
    }

    fn is_silent(&self) -> bool {
        let mut output = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
        poll(&mut output, PollTimeout::from(HELD)).expect("a poll") == 0
    }

    fn report(&mut self, name: &str) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
        self.waits.sort();
        let at = |percent: usize| self.waits[(self.waits.len() - 1) * percent / 100];
        println!(
            "  {name}: median {:.3?}, 99th percentile {:.3?}, most {:.3?}; {} held until the next key",
            at(50),
            at(99),
            at(100),
            self.count_of_held
        );
    }
}

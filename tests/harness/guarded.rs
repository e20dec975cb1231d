//! A server that ends when these tests end, however they do.
//!
//! Statics are not dropped, and a killed runner drops nothing. So the server is the child of a
//! guard (`tests/programs/guard.py`) that reads a pipe of this process: the kernel closes it.

use std::{
    ffi::OsString,
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::runtime;

/// How long a server may take to answer for the first time.
const LONGEST_START: Duration = Duration::from_mins(1);

/// A running server in a directory of its own.
pub(crate) struct Guarded {
    guard: Child,
    directory: PathBuf,
    name: &'static str,
}

impl Guarded {
    /// A new directory for a server's files, removed by the guard.
    pub(crate) fn directory() -> PathBuf {
        let directory = tempfile::Builder::new().prefix("endow-server-").tempdir();
        directory.expect("a directory for the server").keep()
    }

    /// Starts the server in `directory`.
    pub(crate) fn start(name: &'static str, directory: &Path, command: &[OsString]) -> Self {
        Self::start_as(&[], name, directory, command)
    }

    /// Starts a server that refuses to run as root; it gets `directory`.
    pub(crate) fn start_unprivileged(
        name: &'static str,
        directory: &Path,
        command: &[OsString],
    ) -> Self {
        Self::start_as(&["--unprivileged".into()], name, directory, command)
    }

    fn start_as(
        options: &[OsString],
        name: &'static str,
        directory: &Path,
        command: &[OsString],
    ) -> Self {
        let words = runtime::program("guard.py");
        let errors = File::create(directory.join("guard.log")).expect("a log");
        let guard = Command::new(&words[0])
            .args(&words[1..])
            .args(options)
            .arg(directory)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .expect("the guard starts");
        Self {
            guard,
            directory: directory.to_owned(),
            name,
        }
    }

    /// Waits until `answers` says so. An error is the log of a server that ended instead.
    pub(crate) fn wait_until(&mut self, answers: impl Fn() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + LONGEST_START;
        while !answers() {
            if self.guard.try_wait().expect("the guard's state").is_some() {
                return Err(format!("{} ended:\n{}", self.name, self.log()));
            }
            assert!(
                Instant::now() < deadline,
                "{} does not answer:\n{}",
                self.name,
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Waits until it has ended by itself, and says whether all went well.
    pub(crate) fn wait(mut self) -> Result<(), String> {
        // Waiting closes the pipe, which would end the server.
        let pipe = self.guard.stdin.take();
        let status = self.guard.wait().expect("the guard ends");
        drop(pipe);
        if status.success() {
            Ok(())
        } else {
            Err(format!("{}: {status}\n{}", self.name, self.log()))
        }
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        let read = |name| std::fs::read(self.directory.join(name)).unwrap_or_default();
        let bytes = [read("guard.log"), read("log")].concat();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A port that nobody listens on, nor on the one after it. Below those that the kernel gives to
/// sockets without one, so that no client of another test takes it meanwhile.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).expect("it is below");
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    loop {
        let offset = NEXT.fetch_add(2, Ordering::Relaxed);
        let port = FIRST + (start + offset % COUNT) % COUNT;
        if is_free(port) && is_free(port + 1) {
            return port;
        }
    }
}

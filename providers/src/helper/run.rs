//! One helper from its start to its end.

use std::{
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::time;

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, kill, killpg},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, getpgrp, getpid},
};
use zeroize::Zeroizing;

use super::{
    Buffer, Cancel, Groups,
    groups::Group,
    terminal::{Lent, Wish},
};

/// The most that a helper may say.
const MOST_OUTPUT: usize = 16 << 20;
/// So much of its standard error is kept; the rest is read and dropped.
const MOST_STDERR: usize = 64 << 10;
const PIECE: usize = 8 << 10;
/// So many are read before anything else is looked at, however much there is.
const MOST_PIECES: usize = 32;
/// How often the process itself is looked at while its pipes are silent, and after they closed.
const LOOKS: Duration = Duration::from_millis(20);
const LOOKS_AT_THE_END: Duration = Duration::from_millis(1);
/// How long pipes are read that others hold after the helper itself has ended.
const LINGERS: Duration = Duration::from_millis(100);

/// What to run, and for how long.
pub(crate) struct Call<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    /// All of it.
    pub(crate) environment: &'a [(OsString, OsString)],
    /// Its working directory; endow's own otherwise.
    pub(crate) directory: Option<PathBuf>,
    /// What it reads from standard input, a pipe.
    pub(crate) input: &'a [u8],
    /// When it is killed.
    pub(crate) end: Instant,
    /// How long a person that it asks on the terminal may take; `None` where nobody can be asked.
    pub(crate) approval: Option<Duration>,
    /// Says early that enough was said.
    pub(crate) is_enough: &'a dyn Fn(&Output) -> bool,
}

/// What a helper has said so far.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) stdout: Buffer,
    pub(crate) stderr: Buffer,
}

/// What became of it.
pub(crate) struct Ended {
    pub(crate) status: Status,
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    pub(crate) stderr: Zeroizing<Vec<u8>>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// With an exit status.
    Exited(i32),
    /// By a signal.
    Signalled(Signal),
    /// It had said enough, and was not waited for.
    Enough,
}

/// Why there is no end to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It could not be started; why, in the operating system's words.
    NotStarted(String),
    /// It ran until its end was due, and was killed.
    TimedOut,
    /// It said more than it may.
    TooMuch,
    /// It asked for a terminal that it was not given.
    WantsTerminal,
    /// Nobody waits for it any more.
    Cancelled,
}

impl Call<'_> {
    /// Runs it. Blocks: for threads of [`super::work`].
    pub(crate) fn run(self, groups: &'static Groups, cancel: &Cancel) -> Result<Ended, Failure> {
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let started = cancel.start(|| groups.start(&mut command), |(_, group)| group.id());
        let Some((mut child, group)) = started.map_err(|error| not_started(&error))? else {
            return Err(Failure::Cancelled);
        };
        let pipes = [
            child.stdin.take().map(OwnedFd::from),
            child.stdout.take().map(OwnedFd::from),
            child.stderr.take().map(OwnedFd::from),
        ];
        let mut running = Running {
            call: &self,
            pipes: pipes.map(|pipe| pipe.map(unblocked)),
            written: 0,
            output: Output::default(),
            status: None,
            id: group.id(),
            groups,
            end: self.end,
            wants_terminal: false,
            lent: None,
        };
        let outcome = running.follow(cancel);
        running.give_up(&group, cancel);
        let status = outcome?;
        if running.lent.take().is_some() {
            interrupted(status);
        }
        Ok(Ended {
            status,
            stdout: running.output.stdout.into_bytes(),
            stderr: running.output.stderr.into_bytes(),
        })
    }
}

fn not_started(error: &std::io::Error) -> Failure {
    let reason = error
        .raw_os_error()
        .map(|errno| Errno::from_raw(errno).desc().to_lowercase());
    Failure::NotStarted(reason.unwrap_or_else(|| error.to_string()))
}

/// Sets a pipe's own end to not wait; the helper's end is another description.
fn unblocked(pipe: OwnedFd) -> File {
    // It can't fail on an open pipe; if it did, a helper that does not read would be killed late.
    let _ = fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    File::from(pipe)
}

/// A key of the terminal reached the helper that had it, and was meant for endow too.
fn interrupted(status: Status) {
    if let Status::Signalled(signal @ (Signal::SIGINT | Signal::SIGQUIT | Signal::SIGHUP)) = status
    {
        // It can't fail for the process itself.
        let _ = kill(getpid(), signal);
    }
}

struct Running<'a> {
    call: &'a Call<'a>,
    /// Standard input, output and error; `None` where closed.
    pipes: [Option<File>; 3],
    written: usize,
    output: Output,
    status: Option<Status>,
    id: Pid,
    groups: &'static Groups,
    end: Instant,
    /// Whether it is stopped because it has no terminal.
    wants_terminal: bool,
    lent: Option<Lent>,
}

impl Running<'_> {
    fn follow(&mut self, cancel: &Cancel) -> Result<Status, Failure> {
        let mut lingers_until = None;
        loop {
            if cancel.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            if let Some(status) = self.status {
                let until = *lingers_until.get_or_insert_with(|| time::from_now(LINGERS));
                if self.is_silent() || Instant::now() >= until {
                    return Ok(status);
                }
            } else if Instant::now() >= self.end {
                return Err(Failure::TimedOut);
            }
            self.exchange()?;
            if (self.call.is_enough)(&self.output) {
                return Ok(self.status.unwrap_or(Status::Enough));
            }
            self.look()?;
        }
    }

    fn is_silent(&self) -> bool {
        self.pipes[1].is_none() && self.pipes[2].is_none()
    }

    /// Waits for the pipes for a while, and moves what can be moved.
    fn exchange(&mut self) -> Result<(), Failure> {
        if self.written == self.call.input.len() {
            self.pipes[0] = None;
        }
        let wanted = [PollFlags::POLLOUT, PollFlags::POLLIN, PollFlags::POLLIN];
        let mut polled: Vec<PollFd<'_>> = self
            .pipes
            .iter()
            .zip(wanted)
            .filter_map(|(pipe, wanted)| Some(PollFd::new(pipe.as_ref()?.as_fd(), wanted)))
            .collect();
        let looks = if self.is_silent() {
            LOOKS_AT_THE_END
        } else {
            LOOKS
        };
        let left = self.end.saturating_duration_since(Instant::now());
        let wait = looks.min(left).max(LOOKS_AT_THE_END);
        // An interrupted or failed wait is a short one.
        let _ = poll(
            &mut polled,
            PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO),
        );
        drop(polled);
        self.write();
        for at in 1..3 {
            self.read(at)?;
        }
        Ok(())
    }

    fn write(&mut self) {
        let Some(pipe) = &mut self.pipes[0] else {
            return;
        };
        match pipe.write(&self.call.input[self.written..]) {
            Ok(count) => self.written += count,
            Err(error) if is_for_later(error.kind()) => {}
            // It closed its input, which is its right.
            Err(_) => self.pipes[0] = None,
        }
    }

    fn read(&mut self, at: usize) -> Result<(), Failure> {
        let mut piece = Zeroizing::new([0; PIECE]);
        for _ in 0..MOST_PIECES {
            let Some(pipe) = &mut self.pipes[at] else {
                return Ok(());
            };
            match pipe.read(&mut piece[..]) {
                Ok(count) if count > 0 => self.keep(at, &piece[..count])?,
                Err(error) if is_for_later(error.kind()) => return Ok(()),
                Ok(_) | Err(_) => self.pipes[at] = None,
            }
        }
        Ok(())
    }

    fn keep(&mut self, at: usize, bytes: &[u8]) -> Result<(), Failure> {
        if at == 1 {
            if self.output.stdout.bytes().len() + bytes.len() > MOST_OUTPUT {
                return Err(Failure::TooMuch);
            }
            self.output.stdout.push(bytes);
        } else {
            let room = MOST_STDERR.saturating_sub(self.output.stderr.bytes().len());
            self.output.stderr.push(&bytes[..bytes.len().min(room)]);
        }
        Ok(())
    }

    /// Looks at the process: it may have ended, or been stopped for the want of a terminal.
    fn look(&mut self) -> Result<(), Failure> {
        if self.status.is_some() {
            return Ok(());
        }
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
        match waitpid(self.id, Some(flags)) {
            Ok(WaitStatus::Exited(_, code)) => self.status = Some(Status::Exited(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                self.status = Some(Status::Signalled(signal));
            }
            Ok(WaitStatus::Stopped(_, signal)) => self.stopped(signal),
            _ => {}
        }
        if self.wants_terminal {
            self.ask_for_terminal()?;
        }
        Ok(())
    }

    fn stopped(&mut self, signal: Signal) {
        match (&self.lent, signal) {
            (Some(lent), Signal::SIGTSTP) => {
                // The key was meant for the whole job: it stops here, until the shell continues
                // it.
                lent.take();
                let _ = killpg(getpgrp(), signal);
                lent.again(self.id);
            }
            (Some(lent), _) => lent.again(self.id),
            (None, Signal::SIGTTIN | Signal::SIGTTOU) => self.wants_terminal = true,
            // Somebody stopped it on purpose, and may continue it.
            (None, _) => {}
        }
    }

    fn ask_for_terminal(&mut self) -> Result<(), Failure> {
        let approval = self.call.approval.ok_or(Failure::WantsTerminal)?;
        match Lent::to(self.id, self.groups) {
            Wish::Granted(lent) => {
                self.wants_terminal = false;
                self.lent = Some(lent);
                self.end = self.end.max(time::from_now(approval));
                Ok(())
            }
            Wish::Later => Ok(()),
            Wish::Refused => Err(Failure::WantsTerminal),
        }
    }

    /// Kills what is left, and reaps it.
    fn give_up(&mut self, group: &Group, cancel: &Cancel) {
        group.kill();
        cancel.forget(self.id);
        if self.status.is_none() {
            // A killed process ends at once, unless the kernel itself can't be interrupted.
            let until = time::from_now(LINGERS);
            let is_running = || {
                matches!(
                    waitpid(self.id, Some(WaitPidFlag::WNOHANG)),
                    Ok(WaitStatus::StillAlive | WaitStatus::Stopped(..))
                )
            };
            while is_running() && Instant::now() < until {
                std::thread::sleep(LOOKS_AT_THE_END);
            }
        }
    }
}

fn is_for_later(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

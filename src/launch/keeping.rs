//! The process that keeps values while endow stays with the command, as endow has it: a control
//! pipe whose end ends it, and a pipe on which it tells of changes.
//!
//! It is made before the command, so it has nothing of it, and is in a group of its own with every
//! signal blocked: keys and signals are the command's. It ends when endow's end of the control
//! pipe is closed. The kernel does that too where endow is killed: then it ends with the command.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, PipeReader, PipeWriter, Read, Write},
    ops::RangeInclusive,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use endow_providers::{Secret, Warning, time::from_now};
use nix::{
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::SigSet,
};
use zeroize::Zeroizing;

use crate::{
    error::Error,
    resolve::{Action, Change, Keeper},
    sys::{
        alive::Process,
        child::{Side, end_now, fork, lead_group, own_id, send},
        stream::place,
    },
};

/// How long it may take to give everything back.
const ENDING: Duration = Duration::from_millis(2500);

/// The process that keeps.
#[derive(Debug)]
pub struct Keeping {
    /// Closed to end it.
    control: Option<PipeWriter>,
    /// Takes the command, each time that one is started.
    command: Option<PipeWriter>,
    /// `None` in a process that is not the one that made it.
    changes: Option<PipeReader>,
    process: i32,
}

impl Keeping {
    /// Makes the process. `say` prints a warning.
    pub fn start(keeper: Keeper<'_, '_>, say: &dyn Fn(Warning)) -> Result<Self, Error> {
        let started = || -> io::Result<Self> {
            let (theirs, control) = io::pipe()?;
            let (mut commands, command) = io::pipe()?;
            let (changes, mut writer) = io::pipe()?;
            match fork()? {
                Side::Parent(process) => Ok(Self {
                    control: Some(control),
                    command: Some(command),
                    changes: Some(changes),
                    process,
                }),
                Side::Child => {
                    drop((control, command, changes));
                    lead_group(own_id());
                    // Every one can be blocked but KILL and STOP.
                    let _ = SigSet::all().thread_set_mask();
                    leave_streams(0..=1);
                    // Where nobody reads any more, the control pipe is closed too.
                    let mut tell = |change: &Change| {
                        let _ = writer.write_all(&to_bytes(change));
                    };
                    let outlives = || {
                        let command = command_of(&mut commands)?;
                        // Whoever reads what endow said is not kept waiting for the command.
                        leave_streams(2..=2);
                        Some(command)
                    };
                    keeper.keep(theirs.into(), outlives, &mut tell, say);
                    end_now(0)
                }
            }
        };
        started().map_err(|error| Error::NoChild {
            reason: crate::manifest::reason(&error),
        })
    }

    /// Names the command, for the case that endow is killed before it.
    pub(super) fn belongs_to(&mut self, command: Process) {
        if let Some(pipe) = &mut self.command {
            // Where nobody takes it, there is nothing that could be kept.
            let _ = pipe.write_all(command.line().as_bytes());
        }
    }

    /// What can be read when there is a change, or when the process is gone.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.changes.as_ref().map(AsFd::as_fd)
    }

    /// In another process than the one that made it: it is not this one's.
    pub(super) fn leave(mut self) {
        self.control = None;
        self.command = None;
        self.changes = None;
    }

    /// The change that can be read now; `None` where the process is gone.
    pub(super) fn change(&mut self) -> Option<Change> {
        from_reader(self.changes.as_mut()?)
    }
}

impl Drop for Keeping {
    /// Waits until it has given everything back.
    fn drop(&mut self) {
        drop((self.control.take(), self.command.take()));
        let Some(changes) = &mut self.changes else {
            return;
        };
        let end = from_now(ENDING);
        let mut rest = Zeroizing::new([0; 4096]);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            let mut descriptors = [PollFd::new(changes.as_fd(), PollFlags::POLLIN)];
            match poll(&mut descriptors, timeout) {
                Ok(0) => return send(self.process, libc::SIGKILL),
                Ok(_)
                    if changes
                        .read(rest.as_mut_slice())
                        .is_ok_and(|count| count == 0) =>
                {
                    return;
                }
                _ => {}
            }
        }
    }
}

/// The command that lives though endow is gone, as a descriptor that can be read at its end.
fn command_of(commands: &mut PipeReader) -> Option<OwnedFd> {
    let mut text = String::new();
    // endow's end is closed, so this ends.
    commands.read_to_string(&mut text).ok()?;
    Process::of_lines(&text)?.watched().ok()
}

/// Who reads endow's output is not kept waiting, and its input is not read.
fn leave_streams(streams: RangeInclusive<i32>) {
    if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        for standard in streams {
            let _ = place(&null, standard);
        }
    }
}

/// The name of the signal, empty for a restart; how many values; of each the name, whether there is
/// one, and the value. A text has its length before it.
fn to_bytes(change: &Change) -> Zeroizing<Vec<u8>> {
    let sizes = change.values.iter().map(|(name, value)| {
        name.len() + value.as_ref().map_or(0, Secret::len) + 2 * size_of::<u64>() + 1
    });
    // Growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(sizes.sum::<usize>() + 64));
    let signal = match &change.action {
        Action::Restart => "",
        Action::Signal(name) => name,
    };
    put(&mut bytes, signal.as_bytes());
    bytes.extend_from_slice(&change.values.len().to_ne_bytes());
    for (name, value) in &change.values {
        put(&mut bytes, name.as_bytes());
        bytes.push(u8::from(value.is_some()));
        put(&mut bytes, value.as_ref().map_or(&[], Secret::expose));
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend_from_slice(&text.len().to_ne_bytes());
    bytes.extend_from_slice(text);
}

fn from_reader(reader: &mut impl Read) -> Option<Change> {
    let signal = String::from_utf8(take(reader)?.to_vec()).ok()?;
    let count = take_length(reader)?;
    let mut values = BTreeMap::new();
    for _ in 0..count {
        let name = String::from_utf8(take(reader)?.to_vec()).ok()?;
        let mut is_there = [0];
        reader.read_exact(&mut is_there).ok()?;
        let value = Secret::from(take(reader)?);
        values.insert(name, (is_there != [0]).then_some(value));
    }
    let action = if signal.is_empty() {
        Action::Restart
    } else {
        Action::Signal(signal)
    };
    Some(Change { action, values })
}

fn take(reader: &mut impl Read) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(vec![0; take_length(reader)?]);
    reader.read_exact(&mut text).ok()?;
    Some(text)
}

fn take_length(reader: &mut impl Read) -> Option<usize> {
    let mut bytes = [0; size_of::<usize>()];
    reader.read_exact(&mut bytes).ok()?;
    Some(usize::from_ne_bytes(bytes))
}

//! The child's output on its way through the masker, and keys on their way to the child.
//!
//! A channel reads a piece only when the one before is written: a slow reader slows the child, as
//! it would without endow, and no more than a piece and what the masker holds is ever kept. Output
//! and error are channels of their own, unless both are one file or one terminal: then the order
//! in which the child wrote is kept.

use std::{
    fs::File,
    io::{self, ErrorKind, PipeReader, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::poll::{PollFd, PollFlags};
use zeroize::Zeroizing;

use crate::{
    redact::{Masker, Stream},
    sys::{
        pty::Pty,
        startup::closed_descriptors,
        stream::{self, Sink},
        terminal::Terminal,
    },
};

const PIECE: usize = 256 << 10;
const INPUT: i32 = 0;
const OUTPUT: i32 = 1;
const ERROR: i32 = 2;

/// What the child has in the place of standard streams.
pub(super) type Places = Vec<(i32, OwnedFd)>;

/// All channels of a run.
#[derive(Default)]
pub(super) struct Relay<'m> {
    channels: Vec<Channel<'m>>,
    /// One piece; there where there are channels.
    buffer: Zeroizing<Vec<u8>>,
}

/// Channels before the fork, with the child's ends of them.
pub(super) struct Prepared<'m> {
    pub(super) relay: Relay<'m>,
    pub(super) places: Places,
    /// The terminal that stands in for the caller's.
    pub(super) pty: Option<Pty>,
}

/// Whether the child's whole terminal is one that stands in for the caller's. Where only its
/// errors go to the terminal, others have it too (`| less`), so that only they get one.
pub(super) fn wants_terminal() -> bool {
    stream::is_terminal(OUTPUT)
}

/// Whether a standard stream is the terminal that standard output is. Two different ones stay two.
fn shares_terminal(standard: i32) -> bool {
    stream::is_terminal(standard)
        && wants_terminal()
        && (standard == INPUT || stream::are_one(OUTPUT, standard))
}

/// Makes the channels that the standard streams need.
pub(super) fn prepare<'m>(
    masker: &'m Masker,
    terminal: Option<&Terminal>,
) -> io::Result<Prepared<'m>> {
    let mut prepared = Prepared {
        relay: Relay::default(),
        places: Vec::new(),
        pty: None,
    };
    let is_closed = |standard| closed_descriptors().any(|closed| closed == standard);
    if wants_terminal() {
        prepared.add_terminal(masker, terminal)?;
    } else if !is_closed(OUTPUT) {
        prepared.add_pipe(masker, OUTPUT)?;
    }
    if is_closed(ERROR) || shares_terminal(ERROR) {
        return Ok(prepared);
    }
    if stream::is_terminal(ERROR) {
        prepared.add_errors(masker)?;
    } else if !is_closed(OUTPUT) && stream::are_one(OUTPUT, ERROR) {
        if let Some((_, writer)) = prepared.places.first() {
            let writer = writer.try_clone()?;
            prepared.places.push((ERROR, writer));
        }
    } else {
        prepared.add_pipe(masker, ERROR)?;
    }
    Ok(prepared)
}

impl<'m> Prepared<'m> {
    fn add_pipe(&mut self, masker: &'m Masker, standard: i32) -> io::Result<()> {
        let (reader, writer) = io::pipe()?;
        stream::never_wait(&reader)?;
        stream::widen(&writer);
        let sink = Sink::standard(standard)?;
        let source = Source::Pipe(reader);
        self.relay.add(source, sink, Some(masker), false);
        self.places.push((standard, writer.into()));
        Ok(())
    }

    /// A terminal for output, error and input, as far as they are the caller's.
    fn add_terminal(&mut self, masker: &'m Masker, terminal: Option<&Terminal>) -> io::Result<()> {
        let pty = Pty::like(&io::stdout(), false)?;
        let source = Source::File(File::from(pty.master.try_clone()?));
        let sink = Sink::standard(OUTPUT)?;
        self.relay.add(source, sink, Some(masker), true);
        for standard in [INPUT, OUTPUT, ERROR] {
            if shares_terminal(standard) {
                self.places.push((standard, pty.slave.try_clone()?));
            }
        }
        if let Some(terminal) = terminal {
            let source = Source::Keyboard(terminal.keyboard()?);
            let sink = Sink::of(pty.master.try_clone()?);
            self.relay.add(source, sink, None, true);
        }
        self.pty = Some(pty);
        Ok(())
    }

    /// A terminal for errors alone: the caller's does what there is to do with them.
    fn add_errors(&mut self, masker: &'m Masker) -> io::Result<()> {
        let pty = Pty::like(&io::stderr(), true)?;
        let source = Source::File(File::from(pty.master));
        self.relay
            .add(source, Sink::standard(ERROR)?, Some(masker), true);
        self.places.push((ERROR, pty.slave));
        Ok(())
    }
}

impl<'m> Relay<'m> {
    fn add(&mut self, source: Source, sink: Sink, masker: Option<&'m Masker>, is_terminal: bool) {
        self.buffer.resize(PIECE, 0);
        self.channels.push(Channel {
            source: Some(source),
            sink,
            mask: masker.map(Masker::stream),
            is_terminal,
            has_reader: true,
            pending: Zeroizing::new(Vec::new()),
            written: 0,
        });
    }

    /// What to wait for, by the place of the channel.
    pub(super) fn interests(&self, has_keyboard: bool) -> Vec<(usize, PollFd<'_>)> {
        let channels = self.channels.iter().enumerate();
        let interests = channels.filter_map(|(at, channel)| {
            let (descriptor, events) = channel.interest(has_keyboard)?;
            Some((at, PollFd::new(descriptor, events)))
        });
        interests.collect()
    }

    /// Moves what can be moved on these channels.
    pub(super) fn turn(&mut self, ready: &[usize]) {
        for at in ready {
            self.channels[*at].turn(&mut self.buffer);
        }
    }

    /// From here on another program writes, and other values are masked.
    pub(super) fn mask_by(&mut self, masker: &'m Masker) {
        for channel in &mut self.channels {
            if let Some(mask) = &mut channel.mask {
                mask.finish(&mut channel.pending);
                *mask = masker.stream();
            }
        }
    }

    /// Moves what can be moved on every channel.
    pub(super) fn turn_all(&mut self) {
        for channel in &mut self.channels {
            if !matches!(channel.source, Some(Source::Keyboard(_))) {
                channel.turn(&mut self.buffer);
            }
        }
    }

    /// The child is gone: what it wrote is moved, and the end of each stream with it. The result is
    /// whether something is left that a reader must make room for.
    pub(super) fn finish(&mut self) -> bool {
        for channel in &mut self.channels {
            channel.finish(&mut self.buffer);
        }
        self.channels.retain(|channel| !channel.pending.is_empty());
        !self.channels.is_empty()
    }
}

/// Where a channel reads.
enum Source {
    Pipe(PipeReader),
    File(File),
    /// Only while the keyboard is endow's.
    Keyboard(File),
}

impl Source {
    fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Self::Pipe(pipe) => pipe.as_fd(),
            Self::File(file) | Self::Keyboard(file) => file.as_fd(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(pipe) => pipe.read(buffer),
            Self::File(file) | Self::Keyboard(file) => file.read(buffer),
        }
    }
}

struct Channel<'m> {
    /// `None` after its end.
    source: Option<Source>,
    sink: Sink,
    /// `None` for keys.
    mask: Option<Stream<'m>>,
    is_terminal: bool,
    /// Whether anybody reads the sink.
    has_reader: bool,
    /// Masked, and written up to `written`.
    pending: Zeroizing<Vec<u8>>,
    written: usize,
}

impl Channel<'_> {
    fn interest(&self, has_keyboard: bool) -> Option<(BorrowedFd<'_>, PollFlags)> {
        if !self.pending.is_empty() {
            return Some((self.sink.as_fd(), PollFlags::POLLOUT));
        }
        match self.source.as_ref()? {
            Source::Keyboard(_) if !has_keyboard => None,
            source => Some((source.descriptor(), PollFlags::POLLIN)),
        }
    }

    fn turn(&mut self, buffer: &mut [u8]) {
        self.write();
        if self.pending.is_empty() && self.read(buffer) {
            self.write();
        }
    }

    /// Takes one piece; false where there is none now.
    fn read(&mut self, buffer: &mut [u8]) -> bool {
        let Some(source) = &mut self.source else {
            return false;
        };
        match source.read(buffer) {
            Ok(0) => self.end(),
            Ok(count) => {
                match &mut self.mask {
                    Some(mask) => mask.push(&buffer[..count], &mut self.pending),
                    None => self.pending.extend_from_slice(&buffer[..count]),
                }
                // Somebody may be typing: what says nothing of a value does not wait.
                if let Some(mask) = self.mask.as_mut().filter(|_| self.is_terminal) {
                    mask.release(&mut self.pending);
                }
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => return false,
                // A terminal says so that its last program has gone.
                _ => self.end(),
            },
        }
        true
    }

    /// Nothing comes any more.
    fn end(&mut self) {
        self.source = None;
        if let Some(mask) = &mut self.mask {
            mask.finish(&mut self.pending);
        }
    }

    fn write(&mut self) {
        while self.written < self.pending.len() {
            let done = if self.has_reader {
                self.sink.write(&self.pending[self.written..])
            } else {
                Ok(self.pending.len() - self.written)
            };
            match done {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => return,
                Err(_) => self.lose_reader(),
            }
        }
        self.pending.clear();
        self.written = 0;
    }

    /// A child that writes on is told by SIGPIPE, as it would be without endow; a terminal can't.
    fn lose_reader(&mut self) {
        self.has_reader = false;
        if !self.is_terminal {
            self.source = None;
            self.mask = None;
        }
    }

    fn finish(&mut self, buffer: &mut [u8]) {
        self.write();
        if matches!(self.source, Some(Source::Keyboard(_))) {
            self.source = None;
            self.pending.clear();
        }
        // What others below the child still write is not waited for.
        while self.pending.is_empty() && self.read(buffer) {
            self.write();
        }
        if self.pending.is_empty() && self.source.is_some() {
            self.end();
            self.write();
        }
    }
}

//! Signals as a queue that can be waited for with descriptors.
//!
//! A handler writes what it was told into a pipe: which signal, whether the kernel sent it (a key
//! of the terminal, a hang-up) or a process, and which. signalfd would say the same, on Linux
//! alone. Everything stays blocked from before the fork until the child has its own dispositions
//! back, so that no signal is lost, and none is handled in the child.
//!
//! The handlers stay in force until the process ends or is another program, and so does the pipe:
//! a handler that found no reader would be told so by SIGPIPE, which it handles too, without end. A
//! thread that hangs in the kernel can run a handler at any moment, so no order of closing would do.

use std::{
    io::{self, PipeReader, Read},
    mem,
    os::fd::{AsFd, BorrowedFd, IntoRawFd},
    ptr,
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    libc,
    sys::signal::{SigSet, SigmaskHow},
};

/// Where the handler writes; -1 where nothing was ever caught.
static WRITER: AtomicI32 = AtomicI32::new(-1);

/// Whether a SIGCONT stands in the queue: it runs its handler before anything else does where a process goes on.
static CONTINUED: AtomicBool = AtomicBool::new(false);

/// One signal as it was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Delivered {
    /// Its number.
    pub signal: i32,
    code: i32,
    sender: i32,
}

impl Delivered {
    /// Whether the kernel sent it, and no process.
    pub fn is_from_kernel(self) -> bool {
        if cfg!(target_os = "linux") {
            // Positive codes are the kernel's (sigaction(2)): SI_KERNEL for keys of a terminal.
            self.code > 0
        } else {
            self.sender == 0
        }
    }

    /// Whether endow itself raised it: SIGPIPE of a write, SIGABRT of an abort.
    pub fn is_from_endow(self) -> bool {
        u32::try_from(self.sender).is_ok_and(|sender| sender == std::process::id())
    }
}

/// Signals that are caught. Dropping it blocks them: nothing that is dropped later is interrupted.
#[derive(Debug)]
pub struct Queue {
    /// Never closed, and neither is the writer.
    reader: &'static PipeReader,
    inherited: SigSet,
    ignored: Vec<i32>,
    caught: Vec<i32>,
}

impl Queue {
    /// Blocks every signal, and catches these from the next [`Self::open`] on.
    pub fn catch(signals: impl Iterator<Item = i32>) -> io::Result<Self> {
        let inherited = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let (reader, writer) = io::pipe()?;
        for end in [reader.as_fd(), writer.as_fd()] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        // Of an exec both ends are closed by the kernel.
        WRITER.store(writer.into_raw_fd(), Ordering::SeqCst);
        let mut queue = Self {
            reader: Box::leak(Box::new(reader)),
            inherited,
            ignored: Vec::new(),
            caught: Vec::new(),
        };
        for signal in signals {
            if catch_one(signal)? == libc::SIG_IGN {
                queue.ignored.push(signal);
            }
            queue.caught.push(signal);
        }
        Ok(queue)
    }

    /// Lets signals come, those too that endow inherited as blocked: they are the child's.
    pub fn open(&self) -> io::Result<()> {
        Ok(SigSet::empty().thread_set_mask()?)
    }

    /// Lets no signal come until it is opened again: before another fork.
    pub fn close(&self) -> io::Result<()> {
        Ok(SigSet::all().thread_set_mask()?)
    }

    /// In the child: the dispositions and the mask that endow inherited.
    pub fn give_back(&self) {
        for signal in &self.caught {
            let disposition = if self.ignored.contains(signal) {
                libc::SIG_IGN
            } else {
                libc::SIG_DFL
            };
            set_disposition(*signal, disposition);
        }
        // Setting a mask that the kernel once gave can't fail.
        let _ = self.inherited.thread_set_mask();
    }

    /// Stops this process, or all of its group, by a signal as if it were not caught, and returns when it is continued.
    /// The result is false where it was not stopped: the kernel stops no init, and by a key no
    /// group that has no shell.
    pub fn stop_by(&self, signal: i32, is_for_group: bool) -> bool {
        // Continued before it could stop: who did that will not do it again.
        if CONTINUED.load(Ordering::SeqCst) {
            return true;
        }
        set_disposition(signal, libc::SIG_DFL);
        // SAFETY: Both are given numbers, and touch no memory.
        unsafe {
            if is_for_group {
                libc::kill(0, signal);
            } else {
                libc::raise(signal);
            }
        }
        // One that was caught before can be caught again; SIGSTOP is not.
        if self.caught.contains(&signal) {
            let _ = catch_one(signal);
        }
        CONTINUED.load(Ordering::SeqCst)
    }

    /// What to wait for.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// The next signal that was delivered, if there is one.
    pub fn take(&mut self) -> Option<Delivered> {
        let mut bytes = [0; size_of::<Delivered>()];
        // A record is written at once, so it is read at once.
        if (&mut self.reader).read(&mut bytes).ok()? < bytes.len() {
            return None;
        }
        let number = |at: usize| {
            let field = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            i32::from_ne_bytes(field)
        };
        let delivered = Delivered {
            signal: number(0),
            code: number(4),
            sender: number(8),
        };
        if delivered.signal == libc::SIGCONT {
            CONTINUED.store(false, Ordering::SeqCst);
        }
        Some(delivered)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // Setting a mask that names every signal can't fail.
        let _ = self.close();
    }
}

/// Installs the handler; the result is the disposition before it.
fn catch_one(signal: i32) -> io::Result<libc::sighandler_t> {
    // SAFETY: All-zero is a valid value of these C structs, and the handler makes only
    // async-signal-safe calls. Without SA_RESTART a write that blocks is interrupted.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        let mut before: libc::sigaction = mem::zeroed();
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = note;
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigfillset(&raw mut action.sa_mask);
        Errno::result(libc::sigaction(signal, &raw const action, &raw mut before))?;
        Ok(before.sa_sigaction)
    }
}

/// Sets `SIG_IGN` or `SIG_DFL`.
fn set_disposition(signal: i32, disposition: libc::sighandler_t) {
    // SAFETY: All-zero is a valid value of this C struct, and neither disposition runs code.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = disposition;
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
}

extern "C" fn note(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let errno = Errno::last_raw();
    if signal == libc::SIGCONT {
        CONTINUED.store(true, Ordering::SeqCst);
    }
    // SAFETY: With SA_SIGINFO the kernel passes a siginfo; write is async-signal-safe and reads
    // the record alone. A full pipe drops the signal: five thousand wait in it already.
    unsafe {
        let record = Delivered {
            signal,
            code: (*info).si_code,
            sender: sender(&*info),
        };
        libc::write(
            WRITER.load(Ordering::SeqCst),
            (&raw const record).cast(),
            size_of::<Delivered>(),
        );
    }
    Errno::set_raw(errno);
}

#[cfg(target_os = "linux")]
fn sender(info: &libc::siginfo_t) -> i32 {
    // SAFETY: For codes of kill and of the kernel the union holds the sender; for others the
    // number means nothing, and equals endow's own by chance only.
    unsafe { info.si_pid() }
}

#[cfg(not(target_os = "linux"))]
fn sender(info: &libc::siginfo_t) -> i32 {
    info.si_pid
}

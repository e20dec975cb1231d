//! What every process of a run did, as strace saw it: what was started with which words and
//! environment, which files were made, and what was written to them.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use crate::harness::{Test, runtime};

/// Of the words and bytes of a call so much is kept: more than any canary has.
const STRING: &str = "100000";
/// Calls that start a program, make or rename a file, or change what is in one.
const CALLS: &str = "trace=execve,execveat,open,openat,openat2,creat,rename,renameat,renameat2,\
    link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,mknodat,truncate,\
    write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice,mmap";
const WRITES: [&str; 5] = ["write", "pwrite64", "writev", "pwritev", "pwritev2"];
/// Calls that put bytes into a file without showing them, with the place of that file's descriptor
/// among theirs.
const UNSEEN: [(&str, usize); 4] = [
    ("sendfile", 0),
    ("copy_file_range", 1),
    ("splice", 1),
    ("mmap", 0),
];

/// A program that was started, or was tried to be.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) program: Vec<u8>,
    pub(crate) words: Vec<Vec<u8>>,
    pub(crate) environment: Vec<Vec<u8>>,
}

/// Bytes that were written to a file.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Bytes that no call shows were put into a file, or can be.
#[derive(Debug)]
pub(crate) struct Unseen {
    pub(crate) path: PathBuf,
    pub(crate) call: &'static str,
}

/// All of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) started: Vec<Started>,
    pub(crate) written: Vec<Written>,
    pub(crate) unseen: Vec<Unseen>,
    /// Files that were opened for writing, made or renamed.
    pub(crate) touched: BTreeSet<PathBuf>,
    /// The names in these calls, and what links hold.
    pub(crate) names: Vec<Vec<u8>>,
}

/// Runs a test under strace, which writes down what happens in `log`.
pub(crate) fn under_strace(test: Test, log: &Path, most: Option<&str>) -> Test {
    assert!(
        nix::unistd::geteuid().is_root(),
        "strace can't look into a process that is not dumpable: run these tests as root"
    );
    let strace = runtime::find("strace");
    let words = ["-f", "--seccomp-bpf", "-y", "-v", "-xx", "-qq", "-s"];
    let words = words
        .into_iter()
        .chain([most.unwrap_or(STRING), "-e", CALLS, "-o"]);
    let words = [strace.into_os_string()]
        .into_iter()
        .chain(words.map(OsString::from))
        .chain([log.as_os_str().to_owned(), "--".into()]);
    test.within(words)
}

impl Trace {
    pub(crate) fn read(log: &Path) -> Self {
        let text = fs::read_to_string(log).expect("the trace");
        let mut trace = Self::default();
        for line in text.lines() {
            // PID CALL(ARGUMENTS; what is resumed has none.
            let Some((call, arguments)) = call(line) else {
                continue;
            };
            if call.starts_with("execve") {
                trace.started.push(started(arguments));
            } else if WRITES.contains(&call) {
                trace.written.extend(written(arguments));
            } else if let Some((call, at)) = UNSEEN.iter().find(|(name, _)| *name == call) {
                let path = unseen(arguments, *at);
                trace.unseen.extend(path.map(|path| Unseen { path, call }));
            } else {
                trace.touch(call, arguments);
            }
        }
        assert!(!trace.started.is_empty(), "strace saw nothing");
        trace
    }

    fn touch(&mut self, call: &str, arguments: &str) {
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TMPFILE"];
        let is_open = call.starts_with("open");
        if is_open && !writes.iter().any(|flag| arguments.contains(flag)) {
            return;
        }
        let directory = between(arguments, '<', '>').map(decoded);
        let directory = directory.map(|path| PathBuf::from(OsString::from_vec(path)));
        let names = strings(arguments);
        for name in &names {
            let name = Path::new(std::ffi::OsStr::from_bytes(name));
            let path = directory.as_deref().unwrap_or(Path::new("/")).join(name);
            self.touched.insert(path);
        }
        self.names.extend(names);
    }
}

/// The name of a call, and the rest of the line.
fn call(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let (call, arguments) = rest.trim_start().split_once('(')?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = call.bytes().all(is_part);
    is_name.then_some((call, arguments))
}

fn started(arguments: &str) -> Started {
    // Strings are in hexadecimal: no bracket stands in one.
    let (program, rest) = arguments.split_once('[').unwrap_or((arguments, ""));
    let (words, environment) = rest.split_once("], [").unwrap_or((rest, ""));
    Started {
        program: strings(program).into_iter().next().unwrap_or_default(),
        words: strings(words),
        environment: strings(environment),
    }
}

fn written(arguments: &str) -> Option<Written> {
    Some(Written {
        path: file(between(arguments, '<', '>')?)?,
        bytes: strings(arguments).concat(),
    })
}

/// The file that a call puts bytes into, by the place of its descriptor; a mapping does where it is
/// shared and can be written to.
fn unseen(arguments: &str, at: usize) -> Option<PathBuf> {
    let is_mapping = arguments.contains("PROT_");
    let writes = ["MAP_SHARED", "PROT_WRITE"];
    if is_mapping && !writes.iter().all(|flag| arguments.contains(flag)) {
        return None;
    }
    let descriptors = arguments.split('<').skip(1);
    let mut names = descriptors.filter_map(|rest| Some(rest.split_once('>')?.0));
    file(names.nth(at)?)
}

/// What a descriptor stands for, where it is a file: pipes and sockets have no place, memory files
/// and devices none on a disk.
fn file(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(OsString::from_vec(decoded(name)));
    let is_memory = path.to_string_lossy().starts_with("/memfd:");
    let is_device = path.starts_with("/dev") && !path.starts_with("/dev/shm");
    (path.is_absolute() && !is_memory && !is_device).then_some(path)
}

fn between(text: &str, open: char, close: char) -> Option<&str> {
    let (_, rest) = text.split_once(open)?;
    Some(rest.split_once(close)?.0)
}

/// The quoted strings of a text.
fn strings(text: &str) -> Vec<Vec<u8>> {
    text.split('"').skip(1).step_by(2).map(decoded).collect()
}

/// `\x41\x42` as bytes.
fn decoded(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits
        .filter_map(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok())
        .collect()
}

//! The memory of a running process, as root alone can look at it.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

/// So much is read at once.
const PIECE: usize = 1 << 20;

/// One line of `/proc/PID/smaps`, with its flags.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// `rw-p`
    pub(crate) access: String,
    /// A path, `[heap]`, `[stack]`; empty where it is anonymous.
    pub(crate) name: String,
    /// In smaps(5) `lo` is locked, `dd` is in no dump.
    pub(crate) flags: Vec<String>,
}

impl Mapping {
    /// Whether it is of the arena: nothing else of a process that does not lock its memory is.
    pub(crate) fn is_arena(&self) -> bool {
        self.has("lo") && self.has("dd")
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|other| other == flag)
    }

    fn of(head: &str) -> Option<Self> {
        let mut words = head.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some(Self {
            start: number(start)?,
            end: number(end)?,
            access: words.next()?.to_owned(),
            name: words.skip(3).collect::<Vec<_>>().join(" "),
            flags: Vec::new(),
        })
    }
}

/// All mappings of a process.
#[track_caller]
pub(crate) fn mappings(process: u32) -> Vec<Mapping> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap_or_else(|error| {
        panic!("the memory of endow is root's to look at: run the tests as root ({error})")
    });
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in text.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let flags = flags.split_whitespace().map(str::to_owned).collect();
            mappings.last_mut().expect("its mapping").flags = flags;
        } else if let Some(mapping) = Mapping::of(line) {
            mappings.push(mapping);
        }
    }
    mappings
}

/// Where a text stands in what a process can write to: the mapping, and what stands around it.
#[track_caller]
pub(crate) fn search(process: u32, needle: &[u8]) -> Vec<(Mapping, String)> {
    let memory = File::open(format!("/proc/{process}/mem")).expect("its memory");
    let mut found = Vec::new();
    let writable = |mapping: &Mapping| mapping.access.starts_with("rw");
    for mapping in mappings(process).into_iter().filter(writable) {
        let mut at = mapping.start;
        while at < mapping.end {
            // A text that begins in one piece and ends in the next is in both.
            let rest = usize::try_from(mapping.end - at).expect("a size");
            let mut bytes = vec![0; rest.min(PIECE + needle.len())];
            // What is gone meanwhile is not there.
            if memory.read_exact_at(&mut bytes, at).is_err() {
                break;
            }
            for place in places(&bytes, needle).filter(|place| *place < PIECE) {
                let around = &bytes[place.saturating_sub(48)..bytes.len().min(place + 96)];
                let around = String::from_utf8_lossy(around).escape_debug().to_string();
                found.push((mapping.clone(), around));
            }
            at += PIECE as u64;
        }
    }
    found
}

fn places<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + bytes[from..].iter().position(|byte| *byte == needle[0])?;
            from = at + 1;
            if bytes[at..].starts_with(needle) {
                return Some(at);
            }
        }
    })
}

/// A line of `/proc/PID/status`, without its name.
#[track_caller]
pub(crate) fn status(process: u32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.expect("the line")
        .trim_matches([':', '\t', ' '])
        .to_owned()
}

//! One run in a private root, and everything that it left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    process::{Child, Output},
};

use tempfile::NamedTempFile;

use super::{
    trace::{Started, Trace, under_strace},
    value::Search,
};
use crate::harness::{ENDOW, Test};

/// Who may have a value besides the child, and where it is printed by purpose.
#[derive(Default)]
pub(crate) struct Allowed {
    /// The words of the child.
    pub(crate) child: Vec<String>,
    /// What stands in the caller's own environment.
    pub(crate) launcher: Vec<&'static str>,
    /// The directory of a helper, which is given the credential. What it notes is the stand-in's.
    pub(crate) helper: Option<PathBuf>,
    /// Standard output is what the case says, to the byte.
    pub(crate) is_output_expected: bool,
    /// Whether standard error holds the values for a reader that takes them out of its log.
    pub(crate) is_masked_by_reader: bool,
    /// Values may be written below here, which is in memory, and gone afterwards.
    pub(crate) memory: Option<PathBuf>,
}

/// What a run left.
pub(crate) struct Evidence {
    pub(crate) output: Output,
    trace: Trace,
    /// Files of the private root that are new or changed.
    changed: Vec<PathBuf>,
}

/// Gives a test directories of its own for everything that a program could write to.
pub(crate) fn private(test: Test) -> Test {
    let root = root(&test);
    let directories = [
        ("TMPDIR", "tmp"),
        ("XDG_CACHE_HOME", "home/.cache"),
        ("XDG_CONFIG_HOME", "home/.config"),
        ("XDG_DATA_HOME", "home/.local/share"),
        ("XDG_STATE_HOME", "home/.local/state"),
    ];
    directories.into_iter().fold(test, |test, (name, path)| {
        let path = root.join(path);
        fs::create_dir_all(&path).expect("a directory");
        test.env(name, path)
    })
}

fn root(test: &Test) -> PathBuf {
    let project = test.path("secretfile.yaml");
    // Below a home directory.
    let root = project.ancestors().nth(3).expect("the root of the test");
    root.to_owned()
}

/// Runs it to its end under strace; `meanwhile` is given strace.
pub(crate) fn traced(test: Test, most: Option<&str>, meanwhile: impl FnOnce(&Child)) -> Evidence {
    let log = NamedTempFile::with_prefix("endow-trace-").expect("a file");
    let test = under_strace(test, log.path(), most);
    let mut evidence = watched(&test, meanwhile);
    evidence.trace = Trace::read(log.path());
    // While the test has its directory.
    evidence.read_files();
    evidence
}

/// Runs it to its end, and looks at its private root before and after.
pub(crate) fn watched(test: &Test, meanwhile: impl FnOnce(&Child)) -> Evidence {
    let root = root(test);
    let before = listing(&root);
    let child = test.spawn();
    meanwhile(&child);
    let output = child.wait_with_output().expect("it ends");
    let after = listing(&root);
    let is_changed = |(path, state): &(&PathBuf, &State)| before.get(*path) != Some(*state);
    let changed = after.iter().filter(is_changed);
    let mut evidence = Evidence {
        output,
        trace: Trace::default(),
        changed: changed.map(|(path, _)| path.clone()).collect(),
    };
    evidence.read_files();
    evidence
}

/// What tells that a file is the same.
type State = (u64, u64, i64, i64, i64, i64);

fn listing(root: &Path) -> BTreeMap<PathBuf, State> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(data) = path.symlink_metadata() else {
                continue;
            };
            if data.is_dir() {
                open.push(path.clone());
            }
            let modified = (data.mtime(), data.mtime_nsec());
            let changed = (data.ctime(), data.ctime_nsec());
            let state = (
                data.ino(),
                data.len(),
                modified.0,
                modified.1,
                changed.0,
                changed.1,
            );
            found.insert(path, state);
        }
    }
    found
}

impl Evidence {
    /// Adds what stands in the files at the end, as if it had been written there just now.
    fn read_files(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        let touched = self.trace.touched.iter().chain(&changed);
        let paths: BTreeSet<PathBuf> = touched.cloned().collect();
        for path in paths {
            let is_file = path.symlink_metadata().is_ok_and(|data| data.is_file());
            self.trace.names.push(path.as_os_str().as_bytes().to_vec());
            if is_file && !path.starts_with("/proc") && !path.starts_with("/dev/null") {
                let bytes = fs::read(&path).unwrap_or_default();
                self.trace
                    .written
                    .push(super::trace::Written { path, bytes });
            }
        }
    }

    /// Whether a program with these words was started.
    pub(crate) fn started(&self, words: &[String]) -> bool {
        self.trace
            .started
            .iter()
            .any(|started| has_words(started, words))
    }

    /// Every place where a canary is that may not have it, in words; and what could hide one: bytes
    /// that were put into a file unseen, and a shell.
    pub(crate) fn leaks(&self, search: &Search, allowed: &Allowed) -> Vec<String> {
        let never = |_: &str| false;
        let mut leaks = Leaks::of(search);
        if !allowed.is_output_expected {
            leaks.look(&self.output.stdout, "standard output", never);
        }
        if !allowed.is_masked_by_reader {
            leaks.look(&self.output.stderr, "standard error", never);
        }
        for written in &self.trace.written {
            let path = &written.path;
            if !allowed.is_in_memory(path) {
                let may = |name: &str| name == CREDENTIAL && allowed.is_helper(path);
                let place = format!("the file {}", path.display());
                leaks.look(&written.bytes, &place, may);
            }
        }
        for unseen in &self.trace.unseen {
            if !allowed.is_in_memory(&unseen.path) {
                let said = format!("{} into the file {}", unseen.call, unseen.path.display());
                leaks.found.push(said);
            }
        }
        for name in &self.trace.names {
            leaks.look(name, "the name of a file", never);
        }
        let mut is_before_endow = true;
        for started in &self.trace.started {
            leaks.look_into(started, is_before_endow, allowed);
            is_before_endow &= started.program != ENDOW.as_bytes();
        }
        leaks.found
    }
}

struct Leaks<'a> {
    search: &'a Search,
    found: Vec<String>,
}

impl<'a> Leaks<'a> {
    fn of(search: &'a Search) -> Self {
        let found = Vec::new();
        Self { search, found }
    }

    fn look(&mut self, bytes: &[u8], place: &str, may: impl Fn(&str) -> bool) {
        let found = self.search.find(bytes).into_iter();
        let found = found.filter(|(name, _)| !may(name));
        let said = found.map(|(name, form)| format!("{name} as {form} in {place}"));
        self.found.extend(said);
    }

    fn look_into(&mut self, started: &Started, is_before_endow: bool, allowed: &Allowed) {
        let program = String::from_utf8_lossy(&started.program);
        for word in &started.words {
            self.look(word, &format!("the words of {program}"), |_| false);
        }
        let is_child = !allowed.child.is_empty() && has_words(started, &allowed.child);
        let path = Path::new(&*program);
        let is_helper = allowed.is_helper(path);
        if !is_before_endow && !is_child && SHELLS.iter().any(|shell| path.ends_with(shell)) {
            self.found.push(format!("{program} was started"));
        }
        let may = |name: &str| {
            (is_before_endow && allowed.launcher.contains(&name))
                || (is_child && ![CREDENTIAL, ISSUED, OTHER].contains(&name))
                || (is_helper && name == CREDENTIAL)
        };
        for variable in &started.environment {
            self.look(variable, &format!("the environment of {program}"), may);
        }
    }
}

impl Allowed {
    fn is_in_memory(&self, path: &Path) -> bool {
        let memory = self.memory.as_deref();
        memory.is_some_and(|memory| path.starts_with(memory))
    }

    fn is_helper(&self, path: &Path) -> bool {
        let helper = self.helper.as_deref();
        helper.is_some_and(|helper| path.starts_with(helper))
    }
}

/// What only the caller may ask for.
const SHELLS: [&str; 6] = ["ash", "bash", "busybox", "dash", "ksh", "sh"];

/// The canary that is a credential of the launcher for the backend, by its name.
pub(crate) const CREDENTIAL: &str = "CREDENTIAL";
/// One that a sign-in gave.
pub(crate) const ISSUED: &str = "ISSUED";
/// The one that is another secret of the launcher's environment, and for nobody.
pub(crate) const OTHER: &str = "OTHER";

fn has_words(started: &Started, words: &[String]) -> bool {
    let words = words.iter().map(String::as_bytes);
    started.words.iter().map(Vec::as_slice).eq(words)
}

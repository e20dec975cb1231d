//! Reading a manifest and all files that it extends.

use std::{
    fs::{self, File, Metadata},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{
    diagnostic::{Diagnostic, Problems},
    document::Document,
    find::Found,
    reader::Reader,
    reference::{Scope, absolute},
    source::{Source, SourceId, Sources, Spanned},
    yaml,
};

/// How long the writer of a pipe that was named as the manifest is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// One byte order mark and one byte more than a manifest may have.
const READ_BYTES: u64 = yaml::MAX_BYTES as u64 + 4;
/// Most files that one manifest can draw in.
const MAX_FILES: usize = 100;

/// How a file is read, whose writer may be waited for or not: its text, and who can change it.
pub(super) type ReadFile<'r> = dyn Fn(&Path, bool) -> Result<(String, Vec<Owner>), String> + 'r;

/// What was read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) sources: Sources,
    /// From far to near; the named file is the last.
    pub(super) documents: Vec<Document>,
    pub(super) home: Option<PathBuf>,
    /// Whether every file was valid YAML; what follows from a missing one is not said.
    pub(super) is_whole: bool,
    /// Who owns each file and whether everyone can write it, in the order of reading.
    pub(super) owners: Vec<Owner>,
}

/// Who can change a file.
#[derive(Clone, Debug)]
pub struct Owner {
    /// As shown.
    pub display: String,
    /// User id.
    pub uid: u32,
    /// Whether every user can write it.
    pub is_world_writable: bool,
    /// Whether every user can put another file in its place: its directory can be written by all and
    /// has no sticky bit.
    pub is_replaceable: bool,
}

impl Loaded {
    /// The named file.
    pub(super) fn main(&self) -> &Document {
        self.documents
            .last()
            .expect("the named file is always read")
    }
}

/// Why a file could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// As shown.
    pub display: String,
    /// A lower-case fragment.
    pub message: String,
}

/// Reads the found file and everything that it extends. A file that can't be read is an
/// error only where it is the named one; an extended one is a problem like others.
pub(super) fn load(
    found: &Found,
    home: Option<PathBuf>,
    read: &ReadFile<'_>,
    problems: &mut Problems,
) -> Result<Loaded, Unreadable> {
    let mut loader = Loader {
        loaded: Loaded {
            sources: Sources::default(),
            documents: Vec::new(),
            home,
            is_whole: true,
            owners: Vec::new(),
        },
        read,
        problems,
        path: Vec::new(),
    };
    let id = loader.read(&found.path, &found.display, found.is_named)?;
    loader.visit(id);
    Ok(loader.loaded)
}

struct Loader<'a> {
    loaded: Loaded,
    read: &'a ReadFile<'a>,
    problems: &'a mut Problems,
    /// The files being extended right now.
    path: Vec<PathBuf>,
}

impl Loader<'_> {
    fn read(&mut self, path: &Path, display: &str, may_wait: bool) -> Result<SourceId, Unreadable> {
        let (text, owners) = (self.read)(path, may_wait).map_err(|message| Unreadable {
            display: display.to_owned(),
            message,
        })?;
        for owner in owners {
            self.loaded.owners.push(Owner {
                display: display.to_owned(),
                ..owner
            });
        }
        Ok(self
            .loaded
            .sources
            .add(Source::new(path.to_owned(), display.to_owned(), text)))
    }

    /// Depth first: what is extended stands farther.
    fn visit(&mut self, id: SourceId) {
        let document = match yaml::parse(&mut self.loaded.sources, id) {
            Ok(root) => Reader {
                sources: &mut self.loaded.sources,
                problems: self.problems,
            }
            .document(id, &root),
            Err(problem) => {
                self.problems.add(problem);
                self.loaded.is_whole = false;
                empty_document(id)
            }
        };
        self.path.push(self.loaded.sources.get(id).path.clone());
        for extended in &document.extends {
            self.extend(id, extended);
        }
        self.path.pop();
        self.loaded.documents.push(document);
    }

    fn extend(&mut self, from: SourceId, extended: &Spanned<String>) {
        let source = self.loaded.sources.get(from);
        let scope = Scope {
            variable: None,
            project: None,
            profile: None,
            directory: source.directory(),
            home: self.loaded.home.as_deref(),
        };
        let path = match absolute(&extended.value, &scope) {
            Ok(path) => without_parents(Path::new(&path)),
            Err(bad) => {
                self.problems
                    .add(Diagnostic::at(extended.span, "bad-path", bad.message).hint_if(bad.hint));
                return;
            }
        };
        let display = display_beside(&source.display, &extended.value);
        if self.path.contains(&path) {
            let circle = self.circle(&path);
            self.problems.add(Diagnostic::at(
                extended.span,
                "extends-cycle",
                format!("files extend each other in a circle: {circle}"),
            ));
            return;
        }
        if self.loaded.sources.find(&path).is_some() {
            return;
        }
        if self.loaded.sources.iter().count() >= MAX_FILES {
            self.problems.add(Diagnostic::at(
                extended.span,
                "too-many-files",
                format!("more than {MAX_FILES} files"),
            ));
            return;
        }
        match self.read(&path, &display, false) {
            Ok(id) => self.visit(id),
            Err(unreadable) => self.problems.add(
                Diagnostic::at(
                    extended.span,
                    "unreadable",
                    format!("{display}: {}", unreadable.message),
                )
                .hint("a path starts at the directory of the file that says it"),
            ),
        }
    }

    /// The files from `path` back to it.
    fn circle(&self, path: &Path) -> String {
        let open = self.path.iter().skip_while(|open| *open != path);
        let names: Vec<&str> = open
            .map(PathBuf::as_path)
            .chain([path])
            .filter_map(|path| self.loaded.sources.find(path))
            .map(|id| self.loaded.sources.get(id).display.as_str())
            .collect();
        names.join(" -> ")
    }
}

/// Takes `..` segments out of a path that was made absolute, as its text says them.
fn without_parents(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            clean.pop();
        } else {
            clean.push(part);
        }
    }
    clean
}

fn display_beside(display: &str, extended: &str) -> String {
    if extended.starts_with(['/', '~']) {
        return extended.to_owned();
    }
    match display.rsplit_once('/') {
        Some((directory, _)) => format!("{directory}/{extended}"),
        None => extended.to_owned(),
    }
}

/// The text of a file. Only one that the caller named may be a pipe, whose writer can let it wait
/// (`--file <(...)`): opening a FIFO that lies in a repository would wait for ever.
pub(super) fn read_text(path: &Path, may_wait: bool) -> Result<(String, Vec<Owner>), String> {
    let metadata = fs::metadata(path).map_err(|error| reason(&error))?;
    if metadata.is_dir() {
        return Err("is a directory, not a manifest".to_owned());
    }
    if !metadata.is_file() && !may_wait {
        return Err("is not a regular file".to_owned());
    }
    let (metadata, bytes) = if metadata.is_file() {
        read_bytes(path)?
    } else {
        read_patiently(path)?
    };
    let owner = Owner {
        display: String::new(),
        uid: metadata.uid(),
        is_world_writable: metadata.mode() & 0o002 != 0,
        is_replaceable: is_replaceable(path),
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        format!("is not UTF-8 (line {line})")
    });
    // A cut in the middle of a character of an over-long file is not the user's encoding error.
    let text = match text {
        Err(_) if metadata.len() > READ_BYTES => "x".repeat(yaml::MAX_BYTES + 1),
        other => other?,
    };
    Ok((
        text.strip_prefix('\u{feff}')
            .map_or(text.clone(), str::to_owned),
        [Some(owner), owner_of_link(path)]
            .into_iter()
            .flatten()
            .collect(),
    ))
}

/// Who made a link: relative places in what it names start beside it. Its own permissions mean
/// nothing.
fn owner_of_link(path: &Path) -> Option<Owner> {
    let metadata = fs::symlink_metadata(path).ok()?;
    metadata.is_symlink().then(|| Owner {
        display: String::new(),
        uid: metadata.uid(),
        is_world_writable: false,
        is_replaceable: false,
    })
}

/// Of the directory that the path names, and of the one that a link leads to.
fn is_replaceable(path: &Path) -> bool {
    let real = fs::canonicalize(path).ok();
    let directories = [Some(path), real.as_deref()].into_iter().flatten();
    let mut directories = directories.filter_map(Path::parent);
    let is_open = |mode: u32| mode & 0o002 != 0 && mode & 0o1000 == 0;
    directories
        .any(|directory| fs::metadata(directory).is_ok_and(|metadata| is_open(metadata.mode())))
}

/// What is known of a file, and its bytes up to a little more than is allowed.
type Bytes = (Metadata, Vec<u8>);

fn read_bytes(path: &Path) -> Result<Bytes, String> {
    let file = File::open(path).map_err(|error| reason(&error))?;
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    let mut bytes = Vec::new();
    file.take(READ_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&error))?;
    Ok((metadata, bytes))
}

/// The same for a pipe, which can have no writer yet: a thread that nobody waits for opens it.
fn read_patiently(path: &Path) -> Result<Bytes, String> {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    let reader = move || sender.send(read_bytes(&path));
    thread::Builder::new()
        .spawn(reader)
        .map_err(|error| reason(&error))?;
    receiver
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err(format!("gave nothing in {} s", PATIENCE.as_secs())))
}

/// The system's words for an error, without the number.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

fn empty_document(source: SourceId) -> Document {
    Document {
        source,
        project: None,
        extends: Vec::new(),
        default_profile: None,
        groups: Vec::new(),
        top: super::document::Layer::default(),
        profiles: Vec::new(),
        defaults: std::collections::BTreeMap::new(),
    }
}

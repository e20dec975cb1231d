//! Which file is the manifest.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

mod worktree;

pub use self::worktree::main_working_tree;

/// The name that is searched for.
pub const NAME: &str = "secretfile.yaml";
const OTHER_NAME: &str = "secretfile.yml";

/// Where the manifest is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Absolute.
    pub path: PathBuf,
    /// As it is shown: the way from the working directory.
    pub display: String,
    /// Whether the caller named it: that is consent to all of it.
    pub is_named: bool,
    /// A nearer file whose name ends in `.yml`, which is not searched for.
    pub passed_over: Option<PathBuf>,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// A lower-case fragment.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

/// Finds it: the named one, else the nearest from the working directory upward. The directory
/// that holds `.git`, or home, is the last one looked at.
pub fn find(
    named: Option<&Path>,
    working_directory: &Path,
    home: Option<&Path>,
) -> Result<Found, NotFound> {
    if let Some(path) = named {
        return Ok(Found {
            path: clean(&working_directory.join(path)),
            display: path.display().to_string(),
            is_named: true,
            passed_over: None,
        });
    }
    // The working directory comes from the system, without links; home can be named through one.
    let real_home = home.and_then(|home| fs::canonicalize(home).ok());
    let mut other = None;
    for (depth, directory) in working_directory.ancestors().enumerate() {
        let path = directory.join(NAME);
        // Anything of that name ends the search, also what can't be read: skipping it would
        // silently take a farther manifest.
        if fs::symlink_metadata(&path).is_ok() || is_unsearchable(directory) {
            let display = if depth <= 3 {
                format!("{}{NAME}", "../".repeat(depth))
            } else {
                path.display().to_string()
            };
            return Ok(Found {
                path,
                display,
                is_named: false,
                passed_over: other,
            });
        }
        if other.is_none() && fs::symlink_metadata(directory.join(OTHER_NAME)).is_ok() {
            other = Some(directory.join(OTHER_NAME));
        }
        let is_home = [home, real_home.as_deref()].contains(&Some(directory));
        if is_home || fs::symlink_metadata(directory.join(".git")).is_ok() {
            return Err(stopped(directory, is_home, other));
        }
    }
    Err(NotFound {
        message: NOWHERE.to_owned(),
        hints: vec![how(other)],
    })
}

const NOWHERE: &str = "no secretfile.yaml in this directory or above it";

/// Where the search ended before the root, and what it did not see.
fn stopped(directory: &Path, is_home: bool, other: Option<PathBuf>) -> NotFound {
    let beside = main_working_tree(directory);
    let why = if is_home {
        "the home directory"
    } else if beside.is_some() {
        "a linked working tree of git"
    } else if fs::symlink_metadata(directory.join(".git")).is_ok_and(|mark| mark.is_file()) {
        "a submodule of git"
    } else {
        "the root of a git repository"
    };
    let mut farther = directory.ancestors().skip(1).chain(beside.as_deref());
    let farther = farther.find_map(|directory| {
        let path = directory.join(NAME);
        fs::symlink_metadata(&path).is_ok().then_some(path)
    });
    let hint = match &farther {
        Some(path) => {
            let path = path.display();
            format!(
                "{path} is not looked at: name it with --file, or write one here that has `extends: {path}`"
            )
        }
        None => how(other),
    };
    if is_home && farther.is_none() {
        return NotFound {
            message: NOWHERE.to_owned(),
            hints: vec![hint],
        };
    }
    let message = format!(
        "no {NAME} from this directory up to {}, where the search stops: it is {why}",
        directory.display()
    );
    NotFound {
        message,
        hints: vec![hint],
    }
}

/// What to do where there is none.
fn how(other: Option<PathBuf>) -> String {
    match other {
        Some(path) => format!(
            "{} is there: rename it to {NAME}, or name it with --file",
            path.display()
        ),
        None => format!(
            "write one (see `endow --help`), or name one: `endow --file PATH ...`, or {}",
            crate::cli::FILE_VARIABLE
        ),
    }
}

/// What marks the root of a repository, of git, Mercurial, Jujutsu and Subversion.
const MARKS: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// The outermost repository that holds a directory. Neither home nor what holds home is one: the
/// caller's own programs are there, and not a stranger's.
pub fn outermost_repository(directory: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let is_marked = |directory: &Path| {
        let mut marks = MARKS.iter();
        marks.any(|mark| fs::symlink_metadata(directory.join(mark)).is_ok())
    };
    let ancestors = directory.ancestors();
    let outside = ancestors.filter(|directory| !holds_home(directory, home));
    outside
        .filter(|directory| is_marked(directory))
        .last()
        .map(Path::to_owned)
}

/// The root of the nearest working tree of git that holds a directory, and that is not home's.
pub fn checkout(directory: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let mut ancestors = directory.ancestors();
    let is_marked = |root: &&Path| fs::symlink_metadata(root.join(".git")).is_ok();
    let nearest = ancestors.find(is_marked)?;
    (!holds_home(nearest, home)).then(|| nearest.to_owned())
}

/// The main working tree of the repository that holds a directory; outside of git, and where home is the
/// working tree, the directory itself.
pub fn main_checkout(directory: &Path, home: Option<&Path>) -> PathBuf {
    let Some(root) = checkout(directory, home) else {
        return directory.to_owned();
    };
    main_working_tree(&root).unwrap_or(root)
}

/// The directories that belong to whoever wrote a file of this directory: the directory, as it is
/// named and as it is without links, the outermost repository that holds it, and that one's main
/// working tree.
pub fn project(directory: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let real = fs::canonicalize(directory).ok();
    let mut found = Vec::new();
    for directory in [Some(directory), real.as_deref()].into_iter().flatten() {
        found.extend((!holds_home(directory, home)).then(|| directory.to_owned()));
        found.extend(outermost_repository(directory, home));
        let main = checkout(directory, home).and_then(|root| main_working_tree(&root));
        found.extend(main.filter(|main| !holds_home(main, home)));
    }
    found.sort();
    found.dedup();
    found
}

/// Whether a directory is the root or home, or holds home.
pub fn holds_home(directory: &Path, home: Option<&Path>) -> bool {
    let real = home.and_then(|home| fs::canonicalize(home).ok());
    let mut homes = home.into_iter().chain(real.as_deref());
    directory.parent().is_none() || homes.any(|home| home.starts_with(directory))
}

fn is_unsearchable(directory: &Path) -> bool {
    matches!(fs::symlink_metadata(directory.join(NAME)), Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// A path without `.` segments.
fn clean(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The home directory: `HOME`, where it is absolute.
pub fn home(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    environment
        .iter()
        .find(|(name, _)| name == "HOME")
        .map(|(_, value)| PathBuf::from(value))
        .filter(|path| path.is_absolute())
}

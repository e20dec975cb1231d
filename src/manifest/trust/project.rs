//! What belongs to the project: the outermost repository that holds the manifest, with its main
//! working tree, else the manifest's directory.

use std::{
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::manifest::find;

/// The directories of a project, and the manifest's place in them.
#[derive(Clone, Debug)]
pub struct Project {
    /// The nearest repository around the manifest, else its directory.
    checkout: PathBuf,
    /// All that belongs to the project, without links.
    roots: Vec<PathBuf>,
    /// Where the manifest is, or would be in the main working tree.
    place: PathBuf,
}

impl Project {
    /// The project of a manifest.
    pub fn of(manifest: &Path, home: Option<&Path>) -> Self {
        let directory = manifest.parent().unwrap_or(Path::new("/"));
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let outermost = find::outermost_repository(&directory, home);
        let checkout = find::checkout(&directory, home);
        let checkout = checkout.unwrap_or_else(|| directory.clone());
        let main = find::main_working_tree(&checkout);
        let file = manifest.file_name().unwrap_or(OsStr::new(find::NAME));
        let own = directory.join(file);
        let place = match (&main, own.strip_prefix(&checkout)) {
            (Some(main), Ok(rest)) => main.join(rest),
            _ => own,
        };
        let main = main.filter(|main| !find::holds_home(main, home));
        let mut roots = vec![outermost.unwrap_or(directory)];
        roots.extend(main);
        Self {
            checkout,
            roots,
            place,
        }
    }

    /// The manifest as its record names it: in the main working tree, for every linked one.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The working tree that the manifest is in.
    pub fn checkout(&self) -> &Path {
        &self.checkout
    }

    /// Whether a path, with its links followed, lies in the project.
    pub fn holds(&self, path: &Path) -> bool {
        let real = real(path);
        self.roots.iter().any(|root| real.starts_with(root))
    }

    /// A path with its links followed: from the working tree's root where it lies in it, so that
    /// linked working trees have the same name for it.
    pub fn named(&self, path: &Path) -> String {
        let real = real(path);
        match real.strip_prefix(&self.checkout) {
            Ok(rest) => format!("./{}", rest.display()),
            Err(_) => real.display().to_string(),
        }
    }

    /// Whether a path as [`Self::named`] gives it lies in a directory.
    pub fn below(&self, named: &str, directory: &Path) -> bool {
        let path = match named.strip_prefix("./") {
            Some(rest) => self.checkout.join(rest),
            None => PathBuf::from(named),
        };
        path.starts_with(real(directory))
    }
}

/// A path without links and `..`, as far as it exists; the rest as its text says it.
pub(super) fn real(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let mut real = PathBuf::new();
    let mut is_there = true;
    for part in path.components() {
        match part {
            Component::ParentDir => {
                real.pop();
            }
            Component::CurDir => {}
            part => {
                real.push(part);
                if is_there {
                    if let Ok(found) = fs::canonicalize(&real) {
                        real = found;
                        continue;
                    }
                    is_there = false;
                    // A link to nothing leads where it says.
                    if let Ok(target) = fs::read_link(&real) {
                        real.pop();
                        real = real.join(target);
                    }
                }
            }
        }
    }
    real
}

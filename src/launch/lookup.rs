//! Finding the program, as `execvp` does: in the launcher's own PATH.

use std::{
    ffi::{OsStr, OsString},
    io::ErrorKind,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{error::Error, manifest::reason, sys::process};

/// What is searched where PATH is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A program that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
}

/// Finds the program that `name` means. A name with a slash is a path.
pub fn find(name: &OsStr, path: Option<&OsString>) -> Result<Program, Error> {
    let shown = name.display().to_string();
    if name.is_empty() {
        return Err(Error::CommandNotFound {
            program: shown,
            hint: Some("the command is an empty word".to_owned()),
        });
    }
    if name.as_bytes().contains(&b'/') {
        return look(Path::new(name)).unwrap_or(Err(Error::CommandNotFound {
            program: shown,
            hint: None,
        }));
    }
    let default = OsString::from(DEFAULT_PATH);
    let mut refused = None;
    for directory in std::env::split_paths(path.unwrap_or(&default)) {
        let directory = if directory.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            directory
        };
        match look(&directory.join(name)) {
            Some(Ok(program)) => return Ok(program),
            // An element of PATH that is no directory holds no program.
            Some(Err(_)) if directory.is_file() => {}
            Some(Err(error)) => refused = refused.or(Some(error)),
            None => {}
        }
    }
    Err(refused.unwrap_or(Error::CommandNotFound {
        program: shown,
        hint: Some("PATH was searched".to_owned()),
    }))
}

/// The program at a path, why it can't be executed, or `None` where there is nothing.
fn look(path: &Path) -> Option<Result<Program, Error>> {
    let refused = |reason: &str| {
        Some(Err(Error::CommandNotExecutable {
            program: path.display().to_string(),
            reason: reason.to_owned(),
        }))
    };
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => refused("it is a directory"),
        Ok(_) if process::is_executable(path) => Some(Ok(Program {
            path: path.to_owned(),
        })),
        Ok(_) => refused("permission denied"),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        // As env and timeout have it: only what is not there is not found.
        Err(error) => refused(&reason(&error)),
    }
}

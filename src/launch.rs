//! Launch: endow becomes the program it was asked to run.

pub mod limits;
mod lookup;

use std::{
    ffi::{CString, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use nix::errno::Errno;

pub use self::lookup::{Program, find};
use crate::{environment::Environment, error::Error, sys};

const SHELL: &std::ffi::CStr = c"/bin/sh";

/// Replaces the process by `program`. Only an error comes back.
pub fn exec(program: &Program, command: &[OsString], environment: &Environment) -> Error {
    let arguments: Vec<CString> = command
        .iter()
        .filter_map(|argument| CString::new(argument.as_bytes()).ok())
        .collect();
    let name = command[0].display().to_string();
    let Ok(path) = CString::new(program.path.as_os_str().as_bytes()) else {
        return Error::CommandNotFound {
            program: name,
            hint: None,
        };
    };
    if let Err(too_big) = limits::check(program, &arguments, environment) {
        return too_big;
    }
    let strings = environment.strings();
    let mut pointers: Vec<&std::ffi::CStr> = arguments.iter().map(CString::as_c_str).collect();
    match sys::process::exec(&path, &pointers, &strings) {
        // A script without `#!`, which POSIX's execvp gives to the shell, as `env` does.
        Errno::ENOEXEC => {
            pointers.splice(0..1, [SHELL, &path]);
            failed(
                name,
                &program.path,
                sys::process::exec(SHELL, &pointers, &strings),
                environment,
            )
        }
        errno => failed(name, &program.path, errno, environment),
    }
}

fn failed(program: String, path: &Path, errno: Errno, environment: &Environment) -> Error {
    match errno {
        Errno::E2BIG => limits::too_big(environment),
        // The file was there a moment ago: what is missing is what its `#!` line names.
        Errno::ENOENT if path.exists() => Error::CommandNotExecutable {
            program,
            reason: "the interpreter that it names was not found".to_owned(),
        },
        Errno::ENOENT | Errno::ENOTDIR => Error::CommandNotFound {
            program,
            hint: None,
        },
        errno => Error::CommandNotExecutable {
            program,
            reason: crate::manifest::reason(&std::io::Error::from_raw_os_error(errno as i32)),
        },
    }
}

//! Launch: endow becomes the program it was asked to run, or stays as its parent where the run
//! has a duty afterwards. Both take the same way into the program.

pub mod files;
pub mod limits;
mod lookup;
mod relay;
pub mod supervise;

use std::{
    ffi::{CStr, CString, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use nix::errno::Errno;

use self::files::Files;
pub use self::lookup::{Program, find};
use crate::{environment::Environment, error::Error, sys};

const SHELL: &CStr = c"/bin/sh";

/// Everything that a program is started with.
pub struct Launch<'a> {
    /// As it was named, for messages.
    name: String,
    program: &'a Program,
    path: CString,
    arguments: Vec<CString>,
    environment: Environment,
    files: Files,
    /// The process that endow is.
    process: i32,
}

impl<'a> Launch<'a> {
    /// Prepares a launch, and checks what the kernel would refuse. The command has a first word.
    pub fn new(
        program: &'a Program,
        command: &[OsString],
        environment: Environment,
        files: Files,
    ) -> Result<Self, Error> {
        let name = command[0].display().to_string();
        let Ok(path) = CString::new(program.path.as_os_str().as_bytes()) else {
            return Err(Error::CommandNotFound {
                program: name,
                hint: None,
            });
        };
        let arguments: Vec<CString> = command
            .iter()
            .filter_map(|argument| CString::new(argument.as_bytes()).ok())
            .collect();
        limits::check(program, &arguments, &environment)?;
        Ok(Self {
            name,
            program,
            path,
            arguments,
            environment,
            files,
            process: sys::child::own_id(),
        })
    }

    /// Replaces the process by the program. Only an error comes back.
    pub fn exec(&self) -> Error {
        self.failed(self.replace(&self.environment))
    }

    /// The environment where another process than this one becomes the program.
    fn environment_of(&self, other: i32) -> Environment {
        let paths: Vec<(&str, String)> = self.files.paths(other).collect();
        self.environment.of_process(self.process, other, &paths)
    }

    /// The one way into a program; only what the kernel said comes back.
    fn replace(&self, environment: &Environment) -> Errno {
        let strings = environment.strings();
        let mut pointers: Vec<&CStr> = self.arguments.iter().map(CString::as_c_str).collect();
        match sys::process::exec(&self.path, &pointers, &strings) {
            // A script without `#!`, which POSIX's execvp gives to the shell, as `env` does.
            Errno::ENOEXEC => {
                pointers.splice(0..1, [SHELL, &self.path]);
                sys::process::exec(SHELL, &pointers, &strings)
            }
            errno => errno,
        }
    }

    fn failed(&self, errno: Errno) -> Error {
        failed(
            self.name.clone(),
            &self.program.path,
            errno,
            &self.environment,
        )
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

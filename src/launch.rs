//! Launch: endow becomes the program it was asked to run, or stays as its parent where the run
//! has a duty afterwards. Both take the same way into the program.

pub mod files;
pub mod keeping;
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
pub use self::{
    limits::{check_size, check_value},
    lookup::{Program, find},
};
use crate::{
    environment::Environment,
    error::Error,
    sys::{self, user::Account},
};

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
    user: Option<Account>,
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
        user: Option<Account>,
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
        check_size(program, command, &environment)?;
        Ok(Self {
            name,
            program,
            path,
            arguments,
            environment,
            files,
            user,
            process: sys::child::own_id(),
        })
    }

    /// The child has its values: none stays here.
    fn forget(&mut self) {
        self.environment = Environment::default();
        self.files.forget_memory();
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

    /// The one way into a program, as its user; only what the kernel said comes back.
    fn replace(&self, environment: &Environment) -> Refusal {
        if let Some(user) = &self.user
            && let Err(error) = user.enter()
        {
            let errno = error.raw_os_error().map_or(Errno::EPERM, Errno::from_raw);
            return Refusal::User(errno);
        }
        Refusal::Exec(self.become_program(environment))
    }

    fn become_program(&self, environment: &Environment) -> Errno {
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

    fn failed(&self, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Exec(errno) => failed(
                self.name.clone(),
                &self.program.path,
                errno,
                &self.environment,
            ),
            Refusal::User(errno) => Error::UserNotTaken {
                reason: crate::manifest::reason(&std::io::Error::from_raw_os_error(errno as i32)),
            },
        }
    }
}

/// What the kernel did not let a process become.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Exec(Errno),
    User(Errno),
}

impl Refusal {
    /// As a child tells its parent.
    fn to_number(self) -> i32 {
        match self {
            Self::Exec(errno) => errno as i32,
            Self::User(errno) => -(errno as i32),
        }
    }

    fn from_number(number: i32) -> Self {
        if number < 0 {
            Self::User(Errno::from_raw(-number))
        } else {
            Self::Exec(Errno::from_raw(number))
        }
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

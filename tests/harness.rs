//! A test is a directory, an environment and a command line; its end compares everything.
//!
//! Hermetic: the child sees no variable that the test did not set (but `PATH`, and a `HOME` of
//! its own). Output is compared to the byte, and is empty where the test does not say otherwise.
//! Every known value is searched for in all output, plain and encoded, unless the test says that
//! it is printed on purpose.

pub(crate) mod aws;
pub(crate) mod faults;
pub(crate) mod guarded;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod listener;
pub(crate) mod memory;
pub(crate) mod openbao;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod runtime;
pub(crate) mod tls;
pub(crate) mod trace;
pub(crate) mod wait;

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// The built program.
pub(crate) const ENDOW: &str = env!("CARGO_BIN_EXE_endow");

/// Set by `./verify --long`: what is tried again and again is tried far more often.
const LONG: &str = "ENDOW_TEST_LONG";

/// How often something is tried, or for how long: `short` in every run, `longer` in a long one.
pub(crate) fn long<N>(short: N, longer: N) -> N {
    if std::env::var_os(LONG).is_some() {
        longer
    } else {
        short
    }
}

/// One run of endow, being prepared.
#[must_use = "a test ends with `success`, `status` or `spawn`"]
pub(crate) struct Test {
    root: TempDir,
    through: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    input: Option<Vec<u8>>,
    stdout: Option<Vec<u8>>,
    stderr: Option<String>,
    values: Vec<Vec<u8>>,
    prints_values: bool,
    flags: Vec<OsString>,
}

impl Test {
    /// An empty project directory, below a home directory of its own.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("endow-")
            .tempdir()
            .expect("a directory for the test");
        let directory = root.path().join("home/project");
        fs::create_dir_all(&directory).expect("the project directory");
        let path = std::env::var_os("PATH").expect("PATH");
        let environment = vec![
            ("PATH".into(), path),
            ("HOME".into(), root.path().join("home").into()),
        ];
        Self {
            root,
            through: Vec::new(),
            arguments: Vec::new(),
            environment,
            directory,
            input: None,
            stdout: Some(Vec::new()),
            stderr: Some(String::new()),
            values: Vec::new(),
            prints_values: false,
            flags: Vec::new(),
        }
    }

    /// A project with this manifest.
    pub(crate) fn manifest(text: &str) -> Self {
        Self::new().file("secretfile.yaml", text)
    }

    /// Writes a file of the project, mode 0644.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with_mode(name, content, 0o644)
    }

    /// Writes a file of the project with these permissions.
    pub(crate) fn file_with_mode(self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
        fs::write(&path, content).expect("a file of the test");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
        self
    }

    /// Writes `.env`, mode 0600. What stands after each `=` is a known value.
    pub(crate) fn dotenv(mut self, text: &str) -> Self {
        let values = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(_, value)| value.trim_matches(['"', '\'']).to_owned());
        let values: Vec<String> = values.collect();
        for value in values {
            self = self.known(value);
        }
        self.file_with_mode(".env", text, 0o600)
    }

    /// A value that must not be printed.
    pub(crate) fn known(mut self, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        // Shorter ones stand in any text by chance.
        if value.len() >= 5 {
            self.values.push(value.to_vec());
        }
        self
    }

    /// The output holds values on purpose: `get`, `export`, or a command that prints them.
    pub(crate) fn prints_values(mut self) -> Self {
        self.prints_values = true;
        self
    }

    /// Adds words to the command line.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.arguments
            .extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Flags of `run` that stand before its command.
    pub(crate) fn flags<A: AsRef<OsStr>>(mut self, flags: impl IntoIterator<Item = A>) -> Self {
        self.flags
            .extend(flags.into_iter().map(|flag| flag.as_ref().to_owned()));
        self
    }

    /// `endow run -- COMMAND`.
    pub(crate) fn run<A: AsRef<OsStr>>(self, command: impl IntoIterator<Item = A>) -> Self {
        let flags = self.flags.clone();
        self.args(["run"]).args(flags).args(["--"]).args(command)
    }

    /// `endow run -- sh -c SCRIPT`.
    pub(crate) fn shell(self, script: &str) -> Self {
        self.run(["sh", "-c", script])
    }

    /// Starts endow by another program, whose last words are endow's command line.
    pub(crate) fn through<A: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.through
            .extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Starts all of that by another program.
    pub(crate) fn within<A: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        let through = std::mem::take(&mut self.through);
        self.through(words).through(through)
    }

    /// Starts endow in a state that `tests/programs/start.py` arranges.
    pub(crate) fn started_with(self, options: &[&str]) -> Self {
        let words = runtime::program("start.py");
        self.through(words).through(options).through(["--"])
    }

    /// Sets a variable of the caller.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref().to_owned();
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the caller to the path of a file of the project.
    pub(crate) fn env_path(self, name: &str, file: &str) -> Self {
        let path = self.path(file);
        self.env(name, path)
    }

    /// Unsets one of the variables that every test has.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.environment.retain(|(other, _)| other != name);
        self
    }

    /// Runs in a directory below the project.
    pub(crate) fn directory(mut self, name: &str) -> Self {
        self.directory = self.path(name);
        fs::create_dir_all(&self.directory).expect("the working directory");
        self
    }

    /// Standard input; it is empty otherwise.
    pub(crate) fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = Some(bytes.as_ref().to_vec());
        self
    }

    /// The exact standard output. `[DIR]` stands for the project directory.
    pub(crate) fn stdout(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdout = Some(text.as_ref().to_vec());
        self
    }

    /// The exact standard error. `[DIR]` stands for the project directory.
    pub(crate) fn stderr(mut self, text: impl Into<String>) -> Self {
        self.stderr = Some(text.into());
        self
    }

    /// Standard output is looked at by the test itself.
    pub(crate) fn any_stdout(mut self) -> Self {
        self.stdout = None;
        self
    }

    /// Standard error is looked at by the test itself.
    pub(crate) fn any_stderr(mut self) -> Self {
        self.stderr = None;
        self
    }

    /// A path in the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("home/project").join(name)
    }

    /// The command, for tests that arrange descriptors or signals themselves.
    pub(crate) fn command(&self) -> Command {
        let endow = OsString::from(ENDOW);
        let mut words = self.through.iter().chain([&endow]).chain(&self.arguments);
        let mut command = Command::new(words.next().expect("a program"));
        command
            .args(words)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory);
        command
    }

    /// Starts it with pipes, for tests that talk to it while it runs. The directory lives as
    /// long as the test.
    pub(crate) fn spawn(&self) -> Child {
        self.command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("endow starts")
    }

    /// Runs it and expects status 0.
    #[track_caller]
    pub(crate) fn success(self) -> Output {
        self.status(0)
    }

    /// Runs it and expects this exit status.
    #[track_caller]
    pub(crate) fn status(self, expected: i32) -> Output {
        let output = self.output();
        let status = output.status;
        assert!(
            status.code() == Some(expected),
            "status {:?} (signal {:?}), expected {expected}\nstdout: {}\nstderr: {}",
            status.code(),
            status.signal(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        self.compare(&output);
        output
    }

    /// Runs it and expects that this signal ends it.
    #[track_caller]
    pub(crate) fn killed_by(self, expected: i32) -> Output {
        let output = self.output();
        assert!(
            output.status.signal() == Some(expected),
            "{}, expected signal {expected}\nstderr: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
        );
        self.compare(&output);
        output
    }

    fn output(&self) -> Output {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("endow starts");
        let mut input = child.stdin.take().expect("a pipe");
        // A command that reads nothing closes the pipe: that is its right.
        let _ = input.write_all(self.input.as_deref().unwrap_or_default());
        drop(input);
        child.wait_with_output().expect("endow ends")
    }

    /// Compares the output of a child that was spawned, as the other ends do.
    #[track_caller]
    pub(crate) fn compare(&self, output: &Output) {
        if !self.prints_values {
            self.assert_no_leak(&output.stdout, "standard output");
        }
        self.assert_no_leak(&output.stderr, "standard error");
        if let Some(expected) = &self.stdout {
            let expected = self.filled(expected);
            assert!(
                output.stdout == expected,
                "standard output:\n--- expected\n{}\n--- found\n{}\n---\nstderr: {}",
                String::from_utf8_lossy(&expected),
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        if let Some(expected) = &self.stderr {
            let expected = self.filled(expected.as_bytes());
            assert!(
                output.stderr == expected,
                "standard error:\n--- expected\n{}\n--- found\n{}\n---",
                String::from_utf8_lossy(&expected),
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }

    /// Searches a text for every known value, as it is, in hexadecimal and in base64.
    #[track_caller]
    pub(crate) fn assert_no_leak(&self, text: &[u8], channel: &str) {
        for value in &self.values {
            for form in [value.clone(), hex(value), base64_middle(value)] {
                let found =
                    form.len() >= 5 && text.windows(form.len()).any(|window| window == form);
                assert!(
                    !found,
                    "a value of {} bytes is in {channel}: {}",
                    value.len(),
                    String::from_utf8_lossy(text)
                );
            }
        }
    }

    fn filled(&self, text: &[u8]) -> Vec<u8> {
        let project = self.path("");
        let project = project.as_os_str().as_bytes();
        replace(
            text,
            b"[DIR]",
            project.strip_suffix(b"/").unwrap_or(project),
        )
    }
}

/// All of a text's `from` replaced by `to`.
pub(crate) fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    result
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

/// The part of a value's base64 that does not depend on what stands around it.
fn base64_middle(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = bytes.chunks_exact(3).flat_map(|chunk| {
        let bits = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 0x3f) as usize])
    });
    whole.collect()
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

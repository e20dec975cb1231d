//! Variables that steer programs: each is shown to run code, to write a file or to draw traffic with a
//! stock program, and a found manifest that sets it is refused.

mod cases;

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tempfile::TempDir;

use self::cases::{CASES, Case, Sign};
use crate::harness::Test;

/// A directory with what the cases need, and a port that nobody else listens on.
struct Room {
    directory: TempDir,
    listener: TcpListener,
}

impl Room {
    fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("endow-")
            .tempdir()
            .expect("a directory");
        // One case runs as another user.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(directory.path(), open).expect("its mode");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let room = Self {
            directory,
            listener,
        };
        for (name, text) in cases::FILES {
            let path = room.path(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
            fs::write(&path, room.filled(text)).expect("a file");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).expect("its mode");
        }
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `[DIR]` and `[PORT]` put in.
    fn filled(&self, text: &str) -> String {
        let port = self.listener.local_addr().expect("its address").port();
        text.replace("[DIR]", &self.directory.path().display().to_string())
            .replace("[PORT]", &port.to_string())
    }

    /// The library whose constructor makes the marker.
    fn compile(&self) {
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-o", "mark.so", "mark.c"])
            .current_dir(self.directory.path())
            .status()
            .expect("cc is installed: apt-get install gcc libc6-dev");
        assert!(done.success());
    }

    /// Runs the command of a case, with the variables or without.
    fn run(&self, case: &Case, with: bool) -> String {
        let words: Vec<String> = case.command.iter().map(|word| self.filled(word)).collect();
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .current_dir(self.path("project"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("PATH"))
            .env("HOME", self.path("empty"))
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        for (name, value) in case.variables.iter().filter(|_| with) {
            command.env(name, self.filled(value));
        }
        let output = command.output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Whether the sign of a case is there; it is taken away.
    fn has(&self, sign: Sign) -> bool {
        match sign {
            Sign::Marker => fs::remove_file(self.path("marker")).is_ok(),
            Sign::Connection => {
                self.listener.set_nonblocking(true).expect("a socket");
                std::iter::from_fn(|| self.listener.accept().ok()).count() > 0
            }
        }
    }
}

#[test]
fn each_variable_does_what_the_table_says_with_a_stock_program() {
    let room = Room::new();
    room.compile();
    let mut wrong = Vec::new();
    for case in CASES {
        let said = room.run(case, false);
        if room.has(case.sign) {
            wrong.push(format!("{:?}: without it too: {said}", case.variables));
        }
        let (is_there, said) = match case.sign {
            Sign::Marker => {
                let said = room.run(case, true);
                (room.has(case.sign), said)
            }
            Sign::Connection => answering(&room, case),
        };
        if !is_there {
            wrong.push(format!("{:?}: {said}", case.variables));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs a case while somebody takes each connection and closes it; whether there was one.
fn answering(room: &Room, case: &Case) -> (bool, String) {
    room.listener.set_nonblocking(false).expect("a socket");
    let address = room.listener.local_addr().expect("its address");
    let listener = room.listener.try_clone().expect("a socket");
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    let taker = std::thread::spawn(move || {
        let mut taken = 0;
        while listener.accept().is_ok() && !over.load(Ordering::Acquire) {
            taken += 1;
        }
        taken
    });
    let said = room.run(case, true);
    is_over.store(true, Ordering::Release);
    // This wakes the thread.
    drop(TcpStream::connect(address));
    let connections = taker.join().expect("the thread ends");
    (connections > 0, said)
}

#[test]
fn a_found_manifest_that_sets_one_is_refused() {
    for name in CASES
        .iter()
        .flat_map(|case| case.variables)
        .map(|(name, _)| name)
    {
        let test = Test::manifest(&format!("version: 1\nvalues: {{ A: a, {name}: x }}\n"));
        let output = test.run(["true"]).any_stderr().status(125);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("is not trusted yet:"), "{name}: {stderr}");
        assert!(
            stderr.contains(&format!("  {name}  x (secretfile.yaml:2)")),
            "{name}: {stderr}"
        );
    }
}

#[test]
fn plain_names_and_an_applications_own_are_free() {
    let names = "TZ LANG LC_ALL TERM NO_COLOR CI DEBUG PORT HOST NODE_ENV RAILS_ENV RUST_LOG \
        RUST_BACKTRACE PYTHONUNBUFFERED PYTHONUTF8 CUDA_VISIBLE_DEVICES HF_HOME OPENAI_API_KEY \
        OPENAI_BASE_URL DATABASE_URL SENTRY_DSN AWS_REGION PGUSER GOOGLE_APPLICATION_CREDENTIALS \
        NVIDIA_API_KEY GITHUB_TOKEN VAULT_TOKEN";
    let values: Vec<String> = names
        .split_whitespace()
        .map(|name| format!("{name}: x"))
        .collect();
    Test::manifest(&format!(
        "version: 1\nvalues: {{ {} }}\n",
        values.join(", ")
    ))
    .run(["true"])
    .success();
}

/// What a found manifest does not steer by one name it must not steer by another spelling.
#[test]
fn a_family_is_refused_in_every_case_that_its_readers_take() {
    for name in [
        "npm_config_script_shell",
        "NPM_CONFIG_SCRIPT_SHELL",
        "http_proxy",
        "HTTP_PROXY",
        "Https_Proxy",
    ] {
        let test = Test::manifest(&format!("version: 1\nvalues: {{ {name}: x }}\n"));
        test.run(["true"]).any_stderr().status(125);
    }
    assert!(Path::new("/bin/sh").exists());
}

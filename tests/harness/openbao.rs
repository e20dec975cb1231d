//! Real OpenBao servers in their development mode: in memory, unsealed, with a known root token.
//!
//! One serves the whole suite; tests that need another kind start it themselves or share one of
//! their kind. A test makes engines, methods, policies and namespaces of its own, by names that
//! no other has, so tests run side by side.

mod session;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

pub(crate) use self::session::{AppRole, Session};

use super::{
    guarded::{Guarded, free_port},
    http,
};

/// The root token of every server here.
pub(crate) const ROOT: &str = "root-token-of-the-tests";

/// A running server.
pub(crate) struct OpenBao {
    guarded: Guarded,
    port: u16,
    directory: PathBuf,
    is_tls: bool,
}

impl OpenBao {
    /// The server of the whole suite.
    pub(crate) fn shared() -> &'static Self {
        static SERVER: OnceLock<OpenBao> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(&["-config=listeners.hcl"]))
    }

    /// One that is not initialised, and then sealed.
    pub(crate) fn sealed() -> Self {
        let (directory, port) = (Guarded::directory(), free_port());
        let listener = format!(
            "listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  tls_disable = true\n}}\n"
        );
        let rest = format!("storage \"inmem\" {{}}\napi_addr = \"http://127.0.0.1:{port}\"\n");
        std::fs::write(directory.join("server.hcl"), listener + &rest).expect("its configuration");
        let command = [
            binary().into(),
            "server".into(),
            "-config=server.hcl".into(),
        ];
        Self::start_by(&command, directory, port, false).unwrap_or_else(|log| panic!("{log}"))
    }

    /// One whose KV version 1 engine gives leases, by the development mode's own switch.
    pub(crate) fn leased() -> &'static Self {
        static SERVER: OnceLock<OpenBao> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(&["-dev-leased-kv"]))
    }

    /// One that speaks TLS, by a certificate of its own authority.
    pub(crate) fn tls() -> &'static Self {
        static SERVER: OnceLock<OpenBao> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(&["-dev-tls", "-dev-tls-cert-dir=."]))
    }

    /// One of the test's own.
    pub(crate) fn start(options: &[&str]) -> Self {
        loop {
            match Self::start_on(free_port(), options) {
                Ok(server) => return server,
                Err(log) if log.contains("address already in use") => {}
                Err(log) => panic!("{log}"),
            }
        }
    }

    /// One of the test's own on this port.
    pub(crate) fn start_on(port: u16, options: &[&str]) -> Result<Self, String> {
        let directory = Guarded::directory();
        let mut command: Vec<OsString> = vec![
            binary().into(),
            "server".into(),
            "-dev".into(),
            "-dev-no-store-token".into(),
            format!("-dev-root-token-id={ROOT}").into(),
            format!("-dev-listen-address=127.0.0.1:{port}").into(),
        ];
        command.extend(options.iter().map(OsString::from));
        let socket = directory.join("socket");
        let listener = format!(
            "listener \"unix\" {{\n  address = \"{}\"\n}}\n",
            socket.display()
        );
        std::fs::write(directory.join("listeners.hcl"), listener).expect("its configuration");
        Self::start_by(&command, directory, port, options.contains(&"-dev-tls"))
    }

    fn start_by(
        command: &[OsString],
        directory: PathBuf,
        port: u16,
        is_tls: bool,
    ) -> Result<Self, String> {
        let mut server = Self {
            guarded: Guarded::start("bao", &directory, command),
            port,
            directory,
            is_tls,
        };
        let address = server.address();
        let directory = server.directory.clone();
        let is_dev = command.iter().any(|word| word == "-dev");
        server.guarded.wait_until(|| {
            if is_tls {
                let status = administer(&directory, port, &["status"]);
                status.is_ok()
            } else {
                let answer = http::ask(&address, "GET", "/v1/sys/health", &[], &[]);
                // 501 of one that is not initialised, which is not meant to be.
                let expected = if is_dev { 200 } else { 501 };
                answer.is_ok_and(|answer| answer.status == expected)
            }
        })?;
        Ok(server)
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address as clients are told it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// A file of a server that speaks TLS: its authority's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.join("vault-ca.pem")
    }

    /// The Unix socket of the shared server.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    /// Its root namespace, as root.
    pub(crate) fn root(&self) -> Session<'_> {
        Session::of(self)
    }

    /// A policy, for a server that speaks TLS.
    pub(crate) fn policy_by_file(&self, name: &str, rules: &str) {
        let path = self.directory.join(format!("{name}.hcl"));
        std::fs::write(&path, rules).expect("a policy");
        let path = path.to_str().expect("a path");
        self.bao(&["policy", "write", name, path]);
    }

    /// Its own command line client, for a server that speaks TLS.
    #[track_caller]
    pub(crate) fn bao(&self, arguments: &[&str]) -> String {
        administer(&self.directory, self.port, arguments).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A name that nothing else of these tests has.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A text of an answer.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The server's program, which `tests/servers/install` brings.
#[track_caller]
fn binary() -> PathBuf {
    let target = Path::new(super::ENDOW)
        .ancestors()
        .find(|directory| directory.join("servers").is_dir());
    target
        .map(|target| target.join("servers/bao"))
        .filter(|bao| bao.is_file())
        .unwrap_or_else(|| panic!("OpenBao is not here: run tests/servers/install"))
}

fn administer(directory: &Path, port: u16, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(binary())
        .args(arguments)
        .env_clear()
        .env("HOME", directory)
        .env("BAO_ADDR", format!("https://127.0.0.1:{port}"))
        .env("BAO_CACERT", directory.join("vault-ca.pem"))
        .env("BAO_TOKEN", ROOT)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!("bao {}: {error}", arguments.join(" ")))
    }
}

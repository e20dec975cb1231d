//! A private PostgreSQL cluster, for credentials that really log in.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::guarded::{Guarded, free_port};

/// The superuser's password.
pub(crate) const PASSWORD: &str = "superuser-of-the-tests";

/// A running cluster.
pub(crate) struct Postgres {
    port: u16,
    _guarded: Guarded,
}

impl Postgres {
    /// The cluster of the whole suite.
    pub(crate) fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Postgres> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let home = Guarded::directory();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::write(home.join("password"), PASSWORD).expect("the password");
        let data = home.join("data");
        let initdb: Vec<OsString> = vec![
            program("initdb").into(),
            "--username=postgres".into(),
            "--auth=scram-sha-256".into(),
            "--pwfile=password".into(),
            "--encoding=UTF8".into(),
            "--no-sync".into(),
            "--pgdata".into(),
            (&data).into(),
        ];
        let made = Guarded::start_unprivileged("initdb", &home, &initdb).wait();
        made.unwrap_or_else(|error| panic!("{error}"));
        let port = free_port();
        let command: Vec<OsString> = vec![
            program("postgres").into(),
            "-D".into(),
            data.into(),
            "-F".into(),
            "-c".into(),
            format!("port={port}").into(),
            "-c".into(),
            "listen_addresses=127.0.0.1".into(),
            "-c".into(),
            "unix_socket_directories=".into(),
        ];
        let mut guarded = Guarded::start_unprivileged("postgres", &home, &command);
        let is_ready = || {
            let ready = Command::new(program("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
                .status();
            ready.is_ok_and(|status| status.success())
        };
        let started = guarded.wait_until(is_ready);
        started.unwrap_or_else(|error| panic!("{error}"));
        Self {
            port,
            _guarded: guarded,
        }
    }

    /// The port on the loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// A program of PostgreSQL: Debian keeps the server's out of PATH.
#[track_caller]
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    let in_path = std::env::split_paths(&path).map(|directory| directory.join(name));
    let versions = fs::read_dir(Path::new("/usr/lib/postgresql")).into_iter();
    let of_debian = versions
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(name));
    in_path
        .chain(of_debian)
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("`{name}` is missing: apt-get install postgresql"))
}

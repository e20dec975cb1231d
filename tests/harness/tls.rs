//! A scripted server that speaks TLS: it sends everybody on to another origin.

use std::{net::TcpStream, path::PathBuf};

use super::{
    guarded::{Guarded, free_port},
    keys::Certificate,
    runtime,
};

/// A running server.
pub(crate) struct Server {
    port: u16,
    certificate: Certificate,
    _guarded: Guarded,
}

impl Server {
    /// Redirects to the same path at `origin`.
    pub(crate) fn start(origin: &str) -> Self {
        Self::start_with(Certificate::for_server(), origin)
    }

    /// Redirects with this certificate.
    pub(crate) fn start_with(certificate: Certificate, origin: &str) -> Self {
        let port = free_port();
        let mut command = runtime::program("tls_redirect.py");
        command.push(port.to_string().into());
        command.push(certificate.certificate().into());
        command.push(certificate.key().into());
        command.push(origin.into());
        let directory = Guarded::directory();
        let mut guarded = Guarded::start("tls_redirect.py", &directory, &command);
        let started = guarded.wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        started.unwrap_or_else(|error| panic!("{error}"));
        Self {
            port,
            certificate,
            _guarded: guarded,
        }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificate to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.certificate.certificate()
    }
}

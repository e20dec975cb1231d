//! The client of a server: certificates from where they stand, and what a failed connection means
//! here.

use std::{path::Path, time::Instant};

use rustls::pki_types::CertificateDer;

use super::config::{Config, Pem, TlsFiles, wrong};
use crate::{
    Fault, Secret,
    http::{Broken, Client, Handshake, Options},
    read::{self, Failure},
    tls::{self, Tls},
};

/// Makes the client. The system's roots are read for an `https` address alone.
pub(super) async fn client(config: &Config, deadline: Instant) -> Result<Client, Fault> {
    let is_plain = config.base.scheme() == "http";
    let made = if is_plain {
        tls::nobody()
    } else {
        tls(&config.tls, deadline).await?.config()
    };
    let made = made.map_err(|error| wrong(format!("the TLS settings don't work: {error}")))?;
    let options = Options {
        tls: made,
        route: config.route.clone(),
        unix_socket: config.unix_socket.clone(),
        host: config
            .tls
            .server_name
            .as_ref()
            .and_then(|_| config.base.host_str().map(str::to_owned)),
    };
    Client::new(options).map_err(|broken| broken.fault(&config.server))
}

async fn tls(files: &TlsFiles, deadline: Instant) -> Result<Tls, Fault> {
    let identity = match (&files.client_cert, &files.client_key) {
        (Some(certificate), Some(key)) => {
            let certificate = pem(certificate, deadline).await?;
            let key = pem(key, deadline).await?;
            let named = |what: &'static str| {
                move |error: &'static str| wrong(format!("the client's {what} {error}"))
            };
            let certificates =
                tls::certificates(certificate.expose()).map_err(named("certificate"))?;
            let key = tls::private_key(key.expose()).map_err(named("key"))?;
            Some((certificates, key))
        }
        _ => None,
    };
    Ok(Tls {
        roots: roots(files, deadline).await?,
        identity,
        is_unverified: files.is_unverified,
    })
}

/// The named authorities: a file, else a text, else all files of a directory.
async fn roots(files: &TlsFiles, deadline: Instant) -> Result<Vec<CertificateDer<'static>>, Fault> {
    if let Some(path) = &files.ca_cert {
        return certificates(path, deadline).await;
    }
    if let Some(text) = &files.ca_bytes {
        return tls::certificates(text.expose())
            .map_err(|error| wrong(format!("the text of the authority's certificate {error}")));
    }
    let Some(directory) = &files.ca_path else {
        return Ok(Vec::new());
    };
    let mut roots = Vec::new();
    for path in listed(directory).await? {
        // As OpenSSL's directories have them, with notes and keys beside: what is none is skipped.
        roots.extend(certificates(&path, deadline).await.unwrap_or_default());
    }
    if roots.is_empty() {
        return Err(wrong(format!(
            "`{}` holds no PEM certificate",
            directory.display()
        )));
    }
    Ok(roots)
}

/// The entries of a directory, in the order of their names.
async fn listed(directory: &Path) -> Result<Vec<std::path::PathBuf>, Fault> {
    let owned = directory.to_owned();
    let entries = tokio::task::spawn_blocking(move || {
        let entries = std::fs::read_dir(owned)?;
        entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()
    });
    match entries.await {
        Ok(Ok(mut paths)) => {
            paths.sort();
            Ok(paths)
        }
        _ => Err(wrong(format!(
            "the directory `{}` can't be read",
            directory.display()
        ))),
    }
}

async fn certificates(
    path: &Path,
    deadline: Instant,
) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let text = content(path, deadline).await?;
    tls::certificates(text.expose()).map_err(|error| wrong(format!("`{}` {error}", path.display())))
}

async fn pem(pem: &Pem, deadline: Instant) -> Result<Secret, Fault> {
    match pem {
        Pem::File(path) => content(path, deadline).await,
        Pem::Text(text) => Ok(Secret::copied_from(text.expose())),
    }
}

/// What a file holds, that a setting or a variable names.
async fn content(path: &Path, deadline: Instant) -> Result<Secret, Fault> {
    match read::read(path.to_owned(), deadline).await {
        Ok(content) => Ok(content.bytes),
        Err(Failure::Fault(fault)) => Err(fault),
        Err(Failure::NotFound | Failure::NotRegular) => {
            Err(wrong(format!("there is no file `{}`", path.display())))
        }
    }
}

/// A file that holds one credential, without the white space around it.
pub(super) async fn credential(path: &Path, deadline: Instant) -> Result<Secret, Fault> {
    let bytes = content(path, deadline).await?;
    Ok(Secret::copied_from(bytes.expose().trim_ascii()))
}

/// The fault of a failed connection with what helps with this type of server.
pub(super) fn hinted(fault: Fault, broken: &Broken) -> Fault {
    match broken {
        Broken::Tls(Handshake::UnknownIssuer | Handshake::Authority) => {
            fault.hinted("`VAULT_CACERT`, or `ca_cert` under `backends`")
        }
        Broken::Tls(Handshake::OtherName(_)) => {
            fault.hinted("or name it: `VAULT_TLS_SERVER_NAME`, or `tls_server_name` under `backends`")
        }
        Broken::Tls(Handshake::ClientCertificate) => fault
            .hinted("`VAULT_CLIENT_CERT` and `VAULT_CLIENT_KEY`, or `client_cert` and `client_key` under `backends`"),
        Broken::Refused | Broken::Dns => {
            fault.hinted("is it running, and is `VAULT_ADDR` or `address` under `backends` right?")
        }
        _ => fault,
    }
}

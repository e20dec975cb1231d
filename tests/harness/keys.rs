//! Keys, certificates and signed tokens, made anew in each run by the `openssl` program.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::runtime;

/// A key pair that signs tokens (RS256).
pub(crate) struct Key {
    directory: tempfile::TempDir,
    /// The public half, PEM.
    pub(crate) public: String,
}

impl Key {
    /// A new key.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key.pem");
        openssl(&["genpkey", "-algorithm", "RSA", "-out"], Some(&path), &[]);
        let public = openssl(&["pkey", "-pubout", "-in"], Some(&path), &[]);
        let public = String::from_utf8(public).expect("PEM");
        Self { directory, public }
    }

    /// A signed JSON Web Token.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "1" });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}", encode(&header), encode(claims));
        let key = self.directory.path().join("key.pem");
        let signature = openssl(&["dgst", "-sha256", "-sign"], Some(&key), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A certificate and its key, as files.
pub(crate) struct Certificate {
    directory: tempfile::TempDir,
}

impl Certificate {
    /// Signed by itself, for a client of this name.
    pub(crate) fn for_client(name: &str) -> Self {
        Self::new(name, &["extendedKeyUsage=clientAuth"])
    }

    /// Signed by itself, for a server on the loopback.
    pub(crate) fn for_server() -> Self {
        let names = "subjectAltName=IP:127.0.0.1,DNS:localhost";
        // An authority's certificate is refused as a server's own.
        Self::new("localhost", &[names, "basicConstraints=critical,CA:FALSE"])
    }

    fn new(name: &str, extensions: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let subject = format!("/CN={name}");
        let extensions = extensions.iter().flat_map(|text| ["-addext", text]);
        let output = Command::new(runtime::find("openssl"))
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-subj", &subject])
            .args(extensions)
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(directory.path())
            .output()
            .expect("openssl starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        Self { directory }
    }

    /// As plain `openssl req -x509` makes one: an authority's, for a server.
    pub(crate) fn of_authority() -> Self {
        Self::new("localhost", &["subjectAltName=IP:127.0.0.1,DNS:localhost"])
    }

    /// An authority's certificate for another host.
    pub(crate) fn of_elsewhere() -> Self {
        Self::new("elsewhere", &["subjectAltName=DNS:elsewhere.test"])
    }

    /// The certificate's file.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    /// The key's file.
    pub(crate) fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    /// What stands in the certificate's file.
    pub(crate) fn pem(&self) -> String {
        fs::read_to_string(self.certificate()).expect("a certificate")
    }
}

fn openssl(arguments: &[&str], path: Option<&Path>, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(runtime::find("openssl"))
        .args(arguments)
        .args(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input).expect("openssl reads");
    drop(pipe);
    let output = child.wait_with_output().expect("openssl ends");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {error}");
    output.stdout
}

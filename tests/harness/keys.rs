//! Keys, certificates and signed tokens, made anew in each run by the `openssl` program.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

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
        let encode = |part: &Value| base64url(part.to_string().as_bytes());
        let text = format!("{}.{}", encode(&header), encode(claims));
        let key = self.directory.path().join("key.pem");
        let signature = openssl(&["dgst", "-sha256", "-sign"], Some(&key), text.as_bytes());
        format!("{text}.{}", base64url(&signature))
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

/// Base64 with the alphabet of URLs, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for shift in [18, 12, 6, 0].iter().take(chunk.len() + 1) {
            text.push(char::from(ALPHABET[(bits >> shift & 0x3f) as usize]));
        }
    }
    text
}

/// What a base64 text stands for.
pub(crate) fn base64_decoded(text: &str) -> Vec<u8> {
    let with_end = format!("{text}\n");
    openssl(&["base64", "-d", "-A"], None, with_end.as_bytes())
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

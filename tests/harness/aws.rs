//! AWS on the loopback: moto for the services and for signatures, ministack for policies by
//! resource and for the addresses that hand out credentials.
//!
//! One of each serves the whole suite. Tests make secrets and parameters of their own, by names
//! that no other has, so tests run side by side.

use std::{
    ffi::OsString,
    net::TcpStream,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Value, json};

use super::{
    Test,
    guarded::{Guarded, free_port},
    http::{self, Response},
    keys::Certificate,
};

/// The region of every test that does not say another.
pub(crate) const REGION: &str = "eu-west-1";
/// The account of the emulators.
pub(crate) const ACCOUNT: &str = "123456789012";
/// Keys that an emulator without signature checks takes for anyone's.
pub(crate) const KEY: &str = "AKIAENDOWTESTS000000";
pub(crate) const SECRET: &str = "secret-access-key-of-the-tests-0000";

/// A token of an identity provider that roles here trust; its signature is not looked at.
pub(crate) const WEB_IDENTITY: &str = "eyJhbGciOiAibm9uZSJ9.eyJpc3MiOiAiaHR0cHM6Ly9hY2NvdW50cy5nb29nbGUuY29tIiwgInN1YiI6ICJjaGF0IiwgImF1ZCI6ICJlbmRvdyJ9.signature-of-the-pod";

/// A running emulator.
pub(crate) struct Aws {
    _guarded: Guarded,
    port: u16,
}

/// A caller of an emulator that checks signatures.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Aws {
    /// moto, which checks no signature.
    pub(crate) fn moto() -> &'static Self {
        static SERVER: OnceLock<Aws> = OnceLock::new();
        SERVER.get_or_init(Self::start_moto)
    }

    /// Another one, for what can be switched for a whole server alone.
    pub(crate) fn start_moto() -> Self {
        Self::start("moto", Some("/moto-api/"), |port| {
            let port = port.to_string();
            moto(&["-H", "127.0.0.1", "-p", &port])
        })
    }

    /// One that speaks TLS, by this certificate.
    pub(crate) fn start_tls(certificate: &Certificate) -> Self {
        let (certificate, key) = (certificate.certificate(), certificate.key());
        Self::start("moto", None, |port| {
            let port = port.to_string();
            let mut command = moto(&["-H", "127.0.0.1", "-p", &port]);
            command.extend(["-c".into(), certificate.clone().into()]);
            command.extend(["-k".into(), key.clone().into()]);
            command
        })
    }

    /// ministack, which enforces policies and gives out credentials.
    pub(crate) fn ministack() -> &'static Self {
        static SERVER: OnceLock<Aws> = OnceLock::new();
        SERVER.get_or_init(|| {
            Self::start("ministack", Some("/_ministack/health"), |port| {
                let address = format!("127.0.0.1:{port}");
                let settings = ["AUTH=true", "MINISTACK_IMDS_V2_REQUIRED=1"];
                let mut words: Vec<OsString> = vec!["/usr/bin/env".into()];
                words.extend(settings.map(OsString::from));
                words.push(format!("GATEWAY_PORT={port}").into());
                words.extend(program(&[
                    "hypercorn",
                    "--bind",
                    &address,
                    "ministack.app:app",
                ]));
                words
            })
        })
    }

    fn start(
        name: &'static str,
        path: Option<&str>,
        command: impl Fn(u16) -> Vec<OsString>,
    ) -> Self {
        loop {
            let port = free_port();
            let directory = Guarded::directory();
            let mut guarded = Guarded::start(name, &directory, &command(port));
            let address = format!("127.0.0.1:{port}");
            let answers = || match path {
                Some(path) => http::ask(&address, "GET", path, &[], &[]).is_ok(),
                None => TcpStream::connect(&address).is_ok(),
            };
            match guarded.wait_until(answers) {
                Ok(()) => {
                    return Self {
                        _guarded: guarded,
                        port,
                    };
                }
                Err(log) if log.contains("ddress already in use") => {}
                Err(log) => panic!("{log}"),
            }
        }
    }

    /// From now on moto looks at signatures and policies.
    pub(crate) fn check_signatures(&self) {
        let headers = [("content-type".to_owned(), "text/plain".to_owned())];
        let path = "/moto-api/reset-auth";
        let answer = http::ask(&self.address(), "POST", path, &headers, b"0");
        assert_eq!(answer.expect("an answer").status, 200);
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// One request of Secrets Manager, which must succeed.
    #[track_caller]
    pub(crate) fn secrets(&self, action: &str, body: &Value) -> Value {
        self.json(&format!("secretsmanager.{action}"), REGION, body)
    }

    /// One request of Parameter Store, which must succeed.
    #[track_caller]
    pub(crate) fn parameters(&self, action: &str, body: &Value) -> Value {
        self.json(&format!("AmazonSSM.{action}"), REGION, body)
    }

    /// One request of a service that speaks JSON, which must succeed.
    #[track_caller]
    pub(crate) fn json(&self, target: &str, region: &str, body: &Value) -> Value {
        let service = if target.starts_with("AmazonSSM") {
            "ssm"
        } else {
            "secretsmanager"
        };
        let headers = [
            ("x-amz-target".to_owned(), target.to_owned()),
            (
                "content-type".to_owned(),
                "application/x-amz-json-1.1".to_owned(),
            ),
            ("authorization".to_owned(), authorization(service, region)),
            ("x-amz-date".to_owned(), DATE.to_owned()),
        ];
        let response = self.post(&headers, body.to_string().as_bytes());
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// One request of IAM or STS, which must succeed; the XML of the answer.
    #[track_caller]
    pub(crate) fn query(&self, service: &str, fields: &[(&str, &str)]) -> String {
        let body = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)));
        let body = body.collect::<Vec<_>>().join("&");
        let headers = [
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
            (
                "authorization".to_owned(),
                authorization(service, "us-east-1"),
            ),
            ("x-amz-date".to_owned(), DATE.to_owned()),
        ];
        let response = self.post(&headers, body.as_bytes());
        String::from_utf8(response.body).expect("text")
    }

    #[track_caller]
    fn post(&self, headers: &[(String, String)], body: &[u8]) -> Response {
        let response = http::ask(&self.address(), "POST", "/", headers, body).expect("an answer");
        assert!(
            response.status < 300,
            "{}: {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        response
    }

    /// A new secret, by its ARN.
    #[track_caller]
    pub(crate) fn secret(&self, name: &str, value: &str) -> String {
        let answer = self.secrets(
            "CreateSecret",
            &json!({ "Name": name, "SecretString": value }),
        );
        text(&answer["ARN"])
    }

    /// A new `SecureString`, or another version of it.
    #[track_caller]
    pub(crate) fn parameter(&self, name: &str, value: &str) {
        let body =
            json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
        self.parameters("PutParameter", &body);
    }

    /// A new user who may do what this policy says.
    #[track_caller]
    pub(crate) fn user(&self, name: &str, policy: &Value) -> Caller {
        let version = ("Version", "2010-05-08");
        self.query(
            "iam",
            &[("Action", "CreateUser"), version, ("UserName", name)],
        );
        let policy = policy.to_string();
        self.query(
            "iam",
            &[
                ("Action", "PutUserPolicy"),
                version,
                ("UserName", name),
                ("PolicyName", "p"),
                ("PolicyDocument", &policy),
            ],
        );
        let answer = self.query(
            "iam",
            &[("Action", "CreateAccessKey"), version, ("UserName", name)],
        );
        Caller {
            key: element(&answer, "AccessKeyId"),
            secret: element(&answer, "SecretAccessKey"),
        }
    }

    /// A new role that anyone may assume, who may then do what this policy says; by its ARN.
    #[track_caller]
    pub(crate) fn role(&self, name: &str, policy: &Value) -> String {
        let version = ("Version", "2010-05-08");
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" },
                { "Effect": "Allow", "Principal": { "Federated": "accounts.google.com" }, "Action": "sts:AssumeRoleWithWebIdentity" },
            ],
        })
        .to_string();
        let answer = self.query(
            "iam",
            &[
                ("Action", "CreateRole"),
                version,
                ("RoleName", name),
                ("AssumeRolePolicyDocument", &trust),
            ],
        );
        let policy = policy.to_string();
        self.query(
            "iam",
            &[
                ("Action", "PutRolePolicy"),
                version,
                ("RoleName", name),
                ("PolicyName", "p"),
                ("PolicyDocument", &policy),
            ],
        );
        element(&answer, "Arn")
    }

    /// A project that asks this emulator with keys in the environment.
    pub(crate) fn project(&self, manifest: &str) -> Test {
        project(manifest, &self.url())
    }
}

/// A project that asks what listens at `url`, with keys in the environment.
pub(crate) fn project(manifest: &str, url: &str) -> Test {
    anonymous(manifest, url)
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .known(SECRET)
}

/// The same without keys.
pub(crate) fn anonymous(manifest: &str, url: &str) -> Test {
    Test::manifest(manifest)
        .env("AWS_REGION", REGION)
        .env("AWS_ENDPOINT_URL", url)
        // The default chain must never touch the metadata address in a test.
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

/// Allows these actions on everything.
pub(crate) fn allow(actions: &[&str]) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    })
}

/// The text of the first element of that name.
#[track_caller]
pub(crate) fn element(xml: &str, name: &str) -> String {
    let rest = xml.split_once(&format!("<{name}>")).expect("the element").1;
    rest.split_once("</").expect("its end").0.to_owned()
}

/// A text of an answer.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The emulators take this key for the account's owner, whatever the signature and its date.
const OWNER: &str = "test";
const DATE: &str = "20260101T000000Z";

fn authorization(service: &str, region: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={OWNER}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The words that start a program of the servers' own Python.
/// moto through the script that lets it answer one request at a time.
fn moto(arguments: &[&str]) -> Vec<OsString> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/serve_moto.py");
    let mut words = vec!["python", script];
    words.extend(arguments);
    program(&words)
}

fn program(words: &[&str]) -> Vec<OsString> {
    let (program, arguments) = words.split_first().expect("a program");
    let mut command = vec![servers().join("venv/bin").join(program).into()];
    command.extend(arguments.iter().map(OsString::from));
    command
}

/// The Python that has boto3, for children that use an SDK of their own.
pub(crate) fn python() -> PathBuf {
    servers().join("venv/bin/python")
}

#[track_caller]
fn servers() -> PathBuf {
    let target = Path::new(super::ENDOW)
        .ancestors()
        .find(|directory| directory.join("servers").is_dir());
    target
        .map(|target| target.join("servers"))
        .filter(|servers| servers.join("venv/bin/moto_server").is_file())
        .unwrap_or_else(|| panic!("moto is not here: run tests/servers/install"))
}

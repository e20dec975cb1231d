//! Connections that are encrypted: whom endow trusts, and what it says of others.

use std::{process::Command, sync::OnceLock};

use super::{fails, fails_within};
use crate::harness::{
    Test,
    aws::{self, Aws, REGION, project},
    keys::Certificate,
};

const ONE: &str = "version: 1\nenv: { A: aws-sm://over/tls }\n";

/// moto behind a certificate of its own.
fn server() -> &'static (Aws, Certificate) {
    static SERVER: OnceLock<(Aws, Certificate)> = OnceLock::new();
    SERVER.get_or_init(|| {
        let certificate = Certificate::for_server();
        (Aws::start_tls(&certificate), certificate)
    })
}

fn asking() -> Test {
    to_server(ONE)
}

fn to_server(manifest: &str) -> Test {
    project(manifest, &format!("https://{}", server().0.address()))
}

/// A project that trusts the server, which has this secret.
pub(crate) fn with_secret(manifest: &str, name: &str, value: &str) -> Test {
    let script = "import boto3, sys\nboto3.client('secretsmanager', region_name=sys.argv[1], \
        endpoint_url=sys.argv[2], verify=sys.argv[3], aws_access_key_id='test', \
        aws_secret_access_key='test').create_secret(Name=sys.argv[4], SecretString=sys.argv[5])";
    let (server, certificate) = server();
    let output = Command::new(aws::python())
        .args(["-I", "-c", script, REGION])
        .arg(format!("https://{}", server.address()))
        .arg(certificate.certificate())
        .args([name, value])
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{output:?}");
    to_server(manifest).env("SSL_CERT_FILE", certificate.certificate())
}

#[test]
fn the_authorities_of_the_environment_are_trusted() {
    let authority = server().1.certificate();
    // The answer is that there is no such secret: it was asked for.
    fails(
        asking().env("SSL_CERT_FILE", authority),
        &["A: absent: no secret `over/tls` in eu-west-1"],
    );
}

#[test]
fn another_certificate_is_refused_at_once() {
    let other = Certificate::for_server();
    let report = fails(
        asking().env("SSL_CERT_FILE", other.certificate()),
        &[
            "A: unreachable: the certificate of Secrets Manager in eu-west-1 is not trusted",
            "the endpoint is https://127.0.0.1:",
            "SSL_CERT_FILE names a file with other authorities",
        ],
    );
    assert!(!report.contains("tries"), "{report}");
}

#[test]
fn where_the_system_has_no_authorities_mozillas_are_trusted() {
    // It gets as far as the certificate, which is not signed by one of them.
    let test = asking().env("SSL_CERT_FILE", "/nonexistent");
    fails(
        test,
        &["the certificate of Secrets Manager in eu-west-1 is not trusted"],
    );
}

#[test]
fn an_address_that_speaks_no_tls_is_unreachable() {
    let url = format!("https://{}", Aws::moto().address());
    fails_within(
        project(ONE, &url).env("SSL_CERT_FILE", server().1.certificate()),
        "2s",
        &["A: unreachable: can't reach Secrets Manager in eu-west-1"],
    );
}

#[test]
fn the_bundle_of_the_environment_takes_the_place_of_the_systems_authorities() {
    let authority = server().1.certificate();
    let absent = "A: absent: no secret `over/tls` in eu-west-1";
    fails(asking().env("AWS_CA_BUNDLE", &authority), &[absent]);
    let other = Certificate::for_server();
    fails(
        asking()
            .env("SSL_CERT_FILE", &authority)
            .env("AWS_CA_BUNDLE", other.certificate()),
        &["A: unreachable: "],
    );
    let wrong = |path: &str, what: &str| {
        let test = asking().file("empty.pem", "x").env("AWS_CA_BUNDLE", path);
        fails(
            test,
            &[&format!(
                "A: malformed: `{path}`, which AWS_CA_BUNDLE names, {what}"
            )],
        );
    };
    wrong("missing.pem", "can't be read");
    wrong("empty.pem", "holds no PEM certificate");
}

//! Connections that are encrypted: whom endow trusts, and what it says of others.

use std::sync::OnceLock;

use super::{fails, fails_within};
use crate::harness::{
    Test,
    aws::{Aws, project},
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
    project(ONE, &format!("https://{}", server().0.address()))
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

//! Addresses that credentials are sent to: those that the caller's own environment names are free.

use super::{goes_on, is_refused};
use crate::harness::Test;

/// A manifest whose `vault` has this setting.
fn vault(setting: &str) -> Test {
    Test::manifest(&format!(
        "version: 1\nenv: {{ A: vault://secret/chat#a }}\nbackends:\n  vault: {{ {setting} }}\n"
    ))
}

#[test]
fn an_address_of_the_ecosystems_own_variable_is_free_and_another_is_not() {
    let own = [
        "VAULT_ADDR",
        "BAO_ADDR",
        "VAULT_AGENT_ADDR",
        "BAO_AGENT_ADDR",
    ];
    for name in own {
        let test = |address: &str| {
            vault(&format!("address: \"{address}\"")).env(name, "https://vault.acme.dev:8200/v1")
        };
        goes_on(&test("https://vault.acme.dev:8200"));
        goes_on(&test("HTTPS://Vault.Acme.Dev:8200/other"));
        for other in [
            "https://vault.acme.dev",
            "http://vault.acme.dev:8200",
            "https://vault.acme.dev:8201",
            "https://vault.acme.dev.evil.example:8200",
            "https://vault.acme.dev:8200@evil.example",
            "https://evil.example/https://vault.acme.dev:8200",
            "https://evil.example\\\\@vault.acme.dev:8200",
            "vault.acme.dev:8200",
        ] {
            is_refused(&test(other));
        }
    }
    is_refused(&vault("address: https://v").env("OP_CONNECT_HOST", "https://v"));
}

#[test]
fn the_addresses_of_other_backends_have_their_own_variables() {
    let test = |reference: &str, backend: &str| {
        Test::manifest(&format!(
            "version: 1\nenv: {{ A: \"{reference}\" }}\nbackends: {{ {backend} }}\n"
        ))
    };
    let sm = || {
        test(
            "aws-sm://a#a",
            "aws-sm: { endpoint_url: http://localhost:4566 }",
        )
    };
    goes_on(&sm().env("AWS_ENDPOINT_URL", "http://localhost:4566/"));
    goes_on(&sm().env("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://localhost:4566"));
    is_refused(&sm().env("AWS_ENDPOINT_URL_SSM", "http://localhost:4566"));
    let ssm = || {
        test(
            "aws-ssm:///a",
            "aws-ssm: { endpoint_url: http://localhost:4566 }",
        )
    };
    goes_on(&ssm().env("AWS_ENDPOINT_URL_SSM", "http://localhost:4566"));
    let op = || {
        test(
            "op://a/b/c",
            "op: { connect_host: https://connect.acme.dev }",
        )
    };
    goes_on(&op().env("OP_CONNECT_HOST", "https://connect.acme.dev:443"));
    is_refused(&op().env("VAULT_ADDR", "https://connect.acme.dev"));
}

#[test]
fn an_address_from_the_ecosystems_own_variable_is_free_and_from_another_is_not() {
    goes_on(&vault("address: { from: env://VAULT_ADDR }"));
    goes_on(&vault("address: { from: env://BAO_ADDR }").env("BAO_ADDR", "https://v"));
    for other in [
        "env://OTHER",
        "dotenv://.env#VAULT_ADDR",
        "file://VAULT_ADDR",
        "op://a/b/c",
    ] {
        is_refused(&vault(&format!("address: {{ from: \"{other}\" }}")).env("OTHER", "https://v"));
    }
    is_refused(&vault("proxy: { from: env://VAULT_ADDR }"));
    is_refused(&vault("tls_skip_verify: { from: env://VAULT_SKIP_VERIFY }"));
}

#[test]
fn a_scheme_that_was_given_another_type_is_not_the_environment() {
    for (kind, reference) in [
        ("dotenv", "env://VAULT_ADDR#X"),
        ("file", "env://VAULT_ADDR"),
    ] {
        let test = Test::manifest(&format!(
            "version: 1\nenv: {{ A: vault://secret/chat#a }}\nbackends:\n  vault: {{ address: {{ from: \"{reference}\" }} }}\n  env: {{ type: {kind} }}\n"
        ));
        is_refused(&test);
    }
}

#[test]
fn only_a_flag_is_free_for_being_false() {
    goes_on(&vault("tls_skip_verify: false"));
    // A file of the repository, and a host.
    for setting in ["ca_cert: \"false\"", "ca_path: false", "proxy: false"] {
        is_refused(&vault(setting));
    }
}

//! TLS: whom endow trusts, as whom it connects, and what it says where that fails.

use std::{collections::BTreeSet, fs, sync::OnceLock};

use super::{fails, fails_at_once, fails_within};
use crate::harness::{
    Test,
    keys::Certificate,
    openbao::{OpenBao, unique},
    proxy, repository, tls,
};

/// A token of the TLS server that may read `secret/tls`, whose field `a` is `value-over-tls`.
pub(crate) fn token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let server = OpenBao::tls();
        server.bao(&["kv", "put", "secret/tls", "a=value-over-tls"]);
        server.policy_by_file("tls", "path \"secret/*\" { capabilities = [\"read\"] }");
        server.bao(&["token", "create", "-policy=tls", "-field=token"])
    })
}

fn test(settings: &str) -> Test {
    let manifest = format!("version: 1\n{settings}env: {{ A: vault://secret/tls#a }}\n");
    Test::new()
        .file("named.yaml", manifest)
        .env_path("ENDOW_FILE", "named.yaml")
        .env("VAULT_ADDR", OpenBao::tls().url())
        .env("VAULT_TOKEN", token())
        .known(token())
}

#[track_caller]
fn works(test: Test) {
    test.shell("echo $A").stdout("value-over-tls\n").success();
}

pub(crate) fn authority() -> String {
    OpenBao::tls().authority().display().to_string()
}

fn authority_text() -> String {
    fs::read_to_string(OpenBao::tls().authority()).expect("a certificate")
}

/// Another authority, which signed nothing.
fn stranger() -> (Certificate, String) {
    let certificate = Certificate::for_client("stranger");
    let path = certificate.certificate().display().to_string();
    (certificate, path)
}

#[test]
fn an_authority_is_a_file_a_directory_or_a_text() {
    works(test("").env("VAULT_CACERT", authority()));
    works(
        test("")
            .env("BAO_CACERT", authority())
            .env("VAULT_CACERT", "/none"),
    );
    works(test("").env("VAULT_CACERT_BYTES", authority_text()));
    let in_directory = || {
        test("")
            .file("authorities/1a2b3c4d.0", authority_text())
            .file("authorities/README", "no certificate")
    };
    works(in_directory().env("VAULT_CAPATH", "authorities"));
    works(test(&format!(
        "backends: {{ vault: {{ ca_cert: {} }} }}\n",
        authority()
    )));
    let settings = "backends: { vault: { ca_path: authorities } }\n";
    works(test(settings).file("authorities/one.pem", authority_text()));
    let settings = "backends: { vault: { ca_bytes: { from: env://OUR_CA } } }\n";
    works(test(settings).env("OUR_CA", authority_text()));
}

#[test]
fn a_file_comes_before_a_text_and_a_text_before_a_directory() {
    let (_certificate, other) = stranger();
    let other_text = fs::read_to_string(&other).expect("a certificate");
    works(
        test("")
            .env("VAULT_CACERT", authority())
            .env("VAULT_CACERT_BYTES", &other_text),
    );
    let directory = test("").file("authorities/one.pem", &other_text);
    works(
        directory
            .env("VAULT_CACERT_BYTES", authority_text())
            .env("VAULT_CAPATH", "authorities"),
    );
}

#[test]
fn a_setting_comes_before_a_variable() {
    let settings = format!("backends: {{ vault: {{ ca_cert: {} }} }}\n", authority());
    works(test(&settings).env("VAULT_CACERT", "/none"));
}

#[test]
fn the_systems_authorities_are_trusted() {
    works(test("").env("SSL_CERT_FILE", authority()));
    works(
        test("")
            .file("authorities/one.pem", authority_text())
            .env("SSL_CERT_FILE", authority()),
    );
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_at_once() {
    let (_certificate, other) = stranger();
    for test in [
        test(""),
        test("").env("VAULT_CACERT", &other),
        test("").env("SSL_CERT_FILE", &other),
    ] {
        // A certificate does not become right by waiting.
        fails_at_once(test, &["A: unreachable: ", "certificate", "127.0.0.1"]);
    }
}

#[test]
fn an_authority_that_is_not_there_or_no_certificate_is_named() {
    fails(
        test("").env("VAULT_CACERT", "/none/ca.pem"),
        &["A: malformed: ", "`/none/ca.pem`"],
    );
    let garbage = test("").file("ca.pem", "no certificate");
    fails(
        garbage.env("VAULT_CACERT", "ca.pem"),
        &["A: malformed: ", "ca.pem"],
    );
    fails(
        test("").env("VAULT_CAPATH", "/none/authorities"),
        &["A: malformed: ", "/none/authorities"],
    );
}

#[test]
fn where_the_system_has_no_authorities_http_works_and_tls_says_what_is_wrong() {
    let empty = |test: Test| {
        test.env("SSL_CERT_FILE", "/none/ca.pem")
            .env("SSL_CERT_DIR", "/none/authorities")
    };
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &serde_json::json!({ "a": "value-of-a" }));
    let plain = super::project(
        &format!("version: 1\nenv: {{ A: vault://{mount}/chat#a }}\n"),
        &OpenBao::shared().url(),
        &super::reader(&root, &mount),
    );
    empty(plain)
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    works(empty(test("")).env("VAULT_CACERT", authority()));
    fails(empty(test("")), &["A: unreachable: ", "certificate"]);
}

#[test]
fn the_name_of_the_certificate_is_checked_and_can_be_another() {
    let trusted = || test("").env("VAULT_CACERT", authority());
    works(trusted().env("VAULT_TLS_SERVER_NAME", "localhost"));
    works(
        trusted()
            .env("BAO_TLS_SERVER_NAME", "localhost")
            .env("VAULT_TLS_SERVER_NAME", "x.dev"),
    );
    fails(
        trusted().env("VAULT_TLS_SERVER_NAME", "vault.acme.dev"),
        &[
            "A: unreachable: ",
            "its certificate is not for the name `vault.acme.dev`",
        ],
    );
    works(test(&format!(
        "backends: {{ vault: {{ tls_server_name: localhost, ca_cert: {} }} }}\n",
        authority()
    )));
}

#[test]
fn verification_can_be_switched_off() {
    let warns = |test: Test| {
        let output = test
            .shell("echo $A")
            .stdout("value-over-tls\n")
            .any_stderr()
            .success();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains(": its certificate is not checked\nhint: name the certificate"),
            "{said}"
        );
    };
    for word in ["1", "true", "T"] {
        warns(test("").env("VAULT_SKIP_VERIFY", word));
    }
    warns(test("backends: { vault: { tls_skip_verify: true } }\n"));
    fails(test("").env("VAULT_SKIP_VERIFY", "false"), &["certificate"]);
    fails(
        test("").env("VAULT_SKIP_VERIFY", "perhaps"),
        &["VAULT_SKIP_VERIFY"],
    );
}

#[test]
fn a_client_certificate_signs_in() {
    let server = OpenBao::tls();
    let _ = token();
    let client = Certificate::for_client("web.chat");
    let mount = unique("cert");
    server.bao(&["auth", "enable", &format!("-path={mount}"), "cert"]);
    let certificate = format!("certificate=@{}", client.certificate().display());
    for role in ["web", "other"] {
        let policy = if role == "web" {
            "policies=tls"
        } else {
            "policies=default"
        };
        server.bao(&[
            "write",
            &format!("auth/{mount}/certs/{role}"),
            &certificate,
            policy,
        ]);
    }
    let auth = format!(
        "backends: {{ vault: {{ auth: {{ method: cert, mount: {mount}, name: web }}, client_cert: {}, client_key: {} }} }}\n",
        client.certificate().display(),
        client.key().display()
    );
    works(test(&auth).env("VAULT_CACERT", authority()));
    let auth = format!(
        "backends: {{ vault: {{ auth: {{ method: cert, mount: {mount}, name: web }} }} }}\n"
    );
    let by_variables = || test(&auth).env("VAULT_CACERT", authority());
    works(
        by_variables()
            .env("VAULT_CLIENT_CERT", client.certificate())
            .env("VAULT_CLIENT_KEY", client.key()),
    );
    let key = fs::read_to_string(client.key()).expect("a key");
    works(
        by_variables()
            .env("BAO_CLIENT_CERT_BYTES", client.pem())
            .env("BAO_CLIENT_KEY_BYTES", &key)
            .known(key),
    );
    let other = Certificate::for_client("web.chat");
    fails(
        by_variables()
            .env("VAULT_CLIENT_CERT", other.certificate())
            .env("VAULT_CLIENT_KEY", other.key()),
        &["A: unauthenticated: "],
    );
    fails(
        by_variables().env("VAULT_CLIENT_CERT", client.certificate()),
        &["A: malformed: ", "key"],
    );
    fails(by_variables(), &["A: ", "client_cert"]);
}

#[test]
fn tls_goes_through_the_tunnel_of_a_proxy() {
    let forward = proxy::forward();
    let address = proxy::elsewhere(&OpenBao::tls().url());
    // Its certificate has other names: the handshake through the tunnel says so.
    fails(
        test("")
            .env("VAULT_ADDR", &address)
            .env("VAULT_CACERT", authority())
            .env("VAULT_HTTP_PROXY", forward.url()),
        &[
            "through the proxy ",
            "its certificate is not for the name `server.test`",
        ],
    );
    works(
        test("backends: { vault: { tls_skip_verify: true } }\n")
            .env("VAULT_ADDR", &address)
            .env("VAULT_HTTP_PROXY", forward.url())
            .any_stderr(),
    );
    let target = address.strip_prefix("https://").expect("an address");
    assert_eq!(forward.lines()[0], format!("CONNECT {target}"));
    for request in forward.requests() {
        assert_eq!(request.header("x-vault-token"), None);
    }
}

#[test]
fn http_to_a_tls_port_and_tls_to_an_http_port_say_so() {
    let server = OpenBao::tls();
    fails_within(
        test("").env("VAULT_ADDR", format!("http://{}", server.address())),
        3,
        &["A: ", "https://"],
    );
    fails_within(
        test("").env(
            "VAULT_ADDR",
            format!("https://{}", OpenBao::shared().address()),
        ),
        3,
        &["A: unreachable: ", "TLS"],
    );
}

#[test]
fn a_redirect_to_a_weaker_scheme_is_refused() {
    // The scheme is what counts: a server that speaks TLS sends on to one that does not.
    let weaker = crate::harness::faults::start(|_, _| Vec::new());
    let target = weaker.url();
    let server = tls::Server::start(&target);
    let test = test("")
        .env("VAULT_ADDR", server.url())
        .env("VAULT_CACERT", server.authority());
    fails(test, &["A: ", "redirects to an address without TLS"]);
    assert_eq!(weaker.connections(), 0);
}

#[test]
fn there_is_one_tls_stack_with_one_crypto_provider() {
    // The lock file has what other systems need as well.
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges=normal,build",
            "--prefix=none",
        ])
        .args(["--format={p}"])
        .current_dir(repository())
        .output()
        .expect("cargo starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let tree = String::from_utf8(output.stdout).expect("text");
    let packages: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    let versions = |name: &str| {
        let prefix = format!("{name} ");
        packages
            .iter()
            .filter(|package| package.starts_with(&prefix))
            .count()
    };
    for name in ["rustls", "hyper", "http", "reqwest", "aws-lc-rs"] {
        assert_eq!(versions(name), 1, "{name}");
    }
    for name in ["ring", "native-tls", "openssl-sys", "boring"] {
        assert_eq!(versions(name), 0, "{name}");
    }
}

/// A server with this certificate in front of the real one, and a file that names both of theirs.
fn in_front(certificate: Certificate) -> (tls::Server, Test) {
    let both = format!("{}{}", certificate.pem(), authority_text());
    let server = tls::Server::start_with(certificate, &OpenBao::tls().url());
    let test = test("")
        .env("VAULT_ADDR", server.url())
        .file("both.pem", both)
        .env_path("VAULT_CACERT", "both.pem");
    (server, test)
}

#[test]
fn a_self_signed_certificate_that_is_itself_named_is_trusted_for_its_own_names() {
    // It is trusted, and says where to go: nothing is sent there.
    for certificate in [Certificate::of_authority(), Certificate::for_server()] {
        let (_server, test) = in_front(certificate);
        let output = test.run(["true"]).any_stderr().status(125);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("it redirects to another server"), "{said}");
    }
    let (_server, test) = in_front(Certificate::of_elsewhere());
    let output = test.run(["true"]).any_stderr().status(125);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("its certificate is not for the name `127.0.0.1`"),
        "{said}"
    );
}

#[test]
fn of_a_self_signed_certificate_that_is_not_named_it_is_said_what_is_wrong_and_how_it_is_mended() {
    let server = tls::Server::start_with(Certificate::of_authority(), "http://127.0.0.1:1");
    let output = test("")
        .env("VAULT_ADDR", server.url())
        .env("VAULT_CACERT", authority())
        .run(["true"])
        .any_stderr()
        .status(125);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in [
        "it shows the certificate of an authority (CA:TRUE) as its own",
        "basicConstraints=critical,CA:FALSE",
        "`VAULT_CACERT`, or `ca_cert` under `backends`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("CaUsedAsEndEntity"), "{said}");
}

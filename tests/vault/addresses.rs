//! Where the server is: settings and the official clients' variables, in their order.

use serde_json::json;

use super::{fails, fails_within, project, reader};
use crate::harness::{Test, faults, guarded::free_port, openbao::OpenBao, proxy};

/// A run that prints a secret of the shared server; the test says where the server is.
struct Case {
    mount: String,
    token: String,
}

impl Case {
    fn new() -> Self {
        let root = OpenBao::shared().root();
        let mount = root.kv(2);
        root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
        let token = reader(&root, &mount);
        Self { mount, token }
    }

    fn test(&self, settings: &str) -> Test {
        let manifest = format!(
            "version: 1\n{settings}env: {{ A: vault://{}/chat#a }}\n",
            self.mount
        );
        Test::new()
            .file("named.yaml", manifest)
            .env("ENDOW_FILE", "named.yaml")
            .env("VAULT_TOKEN", &self.token)
            .known(&self.token)
    }
}

#[track_caller]
fn works(test: Test) {
    test.shell("echo $A").stdout("value-of-a\n").success();
}

/// An address where nobody is.
fn nowhere() -> String {
    format!("http://127.0.0.1:{}", free_port())
}

#[test]
fn the_setting_wins_then_the_agents_variable_then_the_servers_openbaos_first() {
    let case = Case::new();
    let here = OpenBao::shared().url();
    let settings = format!("backends: {{ vault: {{ address: \"{here}\" }} }}\n");
    works(
        case.test(&settings)
            .env("VAULT_AGENT_ADDR", nowhere())
            .env("BAO_ADDR", nowhere()),
    );
    works(
        case.test("")
            .env("VAULT_AGENT_ADDR", &here)
            .env("BAO_ADDR", nowhere())
            .env("VAULT_ADDR", nowhere()),
    );
    works(
        case.test("")
            .env("BAO_ADDR", &here)
            .env("VAULT_ADDR", nowhere()),
    );
    works(case.test("").env("VAULT_ADDR", &here));
}

#[test]
fn a_setting_may_come_from_a_reference() {
    let case = Case::new();
    let settings = "backends: { vault: { address: { from: file://address } } }\n";
    works(
        case.test(settings)
            .file("address", format!("{}\n", OpenBao::shared().url())),
    );
}

#[test]
fn an_address_with_a_path_is_a_prefix_of_every_request() {
    let case = Case::new();
    let gateway = proxy::below("/team/vault", &OpenBao::shared().address());
    for end in ["/team/vault", "/team/vault/"] {
        works(
            case.test("")
                .env("VAULT_ADDR", format!("{}{end}", gateway.url())),
        );
    }
    let lines = gateway.lines();
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("GET /team/vault/v1/")),
        "{lines:?}"
    );
}

#[test]
fn a_unix_socket_is_an_address() {
    let case = Case::new();
    let address = format!("unix://{}", OpenBao::shared().socket().display());
    works(case.test("").env("VAULT_ADDR", &address));
    let settings = format!("backends: {{ vault: {{ address: \"{address}\" }} }}\n");
    works(case.test(&settings));
    fails_within(
        case.test("").env("VAULT_ADDR", "unix:///none/socket"),
        1,
        &["A: unreachable: ", "/none/socket"],
    );
}

#[test]
fn an_address_that_is_none_is_refused() {
    let case = Case::new();
    for address in [
        "127.0.0.1:8200",
        "vault.acme.dev",
        "ftp://vault.acme.dev",
        "http://",
        "https://user:hunter2hunter2@h",
    ] {
        fails(
            case.test("")
                .env("VAULT_ADDR", address)
                .known("hunter2hunter2"),
            &["A: malformed: "],
        );
    }
}

#[test]
fn a_proxy_is_a_setting_or_a_variable() {
    let case = Case::new();
    let address = OpenBao::shared().url();
    let through = |prepare: &dyn Fn(Test, &str) -> Test, settings: &dyn Fn(&str) -> String| {
        let forward = proxy::forward();
        let test = case
            .test(&settings(&forward.url()))
            .env("VAULT_ADDR", &address);
        works(prepare(test, &forward.url()));
        let lines = forward.lines();
        assert!(!lines.is_empty());
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with(&format!("GET {address}/v1/"))),
            "{lines:?}"
        );
    };
    let none = |_: &str| String::new();
    through(&|test, _| test, &|url| {
        format!("backends: {{ vault: {{ proxy: \"{url}\" }} }}\n")
    });
    through(&|test, url| test.env("VAULT_HTTP_PROXY", url), &none);
    through(
        &|test, url| {
            test.env("VAULT_PROXY_ADDR", url)
                .env("VAULT_HTTP_PROXY", "http://127.0.0.1:1")
        },
        &none,
    );
    through(&|test, url| test.env("BAO_HTTP_PROXY", url), &none);
    through(&|test, url| test.env("http_proxy", url), &none);
}

#[test]
fn no_proxy_is_kept() {
    let case = Case::new();
    let forward = proxy::forward();
    works(
        case.test("")
            .env("VAULT_ADDR", OpenBao::shared().url())
            .env("http_proxy", forward.url())
            .env("no_proxy", "127.0.0.1"),
    );
    assert_eq!(forward.connections(), 0);
}

#[test]
fn headers_for_a_proxy_in_front_are_sent() {
    let case = Case::new();
    let counted = proxy::to(&OpenBao::shared().address());
    works(
        case.test("")
            .env("VAULT_ADDR", counted.url())
            .env("VAULT_HEADERS", "{\"X-Gateway-Key\":\"gateway-key-value\"}")
            .known("gateway-key-value"),
    );
    for request in counted.requests() {
        assert_eq!(request.header("x-gateway-key"), Some("gateway-key-value"));
    }
}

#[test]
fn a_namespace_is_a_setting_or_a_variable() {
    let outer = OpenBao::shared().root().new_namespace();
    let inner = outer.new_namespace();
    for space in [&outer, &inner] {
        for version in [1, 2] {
            let mount = space.kv(version);
            let data = json!({ "a": "value-of-a" });
            space.write(version, &mount, "chat", &data);
            let case = Case {
                token: reader(space, &mount),
                mount,
            };
            let here = |settings: &str| {
                case.test(settings)
                    .env("VAULT_ADDR", OpenBao::shared().url())
            };
            let name = space.namespace();
            works(
                here(&format!("backends: {{ vault: {{ namespace: {name} }} }}\n"))
                    .env("VAULT_NAMESPACE", "none"),
            );
            works(here("").env("VAULT_NAMESPACE", name));
            works(here("").env("VAULT_NAMESPACE", format!("/{name}/")));
            works(
                here("")
                    .env("BAO_NAMESPACE", name)
                    .env("VAULT_NAMESPACE", "none"),
            );
        }
    }
}

#[test]
fn a_namespace_that_does_not_exist_is_named() {
    let case = Case::new();
    let test = case.test("").env("VAULT_ADDR", OpenBao::shared().url());
    fails(
        test.env("VAULT_NAMESPACE", "no-such-space"),
        &["A: ", "namespace", "`no-such-space`"],
    );
}

#[test]
fn an_address_in_a_manifest_that_was_found_gets_no_request_before_it_is_trusted() {
    let server = faults::start(|_, _| Vec::new());
    let manifest = format!(
        "version: 1\nbackends: {{ vault: {{ address: \"{}\" }} }}\nenv: {{ A: vault://secret/chat#a }}\n",
        server.url()
    );
    fails(
        project(
            &manifest,
            &OpenBao::shared().url(),
            "hvs.the-users-own-token",
        ),
        &["endow trust"],
    );
    assert_eq!(server.connections(), 0);
}

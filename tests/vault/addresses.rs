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
            .env_path("ENDOW_FILE", "named.yaml")
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
    let address = proxy::elsewhere(&OpenBao::shared().url());
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
    let address = proxy::elsewhere(&OpenBao::shared().url());
    let forward = proxy::forward();
    let port = address.rsplit(':').next().expect("a port");
    for exceptions in [
        "*",
        "server.test",
        ".test",
        &format!("a.example, test:{port}"),
    ] {
        let test = case
            .test("")
            .env("VAULT_ADDR", &address)
            .env("http_proxy", forward.url())
            .env("no_proxy", exceptions)
            .flags(["--timeout", "300ms"]);
        fails(
            test,
            &["server.test:", "the host's name could not be resolved"],
        );
    }
    assert_eq!(forward.lines(), [""; 0]);
}

/// An agent of Vault, a sidecar: its token would be readable on the way.
#[test]
fn what_is_on_this_machine_is_asked_through_no_proxy() {
    let case = Case::new();
    let forward = proxy::forward();
    let proxied = [
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "VAULT_PROXY_ADDR",
        "VAULT_HTTP_PROXY",
        "BAO_PROXY_ADDR",
    ];
    for name in proxied {
        for host in ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"] {
            let address = OpenBao::shared().url().replace("127.0.0.1", host);
            works(
                case.test("")
                    .env("VAULT_ADDR", address)
                    .env(name, forward.url()),
            );
        }
    }
    assert_eq!(forward.lines(), [""; 0]);
    let settings = format!(
        "backends: {{ vault: {{ proxy: \"{}\" }} }}\n",
        forward.url()
    );
    fails(
        case.test(&settings)
            .env("VAULT_ADDR", OpenBao::shared().url()),
        &[
            "A: malformed: `proxy` is set, and the server is on this machine",
            "take `proxy` out",
        ],
    );
}

#[test]
fn a_proxy_on_the_way_is_named_without_its_credentials() {
    let case = Case::new();
    let password = "hunter2hunter2";
    let refuses = faults::start(|_, _| faults::reply(407, &[], ""));
    let place = refuses.address();
    for (scheme, proxy, texts) in [
        ("http", "127.0.0.1:1", ["127.0.0.1:1", "connection refused"]),
        (
            "https",
            "127.0.0.1:1",
            ["127.0.0.1:1", "connection refused"],
        ),
        ("https", &place, [&place, ""]),
        ("http", &place, [&place, "407"]),
    ] {
        let test = case
            .test("")
            .env("VAULT_ADDR", format!("{scheme}://server.test:8200"))
            .env("HTTP_PROXY", format!("http://someone:{password}@{proxy}"))
            .env("HTTPS_PROXY", format!("http://someone:{password}@{proxy}"))
            .env("ENDOW_LOG", "trace")
            .flags(["--timeout", "300ms"])
            .known(password);
        let variable = if scheme == "http" {
            "HTTP_PROXY"
        } else {
            "HTTPS_PROXY"
        };
        let through = format!(
            "server.test:8200 through the proxy {} of {variable}: ",
            texts[0]
        );
        fails(test, &[&through, texts[1]]);
    }
    let socks = case
        .test("")
        .env("VAULT_ADDR", "https://server.test:8200")
        .env(
            "ALL_PROXY",
            format!("socks5://someone:{password}@127.0.0.1:1"),
        )
        .known(password);
    fails(
        socks,
        &["through the proxy of ALL_PROXY: a proxy is an `http://` or `https://` URL"],
    );
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

/// URL types drop tab, CR and LF, so that `.%0a.` would be `..` on the wire.
#[test]
fn no_control_character_and_no_dot_segment_reaches_a_server() {
    let server = faults::start(|_, _| faults::reply(200, &[], "{}"));
    let segments = [
        ".%0a.", "%0d", "..%09", "a%00b", "%7f", "%c2%85", "%2e%2e", ".", "..", "a%0a",
    ];
    for segment in segments {
        for reference in [
            format!("vault://secret/{segment}/sys/mounts#a"),
            format!("vault://{segment}/chat#a"),
            format!("op://AI Team/{segment}/a"),
            format!("aws-sm://{segment}"),
            format!("aws-ssm:///a/{segment}/b"),
        ] {
            // 1Password's references have no escapes.
            if reference.starts_with("op:")
                || reference.starts_with("aws") && segment.contains("..")
            {
                continue;
            }
            if reference.starts_with("aws") && ["%2e%2e", "."].contains(&segment) {
                continue;
            }
            let output = Test::manifest(&format!("version: 1\nenv: {{ A: \"{reference}\" }}\n"))
                .env("VAULT_ADDR", server.url())
                .env("VAULT_TOKEN", "hvs.any")
                .env("AWS_ENDPOINT_URL", server.url())
                .env("AWS_REGION", "eu-west-1")
                .env("AWS_ACCESS_KEY_ID", "any")
                .env("AWS_SECRET_ACCESS_KEY", "any")
                .run(["true"])
                .any_stderr()
                .status(125);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(
                stderr.contains(" --> secretfile.yaml:2:"),
                "{reference}: {stderr}"
            );
        }
    }
    for (setting, text) in [
        ("namespace", "a\\nb"),
        (
            "auth: { method: userpass, username: u, password: { from: env://P }, mount",
            "a/../../sys",
        ),
        (
            "auth: { method: userpass, username: u, password: { from: env://P }, mount",
            ".\\n./x",
        ),
        (
            "auth: { method: userpass, password: { from: env://P }, username",
            ".\\n.",
        ),
    ] {
        let end = if setting.starts_with("auth") {
            " }"
        } else {
            ""
        };
        let test = Test::manifest(&format!(
            "version: 1\nbackends: {{ vault: {{ {setting}: \"{text}\"{end} }} }}\nenv: {{ A: vault://secret/chat#a }}\n"
        ));
        test.env("VAULT_ADDR", server.url())
            .env("VAULT_TOKEN", "hvs.any")
            .env("P", "password-of-u")
            .run(["true"])
            .any_stderr()
            .status(125);
    }
    assert_eq!(server.lines(), [""; 0]);
}

#[test]
fn an_answer_with_a_key_twice_is_malformed() {
    for body in [
        r#"{"data":{"data":{"a":"one","a":"two"},"metadata":{"version":1}}}"#,
        r#"{"data":{"data":{"a":"one"},"metadata":{"version":1}},"data":{"data":{"a":"two"},"metadata":{}}}"#,
        r#"{"data":{"data":{"a":"one"},"data":{"a":"two"},"metadata":{"version":1}}}"#,
    ] {
        let server = faults::start(move |request, _| {
            if request.target.contains("/sys/") {
                return faults::reply(
                    200,
                    &[],
                    r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#,
                );
            }
            faults::reply(200, &[], body)
        });
        let manifest = "version: 1\nenv: { A: vault://secret/chat#a }\n";
        fails(
            project(manifest, &server.url(), "hvs.any"),
            &["A: malformed: ", "a key stands twice"],
        );
    }
}

//! Variables that a program reads together come together, and credentials among them stay out.

use super::shown;
use crate::harness::Test;

fn with(pairs: &[(&str, &str)]) -> Test {
    let test = Test::manifest("version: 1\nvalues: { A: a }\n");
    pairs
        .iter()
        .fold(test, |test, (name, value)| test.env(name, value))
}

fn passed(pairs: &[(&str, &str)]) -> Vec<String> {
    let shown = shown(with(pairs));
    let of_test = |entry: &String| {
        pairs
            .iter()
            .any(|(name, value)| *entry == format!("{name}={value}"))
    };
    shown.into_iter().filter(of_test).collect()
}

#[test]
fn the_settings_of_npm_and_pnpm_come_without_their_credentials() {
    let all = [
        ("NPM_CONFIG_REGISTRY", "https://npm.acme.dev/"),
        ("PNPM_HOME", "/p"),
        ("npm_config_registry", "https://npm.acme.dev/"),
        ("npm_lifecycle_event", "dev"),
        ("npm_package_name", "chat"),
    ];
    assert_eq!(passed(&all).len(), all.len());
    let none = [
        ("NPM_CONFIG__AUTH", "dXNlcjpwYXNz"),
        ("npm_config_//npm.acme.dev/:_authToken", "npm-token"),
        ("npm_config__auth", "dXNlcjpwYXNz"),
        (
            "npm_config_https_proxy",
            "http://dana:pass@proxy.acme.dev:3128",
        ),
        ("npm_config_registry", "https://dana:pass@npm.acme.dev/"),
        ("pnpm_config_registry", "https://npm.acme.dev/"),
    ];
    assert_eq!(passed(&none), Vec::<String>::new());
    let host = [("npm_config_registry", "https://npm.acme.dev/@acme/chat")];
    assert_eq!(passed(&host).len(), 1, "an `@` behind the host is no user");
}

#[test]
fn docker_has_its_tls_with_its_host() {
    let all = [
        ("DOCKER_CERT_PATH", "/certs"),
        ("DOCKER_CONFIG", "/config"),
        ("DOCKER_CONTEXT", "c"),
        ("DOCKER_HOST", "tcp://127.0.0.1:2376"),
        ("DOCKER_TLS_VERIFY", "1"),
    ];
    assert_eq!(passed(&all).len(), all.len());
}

#[test]
fn check_warns_where_the_command_has_a_part_of_dockers_variables() {
    let check = |manifest: &str| {
        Test::manifest(manifest)
            .env("DOCKER_HOST", "tcp://127.0.0.1:2376")
            .env("DOCKER_TLS_VERIFY", "1")
            .any_stdout()
            .args(["check"])
    };
    let hint = "hint: declare all of them, or take all of them out: `inherit: [-DOCKER_*]`";
    let said = |manifest: &str| {
        let output = check(manifest).success();
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let page = said("version: 1\ninherit: [-DOCKER_TLS_VERIFY]\nvalues: { A: a }\n");
    assert!(page.contains("the command inherits `DOCKER_HOST` but not `DOCKER_TLS_VERIFY`, which Docker reads together"), "{page}");
    assert!(page.contains(hint), "{page}");
    for whole in ["", "inherit: ['-DOCKER_*']\n", "inherit: none\n"] {
        let page = said(&format!("version: 1\n{whole}values: {{ A: a }}\n"));
        assert!(!page.contains("Docker"), "{whole}: {page}");
    }
}

#[test]
fn with_v_the_names_that_are_left_out_are_said_and_no_value() {
    let output = with(&[("GITHUB_TOKEN", "value-of-token"), ("SHLVL", "3")])
        .args(["-v", "run", "--", "true"])
        .known("value-of-token")
        .any_stderr()
        .success();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("not passed on to the command names=GITHUB_TOKEN, SHLVL"),
        "{said}"
    );
}

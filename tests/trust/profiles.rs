//! Trust is the merged meaning of each profile: what moves between layers is a change.

use std::{fs, io::Write};

use super::{endow, is_refused, trust};
use crate::harness::{Test, http::Response, listener::Listener};

/// A server that answers every request with a secret.
fn server() -> Listener {
    Listener::start(|_, stream| {
        let body = br#"{"data":{"a":"value-of-a"}}"#.to_vec();
        let response = Response {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body,
        };
        stream.write_all(&response.to_bytes())?;
        Ok(true)
    })
}

/// What profile `prod` asks for is refused, and nobody is asked.
#[track_caller]
fn is_refused_in_prod(test: &Test, servers: &[&Listener]) {
    let before: Vec<usize> = servers.iter().map(|server| server.connections()).collect();
    let output = endow(test, &["check", "-p", "prod"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("has changed since it was trusted:"),
        "{stderr}"
    );
    let after: Vec<usize> = servers.iter().map(|server| server.connections()).collect();
    assert_eq!(before, after, "a server was asked");
}

fn rewrite(test: &Test, manifest: &str) {
    fs::write(test.path("secretfile.yaml"), manifest).expect("the manifest");
}

#[test]
fn two_profiles_that_exchange_their_addresses_ask_again_and_no_token_goes_to_the_other_server() {
    let (dev, prod) = (server(), server());
    let manifest = |dev: &Listener, prod: &Listener| {
        let profile = |name: &str, server: &Listener| {
            format!(
                "  {name}: {{ backends: {{ vault: {{ address: \"{}\", auth: {{ token: {{ from: env://{}_TOKEN }} }} }} }} }}\n",
                server.url(),
                name.to_uppercase(),
            )
        };
        format!(
            "version: 1\ndefault_profile: dev\nenv: {{ A: \"vault://secret/chat#a\" }}\nprofiles:\n{}{}",
            profile("dev", dev),
            profile("prod", prod),
        )
    };
    let test = Test::manifest(&manifest(&dev, &prod))
        .env("DEV_TOKEN", "the-token-of-dev")
        .env("PROD_TOKEN", "the-token-of-prod")
        .known("the-token-of-prod");
    trust(&test);
    // Trusted, each server is sent its own token.
    endow(&test, &["check", "-p", "prod"]);
    let sent: Vec<_> = prod
        .requests()
        .iter()
        .filter_map(|request| request.header("x-vault-token").map(str::to_owned))
        .collect();
    assert!(
        !sent.is_empty() && sent.iter().all(|token| token == "the-token-of-prod"),
        "{sent:?}"
    );
    rewrite(&test, &manifest(&prod, &dev));
    is_refused_in_prod(&test, &[&dev, &prod]);
}

#[test]
fn an_order_of_extends_that_turns_asks_again() {
    let manifest = |extends: &str| {
        format!(
            "version: 1\ndefault_profile: prod\nvalues: {{ A: a }}\nprofiles:\n  \
             one: {{ backends: {{ vault: {{ address: \"https://one\" }} }} }}\n  \
             two: {{ backends: {{ vault: {{ address: \"https://two\" }} }} }}\n  \
             prod: {{ extends: [{extends}] }}\n"
        )
    };
    let test = Test::manifest(&manifest("one, two"));
    trust(&test);
    rewrite(&test, &manifest("two, one"));
    is_refused_in_prod(&test, &[]);
}

#[test]
fn what_moves_from_a_profile_to_the_top_asks_again_for_the_others() {
    let manifest = |top: &str, dev: &str| {
        format!(
            "version: 1\ndefault_profile: dev\nenv: {{ A: {{ value: a }}{} }}\n{}profiles:\n  \
             dev: {{ {dev} }}\n  \
             prod: {{ backends: {{ vault: {{ address: \"https://prod\" }} }} }}\n",
            if top.starts_with("NODE") {
                format!(", {top}")
            } else {
                String::new()
            },
            if top.starts_with("NODE") {
                String::new()
            } else {
                format!("{top}\n")
            },
        )
    };
    let skip = "backends: { vault: { tls_skip_verify: true } }";
    let node = "NODE_OPTIONS: { value: --require=./x.js }";
    for (setting, of_dev) in [
        (skip, skip.to_owned()),
        (node, format!("env: {{ {node} }}")),
    ] {
        let test = Test::manifest(&manifest("", &of_dev));
        trust(&test);
        rewrite(&test, &manifest(setting, ""));
        is_refused_in_prod(&test, &[]);
    }
}

#[test]
fn a_sign_in_that_changes_or_goes_away_asks_again_before_anything_is_sent() {
    let server = server();
    let manifest = |auth: &str| {
        format!(
            "version: 1\nenv: {{ A: \"vault://secret/chat#a\" }}\nbackends: {{ vault: {{ address: \"{}\"{auth} }} }}\n",
            server.url()
        )
    };
    let test = Test::manifest(&manifest(", auth: { token: { from: env://OUR_TOKEN } }"))
        .file(
            "../.aws/credentials",
            "aws_secret_access_key = value-of-an-admin\n",
        )
        .file("../.vault-token", "hvs.value-of-a-user")
        .env("OUR_TOKEN", "our-token");
    trust(&test);
    for auth in [
        ", auth: { method: jwt, role: r, jwt: { from: file://~/.aws/credentials } }",
        ", auth: { token: { from: env://GITHUB_TOKEN } }",
        "",
    ] {
        rewrite(&test, &manifest(auth));
        is_refused(&test);
    }
    assert_eq!(server.connections(), 0);
    rewrite(
        &test,
        &manifest(", auth: { token: { from: env://OUR_TOKEN } }"),
    );
    endow(&test, &["check"]);
    assert!(server.connections() > 0, "what was trusted is obeyed");
}

#[test]
fn a_file_outside_the_project_is_asked_for_however_it_is_named() {
    for place in [
        "file://~/.aws/credentials",
        "file://../.aws/credentials",
        "dotenv://../.aws/credentials#key",
        "file://link",
        "file://links/credentials",
        "[env://NOT_SET, file://link]",
    ] {
        let test = Test::manifest(&format!("version: 1\nenv: {{ A: {{ from: {place} }} }}\n"))
            .file("../.aws/credentials", "key=value-of-an-admin\n")
            .known("value-of-an-admin");
        std::os::unix::fs::symlink("../.aws/credentials", test.path("link")).unwrap();
        std::os::unix::fs::symlink("../.aws", test.path("links")).unwrap();
        is_refused(&test);
        trust(&test);
        let output = endow(&test, &["get", "A"]);
        assert_eq!(output.status.code(), Some(0), "{place}");
    }
}

#[test]
fn the_names_that_a_trusted_directory_answers_are_free_and_a_way_out_of_it_is_not() {
    let manifest =
        |rest: &str| format!("version: 1\nfrom: file://../mounted\nenv: {{ A: {rest} }}\n");
    let test = Test::manifest(&manifest(""))
        .file("../mounted/A", "value-a")
        .file("../mounted/B", "value-b")
        .file("../other", "value-of-another");
    is_refused(&test);
    trust(&test);
    rewrite(&test, &manifest(", B: "));
    assert_eq!(endow(&test, &["get", "B"]).stdout, b"value-b");
    rewrite(&test, &manifest(", C: { key: ../other }"));
    is_refused(&test);
}

#[test]
fn no_way_out_of_a_mount_of_the_system_is_free() {
    for path in [
        "/run/secrets/../../etc/hostname",
        "/var/run/secrets/a/../../../../etc/hostname",
        "/dev/fd/../../etc/hostname",
        "/given/../etc/hostname",
        "/run/secrets-of-another",
    ] {
        let test = Test::manifest(&format!("version: 1\nenv: {{ A: file://{path} }}\n"));
        is_refused(&test.env("CREDENTIALS_DIRECTORY", "/given"));
    }
}

#[test]
fn the_mounts_of_the_system_are_free() {
    let test = Test::manifest("version: 1\nenv: { A: { value: a }, B: file:///run/secrets/b, C: file:///var/run/secrets/c, D: file:///given/d }\n")
        .env("CREDENTIALS_DIRECTORY", "/given");
    assert_eq!(endow(&test, &["get", "A"]).stdout, b"a");
    is_refused(&test.without_env("CREDENTIALS_DIRECTORY"));
}

//! How many requests a run makes, counted by a proxy in front of the real server.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{project, reader, reads};
use crate::harness::{Test, openbao::OpenBao, proxy};

/// A manifest of `count` variables over these paths, in turn.
fn manifest(settings: &str, paths: &[String], count: usize) -> String {
    let mut text = format!("version: 1\n{settings}env:\n");
    for number in 0..count {
        let path = &paths[number % paths.len()];
        let _ = writeln!(text, "  V{number}: vault://{path}#field{number}");
    }
    text
}

/// Paths of one engine that hold all those fields.
fn paths(mount: &str, paths: usize, count: usize) -> Vec<String> {
    let root = OpenBao::shared().root();
    let fields =
        (0..count).map(|number| (format!("field{number}"), json!(format!("value-{number}"))));
    let data = Value::Object(fields.collect());
    (0..paths)
        .map(|number| {
            root.put(mount, &format!("path{number}"), &data);
            format!("{mount}/path{number}")
        })
        .collect()
}

/// An AppRole that may read the mount: the settings of a manifest, and the secret id.
fn app_role(mount: &str) -> (String, String) {
    let role = OpenBao::shared().root().app_role(&reads(mount));
    (role.settings(), role.secret_id)
}

#[track_caller]
fn count(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| line.contains(what)).count()
}

#[test]
fn thirty_variables_of_three_paths_are_one_sign_in_one_look_up_three_reads_and_one_revocation() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let paths = paths(&mount, 3, 30);
    let (settings, secret_id) = app_role(&mount);
    let counted = proxy::to(&OpenBao::shared().address());
    Test::manifest(&manifest(&settings, &paths, 30))
        .env("VAULT_ADDR", counted.url())
        .env("SECRET_ID", &secret_id)
        .known(&secret_id)
        .shell("echo $V0 $V29")
        .stdout("value-0 value-29\n")
        .success();
    let lines = counted.lines();
    assert_eq!(count(&lines, "/login"), 1, "{lines:?}");
    assert!(count(&lines, "sys/internal/ui/mounts") <= 1, "{lines:?}");
    assert_eq!(count(&lines, "/data/path"), 3, "{lines:?}");
    assert_eq!(
        count(&lines, "POST /v1/auth/token/revoke-self"),
        1,
        "{lines:?}"
    );
    assert!(lines.len() <= 6, "{lines:?}");
    assert!(
        lines
            .last()
            .is_some_and(|line| line.contains("revoke-self")),
        "{lines:?}"
    );
    for request in counted.requests() {
        assert_eq!(
            request.header("x-vault-request"),
            Some("true"),
            "{}",
            request.line()
        );
    }
}

#[test]
fn with_a_ready_token_nothing_is_asked_but_the_mount_and_the_paths() {
    let root = OpenBao::shared().root();
    let (one, two) = (root.kv(2), root.kv(2));
    let all = [paths(&one, 2, 10), paths(&two, 2, 10)].concat();
    let token = root.token(&format!(
        "path \"{one}/*\" {{ capabilities = [\"read\"] }} path \"{two}/*\" {{ capabilities = [\"read\"] }}"
    ));
    let counted = proxy::to(&OpenBao::shared().address());
    project(&manifest("", &all, 10), &counted.url(), &token)
        .shell("echo $V0 $V9")
        .stdout("value-0 value-9\n")
        .success();
    let lines = counted.lines();
    assert!(count(&lines, "sys/internal/ui/mounts") <= 2, "{lines:?}");
    assert_eq!(count(&lines, "/data/path"), 4, "{lines:?}");
    assert!(lines.len() <= 6, "{lines:?}");
}

#[test]
fn versions_of_one_path_are_a_read_each() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "old-a", "b": "old-b" }));
    root.put(&mount, "chat", &json!({ "a": "new-a", "b": "new-b" }));
    let counted = proxy::to(&OpenBao::shared().address());
    let manifest = format!(
        "version: 1\nenv:\n  A: vault://{mount}/chat#a\n  B: vault://{mount}/chat#b\n  C: vault://{mount}/chat#a?version=1\n  D: vault://{mount}/chat#b?version=1\n"
    );
    project(&manifest, &counted.url(), &reader(&root, &mount))
        .shell("echo $A $B $C $D")
        .stdout("new-a new-b old-a old-b\n")
        .success();
    assert_eq!(
        count(&counted.lines(), "/data/chat"),
        2,
        "{:?}",
        counted.lines()
    );
}

#[test]
fn the_second_place_of_a_list_needs_no_second_sign_in_or_look_up() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "second", &json!({ "a": "second-value" }));
    let (settings, secret_id) = app_role(&mount);
    let counted = proxy::to(&OpenBao::shared().address());
    let manifest = format!(
        "version: 1\n{settings}env: {{ A: {{ from: [\"vault://{mount}/first#a\", \"vault://{mount}/second#a\"] }} }}\n"
    );
    Test::manifest(&manifest)
        .env("VAULT_ADDR", counted.url())
        .env("SECRET_ID", secret_id)
        .shell("echo $A")
        .stdout("second-value\n")
        .success();
    let lines = counted.lines();
    assert_eq!(count(&lines, "/login"), 1, "{lines:?}");
    assert!(count(&lines, "sys/internal/ui/mounts") <= 1, "{lines:?}");
    assert_eq!(count(&lines, "revoke-self"), 1, "{lines:?}");
}

#[test]
fn what_is_not_selected_is_not_asked() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let paths = paths(&mount, 2, 2);
    let counted = proxy::to(&OpenBao::shared().address());
    project(
        &manifest("", &paths, 2),
        &counted.url(),
        &reader(&root, &mount),
    )
    .args(["run", "--only", "V1", "--", "sh", "-c", "echo $V0$V1"])
    .stdout("value-1\n")
    .success();
    assert_eq!(count(&counted.lines(), "/data/path0"), 0);
    assert_eq!(count(&counted.lines(), "/data/path1"), 1);
}

#[test]
fn explain_asks_nothing() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let paths = paths(&mount, 2, 2);
    let counted = proxy::to(&OpenBao::shared().address());
    project(
        &manifest("", &paths, 2),
        &counted.url(),
        &reader(&root, &mount),
    )
    .args(["explain"])
    .any_stdout()
    .success();
    assert_eq!(counted.connections(), 0);
}

#[test]
fn requests_in_flight_are_limited() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let paths = paths(&mount, 100, 100);
    let counted = proxy::slow(
        &OpenBao::shared().address(),
        std::time::Duration::from_millis(5),
    );
    project(
        &manifest("", &paths, 100),
        &counted.url(),
        &reader(&root, &mount),
    )
    .shell("echo $V0 $V99")
    .stdout("value-0 value-99\n")
    .success();
    assert!(
        counted.connections() <= 32,
        "{} connections",
        counted.connections()
    );
}

#[test]
fn the_rate_limit_of_the_official_clients_is_kept() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let paths = paths(&mount, 10, 10);
    let counted = proxy::to(&OpenBao::shared().address());
    let started = std::time::Instant::now();
    project(
        &manifest("", &paths, 10),
        &counted.url(),
        &reader(&root, &mount),
    )
    .env("VAULT_RATE_LIMIT", "10:1")
    .shell("echo $V0")
    .stdout("value-0\n")
    .success();
    // Ten reads, and at least nine pauses of a tenth of a second.
    assert!(
        started.elapsed().as_millis() >= 900,
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_revocation_that_hangs_or_fails_costs_a_second_at_most_and_never_the_run() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let paths = paths(&mount, 1, 1);
    for hangs in [true, false] {
        let (settings, secret_id) = app_role(&mount);
        let slow = proxy::with(&OpenBao::shared().address(), move |request| {
            if !request.target.ends_with("/revoke-self") {
                return None;
            }
            if hangs {
                std::thread::sleep(std::time::Duration::from_secs(20));
            }
            Some(crate::harness::http::Response {
                status: 500,
                ..Default::default()
            })
        });
        let started = std::time::Instant::now();
        Test::manifest(&manifest(&settings, &paths, 1))
            .env("VAULT_ADDR", slow.url())
            .env("SECRET_ID", secret_id)
            .shell("echo $V0")
            .stdout("value-0\n")
            .success();
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
        assert_eq!(count(&slow.lines(), "revoke-self"), 1, "{:?}", slow.lines());
    }
}

#[test]
fn a_check_and_a_failed_run_revoke_what_they_signed_in_with() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    let paths = paths(&mount, 1, 1);
    let missing = format!("{}  W: vault://{mount}/none#a\n", manifest("", &paths, 1));
    for (command, manifest, status) in [
        (&["check"][..], manifest("", &paths, 1), 0),
        (&["check"], missing.clone(), 1),
        (&["run", "--", "echo", "started"], missing, 125),
    ] {
        let (settings, secret_id) = app_role(&mount);
        let counted = proxy::to(&OpenBao::shared().address());
        let manifest = manifest.replace("version: 1\n", &format!("version: 1\n{settings}"));
        let test = Test::manifest(&manifest)
            .env("VAULT_ADDR", counted.url())
            .env("SECRET_ID", secret_id)
            .args(command)
            .any_stderr();
        let test = if command[0] == "check" {
            test.any_stdout()
        } else {
            test
        };
        test.status(status);
        let lines = counted.lines();
        assert_eq!(count(&lines, "revoke-self"), 1, "{command:?} {lines:?}");
    }
}

#[test]
fn two_backends_of_one_type_are_two_sign_ins() {
    let root = OpenBao::shared().root();
    let (one, two) = (root.kv(2), root.kv(2));
    root.put(&one, "chat", &json!({ "a": "value-of-one" }));
    root.put(&two, "chat", &json!({ "a": "value-of-two" }));
    let manifest = format!(
        "version: 1\nbackends:\n  one: {{ type: vault, auth: {{ method: token, token: {{ from: env://ONE }} }} }}\n  two: {{ type: openbao, auth: {{ method: token, token: {{ from: env://TWO }} }} }}\nenv: {{ A: one://{one}/chat#a, B: two://{two}/chat#a }}\n"
    );
    Test::manifest(&manifest)
        .env("BAO_ADDR", OpenBao::shared().url())
        .env("ONE", reader(&root, &one))
        .env("TWO", reader(&root, &two))
        .shell("echo $A $B")
        .stdout("value-of-one value-of-two\n")
        .success();
}

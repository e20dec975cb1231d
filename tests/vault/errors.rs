//! Errors that tell apart what a person must do.

use serde_json::{Value, json};

use super::{fails, fails_within, project, reader};
use crate::harness::{
    faults::{self, reply},
    openbao::{OpenBao, ROOT, text},
    proxy, wait,
};

const TOKEN: &str = "hvs.the-token-of-these-tests";

#[test]
fn a_server_that_is_not_initialised_or_sealed_is_named_so() {
    let server = OpenBao::sealed();
    let test = || {
        project(
            "version: 1\nenv: { A: vault://secret/chat#a }\n",
            &server.url(),
            TOKEN,
        )
    };
    fails_within(test(), 2, &["A: unreachable: ", "not initialised"]);
    let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let root = server.root();
    let answer = root.call("POST", "sys/init", &body);
    fails_within(test(), 2, &["A: unreachable: ", "sealed"]);
    // A run that waits for a person with the key succeeds when that person came.
    let root = root.with(&text(&answer["root_token"]));
    let unseal = || root.call("POST", "sys/unseal", &json!({ "key": answer["keys"][0] }));
    unseal();
    root.mount(
        "secret",
        &json!({ "type": "kv", "options": { "version": "2" } }),
    );
    root.put("secret", "chat", &json!({ "a": "late-value" }));
    let token = reader(&root, "secret");
    root.call("POST", "sys/seal", &Value::Null);
    let counted = proxy::to(&server.address());
    let waiting = project(
        "version: 1\nenv: { A: vault://secret/chat#a }\n",
        &counted.url(),
        &token,
    )
    .prints_values()
    .stdout("late-value\n")
    .shell("echo $A");
    let child = waiting.spawn();
    wait::until("it asks", || !counted.lines().is_empty());
    unseal();
    waiting.compare(&child.wait_with_output().expect("it ends"));
}

#[test]
fn a_standby_without_a_leader_is_named_so() {
    let server = faults::start(|_, _| {
        let text = "local node not active but active cluster node not found";
        reply(
            500,
            &[("content-type", "application/json")],
            json!({ "errors": [text] }).to_string(),
        )
    });
    fails_within(
        project(
            "version: 1\nenv: { A: vault://secret/chat#a }\n",
            &server.url(),
            TOKEN,
        ),
        2,
        &["A: unreachable: ", "active"],
    );
}

#[test]
fn a_denied_path_says_the_line_of_the_policy_that_would_allow_it() {
    let root = OpenBao::shared().root();
    for (version, denied) in [(1, "team/denied"), (2, "data/team/denied")] {
        let mount = root.kv(version);
        let allowed = denied.replace("denied", "allowed");
        let data = json!({ "a": "value-of-a" });
        for path in ["team/allowed", "team/denied"] {
            root.write(version, &mount, path, &data);
        }
        let token = root.token(&format!(
            "path \"{mount}/{allowed}\" {{ capabilities = [\"read\"] }}"
        ));
        let manifest = format!(
            "version: 1\nenv: {{ A: vault://{mount}/team/allowed#a, B: {{ from: [\"vault://{mount}/team/denied#a\", \"env://B\"], default: x }} }}\n"
        );
        fails(
            project(&manifest, &OpenBao::shared().url(), &token)
                .env("B", "never-asked")
                .known("value-of-a"),
            &[
                "1 of 2 variables has no value",
                "B: denied: ",
                &format!("path \"{mount}/{denied}\" {{ capabilities = [\"read\"] }}"),
            ],
        );
    }
}

#[test]
fn a_token_without_any_right_to_the_mount_is_denied_and_told_the_line() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
    let token = root.token("path \"cubbyhole/*\" { capabilities = [\"read\"] }");
    let manifest = format!("version: 1\nenv: {{ A: vault://{mount}/chat#a }}\n");
    fails(
        project(&manifest, &OpenBao::shared().url(), &token).known("value-of-a"),
        &[
            "A: denied: ",
            &format!("path \"{mount}/data/chat\" {{ capabilities = [\"read\"] }}"),
        ],
    );
}

#[test]
fn a_mount_that_does_not_exist_is_an_error_and_never_absent() {
    let manifest = "version: 1\nenv: { A: { from: vault://no-such-mount/chat#a, default: x } }\n";
    let root = OpenBao::shared().root();
    let everything = root.token("path \"*\" { capabilities = [\"read\", \"list\", \"sudo\"] }");
    for token in [ROOT, &everything] {
        fails(
            project(manifest, &OpenBao::shared().url(), token),
            &["A: malformed: ", "no engine is mounted at `no-such-mount`"],
        );
    }
    // Who may see nothing there can't be told that there is nothing.
    let little = root.token("path \"cubbyhole/*\" { capabilities = [\"read\"] }");
    fails(
        project(manifest, &OpenBao::shared().url(), &little),
        &["A: denied: ", "no-such-mount"],
    );
}

#[test]
fn every_variable_of_a_fault_is_in_one_report() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
    let token = reader(&root, &mount);
    let manifest = format!(
        "version: 1\nenv:\n  A: vault://{mount}/chat#a\n  B: vault://{mount}/chat#b\n  C: vault://{mount}/none#c\n  D: vault://other/none#d\n"
    );
    let report = fails(
        project(&manifest, &OpenBao::shared().url(), &token).known("value-of-a"),
        &[
            "3 of 4 variables have no value",
            "B: absent: ",
            "C: absent: ",
            "D: denied: ",
        ],
    );
    assert!(!report.contains("\n  A: "), "{report}");
}

#[test]
fn check_sets_its_status_by_the_class() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
    let token = reader(&root, &mount);
    let nobody = format!("http://127.0.0.1:{}", crate::harness::guarded::free_port());
    let shared = OpenBao::shared().url();
    for (address, token, field, status) in [
        (&shared, token.as_str(), "a", 0),
        (&shared, &token, "b", 1),
        (&shared, TOKEN, "a", 3),
        (&nobody, &token, "a", 4),
    ] {
        project(
            &format!(
                "version: 1\nenv: {{ A: vault://{mount}/chat#{field} }}\nrun: {{ timeout: 2s }}\n"
            ),
            address,
            token,
        )
        .known("value-of-a")
        .args(["check"])
        .any_stdout()
        .any_stderr()
        .status(status);
    }
}

#[test]
fn traces_name_requests_and_no_value() {
    let root = OpenBao::shared().root();
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
    let manifest = format!("version: 1\nenv: {{ A: vault://{mount}/chat#a }}\n");
    for level in ["-v", "-vv", "-vvv"] {
        project(&manifest, &OpenBao::shared().url(), &reader(&root, &mount))
            .known("value-of-a")
            .env("ENDOW_LOG", "trace")
            .args([level])
            .run(["true"])
            .any_stderr()
            .success();
    }
}

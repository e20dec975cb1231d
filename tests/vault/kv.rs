//! The KV engine, both versions, told apart by the server.

use serde_json::{Value, json};

use super::{fails, project, reader};
use crate::harness::{
    http::Response,
    openbao::{OpenBao, unique},
    proxy,
};

#[test]
fn fields_of_version_1_and_of_version_2_are_read_alike() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let (one, two) = (root.kv(1), root.kv(2));
    let data = json!({ "a": "value-of-a", "b": "value-of-b" });
    root.call("POST", &format!("{one}/team/chat"), &data);
    root.put(&two, "team/chat", &data);
    for mount in [one, two] {
        let manifest = format!(
            "version: 1\nfrom: vault://{mount}/team/chat\nenv: {{ a: , B: {{ key: b }} }}\n"
        );
        project(&manifest, &server.url(), &reader(&root, &mount))
            .shell("echo \"$a, $B\"")
            .stdout("value-of-a, value-of-b\n")
            .success();
    }
}

#[test]
fn a_text_is_given_byte_for_byte_and_other_json_as_its_literal() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    let text = "two\nlines \\ \" \u{1f511} \u{1} and a blank \n";
    let nested = json!({ "deep": { "list": ["zero", "one"] }, "a/b": "slashed" });
    root.put(
        &mount,
        "x",
        &json!({ "text": text, "number": 8080, "bool": true, "empty": "", "nested": nested }),
    );
    let manifest = format!(
        "version: 1\nenv:\n  TEXT: vault://{mount}/x#text\n  NUMBER: vault://{mount}/x#number\n  BOOL: vault://{mount}/x#bool\n  EMPTY: vault://{mount}/x#empty\n  ONE: vault://{mount}/x#/nested/deep/list/1\n  SLASH: vault://{mount}/x#/nested/a~1b\n"
    );
    project(&manifest, &server.url(), &reader(&root, &mount))
        .shell("printf '%s' \"$TEXT|$NUMBER|$BOOL|$EMPTY|$ONE|$SLASH\"")
        .stdout(format!("{text}|8080|true||one|slashed"))
        .success();
}

#[test]
fn a_path_of_any_characters_is_read_where_it_stands() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    root.put(
        &mount,
        "a%20b/%C3%BC%3F%23x+y",
        &json!({ "a/b": "odd-value" }),
    );
    let manifest =
        format!("version: 1\nenv: {{ A: \"vault://{mount}/a b/%C3%BC%3F%23x+y#a%2Fb\" }}\n");
    project(&manifest, &server.url(), &reader(&root, &mount))
        .shell("echo \"$A\"")
        .stdout("odd-value\n")
        .success();
}

#[test]
fn a_mount_of_several_segments_is_found() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    for version in [1, 2] {
        let mount = format!("{}/deep/er", unique("team"));
        let engine = json!({ "type": "kv", "options": { "version": version.to_string() } });
        root.mount(&mount, &engine);
        let data = json!({ "a": "deep-value" });
        root.write(version, &mount, "x/y", &data);
        let manifest = format!("version: 1\nenv: {{ A: vault://{mount}/x/y#a }}\n");
        project(&manifest, &server.url(), &reader(&root, &mount))
            .shell("echo \"$A\"")
            .stdout("deep-value\n")
            .success();
    }
}

#[test]
fn mounts_that_begin_alike_are_told_apart() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let team = unique("team");
    let mut manifest = "version: 1\nenv:\n".to_owned();
    for (name, version) in [("one", 1_u8), ("two", 2), ("onetwo", 2)] {
        let mount = format!("{team}/{name}");
        let engine = json!({ "type": "kv", "options": { "version": version.to_string() } });
        root.mount(&mount, &engine);
        root.write(
            version,
            &mount,
            "chat",
            &json!({ "a": format!("value-of-{name}") }),
        );
        manifest.push_str(&format!("  {name}: vault://{mount}/chat#a\n"));
    }
    project(&manifest, &server.url(), &reader(&root, &team))
        .shell("echo $one $two $onetwo")
        .stdout("value-of-one value-of-two value-of-onetwo\n")
        .success();
}

#[test]
fn a_version_is_read_by_its_number() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    for value in ["value-1", "value-2", "value-3"] {
        root.put(&mount, "chat", &json!({ "a": value }));
    }
    let manifest = format!(
        "version: 1\nenv:\n  FIRST: vault://{mount}/chat#a?version=1\n  SECOND: vault://{mount}/chat#a?version=2\n  NEWEST: vault://{mount}/chat#a\n"
    );
    project(&manifest, &server.url(), &reader(&root, &mount))
        .shell("echo \"$FIRST $SECOND $NEWEST\"")
        .stdout("value-1 value-2 value-3\n")
        .success();
}

#[test]
fn a_deleted_and_a_destroyed_version_are_errors_and_never_absent() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    for _ in 0..3 {
        root.put(&mount, "chat", &json!({ "a": "deleted-value" }));
    }
    root.call(
        "POST",
        &format!("{mount}/delete/chat"),
        &json!({ "versions": [3] }),
    );
    root.call(
        "PUT",
        &format!("{mount}/destroy/chat"),
        &json!({ "versions": [2] }),
    );
    let token = reader(&root, &mount);
    let test = |reference: &str| {
        let manifest = format!(
            "version: 1\nenv: {{ A: {{ from: [\"vault://{mount}/chat{reference}\", \"dotenv://.env\"], default: x }} }}\n"
        );
        project(&manifest, &server.url(), &token)
            .dotenv("A=never-asked\n")
            .known("deleted-value")
    };
    let year =
        root.call("GET", &format!("{mount}/metadata/chat"), &Value::Null)["data"]["versions"]["3"]
            ["deletion_time"]
            .as_str()
            .expect("a time")[..16]
            .to_owned();
    fails(
        test("#a"),
        &["A: deleted: version 3 of", "was deleted at", &year],
    );
    fails(
        test("#a?version=3"),
        &["A: deleted: version 3 of", "was deleted at", &year],
    );
    fails(
        test("#a?version=2"),
        &["A: deleted: version 2 of", "destroyed"],
    );
    test("#a?version=1")
        .shell("echo $A")
        .prints_values()
        .stdout("deleted-value\n")
        .success();
}

#[test]
fn a_version_that_will_be_deleted_later_is_still_read() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    root.call(
        "POST",
        &format!("{mount}/metadata/chat"),
        &json!({ "delete_version_after": "1h" }),
    );
    root.put(&mount, "chat", &json!({ "a": "short-lived-value" }));
    project(
        &format!("version: 1\nenv: {{ A: vault://{mount}/chat#a }}\n"),
        &server.url(),
        &reader(&root, &mount),
    )
    .shell("echo $A")
    .stdout("short-lived-value\n")
    .success();
}

#[test]
fn what_never_stood_there_is_absent() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    for version in [1, 2] {
        let mount = root.kv(version);
        let data = json!({ "present": "present-value", "nothing": null, "other": "other-value" });
        root.write(version, &mount, "chat", &data);
        let token = reader(&root, &mount);
        let test = |place: &str| {
            let manifest = format!(
                "version: 1\nenv: {{ A: {{ from: [\"vault://{mount}/{place}\", \"dotenv://.env\"] }} }}\n"
            );
            project(&manifest, &server.url(), &token)
                .known("present-value")
                .known("other-value")
        };
        for place in [
            "none#present",
            "chat#none",
            "chat#nothing",
            "chat#/present/deeper",
        ] {
            test(place)
                .file_with_mode(".env", "A=from-dotenv\n", 0o600)
                .shell("echo $A")
                .stdout("from-dotenv\n")
                .success();
        }
        let report = fails(test("none#present"), &["A: absent: "]);
        assert!(report.contains(&format!("{mount}/none")), "{report}");
        // The fields that are there are named, and what they hold is not.
        let manifest = format!("version: 1\nenv: {{ A: vault://{mount}/chat#none }}\n");
        project(&manifest, &server.url(), &token)
            .known("present-value")
            .run(["echo", "started"])
            .stderr(format!(
                "endow: error: the variable has no value; the command was not started\n  \
                 A: absent: no `none` in `{mount}/chat` (vault://{mount}/chat#none, secretfile.yaml:2)\n    \
                 hint: there are: nothing, other, present\n"
            ))
            .status(125);
    }
}

#[test]
fn a_version_that_never_was_is_absent() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "value-1" }));
    project(
        &format!("version: 1\nenv: {{ A: {{ from: \"vault://{mount}/chat#a?version=7\", default: none }} }}\n"),
        &server.url(),
        &reader(&root, &mount),
    )
    .shell("echo $A")
    .stdout("none\n")
    .success();
}

#[test]
fn where_the_server_does_not_say_the_version_it_is_found_out() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    for version in [1, 2] {
        let mount = root.kv(version);
        let data = json!({ "a": "value-of-a" });
        root.write(version, &mount, "team/chat", &data);
        let token = reader(&root, &mount);
        for status in [403, 404] {
            let silent = proxy::with(&server.address(), move |request| {
                request.target.starts_with("/v1/sys/internal/").then(|| Response {
                    status,
                    headers: Vec::new(),
                    body: br#"{"errors":["preflight capability check returned 403, please ensure client's policies grant access to path"]}"#.to_vec(),
                })
            });
            for setting in [
                "",
                &format!("backends: {{ vault: {{ kv_version: \"{version}\" }} }}\n"),
            ] {
                let manifest = format!(
                    "version: 1\n{setting}env: {{ A: vault://{mount}/team/chat#a, B: {{ from: \"vault://{mount}/team/none#b\", default: none }} }}\n"
                );
                project(&manifest, &silent.url(), &token)
                    .shell("echo $A $B")
                    .stdout("value-of-a none\n")
                    .success();
            }
        }
    }
}

#[test]
fn a_deleted_version_is_one_also_where_the_server_does_not_say_the_version() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({ "a": "deleted-value" }));
    root.call("DELETE", &format!("{mount}/data/chat"), &Value::Null);
    let silent = proxy::with(&server.address(), |request| {
        let is_look_up = request.target.starts_with("/v1/sys/internal/");
        is_look_up.then(|| Response {
            status: 403,
            headers: Vec::new(),
            body: br#"{"errors":["permission denied"]}"#.to_vec(),
        })
    });
    let manifest =
        format!("version: 1\nenv: {{ A: {{ from: \"vault://{mount}/chat#a\", default: x }} }}\n");
    fails(
        project(&manifest, &silent.url(), &reader(&root, &mount)).known("deleted-value"),
        &["A: deleted: version 1 of"],
    );
}

#[test]
fn a_right_to_one_path_is_enough() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    for version in [1, 2] {
        let mount = root.kv(version);
        let data = json!({ "a": "value-of-a" });
        root.write(version, &mount, "team/chat", &data);
        let path = if version == 1 {
            "team/chat"
        } else {
            "data/team/chat"
        };
        let token = root.token(&format!(
            "path \"{mount}/{path}\" {{ capabilities = [\"read\"] }}"
        ));
        project(
            &format!("version: 1\nenv: {{ A: vault://{mount}/team/chat#a }}\n"),
            &server.url(),
            &token,
        )
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    }
}

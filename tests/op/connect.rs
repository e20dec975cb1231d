//! Connect: few requests, names and ids, sections, files, and what its statuses mean.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Test, runtime};

const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6";
const VAULT: &str = "ionaiwtdvgclrixbt6ztpqcxnq";

/// The stand-in for a Connect server.
pub(crate) struct Connect {
    child: Child,
    port: String,
    directory: TempDir,
}

impl Connect {
    /// `token` of the configuration is the one that it knows, else [`TOKEN`].
    pub(crate) fn start(mut config: Value) -> Self {
        if config["token"].is_null() {
            config["token"] = TOKEN.into();
        }
        let directory = tempfile::tempdir().expect("a directory");
        let configuration = directory.path().join("config.json");
        fs::write(&configuration, config.to_string()).expect("its configuration");
        let words = runtime::program("connect.py");
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .args([configuration, directory.path().join("record")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut port = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output)
            .read_line(&mut port)
            .expect("its port");
        Self {
            child,
            port: port.trim().to_owned(),
            directory,
        }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A test whose environment names it.
    pub(crate) fn named(&self, test: Test) -> Test {
        test.env("OP_CONNECT_HOST", self.url())
            .env("OP_CONNECT_TOKEN", TOKEN)
            .known(TOKEN)
    }

    /// What it was asked for.
    fn requests(&self) -> Vec<String> {
        let record = fs::read_to_string(self.directory.path().join("record"));
        let lines = record.unwrap_or_default();
        lines.lines().map(str::to_owned).collect()
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        // One that has ended is reaped all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn id(number: usize) -> String {
    format!("{number:026}")
}

pub(crate) fn item(number: usize, title: &str, fields: &Value) -> Value {
    json!({"id": id(number), "title": title, "vault": {"id": VAULT}, "category": "API_CREDENTIAL",
        "version": 3, "fields": fields})
}

pub(crate) fn vault(items: &[Value]) -> Value {
    json!({"vaults": [{"id": VAULT, "name": "AI Team", "type": "USER_CREATED", "items": items}]})
}

pub(crate) fn field(name: &str, value: &str) -> Value {
    json!({"id": name, "type": "CONCEALED", "label": name, "value": value})
}

#[test]
fn twenty_fields_of_three_items_of_one_vault_by_name_are_at_most_seven_requests() {
    let fields: Vec<Value> = (0..7)
        .map(|n| field(&format!("f{n}"), &format!("value-{n}")))
        .collect();
    let items: Vec<Value> = (0..3)
        .map(|n| item(n, &format!("Item {n}"), &json!(fields)))
        .collect();
    let connect = Connect::start(vault(&items));
    let lines = (0..20).map(|n| format!("  V{n}: op://AI Team/Item {}/f{}\n", n % 3, n / 3));
    let manifest = format!("version: 1\nenv:\n{}", lines.collect::<String>());
    let test = connect.named(Test::manifest(&manifest));
    test.shell("echo $V0 $V1 $V19")
        .stdout("value-0 value-0 value-6\n")
        .success();
    let requests = connect.requests();
    assert!(requests.len() <= 7, "{requests:?}");
    assert_eq!(requests.len(), 5, "{requests:?}");
}

#[test]
fn one_name_is_looked_up_by_a_filter_and_ids_not_at_all() {
    let items = [
        item(1, "Chat", &json!([field("key", "the-key")])),
        item(2, "Other", &json!([])),
    ];
    let connect = Connect::start(vault(&items));
    let manifest = format!(
        "version: 1\nenv: {{ A: op://{VAULT}/Chat/key, B: \"op://{VAULT}/{}/key\" }}\n",
        id(1)
    );
    let test = connect.named(Test::manifest(&manifest));
    test.shell("echo $A $B")
        .stdout("the-key the-key\n")
        .success();
    let mut requests = connect.requests();
    requests.sort();
    let item = format!("GET /v1/vaults/{VAULT}/items/{}", id(1));
    let filter = format!("GET /v1/vaults/{VAULT}/items?filter=title eq \"Chat\"");
    assert_eq!(requests, [item.clone(), item, filter]);
}

#[test]
fn the_case_of_a_name_does_not_matter() {
    let connect = Connect::start(vault(&[item(1, "Chat", &json!([field("Key", "the-key")]))]));
    let test = connect.named(Test::manifest(
        "version: 1\nenv: { A: op://ai team/CHAT/key }\n",
    ));
    test.shell("echo $A").stdout("the-key\n").success();
}

#[test]
fn sections_files_and_attributes_are_found() {
    let fields = json!([
        {"id": "f1", "type": "CONCEALED", "label": "key", "value": "outside"},
        {"id": "f2", "type": "CONCEALED", "label": "key", "section": {"id": "s1"}, "value": "in prod"},
        {"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"},
        {"id": "f3", "type": "CONCEALED", "label": "odd", "value": "two\nlines \u{e9}\u{1f511}\n"},
    ]);
    let mut whole = item(1, "Chat", &fields);
    whole["sections"] = json!([{"id": "s1", "label": "Prod"}]);
    whole["files"] = json!([{"id": id(9), "name": "key.pem", "size": 5, "content": "bytes"}]);
    let connect = Connect::start(vault(&[whole]));
    let manifest = "\
version: 1
env:
  A: op://AI Team/Chat/key
  B: op://AI Team/Chat/prod/key
  C: op://AI Team/Chat/notesPlain
  D: op://AI Team/Chat/key.pem
  E: op://AI Team/Chat/key.pem?attribute=size
  F: op://AI Team/Chat/prod/key?attribute=type
  G: op://AI Team/Chat/odd
  H: op://AI Team/Chat/key.pem?attribute=content
";
    let test = connect
        .named(Test::manifest(manifest))
        .known("in prod")
        .known("outside");
    test.prints_values()
        .shell("echo \"$A|$B|$C|$D|$E|$F|$G|$H\"")
        .stdout("outside|in prod||bytes|5|CONCEALED|two\nlines \u{e9}\u{1f511}\n|bytes\n")
        .success();
    // Vaults, the filter, the item and its file.
    assert_eq!(connect.requests().len(), 4);
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let items = [
        item(1, "Chat", &json!([field("key", "the-key")])),
        item(2, "Twice", &json!([])),
        item(3, "Twice", &json!([])),
    ];
    let mut config = vault(&items);
    let closed = json!({"id": id(7), "name": "Closed", "out_of_scope": true, "items": []});
    config["vaults"]
        .as_array_mut()
        .expect("vaults")
        .push(closed);
    let connect = Connect::start(config);
    let manifest = format!(
        "version: 1\nenv:\n  A: op://AI Team/Chat/gone\n  B: op://AI Team/Gone/key\n  \
         C: op://AI Team/Twice/key\n  D: op://Other/Chat/key\n  E: op://{}/{}/key\n  \
         F: op://AI Team/Chat/key?attribute=otp\n  G: op://AI Team/{}/key\n",
        id(7),
        id(1),
        id(8)
    );
    let test = connect.named(Test::manifest(&manifest)).known("the-key");
    let output = test.run(["true"]).any_stderr().status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    for part in [
        "7 of 7 variables have no value",
        "A: absent: no field `gone` in the item `Chat` of the vault `AI Team`",
        "B: absent: no item `Gone` in the vault `AI Team`",
        "C: ambiguous: more than one item is called `Twice`",
        "D: denied: no vault `Other` that the token may read",
        "it may read `AI Team`; ask for access to `Other`",
        "E: denied: ",
        "is not in scope",
        "F: malformed: a Connect server makes no one-time codes",
        "G: absent: no item",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

#[test]
fn statuses_have_their_classes_and_only_those_that_may_pass_are_retried() {
    for (faults, class, count) in [
        (vec![401], "unauthenticated", 1),
        (vec![403], "denied", 1),
        (vec![302], "malformed", 1),
        (vec![413], "malformed", 1),
        (vec![429, 503], "", 4),
    ] {
        let mut config = vault(&[item(1, "Chat", &json!([field("key", "the-key")]))]);
        config["faults"] = json!(faults);
        let connect = Connect::start(config);
        let test = connect.named(Test::manifest(
            "version: 1\nenv: { A: op://AI Team/Chat/key }\n",
        ));
        let test = test.known("the-key").run(["true"]);
        if class.is_empty() {
            test.success();
            assert_eq!(connect.requests().len(), count + 1, "{faults:?}");
        } else {
            let output = test.any_stderr().status(125);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(
                stderr.contains(&format!("A: {class}: 127.0.0.1:")),
                "{stderr}"
            );
            assert_eq!(connect.requests().len(), count, "{faults:?}");
        }
    }
}

#[test]
fn a_wrong_token_and_a_server_that_is_not_there_say_what_to_do() {
    let connect = Connect::start(vault(&[]));
    let manifest = "version: 1\nenv: { A: op://AI Team/Chat/key }\n";
    let test = connect
        .named(Test::manifest(manifest))
        .env("OP_CONNECT_TOKEN", "another-token");
    let output = test
        .known("another-token")
        .run(["true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("A: unauthenticated: "), "{stderr}");
    assert!(stderr.contains("Invalid token signature"), "{stderr}");
    assert!(stderr.contains("hint: check OP_CONNECT_TOKEN"), "{stderr}");
    let port = connect.port.clone();
    drop(connect);
    let output = Test::manifest(manifest)
        .env("OP_CONNECT_HOST", format!("http://127.0.0.1:{port}"))
        .env("OP_CONNECT_TOKEN", TOKEN)
        .args(["run", "--timeout", "300ms", "--", "true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("A: unreachable: 127.0.0.1:"), "{stderr}");
}

#[test]
fn connect_is_taken_from_the_settings_too() {
    let connect = Connect::start(vault(&[item(1, "Chat", &json!([field("key", "the-key")]))]));
    let manifest = format!(
        "version: 1\nbackends:\n  team:\n    type: op\n    connect_host: http://127.0.0.1:{}\n    \
         connect_token: {{ from: file://token }}\nenv: {{ A: team://AI Team/Chat/key }}\n",
        connect.port
    );
    let test = Test::manifest(&manifest).file("token", TOKEN);
    test.args(["--file", "secretfile.yaml"])
        .shell("echo $A")
        .stdout("the-key\n")
        .success();
}

//! 1Password: by its command-line tool, for which a stand-in stands, and by a Connect server.

mod batch;
pub(crate) mod connect;
mod hygiene;
mod prompts;
mod refusals;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Test, repository, runtime};

/// The stand-in for `op`, in a directory of its own, so that its record outlives the project.
pub(crate) struct StandIn(TempDir);

/// A field as `op item get` prints it.
fn field(id: &str, value: &str) -> Value {
    json!({"id": id, "type": "CONCEALED", "label": id, "value": value})
}

/// One vault `AI Team` with one item `Chat` of these fields.
pub(crate) fn chat(fields: &[(&str, &str)]) -> Value {
    let fields: Vec<Value> = fields.iter().map(|(id, value)| field(id, value)).collect();
    json!({"vaults": [{
        "id": "vkjyqsbkf63zycqigbg3yxd7ce",
        "name": "AI Team",
        "items": [{"id": "ipifsyjdmyeg4e75ujmbkrefl4", "title": "Chat", "version": 3, "fields": fields}],
    }]})
}

impl StandIn {
    /// Installs it beside the project and first in PATH.
    pub(crate) fn install(test: Test, config: &Value) -> (Test, Self) {
        let directory = tempfile::Builder::new()
            .prefix("endow-op-")
            .tempdir()
            .expect("a directory for programs");
        let program = repository().join("tests/programs/op.py");
        let source = fs::read_to_string(program).expect("the stand-in");
        // One word may stand after the interpreter: isolated, and without `site`.
        let script = format!("#!{} -IS\n{source}", runtime::python().display());
        let op = directory.path().join("op");
        fs::write(&op, script).expect("a program");
        fs::set_permissions(&op, Permissions::from_mode(0o755)).expect("its mode");
        let test = test.env("PATH", runtime::path_with(&op));
        let stand_in = Self(directory);
        stand_in.configure(config);
        (test, stand_in)
    }

    fn configure(&self, config: &Value) {
        fs::write(self.path("op.json"), config.to_string()).expect("its configuration");
    }

    /// A file beside it.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What it was given in each of its runs.
    fn runs(&self) -> Vec<Value> {
        let record = fs::read_to_string(self.path("op.jsonl")).unwrap_or_default();
        let lines = record.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a record"))
            .collect()
    }

    /// Its words, joined, a run each.
    fn words(&self) -> Vec<String> {
        let words = |run: &Value| {
            let words = run["argv"].as_array().expect("words").iter();
            words
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        };
        self.runs().iter().map(words).collect()
    }
}

/// A project with `NAME: op://AI Team/Chat/name` for each name, all of them known.
fn project(fields: &[(&str, &str)]) -> Test {
    let lines = fields
        .iter()
        .map(|(id, _)| format!("  {}: op://AI Team/Chat/{id}\n", id.to_uppercase()));
    let mut test = Test::manifest(&format!("version: 1\nenv:\n{}", lines.collect::<String>()));
    for (_, value) in fields {
        test = test.known(value);
    }
    test
}

//! Programs as backends: Summon's provider protocol, their environment, their words, their end.

mod ending;
mod protocol;
mod shells;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Test, repository, runtime};

/// A program in a directory of its own, so that its notes outlive the project.
pub(crate) struct Program(TempDir);

impl Program {
    /// `summon_stream.py` or `summon_legacy.py`, with these values.
    pub(crate) fn of(source: &str, values: &Value) -> Self {
        let path = repository().join("tests/programs").join(source);
        let source = fs::read_to_string(path).expect("the program");
        // One word may stand after the interpreter: isolated, and without `site`.
        let program = Self::script(&format!("#!{} -IS\n{source}", runtime::python().display()));
        fs::write(program.path("values.json"), values.to_string()).expect("its values");
        program
    }

    pub(crate) fn script(text: &str) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("endow-exec-")
            .tempdir()
            .expect("a directory for programs");
        let program = Self(directory);
        let path = program.path("provider");
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its mode");
        program
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A manifest, named and so trusted, whose `own` is this program.
    pub(crate) fn manifest(&self, settings: &str, entries: &str) -> Test {
        let command = self.path("provider");
        let text = format!(
            "version: 1\nbackends:\n  own: {{ type: exec, command: [{}]{settings} }}\nenv: {{ {entries} }}\n",
            command.display()
        );
        Test::manifest(&text).args(["--file", "secretfile.yaml"])
    }

    /// Its starts: words and environment.
    fn starts(&self) -> Vec<Value> {
        let notes = fs::read_to_string(self.path("starts")).unwrap_or_default();
        let lines = notes.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a note"))
            .collect()
    }
}

//! Programs that are not there, do not run, end badly, never end, or say what is no answer.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{Family, Fault, Given, STARTS, Scene, TIMEOUT};
use crate::harness::{Test, runtime};

pub(super) const FAMILY: Family = Family {
    title: "Programs",
    backends: &["op (CLI)", "exec"],
    faults: &[
        Fault {
            name: "there is none",
            classes: &["unreachable"; 2],
            arrange: |backend, _| project(backend, None, 0o755).patient(),
        },
        Fault {
            name: "it may not be executed",
            classes: &["unreachable"; 2],
            arrange: |backend, _| project(backend, Some("#!/bin/sh\n"), 0o644).patient(),
        },
        Fault {
            name: "its interpreter is not there",
            classes: &["unreachable"; 2],
            arrange: |backend, _| project(backend, Some("#!/nonexistent/sh\n"), 0o755).patient(),
        },
        Fault {
            name: "it ends with 1 and says why",
            classes: &["malformed", "unreachable"],
            arrange: |backend, given| {
                script(backend, given, "echo 'no such thing' >&2; exit 1").patient()
            },
        },
        Fault {
            name: "it ends with 0 and says nothing",
            classes: &["malformed", STARTS],
            arrange: |backend, given| script(backend, given, "exit 0"),
        },
        Fault {
            name: "a signal kills it",
            classes: &["unreachable"; 2],
            arrange: |backend, given| script(backend, given, "kill -KILL $$").patient(),
        },
        Fault {
            name: "it never ends",
            classes: &["timed out"; 2],
            arrange: |backend, given| {
                // Where endow is killed, nobody is left to end it.
                let does = "printf '%s' \"$value\"; touch waiting
                    while kill -0 $PPID 2> waiting; do sleep 0.2; done";
                script(backend, given, does)
            },
        },
        Fault {
            name: "it never ends and catches TERM",
            classes: &["timed out"; 2],
            arrange: |backend, given| {
                script(
                    backend,
                    given,
                    "trap '' TERM; while kill -0 $PPID; do sleep 1; done",
                )
            },
        },
        Fault {
            name: "it says too much",
            classes: &["malformed"; 2],
            arrange: |backend, given| script(backend, given, "exec head -c 40M /dev/zero"),
        },
        Fault {
            name: "it closes its output and never ends",
            classes: &["timed out"; 2],
            arrange: |backend, given| {
                script(
                    backend,
                    given,
                    "printf '%s' \"$value\"; exec >&- 2>&-; exec sleep 600",
                )
            },
        },
        Fault {
            name: "its bytes are no UTF-8",
            classes: &["malformed", STARTS],
            arrange: |backend, given| script(backend, given, "printf '\\377\\376%s' \"$value\""),
        },
    ],
};

/// A program that does this, with the value in `$value`.
fn script(backend: &str, given: &Given, does: &str) -> Scene {
    let value = &given.value;
    let text = format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\nvalue={value}\n{does}\n");
    project(backend, Some(&text), 0o755)
}

/// A project whose `A` is answered by a program of this text, or by one that is not there.
fn project(backend: &str, script: Option<&str>, mode: u32) -> Scene {
    let directory = tempfile::Builder::new().prefix("endow-program-").tempdir();
    let directory = directory.expect("a directory for programs");
    let program = directory.path().join("op");
    let waiting = directory.path().join("waiting");
    if let Some(script) = script {
        fs::write(&program, script).expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(mode)).expect("its mode");
    }
    let shown = program.display().to_string();
    let (settings, place) = match backend {
        "exec" => (
            format!("backends: {{ own: {{ type: exec, command: [{shown}] }} }}\n"),
            "own://a",
        ),
        _ => (String::new(), "op://AI Team/Chat/a"),
    };
    let manifest = format!("version: 1\n{settings}env: {{ A: \"{place}\" }}\n{TIMEOUT}");
    let test = Test::manifest(&manifest)
        .args(["--file", "secretfile.yaml"])
        .env("PATH", runtime::path_with(&program));
    let culprit = match backend {
        "exec" => shown,
        _ => "`op`".to_owned(),
    };
    Scene::new(test, culprit)
        .keep(directory)
        .waits(move || waiting.exists())
}

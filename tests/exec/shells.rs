//! No shell stands between a manifest and a program: nothing in a manifest means anything to one.

use std::fs;

use serde_json::json;

use super::Program;
use crate::harness::{Test, runtime};

/// Words that a shell would do something with.
const WORDS: [&str; 9] = [
    "; touch made",
    "`touch made`",
    "| touch made",
    "& touch made &",
    "> made",
    "*",
    "~",
    "\" ' \\",
    "two  words",
];

/// Answers an id in legacy mode, and notes the words of each start.
const NOTES: &str = r#"
import json, os, sys
with open(os.path.dirname(sys.argv[0]) + "/starts", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\n")
if sys.argv[-1] == "last":
    sys.exit("no stream here")
print("a value")
"#;

#[test]
fn every_word_of_a_manifest_reaches_a_program_as_it_is() {
    let program = Program::script(&format!("#!{} -IS\n{NOTES}", runtime::python().display()));
    let command = program.path("provider").display().to_string();
    let command: Vec<&str> = [&*command]
        .into_iter()
        .chain(WORDS)
        .chain(["last"])
        .collect();
    let ids = WORDS.map(|word| format!("own://{word}"));
    let env = ids
        .iter()
        .enumerate()
        .map(|(at, id)| (format!("V{at}"), json!({ "from": id })));
    // JSON is YAML.
    let manifest = json!({
        "version": 1,
        "backends": { "own": { "type": "exec", "command": command } },
        "env": env.collect::<serde_json::Map<_, _>>(),
    });
    let test = Test::manifest(&manifest.to_string()).args(["--file", "secretfile.yaml"]);
    let made = test.path("made");
    test.run(["true"]).success();
    assert!(!made.exists());
    let notes = fs::read_to_string(program.path("starts")).expect("its notes");
    let starts = notes
        .lines()
        .map(|line| serde_json::from_str(line).expect("a note"));
    let mut starts: Vec<Vec<String>> = starts.collect();
    starts.sort();
    let fixed = || command[1..].iter().copied();
    let ids = WORDS.iter().map(|word| fixed().chain([*word]).collect());
    let mut expected: Vec<Vec<&str>> = ids.chain([fixed().collect()]).collect();
    expected.sort_unstable();
    assert_eq!(starts, expected);
}

/// POSIX's `execvp` would start a shell.
#[test]
fn a_program_that_names_no_interpreter_is_given_to_no_shell() {
    let program = Program::script("printf 'a value'\n");
    let path = program.path("provider");
    let expected = format!(
        "A: unreachable: `{}` could not be started: exec format error",
        path.display()
    );
    let output = program
        .manifest("", "A: own://a")
        .run(["true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&expected), "{stderr}");
}

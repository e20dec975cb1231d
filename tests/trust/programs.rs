//! Programs of the project: what was trusted is what they were.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{endow, is_refused, trust};
use crate::harness::Test;

/// Prints a value for each id.
const PROVIDER: &str = "#!/bin/sh\nread -r id || exit 0\nprintf 'value-of-%s' \"${1:-$id}\"\n";

fn provider(command: &str) -> Test {
    Test::manifest(&format!(
        "version: 1\nbackends: {{ own: {{ type: exec, command: [{command}] }} }}\n\
         env: {{ A: {{ value: a }}, B: own://b }}\n"
    ))
    .file_with_mode("tools/provider", PROVIDER, 0o755)
    .file("tools/config.json", "{}")
}

#[track_caller]
fn is_obeyed(test: &Test) {
    assert_eq!(endow(test, &["get", "A"]).status.code(), Some(0));
}

#[test]
fn a_program_or_a_file_among_its_arguments_that_changes_asks_again() {
    for (command, file) in [
        ("./tools/provider", "tools/provider"),
        ("sh, tools/provider", "tools/provider"),
        ("sh, ./tools/../tools/provider", "tools/provider"),
        ("provider, --config, tools/config.json", "tools/config.json"),
        ("provider, --config=tools/config.json", "tools/config.json"),
    ] {
        let test = provider(command);
        is_refused(&test);
        trust(&test);
        is_obeyed(&test);
        let before = fs::read(test.path(file)).unwrap();
        fs::write(test.path(file), [&before, &b"# more\n"[..]].concat()).unwrap();
        is_refused(&test);
        fs::write(test.path(file), before).unwrap();
        is_obeyed(&test);
        fs::remove_file(test.path(file)).unwrap();
        is_refused(&test);
    }
}

#[test]
fn a_program_that_a_link_of_the_project_leads_to_is_covered_too() {
    let test = provider("./provider");
    std::os::unix::fs::symlink("tools/provider", test.path("provider")).unwrap();
    trust(&test);
    is_obeyed(&test);
    fs::write(test.path("tools/provider"), "#!/bin/sh\necho other\n").unwrap();
    is_refused(&test);
}

#[test]
fn a_program_outside_the_project_may_be_replaced() {
    let test = Test::new().file_with_mode("../bin/provider", PROVIDER, 0o755);
    let program = test.path("../bin/provider");
    let test = test.file(
        "secretfile.yaml",
        format!(
            "version: 1\nbackends: {{ own: {{ type: exec, command: [\"{}\"] }} }}\nvalues: {{ A: a }}\n",
            fs::canonicalize(&program).unwrap().display()
        ),
    );
    trust(&test);
    fs::write(&program, "#!/bin/sh\n# a newer version\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    is_obeyed(&test);
}

#[test]
fn a_value_of_a_file_of_the_project_that_steers_a_program_asks_again_when_it_changes() {
    let test = Test::manifest(
        "version: 1\nenv: { A: { value: a }, NODE_OPTIONS: \"dotenv://.env\", PERL5OPT: file://opt }\n",
    )
    .file_with_mode(".env", "NODE_OPTIONS=\"--no-warnings\"\nOTHER=1\n", 0o600)
    .file("opt", "-w");
    is_refused(&test);
    trust(&test);
    is_obeyed(&test);
    // Another key of the file is none of its business.
    fs::write(test.path(".env"), "NODE_OPTIONS=--no-warnings\nOTHER=2\n").unwrap();
    is_obeyed(&test);
    fs::write(
        test.path(".env"),
        "NODE_OPTIONS=--require=./x.js\nOTHER=2\n",
    )
    .unwrap();
    is_refused(&test);
    fs::write(test.path(".env"), "NODE_OPTIONS=--no-warnings\n").unwrap();
    is_obeyed(&test);
    fs::write(test.path("opt"), "-Mevil").unwrap();
    is_refused(&test);
}

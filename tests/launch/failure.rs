//! What is endow's own failure: 125, 126 for what can't be executed, 127 for what is not there.

use std::os::unix::fs::symlink;

use super::project;
use crate::harness::Test;

#[test]
fn endows_own_failures_are_125() {
    Test::new()
        .run(["touch", "started"])
        .stderr(
            "endow: error: no secretfile.yaml in this directory or above it\n\
             hint: write one (see `endow --help`), or name one: `endow --file PATH ...`, or ENDOW_FILE\n",
        )
        .status(125);
    project()
        .args(["run", "--profile", "prod", "--", "touch", "started"])
        .stderr(
            "endow: error: no profile `prod`, which --profile names\n\
             hint: the manifest has no profiles\n",
        )
        .status(125);
    project()
        .args(["run", "--no-such-flag", "--", "touch", "started"])
        .any_stderr()
        .status(125);
    project()
        .args(["run"])
        .stderr(
            "endow: error: no command to run\n\
             hint: write it after `--`: `endow run -- npm run dev`\n",
        )
        .status(125);
    project()
        .args(["run", "--"])
        .stderr(
            "endow: error: no command to run\n\
             hint: write it after `--`: `endow run -- npm run dev`\n",
        )
        .status(125);
    project()
        .args(["run", "--timeout", "soon", "--", "touch", "started"])
        .stderr(
            "endow: error: invalid value `soon` for `--timeout <DURATION>`: write a number and one \
             of ms, s, m, h: `10s`\nhint: see `endow run --help`\n",
        )
        .status(125);
}

#[test]
fn a_usage_error_says_what_is_wrong_with_run() {
    let output = project()
        .args(["run", "--no-such-flag", "--", "touch", "started"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(
        stderr.starts_with("endow: error: unexpected argument `--no-such-flag` found\nhint: "),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("hint: see `endow run --help`\n"),
        "{stderr}"
    );
}

#[test]
fn nothing_is_started_where_a_variable_has_no_value() {
    let test = Test::manifest("version: 1\nenv: { A: dotenv://.env, B: dotenv://.env }\n")
        .dotenv("A=dev-value-a\n");
    let started = test.path("started");
    test.run(["touch", "started"])
        .stderr(
            "endow: error: 1 of 2 variables has no value; the command was not started\n  \
             B: absent: no `B` in `[DIR]/.env` (dotenv://.env#B, secretfile.yaml:2)\n    \
             hint: there are: A\n",
        )
        .status(125);
    assert!(!started.exists());
}

#[test]
fn what_is_no_executable_file_is_126() {
    let refused = |program: &str, reason: &str| {
        format!("endow: error: `{program}` can't be executed: {reason}\n")
    };
    for (program, reason) in [
        ("./notes.txt", "permission denied"),
        ("below/notes.txt", "permission denied"),
        ("./below", "it is a directory"),
        ("./", "it is a directory"),
        (
            "./no-interpreter",
            "the interpreter that it names was not found",
        ),
        ("./directory-as-interpreter", "permission denied"),
    ] {
        project()
            .file("notes.txt", "plain text")
            .file("below/notes.txt", "plain text")
            .file_with_mode("no-interpreter", "#!/no/such/interpreter\n", 0o755)
            .file_with_mode("directory-as-interpreter", "#!/\n", 0o755)
            .run([program])
            .stderr(refused(program, reason))
            .status(126);
    }
}

#[test]
fn a_command_of_path_that_can_not_be_executed_is_126_and_says_where_it_is() {
    let test = project()
        .file("bin/tool", "plain text")
        .file("other/tool", "plain text");
    let path = std::env::join_paths([test.path("bin"), test.path("other")]).expect("a PATH");
    test.env("PATH", path)
        .run(["tool"])
        .stderr("endow: error: `[DIR]/bin/tool` can't be executed: permission denied\n")
        .status(126);
}

#[test]
fn what_is_not_there_is_127() {
    let from_path = "\nhint: PATH was searched\n";
    for (program, hint) in [
        ("no-such-command", from_path),
        ("notes.txt", from_path),
        ("./no-such-file", "\n"),
        ("/no/such/file", "\n"),
        ("no-such-directory/tool", "\n"),
        ("./dangling", "\n"),
        ("", "\nhint: the command is an empty word\n"),
    ] {
        let test = project().file_with_mode("notes.txt", "not in PATH", 0o755);
        symlink("nowhere", test.path("dangling")).expect("a link");
        test.run([program])
            .stderr(format!("endow: error: `{program}` was not found{hint}"))
            .status(127);
    }
}

#[test]
fn the_command_is_looked_for_before_any_value_is() {
    // The value is absent, too; but the typing error is what can be put right here.
    Test::manifest("version: 1\nenv: { A: dotenv://.env }\n")
        .run(["no-such-command"])
        .stderr("endow: error: `no-such-command` was not found\nhint: PATH was searched\n")
        .status(127);
}

#[test]
fn a_failure_needs_no_standard_error() {
    let test = project().started_with(&["--close", "2", "--close", "1", "--close", "0"]);
    test.run(["./no-such-file"]).status(127);
}

#[test]
fn a_path_that_can_not_be_followed_is_126_and_says_why() {
    for (command, reason) in [
        ("./file/x", "not a directory"),
        ("./loop", "too many levels of symbolic links"),
    ] {
        let test = Test::manifest("version: 1\nvalues: { A: a }\n").file("file", "");
        symlink("loop", test.path("loop")).expect("a loop");
        test.run([command])
            .stderr(format!(
                "endow: error: `{command}` can't be executed: {reason}\n"
            ))
            .status(126);
    }
}

#[test]
fn an_element_of_path_that_is_no_directory_is_passed_over() {
    let test = Test::manifest("version: 1\nvalues: { A: a }\n").file("file", "");
    let path = format!("{}:/nonexistent", test.path("file").display());
    test.env("PATH", path)
        .run(["no-such-command"])
        .stderr("endow: error: `no-such-command` was not found\nhint: PATH was searched\n")
        .status(127);
}

//! The forms of CI systems: nothing of a value is left for a log.

use std::{
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use crate::harness::{ENDOW, Test};

fn export(form: &str, value: &str) -> Test {
    Test::manifest("version: 1\nenv: { A: file://value }\n")
        .file("value", value)
        .args(["export", "--format", form])
}

#[test]
fn a_runner_of_github_is_told_every_line_of_every_value_before_the_values() {
    let value = "first line\nab\n100% \"quoted\"";
    let output = export("github", value)
        .env("GITHUB_ACTIONS", "true")
        .prints_values()
        .any_stderr()
        .stdout(format!("A<<ENDOW_0\n{value}\nENDOW_0\n"))
        .success();
    let masks = String::from_utf8(output.stderr).unwrap();
    let masks: Vec<&str> = masks
        .lines()
        .map(|line| {
            line.strip_prefix("::add-mask::")
                .expect("nothing else is printed")
        })
        .collect();
    // Each line, the value and each line in base64 and in JSON, as commands write `%`.
    for mask in [
        "first line",
        "100%25 \"quoted\"",
        "100%25 \\\"quoted\\\"",
        "first line\\nab\\n100%25 \\\"quoted\\\"",
        "Zmlyc3QgbGluZQ",
        "MTAwJSAicXVvdGVkIg",
        "Zmlyc3QgbGluZQphYgoxMDAlICJxdW90ZWQi",
    ] {
        assert!(masks.contains(&mask), "{mask}: {masks:?}");
    }
    assert!(!masks.contains(&"ab"), "a short line stands in any log");
    assert!(masks.iter().all(|mask| mask.len() >= 4));
}

#[test]
fn plain_values_of_the_manifest_are_not_taken_out_of_every_log() {
    let output = Test::manifest(
        "version: 1\nenv: { A: file://value }\nvalues: { LOG_LEVEL: info, NODE_ENV: production }\n",
    )
    .file("value", "value-of-a")
    .env("GITHUB_ACTIONS", "true")
    .args(["export", "--format", "github"])
    .any_stdout()
    .any_stderr()
    .success();
    let masks = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(masks.contains("::add-mask::value-of-a\n"), "{masks}");
    assert!(
        !masks.contains("info") && !masks.contains("production"),
        "{masks}"
    );
}

#[test]
fn the_masks_of_github_are_printed_where_a_runner_reads_them_alone() {
    for value in [None, Some("false"), Some("")] {
        let test = export("github", "value-of-a");
        let test = match value {
            Some(value) => test.env("GITHUB_ACTIONS", value),
            None => test.without_env("GITHUB_ACTIONS"),
        };
        test.stderr("endow: error: `GITHUB_ACTIONS` is not `true`: the lines that mask the values hold them, and only a runner of GitHub takes these out of its log\nhint: `endow run -- COMMAND` gives the values to a command everywhere\n")
            .status(2);
    }
}

#[test]
fn without_a_standard_error_for_the_masks_no_value_is_printed() {
    for redirection in ["2>&-", "2>/dev/full"] {
        let test = export("github", "value-of-a").env("GITHUB_ACTIONS", "true");
        let mut command = Command::new("sh");
        let output = command
            .args([
                "-c",
                &format!("exec {ENDOW} export --format github {redirection}"),
            ])
            .current_dir(test.path(""))
            .env("GITHUB_ACTIONS", "true")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{redirection}"
        );
    }
}

#[test]
fn the_documented_line_writes_the_file_of_github() {
    let test = export("github", "value-of-a");
    let script = format!("{ENDOW} export --format github >> \"$GITHUB_ENV\"");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(test.path(""))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_ENV", test.path("env"))
        .output()
        .expect("it starts");
    assert!(output.status.success());
    let file = std::fs::read_to_string(test.path("env")).unwrap();
    assert_eq!(file, "A<<ENDOW_0\nvalue-of-a\nENDOW_0\n");
}

#[test]
fn azure_is_given_secret_variables_in_one_line_each() {
    export("azure", "100%\r\n;]x")
        .env("TF_BUILD", "True")
        .prints_values()
        .stdout("##vso[task.setvariable variable=A;issecret=true]100%AZP25%0D%0A;]x\n")
        .success();
    export("azure", "value-of-a")
        .stderr("endow: error: `TF_BUILD` is not `True`: the lines that set the variables hold the values, and only an agent of Azure Pipelines takes these out of its log\nhint: `endow run -- COMMAND` gives the values to a command everywhere\n")
        .status(2);
}

#[test]
fn gitlab_is_refused_with_what_to_do_instead() {
    export("gitlab", "value-of-a")
        .stderr("endow: error: GitLab masks no value that a job makes\nhint: `endow run --redact -- COMMAND` in the job gives it the values, and keeps them out of its log\n")
        .status(2);
}

/// A stand-in for the agent: it keeps its arguments and what it is given.
fn agent(status: i32) -> Test {
    let test = export("buildkite", "it's\n\"x\"").file_with_mode(
        "bin/buildkite-agent",
        format!("#!/bin/sh\necho \"$@\" > arguments\ncat > given\nexit {status}\n"),
        0o755,
    );
    assert!(
        test.path("bin/buildkite-agent")
            .metadata()
            .expect("it is there")
            .permissions()
            .mode()
            & 1
            == 1
    );
    test
}

fn in_a_shell(test: &Test, script: &str) -> (Option<i32>, String) {
    let path = format!(
        "{}:{}",
        test.path("bin").display(),
        std::env::var("PATH").expect("PATH")
    );
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(test.path(""))
        .env("PATH", path)
        .stderr(Stdio::null())
        .output()
        .expect("it starts");
    (
        output.status.code(),
        String::from_utf8(output.stdout).expect("UTF-8"),
    )
}

#[test]
fn the_redactor_of_buildkite_has_the_values_before_the_shell() {
    let script = format!("set -e; eval \"$({ENDOW} export --format buildkite)\"; printf %s \"$A\"");
    let test = agent(0);
    assert_eq!(
        in_a_shell(&test, &script),
        (Some(0), "it's\n\"x\"".to_owned())
    );
    let arguments = std::fs::read_to_string(test.path("arguments")).unwrap();
    assert_eq!(arguments, "redactor add --format json\n");
    let given = std::fs::read(test.path("given")).unwrap();
    let given: serde_json::Value = serde_json::from_slice(&given).unwrap();
    assert_eq!(given, serde_json::json!({ "A": "it's\n\"x\"" }));
    assert_eq!(in_a_shell(&agent(1), &script), (Some(1), String::new()));
}

#[test]
fn a_failure_inside_of_eval_is_seen_by_the_shell() {
    for form in ["shell", "buildkite"] {
        for manifest in [
            "version: 1\nenv: { A: file://missing }\n",
            "version: 7\n",
            "",
        ] {
            let test = Test::manifest(manifest);
            let script =
                format!("set -e; eval \"$({ENDOW} export --format {form})\"; echo went on");
            assert_eq!(
                in_a_shell(&test, &script),
                (Some(1), String::new()),
                "{form} {manifest}"
            );
        }
    }
}

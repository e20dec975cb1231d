//! endow in a container.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::image::{KEY, NAME, podman, secrets};

/// How long podman gives a container to stop; one that stops at once takes much less.
const STOP: &str = "60";

/// `podman run` of the image; `endow` are the words of the entry point after the program.
fn run(options: &[&str], endow: &[&str], command: &[&str]) -> Command {
    let words: Vec<String> = ["/endow", "run"]
        .iter()
        .chain(endow)
        .chain(&["--"])
        .map(|word| format!("\"{word}\""))
        .collect();
    let mut run = podman();
    run.args(["run", "--rm", "--read-only", "--cap-drop", "all", "-v"])
        .arg(format!("{}:/run/secrets:ro", secrets().display()))
        .args(options)
        .args(["--entrypoint", &format!("[{}]", words.join(","))])
        .args([NAME])
        .args(command);
    run
}

/// Runs the program until it is ready, stops the container, and gives what it printed.
#[track_caller]
fn stopped(name: &str, options: &[&str], endow: &[&str]) -> String {
    let name = format!("endow-{name}-{}", std::process::id());
    let named = [options, &["--name", &name]].concat();
    let mut child = run(&named, endow, &["/app"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("podman starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut printed = String::new();
    for line in lines.by_ref() {
        let line = line.expect("text");
        if line.trim_end() == "ready" {
            break;
        }
        printed += line.trim_end();
        printed.push('\n');
    }
    let began = Instant::now();
    let stop = podman().args(["stop", "-t", STOP, &name]).output();
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stop.expect("podman starts").status.success(),
        "{printed}{errors}"
    );
    assert_eq!(output.status.code(), Some(7), "{printed}{errors}");
    assert!(began.elapsed() < Duration::from_secs(30), "it was killed");
    printed
}

fn expected(pid: &str) -> String {
    format!(
        "{pid}, user 1000, capabilities 0000000000000000, key {}, level info\n\
         root is read-only: true\n",
        KEY.len()
    )
}

#[test]
fn by_exec_the_program_is_pid_1_and_stops_at_once_with_its_own_status() {
    let printed = stopped("exec", &[], &[]);
    assert_eq!(printed, expected("pid 1, parent 0"));
}

#[test]
fn with_init_endow_is_pid_1_and_the_program_stops_at_once_with_its_own_status() {
    let printed = stopped("init", &[], &["--init"]);
    let (pid, rest) = printed.split_once(',').expect("a process id");
    assert_ne!(pid, "pid 1");
    assert_eq!(format!("pid N,{rest}"), expected("pid N, parent 1"));
}

#[test]
fn on_a_terminal_and_with_masks_it_is_the_same() {
    let printed = stopped("terminal", &["-t"], &["--redact"]);
    assert!(printed.contains(", user 1000, "), "{printed}");
}

#[test]
fn with_init_orphans_are_reaped() {
    let output = run(&[], &["--init"], &["/app", "orphans", "50"])
        .output()
        .expect("podman starts");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "50 orphans, 0 left\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_variable_without_a_value_starts_nothing() {
    let output = run(&["-e", "ENDOW_PROFILE=systemd"], &[], &["/app"])
        .output()
        .expect("podman starts");
    assert_eq!(output.status.code(), Some(125));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("2 of 3 variables have no value"),
        "{errors}"
    );
    assert!(output.stdout.is_empty());
}

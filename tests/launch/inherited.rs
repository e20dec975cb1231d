//! What the command inherits besides its environment is what endow inherited.

use std::process::Command;

use super::project;
use crate::harness::{Test, runtime};

/// Prints what a process inherits in words that a shell knows.
const SHOW: &str = "pwd -P; umask; nice; ulimit -S -n; ulimit -H -n; ulimit -S -c; ulimit -S -s; \
    cat /proc/self/limits";
const OPTIONS: [&str; 10] = [
    "--umask",
    "0137",
    "--nice",
    "7",
    "--limit",
    "NOFILE=123",
    "--limit",
    "CORE=hard",
    "--limit",
    "STACK=4194304",
];

#[track_caller]
fn assert_state_is_inherited(flags: &[&str]) {
    let test = project().directory("below/it").started_with(&OPTIONS);
    let directly = Command::new(runtime::python())
        .args(&runtime::program("start.py")[1..])
        .args(OPTIONS)
        .args(["--", "/bin/sh", "-c", SHOW])
        .current_dir(test.path("below/it"))
        .output()
        .expect("python starts");
    assert!(
        directly.status.success(),
        "{}",
        String::from_utf8_lossy(&directly.stderr)
    );
    let shown = String::from_utf8(directly.stdout.clone()).expect("text");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].ends_with("/home/project/below/it"), "{shown}");
    assert_eq!([lines[1], lines[3]], ["0137", "123"], "{shown}");
    // 7 more than what the tests themselves run at.
    assert_ne!(lines[2], "0", "{shown}");
    assert_eq!(lines[6], "4096", "{shown}");
    test.flags(flags)
        .run(["/bin/sh", "-c", SHOW])
        .stdout(directly.stdout)
        .success();
}

#[test]
fn directory_umask_niceness_and_limits_are_as_inherited() {
    assert_state_is_inherited(&[]);
}

#[test]
fn staying_changes_no_directory_umask_niceness_or_limit_of_the_child() {
    assert_state_is_inherited(&["--init"]);
}

/// A project whose resolving opens files of several kinds, with threads.
fn busy() -> Test {
    let mut manifest = "version: 1\nenv:\n  API_KEY: dotenv://.env\n".to_owned();
    let mut test = Test::new().dotenv("API_KEY=dev-key-launch\n");
    for index in 0..20 {
        manifest.push_str(&format!("  FILE_{index}: file://secrets/{index}\n"));
        test = test.file(&format!("secrets/{index}"), format!("secret-{index}"));
    }
    test.file("secretfile.yaml", manifest)
}

#[track_caller]
fn assert_descriptors(flags: &[&str]) {
    let test = busy()
        .file("seven", "of seven\n")
        .file("high", "of three hundred\n");
    let (seven, high) = (test.path("seven"), test.path("high"));
    let test = test.started_with(&[
        "--open",
        &format!("7={}", seven.display()),
        "--open",
        &format!("300={}", high.display()),
    ]);
    test.flags(flags)
        .shell("ls /proc/$$/fd; cat <&7; cat /proc/self/fd/300; true")
        .stdout("0\n1\n2\n300\n7\nof seven\nof three hundred\n")
        .success();
}

#[test]
fn open_descriptors_are_passed_on_and_no_other_is_open() {
    assert_descriptors(&[]);
}

#[test]
fn staying_leaves_the_child_no_other_descriptor() {
    assert_descriptors(&["--init"]);
}

#[test]
fn closed_standard_descriptors_stay_closed() {
    assert_closed_stay_closed("run --");
}

#[test]
fn staying_keeps_closed_standard_descriptors_closed() {
    assert_closed_stay_closed("run --init --");
}

#[track_caller]
fn assert_closed_stay_closed(run: &str) {
    let script = "open=; for fd in 0 1 2; do [ -h /proc/$$/fd/$fd ] && open=\"$open $fd\"; done; \
        echo \"open:$open, $API_KEY\" > result";
    for (closed, expected) in [
        (&[] as &[&str], " 0 1 2"),
        (&["0"], " 1 2"),
        (&["1"], " 0 2"),
        (&["2"], " 0 1"),
        (&["0", "1"], " 2"),
        (&["0", "2"], " 1"),
        (&["1", "2"], " 0"),
        (&["0", "1", "2"], ""),
    ] {
        let options: Vec<&str> = closed
            .iter()
            .flat_map(|number| ["--close", number])
            .collect();
        let test = busy().started_with(&options);
        let result = test.path("result");
        test.command()
            .args(run.split(' '))
            .args(["sh", "-c", script])
            .output()
            .map(|output| {
                assert!(
                    output.status.success(),
                    "closed: {closed:?}, {}",
                    output.status
                );
                assert!(
                    output.stdout.is_empty() && output.stderr.is_empty(),
                    "{closed:?}"
                );
            })
            .expect("endow starts");
        assert_eq!(
            std::fs::read_to_string(result).expect("the result"),
            format!("open:{expected}, dev-key-launch\n"),
            "closed: {closed:?}"
        );
    }
}

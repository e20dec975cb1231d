//! The end of programs that hang: by the deadline, and by a signal that ends endow.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::Program;

const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A legacy provider that hangs, with a process of its own for each id.
fn hanging() -> Program {
    Program::script(
        "#!/bin/sh
test $# = 1 || exit 1
here=$(dirname \"$0\")
sleep 600 &
echo \"$$ $!\" > \"$here/$1.new\"
mv \"$here/$1.new\" \"$here/$1\"
wait
",
    )
}

#[track_caller]
fn pids(program: &Program) -> Vec<String> {
    let began = Instant::now();
    let mut all = Vec::new();
    for id in ["a", "b", "c"] {
        while !program.path(id).exists() {
            assert!(began.elapsed() < LONGEST_WAIT, "{id} was not asked for");
            thread::sleep(Duration::from_millis(2));
        }
        let text = fs::read_to_string(program.path(id)).expect("its processes");
        all.extend(text.split_whitespace().map(str::to_owned));
    }
    all
}

/// Whether a process is there and no zombie.
fn lives(pid: &String) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn at_the_deadline_each_program_is_killed_with_its_group() {
    let program = hanging();
    let test = program.manifest(", timeout: 700ms", "A: own://a, B: own://b, C: own://c");
    let output = test.run(["true"]).any_stderr().status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("A, B, C: timed out: `"), "{stderr}");
    assert!(
        stderr.contains("did not answer in time, and was killed"),
        "{stderr}"
    );
    assert!(stderr.contains("hint: give it longer"), "{stderr}");
    let pids = pids(&program);
    assert_eq!(pids.len(), 6);
    assert!(!pids.iter().any(lives), "{pids:?}");
}

#[test]
fn a_signal_that_ends_endow_leaves_no_program() {
    let program = hanging();
    let test = program
        .manifest("", "A: own://a, B: own://b, C: own://c")
        .run(["touch", "started"]);
    let child = test.spawn();
    let pids = pids(&program);
    let pid = Pid::from_raw(child.id().try_into().expect("a process id"));
    kill(pid, Signal::SIGTERM).expect("it takes the signal");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.signal(), Some(Signal::SIGTERM as i32));
    let until = Instant::now() + LONGEST_WAIT;
    while pids.iter().any(lives) && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!pids.iter().any(lives), "{pids:?}");
    assert!(!test.path("started").exists());
}

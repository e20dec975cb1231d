use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Call, Cancel, Ended, Failure, Groups, Helpers, Status, work};
use crate::read::testing::{Scratch, block_on};

static GROUPS: Groups = Groups::new();

struct Shell {
    script: String,
    input: Vec<u8>,
    time: Duration,
    lines: usize,
}

/// `sh -c SCRIPT`, for at most 20 seconds.
fn shell(script: &str) -> Shell {
    Shell {
        script: script.into(),
        input: Vec::new(),
        time: Duration::from_secs(20),
        lines: usize::MAX,
    }
}

impl Shell {
    fn call(&self, cancel: &Cancel) -> Result<Ended, Failure> {
        let call = Call {
            program: Path::new("/bin/sh"),
            arguments: vec!["-c".into(), OsString::from(&self.script)],
            environment: &[("PATH".into(), "/usr/bin:/bin".into())],
            directory: None,
            input: &self.input,
            end: Instant::now() + self.time,
            approval: None,
            is_enough: &|output| {
                let lines = output.stdout.bytes().iter().filter(|byte| **byte == b'\n');
                // To count what nobody asks for takes longer than 16 MiB may.
                self.lines < usize::MAX && lines.count() >= self.lines
            },
        };
        call.run(&GROUPS, cancel)
    }

    fn run(self) -> Result<Ended, Failure> {
        self.call(&Cancel::default())
    }
}

fn is_gone(pid: &str) -> bool {
    let pid = Pid::from_raw(pid.trim().parse().unwrap());
    let until = Instant::now() + Duration::from_secs(10);
    while kill(pid, None) != Err(Errno::ESRCH) {
        if is_zombie(pid) || Instant::now() > until {
            return is_zombie(pid);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// An orphan whose new parent has not looked yet.
fn is_zombie(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

#[test]
fn what_it_says_and_how_it_ends_is_given_back() {
    let ended = shell("printf out; printf err >&2; exit 7").run().unwrap();
    assert_eq!(ended.status, Status::Exited(7));
    assert_eq!(&ended.stdout[..], b"out");
    assert_eq!(&ended.stderr[..], b"err");
    let ended = shell("kill -USR1 $$").run().unwrap();
    assert_eq!(ended.status, Status::Signalled(Signal::SIGUSR1));
}

#[test]
fn its_environment_is_what_it_was_given_alone() {
    let ended = shell("env").run().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split('=').next())
        // A shell adds these itself.
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    assert_eq!(names, ["PATH"]);
}

#[test]
fn more_than_a_pipe_holds_goes_both_ways() {
    let mut cat = shell("cat");
    cat.input = b"0123456789abcde\n".repeat(1 << 16);
    let input = cat.input.clone();
    assert!(cat.run().unwrap().stdout[..] == input[..]);
}

#[test]
fn standard_input_is_a_pipe() {
    let ended = shell("test -p /dev/stdin && printf pipe").run().unwrap();
    assert_eq!(&ended.stdout[..], b"pipe");
}

#[test]
fn one_that_reads_nothing_is_no_failure() {
    let mut deaf = shell("exec <&-; printf done");
    deaf.input = vec![b'x'; 1 << 20];
    assert_eq!(&deaf.run().unwrap().stdout[..], b"done");
}

#[test]
fn at_its_end_the_whole_group_is_killed_and_reaped() {
    let scratch = Scratch::new();
    let pids = scratch.path("pids");
    let mut hanging = shell(&format!(
        "sleep 600 & echo $! > {0}; echo $$ >> {0}; wait",
        pids.display()
    ));
    hanging.time = Duration::from_millis(500);
    let began = Instant::now();
    assert_eq!(hanging.run().err(), Some(Failure::TimedOut));
    assert!(began.elapsed() < Duration::from_secs(10));
    let pids = fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    assert!(pids.lines().all(is_gone), "{pids}");
}

#[test]
fn what_a_helper_leaves_behind_is_killed_and_not_waited_for() {
    let began = Instant::now();
    let ended = shell("sleep 600 & echo $!").run().unwrap();
    assert_eq!(ended.status, Status::Exited(0));
    assert!(is_gone(&String::from_utf8_lossy(&ended.stdout)));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn whoever_has_said_enough_is_not_waited_for() {
    let mut chatty = shell("echo one; echo two; sleep 600");
    chatty.lines = 2;
    let ended = chatty.run().unwrap();
    assert_eq!(ended.status, Status::Enough);
    assert_eq!(&ended.stdout[..], b"one\ntwo\n");
}

#[test]
fn more_than_it_may_say_ends_it() {
    assert_eq!(shell("yes").run().err(), Some(Failure::TooMuch));
    let ended = shell("yes | head -c 1000000 >&2").run().unwrap();
    assert_eq!(ended.stderr.len(), 64 << 10);
}

#[test]
fn one_that_is_not_there_says_so() {
    let call = Call {
        program: Path::new("/nonexistent/op"),
        arguments: Vec::new(),
        environment: &[],
        directory: None,
        input: b"",
        end: Instant::now() + Duration::from_secs(1),
        approval: None,
        is_enough: &|_| false,
    };
    let failure = call.run(&GROUPS, &Cancel::default()).err();
    let expected = Failure::NotStarted("no such file or directory".into());
    assert_eq!(failure, Some(expected));
}

#[test]
fn a_job_that_is_given_up_kills_what_it_runs_and_starts_nothing_more() {
    let scratch = Scratch::new();
    let pid = scratch.path("pid");
    let script = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; sleep 600",
        pid.display()
    );
    let (sender, receiver) = std::sync::mpsc::channel();
    let job = work(move |cancel| {
        let first = shell(&script).call(cancel).err();
        let second = shell("true").call(cancel).err();
        let _ = sender.send((first, second));
    });
    while !pid.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(job);
    let ends = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(ends.1, Some(Failure::Cancelled));
    assert!(is_gone(&fs::read_to_string(pid).unwrap()));
}

#[test]
fn a_job_gives_its_output() {
    let job = work(|cancel| shell("printf 7").call(cancel).ok().unwrap().stdout.to_vec());
    assert_eq!(block_on(job), Some(b"7".to_vec()));
}

fn program(path: &Path) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "#!/bin/sh\n").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_owned()
}

#[test]
fn programs_are_found_in_absolute_directories_outside_the_project() {
    let scratch = Scratch::new();
    let own = program(&scratch.path("bin/op"));
    let theirs = program(&scratch.path("repository/bin/op"));
    std::os::unix::fs::symlink(theirs.parent().unwrap(), scratch.path("link")).unwrap();
    fs::create_dir(scratch.path("linked")).unwrap();
    std::os::unix::fs::symlink(&theirs, scratch.path("linked/op")).unwrap();
    fs::create_dir(scratch.path("plain")).unwrap();
    fs::write(scratch.path("plain/op"), "").unwrap();
    let helpers = Helpers {
        project: vec![scratch.path("repository")],
        ..Helpers::default()
    };
    let directories = [
        "repository/bin",
        "link",
        "linked",
        "plain",
        "missing",
        "bin",
    ];
    let path = directories.map(|name| scratch.path(name));
    let path = std::env::join_paths(["bin".into(), PathBuf::new()].iter().chain(&path)).unwrap();
    assert_eq!(helpers.find("op", Some(&path)), Some(own));
    assert_eq!(helpers.find("no-such-program", Some(&path)), None);
    assert_eq!(helpers.find("op", None), None);
    let given = helpers.path(Some(&path));
    let kept: Vec<PathBuf> = std::env::split_paths(&given).collect();
    assert_eq!(kept.len(), 4);
    let is_outside = |path: &PathBuf| path.is_absolute() && !path.starts_with(scratch.path("link"));
    assert!(kept.iter().all(is_outside));
}

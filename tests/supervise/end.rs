//! endow ends as its child ended, and says what could not be started.

use std::process::Stdio;

use super::project;
use crate::{harness::Test, signals::as_init};

/// Signals that end a process that does nothing about them.
fn deadly() -> impl Iterator<Item = i32> {
    let stops_or_harmless = [
        nix::libc::SIGCHLD,
        nix::libc::SIGCONT,
        nix::libc::SIGSTOP,
        nix::libc::SIGTSTP,
        nix::libc::SIGTTIN,
        nix::libc::SIGTTOU,
        nix::libc::SIGURG,
        nix::libc::SIGWINCH,
    ];
    (1..=31)
        .chain([nix::libc::SIGRTMIN(), nix::libc::SIGRTMAX()])
        .filter(move |signal| !stops_or_harmless.contains(signal))
}

fn killed(test: Test, signal: i32) -> Test {
    // A core file would stand in the directory; none is written.
    let script = "import os, signal, sys\nnumber = int(sys.argv[1])\n\
        if number not in (9, 19): signal.signal(number, signal.SIG_DFL)\n\
        os.kill(os.getpid(), number)";
    let python = crate::harness::runtime::python();
    test.flags(["--init"]).run([
        python.as_os_str(),
        "-ISc".as_ref(),
        script.as_ref(),
        signal.to_string().as_ref(),
    ])
}

#[test]
fn every_exit_status_comes_through() {
    let template = project();
    for expected in 0..=255 {
        let status = template
            .command()
            .args([
                "run",
                "--init",
                "--",
                "sh",
                "-c",
                &format!("exit {expected}"),
            ])
            .stdin(Stdio::null())
            .status()
            .expect("endow starts");
        assert_eq!(status.code(), Some(expected));
    }
}

#[test]
fn death_by_a_signal_is_re_raised() {
    for signal in deadly() {
        killed(project().started_with(&["--limit", "CORE=hard"]), signal).killed_by(signal);
    }
}

#[test]
fn no_core_file_of_endow_is_written() {
    // The shell lowers its own limit, so that a core file could only be endow's.
    let test = project()
        .started_with(&["--limit", "CORE=hard"])
        .flags(["--init"])
        .shell("ulimit -c 0; kill -ABRT $$");
    let directory = test.path("");
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("the pattern");
    assert!(
        pattern.starts_with("core"),
        "core files are piped here ({pattern}), so this can't be shown"
    );
    let output = test.command().output().expect("endow ends");
    let status = std::os::unix::process::ExitStatusExt::signal(&output.status);
    assert_eq!(status, Some(nix::libc::SIGABRT));
    let cores = std::fs::read_dir(directory).expect("the project");
    let cores = cores
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("core"));
    assert_eq!(cores.count(), 0);
}

#[test]
fn as_pid_1_death_by_a_signal_is_128_and_its_number() {
    for signal in deadly() {
        killed(project().through(as_init()), signal).status(128 + signal);
    }
}

#[test]
fn what_can_not_be_executed_is_told_as_without_staying() {
    let project = || {
        project()
            .file("notes.txt", "plain text")
            .file_with_mode("no-interpreter", "#!/no/such/interpreter\n", 0o755)
            .file_with_mode("plain", "echo \"of the shell: $0 $1\"\n", 0o755)
            .flags(["--init"])
    };
    project()
        .run(["./notes.txt"])
        .stderr("endow: error: `./notes.txt` can't be executed: permission denied\n")
        .status(126);
    project()
        .run(["./no-interpreter"])
        .stderr(
            "endow: error: `./no-interpreter` can't be executed: the interpreter that it names was not found\n",
        )
        .status(126);
    project()
        .run(["./nothing"])
        .stderr("endow: error: `./nothing` was not found\n")
        .status(127);
    project()
        .run(["./plain", "word"])
        .stdout("of the shell: ./plain word\n")
        .success();
}

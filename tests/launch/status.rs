//! How the command ended is how endow ended.

use std::process::Stdio;

use nix::sys::signal::Signal;

use super::project;

#[test]
fn every_exit_status_comes_through() {
    let template = project();
    for expected in 0..=255 {
        let script = format!("exit {expected}");
        let status = template
            .command()
            .args(["run", "--", "sh", "-c", &script])
            .stdin(Stdio::null())
            .status()
            .expect("endow starts");
        assert_eq!(status.code(), Some(expected));
    }
}

#[test]
fn death_by_a_signal_is_seen_as_that_signal() {
    let stopping = [
        Signal::SIGSTOP,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
    ];
    let harmless = [
        Signal::SIGCHLD,
        Signal::SIGCONT,
        Signal::SIGURG,
        Signal::SIGWINCH,
    ];
    let deadly = Signal::iterator()
        .filter(|signal| !stopping.contains(signal) && !harmless.contains(signal));
    let mut count = 0;
    for signal in deadly {
        let number = signal as i32;
        // What the caller of the tests ignores is not ignored here.
        project()
            .started_with(&[])
            .shell(&format!("ulimit -c 0; kill -{number} $$; exit 77"))
            .killed_by(number);
        count += 1;
    }
    assert!(count > 20, "only {count} signals were tried");
}

#[test]
fn a_shell_sees_128_and_the_signal() {
    let test = project()
        .through(["sh", "-c", "\"$@\"; echo $?", "sh"])
        .run(["sh", "-c", "kill -KILL $$"]);
    let output = test.any_stderr().stdout("137\n").success();
    // The shell may say `Killed`; endow is gone and says nothing.
    assert!(!String::from_utf8_lossy(&output.stderr).contains("endow:"));
}

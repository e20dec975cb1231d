//! Signals that are sent to endow reach the child, each once.

use std::time::{Duration, Instant};

use nix::libc;

use super::{Output, child, project};

/// The signals that are not forwarded.
const KEPT: [i32; 9] = [
    libc::SIGBUS,
    libc::SIGCHLD,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGKILL,
    libc::SIGSEGV,
    libc::SIGSTOP,
    libc::SIGSYS,
    libc::SIGTRAP,
];

fn send(process: u32, signal: i32) {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{signal} {process}")])
        .status()
        .expect("sh starts");
    assert!(status.success(), "signal {signal} to {process}");
}

#[test]
fn every_signal_is_forwarded_once() {
    let forwarded = (1..=31)
        .chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
        .filter(|signal| !KEPT.contains(signal));
    let test = project()
        .started_with(&[])
        .flags(["--init"])
        .run(child(&["record"]));
    let mut endow = test.spawn();
    let mut output = Output::of(&mut endow);
    let pid = output.line().parse().expect("a process id");
    let mut count = 0;
    for signal in forwarded {
        send(endow.id(), signal);
        assert_eq!(output.line(), signal.to_string());
        count += 1;
    }
    assert_eq!(count, 22 + 31, "22 signals and 31 real-time ones");
    // A second one of any would stand before it.
    send(endow.id(), libc::SIGUSR1);
    assert_eq!(output.line(), libc::SIGUSR1.to_string());
    send(pid, libc::SIGKILL);
    let status = endow.wait().expect("it ends");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(libc::SIGKILL)
    );
}

#[test]
fn signals_that_wait_together_all_arrive() {
    let test = project()
        .started_with(&[])
        .flags(["--init"])
        .run(child(&["record"]));
    let mut endow = test.spawn();
    let mut output = Output::of(&mut endow);
    let pid: u32 = output.line().parse().expect("a process id");
    let real_time = libc::SIGRTMIN() + 3;
    send(endow.id(), libc::SIGSTOP);
    for _ in 0..20 {
        send(endow.id(), real_time);
    }
    send(endow.id(), libc::SIGCONT);
    let mut lines: Vec<String> = (0..21).map(|_| output.line()).collect();
    lines.retain(|line| *line != libc::SIGCONT.to_string());
    assert_eq!(lines, vec![real_time.to_string(); 20]);
    send(pid, libc::SIGKILL);
    endow.wait().expect("it ends");
}

/// A manifest that says how to stop.
fn stopping(words: &str) -> crate::harness::Test {
    crate::harness::Test::manifest(&format!("version: 1\nrun: {{ {words} }}\n"))
        .started_with(&[])
        .flags(["--init"])
}

#[test]
fn a_stop_is_forwarded_as_the_stop_signal() {
    let test = stopping("stop_signal: QUIT").run(child(&["record"]));
    let mut endow = test.spawn();
    let mut output = Output::of(&mut endow);
    let pid = output.line().parse().expect("a process id");
    for (sent, seen) in [(libc::SIGTERM, libc::SIGQUIT), (libc::SIGINT, libc::SIGINT)] {
        send(endow.id(), sent);
        assert_eq!(output.line(), seen.to_string());
    }
    send(pid, libc::SIGKILL);
    endow.wait().expect("it ends");
}

#[test]
fn what_does_not_stop_in_time_is_killed_with_its_group() {
    let script = "trap '' TERM; sleep 600 & echo $!; while :; do wait; done";
    let test = stopping("stop_timeout: 300ms").shell(script);
    let mut endow = test.spawn();
    let mut output = Output::of(&mut endow);
    let below = output.line();
    let began = Instant::now();
    send(endow.id(), libc::SIGTERM);
    let status = endow.wait().expect("it ends");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(libc::SIGKILL)
    );
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_is_gone(&below);
}

/// A process that was killed is gone, or a zombie that nobody has reaped yet.
#[track_caller]
fn assert_is_gone(process: &str) {
    let end = Instant::now() + crate::signals::LONGEST_WAIT;
    while let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) {
        if stat.contains(") Z ") {
            return;
        }
        assert!(Instant::now() < end, "{process} lives");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_stops_in_time_ends_with_its_own_status() {
    let test = stopping("stop_timeout: 30s").run(child(&["count"]));
    let mut endow = test.spawn();
    let mut output = Output::of(&mut endow);
    assert_eq!(output.line(), "ready");
    send(endow.id(), libc::SIGTERM);
    assert_eq!(output.line(), "counted 0");
    assert_eq!(endow.wait().expect("it ends").code(), Some(4));
}

#[test]
fn a_service_managers_variables_name_the_child() {
    let script = "echo $LISTEN_PID,$WATCHDOG_PID | sed s/$$/CHILD/g; echo $LISTEN_FDS";
    // The shell becomes endow, so that its id is the one that the manager would say.
    let manager = "LISTEN_PID=$$ WATCHDOG_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    for flags in [&[][..], &["--init"]] {
        crate::harness::Test::manifest("version: 1\ninherit: [WATCHDOG_PID]\n")
            .through(["sh", "-c", manager, "sh"])
            .flags(flags)
            .shell(script)
            .stdout("CHILD,CHILD\n1\n")
            .success();
    }
    crate::harness::Test::manifest("version: 1\n")
        .env("LISTEN_PID", "1")
        .flags(["--init"])
        .shell("echo $LISTEN_PID")
        .stdout("1\n")
        .success();
}

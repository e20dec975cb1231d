//! Approvals: the terminal is lent and comes back, a hanging `op` is killed, several endows wait in
//! turn.

use std::{
    ffi::OsString,
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::{Child, Output},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use super::{StandIn, chat, project};
use crate::harness::{ENDOW, Test, runtime};

const FIELDS: [(&str, &str); 1] = [("a", "value-of-a")];
/// How long a test waits for what happens at once, on however slow a machine.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The project with a stand-in that does this.
fn behaving(key: &str, value: impl Into<Value>) -> (Test, StandIn) {
    let mut config = chat(&FIELDS);
    config[key] = value.into();
    StandIn::install(project(&FIELDS), &config)
}

/// Runs a shell script on a terminal, where `endow` is endow, and types.
fn on_terminal(test: Test, typed: &[(&str, &str)], script: &str) -> Test {
    let mut words: Vec<OsString> = runtime::program("keyboard.py");
    for (when, text) in typed {
        words.extend(["--when", when, "--type", text].map(OsString::from));
    }
    let script = format!("endow() {{ {ENDOW} \"$@\"; }}\n{script}");
    let shell = runtime::find("sh");
    words.extend(["--".into(), shell.into(), "-c".into(), script.into()]);
    // The command line of endow itself stands in the script, so its words are the shell's `$0`.
    test.through(words).any_stdout()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits for a file, and says what it holds.
#[track_caller]
fn content(path: &Path) -> String {
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < LONGEST_WAIT, "no {}", path.display());
        thread::sleep(Duration::from_millis(2));
    }
    fs::read_to_string(path).expect("the file")
}

/// Whether a process is there and no zombie.
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn a_helper_that_asks_gets_the_terminal_and_endow_takes_it_back() {
    let (test, op) = behaving("prompt", true);
    let typed = [("approve? ", "y\\n"), ("status 0", "hello\\n")];
    let script =
        "endow run -- sh -c 'echo started'; echo \"status $?\"; read line; echo \"read $line\"";
    let output = on_terminal(test, &typed, script).success();
    let shown = shown(&output);
    assert!(shown.contains("started\n"), "{shown}");
    assert!(shown.ends_with("read hello\n"), "{shown}");
    assert_eq!(op.words(), ["inject"]);
}

#[test]
fn while_an_approval_is_waited_for_it_is_said_where() {
    let (test, _op) = behaving("prompt", true);
    // The answer comes once the line is there.
    let typed = [("waiting for op (approve in 1Password)", "y\\n")];
    let script = "endow run -- sh -c 'echo started'; echo \"status $?\"";
    let shown = shown(&on_terminal(test, &typed, script).success());
    assert!(shown.ends_with("started\nstatus 0\n"), "{shown}");
}

#[test]
fn a_dismissed_approval_is_unauthenticated_and_not_asked_again() {
    let (test, op) = behaving("prompt", true);
    let output = on_terminal(
        test,
        &[("approve? ", "n\\n")],
        "endow check; echo \"status $?\"",
    );
    let shown = shown(&output.success());
    assert!(
        shown.contains("was dismissed, or nobody answered it"),
        "{shown}"
    );
    assert!(shown.ends_with("status 3\n"), "{shown}");
    assert_eq!(op.words(), ["inject"]);
}

#[test]
fn the_interrupt_key_ends_endow_while_a_helper_has_the_terminal() {
    let (test, _op) = behaving("prompt", true);
    let typed = [("approve? ", "^C"), ("status 130", "hello\\n")];
    // A shell that is not ended with its child.
    let script =
        "trap : INT; endow run -- true; echo \"status $?\"; read line; echo \"read $line\"";
    let shown = shown(&on_terminal(test, &typed, script).success());
    assert!(shown.ends_with("read hello\n"), "{shown}");
}

#[test]
fn a_signal_that_ends_endow_gives_the_terminal_back() {
    let (test, op) = behaving("prompt", true);
    // The sixth number of its state is the group that has the terminal.
    let end = "\
until pid=$(cat endow.pid 2>/dev/null) && read -r stat < /proc/$pid/stat && set -- $stat &&
    test \"$8\" != \"$5\"; do sleep 0.01; done
kill -TERM $pid
";
    let test = test.file("end.sh", end);
    let typed = [("approve? ", ""), ("all gone", "hello\\n")];
    // In the foreground group itself, as a command of a script is.
    // A killed `op` may still take what is typed before it is gone.
    let script = format!(
        "sh end.sh & sh -c 'echo $$ > endow.pid; exec {ENDOW} run -- true' 2>/dev/null; \
         echo \"status $?\"; pid=$(sed -n 's/.*\"pid\": \\([0-9]*\\).*/\\1/p' {}); \
         while read -r stat 2>/dev/null < /proc/$pid/stat; do set -- $stat; \
         test \"$3\" = Z && break; sleep 0.01; done; \
         echo all gone; read line; echo \"read $line\"",
        op.path("op.jsonl").display()
    );
    let shown = shown(&on_terminal(test, &typed, &script).success());
    assert!(shown.contains("status 143\n"), "{shown}");
    assert!(shown.ends_with("read hello\n"), "{shown}");
}

#[test]
fn the_suspend_key_stops_endow_and_it_goes_on_where_it_was() {
    let (test, _op) = behaving("prompt", true);
    let typed = [("approve? ", "^Z"), ("stopped now", "y\\n")];
    let script =
        "set -m; endow run -- echo started; echo stopped now; fg >/dev/null; echo \"status $?\"";
    let shown = shown(&on_terminal(test, &typed, script).success());
    assert!(shown.contains("started\n"), "{shown}");
}

#[test]
fn without_a_terminal_a_question_is_unauthenticated() {
    let (test, op) = behaving("prompt", true);
    let output = test
        .started_with(&["--session", "new"])
        .run(["true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("A: unauthenticated: 1Password's app does not answer"),
        "{stderr}"
    );
    assert_eq!(op.words(), ["inject"]);
}

#[test]
fn a_hanging_op_is_ended_by_the_deadline_with_what_to_do() {
    let (test, op) = behaving("hang", true);
    let began = Instant::now();
    test.started_with(&["--session", "new"])
        .args(["run", "--timeout", "700ms", "--", "touch", "started"])
        .stderr(
            "endow: error: the variable has no value; the command was not started\n  \
             A: timed out: `op` did not answer in time, and was killed \
             (op://AI Team/Chat/a, secretfile.yaml:3)\n    \
             hint: it may wait for an approval that nobody sees: sign in beforehand with \
             `op signin`, or use a service account: OP_SERVICE_ACCOUNT_TOKEN\n",
        )
        .status(125);
    assert!(began.elapsed() >= Duration::from_millis(700));
    let pids = content(&op.path("hanging"));
    assert!(pids.split(' ').all(|pid| !lives(pid)), "{pids}");
}

/// Ends a waiting endow by a signal; how long that took, and how it ended.
fn ended(child: Child, signal: Signal) -> (Duration, Output) {
    let pid = Pid::from_raw(child.id().try_into().expect("a process id"));
    let began = Instant::now();
    kill(pid, signal).expect("it takes the signal");
    let output = child.wait_with_output().expect("it ends");
    (began.elapsed(), output)
}

#[test]
fn a_signal_ends_endow_within_100_ms_and_leaves_no_process_of_a_hanging_op() {
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        // The best of some: another process may have had the processor.
        let mut took = Vec::new();
        while took.iter().all(|time| *time > Duration::from_millis(100)) {
            assert!(took.len() < 5, "{signal}: {took:?}");
            let (test, op) = behaving("hang", true);
            let test = test
                .started_with(&["--session", "new"])
                .run(["touch", "started"]);
            let child = test.spawn();
            let pids = content(&op.path("hanging"));
            let (time, output) = ended(child, signal);
            assert_eq!(output.status.signal(), Some(signal as i32));
            let until = Instant::now() + LONGEST_WAIT;
            while pids.split(' ').any(lives) && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
            assert!(!pids.split(' ').any(lives), "{signal}: {pids}");
            assert!(!test.path("started").exists());
            test.compare(&output);
            took.push(time);
        }
    }
}

#[test]
fn several_endows_wait_in_turn_for_one_approval() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("its mode");
    let marker = directory.path().join("approved");
    let mut config = chat(&FIELDS);
    config["approval_seconds"] = json!(1);
    config["approved_by"] = json!(marker);
    let (first, op) = StandIn::install(project(&FIELDS), &config);
    let path = runtime::path_with(&op.path("op"));
    let second = project(&FIELDS).env("PATH", path);
    let run = |test: Test| {
        let test = test.env("XDG_RUNTIME_DIR", directory.path());
        on_terminal(test, &[], "endow run -- echo started").success()
    };
    let ends = thread::scope(|scope| {
        let both = [first, second].map(|test| scope.spawn(|| run(test)));
        both.map(|thread| thread.join().expect("it ends"))
    });
    assert!(
        ends.iter()
            .all(|output| shown(output).ends_with("started\n"))
    );
    let runs = op.runs();
    let at = |run: &Value| run["at"].as_f64().expect("a time");
    assert_eq!(runs.len(), 2);
    // The second asked only when the first had its approval, and needed none of its own.
    assert!(at(&runs[1]) - at(&runs[0]) >= 1.0, "{runs:?}");
}

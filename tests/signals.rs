//! Signals and waiting: what ends endow before launch, and what the command inherits.

mod ending;
mod inherited;
mod progress;
mod waiting;

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::harness::Test;

/// How long a test waits for what happens at once, on however slow a machine.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A project whose only value comes from a FIFO.
pub(crate) fn project() -> Test {
    let test = Test::manifest("version: 1\nenv: { API_KEY: dotenv://fifo }\n");
    mkfifo(&test.path("fifo"), Mode::from_bits_truncate(0o600)).expect("a FIFO");
    test
}

/// Waits until endow reads the FIFO: to open one for writing takes until somebody does.
#[track_caller]
pub(crate) fn writer(test: &Test) -> File {
    let (sender, receiver) = mpsc::channel();
    let fifo: PathBuf = test.path("fifo");
    thread::spawn(move || sender.send(File::options().write(true).open(fifo)));
    receiver
        .recv_timeout(LONGEST_WAIT)
        .expect("endow opens the FIFO")
        .expect("the FIFO can be written")
}

/// The only child of a process.
#[track_caller]
pub(crate) fn child_of(parent: &Child) -> i32 {
    let wanted = format!("PPid:\t{}", parent.id());
    let children: Vec<i32> = fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            // A process that ended meanwhile was no child.
            fs::read_to_string(format!("/proc/{pid}/status"))
                .is_ok_and(|status| status.lines().any(|line| line == wanted))
        })
        .collect();
    assert_eq!(
        children.len(),
        1,
        "children of {}: {children:?}",
        parent.id()
    );
    children[0]
}

/// Words that make endow PID 1 of a new PID namespace.
#[track_caller]
pub(crate) fn as_init() -> Vec<&'static str> {
    let namespace = ["unshare", "--pid", "--fork", "--mount-proc"];
    let of_a_user = ["--user", "--map-root-user"];
    let is_root = nix::unistd::geteuid().is_root();
    let words: Vec<&str> = namespace
        .into_iter()
        .chain(of_a_user.into_iter().filter(|_| !is_root))
        .collect();
    let tried = Command::new(crate::harness::runtime::find("unshare"))
        .args(&words[1..])
        .arg("true")
        .output()
        .expect("unshare starts");
    assert!(
        tried.status.success(),
        "no PID namespace can be made here, so endow can't be tested as PID 1: run the tests as \
         root with CAP_SYS_ADMIN, or allow user namespaces \
         (sysctl kernel.apparmor_restrict_unprivileged_userns=0); {}",
        String::from_utf8_lossy(&tried.stderr)
    );
    words
}

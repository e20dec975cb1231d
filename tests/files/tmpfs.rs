//! Files on tmpfs.

use std::{fs, path::PathBuf, time::Instant};

use nix::sys::signal::{Signal, kill};

use super::{VALUE, project};
use crate::{harness::wait, signals::LONGEST_WAIT};

/// Waits until the command has said its path, and gives it.
#[track_caller]
fn path_of(child: &mut std::process::Child) -> PathBuf {
    use std::io::{BufRead, BufReader};
    let output = child.stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).expect("a line");
    PathBuf::from(line.trim_end())
}

#[test]
fn the_variable_names_a_file_that_is_gone_afterwards() {
    let own = nix::unistd::geteuid();
    let output = project("{ file: tmpfs, name: sa.json }")
        .shell("echo $KEY_FILE; cat $KEY_FILE; stat -c ' %a %u' $KEY_FILE")
        .prints_values()
        .any_stdout()
        .success();
    let printed = String::from_utf8(output.stdout).expect("text");
    let (path, rest) = printed.split_once('\n').expect("a line");
    assert_eq!(rest, format!("{VALUE} 400 {own}\n"));
    assert!(
        path.starts_with(&format!("/dev/shm/endow-{own}/")),
        "{path}"
    );
    assert!(path.ends_with("/KEY_FILE/sa.json"), "{path}");
    assert!(!PathBuf::from(path).exists());
    let run = PathBuf::from(path);
    let run = run.ancestors().nth(2).expect("the run's directory");
    assert!(!run.exists(), "{}", run.display());
}

#[test]
fn it_is_gone_where_a_signal_ended_the_command() {
    let test = project("{ file: tmpfs }").shell("echo $KEY_FILE; exec sleep 60");
    let mut child = test.spawn();
    let path = path_of(&mut child);
    assert_eq!(fs::read_to_string(&path).expect("the file"), VALUE);
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().expect("a process id"));
    kill(pid, Signal::SIGTERM).expect("it takes the signal");
    let status = child.wait().expect("it ends");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(Signal::SIGTERM as i32)
    );
    assert!(!path.exists());
}

#[test]
fn it_is_gone_where_the_command_could_not_be_executed() {
    let runtime = tempfile::tempdir_in("/dev/shm").expect("a directory");
    project("{ file: tmpfs }")
        .env("XDG_RUNTIME_DIR", runtime.path())
        .file_with_mode("no-interpreter", "#!/no/such/interpreter\n", 0o755)
        .run(["./no-interpreter"])
        .any_stderr()
        .status(126);
    let own = runtime
        .path()
        .join(format!("endow-{}", nix::unistd::geteuid()));
    assert_eq!(fs::read_dir(own).expect("the directory").count(), 0);
}

/// The only child of a process.
fn command_of(endow: &std::process::Child) -> nix::unistd::Pid {
    let path = format!("/proc/{0}/task/{0}/children", endow.id());
    let children = fs::read_to_string(path).expect("its children");
    let child = children.split_whitespace().next().expect("a child");
    nix::unistd::Pid::from_raw(child.parse().expect("a process id"))
}

#[test]
fn after_a_kill_the_next_run_removes_it_and_no_file_of_a_run_that_lives() {
    let runtime = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let spawn = |test: &crate::harness::Test| {
        let mut child = test.spawn();
        let path = path_of(&mut child);
        assert!(path.starts_with(runtime.path()), "{}", path.display());
        (child, path)
    };
    let test = project("{ file: tmpfs }")
        .env("XDG_RUNTIME_DIR", runtime.path())
        .shell("echo $KEY_FILE; exec sleep 60");
    let (mut killed, left) = spawn(&test);
    let command = command_of(&killed);
    let (mut living, kept) = spawn(&test);
    killed.kill().expect("it is killed");
    killed.wait().expect("it ends");
    let next = || {
        project("file")
            .env("XDG_RUNTIME_DIR", runtime.path())
            .run(["true"])
            .success()
    };
    // The command lives on, and reads its file.
    next();
    assert_eq!(fs::read_to_string(&left).expect("the file"), VALUE);
    kill(command, Signal::SIGKILL).expect("the command lives");
    wait::until("the command is gone", || kill(command, None).is_err());
    next();
    assert!(!left.exists());
    assert_eq!(fs::read_to_string(&kept).expect("the file"), VALUE);
    let pid = nix::unistd::Pid::from_raw(living.id().try_into().expect("a process id"));
    kill(pid, Signal::SIGTERM).expect("it takes the signal");
    living.wait().expect("it ends");
    let end = Instant::now() + LONGEST_WAIT;
    while kept.exists() {
        assert!(Instant::now() < end);
    }
}

#[test]
fn a_directory_on_a_disk_is_passed_over() {
    // The project is wherever tests are; /proc is certainly no tmpfs.
    project("{ file: tmpfs }")
        .env("XDG_RUNTIME_DIR", "/proc/self")
        .shell("echo ${KEY_FILE%/endow-*}; cat $KEY_FILE")
        .prints_values()
        .stdout(format!("/dev/shm\n{VALUE}"))
        .success();
}

/// Everybody may make a directory of that name in /dev/shm: it is not believed, and no end either.
#[test]
fn a_directory_of_the_name_that_is_a_link_or_another_users_is_passed_by() {
    let own = format!("endow-{}", nix::unistd::geteuid());
    let elsewhere = tempfile::tempdir().expect("a directory");
    for is_link in [true, false] {
        let runtime = tempfile::tempdir_in("/dev/shm").expect("a directory");
        let taken = runtime.path().join(&own);
        if is_link {
            std::os::unix::fs::symlink(elsewhere.path(), &taken).expect("a link");
        } else {
            fs::create_dir(&taken).expect("a directory");
            std::os::unix::fs::chown(&taken, Some(54_321), None).expect("root may give it away");
        }
        let mut names = Vec::new();
        for _ in 0..2 {
            let output = project("{ file: tmpfs }")
                .env("XDG_RUNTIME_DIR", runtime.path())
                .shell("test -f $KEY_FILE && echo ${KEY_FILE%/*/KEY_FILE/*}")
                .any_stdout()
                .success();
            let path = String::from_utf8(output.stdout).expect("text");
            let start = runtime.path().join(format!("{own}."));
            assert!(path.starts_with(start.to_str().expect("text")), "{path}");
            names.push(path);
        }
        assert_eq!(names[0], names[1], "the second run takes the first one's");
        let left = fs::read_dir(names[0].trim_end()).expect("it stays");
        assert_eq!(left.count(), 0, "no run leaves a file");
        assert_eq!(fs::read_dir(elsewhere.path()).expect("it").count(), 0);
        let in_taken = fs::read_dir(&taken).expect("it");
        assert_eq!(in_taken.count(), 0);
    }
}

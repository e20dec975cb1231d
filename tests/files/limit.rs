//! The limit of a file's size (`ulimit -f`), which files in memory have too.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
};

use super::{VALUE, WAYS, project};
use crate::harness::Test;

/// `VALUE` is wanted as a file, and no file may have more bytes than this.
fn limited(how: &str, bytes: usize) -> Test {
    project(how).started_with(&["--limit", &format!("FSIZE={bytes}")])
}

#[test]
fn a_value_that_is_larger_than_a_file_may_be_is_said_and_the_command_is_not_started() {
    for how in ["file", "{ file: tmpfs }"] {
        for flags in WAYS {
            for limit in [0, VALUE.len() - 1] {
                let runtime = tempfile::tempdir_in("/dev/shm").expect("a directory");
                limited(how, limit)
                    .env("XDG_RUNTIME_DIR", runtime.path())
                    .flags(flags)
                    .run(["touch", "started"])
                    .stderr(format!(
                        "endow: error: the file of `KEY_FILE` can't be made: it has {} bytes, and \
                         no file may have more than {limit} here (`ulimit -f`, systemd's \
                         LimitFSIZE=)\n",
                        VALUE.len()
                    ))
                    .status(125);
                for own in fs::read_dir(runtime.path()).expect("it is listed") {
                    let own = own.expect("the directory of the user").path();
                    assert_eq!(fs::read_dir(own).expect("it is listed").count(), 0);
                }
            }
        }
    }
}

#[test]
fn a_value_that_is_as_large_as_a_file_may_be_is_written() {
    for how in ["file", "{ file: tmpfs }"] {
        limited(how, VALUE.len())
            .shell("cat $KEY_FILE")
            .prints_values()
            .stdout(VALUE)
            .success();
    }
}

#[test]
fn what_the_command_writes_beyond_the_limit_ends_it_as_without_endow() {
    for flags in WAYS {
        limited("file", VALUE.len())
            .flags(flags)
            .shell("exec head -c 18 /dev/zero > large")
            .killed_by(nix::sys::signal::Signal::SIGXFSZ as i32);
    }
}

#[test]
fn what_endow_prints_into_a_file_beyond_the_limit_is_said() {
    let test = limited("{ file: memory }", VALUE.len() - 1).args(["get", "KEY_FILE"]);
    let file = fs::File::create(test.path("output")).expect("a file");
    let output = test.command().stdout(file).output().expect("endow ends");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "endow: error: standard output: file too large\n"
    );
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_warning_that_is_beyond_the_limit_is_not_missed() {
    let test = Test::manifest("version: 1\nvalues: { A: a }\n")
        .started_with(&["--limit", "FSIZE=0"])
        .env("ENDOW_LOG", "no-level")
        .run(["true"]);
    let file = fs::File::create(test.path("errors")).expect("a file");
    let status = test.command().stderr(file).status().expect("endow ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_value_that_grows_beyond_the_limit_leaves_the_command_with_the_one_that_it_has() {
    let manifest =
        "version: 1\nrun: { watch: 100ms }\nenv: { KEY_FILE: { from: dotenv://.env, as: file } }\n";
    let test = Test::manifest(manifest)
        .file_with_mode(".env", "KEY_FILE=short-value\n", 0o600)
        .started_with(&["--limit", "FSIZE=16"])
        .shell("echo ready; until [ -e go ]; do sleep 0.05; done; cat $KEY_FILE");
    let mut child = test.spawn();
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut ready = String::new();
    output.read_line(&mut ready).expect("a line");
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let new = test.path("new");
    fs::write(&new, "KEY_FILE=a-value-that-is-longer\n").expect("a file of the test");
    fs::rename(new, test.path(".env")).expect("it is replaced");
    let mut warnings = String::new();
    for _ in 0..2 {
        errors.read_line(&mut warnings).expect("a line");
    }
    assert_eq!(
        warnings,
        "endow: warning: `KEY_FILE` changed: the command is started again\n\
         endow: warning: the command is not started again: the file of `KEY_FILE` can't be made: \
         it has 22 bytes, and no file may have more than 16 here (`ulimit -f`, systemd's \
         LimitFSIZE=)\n"
    );
    fs::write(test.path("go"), "").expect("a file of the test");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "short-value");
    let status = child.wait().expect("endow ends");
    assert!(status.success(), "{status}");
}

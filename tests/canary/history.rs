//! A shell at which a person uses endow, and what it remembers.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use super::{
    room::private,
    value::{Canary, Search},
};
use crate::harness::{ENDOW, Test, runtime};

const LINES: &str = "\
endow run -- sh -c 'test \"$PLAIN\"'
endow get PLAIN > /dev/null
eval \"$(endow export --format shell)\"
test \"$PLAIN\" && echo it is here
endow check --format json
history -a
exit
";

#[test]
fn the_history_of_a_shell_has_commands_and_no_value() {
    let canary = Canary::plain();
    let dotenv = [b"PLAIN=", &canary.value[..]].concat();
    let test = private(Test::manifest(
        "version: 1\nenv: { PLAIN: dotenv://.env }\n",
    ));
    let test = test.file_with_mode(".env", dotenv, 0o600);
    let file = test.path("../.bash_history");
    let mut bash = Command::new(runtime::find("bash"))
        .args(["--norc", "--noprofile", "-i"])
        .env_clear()
        .env("PATH", runtime::path_with(Path::new(ENDOW)))
        .env("HOME", test.path(".."))
        .env("HISTFILE", &file)
        .current_dir(test.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash starts");
    let mut input = bash.stdin.take().expect("a pipe");
    input.write_all(LINES.as_bytes()).expect("bash reads");
    drop(input);
    let output = bash.wait_with_output().expect("bash ends");
    let history = fs::read(&file).expect("the history");
    let lines = String::from_utf8_lossy(&history);
    assert!(lines.contains("endow get PLAIN"), "{lines}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("it is here"), "{said}");
    let search = Search::of(&[canary]);
    for bytes in [&history, &output.stdout, &output.stderr] {
        let found = search.find(bytes);
        assert!(found.is_empty(), "{found:?}");
    }
}

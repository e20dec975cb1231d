//! Manifests that no file of the repository can hold: too long, too deep, unreadable, not text.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use nix::{
    sys::stat::Mode,
    unistd::{Uid, mkfifo},
};

use crate::harness::Test;

/// `explain` with this file as the manifest.
fn explained(content: impl AsRef<[u8]>) -> Test {
    Test::new()
        .file("secretfile.yaml", content)
        .args(["explain"])
}

#[test]
fn a_file_of_two_mebibytes_is_too_long() {
    let line = "# a comment that goes on and on and on and on and on and on and on\n";
    explained(format!(
        "version: 1\n{}",
        line.repeat((2 << 20) / line.len())
    ))
    .stderr("endow: error: secretfile.yaml is longer than 1 MiB; a manifest is a page or two\n")
    .status(2);
}

#[test]
fn an_endless_file_is_too_long_and_does_not_hang() {
    Test::new()
        .args(["--file", "/dev/zero", "explain"])
        .stderr("endow: error: /dev/zero is longer than 1 MiB; a manifest is a page or two\n")
        .status(2);
}

#[test]
fn a_long_file_whose_middle_of_a_character_is_cut_is_too_long_and_not_badly_encoded() {
    explained(format!("# {}\n", "\u{20ac}".repeat(700_000)))
        .stderr("endow: error: secretfile.yaml is longer than 1 MiB; a manifest is a page or two\n")
        .status(2);
}

#[test]
fn a_directory_of_that_name_stops_the_search() {
    Test::manifest("version: 1\n")
        .file("below/secretfile.yaml/inside", "")
        .directory("below")
        .args(["explain"])
        .stderr("endow: error: secretfile.yaml: is a directory, not a manifest\n")
        .status(2);
}

#[test]
fn a_fifo_of_that_name_is_refused_and_not_waited_for() {
    let test = Test::manifest("version: 1\nextends: pipe\n");
    let pipe = |name: &str| mkfifo(&test.path(name), Mode::from_bits_truncate(0o600)).unwrap();
    fs::create_dir(test.path("below")).unwrap();
    pipe("below/secretfile.yaml");
    pipe("pipe");
    let run = |directory: &str| {
        let mut command = test.command();
        let command = command.arg("explain").current_dir(test.path(directory));
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let refused = "endow: error: secretfile.yaml: is not a regular file\n";
    assert_eq!(run("below"), (Some(2), refused.to_owned()));
    let (status, stderr) = run("");
    assert_eq!(status, Some(2));
    assert!(
        stderr.starts_with("endow: error: pipe: is not a regular file\n"),
        "{stderr}"
    );
}

#[test]
fn a_named_manifest_can_come_through_a_pipe() {
    Test::new()
        .through([
            "sh",
            "-c",
            "printf 'version: 1\\nvalues: { A: piped }\\n' | \"$@\"",
            "sh",
        ])
        .args(["--file", "/dev/stdin", "get", "A"])
        .prints_values()
        .stdout("piped")
        .success();
}

#[test]
fn a_dangling_link_of_that_name_stops_the_search() {
    let test = Test::manifest("version: 1\n").directory("below");
    symlink("nowhere.yaml", test.path("below/secretfile.yaml")).unwrap();
    test.args(["run", "true"])
        .stderr("endow: error: secretfile.yaml: no such file or directory\n")
        .status(125);
}

#[test]
fn an_unreadable_file_stops_the_search() {
    let test = Test::manifest("version: 1\n")
        .file_with_mode("below/secretfile.yaml", "version: 1\n", 0o000)
        .directory("below")
        .args(["explain"])
        .stderr("endow: error: secretfile.yaml: permission denied\n");
    without_privileges(test).status(2);
}

#[test]
fn an_unsearchable_directory_stops_the_search() {
    let test = Test::manifest("version: 1\n");
    let closed = test.path("closed");
    fs::create_dir_all(closed.join("below")).unwrap();
    // The directory is closed once it has been entered, and opened for the end of the test.
    let script = "closed=$1; shift; cd \"$closed/below\" && chmod 0 \"$closed\"
        \"$@\"; status=$?; chmod 755 \"$closed\"; exit $status";
    let test = test.through(["sh", "-c", script, "sh"]).through([closed]);
    let test = test
        .args(["explain"])
        .stderr("endow: error: secretfile.yaml: permission denied\n");
    without_privileges(test).status(2);
}

/// Root reads every file: as root, the test goes on as another user.
pub(crate) fn without_privileges(test: Test) -> Test {
    if !Uid::effective().is_root() {
        return test;
    }
    for name in ["", "..", "../.."] {
        let path = test.path(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    test.through([
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ])
}

#[test]
fn a_nul_is_no_text_of_a_manifest() {
    explained("version: 1\nvalues:\n  A: hunter2\0abc\n")
        .known("hunter2")
        .stderr(
            "endow: error: a control character can't stand in YAML as it is
 --> secretfile.yaml:3:13
  |
3 |   A: ***
  |      ^
hint: in double quotes write it as an escape: `\\x1B`
",
        )
        .status(2);
}

#[test]
fn bytes_that_are_no_utf_8_are_cited_by_their_line() {
    explained(b"version: 1\nvalues:\n  A: caf\xe9-hunter2\n")
        .known("hunter2")
        .stderr("endow: error: secretfile.yaml: is not UTF-8 (line 3)\n")
        .status(2);
}

#[test]
fn utf_16_is_no_utf_8() {
    let text = "version: 1\n".encode_utf16().flat_map(u16::to_le_bytes);
    explained([0xff, 0xfe].into_iter().chain(text).collect::<Vec<u8>>())
        .stderr("endow: error: secretfile.yaml: is not UTF-8 (line 1)\n")
        .status(2);
}

#[test]
fn a_byte_order_mark_does_not_move_columns() {
    explained("\u{feff}version: 2\n")
        .stderr(
            "endow: error: unknown version `2`
 --> secretfile.yaml:1:10
  |
1 | version: 2
  |          ^
hint: the newest that this endow knows is 1
",
        )
        .status(2);
}

#[test]
fn carriage_returns_stand_in_no_message() {
    explained("version: 1\r\nvalus:\r\n  A: hunter2\r\n")
        .known("hunter2")
        .stderr(
            "endow: error: unknown key `valus` in the manifest
 --> secretfile.yaml:2:1
  |
2 | valus:
  | ^^^^^
hint: did you mean `values`?
",
        )
        .status(2);
}

#[test]
fn a_problem_in_the_end_of_a_line_is_shown_at_the_end_of_its_text() {
    let stderr = explained("version: 1\nenv: {}\n?\r")
        .any_stdout()
        .any_stderr()
        .status(2)
        .stderr;
    let stderr = String::from_utf8(stderr).unwrap();
    let place = "unknown key `` in the manifest\n --> secretfile.yaml:3:3\n  |\n3 | ?\n  |  ^\n";
    assert!(stderr.contains(place), "{stderr}");
}

#[test]
fn braces_a_hundred_thousand_deep_are_refused_at_once() {
    explained(format!("version: 1\nassets: {}\n", "[".repeat(100_000)))
        .stderr(
            "endow: error: nested deeper than 32 levels
 --> secretfile.yaml:2:41
  |
2 | assets: ***
  |         ^
",
        )
        .status(2);
}

#[test]
fn lists_a_thousand_deep_are_refused() {
    let output = explained(format!("version: 1\nassets:\n  {}x\n", "- ".repeat(1_000)))
        .any_stderr()
        .status(2);
    let text = "endow: error: nested deeper than 32 levels\n --> secretfile.yaml:3:65\n";
    assert!(output.stderr.starts_with(text.as_bytes()), "{output:?}");
}

#[test]
fn aliases_that_expand_to_a_billion_nodes_are_refused_at_once() {
    let mut text = "version: 1\nassets:\n  a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (one, before) in ('b'..='i').zip('a'..) {
        let nine = format!("*{before}, ").repeat(9);
        text.push_str(&format!(
            "  {one}: &{one} [{}]\n",
            nine.trim_end_matches(", ")
        ));
    }
    explained(text)
        .stderr(
            "endow: error: aliases expand to too much
 --> secretfile.yaml:7:10
  |
7 |   e: ***
  |      ^
hint: write out what they stand for, or use `extends`
",
        )
        .status(2);
}

#[test]
fn a_hundred_thousand_names_are_more_than_a_manifest_may_hold() {
    let names: String = (0..100_000).map(|n| format!(" A{n}:\n")).collect();
    explained(format!("version: 1\nenv:\n{names}"))
        .stderr(
            "endow: error: more than a manifest may hold
     --> secretfile.yaml:25000:8
      |
25000 |  A24997:
      |        ^
hint: a manifest is a page or two
",
        )
        .status(2);
}

#[test]
fn more_than_a_hundred_files_are_refused() {
    let mut test = Test::manifest("version: 1\nextends: 0.yaml\n");
    for n in 0..120 {
        let next = format!("version: 1\nextends: {}.yaml\n", n + 1);
        test = test.file(&format!("{n}.yaml"), next);
    }
    test.args(["explain"])
        .stderr(
            "endow: error: more than 100 files
 --> 98.yaml:2:10
  |
2 | extends: 99.yaml
  |          ^^^^^^^
",
        )
        .status(2);
}

#[test]
fn control_characters_of_a_manifest_reach_no_terminal() {
    let output = explained("version: 1\n\"\\e[31mred\\a\": x\nvalues: { A: \"\\e]0;x\" }\n")
        .any_stderr()
        .status(2);
    let is_control = |byte: &u8| *byte < 0x20 && *byte != b'\n' || *byte == 0x7f;
    assert!(!output.stderr.iter().any(is_control), "{output:?}");
}

#[test]
fn a_named_pipe_that_nobody_writes_is_given_up() {
    let test = Test::new();
    mkfifo(&test.path("pipe"), Mode::S_IRWXU).expect("a FIFO");
    test.args(["--file", "pipe", "explain"])
        .stderr("endow: error: pipe: gave nothing in 10 s\n")
        .status(2);
}

/// The parser resolves the tags of YAML's core schema by itself: `!!binary` would be decoded.
#[test]
fn no_tag_of_any_kind_is_taken() {
    for text in [
        "values: { A: !!binary aGVsbG8= }",
        "values: { A: !!int 3 }",
        "values:\n  A: !!str x",
        "values:\n  A: ! x",
        "values:\n  A: !local x",
        "values:\n  A: !<tag:yaml.org,2002:str> x",
        "values:\n  !!str A: x",
        "values: !!map { A: x }",
        "inherit: !!seq [A]",
        "values:\n  A: !!str \"x\"",
        "values:\n  A: !!str |\n    x\n",
        "env:\n  A: !!null\n  B: { value: x }",
        "env: { A: ! , B: {value: x} }",
        "values:\n  A: &a !!str x\n  B: *a",
        "values:\n  A: !!str &a x",
        "inherit:\n  - !!str A",
        "values:\n  A: !!float 1.5",
        "values:\n  A: !!bool true",
        "values:\n  ? !!str A\n  : x",
        "values: {A: [!!str x]}",
        "values:\n  A: !!timestamp 2001-01-01",
        "values:\n  A: !env x",
        "values:\n  A:\n    !!str\n    x",
    ] {
        for manifest in [
            format!("version: 1\n{text}\n"),
            format!("%TAG ! tag:example.com,2000:\n---\nversion: 1\n{text}\n"),
            format!("!!map\nversion: 1\n{text}\n"),
        ] {
            let output = explained(&manifest).any_stdout().any_stderr().status(2);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(
                stderr.contains("tags have no meaning in a manifest"),
                "{manifest}{stderr}"
            );
            assert!(
                stderr.contains(" --> secretfile.yaml:"),
                "{manifest}{stderr}"
            );
        }
    }
}

#[test]
fn a_refused_tag_is_shown_where_it_begins() {
    for (line, column) in [
        ("A: !!str x", 6),
        ("A: !<x> x", 6),
        ("A: !<tag:yaml.org,2002:str> x", 6),
        ("A: !local", 6),
        ("A: !!int x", 6),
        ("A: !!int &a x", 6),
        ("A: &a !!int x", 9),
        ("A: [!!bool x]", 7),
    ] {
        let manifest = format!("version: 1\nvalues:\n  {line}\n");
        let output = explained(&manifest).any_stderr().status(2);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.contains(&format!(" --> secretfile.yaml:3:{column}\n")),
            "{line}: {stderr}"
        );
    }
}

#[test]
fn an_exclamation_mark_in_a_text_or_a_comment_is_no_tag() {
    for text in [
        "values: { A: \"!x\" }",
        "values: { A: '!!str x' }",
        "values:\n  A: a !b",
        "values:\n  A: |\n    !important\n    x !y\n  B: b",
        "values:\n  A: >\n    !important\n\n    !x\n",
        "values: { A: a } # !c",
        "# !x\nvalues: { A: a }",
        "values:\n  A: hello\n    !world\n  B: c",
        "values:\n  A: \"a\n    !b\"\n",
        "values:\n  A: |\n    x\n\n    !y\n\n  B: c\n",
        "values:\n  A: >-\n      x\n      !y\n",
        "values:\n  A: |2\n      !y\n",
        "values: { A: &a x, B: *a }",
    ] {
        explained(format!("version: 1\n{text}\n"))
            .any_stdout()
            .success();
    }
}

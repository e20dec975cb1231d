//! `endow get` and `endow export`: exact bytes, and nothing unless all of it.

mod ci;
mod readers;

use std::{
    fs::OpenOptions,
    io::Write,
    process::{Command, Stdio},
};

use crate::harness::{ENDOW, Test};

const MANIFEST: &str = "version: 1\nfrom: dotenv://.env\nenv: { A: , B: { export: false }, C: { required: false } }\nvalues: { PLAIN: x }\n";

#[test]
fn get_prints_the_exact_bytes_without_a_newline() {
    let value: Vec<u8> = (0..=255).collect();
    Test::manifest(
        "version: 1\nenv: { A: \"file://a#\" }\n"
            .replace('#', "")
            .as_str(),
    )
    .file("a", &value)
    .args(["get", "A"])
    .stdout(&value)
    .success();
}

#[test]
fn get_prints_a_variable_that_is_not_exported_and_one_that_is_made_of_others() {
    let manifest = "version: 1\nfrom: dotenv://.env\nenv: { A: { export: false }, T: { template: \"<${A}>\" } }\n";
    Test::manifest(manifest)
        .dotenv("A=value-a\n")
        .prints_values()
        .args(["get", "A"])
        .stdout("value-a")
        .success();
    Test::manifest(manifest)
        .dotenv("A=value-a\n")
        .prints_values()
        .args(["get", "T"])
        .stdout("<value-a>")
        .success();
}

#[test]
fn get_adds_a_newline_on_a_terminal_only() {
    let test = Test::manifest(MANIFEST).dotenv("A=value-a\nB=value-b\n");
    let output = Command::new("script")
        .args(["-qec", &format!("{ENDOW} get A"), "/dev/null"])
        .current_dir(test.path(""))
        .stdin(Stdio::null())
        .output()
        .expect("script is installed: apt-get install bsdutils");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "value-a\r\n");
}

#[test]
fn get_asks_for_nothing_but_its_own_variable() {
    Test::manifest("version: 1\nenv: { A: file://a, B: file://missing }\n")
        .file("a", "x")
        .args(["get", "A"])
        .stdout("x")
        .success();
}

#[test]
fn get_of_an_unknown_name_or_an_absent_value_prints_nothing() {
    Test::manifest(MANIFEST)
        .dotenv("A=value-a\n")
        .args(["get", "PLAN"])
        .stderr("endow: error: the manifest declares no `PLAN`\nhint: did you mean `PLAIN`?\n")
        .status(2);
    Test::manifest(MANIFEST)
        .dotenv("A=value-a\n")
        .args(["get", "C"])
        .stderr("endow: error: `C` is absent, and may be: there is nothing to print\n")
        .status(1);
    Test::manifest(MANIFEST)
        .dotenv("A=value-a\n")
        .args(["get", "B"])
        .stderr("endow: error: the variable has no value; nothing was printed\n  B: absent: no `B` in `[DIR]/.env` (dotenv://.env#B, secretfile.yaml:2)\n    hint: there are: A\n")
        .status(1);
}

/// A value with everything that a form must quote.
const HARD: &str = "a b'c\"d$e`f\\g\nsecond line #h\t!";

fn exported(form: &str, value: &str) -> Vec<u8> {
    let test = Test::manifest("version: 1\nenv: { A: file://a }\nvalues: { PLAIN: x }\n")
        .file("a", value)
        .env("GITHUB_ACTIONS", "true")
        .any_stderr()
        .args(["export", "--format", form])
        .any_stdout();
    test.success().stdout
}

#[test]
fn a_shell_reads_back_what_was_exported() {
    let text = String::from_utf8(exported("shell", HARD)).unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("{text}printf %s \"$A\"")])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), HARD);
}

#[test]
fn json_is_one_object() {
    assert_eq!(
        String::from_utf8(exported("json", "a\"\n\n")).unwrap(),
        "{\n  \"A\": \"a\\\"\\n\",\n  \"PLAIN\": \"x\"\n}\n"
    );
}

#[test]
fn docker_lines_are_raw_and_a_line_break_is_refused() {
    assert_eq!(exported("docker", "a b'\"$\\"), b"A=a b'\"$\\\nPLAIN=x\n");
    Test::manifest("version: 1\nenv: { A: file://a }\n")
        .file("a", "two\nlines")
        .args(["export", "--format", "docker"])
        .stderr("endow: error: the value of `A` holds a line break or a NUL, which a Docker env-file can't carry\n")
        .status(2);
}

#[test]
fn a_value_that_is_not_utf_8_is_exported_to_shells_alone() {
    // Docker prints the bytes of such a line; GitHub's runner, JSON and most readers of .env files
    // would read another value.
    let test = |form: &str| {
        Test::manifest("version: 1\nenv: { A: file://a }\n")
            .file("a", b"caf\xe9 au lait")
            .known(b"caf\xe9 au lait")
            .args(["export", "--format", form])
    };
    for (form, reader) in [
        ("docker", "a Docker env-file"),
        ("dotenv", "a .env file"),
        ("github", "GitHub's file"),
        ("json", "JSON"),
    ] {
        test(form)
            .env("GITHUB_ACTIONS", "true")
            .stderr(format!(
                "endow: error: the value of `A` holds bytes that are not UTF-8, which {reader} can't carry\n"
            ))
            .status(2);
    }
    test("shell")
        .prints_values()
        .stdout(b"export A='caf\xe9 au lait'\n")
        .success();
}

#[test]
fn a_docker_line_has_less_than_64_kib_and_one_byte_more_is_refused() {
    // Docker's reader takes lines of 65536 bytes with their ends.
    let longest = 65535 - "NAME=".len();
    let test = |size: usize| {
        Test::manifest("version: 1\nenv: { NAME: file://a }\n")
            .file("a", "v".repeat(size))
            .args(["export", "--format", "docker"])
    };
    let output = test(longest).any_stdout().success();
    assert_eq!(output.stdout.len(), 65536);
    let size = longest + 1;
    test(size)
        .stderr(format!(
            "endow: error: the value of `NAME` has {size} bytes; a Docker env-file carries at most {longest} under that name\n"
        ))
        .status(2);
}

#[test]
fn the_delimiter_of_github_never_occurs_in_the_value() {
    assert_eq!(
        String::from_utf8(exported("github", "x\nENDOW_0\nY<<Z")).unwrap(),
        "A<<ENDOW_1\nx\nENDOW_0\nY<<Z\nENDOW_1\nPLAIN<<ENDOW_0\nx\nENDOW_0\n"
    );
}

#[test]
fn export_means_exported_names_and_only_narrows_them() {
    let test = || {
        Test::manifest("version: 1\nfrom: dotenv://.env\nenv: { A: , B: { export: false }, D: }\ngroups: { some: [A, B] }\n").dotenv("A=1\nB=2\nD=3\n")
    };
    test()
        .args(["export", "--format", "docker"])
        .stdout("A=1\nD=3\n")
        .success();
    test()
        .args(["export", "--format", "docker", "--only", "some"])
        .stdout("A=1\n")
        .success();
}

#[test]
fn nothing_is_exported_unless_everything_resolves() {
    Test::manifest("version: 1\nenv: { A: file://a, B: env://NOPE }\n")
        .file("a", "value-a")
        .known("value-a")
        .args(["export", "--format", "shell"])
        .stdout("false\n")
        .stderr("endow: error: 1 of 2 variables has no value; nothing was printed\n  B: absent: `NOPE` is not set (env://NOPE, secretfile.yaml:2)\n")
        .status(1);
}

#[test]
fn a_full_or_closed_standard_output_is_never_a_success() {
    let test = Test::manifest(MANIFEST)
        .dotenv("A=value-a\nB=value-b\n")
        .args(["get", "A"]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = test.command().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "endow: error: standard output: no space left on device\n"
    );

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = test.command().stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(output.stderr, b"");
}

#[test]
fn a_standard_output_that_was_never_open_is_no_success() {
    let other: [&[&str]; 9] = [
        &["get", "A"],
        &["export", "--format", "shell"],
        &["explain"],
        &["check"],
        &["trust"],
        &["schema"],
        &["--version"],
        &["--help"],
        &["run", "--help"],
    ];
    let run = ["run", "--dry-run"];
    let closed = (["--close", "1"], "closed");
    // Open for reading alone, it takes nothing either.
    let unwritable = (["--open", "1=/dev/null"], "bad file descriptor");
    for (start, reason) in [closed, unwritable] {
        for (words, status) in other
            .iter()
            .map(|words| (*words, 4))
            .chain([(&run[..], 125)])
        {
            Test::manifest(MANIFEST)
                .dotenv("A=value-a\nB=value-b\n")
                .started_with(&start)
                .args(words)
                .stderr(format!("endow: error: standard output: {reason}\n"))
                .status(status);
        }
    }
}

#[test]
fn a_standard_output_that_was_never_open_does_not_miss_what_is_empty() {
    Test::manifest("version: 1\nvalues: { A: \"\" }\n")
        .started_with(&["--close", "1"])
        .args(["get", "A"])
        .success();
}

#[test]
fn a_value_is_read_from_standard_input_where_the_manifest_says_so() {
    let test = Test::manifest("version: 1\nenv: { A: file:///dev/stdin }\n").args(["get", "A"]);
    let mut child = test
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"typed");
}

#[test]
fn a_variable_that_is_a_file_is_not_exported_as_its_content() {
    Test::manifest("version: 1\nenv: { A: { from: \"file://a\", as: file } }\n")
        .file("a", "value-a")
        .known("value-a")
        .args(["export", "--format", "shell"])
        .stdout("false\n")
        .stderr("endow: error: this version of endow can't do what the manifest asks for:\n  `A` as a file\n")
        .status(2);
}

#[test]
fn a_part_of_templates_is_not_asked_for_by_its_name() {
    Test::manifest("version: 1\nenv: { A: { from: env://A, export: false } }\nvalues: { B: b }\n")
        .args(["export", "--format", "shell", "--only", "A"])
        .stdout("false\n")
        .stderr("endow: error: `A` is not exported: it is a part of templates\nhint: `endow get` prints it; without `export: false` the command gets it\n")
        .status(2);
}

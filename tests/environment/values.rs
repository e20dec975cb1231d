//! Values are bytes, and arrive as they are.

use super::SHOW;
use crate::harness::Test;

/// Puts a value into a file, and expects that the child gets just it.
#[track_caller]
fn assert_arrives(value: &[u8]) {
    let output = Test::manifest("version: 1\ninherit: none\nenv: { X: file://value }\n")
        .file("value", [value, b"\n"].concat())
        .known(value)
        .run(SHOW)
        .prints_values()
        .any_stdout()
        .success();
    let expected = [b"X=", value, b"\0"].concat();
    assert!(
        output.stdout == expected,
        "expected {} bytes, found {}: {}",
        expected.len(),
        output.stdout.len(),
        output.stdout.escape_ascii()
    );
}

#[test]
fn a_value_arrives_byte_for_byte() {
    for value in [
        b"".as_slice(),
        b" ",
        b"  both ends  ",
        b"two\nlines",
        b"a\n\n",
        b"\r\n\t\x01\x1b[0m\x7f",
        b"'single' \"double\" `back`",
        b"$HOME ${HOME} $(id) `id` \\n %s !x",
        b"# no comment",
        b"A=B=C",
        b"{\"json\": [1, 2]}",
        b"\xff\xfe\x80 is no text",
        "\u{feff}caf\u{e9} \u{1f511}".as_bytes(),
    ] {
        assert_arrives(value);
    }
}

#[test]
fn every_byte_but_nul_arrives() {
    let every: Vec<u8> = (1..=255).collect();
    assert_arrives(&every);
}

#[test]
fn a_value_of_100_kb_arrives() {
    let value: Vec<u8> = (0..100_000_u32)
        .map(|index| b'a' + (index % 23) as u8)
        .collect();
    assert_arrives(&value);
}

#[test]
fn an_empty_value_is_set_and_not_absent() {
    let test = Test::manifest(
        "version: 1\ninherit: none\nenv:\n  A: dotenv://.env\n  B: file://empty\n  \
         C: env://C\nvalues: { D: '' }\n",
    );
    let test = test.dotenv("A=\n").file("empty", "").env("C", "");
    assert_eq!(super::shown(test), ["A=", "B=", "C=", "D="]);
}

#[test]
fn a_nul_in_a_value_is_refused_by_the_names_of_its_variables() {
    Test::manifest("version: 1\nenv: { OK: file://ok, BAD: file://bad, WORSE: file://worse }\n")
        .file("ok", "harmless")
        .file("bad", b"before\0after")
        .file("worse", b"\0")
        .known("before")
        .known("after")
        .run(["touch", "started"])
        .stderr(
            "endow: error: the value of `BAD`, `WORSE` holds a NUL, which no environment can \
             carry\nhint: pass it as a file, or encode it\n",
        )
        .status(125);
}

#[test]
fn a_nul_in_what_the_child_does_not_get_is_no_matter() {
    Test::manifest(
        "version: 1\nenv: { OK: file://ok, PART: { from: file://bad, export: false } }\n",
    )
    .file("ok", "harmless")
    .file("bad", b"before\0after")
    .shell("echo $OK")
    .stdout("harmless\n")
    .success();
}

#[test]
fn a_part_of_a_template_reaches_the_child_in_the_template_alone() {
    let parts = |export: &str| {
        Test::manifest(&format!(
            "version: 1\ninherit: none\nenv:\n  PART: {{ from: file://part{export} }}\n  \
             MIDDLE: {{ template: '<${{PART}}>'{export} }}\n  \
             WHOLE: {{ template: '${{MIDDLE|url}}' }}\n"
        ))
        .file("part", "part-value\n")
        .env("PART", "of-the-caller")
    };
    let whole = "WHOLE=%3Cpart-value%3E";
    assert_eq!(super::shown(parts(", export: false")), [whole]);
    let all = ["MIDDLE=<part-value>", "PART=part-value", whole];
    assert_eq!(super::shown(parts("")), all);
    // What is exported but not selected is a part like others.
    parts("")
        .args(["run", "--only", "WHOLE", "--"])
        .args(SHOW)
        .stdout(format!("{whole}\0"))
        .success();
}

#[test]
fn a_name_that_no_environment_can_carry_is_refused() {
    for name in ["", "A=B", "=", "A B", "1A", "caf\u{e9}"] {
        let test = Test::manifest(&format!("version: 1\nenv:\n  \"{name}\": env://HOME\n"));
        let started = test.path("started");
        let output = test.run(["touch", "started"]).any_stderr().status(125);
        let stderr = String::from_utf8(output.stderr).expect("text");
        let expected = if name.is_empty() {
            "a variable without a name"
        } else {
            "can't be a variable's name"
        };
        assert!(stderr.contains(expected), "{name:?}: {stderr}");
        assert!(stderr.contains("secretfile.yaml:3:3"), "{name:?}: {stderr}");
        assert!(!started.exists(), "{name:?}");
    }
}

#[test]
fn a_closed_standard_input_is_no_empty_value() {
    let manifest = "version: 1\nenv: { KEY: file:///dev/stdin }\n";
    let open = Test::manifest(manifest)
        .input("dev-key-stdin\n")
        .shell("echo $KEY");
    open.stdout("dev-key-stdin\n").success();
    let closed = Test::manifest(manifest).started_with(&["--close", "0"]);
    let started = closed.path("started");
    closed.run(["touch", "started"]).any_stderr().status(125);
    assert!(!started.exists());
}

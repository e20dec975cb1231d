//! The kernel's limits, to the byte: what it takes is passed on, what it refuses is named first.

use std::process::Command;

use crate::harness::Test;

/// The kernel's `MAX_ARG_STRLEN` is this many pages.
const PAGES_OF_A_STRING: usize = 32;
/// A stack of this size gives a quarter of it to arguments and environment.
const STACK: usize = 1 << 20;

fn longest_string() -> usize {
    let output = Command::new("getconf")
        .arg("PAGE_SIZE")
        .output()
        .expect("getconf");
    let size = String::from_utf8(output.stdout).expect("text");
    // One byte is the NUL's.
    PAGES_OF_A_STRING * size.trim().parse::<usize>().expect("a number") - 1
}

fn with_value(length: usize) -> Test {
    Test::manifest("version: 1\ninherit: none\nenv: { NAME: file://value }\n")
        .file("value", vec![b'v'; length])
        .run(["cat", "/proc/self/environ"])
}

#[test]
fn the_longest_string_that_the_kernel_takes_is_passed_on() {
    let length = longest_string() - "NAME=".len();
    let output = with_value(length).any_stdout().success();
    // `NAME=value` and its NUL.
    assert_eq!(output.stdout.len(), longest_string() + 1);
}

#[test]
fn a_string_that_is_one_byte_longer_is_refused_by_name() {
    let limit = longest_string() - "NAME=".len();
    let size = limit + 1;
    with_value(size)
        .stderr(format!(
            "endow: error: the value of `NAME` has {size} bytes; this system passes on at most \
             {limit} under that name\nhint: pass it as a file, which has no such limit\n"
        ))
        .status(125);
}

#[test]
fn a_set_or_inherited_variable_has_no_other_limit() {
    let inherited = "v".repeat(longest_string() - "NAME=".len());
    let output = Test::manifest("version: 1\ninherit: [none, NAME]\n")
        .env("NAME", &inherited)
        .run(["cat", "/proc/self/environ"])
        .any_stdout()
        .success();
    assert_eq!(output.stdout.len(), longest_string() + 1);
}

/// Six variables of which the first fills what the others leave of `total` bytes.
fn with_total(total: usize) -> Test {
    let names = ["A", "B", "C", "D", "E", "F"];
    let sizes = [0, 50_000, 40_000, 30_000, 20_000, 10];
    let pointer = size_of::<usize>();
    // The program's path stands there twice: as what is executed and as its argument.
    let strings = 2 * "/bin/true\0".len();
    let rest: usize = sizes[1..].iter().sum();
    let first = total - strings - rest - 6 * "A=\0".len() - 7 * pointer;
    let manifest = format!(
        "version: 1\ninherit: none\nenv: {{ {} }}\n",
        names
            .map(|name| format!("{name}: file://{name}"))
            .join(", ")
    );
    let test = Test::manifest(&manifest)
        .started_with(&["--limit", &format!("STACK={STACK}")])
        .run(["/bin/true"]);
    names
        .iter()
        .zip([&[first], &sizes[1..]].concat())
        .fold(test, |test, (name, size)| test.file(name, vec![b'v'; size]))
}

#[test]
fn an_environment_as_large_as_the_kernel_takes_is_passed_on() {
    with_total(STACK / 4).success();
}

#[test]
fn an_environment_that_is_one_byte_larger_names_the_five_largest() {
    let test = with_total(STACK / 4 + 1);
    let length = std::fs::metadata(test.path("A")).expect("the first").len() + 3;
    let total = length + 50_003 + 40_003 + 30_003 + 20_003 + 13;
    test.stderr(format!(
        "endow: error: the environment has {total} bytes, more than this system passes on; its \
         largest variables:\n  A: {length} bytes\n  B: 50003 bytes\n  C: 40003 bytes\n  \
         D: 30003 bytes\n  E: 20003 bytes\n\
         hint: pass large values as files, or inherit less\n\
         hint: `ulimit -s` raises the limit: a quarter of the stack's\n"
    ))
    .status(125);
}

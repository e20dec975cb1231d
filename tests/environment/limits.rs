//! The kernel's limits, to the byte: what it takes is passed on, what it refuses is named first.

use std::process::Command;

use crate::harness::Test;

/// The kernel's `MAX_ARG_STRLEN` is this many pages.
const PAGES_OF_A_STRING: usize = 32;

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

/// The size of each variable's string with its NUL, of which the first fills what the others leave
/// of `total` bytes.
fn sizes(total: usize, others: &[usize]) -> Vec<usize> {
    let pointers = (others.len() + 2) * size_of::<usize>();
    // The program's path stands there twice: as what is executed and as its argument.
    let program = 2 * "/bin/true\0".len();
    let first = total - program - pointers - others.iter().sum::<usize>();
    [&[first], others].concat()
}

/// Variables `V00`, `V01`, ... of these sizes, under a stack of so many bytes.
fn with_sizes(stack: usize, sizes: &[usize]) -> Test {
    let names: Vec<String> = (0..sizes.len())
        .map(|index| format!("V{index:02}"))
        .collect();
    let entries: Vec<String> = names
        .iter()
        .map(|name| format!("{name}: file://{name}"))
        .collect();
    let manifest = format!(
        "version: 1\ninherit: none\nenv: {{ {} }}\n",
        entries.join(", ")
    );
    let test = Test::manifest(&manifest)
        .started_with(&["--limit", &format!("STACK={stack}")])
        .run(["/bin/true"]);
    names.iter().zip(sizes).fold(test, |test, (name, size)| {
        test.file(name, vec![b'v'; size - "V00=\0".len()])
    })
}

/// Just `total` bytes are passed on under such a stack; one more is refused, and the five largest
/// are named.
#[track_caller]
fn assert_total(stack: usize, total: usize, others: &[usize]) {
    with_sizes(stack, &sizes(total, others)).success();
    let sizes = sizes(total + 1, others);
    let mut largest: Vec<(usize, &usize)> = sizes.iter().enumerate().collect();
    largest.sort_by_key(|(index, size)| (std::cmp::Reverse(*size), *index));
    let lines: String = largest[..5]
        .iter()
        .map(|(index, size)| format!("  V{index:02}: {size} bytes\n"))
        .collect();
    with_sizes(stack, &sizes)
        .stderr(format!(
            "endow: error: the environment has {} bytes, more than this system passes on; its \
             largest variables:\n{lines}\
             hint: pass large values as files, or inherit less\n\
             hint: `ulimit -s` raises the limit: a quarter of the stack's\n",
            sizes.iter().sum::<usize>()
        ))
        .status(125);
}

#[test]
fn an_environment_has_at_most_a_quarter_of_the_stack_and_one_byte_more_names_the_five_largest() {
    let stack = 1 << 20;
    assert_total(stack, stack / 4, &[50_000, 40_000, 30_000, 20_000, 10]);
}

#[test]
fn under_a_small_stack_an_environment_still_has_128_kib() {
    assert_total(256 << 10, 128 << 10, &[9_000, 8_000, 7_000, 6_000, 10]);
}

#[test]
fn under_a_large_stack_an_environment_has_no_more_than_6_mib() {
    assert_total(32 << 20, 6 << 20, &[131_000; 48]);
}

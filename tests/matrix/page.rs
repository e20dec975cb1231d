//! The page that is made of the matrix.

use std::{fs, path::PathBuf};

use super::{FAMILIES, Family, NEVER};
use crate::harness::repository;

const HEAD: &str = "\
# Faults

What endow says of each way in which a backend can fail, and what it does about it.
The tables are made of the test that causes every one of these faults for the built program:
`tests/matrix.rs`.

Of each cell but `starts` holds: the command is not started, the exit status of `run` is 125, the
message has this class and names the address, the path or the program, the deadline is kept, and no
value and no credential is shown.
In a cell with `starts` the value comes in the end, and the command is started.
A dash stands where a place can't fail so.

What may pass is tried again until the deadline: *unreachable* and *throttled*, unless the server
asks for a longer wait than that.
The classes are explained in [backends.md](backends.md#provider-the-contract), the exit statuses of the other
commands in [running.md](running.md#exit-status-of-other-commands).
";

fn path() -> PathBuf {
    repository().join("docs/faults.md")
}

fn table(family: &Family) -> String {
    let mut text = format!("\n## {}\n\n| fault |", family.title);
    for backend in family.backends {
        text.push_str(&format!(" {backend} |"));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(family.backends.len()));
    text.push('\n');
    for fault in family.faults {
        text.push_str(&format!("| {} |", fault.name));
        for class in fault.classes {
            let cell = if *class == NEVER { "-" } else { class };
            text.push_str(&format!(" {cell} |"));
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_page_is_made_of_the_matrix() {
    let tables = FAMILIES.iter().map(|family| table(family));
    let expected = format!("{HEAD}{}", tables.collect::<String>());
    if std::env::var_os("UPDATE_FAULTS").is_some_and(|value| value == "1") {
        fs::write(path(), &expected).expect("the page");
    }
    let found = fs::read_to_string(path()).unwrap_or_default();
    assert!(
        found == expected,
        "docs/faults.md is not what the matrix says: read the difference, then \
         `UPDATE_FAULTS=1 cargo test --test endow matrix::page`"
    );
}

//! SECURITY.md names tests; they exist, by those names.

use std::{collections::BTreeSet, fs, process::Command};

use super::{listed, section, table};
use crate::harness::repository;

const HEAD: &str = "| guarantee | means | shown by |";

/// The tests of this very program.
fn tests() -> BTreeSet<String> {
    let own = std::env::current_exe().expect("the path of this program");
    let output = Command::new(own).arg("--list").output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

#[test]
fn each_guarantee_is_shown_by_tests_that_there_are() {
    let page = fs::read_to_string(repository().join("SECURITY.md")).expect("the page");
    let tests = tests();
    let rows = table(section(&page, "## What is guaranteed"), HEAD);
    for (number, row) in (1..).zip(&rows) {
        assert!(row[0].starts_with(&format!("{number}. ")), "{}", row[0]);
        let named = listed(row, 2);
        assert!(!named.is_empty(), "no test shows {}", row[0]);
        for name in named {
            assert!(tests.contains(&name), "there is no test {name}");
        }
    }
    assert_eq!(rows.len(), 8);
}

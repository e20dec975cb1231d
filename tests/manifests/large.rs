//! Manifests at the limits: read in linear time, refused in a word, and never a crash.
//!
//! No time is measured. What is quadratic at these sizes does not end while anyone waits for a
//! test, and what recurses overflows the stack.

use std::fmt::Write as _;

use crate::harness::Test;

/// A manifest of many lines.
fn lines(head: &str, count: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    for number in 0..count {
        let _ = writeln!(text, "{}", line(number));
    }
    text
}

/// Everything that `explain` says of a manifest.
fn said(manifest: &str, status: i32) -> String {
    let output = Test::manifest(manifest)
        .args(["explain"])
        .any_stdout()
        .any_stderr()
        .status(status);
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn the_first_hundred_problems_are_shown_and_the_others_counted() {
    let stderr = said(
        &lines("version: 1\nenv:\n", 5_000, |n| format!("  A{n}: nothing")),
        2,
    );
    assert_eq!(stderr.matches("is no reference").count(), 100);
    assert!(
        stderr.ends_with("endow: error: 4900 more problems\n"),
        "{}",
        &stderr[stderr.len() - 200..]
    );
}

#[test]
fn problems_of_one_very_long_line_show_what_stands_around_them() {
    let entries: Vec<String> = (0..8_000)
        .map(|n| format!("A{n}: {{bad: hunter2}}"))
        .collect();
    let stderr = said(
        &format!("{{version: 1, env: {{{}}}}}\n", entries.join(", ")),
        2,
    );
    assert_eq!(stderr.matches("unknown key `bad`").count(), 100);
    assert!(!stderr.contains("hunter2"));
    assert!(stderr.len() < 200_000, "{} bytes", stderr.len());
}

#[test]
fn a_chain_of_templates_is_refused_past_fifty() {
    let chain = |count: usize| {
        let entries = lines("version: 1\nenv:\n", count, |n| {
            format!("  A{n}: {{ template: \"${{A{}}}\" }}", n + 1)
        });
        format!("{entries}  A{count}: {{ value: x }}\n")
    };
    assert_eq!(said(&chain(50), 0), "");
    let stderr = said(&chain(51), 2);
    assert!(
        stderr.contains("the template of `A0` needs others more than 50 deep"),
        "{stderr}"
    );
    let stderr = said(&chain(10_000), 2);
    assert!(stderr.contains("more than 50 deep"), "{stderr}");
}

#[test]
fn a_long_circle_of_templates_is_found() {
    let manifest = lines("version: 1\nenv:\n", 10_000, |n| {
        format!("  A{n}: {{ template: \"${{A{}}}\" }}", (n + 1) % 10_000)
    });
    let stderr = said(&manifest, 2);
    assert!(
        stderr.starts_with("endow: error: templates need each other in a circle: A0 -> A1 -> A2"),
        "{}",
        &stderr[..200]
    );
}

#[test]
fn a_long_chain_of_code_variables_is_trusted_part_by_part() {
    let manifest = lines("version: 1\nenv:\n", 10_000, |n| {
        format!(
            "  PYTHON{n}: {{ template: \"${{PYTHON{}}}\" }}",
            (n + 1) % 10_000
        )
    });
    assert!(said(&manifest, 2).contains("in a circle: PYTHON0 -> PYTHON1"));
}

#[test]
fn many_names_and_many_places_are_planned() {
    assert_eq!(
        said(
            &lines("version: 1\nenv:\n", 15_000, |n| format!(
                "  A{n}: file://f{n}"
            )),
            0
        ),
        ""
    );
    let stderr = said(
        &lines("version: 1\nenv:\n", 15_000, |n| {
            format!("  A{n}: vault://x/y")
        }),
        2,
    );
    assert!(stderr.ends_with("endow: error: 14900 more problems\n"));
}

#[test]
fn more_profiles_than_anyone_has_are_refused() {
    let manifest = lines("version: 1\nprofiles:\n", 10_000, |n| {
        format!("  p{n}: {{ extends: p{} }}", n + 1)
    });
    let stderr = said(&format!("{manifest}  p10000:\n"), 2);
    assert!(
        stderr.starts_with("endow: error: more than 200 profiles\n   --> secretfile.yaml:203:3\n"),
        "{}",
        &stderr[..200]
    );
}

#[test]
fn a_long_line_that_is_not_understood_shows_nothing_from_its_middle() {
    // Wherever a part of the line began, it would look like a key.
    let secret = "zqxzqxzqxzqx: ".repeat(100);
    let stderr = said(&format!("version: 1\nenv: {{ A: \"{secret}\" }} }}\n"), 2);
    assert!(stderr.contains("secretfile.yaml:2:"), "{stderr}");
    assert!(!stderr.contains("zq") && !stderr.contains("qx"), "{stderr}");
}

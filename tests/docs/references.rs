//! The tables of references.md, row by row, through the program.

use serde_json::Value;

use super::{listed, page, section, table};
use crate::harness::Test;

/// The places of the one variable of a manifest.
fn places(manifest: &str, arguments: &[&str]) -> Vec<String> {
    let output = Test::manifest(manifest)
        .args(["explain", "--format", "json"])
        .args(arguments)
        .any_stdout()
        .success();
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let places = report["variables"][0]["places"].as_array().expect("places");
    places
        .iter()
        .map(|place| place.as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn a_layer_s_from_takes_the_name_where_the_table_says() {
    let page = page("references.md");
    for row in table(
        section(&page, "## Natural places"),
        "| layer's `from` | place of `OPENAI_API_KEY` |",
    ) {
        let (from, expected) = (listed(&row, 0).concat(), listed(&row, 1));
        let manifest = format!(
            "version: 1\nbackends: {{ conjur: {{ type: exec, command: [x] }} }}\nfrom: {from:?}\nenv:\n  OPENAI_API_KEY:\n"
        );
        assert_eq!(places(&manifest, &[]), expected, "{from}");
    }
}

#[test]
fn the_placeholders_are_those_of_the_table_and_no_others() {
    let manifest = |word: &str| {
        format!(
            "version: 1\nproject: chat\nfrom: \"file:///p/{word}-{{NAME}}\"\nenv: {{ A_KEY: {{ key: Other }} }}\nprofiles: {{ dev: }}\n"
        )
    };
    let rows = table(&page("references.md"), "| placeholder | stands for |");
    let found: Vec<String> = rows
        .iter()
        .map(|row| places(&manifest(&listed(row, 0)[0]), &["--profile", "dev"]).concat())
        .collect();
    // Outside of git it is the directory of the test.
    let (checkout, found) = found.split_last().expect("the rows");
    assert!(checkout.starts_with("file:///p//") && checkout.ends_with("/project-Other"));
    assert_eq!(
        found,
        [
            "file:///p/Other-Other",
            "file:///p/other-Other",
            "file:///p/chat-Other",
            "file:///p/dev-Other",
        ]
    );
    let output = Test::manifest(&manifest("{HOME}"))
        .args(["explain", "--profile", "dev"])
        .any_stderr()
        .status(2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("unknown placeholder `{HOME}`"));
}

#[test]
fn a_dotenv_line_means_what_the_table_says() {
    let page = page("references.md");
    for row in table(section(&page, "## The dotenv dialect"), "| line | value |") {
        let (line, expected) = (listed(&row, 0).concat(), listed(&row, 1).concat());
        let expected: String = serde_json::from_str(&expected).expect("a JSON string");
        Test::manifest("version: 1\nenv: { A: dotenv://.env }\n")
            .file_with_mode(".env", format!("{line}\n"), 0o600)
            .args(["-q", "get", "A"])
            .prints_values()
            .stdout(expected)
            .success();
    }
}

#[test]
fn what_the_table_calls_absent_lets_the_next_place_answer_and_what_it_calls_an_error_does_not() {
    let test = |place: &str| {
        let manifest = format!(
            "version: 1\nrun: {{ timeout: 50ms }}\nenv: {{ A: {{ from: [\"{place}\", env://NEXT] }} }}\n"
        );
        let test = Test::manifest(&manifest)
            .env("NEXT", "next one")
            .prints_values()
            .args(["get", "A"]);
        test.file_with_mode(".env", "B=1\n", 0o600)
            .file_with_mode("broken.env", "A='\n", 0o600)
            .file("j.json", r#"{"n": null}"#)
            .file("broken.json", "{")
            .file("directory/x", "")
    };
    let absent = [
        "dotenv://nofile",
        "file://nofile",
        "dotenv://.env",
        "env://NOT_SET",
        "file://j.json#/x",
        "file://j.json#/n",
    ];
    for place in absent {
        test(place).stdout("next one").success();
    }
    for place in [
        "file://directory",
        "dotenv://broken.env",
        "file://broken.json#/a",
    ] {
        test(place).any_stderr().status(1);
    }
    let waiting = test("file://fifo");
    nix::unistd::mkfifo(&waiting.path("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    waiting.any_stderr().status(4);
}

//! The page that compares readers of .env files, with these readers.

use std::process::Command;

use super::{listed, page, table};
use crate::harness::{Test, aws, runtime};

/// What a reader gives for `A`; `None` where it gives nothing.
fn read(mut reader: Command, file: &str) -> Option<String> {
    let test = Test::new().file("one.env", file);
    let output = reader
        .current_dir(test.path(""))
        .output()
        .expect("it starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{file}: {output:?}"))
}

fn endow(file: &str) -> Option<String> {
    let test = Test::manifest("version: 1\nenv: { A: dotenv://.env }\n")
        .file_with_mode(".env", file, 0o600)
        .args(["-q", "get", "A"]);
    let output = test.command().output().expect("it starts");
    let value = String::from_utf8(output.stdout).expect("UTF-8");
    output.status.success().then_some(value)
}

#[test]
fn every_reader_reads_the_lines_as_the_table_says() {
    let rows = table(
        &page("dotenv.md"),
        "| line | endow | python-dotenv | Node |",
    );
    assert!(rows.len() > 15);
    for row in rows {
        let line = listed(&row, 0).concat();
        let expected = |column: usize| -> Option<String> {
            let text = listed(&row, column).concat();
            (row[column].trim() != "error")
                .then(|| serde_json::from_str(&text).expect("a JSON string"))
        };
        let file = format!("X=x\n{line}\n");
        assert_eq!(endow(&file), expected(1), "endow: {line}");
        let mut python = Command::new(aws::python());
        let script =
            "import dotenv, json; print(json.dumps(dotenv.dotenv_values('one.env').get('A')))";
        python.args(["-c", script]);
        assert_eq!(read(python, &file), expected(2), "python-dotenv: {line}");
        let mut node = Command::new(runtime::find("node"));
        node.args([
            "--env-file=one.env",
            "-p",
            "JSON.stringify(process.env.A ?? null)",
        ]);
        assert_eq!(read(node, &file), expected(3), "Node: {line}");
    }
}

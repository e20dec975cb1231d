//! The chat server.

use super::{block, copied, for_dev, for_prod, plainly, server::Server};
use crate::harness::{Test, runtime};

const SECRETS: [(&str, &str); 3] = [
    ("OPENAI_API_KEY", "prod-key-openai"),
    ("DB_USER", "chat"),
    ("DB_PASSWORD", "prod p@ss:word"),
];

fn health(given: &[&str]) -> serde_json::Value {
    let all = [
        "DATABASE_URL",
        "LOG_LEVEL",
        "MODEL",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_ORG_ID",
        "PORT",
    ];
    let variables: serde_json::Map<_, _> = all
        .iter()
        .map(|name| ((*name).to_owned(), given.contains(name).into()))
        .collect();
    serde_json::json!({ "status": "ok", "variables": variables })
}

const DECLARED: [&str; 6] = [
    "DATABASE_URL",
    "LOG_LEVEL",
    "MODEL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "PORT",
];

#[track_caller]
fn assert_serves(test: Test, stderr: &str) {
    runtime::find("node");
    let server = Server::start(test.command());
    assert_eq!(server.get("/health"), health(&DECLARED));
    let output = server.end();
    assert_eq!(output.status.code(), Some(0), "{}", output.status);
    test.stderr(stderr).compare(&output);
}

#[test]
fn the_node_example_runs_for_dev() {
    assert_serves(
        for_dev("node").env("PORT", "0").run(["node", "server.js"]),
        "debug: model llama3.2, database on localhost\ndebug: GET /health\ninfo: SIGTERM: closing\n",
    );
}

#[test]
fn the_node_example_runs_for_prod() {
    assert_serves(
        for_prod("node", &SECRETS).env("PORT", "0").args([
            "run",
            "--profile",
            "prod",
            "--",
            "node",
            "server.js",
        ]),
        "info: SIGTERM: closing\n",
    );
}

#[test]
fn the_node_example_ran_before_with_a_dotenv_file_of_node() {
    let node = runtime::find("node");
    let test = copied("node");
    let dotenv = block(&test, "sh\n# .env");
    let test = test.dotenv(&dotenv).env("PORT", "0");
    let command = plainly(
        &test,
        node.to_str().expect("text"),
        &["--env-file=.env", "server.js"],
    );
    let server = Server::start(command);
    assert_eq!(
        server.get("/health"),
        health(&["DATABASE_URL", "OPENAI_API_KEY", "PORT"])
    );
    let output = server.end();
    assert_eq!(output.status.code(), Some(0), "{}", output.status);
    test.stderr("info: SIGTERM: closing\n").compare(&output);
}

#[test]
fn the_node_example_names_what_is_missing_without_endow() {
    let node = runtime::find("node");
    let test = copied("node");
    let output = plainly(&test, node.to_str().expect("text"), &["server.js"])
        .output()
        .expect("node starts");
    assert_eq!(output.status.code(), Some(1));
    test.stderr(
        "server: error: missing environment variables: DATABASE_URL, OPENAI_API_KEY\n\
         server: hint: secretfile.yaml declares them: endow run -- npm run dev\n",
    )
    .compare(&output);
}

#[test]
fn the_node_example_puts_its_database_url_together() {
    for_dev("node")
        .shell("echo $DATABASE_URL")
        .stdout("postgres://chat:dev-p%40ss%2Fword@localhost/chat\n")
        .success();
    for_prod("node", &SECRETS)
        .args([
            "run",
            "--profile",
            "prod",
            "--",
            "sh",
            "-c",
            "echo $DATABASE_URL",
        ])
        .stdout("postgres://chat:prod%20p%40ss%3Aword@db/chat\n")
        .success();
}

#[test]
fn the_node_example_gets_the_names_that_its_readme_says() {
    let output = for_dev("node")
        .run(["env"])
        .prints_values()
        .any_stdout()
        .success();
    let text = String::from_utf8(output.stdout).expect("text");
    let names: Vec<&str> = text
        .lines()
        .map(|line| line.split_once('=').expect("an entry").0)
        .collect();
    let mut expected = [DECLARED.as_slice(), &["HOME", "PATH"]].concat();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

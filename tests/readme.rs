//! The README is true: its transcript is replayed, its manifest parses, its commands and links work.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::harness::{ENDOW, Test, repository};

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).expect("the README")
}

/// The fenced blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(&format!("\n```{language}\n")) {
        let block = &rest[at + language.len() + 5..];
        let end = block.find("```\n").expect("the block is closed");
        blocks.push(block[..end].to_owned());
        rest = &block[end..];
    }
    blocks
}

/// Runs a line as a shell would, with `endow` on the path; both streams, as a terminal shows them.
fn shell(test: &Test, script: &str) -> String {
    let binaries = Path::new(ENDOW)
        .parent()
        .expect("a directory")
        .display()
        .to_string();
    let output = Command::new("sh")
        .args(["-c", &format!("{script} 2>&1")])
        .current_dir(test.path(""))
        .env_clear()
        .env(
            "PATH",
            format!("{binaries}:{}", std::env::var("PATH").expect("PATH")),
        )
        .env("HOME", test.path(".."))
        .stdin(Stdio::null())
        .output()
        .expect("sh starts");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_transcript_replays() {
    let [transcript] = &blocks("console")[..] else {
        panic!("one transcript")
    };
    let mut steps: Vec<(&str, String)> = Vec::new();
    for line in transcript.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push((command, String::new()));
        } else {
            let (_, output) = steps.last_mut().expect("the first line is a command");
            output.push_str(line);
            output.push('\n');
        }
    }
    let manifest = steps
        .iter()
        .find(|(command, _)| *command == "cat secretfile.yaml")
        .expect("the manifest is shown")
        .1
        .clone();
    let test = Test::manifest(&manifest).file_with_mode(
        ".env",
        "OPENAI_API_KEY=dev-key\nDATABASE_URL=postgres://localhost/chat\n",
        0o600,
    );
    let mut exported = String::new();
    for (command, expected) in steps {
        if command.starts_with("export ") {
            exported = format!("{command}; ");
        }
        let found = shell(&test, &format!("{exported}{command}"));
        assert_eq!(found.trim_end(), expected.trim_end(), "$ {command}");
    }
}

#[test]
fn the_manifest_in_one_screen_is_right_in_every_profile() {
    let [manifest] = &blocks("yaml")[..] else {
        panic!("one manifest")
    };
    for profile in ["dev", "prod"] {
        Test::manifest(manifest)
            .args(["explain", "-p", profile])
            .any_stdout()
            .success();
    }
}

#[test]
fn the_first_command_runs_the_sample_with_the_values_of_a_dotenv_file() {
    let commands = blocks("sh");
    let command = commands[0].trim();
    let (directory, rest) = command
        .split_once(" && ")
        .expect("the command changes its directory");
    let directory = directory
        .strip_prefix("cd ")
        .expect("the command changes its directory");
    let (install, run) = rest.split_once(" && ").expect("it installs, then runs");
    let run = run
        .strip_prefix("cargo run -q -- ")
        .expect("it runs endow from the source");
    let mut test = Test::new();
    for entry in fs::read_dir(repository().join(directory)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with(".env") {
            test = test.file(
                path.file_name().unwrap().to_str().unwrap(),
                fs::read(&path).unwrap(),
            );
        }
    }
    let output = shell(&test, &format!("{install} && endow {run}"));
    assert!(output.contains("ANTHROPIC_API_KEY: set\n"), "{output}");
    assert!(!output.contains("endow:"), "{output}");
}

#[test]
fn the_second_command_is_what_ci_runs() {
    assert_eq!(blocks("sh")[1].trim(), "./verify");
    let ci = fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(ci.contains("./verify\n"));
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    for link in readme()
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
    {
        assert!(
            link.starts_with("https://") || repository().join(link).exists(),
            "{link}"
        );
    }
}

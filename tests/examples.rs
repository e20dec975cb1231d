//! Every example runs as its README says: for development, for production, and the plain way
//! that endow replaces. That of containers has tests of its own.

mod container;
mod node;
mod python;
mod server;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{Test, repository};

/// A copy of an example as it is in the repository: what is made when it runs is left behind.
fn copied(name: &str) -> Test {
    let directory = repository().join("examples").join(name);
    let files = ["README.md", "secretfile.yaml", ".env.example"];
    let sources = ["package.json", "server.js", "app.py"];
    files
        .into_iter()
        .chain(
            sources
                .into_iter()
                .filter(|source| directory.join(source).exists()),
        )
        .fold(Test::new(), |test, file| {
            test.file(file, fs::read(directory.join(file)).expect(file))
        })
        .env("AWS_SECRET_ACCESS_KEY", "dev-key-aws")
}

/// As `install -m 600 .env.example .env` makes it.
fn for_dev(name: &str) -> Test {
    let test = copied(name);
    let pattern = fs::read_to_string(test.path(".env.example")).expect("the pattern");
    test.dotenv(&pattern)
}

/// With a directory of secret files in the place of the one that a cluster mounts.
fn for_prod(name: &str, secrets: &[(&str, &str)]) -> Test {
    let test = copied(name);
    let manifest = fs::read_to_string(test.path("secretfile.yaml")).expect("the manifest");
    assert!(manifest.contains("file:///run/secrets"), "{manifest}");
    let mounted = format!("file://{}", test.path("mounted").display());
    let manifest = manifest.replace("file:///run/secrets", &mounted);
    secrets.iter().fold(
        test.file("secretfile.yaml", manifest),
        |test, (name, value)| {
            test.file(&format!("mounted/{name}"), format!("{value}\n"))
                .known(value)
        },
    )
}

/// A block of a README, by the line that it begins with.
#[track_caller]
fn block(test: &Test, opening: &str) -> String {
    let readme = fs::read_to_string(test.path("README.md")).expect("the README");
    let (_, rest) = readme
        .split_once(&format!("```{opening}\n"))
        .expect(opening);
    let (block, _) = rest.split_once("```").expect("its end");
    block.to_owned()
}

/// The same as the test's command, but not through endow.
fn plainly(test: &Test, program: &str, arguments: &[&str]) -> Command {
    let endow = test.command();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(
            endow
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(test.path(""));
    command
}

/// Every manifest below a directory.
fn manifests(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of the examples");
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() && path.file_name() != Some("node_modules".as_ref()) {
            found.extend(manifests(&path));
        } else if path.file_name() == Some("secretfile.yaml".as_ref()) {
            found.push(path);
        }
    }
    found
}

/// The names of its profiles, which stand last and are indented by two.
fn profiles(manifest: &Path) -> Vec<String> {
    let text = fs::read_to_string(manifest).expect("a manifest");
    text.lines()
        .skip_while(|line| *line != "profiles:")
        .skip(1)
        .filter_map(|line| line.strip_prefix("  ")?.split_once(':'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| !name.starts_with([' ', '#']))
        .collect()
}

#[test]
fn every_manifest_of_the_examples_is_right_in_every_profile() {
    let manifests = manifests(&repository().join("examples"));
    assert!(manifests.len() >= 2, "{manifests:?}");
    for manifest in manifests {
        let profiles = profiles(&manifest);
        assert!(profiles.len() >= 2, "{}", manifest.display());
        for profile in profiles {
            Test::new()
                .args(["--file".as_ref(), manifest.as_os_str()])
                .args(["explain", "--profile", &profile])
                .any_stdout()
                .success();
        }
    }
}

#[test]
fn check_says_that_an_example_is_complete_and_what_a_pod_still_needs() {
    for name in ["node", "python"] {
        for_dev(name).args(["check"]).any_stdout().success();
        let output = for_prod(name, &[])
            .args(["check", "--profile", "prod"])
            .any_stdout()
            .any_stderr()
            .status(1);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let key = if name == "node" {
            "OPENAI_API_KEY"
        } else {
            "ANTHROPIC_API_KEY"
        };
        assert!(said.contains(&format!("mounted/{key}")), "{said}");
    }
}

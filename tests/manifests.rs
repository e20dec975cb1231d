//! Bad manifests, each a directory whose name is the claim, each with its exact complaint.
//!
//! A directory of `tests/manifests/` holds `secretfile.yaml` and what it needs beside it, and
//! `stderr`. Optional: `args` (a word a line; `explain` otherwise), `environment` (`NAME=VALUE`
//! a line), `status` (125 for `run`, 2 otherwise). `@ISSUER@` in a file becomes a credential in
//! the format of that issuer, made anew in each run. `[DIR]` is the directory of the run.
//!
//! `UPDATE_MANIFESTS=1 cargo test --test endow manifests::` writes every `stderr` anew: read the
//! difference before it is kept.

mod large;
pub(crate) mod made;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::harness::{Test, replace, repository};

/// What describes a case and is no file of its project.
const OURS: [&str; 4] = ["args", "environment", "status", "stderr"];

#[test]
fn every_bad_manifest_is_refused_with_its_exact_complaint() {
    let updates = std::env::var_os("UPDATE_MANIFESTS").is_some_and(|value| value == "1");
    let mut wrong = String::new();
    let mut count = 0;
    for case in cases() {
        count += 1;
        let found = Found::of(&case);
        if updates {
            fs::write(case.join("stderr"), &found.stderr).unwrap();
        }
        for complaint in found.complaints(&case) {
            let name = case.file_name().unwrap().to_string_lossy();
            let _ = writeln!(wrong, "{name}: {complaint}");
        }
    }
    assert!(count >= 75, "only {count} cases: is the corpus complete?");
    assert!(wrong.is_empty(), "{wrong}");
}

fn cases() -> Vec<PathBuf> {
    let directory = repository().join("tests/manifests");
    let entries = fs::read_dir(directory).expect("the corpus");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("a case").path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    cases
}

/// What one run of a case gave.
struct Found {
    status: Option<i32>,
    expected_status: i32,
    stdout: String,
    stderr: String,
    /// Words of its files that must not be printed.
    secrets: Vec<String>,
}

impl Found {
    fn of(case: &Path) -> Self {
        let mut test = Test::new();
        let mut secrets = Vec::new();
        for (name, written) in files(case) {
            let content = with_credentials(&written, &mut secrets);
            secrets.extend(marked(&content));
            test = test.file(&name, content);
        }
        for line in lines(case, "environment") {
            let (name, value) = line.split_once('=').expect("NAME=VALUE");
            test = test.env(name, value);
        }
        let mut words = lines(case, "args");
        if words.is_empty() {
            words = vec!["explain".to_owned()];
        }
        let status = lines(case, "status").first().map(|text| text.parse());
        let fallback = if words[0] == "run" { 125 } else { 2 };
        let directory = test.path("").to_string_lossy().into_owned();
        let output = test.args(words).command().output().expect("endow runs");
        let shown = |bytes: &[u8]| {
            let bytes = replace(bytes, directory.trim_end_matches('/').as_bytes(), b"[DIR]");
            String::from_utf8(bytes).expect("UTF-8")
        };
        Self {
            status: output.status.code(),
            expected_status: status.map_or(fallback, |status| status.expect("a number")),
            stdout: shown(&output.stdout),
            stderr: shown(&output.stderr),
            secrets,
        }
    }

    fn complaints(&self, case: &Path) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.status != Some(self.expected_status) {
            let expected = self.expected_status;
            complaints.push(format!("status {:?}, expected {expected}", self.status));
        }
        if !self.stdout.is_empty() {
            complaints.push(format!("standard output:\n{}", self.stdout));
        }
        let expected = fs::read_to_string(case.join("stderr")).unwrap_or_default();
        if self.stderr.is_empty() || self.stderr != expected {
            complaints.push(format!("stderr\n{}", difference(&expected, &self.stderr)));
        }
        for secret in &self.secrets {
            if self.stderr.contains(secret) || self.stdout.contains(secret) {
                complaints.push(format!("`{secret}` is printed"));
            }
        }
        complaints
    }
}

/// The files of a project, with their paths below it.
fn files(case: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![case.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("a directory of the case") {
            let path = entry.expect("its entry").path();
            let below = path.strip_prefix(case).expect("a path of the case");
            let name = below.to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if !OURS.contains(&name.as_str()) {
                files.push((name, fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    files
}

fn lines(case: &Path, file: &str) -> Vec<String> {
    let text = fs::read_to_string(case.join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Fills in `@ISSUER@`. The repository itself holds nothing in the format of a credential, or
/// every scanner of leaks would stop at it.
fn with_credentials(text: &str, secrets: &mut Vec<String>) -> String {
    let random = |length: usize| -> String {
        let digits = format!("{:032x}", rand());
        digits.chars().cycle().take(length).collect()
    };
    let made: [(&str, String); 7] = [
        ("@ANTHROPIC@", format!("sk-ant-api03-{}", random(40))),
        ("@OPENAI@", format!("sk-proj-{}", random(40))),
        ("@GITHUB@", format!("ghp_{}", random(36))),
        ("@AWS@", format!("AKIA{}", random(16).to_uppercase())),
        ("@STRIPE@", format!("sk_live_{}", random(24))),
        (
            "@JWT@",
            format!("eyJ{}.eyJ{}.{}", random(12), random(12), random(40)),
        ),
        (
            "@PEM@",
            format!("-----BEGIN {} KEY-----{}", "PRIVATE", random(64)),
        ),
    ];
    let mut text = text.to_owned();
    for (placeholder, credential) in made {
        if text.contains(placeholder) {
            text = text.replace(placeholder, &credential);
            secrets.push(credential);
        }
    }
    text
}

/// A number that differs from run to run, so that no expected text can hold a credential.
fn rand() -> u128 {
    let now = std::time::SystemTime::now();
    let since = now
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time of today");
    since
        .as_nanos()
        .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

/// The words that the author of a case marked as secret: `SECRET-...` and `hunter2...`.
fn marked(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words = text.split(|c: char| !is_part(c));
    let is_secret = |word: &&str| word.contains("SECRET-") || word.contains("hunter2");
    words.filter(is_secret).map(str::to_owned).collect()
}

/// The lines of both, those that differ with their side.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let same = old.iter().zip(&new).take_while(|(one, other)| one == other);
    let head = same.count();
    let tails = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = tails.take_while(|(one, other)| one == other).count();
    let mut text = String::new();
    let mut add = |sign: &str, lines: &[&str]| {
        for line in lines {
            let _ = writeln!(text, "  {sign}{line}");
        }
    };
    add(" ", &old[..head]);
    add("-", &old[head..old.len() - tail]);
    add("+", &new[head..new.len() - tail]);
    add(" ", &new[new.len() - tail..]);
    text
}

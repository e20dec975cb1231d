//! `--format dotenv`, read back by the programs that read such files. Node and python-dotenv run here;
//! what compose-go and godotenv make of a form is in the rules.

use std::{
    collections::BTreeMap,
    process::{Command, Output},
};

use crate::harness::{Test, aws, runtime};

/// Values that some reader takes for another one.
const NAUGHTY: [&str; 57] = [
    "",
    "plain",
    "a b",
    "it's",
    "say \"hi\"",
    "C:\\dir\\",
    "C:\\new\\table",
    "\\\\server\\share",
    "it's \"5\" $x",
    "{\"k\":\"a\\nb\"}",
    "{\"k\":\"it's \\\"q\\\"\"}",
    "p${w}x",
    "pa$$word",
    "$HOME",
    "it's `touch pwned`",
    "$(touch pwned)",
    "`touch pwned`",
    "x; touch pwned",
    "a#b",
    "a #b",
    "#a",
    " a ",
    "\ta",
    "a\nb",
    "a\n",
    "-----BEGIN X-----\nMII\n-----END X-----\n",
    "it's\nb",
    "it's---\nb",
    "trail---",
    "a\r\nb",
    "\u{a0}a",
    "a\u{a0}",
    "\u{2028}a",
    "caf\u{e9}",
    "\u{1f600}",
    "a\\nb",
    "a\\'b",
    "a\\\"b",
    "\\",
    "'",
    "\"",
    "`",
    "''",
    "\"\"",
    "'a'",
    "\"a\"",
    "`a`",
    "=",
    "a: b",
    "~/a",
    "*",
    "%0A",
    "a'b`c",
    "a'b\"c`d",
    "\u{feff}a",
    "\u{1}",
    "!",
];
/// What such values are made of.
const PARTS: [&str; 20] = [
    "a", "b", " ", "\\", "'", "\"", "`", "$", "#", "{", "}", "\n", "=", "-", "---\n", "\\n",
    "${a}", "\\\\", ":", "\r",
];
const MADE: usize = 60;

fn values() -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    let mut made = || -> String { (0..=next(8)).map(|_| PARTS[next(PARTS.len())]).collect() };
    let mut values: Vec<String> = NAUGHTY.map(str::to_owned).into();
    // A `file` place takes CRLF at the end off as well.
    let made = (0..MADE).map(|_| made());
    values.extend(made.filter(|value| !value.ends_with('\r')));
    values
}

/// `K0`, `K1`, … as they are written, each by a run of its own; and those that are refused.
fn written(options: &[&str]) -> (String, BTreeMap<String, String>, Vec<String>) {
    let (mut file, mut kept, mut refused) = (String::new(), BTreeMap::new(), Vec::new());
    for (index, value) in values().into_iter().enumerate() {
        let name = format!("K{index}");
        let output = export(&name, &value, options);
        if output.status.success() {
            file.push_str(&String::from_utf8(output.stdout).expect("UTF-8"));
            kept.insert(name, value);
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{value:?}: {said}");
            assert!(
                said.contains("is read back the same by"),
                "{value:?}: {said}"
            );
            assert!(output.stdout.is_empty(), "{value:?}");
            refused.push(value);
        }
    }
    (file, kept, refused)
}

fn export(name: &str, value: &str, options: &[&str]) -> Output {
    // A `file` place takes the last newline off.
    Test::manifest(&format!("version: 1\nenv: {{ {name}: file://value }}\n"))
        .file("value", format!("{value}\n"))
        .args([&["export", "--format", "dotenv"], options].concat())
        .command()
        .output()
        .expect("it starts")
}

fn read(mut reader: Command, file: &str) -> BTreeMap<String, String> {
    let test = Test::new().file("all.env", file);
    let output = reader
        .current_dir(test.path(""))
        .output()
        .expect("it starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    let read: BTreeMap<String, String> =
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{output:?}"));
    read.into_iter()
        .filter(|(name, _)| name.starts_with('K') && name[1..].parse::<usize>().is_ok())
        .collect()
}

fn node(file: &str) -> BTreeMap<String, String> {
    let mut command = Command::new(runtime::find("node"));
    command.args(["--env-file=all.env", "-p", "JSON.stringify(process.env)"]);
    read(command, file)
}

fn python(file: &str) -> BTreeMap<String, String> {
    let mut command = Command::new(aws::python());
    let script = "import dotenv, json; print(json.dumps(dotenv.dotenv_values('all.env')))";
    command.args(["-c", script]);
    read(command, file)
}

#[test]
fn every_reader_gives_back_what_is_written_for_all_of_them() {
    let (file, kept, refused) = written(&[]);
    assert_eq!(node(&file), kept, "node");
    assert_eq!(python(&file), kept, "python-dotenv");
    let test = Test::manifest("version: 1\nfrom: dotenv://.env\nenv: {}\n")
        .file_with_mode(".env", &file, 0o600);
    let names: Vec<String> = kept.keys().map(|name| format!("  {name}:\n")).collect();
    let manifest = format!("version: 1\nfrom: dotenv://.env\nenv:\n{}", names.concat());
    let output = test
        .file("secretfile.yaml", manifest)
        .args(["-q", "export", "--format", "json"])
        .any_stdout()
        .success();
    let read: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read, kept, "endow");
    for value in [
        "C:\\dir\\",
        "\\\\server\\share",
        "{\"k\":\"a\\nb\"}",
        "it's",
        "pa$$word",
    ] {
        assert!(
            kept.values().any(|kept| kept == value),
            "{value} has a form"
        );
    }
    for value in ["it's \"5\" $x", "p${w}x", "it's `touch pwned`", "a\r\nb"] {
        assert!(
            refused.iter().any(|refused| refused == value),
            "{value} has none"
        );
    }
}

#[test]
fn a_shell_that_sources_the_file_runs_nothing_of_it() {
    let (file, ..) = written(&[]);
    let test = Test::new().file("all.env", file).file_with_mode(
        "bin/touch",
        "#!/bin/sh\n: > touched\n",
        0o755,
    );
    let script = format!("PATH={}; . ./all.env", test.path("bin").display());
    let mut shell = Command::new("/bin/sh");
    let output = shell
        .args(["-c", &script])
        .current_dir(test.path(""))
        .output()
        .expect("it starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(!test.path("touched").exists() && !test.path("pwned").exists());
}

#[test]
fn one_named_reader_gives_back_more() {
    let (file, kept, refused) = written(&["--for", "node"]);
    assert_eq!(node(&file), kept);
    assert!(kept.values().any(|value| value == "it's \"5\" $x"));
    assert!(refused.len() < 20, "{refused:?}");
    let (file, kept, refused) = written(&["--for", "python"]);
    assert_eq!(python(&file), kept);
    assert!(kept.values().any(|value| value == "a\r\nb"));
    let is_known = |value: &String| value.contains("${") || value.ends_with('\\');
    assert!(refused.iter().all(is_known), "{refused:?}");
    let (_, kept, _) = written(&["--for", "compose"]);
    assert!(kept.values().any(|value| value == "p${w}x"));
}

#[test]
fn a_refusal_names_the_readers_and_for_whom_it_can_be_written() {
    let test = |value: &str, options: &[&str]| {
        Test::manifest("version: 1\nenv: { A: file://value }\n")
            .file("value", value)
            .args([&["export", "--format", "dotenv"], options].concat())
    };
    test("p${w}x", &[])
        .stderr("endow: error: no form of the value of `A` in a .env file is read back the same by python-dotenv\nhint: `--for node` or `--for compose` writes it for one reader\n")
        .status(2);
    test("p${w}x", &["--for", "python"])
        .stderr("endow: error: no form of the value of `A` in a .env file is read back the same by python-dotenv\nhint: `endow run` gives it to a program without a file\n")
        .status(2);
    test("p${w}x it's", &["--for", "docker"])
        .stdout("A=p${w}x it's\n")
        .success();
    Test::manifest("version: 1\nenv: { A: file://value }\n")
        .file("value", "x")
        .args(["export", "--format", "json", "--for", "node"])
        .stderr("endow: error: `--for` says who reads a .env file: it needs `--format dotenv`\n")
        .status(2);
}

//! The search itself: what leaks on purpose is found in every place, in every form.

use std::fs;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::{
    room::{Allowed, private, traced},
    shared::Shared,
    value::{Canary, Search},
};
use crate::harness::{Test, random};

/// What a program does with `$value`, and what is said of it.
const LEAKS: [(&str, &str); 15] = [
    ("echo $value", "PLAIN as it is in standard output"),
    ("echo $value >&2", "PLAIN as it is in standard error"),
    (
        "printf %s $value | base64 -w0 > $TMPDIR/it",
        "PLAIN as an encoding in the file ",
    ),
    (
        "printf a%s $value | base64 -w0 > $TMPDIR/it",
        "PLAIN as an encoding in the file ",
    ),
    (
        "printf ab%s $value | base64 -w0 > $TMPDIR/it",
        "PLAIN as an encoding in the file ",
    ),
    (
        "printf %s $value | od -An -v -tx1 | tr -d ' \\n'",
        "PLAIN as an encoding in standard output",
    ),
    (
        "printf %s $value | od -An -v -tx1 | tr -d '\\n' | tr ' ' %",
        "PLAIN as it is in standard output",
    ),
    (
        "echo $value > $TMPDIR/it; rm $TMPDIR/it",
        "PLAIN as it is in the file ",
    ),
    (
        "touch $TMPDIR/at-$value; rm $TMPDIR/at-*",
        "PLAIN as it is in the name of a file",
    ),
    (
        "env true --password=$value",
        "PLAIN as it is in the words of ",
    ),
    (
        "IT=$value env true",
        "PLAIN as it is in the environment of ",
    ),
    (
        "printf %.20s $value > /dev/shm/endow-control-$$; rm /dev/shm/endow-control-$$",
        "PLAIN as it is in the file /dev/shm/",
    ),
    (
        "python3 -c '
import mmap, os
path = os.environ[\"TMPDIR\"] + \"/it\"
with open(path, \"wb+\") as file:
    file.truncate(4096)
    mmap.mmap(file.fileno(), 4096)[:3] = b\"any\"
os.unlink(path)'",
        "mmap into the file ",
    ),
    (
        "python3 -c '
import os
path = os.environ[\"TMPDIR\"] + \"/it\"
with open(path, \"wb\") as file, open(\"secretfile.yaml\", \"rb\") as source:
    os.sendfile(file.fileno(), source.fileno(), 0, 9)
os.unlink(path)'",
        "sendfile into the file ",
    ),
    (
        "python3 -c '
import os
path = os.environ[\"TMPDIR\"] + \"/it\"
with open(path, \"wb\") as file, open(\"secretfile.yaml\", \"rb\") as source:
    os.copy_file_range(source.fileno(), file.fileno(), 9)
os.unlink(path)'",
        "copy_file_range into the file ",
    ),
];

#[test]
fn a_leak_is_found_wherever_it_is() {
    for (does, expected) in LEAKS {
        let canary = Canary::plain();
        let value = str::from_utf8(&canary.value).expect("a text");
        let script = format!("#!/bin/sh\nvalue={value}\n{does}\nexec \"$@\"\n");
        let test = private(Test::manifest("version: 1\n"))
            .file_with_mode("leak", script, 0o755)
            .through(["./leak"])
            .args(["check"]);
        let evidence = traced(test, None, |_| {});
        assert!(evidence.output.status.success(), "{does}");
        let leaks = evidence.leaks(&Search::of(&[canary]), &Allowed::default());
        let is_found = leaks.iter().any(|leak| leak.starts_with(expected));
        assert!(is_found, "{does}: {leaks:?}");
    }
}

#[test]
fn a_shell_that_endow_starts_is_found() {
    let manifest = "version: 1\nbackends: { own: { type: exec, command: [sh, -c, 'echo any'] } }\n\
        env: { A: own://a }\n";
    let test = private(Test::manifest(manifest)).args(["--file", "secretfile.yaml"]);
    let child = ["sh", "-c", "true"].map(str::to_owned);
    let evidence = traced(test.run(&child), None, |_| {});
    assert!(evidence.output.status.success());
    let allowed = Allowed {
        child: child.into(),
        ..Allowed::default()
    };
    let found = evidence.leaks(&Search::of(&[Canary::plain()]), &allowed);
    let is_shell = |found: &String| found.ends_with("/sh was started");
    assert!(!found.is_empty() && found.iter().all(is_shell), "{found:?}");
}

#[test]
fn a_leak_into_a_directory_of_everybody_is_found() {
    for directory in ["/tmp", "/var/tmp", "/dev/shm"] {
        let (shared, canary) = (Shared::begin(), Canary::plain());
        let path = format!("{directory}/a-control-of-{}", random::word(12));
        fs::write(&path, &canary.value).expect("a file");
        shared.add([canary]);
        let found = shared.found();
        fs::remove_file(&path).expect("the file");
        assert_eq!(found.len(), 1, "{path}: {found:?}");
    }
}

#[test]
fn every_kind_of_canary_is_found_in_every_form() {
    for canary in [
        Canary::plain(),
        Canary::quoted(),
        Canary::long(),
        Canary::binary(),
        Canary::nul(),
    ] {
        let search = Search::of(std::slice::from_ref(&canary));
        let value = &canary.value;
        let lossy = String::from_utf8_lossy(value);
        let mut forms = vec![
            value.clone(),
            value[..value.len() / 2].to_vec(),
            value[value.len() / 2..].to_vec(),
            format!("{value:?}").into_bytes(),
            value.escape_ascii().to_string().into_bytes(),
            value
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect::<String>()
                .into_bytes(),
            value
                .iter()
                .map(|byte| format!("%{byte:02X}"))
                .collect::<String>()
                .into_bytes(),
        ];
        if str::from_utf8(value).is_ok() {
            forms.push(serde_json::json!(lossy).to_string().into_bytes());
            forms.push(format!("{lossy:?}").into_bytes());
        }
        for before in ["", "a", "ab"] {
            let bytes = [before.as_bytes(), value].concat();
            forms.push(STANDARD.encode(&bytes).into_bytes());
            forms.push(URL_SAFE_NO_PAD.encode(&bytes).into_bytes());
        }
        for form in forms {
            let found = search.find(&form);
            assert!(
                !found.is_empty(),
                "{}: {}",
                canary.name,
                form.escape_ascii()
            );
        }
        let other = random::bytes(1 << 16);
        assert!(search.find(&other).is_empty());
    }
}

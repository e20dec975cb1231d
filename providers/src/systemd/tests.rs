//! Over a real directory of credentials.

use std::ffi::OsString;

use super::KIND;
use crate::{
    Address, Class, Field, Opening, Provider, Reply, Settings,
    read::testing::{Scratch, block_on, limits},
};

fn opened(directory: &str) -> Box<dyn Provider> {
    let environment: Vec<(OsString, OsString)> =
        vec![("CREDENTIALS_DIRECTORY".into(), directory.into())];
    let environment = if directory.is_empty() {
        &[]
    } else {
        &environment[..]
    };
    KIND.open.unwrap()(Opening {
        name: "systemd",
        settings: Settings::Map(std::collections::BTreeMap::new()),
        environment,
        home: None,
        helpers: crate::Helpers::default(),
    })
    .unwrap_or_else(|fault| panic!("{fault:?}"))
}

fn address(name: &str, field: Option<Field>) -> Address {
    Address {
        locator: name.into(),
        field,
        options: Vec::new(),
    }
}

#[test]
fn bytes_keys_and_pointers_of_credentials_are_answered_in_order() {
    let scratch = Scratch::new();
    scratch.file("raw", "two\nlines\n");
    scratch.file("env", "A=1\nB='2'\n");
    scratch.file("json", "{\"a\": {\"b\": \"3\", \"n\": null}}");
    let directory = scratch.path("").display().to_string();
    let batch = [
        address("json", Some(Field::Pointer("/a/b".into()))),
        address("env", Some(Field::Name("B".into()))),
        address("raw", None),
        address("env", Some(Field::Name("C".into()))),
        address("json", Some(Field::Pointer("/a/n".into()))),
        address("none", None),
    ];
    let fetched = block_on(opened(&directory).fetch(&batch, &limits(20_000)));
    let values: Vec<String> = fetched
        .answers
        .iter()
        .map(|answer| match answer.as_ref().unwrap() {
            Reply::Value(value) => String::from_utf8_lossy(value.secret.expose()).into_owned(),
            Reply::Absent(absence) => absence.what.replace(&directory, "DIR/"),
        })
        .collect();
    assert_eq!(&values[..3], ["3", "2", "two\nlines\n"]);
    assert!(values[3].starts_with("no `C` in"), "{values:?}");
    assert!(values[4].ends_with("is null"), "{values:?}");
    assert!(values[5].starts_with("no file"), "{values:?}");
}

#[test]
fn without_a_directory_credentials_are_absent_and_a_relative_one_is_malformed() {
    let batch = [address("raw", None)];
    let fetched = block_on(opened("").fetch(&batch, &limits(20_000)));
    assert!(
        matches!(&fetched.answers[0], Ok(Reply::Absent(absence)) if absence.what.contains("is not set"))
    );
    let fetched = block_on(opened("relative").fetch(&batch, &limits(20_000)));
    assert_eq!(
        fetched.answers[0].as_ref().unwrap_err().class,
        Class::Malformed
    );
}

#[test]
fn a_name_is_no_path() {
    for name in ["../x", "a/b", ".", ".."] {
        (KIND.validate)(&address(name, None)).unwrap_err();
    }
    (KIND.validate)(&address("db-password", None)).unwrap();
}

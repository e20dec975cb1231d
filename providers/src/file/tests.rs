//! The provider over real files.

use std::{collections::BTreeMap, fs};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::KIND;
use crate::{
    Absence, Address, Class, Fault, Fetched, Field, Metadata, Opening, Provider, Reply, Request,
    Settings,
    read::testing::{Scratch, block_on, limits, named, plain, text},
};

fn provider() -> Box<dyn Provider> {
    let settings = Settings::Map(BTreeMap::new());
    KIND.open.unwrap()(Opening {
        name: "file",
        settings,
        environment: &[],
        home: None,
        helpers: crate::Helpers::default(),
    })
    .unwrap_or_else(|fault| panic!("{fault:?}"))
}

fn fetch(batch: &[Address]) -> Fetched {
    block_on(provider().fetch(batch, &limits(20_000)))
}

fn pointer(path: &str, pointer: &str) -> Address {
    Address {
        field: Some(Field::Pointer(pointer.into())),
        ..plain(path)
    }
}

fn value(fetched: &Fetched, index: usize) -> &[u8] {
    match &fetched.answers[index] {
        Ok(Reply::Value(value)) => value.secret.expose(),
        other => panic!("{other:?}"),
    }
}

fn absence(fetched: &Fetched, index: usize) -> &Absence {
    match &fetched.answers[index] {
        Ok(Reply::Absent(absence)) => absence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_trailing_newline_is_removed_and_nothing_else() {
    let scratch = Scratch::new();
    let rows: [(&[u8], &[u8]); 10] = [
        (b"", b""),
        (b"a", b"a"),
        (b"a\n", b"a"),
        (b"a\r\n", b"a"),
        (b"a\n\n", b"a\n"),
        (b"a\r", b"a\r"),
        (b"\n", b""),
        (b" a \n", b" a "),
        (b"a\nb\n", b"a\nb"),
        (b"\0\xff\n", b"\0\xff"),
    ];
    for (content, expected) in rows {
        let path = scratch.file("a", content);
        assert_eq!(value(&fetch(&[plain(&path)]), 0), expected, "{content:?}");
    }
}

#[test]
fn one_file_answers_itself_and_its_fields() {
    let scratch = Scratch::new();
    let json = "{\"a\": {\"b\": \"x\\n\", \"c\": null}}\n";
    let path = scratch.file("a.json", json);
    let fetched = fetch(&[
        plain(&path),
        pointer(&path, "/a/b"),
        pointer(&path, "/a/c"),
        pointer(&path, "/z"),
    ]);
    assert_eq!(value(&fetched, 0), json.trim_end().as_bytes());
    assert_eq!(value(&fetched, 1), b"x\n");
    let missing = |field: &str, keys: &[&str]| Absence {
        what: format!("no `{field}` in `{path}`"),
        keys: keys.iter().map(ToString::to_string).collect(),
    };
    let null = Absence {
        what: format!("`/a/c` in `{path}` is null"),
        keys: Vec::new(),
    };
    assert_eq!(absence(&fetched, 2), &null);
    assert_eq!(absence(&fetched, 3), &missing("/z", &["a"]));
}

#[test]
fn a_missing_file_is_absent_with_and_without_a_field() {
    let scratch = Scratch::new();
    let path = text(&scratch.path("none"));
    let fetched = fetch(&[plain(&path), pointer(&path, "/a")]);
    let expected = Absence {
        what: format!("no file `{path}`"),
        keys: vec![],
    };
    assert_eq!(
        (absence(&fetched, 0), absence(&fetched, 1)),
        (&expected, &expected)
    );
}

#[test]
fn a_field_of_what_is_no_json_is_malformed_and_not_shown() {
    let scratch = Scratch::new();
    let path = scratch.file("a", "hunter2");
    let fetched = fetch(&[pointer(&path, "/a"), plain(&path)]);
    let message = format!("`{path}` is not valid JSON, at line 1, column 1");
    assert_eq!(
        fetched.answers[0].as_ref().unwrap_err(),
        &Fault::new(Class::Malformed, message)
    );
    assert_eq!(value(&fetched, 1), b"hunter2");
}

#[test]
fn a_directory_is_a_fault() {
    let scratch = Scratch::new();
    let path = scratch.path("d");
    fs::create_dir(&path).unwrap();
    let fetched = fetch(&[plain(&text(&path))]);
    let message = format!("`{}` is a directory", text(&path));
    assert_eq!(
        fetched.answers[0].as_ref().unwrap_err(),
        &Fault::new(Class::Malformed, message)
    );
}

#[test]
fn a_description_has_the_version_of_the_value_and_leaves_a_fifo_alone() {
    let scratch = Scratch::new();
    let (path, fifo) = (scratch.file("a", "1"), scratch.path("fifo"));
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let batch = [
        plain(&path),
        plain(&text(&fifo)),
        plain(&text(&scratch.path("none"))),
    ];
    let described = block_on(provider().describe(&batch, &limits(20_000)));
    let fetched = fetch(&batch[..1]);
    let Ok(Reply::Value(value)) = &fetched.answers[0] else {
        panic!("{fetched:?}")
    };
    assert!(value.metadata.version.is_some());
    assert_eq!(described[0], Ok(Ok(value.metadata.clone())));
    assert_eq!(described[1], Ok(Ok(Metadata::default())));
    assert_eq!(
        described[2],
        Ok(Err(Absence {
            what: format!("no file `{}`", batch[2].locator),
            keys: vec![]
        }))
    );
}

#[test]
fn requests_are_one_a_file() {
    let batch = [plain("/b"), pointer("/a", "/x"), pointer("/b", "/y")];
    let request = |label: &str, answers: &[usize]| Request {
        label: label.into(),
        answers: answers.to_vec(),
        is_free: false,
    };
    assert_eq!(
        (KIND.requests)(&batch),
        [request("read /b", &[0, 2]), request("read /a", &[1])]
    );
}

#[test]
fn a_field_is_a_pointer_and_a_name_is_told_how_to_be_one() {
    let error = |address: &Address| (KIND.validate)(address).unwrap_err();
    assert_eq!((KIND.validate)(&plain("/a")), Ok(()));
    assert_eq!((KIND.validate)(&pointer("/a", "/b~1c")), Ok(()));
    assert_eq!(
        error(&named("/a", "b")),
        "a field of a file is a JSON Pointer: write `#/b`"
    );
    assert_eq!(
        error(&named("/a", "b/~c")),
        "a field of a file is a JSON Pointer: write `#/b~1~0c`"
    );
    assert_eq!(
        error(&pointer("/a", "/~")),
        "`/~` is no JSON Pointer: a `~` is written `~0`, a `/` in a key `~1`"
    );
    assert_eq!(
        error(&plain("")),
        "the path of a file is needed: `file:///run/secrets/NAME`"
    );
    assert_eq!(error(&plain("/a\0")), "a path holds no NUL");
}

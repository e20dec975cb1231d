//! The provider over real files.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{KIND, quoted};
use crate::{
    Absence, Address, Class, Fault, Fetched, Field, Metadata, Opening, Provider, Reply, Request,
    Secret, Settings, Warning,
    read::testing::{Scratch, block_on, limits, named, plain, text},
};

fn opened(expand: Option<&str>) -> Result<Box<dyn Provider>, Fault> {
    let setting = |text: &str| {
        (
            "expand".to_owned(),
            Settings::Text(Secret::copied_from(text.as_bytes())),
        )
    };
    let settings = Settings::Map(expand.into_iter().map(setting).collect::<BTreeMap<_, _>>());
    KIND.open.unwrap()(Opening {
        name: "dotenv",
        settings,
        environment: &[],
        home: None,
        helpers: crate::Helpers::default(),
    })
}

fn provider() -> Box<dyn Provider> {
    opened(None).unwrap_or_else(|fault| panic!("{fault:?}"))
}

fn fetched(provider: &dyn Provider, batch: &[Address]) -> Fetched {
    block_on(provider.fetch(batch, &limits(20_000)))
}

fn fetch(batch: &[Address]) -> Fetched {
    fetched(&*provider(), batch)
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

fn private(scratch: &Scratch, name: &str, content: &str) -> String {
    let path = scratch.file(name, content);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn several_files_answer_several_keys_in_the_order_of_the_batch() {
    let scratch = Scratch::new();
    let (a, b) = (
        private(&scratch, "a", "X=1\nY=2\n"),
        private(&scratch, "b", "X=3\n"),
    );
    let fetched = fetch(&[
        named(&a, "Y"),
        named(&b, "X"),
        named(&a, "X"),
        named(&a, "Y"),
    ]);
    let values: Vec<&[u8]> = (0..4).map(|index| value(&fetched, index)).collect();
    assert_eq!(values, [b"2", b"3", b"1", b"2"]);
    assert_eq!(fetched.warnings, []);
}

#[test]
fn one_read_answers_every_key_of_a_fifo() {
    let scratch = Scratch::new();
    let path = scratch.path("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            OpenOptions::new()
                .write(true)
                .open(path)
                .unwrap()
                .write_all(b"X=1\nY=2\n")
                .unwrap();
        }
    });
    let fetched = fetch(&[named(&text(&path), "X"), named(&text(&path), "Y")]);
    writer.join().unwrap();
    assert_eq!(
        (value(&fetched, 0), value(&fetched, 1)),
        (&b"1"[..], &b"2"[..])
    );
}

#[test]
fn a_missing_key_is_absent_with_the_names_there() {
    let scratch = Scratch::new();
    let path = private(&scratch, "a", "Y=1\nX=hunter2\n");
    let fetched = fetch(&[named(&path, "Z")]);
    let expected = Absence {
        what: format!("no `Z` in `{path}`"),
        keys: vec!["X".into(), "Y".into()],
    };
    assert_eq!(absence(&fetched, 0), &expected);
    assert!(!format!("{fetched:?}").contains("hunter2"));
}

#[test]
fn a_missing_file_is_absent_and_the_others_answer() {
    let scratch = Scratch::new();
    let (a, b) = (private(&scratch, "a", "X=1"), text(&scratch.path("none")));
    let fetched = fetch(&[named(&b, "X"), named(&a, "X")]);
    assert_eq!(
        absence(&fetched, 0),
        &Absence {
            what: format!("no file `{b}`"),
            keys: vec![]
        }
    );
    assert_eq!(value(&fetched, 1), b"1");
}

#[test]
fn a_broken_file_faults_every_key_of_it_and_no_other() {
    let scratch = Scratch::new();
    let (a, b) = (
        private(&scratch, "a", "X=1\nhunter2\n"),
        private(&scratch, "b", "X=2"),
    );
    let fetched = fetch(&[named(&a, "X"), named(&b, "X"), named(&a, "Y")]);
    let expected = Fault::new(Class::Malformed, format!("`{a}` line 2: no `=`"));
    assert_eq!(fetched.answers[0].as_ref().unwrap_err(), &expected);
    assert_eq!(fetched.answers[2].as_ref().unwrap_err(), &expected);
    assert_eq!(value(&fetched, 1), b"2");
}

#[test]
fn a_file_that_others_can_read_is_warned_of_once() {
    let scratch = Scratch::new();
    let path = scratch.file("it's here", "X=1\nY=2");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let fetched = fetch(&[named(&path, "X"), named(&path, "Y")]);
    let hint = format!("chmod 600 '{}'", path.replace('\'', r"'\''"));
    let message = format!("`{path}` can be read by every user of this machine");
    assert_eq!(
        fetched.warnings,
        [Warning {
            message,
            hint: Some(hint)
        }]
    );
}

#[test]
fn a_repeated_key_is_warned_of_and_the_last_counts() {
    let scratch = Scratch::new();
    let path = private(&scratch, "a", "X=hunter1\n\nX=hunter2\n");
    let fetched = fetch(&[named(&path, "X")]);
    assert_eq!(value(&fetched, 0), b"hunter2");
    let message = format!("`X` stands twice in `{path}`, on lines 1 and 3");
    assert_eq!(
        fetched.warnings,
        [Warning {
            message,
            hint: Some("remove one: line 3 counts".into())
        }]
    );
}

#[test]
fn expansion_is_a_setting() {
    let scratch = Scratch::new();
    let batch = [named(&private(&scratch, "a", "X=1\nY=${X}"), "Y")];
    for (setting, expected) in [(None, "${X}"), (Some("false"), "${X}"), (Some("true"), "1")] {
        let provider = opened(setting).unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!(
            value(&fetched(&*provider, &batch), 0),
            expected.as_bytes(),
            "{setting:?}"
        );
    }
    let fault = opened(Some("yes")).err().unwrap();
    assert_eq!(
        fault,
        Fault::new(Class::Malformed, "`expand` is neither `true` nor `false`")
    );
}

#[test]
fn a_description_has_the_version_of_the_value_and_leaves_a_fifo_alone() {
    let scratch = Scratch::new();
    let (file, fifo) = (private(&scratch, "a", "X=1"), scratch.path("fifo"));
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let batch = [
        named(&file, "X"),
        named(&file, "Y"),
        named(&text(&fifo), "X"),
    ];
    let provider = provider();
    let described = block_on(provider.describe(&batch, &limits(20_000)));
    let fetched = fetched(&*provider, &batch[..1]);
    let Ok(Reply::Value(value)) = &fetched.answers[0] else {
        panic!("{fetched:?}")
    };
    assert!(value.metadata.version.is_some());
    assert_eq!(described[0], Ok(Ok(value.metadata.clone())));
    assert_eq!(
        described[1],
        Ok(Err(Absence {
            what: format!("no `Y` in `{file}`"),
            keys: vec!["X".into()]
        }))
    );
    assert_eq!(described[2], Ok(Ok(Metadata::default())));
}

#[test]
fn requests_are_one_a_file() {
    let batch = [named("/b", "X"), named("/a", "X"), named("/b", "Y")];
    let request = |label: &str, answers: &[usize]| Request {
        label: label.into(),
        answers: answers.to_vec(),
        is_free: false,
    };
    assert_eq!(
        (KIND.requests)(&batch),
        [request("read /b", &[0, 2]), request("read /a", &[1])]
    );
    assert_eq!((KIND.requests)(&[]), []);
}

#[test]
fn an_address_is_a_path_and_a_key() {
    let error = |address: &Address| (KIND.validate)(address).unwrap_err();
    assert_eq!((KIND.validate)(&named("/a", "X.y-9")), Ok(()));
    assert_eq!(
        error(&named("", "X")),
        "the path of a file is needed: `dotenv://.env`"
    );
    assert_eq!(error(&named("/a\0", "X")), "a path holds no NUL");
    assert_eq!(error(&plain("/a")), "a key is needed: `#NAME`");
    let pointer = Address {
        field: Some(Field::Pointer("/X".into())),
        ..plain("/a")
    };
    assert_eq!(
        error(&pointer),
        "`#/X` is a JSON Pointer, and a dotenv file has plain keys: write `#NAME`"
    );
    for name in ["", "9X", "a b", "a=b", "\u{e9}"] {
        let expected = format!(
            "`{name}` can't be a key of a dotenv file: letters, digits, `_`, `.` and `-`, first a letter or `_`"
        );
        assert_eq!(error(&named("/a", name)), expected);
    }
}

#[test]
fn a_path_is_quoted_only_where_a_shell_needs_it() {
    assert_eq!(quoted("/a/b-c_1.env"), "/a/b-c_1.env");
    assert_eq!(quoted("/a b"), "'/a b'");
    assert_eq!(quoted("/$(id)"), "'/$(id)'");
    assert_eq!(quoted("/it's"), r"'/it'\''s'");
}

#[test]
fn of_a_reference_that_is_not_expanded_the_keys_are_said_once_and_what_to_write() {
    let scratch = Scratch::new();
    let file = "A=${X}\nB=\"a ${Y:-b}\"\nC='${X}'\nD=\"\\${X}\"\nE=pa$$w${}\nF=`${X}`\nG=${X}\n";
    let path = private(&scratch, "a", &format!("X=1\n{file}"));
    let asked: Vec<Address> = ["A", "B", "C", "D", "E", "F", "A"]
        .iter()
        .map(|key| named(&path, key))
        .collect();
    let said = Warning {
        message: format!("a `${{...}}` in `{path}` is passed on as it is: `A`, `B`"),
        hint: Some("`backends: { dotenv: { expand: true } }` expands it; `expand: false`, or single quotes in the file, keep it without this warning".into()),
    };
    let fetched = fetch(&asked);
    assert_eq!(fetched.warnings, [said]);
    assert_eq!(value(&fetched, 0), b"${X}");
    let stated = opened(Some("false")).unwrap();
    assert_eq!(self::fetched(&*stated, &asked).warnings, []);
}

#[test]
fn a_value_that_begins_with_a_number_sign_is_taken_with_a_word_about_it() {
    let scratch = Scratch::new();
    let path = private(&scratch, "a", "A=#fff\nB=# fff\nC='#fff'\nD= #fff\n");
    let fetched = fetch(&["A", "B", "C", "D"].map(|key| named(&path, key)));
    let values: Vec<&[u8]> = (0..4).map(|index| value(&fetched, index)).collect();
    assert_eq!(values, [&b"#fff"[..], b"", b"#fff", b""]);
    let said = Warning {
        message: format!("a value in `{path}` begins with `#`, a comment to other readers: `A`"),
        hint: Some("quote it; if it is a comment, put a blank after the `#`".into()),
    };
    assert_eq!(fetched.warnings, [said]);
}

//! Fields selected from documents, and what is said of documents that are none.

use super::{Missing, Selection, select, validate};
use crate::Field;

fn field(text: &str) -> Field {
    if text.starts_with('/') {
        Field::Pointer(text.into())
    } else {
        Field::Name(text.into())
    }
}

fn value(document: &str, text: &str) -> String {
    match select(document.as_bytes(), &field(text)) {
        Ok(Selection::Value(secret)) => String::from_utf8(secret.expose().to_vec()).unwrap(),
        other => panic!("{document} {text}: {other:?}"),
    }
}

fn keys(document: &str, text: &str) -> Vec<String> {
    match select(document.as_bytes(), &field(text)) {
        Ok(Selection::Absent(Missing { keys, .. })) => keys,
        other => panic!("{document} {text}: {other:?}"),
    }
}

fn message(document: &[u8], text: &str) -> String {
    select(document, &field(text))
        .unwrap_err()
        .fault("`a.json`")
        .message
}

#[test]
fn a_field_gives_its_text_its_literal_or_its_json() {
    let rows = [
        (r#"{"a":"text"}"#, "a", "text"),
        (r#"{"a":""}"#, "a", ""),
        (r#" { "b" : 1 , "a" : "x" } "#, "a", "x"),
        (r#"{"a":1.50}"#, "a", "1.50"),
        (
            r#"{"a":12345678901234567890123}"#,
            "a",
            "12345678901234567890123",
        ),
        (r#"{"a":-1E+3}"#, "a", "-1E+3"),
        (r#"{"a":true}"#, "a", "true"),
        (r#"{"a": false }"#, "a", "false"),
        (r#"{"a":{"b": [1, 2]}}"#, "a", r#"{"b": [1, 2]}"#),
        (r#"{"a":[ ]}"#, "a", "[ ]"),
        (r#"{"a/b":"x","a":{"b":"y"}}"#, "a/b", "x"),
        (r#"{"a.b":"x"}"#, "a.b", "x"),
        (r#"{"\u0061":"x"}"#, "a", "x"),
        (r#"{"a/b":"x","a":{"b":"y"}}"#, "/a/b", "y"),
        (r#"{"a/b":"x"}"#, "/a~1b", "x"),
        (r#"{"a~b":"x"}"#, "/a~0b", "x"),
        (r#"{"~1":"x"}"#, "/~01", "x"),
        (r#"{"":"x"}"#, "/", "x"),
        (r#"{"":{"":"x"}}"#, "//", "x"),
        (r#"{"a":[{"b":"x"},{"b":"y"}]}"#, "/a/1/b", "y"),
        (r#"["x"]"#, "/0", "x"),
        (r#"{"0":"x"}"#, "/0", "x"),
        ("\u{feff}{\"a\":\"x\"}", "a", "x"),
    ];
    for (document, text, expected) in rows {
        assert_eq!(value(document, text), expected, "{document} {text}");
    }
}

#[test]
fn every_escape_of_a_string_is_decoded() {
    let rows = [
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e9\u20AC", "A\u{e9}\u{20ac}"),
        (r"a\ud83d\ude00b", "a\u{1f600}b"),
        (r"\u0000", "\0"),
        ("\u{e9}\\n\u{e9}", "\u{e9}\n\u{e9}"),
        (r"-----BEGIN-----\nabc\n", "-----BEGIN-----\nabc\n"),
    ];
    for (escaped, expected) in rows {
        assert_eq!(
            value(&format!("{{\"a\":\"{escaped}\"}}"), "a"),
            expected,
            "{escaped}"
        );
    }
}

#[test]
fn what_is_missing_or_null_is_absent_with_the_keys_beside_it() {
    let rows: [(&str, &str, &[&str]); 11] = [
        (r#"{"b":1,"a":2}"#, "c", &["a", "b"]),
        (r#"{"a":null,"b":1}"#, "a", &["b"]),
        (r#"{"a":{"x":1}}"#, "/a/y", &["x"]),
        (r#"{"a":{"x":null}}"#, "/a/x", &[]),
        (r#"{"a":1}"#, "/a/b", &[]),
        (r#"["x"]"#, "/1", &[]),
        (r#"["x"]"#, "/00", &[]),
        (r#"["x"]"#, "/-", &[]),
        (r#"["x"]"#, "/+0", &[]),
        (r#"["x"]"#, "0", &[]),
        ("5", "a", &[]),
    ];
    for (document, text, expected) in rows {
        assert_eq!(keys(document, text), expected, "{document} {text}");
    }
}

#[test]
fn an_error_says_where_and_never_what() {
    let rows: [(&[u8], &str, &str); 8] = [
        (b"", "a", "`a.json` ends too early, at line 1, column 0"),
        (
            b"{\"a\":\n \"hunter2",
            "a",
            "`a.json` ends too early, at line 2, column 9",
        ),
        (
            b"hunter2",
            "a",
            "`a.json` is not valid JSON, at line 1, column 1",
        ),
        (
            b"{\n \"a\": hunter2}",
            "a",
            "`a.json` is not valid JSON, at line 2, column 7",
        ),
        (
            b"{} hunter2",
            "a",
            "`a.json` is not valid JSON, at line 1, column 4",
        ),
        (
            b"{\"a\":\"hunter2\xff\"}",
            "a",
            "`a.json` is not valid JSON, at line 1, column 14",
        ),
        (
            b"{\n \"a\": \"hunter2\\ud800\"}",
            "a",
            "`a.json` is not valid JSON, at line 2, column 7",
        ),
        (
            b"{\n \"a\": {\"hunter2\\ud800\":1}}",
            "/a/b",
            "`a.json` is not valid JSON, at line 2, column 7",
        ),
    ];
    for (document, text, expected) in rows {
        let message = message(document, text);
        assert_eq!(message, expected, "{}", String::from_utf8_lossy(document));
        assert!(!message.contains("hunter2"));
    }
}

#[test]
fn a_deeply_nested_document_needs_no_stack() {
    let depth = 200_000;
    let document = format!(
        "{{\"deep\":{}1{},\"a\":\"x\"}}",
        "[".repeat(depth),
        "]".repeat(depth)
    );
    assert_eq!(value(&document, "a"), "x");
}

#[test]
fn a_field_s_form_is_checked_without_a_document() {
    assert_eq!(validate(&field("a~b")), Ok(()));
    assert_eq!(validate(&field("/a~0b~1c")), Ok(()));
    assert_eq!(validate(&field("")), Err("nothing stands after `#`".into()));
    for pointer in ["/a~", "/a~2", "/~/b"] {
        let text = validate(&field(pointer)).unwrap_err();
        assert_eq!(
            text,
            format!("`{pointer}` is no JSON Pointer: a `~` is written `~0`, a `/` in a key `~1`")
        );
    }
}

#[test]
fn a_merged_document_keeps_everything_else_as_it_stands() {
    let rows = [
        ("{}", "a", r#"{"a":"v"}"#),
        (
            r#" { "x" : 1.50 , "a" : {"b":2} } "#,
            "a",
            r#"{"x":1.50,"a":"v"}"#,
        ),
        (
            r#"{"a":{"b":{"c":[1, 2]}}}"#,
            "/a/b/d",
            r#"{"a":{"b":{"c":[1, 2],"d":"v"}}}"#,
        ),
        ("{}", "/a/b", r#"{"a":{"b":"v"}}"#),
        (r#"{"a/b":1}"#, "/a~1b", r#"{"a/b":"v"}"#),
        (r#"{"a.b":1}"#, "a.b", r#"{"a.b":"v"}"#),
    ];
    for (document, text, expected) in rows {
        let merged = super::merged(document.as_bytes(), &field(text), "v");
        let merged = merged.expect("it is JSON").expect("it has an object");
        assert_eq!(std::str::from_utf8(&merged), Ok(expected));
    }
    for document in ["[]", "1", r#"{"a":[]}"#] {
        let merged = super::merged(document.as_bytes(), &field("/a/0"), "v");
        assert!(merged.expect("it is JSON").is_none(), "{document}");
    }
    assert!(super::merged(b"{", &field("a"), "v").is_err());
}

/// Which of the two is meant, each reader decides otherwise.
#[test]
fn a_key_that_stands_twice_on_the_way_is_malformed() {
    for (document, text) in [
        (r#"{"a":1,"a":"last"}"#, "a"),
        (r#"{"b":1,"a":"x","b":2}"#, "a"),
        (r#"{"b":1,"b":2}"#, "c"),
        (r#"{"a":1,"\u0061":null}"#, "a"),
        (r#"{"a":{"b":1,"b":2}}"#, "/a/b"),
    ] {
        let refused = select(document.as_bytes(), &field(text)).expect_err("it is refused");
        let message = refused.fault("the secret").message;
        assert!(
            message.contains("a key stands twice"),
            "{document}: {message}"
        );
        assert!(super::merged(document.as_bytes(), &field(text), "v").is_err());
    }
    // Beside the way nothing is looked at.
    assert!(select(br#"{"a":"x","b":{"c":1,"c":2}}"#, &field("a")).is_ok());
}

#[test]
fn a_merged_value_is_escaped_and_leaves_no_copy_in_a_grown_buffer() {
    let value = "\u{1}\"\\\n".repeat(1000);
    let merged = super::merged(b"{}", &field("a"), &value);
    let merged = merged.expect("it is JSON").expect("it has an object");
    assert!(merged.capacity() < 6 * value.len() + 64, "it never grew");
    let parsed: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&merged).expect("JSON");
    assert_eq!(parsed["a"], value);
}

#[test]
fn a_pointer_has_at_most_a_hundred_steps() {
    let pointer = |steps: usize| field(&"/a".repeat(steps));
    assert_eq!(validate(&pointer(100)), Ok(()));
    let expected = Err("a JSON Pointer has at most 100 steps".to_owned());
    assert_eq!(validate(&pointer(101)), expected);
}

//! What must hold for any document: the selection is what a whole tree of it has there.

use std::collections::BTreeSet;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, from_slice};

use super::{
    BYTE_ORDER_MARK, Malformed, Missing, Selection, merged, object, select, steps, validate,
};
use crate::Field;

/// A line that is the field, and then the document.
///
/// # Panics
///
/// Where it does not hold.
pub fn json(input: &[u8]) {
    let mut pieces = input.splitn(2, |byte| *byte == b'\n');
    let (line, document) = (pieces.next(), pieces.next().unwrap_or_default());
    let Ok(name) = std::str::from_utf8(line.unwrap_or_default()) else {
        return;
    };
    let field = if name.starts_with('/') {
        Field::Pointer(name.to_owned())
    } else {
        Field::Name(name.to_owned())
    };
    if validate(&field).is_err() {
        return;
    }
    let bare = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    match (from_slice::<Value>(bare), select(document, &field)) {
        (Ok(tree), Ok(selection)) => {
            agrees(&tree, &field, &selection, document);
            if from_slice::<Unique>(bare).is_ok() {
                merges(&tree, &field, document);
            }
            writes(&tree);
        }
        (Ok(_), Err(malformed)) => assert!(
            from_slice::<Unique>(bare).is_err(),
            "refused although it is JSON, and no key stands twice: {malformed:?}"
        ),
        (Err(error), Ok(_)) => assert!(is_beyond_a_tree(&error), "taken although: {error}"),
        (Err(_), Err(Malformed { line, .. })) => {
            let lines = bare.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
    }
}

/// Anything in which no object has a key twice.
struct Unique;

impl<'d> Deserialize<'d> for Unique {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'d> Visitor<'d> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'d>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, _)) = map.next_entry::<String, Self>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

/// What a tree can't hold, and one field can be selected beside.
fn is_beyond_a_tree(error: &serde_json::Error) -> bool {
    let text = error.to_string();
    [
        "recursion limit",
        "number out of range",
        "lone leading surrogate",
        "unexpected end of hex escape",
    ]
    .iter()
    .any(|beyond| text.starts_with(beyond))
}

/// What stands at the field, and the other keys beside the first step that leads nowhere.
fn look<'t>(tree: &'t Value, field: &Field) -> (Option<&'t Value>, BTreeSet<&'t str>) {
    let (names, has_indices) = match field {
        Field::Name(name) => (vec![name.clone()], false),
        Field::Pointer(pointer) => {
            let names = pointer[1..].split('/');
            let plain = |name: &str| name.replace("~1", "/").replace("~0", "~");
            (names.map(plain).collect(), true)
        }
    };
    let (mut here, mut others) = (tree, BTreeSet::new());
    for name in names {
        others = here
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, value)| **key != name && *value != "" && crate::is_name_like(key))
            .map(|(key, _)| key.as_str())
            .collect();
        let next = match here {
            Value::Array(items) if has_indices => {
                let index = name.parse::<usize>().ok();
                let canonical = index.filter(|index| index.to_string() == name);
                canonical.and_then(|index| items.get(index))
            }
            Value::Object(object) => object.get(&name),
            _ => None,
        };
        match next {
            Some(next) => here = next,
            None => return (None, others),
        }
    }
    (Some(here).filter(|here| !here.is_null()), others)
}

fn agrees(tree: &Value, field: &Field, selection: &Selection, document: &[u8]) {
    let (expected, others) = look(tree, field);
    match (expected, selection) {
        (Some(Value::String(text)), Selection::Value(secret)) => {
            assert_eq!(secret.expose(), text.as_bytes(), "the text of a string");
        }
        (Some(expected), Selection::Value(secret)) => {
            let literal = secret.expose();
            let found: Value = from_slice(literal).expect("a literal is JSON");
            assert_eq!(found, *expected, "the same value");
            let mut places = document.windows(literal.len());
            assert!(places.any(|place| place == literal), "as it stands");
        }
        (None, Selection::Absent(Missing { keys, .. })) => {
            let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
            assert_eq!(keys, others, "the other keys that are names");
        }
        (expected, _) => panic!("one has it and one has not: {}", expected.is_some()),
    }
}

/// A value that is put in is there, all else is as it was, and no buffer had to grow.
fn merges(tree: &Value, field: &Field, document: &[u8]) {
    let value = "v\"\\\n\u{1}\u{fc}";
    let written = merged(document, field, value).expect("it was JSON");
    let mut expected = tree.clone();
    let steps: Vec<String> = steps(field).iter().map(ToString::to_string).collect();
    let has_place = set(&mut expected, &steps, value);
    assert_eq!(written.is_some(), has_place, "whether it has a place");
    let Some(written) = written else { return };
    let found: Value = from_slice(&written).expect("what was written is JSON");
    assert_eq!(found, expected, "everything else");
    let names: usize = steps.iter().map(|step| 6 * step.len() + 8).sum();
    let most = document.len() + 6 * value.len() + names + 8;
    assert!(written.len() <= most, "{} of {most}", written.len());
}

fn set(here: &mut Value, steps: &[String], value: &str) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        *here = Value::String(value.to_owned());
        return true;
    };
    let Value::Object(object) = here else {
        return false;
    };
    let empty = Value::Object(Map::new());
    set(object.entry(step.clone()).or_insert(empty), rest, value)
}

/// Texts that are written as an object are read back.
fn writes(tree: &Value) {
    let members = tree.as_object().into_iter().flatten();
    let texts: Vec<(&str, &[u8])> = members
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.as_bytes())))
        .collect();
    let written = object(&texts).expect("texts of JSON are UTF-8");
    let found: Value = from_slice(&written).expect("what was written is JSON");
    let found = found.as_object().expect("an object");
    assert_eq!(found.len(), texts.len(), "every one");
    for (name, text) in texts {
        let found = found[name].as_str().expect("a text");
        assert_eq!(found.as_bytes(), text, "as it was");
    }
}

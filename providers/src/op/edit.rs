//! One field of an item changed, everything else as it stands.
//!
//! The result goes to `op item edit` over its standard input, or to Connect. It is put together from the pieces
//! of what was read, in memory that is wiped and does not grow.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Reference,
    item::{Item, Part, only},
};
use crate::{Class, Condition, Fault, Secret};

/// The entries of an object in their order.
struct Entries<'a>(Vec<(Key<'a>, &'a RawValue)>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The id of the item, and the item with the new value.
pub(super) fn edited(
    document: &[u8],
    reference: &Reference,
    secret: &Secret,
    condition: &Condition,
) -> Result<(String, Zeroizing<Vec<u8>>), Fault> {
    let item: Item<'_> = serde_json::from_slice(document).map_err(|_| unreadable())?;
    let target = target(&item, reference, condition)?;
    let text = text(secret)?;
    let Entries(entries) = serde_json::from_slice(document).map_err(|_| unreadable())?;
    let mut writer = Writer::with_room(document.len() + text.len(), reference);
    writer.push("{");
    let mut has_fields = false;
    for (at, (key, raw)) in entries.iter().enumerate() {
        writer.key(at, &key.0);
        if key.0 == "fields" {
            has_fields = true;
            writer.fields(raw, target.as_deref(), &item, reference, text)?;
        } else {
            writer.push(raw.get());
        }
    }
    if !has_fields {
        writer.key(entries.len(), "fields");
        writer.push("[");
        writer.new_field(&item, reference, text)?;
        writer.push("]");
    }
    writer.push("}");
    Ok((item.id, writer.0))
}

/// The same change as a JSON Patch (RFC 6902), as Connect takes it.
pub(super) fn patch(
    document: &[u8],
    reference: &Reference,
    secret: &Secret,
    condition: &Condition,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let item: Item<'_> = serde_json::from_slice(document).map_err(|_| unreadable())?;
    let text = text(secret)?;
    let mut writer = Writer::with_room(text.len(), reference);
    if let Some(id) = target(&item, reference, condition)? {
        writer.push("[{\"op\":\"replace\",\"path\":");
        let id = id.replace('~', "~0").replace('/', "~1");
        writer.text(&format!("/fields/{id}/value"));
        writer.push(",\"value\":");
        writer.text(text);
    } else {
        writer.push("[{\"op\":\"add\",\"path\":\"/fields\",\"value\":");
        writer.new_field(&item, reference, text)?;
    }
    writer.push("}]");
    Ok(writer.0)
}

/// The id of the field that is written, if there is one and the condition holds.
fn target(
    item: &Item<'_>,
    reference: &Reference,
    condition: &Condition,
) -> Result<Option<String>, Fault> {
    let target = match item.part(reference)? {
        Ok(Part::File(_)) => {
            return Err(malformed(
                "a file of an item can't be written, only a field",
            ));
        }
        Ok(Part::Field(field)) => Some(field.id.clone()),
        Err(_) => None,
    };
    check(item, target.as_deref(), condition)?;
    Ok(target)
}

fn text(secret: &Secret) -> Result<&str, Fault> {
    std::str::from_utf8(secret.expose())
        .map_err(|_| malformed("a field holds text, and the value is none"))
}

fn check(item: &Item<'_>, target: Option<&str>, condition: &Condition) -> Result<(), Fault> {
    let conflict = |message: String| Err(Fault::new(Class::Conflict, message));
    match condition {
        Condition::Always => Ok(()),
        Condition::Absent if target.is_none() => Ok(()),
        Condition::Absent => conflict("the field is there already".into()),
        Condition::Version(wanted) => match item.version {
            Some(version) if version.to_string() == *wanted && target.is_some() => Ok(()),
            Some(version) => conflict(format!("the item has version {version}, not {wanted}")),
            None => conflict("the item has no version".into()),
        },
    }
}

fn malformed(message: &str) -> Fault {
    Fault::new(Class::Malformed, message)
}

fn unreadable() -> Fault {
    malformed("what `op` printed is no item")
}

struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// An escape is at most six bytes for one; what stands around a new field is short.
    fn with_room(length: usize, reference: &Reference) -> Self {
        let room = 6 * (length + reference.text.len()) + 256;
        Self(Zeroizing::new(Vec::with_capacity(room)))
    }

    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn key(&mut self, at: usize, key: &str) {
        if at > 0 {
            self.push(",");
        }
        self.text(key);
        self.push(":");
    }

    /// A JSON string (RFC 8259, section 7).
    fn text(&mut self, text: &str) {
        self.push("\"");
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', byte]),
                0..=0x1f => self.push(&format!("\\u{byte:04x}")),
                _ => self.0.push(byte),
            }
        }
        self.push("\"");
    }

    fn fields(
        &mut self,
        raw: &RawValue,
        target: Option<&str>,
        item: &Item<'_>,
        reference: &Reference,
        text: &str,
    ) -> Result<(), Fault> {
        let fields: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| unreadable())?;
        self.push("[");
        for (at, (raw, field)) in fields.iter().zip(&item.fields).enumerate() {
            if at > 0 {
                self.push(",");
            }
            if target == Some(field.id.as_str()) {
                self.changed(raw, text)?;
            } else {
                self.push(raw.get());
            }
        }
        if target.is_none() {
            if !fields.is_empty() {
                self.push(",");
            }
            self.new_field(item, reference, text)?;
        }
        self.push("]");
        Ok(())
    }

    /// A field with another value.
    fn changed(&mut self, raw: &RawValue, text: &str) -> Result<(), Fault> {
        let Entries(entries) = serde_json::from_str(raw.get()).map_err(|_| unreadable())?;
        self.push("{");
        let kept = entries.iter().filter(|(key, _)| key.0 != "value");
        let mut count = 0;
        for (key, raw) in kept {
            self.key(count, &key.0);
            self.push(raw.get());
            count += 1;
        }
        self.key(count, "value");
        self.text(text);
        self.push("}");
        Ok(())
    }

    fn new_field(
        &mut self,
        item: &Item<'_>,
        reference: &Reference,
        text: &str,
    ) -> Result<(), Fault> {
        self.push("{\"type\":\"CONCEALED\",\"label\":");
        self.text(&reference.field);
        if let Some(name) = &reference.section {
            let found = only(&item.sections, name, |section| {
                (&section.id, &section.label)
            });
            let Ok(Some(section)) = found else {
                let fault = malformed(&format!("no one section `{name}` in the item"));
                return Err(fault.hinted("make the section in 1Password first"));
            };
            self.push(",\"section\":{\"id\":");
            self.text(&section.id);
            self.push("}");
        }
        self.push(",\"value\":");
        self.text(text);
        self.push("}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::edited;
    use crate::{Class, Condition, Secret, op::Reference, read::testing::plain};

    fn item() -> Value {
        json!({
            "id": "p7eflcy7f5mk7vg6zrzf5rjjyu", "title": "Chat \"2\"", "version": 7,
            "vault": {"id": "v"}, "sections": [{"id": "s1", "label": "Prod"}],
            "fields": [
                {"id": "f1", "type": "CONCEALED", "label": "key", "value": "old", "reference": "op://x"},
                {"id": "f2", "type": "STRING", "label": "name", "section": {"id": "s1"}}
            ],
            "unknown": {"kept": [1, 2.50]}
        })
    }

    fn edit(locator: &str, value: &[u8], condition: &Condition) -> Result<Value, Class> {
        let document = serde_json::to_vec(&item()).unwrap();
        let reference = Reference::of(&plain(locator));
        let secret = Secret::copied_from(value);
        let edited = edited(&document, &reference, &secret, condition);
        let (id, bytes) = edited.map_err(|fault| fault.class)?;
        assert_eq!(id, "p7eflcy7f5mk7vg6zrzf5rjjyu");
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn one_value_is_changed_and_everything_else_stays() {
        let value = "new \"\\\n\u{1}\u{e9}";
        let mut expected = item();
        expected["fields"][0]["value"] = value.into();
        assert_eq!(
            edit("v/i/KEY", value.as_bytes(), &Condition::Always),
            Ok(expected)
        );
        let mut expected = item();
        expected["fields"][1]["value"] = "n".into();
        let version = Condition::Version("7".into());
        assert_eq!(edit("v/i/prod/name", b"n", &version), Ok(expected));
    }

    #[test]
    fn a_new_field_is_added_where_none_is() {
        let mut expected = item();
        let new =
            json!({"type": "CONCEALED", "label": "token", "section": {"id": "s1"}, "value": "t"});
        expected["fields"].as_array_mut().unwrap().push(new);
        assert_eq!(
            edit("v/i/Prod/token", b"t", &Condition::Absent),
            Ok(expected)
        );
        assert_eq!(
            edit("v/i/Dev/token", b"t", &Condition::Absent),
            Err(Class::Malformed)
        );
    }

    #[test]
    fn what_stands_there_must_be_what_was_expected() {
        let version = |version: &str| Condition::Version(version.into());
        for (locator, condition) in [
            ("v/i/key", Condition::Absent),
            ("v/i/key", version("6")),
            ("v/i/new", version("7")),
        ] {
            assert_eq!(
                edit(locator, b"x", &condition),
                Err(Class::Conflict),
                "{locator}"
            );
        }
        assert_eq!(
            edit("v/i/key", b"\xff", &Condition::Always),
            Err(Class::Malformed)
        );
    }
}

//! An item as the CLI and Connect write it in JSON, read where it stands: what is no value is
//! copied, values are not.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Reference, reference::same};
use crate::{Absence, Class, Fault, Metadata, Secret, json};

/// An item, or the summary of one, which has no fields. Connect's keys differ in their case.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
    pub(super) version: Option<u64>,
    #[serde(alias = "createdAt")]
    created_at: Option<String>,
    #[serde(alias = "updatedAt")]
    updated_at: Option<String>,
    #[serde(alias = "lastEditedBy")]
    last_edited_by: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    pub(super) sections: Vec<Section>,
    #[serde(default, borrow)]
    pub(super) fields: Vec<Field<'a>>,
    #[serde(default)]
    pub(super) files: Vec<File>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Section {
    pub(super) id: String,
    #[serde(default)]
    pub(super) label: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Field<'a> {
    pub(super) id: String,
    #[serde(default)]
    pub(super) label: String,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) purpose: String,
    pub(super) section: Option<InSection>,
    #[serde(borrow)]
    pub(super) value: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) size: u64,
    pub(super) section: Option<InSection>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InSection {
    pub(super) id: String,
}

/// What stands at a reference.
#[derive(Debug)]
pub(super) enum Part<'i, 'a> {
    Field(&'i Field<'a>),
    File(&'i File),
}

/// Of several things the one that a name means: the one with that id, else the only one with that
/// name; the error has the ids of all.
pub(super) fn only<'t, T>(
    all: &'t [T],
    wanted: &str,
    name: impl Fn(&T) -> (&str, &str),
) -> Result<Option<&'t T>, Vec<String>> {
    if let Some(found) = all.iter().find(|thing| name(thing).0 == wanted) {
        return Ok(Some(found));
    }
    let found: Vec<&T> = all
        .iter()
        .filter(|thing| same(name(thing).1, wanted))
        .collect();
    match &found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(several
            .iter()
            .map(|thing| name(thing).0.to_owned())
            .collect()),
    }
}

impl<'a> Item<'a> {
    /// What the reference names, or what is there instead.
    pub(super) fn part(
        &self,
        reference: &Reference,
    ) -> Result<Result<Part<'_, 'a>, Absence>, Fault> {
        let is_here = |section: Option<&InSection>| {
            let wanted = reference.section.as_deref();
            wanted.is_none_or(|wanted| self.is_section(section, wanted))
        };
        let wanted = &reference.field;
        let is_field = |field: &&Field<'_>| {
            is_here(field.section.as_ref()) && (same(&field.label, wanted) || field.id == *wanted)
        };
        let mut fields: Vec<&Field<'_>> = self.fields.iter().filter(is_field).collect();
        if fields.len() > 1 {
            // Without a section in the reference, the field without one is meant.
            let apart = |field: &&Field<'_>| field.section.is_none();
            let outside: Vec<&Field<'_>> = fields.iter().copied().filter(apart).collect();
            fields = if outside.len() == 1 { outside } else { fields };
        }
        let mut files = self.files.iter().filter(|file| {
            is_here(file.section.as_ref()) && (same(&file.name, wanted) || file.id == *wanted)
        });
        match (&fields[..], files.next()) {
            ([field], _) => Ok(Ok(Part::Field(field))),
            ([], Some(file)) => Ok(Ok(Part::File(file))),
            ([], None) => Ok(Err(self.absence(reference))),
            (several, _) => {
                let candidates = several.iter().map(|field| field.id.clone()).collect();
                let message = format!("more than one field is called `{wanted}`");
                let fault = Fault::new(Class::Ambiguous { candidates }, message);
                Err(fault.hinted("write the section before the field, or the field's id"))
            }
        }
    }

    fn is_section(&self, section: Option<&InSection>, wanted: &str) -> bool {
        let Some(InSection { id }) = section else {
            return false;
        };
        let label = self.sections.iter().find(|section| section.id == *id);
        id == wanted || label.is_some_and(|section| same(&section.label, wanted))
    }

    fn absence(&self, reference: &Reference) -> Absence {
        let Reference { vault, item, .. } = reference;
        let section = reference.section.iter();
        let name: Vec<&str> = section
            .chain([&reference.field])
            .map(String::as_str)
            .collect();
        let name = name.join(".");
        let mut keys: Vec<String> = self.fields.iter().map(|field| self.name(field)).collect();
        keys.extend(self.files.iter().map(|file| file.name.clone()));
        keys.sort_unstable();
        keys.dedup();
        Absence {
            what: format!("no field `{name}` in the item `{item}` of the vault `{vault}`"),
            keys,
        }
    }

    /// A field as it stands in a reference.
    fn name(&self, field: &Field<'_>) -> String {
        let label = if field.label.is_empty() {
            &field.id
        } else {
            &field.label
        };
        let section = field.section.as_ref().and_then(|InSection { id }| {
            let section = self.sections.iter().find(|section| section.id == *id)?;
            (!section.label.is_empty()).then_some(&section.label)
        });
        section.map_or_else(|| label.clone(), |section| format!("{section}/{label}"))
    }

    /// What is known of it without a value. Each change of an item is a version of all its fields.
    pub(super) fn metadata(&self, dates: &[Field<'_>]) -> Metadata {
        let mut labels = Vec::new();
        let mut label = |name: &str, text: Option<String>| {
            labels.extend(text.map(|text| (name.to_owned(), text)));
        };
        label("item created", self.created_at.clone());
        label("last edited by", self.last_edited_by.clone());
        label(
            "tags",
            (!self.tags.is_empty()).then(|| self.tags.join(", ")),
        );
        let expiry = self
            .fields
            .iter()
            .chain(dates)
            .find(|field| field.is_expiry());
        label("expires", expiry.and_then(Field::date));
        Metadata {
            version: self.version.map(|version| version.to_string()),
            created: self.updated_at.clone(),
            lease: None,
            labels,
        }
    }
}

impl Field<'_> {
    /// The text of the value; a field without one is empty.
    pub(super) fn secret(&self) -> Option<Secret> {
        match self.value {
            None => Some(Secret::new(Vec::new())),
            Some(value) => json::text(value),
        }
    }

    /// By its name and its type: 1Password has no mark for it.
    fn is_expiry(&self) -> bool {
        let label = self.label.to_lowercase();
        let names = ["expires", "expiry", "expiration", "valid until", "valid to"];
        ["DATE", "MONTH_YEAR"].contains(&self.kind.as_str())
            && names.iter().any(|name| label.contains(name))
    }

    /// The date as it is written, or the day of a Unix time.
    fn date(&self) -> Option<String> {
        let secret = self.secret()?;
        let text = std::str::from_utf8(secret.expose()).ok()?.trim();
        match text.parse::<i64>() {
            // `YYYYMM` and `YYYYMMDD` are shorter than any time of this century.
            Ok(seconds) if text.len() > 8 => Some(day(seconds.div_euclid(86_400))),
            _ => (!text.is_empty()).then(|| text.to_owned()),
        }
    }
}

/// `YYYY-MM-DD` of a count of days since 1970 (Howard Hinnant's `civil_from_days`).
fn day(days: i64) -> String {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (
        of_year - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::{Item, Part, day};
    use crate::{Class, op::Reference, read::testing::plain};

    const ITEM: &str = r#"{
        "id": "p7eflcy7f5mk7vg6zrzf5rjjyu", "title": "Chat", "version": 7,
        "createdAt": "2023-09-14T04:25:57Z", "updatedAt": "2024-01-02T03:04:05Z",
        "lastEditedBy": "4J4NLDK7GFAXJFOR7RF2KDUAMI", "tags": ["ai", "prod"],
        "sections": [{"id": "s1", "label": "Prod"}, {"id": "s2", "label": "Dev"}],
        "fields": [
            {"id": "f1", "type": "CONCEALED", "label": "key", "value": "a\nb\u00e9"},
            {"id": "f2", "type": "CONCEALED", "label": "key", "section": {"id": "s1"}, "value": "p"},
            {"id": "f3", "type": "CONCEALED", "label": "dup", "section": {"id": "s1"}, "value": "1"},
            {"id": "f4", "type": "CONCEALED", "label": "dup", "section": {"id": "s2"}, "value": "2"},
            {"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"},
            {"id": "f5", "type": "DATE", "label": "Expires", "value": "1622548800"}
        ],
        "files": [{"id": "f6", "name": "key.pem", "size": 3}]
    }"#;

    fn value(locator: &str) -> Result<String, String> {
        let item: Item<'_> = serde_json::from_str(ITEM).unwrap();
        match item.part(&Reference::of(&plain(locator))) {
            Ok(Ok(Part::Field(field))) => {
                let secret = field.secret().unwrap();
                Ok(String::from_utf8_lossy(secret.expose()).into_owned())
            }
            Ok(Ok(Part::File(file))) => Ok(format!("file {}", file.id)),
            Ok(Err(absence)) => Err(format!("{} [{}]", absence.what, absence.keys.join(" "))),
            Err(fault) => match fault.class {
                Class::Ambiguous { candidates } => Err(candidates.join(" ")),
                other => Err(format!("{other:?}")),
            },
        }
    }

    #[test]
    fn fields_are_found_by_name_by_id_and_by_section() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(value("v/i/key"), ok("a\nb\u{e9}"));
        assert_eq!(value("v/i/KEY"), ok("a\nb\u{e9}"));
        assert_eq!(value("v/i/prod/key"), ok("p"));
        assert_eq!(value("v/i/s1/f2"), ok("p"));
        assert_eq!(value("v/i/f4"), ok("2"));
        assert_eq!(value("v/i/dev/dup"), ok("2"));
        assert_eq!(value("v/i/notesPlain"), ok(""));
        assert_eq!(value("v/i/key.pem"), ok("file f6"));
    }

    #[test]
    fn what_is_not_there_or_not_clear_says_what_is() {
        assert_eq!(value("v/i/dup"), Err("f3 f4".into()));
        let absent = value("v/i/dev/key").unwrap_err();
        let expected = "no field `dev.key` in the item `i` of the vault `v` \
             [Dev/dup Expires Prod/dup Prod/key key key.pem notesPlain]";
        assert_eq!(absent, expected);
    }

    #[test]
    fn metadata_has_no_value() {
        let item: Item<'_> = serde_json::from_str(ITEM).unwrap();
        let metadata = item.metadata(&[]);
        assert_eq!(metadata.version.as_deref(), Some("7"));
        assert_eq!(metadata.created.as_deref(), Some("2024-01-02T03:04:05Z"));
        let labels = [
            ("item created", "2023-09-14T04:25:57Z"),
            ("last edited by", "4J4NLDK7GFAXJFOR7RF2KDUAMI"),
            ("tags", "ai, prod"),
            ("expires", "2021-06-01"),
        ];
        let labels = labels.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(metadata.labels, labels);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (18_779, "2021-06-01"),
            (11_016, "2000-02-29"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(day(days), expected);
        }
    }
}

//! The parts of a reference, and which of them a message means.

use crate::Address;

/// `op://vault/item/[section/]field`, split.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    /// As it is written.
    pub(super) text: String,
    pub(super) vault: String,
    pub(super) item: String,
    pub(super) section: Option<String>,
    pub(super) field: String,
}

/// The references that a message is about: those that have all that it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) vault: Option<String>,
    pub(super) item: Option<String>,
    /// The section too, where it is followed by a dot.
    pub(super) field: Option<String>,
    pub(super) section: Option<String>,
    pub(super) reference: Option<String>,
}

impl Reference {
    /// Of an address that was validated.
    pub(super) fn of(address: &Address) -> Self {
        let mut segments = address.locator.split('/').map(str::to_owned);
        let mut next = || segments.next().unwrap_or_default();
        let (vault, item, third) = (next(), next(), next());
        let (section, field) = match segments.next() {
            Some(field) => (Some(third), field),
            None => (None, third),
        };
        let options = address.options.iter().enumerate();
        let options = options.map(|(at, (name, value))| {
            let sign = if at == 0 { '?' } else { '&' };
            format!("{sign}{name}={value}")
        });
        let text = format!("op://{}{}", address.locator, options.collect::<String>());
        Self {
            text,
            vault,
            item,
            section,
            field,
        }
    }

    /// The vault and the item.
    pub(super) fn place(&self) -> (String, String) {
        (self.vault.clone(), self.item.clone())
    }

    /// Whether it has all that a message names.
    pub(super) fn is(&self, named: &Named) -> bool {
        let has =
            |part: &str, name: &Option<String>| name.as_ref().is_none_or(|name| same(part, name));
        let section = self.section.as_deref();
        let full = section.map(|section| format!("{section}.{}", self.field));
        has(&self.vault, &named.vault)
            && has(&self.item, &named.item)
            && has(section.unwrap_or_default(), &named.section)
            && (has(&self.field, &named.field) || full.is_some_and(|full| has(&full, &named.field)))
            && has(
                self.text.split('?').next().unwrap_or_default(),
                &named.reference,
            )
    }
}

/// 1Password's names are equal whatever their case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Whether a name has the form of an id.
pub(super) fn is_id(name: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() == 26 && name.bytes().all(is_of_id)
}

#[cfg(test)]
mod tests {
    use super::{Named, Reference, is_id};
    use crate::read::testing::{plain, with};

    #[test]
    fn a_reference_is_split_and_written_again() {
        let reference = Reference::of(&with(plain("v/i/s/f"), "attribute", "otp"));
        assert_eq!(reference.text, "op://v/i/s/f?attribute=otp");
        assert_eq!(reference.section.as_deref(), Some("s"));
        assert_eq!(reference.field, "f");
        assert_eq!(Reference::of(&plain("v/i/f")).section, None);
    }

    #[test]
    fn a_message_means_the_references_that_have_all_it_names() {
        let reference = Reference::of(&plain("AI Team/Chat/prod/key"));
        let named = |field: &str| Named {
            vault: Some("ai team".into()),
            item: Some("chat".into()),
            field: Some(field.into()),
            ..Named::default()
        };
        assert!(reference.is(&named("prod.key")));
        assert!(reference.is(&named("KEY")));
        assert!(!reference.is(&named("dev.key")));
        let whole = |text: &str| Named {
            reference: Some(text.into()),
            ..Named::default()
        };
        assert!(reference.is(&whole("op://AI Team/Chat/prod/key")));
        assert!(!reference.is(&whole("op://AI Team/Chat/prod/other")));
    }

    #[test]
    fn an_id_is_twenty_six_lower_case_letters_and_digits() {
        assert!(is_id("ionaiwtdvgclrixbt6ztpqcxnq"));
        assert!(!is_id("Ionaiwtdvgclrixbt6ztpqcxnq"));
        assert!(!is_id("ionaiwtdvgclrixbt6ztpqcxn"));
    }
}

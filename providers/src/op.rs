//! `op://vault/item/[section/]field[?attribute=otp]`: 1Password.
//!
//! The description; opening it comes with the client. A reference is exactly 1Password's own and
//! is handed on as it stands, so whatever its command-line tool would expand or end a reference
//! at is refused here.

use std::collections::BTreeSet;

use crate::{Address, Grammar, Kind, Natural, Request, Setting, Shape, Trust};

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "op",
    aliases: &[],
    about: "a field of an item of 1Password",
    grammar: Grammar {
        has_field: false,
        field_defaults_to_name: false,
        locator_defaults_to_name: false,
        is_path: false,
        is_percent_encoded: false,
        options: &["attribute", "ssh-format"],
        natural: Natural::LastSegment,
        knows_names: false,
    },
    settings: &[
        setting(
            "account",
            Trust::Free,
            "the account: its sign-in address or id",
        ),
        setting(
            "connect_host",
            Trust::Origin(&["OP_CONNECT_HOST"]),
            "the address of a Connect server",
        ),
        setting(
            "connect_token",
            Trust::Free,
            "the token for the Connect server",
        ),
        setting(
            "service_account_token",
            Trust::Free,
            "the token of a service account",
        ),
    ],
    static_credentials: &[
        "OP_SERVICE_ACCOUNT_TOKEN",
        "OP_CONNECT_TOKEN",
        "OP_SESSION_*",
    ],
    is_secret_store: true,
    may_lease: false,
    is_for_production: true,
    quotes_programs: true,
    validate,
    requests,
    open: None,
};

const fn setting(name: &'static str, trust: Trust, about: &'static str) -> Setting {
    Setting {
        name,
        shape: Shape::Text,
        trust,
        about,
    }
}

fn validate(address: &Address) -> Result<(), String> {
    let options = address.options.iter().map(|(_, value)| value);
    if options
        .chain([&address.locator])
        .any(|text| text.contains('$'))
    {
        return Err("`$` is refused, 1Password's CLI would expand it".into());
    }
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "-_. /".contains(character);
    if let Some(other) = address
        .locator
        .chars()
        .find(|character| !is_allowed(*character))
    {
        return Err(format!(
            "{} can't stand in a 1Password reference: write the id of the vault, item or field instead",
            shown(other)
        ));
    }
    let segments: Vec<&str> = address.locator.split('/').collect();
    if !(3..=4).contains(&segments.len())
        || segments.iter().any(|segment| segment.trim().is_empty())
    {
        return Err(
            "a reference is `op://vault/item/field` or `op://vault/item/section/field`".into(),
        );
    }
    address
        .options
        .iter()
        .try_for_each(|(name, value)| validate_option(name, value))
}

fn validate_option(name: &str, value: &str) -> Result<(), String> {
    let is_word = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    match name {
        "attribute" if !is_word => Err(format!(
            "`attribute={value}` is no attribute: letters, digits, `-` and `_`"
        )),
        "ssh-format" if value != "openssh" => Err("`ssh-format` knows `openssh` alone".into()),
        _ => Ok(()),
    }
}

fn shown(character: char) -> String {
    if character.is_control() || character.is_whitespace() {
        format!("U+{:04X}", u32::from(character))
    } else {
        format!("`{character}`")
    }
}

/// One `op inject` reads them all.
fn requests(batch: &[Address]) -> Vec<Request> {
    let label = match batch.iter().collect::<BTreeSet<_>>().len() {
        0 => return Vec::new(),
        1 => "op inject for 1 reference".into(),
        count => format!("op inject for {count} references"),
    };
    vec![Request {
        label,
        answers: (0..batch.len()).collect(),
        is_free: false,
    }]
}

#[cfg(test)]
mod tests {
    use super::KIND;
    use crate::{
        Address, Request,
        read::testing::{plain, with},
    };

    #[test]
    fn the_whole_batch_is_one_request() {
        let request = |label: &str, answers: &[usize]| Request {
            label: label.into(),
            answers: answers.to_vec(),
            is_free: false,
        };
        let batch = [
            plain("v/i/a"),
            plain("v/i/b"),
            plain("v/i/a"),
            with(plain("v/i/a"), "attribute", "otp"),
        ];
        assert_eq!(
            (KIND.requests)(&batch),
            [request("op inject for 3 references", &[0, 1, 2, 3])]
        );
        assert_eq!(
            (KIND.requests)(&batch[..1]),
            [request("op inject for 1 reference", &[0])]
        );
        assert_eq!((KIND.requests)(&[]), []);
    }

    #[test]
    fn a_reference_is_one_password_s_own() {
        let error = |address: &Address| (KIND.validate)(address).unwrap_err();
        for locator in [
            "AI Team/OpenAI/credential",
            "v/i/section/f",
            "v.1/i-2/f_3",
            "abcdefghijklmnopqrstuvwxyz/i/f",
        ] {
            assert_eq!((KIND.validate)(&plain(locator)), Ok(()), "{locator}");
        }
        assert_eq!(
            (KIND.validate)(&with(plain("v/i/f"), "attribute", "otp")),
            Ok(())
        );
        assert_eq!(
            (KIND.validate)(&with(plain("v/i/f"), "ssh-format", "openssh")),
            Ok(())
        );
        let expected = "a reference is `op://vault/item/field` or `op://vault/item/section/field`";
        for locator in [
            "",
            "v",
            "v/i",
            "v//f",
            "v/i/",
            "/v/i/f",
            "v/ /f",
            "v/i/s/f/x",
        ] {
            assert_eq!(error(&plain(locator)), expected, "{locator}");
        }
    }

    #[test]
    fn what_the_cli_would_expand_or_misread_is_refused() {
        let error = |address: &Address| (KIND.validate)(address).unwrap_err();
        let expected = "`$` is refused, 1Password's CLI would expand it";
        for address in [
            plain("v/$ITEM/f"),
            plain("v/${X}/f"),
            with(plain("v/i/f"), "attribute", "$X"),
        ] {
            assert_eq!(error(&address), expected, "{address:?}");
        }
        let rest = "can't stand in a 1Password reference: write the id of the vault, item or field instead";
        for (locator, shown) in [
            ("v/i (old)/f", "`(`"),
            ("v/i}} {{ op:x/f", "`}`"),
            ("v/it's/f", "`'`"),
            ("v/\u{2014}/f", "`\u{2014}`"),
            ("v/a\u{a0}b/f", "U+00A0"),
            ("v/a\nb/f", "U+000A"),
            ("v/a%20b/f", "`%`"),
        ] {
            assert_eq!(error(&plain(locator)), format!("{shown} {rest}"));
        }
        for value in ["", "otp }}", "a/b"] {
            let expected =
                format!("`attribute={value}` is no attribute: letters, digits, `-` and `_`");
            assert_eq!(error(&with(plain("v/i/f"), "attribute", value)), expected);
        }
        assert_eq!(
            error(&with(plain("v/i/f"), "ssh-format", "pem")),
            "`ssh-format` knows `openssh` alone"
        );
    }
}

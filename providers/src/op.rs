//! `op://vault/item/[section/]field[?attribute=otp]`: 1Password.
//!
//! By its command-line tool `op`, which knows the desktop app and service accounts, or by a Connect
//! server. A reference is exactly 1Password's own and is handed to the tool as it stands, so
//! whatever it would expand or end a reference at is refused here.

mod account;
mod cli;
mod command;
mod connect;
mod edit;
mod frame;
mod inject;
mod item;
mod lock;
mod message;
mod reference;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

#[cfg(any(test, feature = "fuzzing"))]
pub use self::frame::property::op_frame;
use self::{
    account::Access,
    cli::Cli,
    command::Op,
    connect::Connect,
    reference::{Reference, is_id},
};
use crate::{
    Address, Fault, Grammar, Kind, Natural, Opening, Provider, Request, Setting, Shape, Trust,
};

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
            Shape::Text,
            Trust::Free,
            "the account: its sign-in address or id",
        ),
        setting(
            "connect_host",
            Shape::Text,
            Trust::Origin(&["OP_CONNECT_HOST"]),
            "the address of a Connect server",
        ),
        setting(
            "connect_token",
            Shape::Secret,
            Trust::Free,
            "the token for the Connect server",
        ),
        setting(
            "service_account_token",
            Shape::Secret,
            Trust::Free,
            "the token of a service account",
        ),
    ],
    methods: &[],
    static_credentials: &[
        "OP_SERVICE_ACCOUNT_TOKEN",
        "OP_CONNECT_TOKEN",
        "OP_SESSION_*",
    ],
    variables: &[
        "OP_ACCOUNT",
        "OP_CONNECT_HOST",
        "OP_CONFIG_DIR",
        "OP_BIOMETRIC_UNLOCK_ENABLED",
        "OP_CACHE",
        "OP_INCLUDE_ARCHIVE",
        "DBUS_SESSION_BUS_ADDRESS",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LOGNAME",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "USER",
        "WSL_INTEROP",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
    ],
    is_secret_store: true,
    may_lease: false,
    is_for_production: true,
    quotes_programs: true,
    validate,
    requests,
    open: Some(open),
};

const fn setting(name: &'static str, shape: Shape, trust: Trust, about: &'static str) -> Setting {
    Setting {
        name,
        shape,
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

/// One `op inject` reads them all. Connect is asked for the vaults, for the items of each vault,
/// and for each item; what is an id already is not looked up.
fn requests(batch: &[Address]) -> Vec<Request> {
    let references: BTreeSet<Reference> = batch.iter().map(Reference::of).collect();
    let vaults = references.iter().map(|reference| reference.vault.as_str());
    let has_names = vaults.clone().any(|vault| !is_id(vault));
    let named = references
        .iter()
        .filter(|reference| !is_id(&reference.item));
    let lists: BTreeSet<&str> = named.map(|reference| reference.vault.as_str()).collect();
    let items = references
        .iter()
        .map(|reference| (&reference.vault, &reference.item));
    let by_connect = usize::from(has_names) + lists.len() + items.collect::<BTreeSet<_>>().len();
    let what = match references.len() {
        0 => return Vec::new(),
        1 => "1 reference".to_owned(),
        count => format!("{count} references"),
    };
    let word = if by_connect == 1 {
        "request"
    } else {
        "requests"
    };
    vec![Request {
        label: format!("op inject for {what}, or {by_connect} {word} to Connect"),
        answers: (0..batch.len()).collect(),
        is_free: false,
    }]
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    match Access::of(&opening.settings, opening.environment)? {
        Access::Cli(account) => {
            let op = Op::new(account, opening.environment, opening.helpers);
            Ok(Box::new(Cli(Arc::new(op))))
        }
        Access::Connect { host, token } => {
            Ok(Box::new(Connect::new(&host, &token, opening.environment)?))
        }
    }
}

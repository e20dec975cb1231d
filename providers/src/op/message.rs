//! What `op` says when it fails, by the messages that were recorded of it.
//!
//! It has one exit status for everything, so its text is all there is to tell an absent field from
//! an expired session. The text is sorted here, once, into what the rest decides on.

use super::reference::{Named, is_id};
use crate::{Absence, Class, Fault, time};

/// What a failure of `op` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds for every reference: asking again for fewer would only cost.
    Every(Fault),
    /// It holds for every reference, but a session that the environment has may help.
    SignedOut(Fault),
    /// The network failed: the same may succeed in a moment.
    Network(Fault),
    /// It holds for some references; the others are well, as far as is known.
    Some(Named, Outcome),
    /// It is not known what it holds for.
    Unknown(Fault),
}

/// The answer to those references: there is no such item or field, or anything else.
pub(super) type Outcome = Result<Absence, Fault>;

/// The text of a failure: after the time stamp, where there is one.
pub(super) fn text(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let marked = text
        .find("[ERROR] ")
        .map(|at| &text[at + "[ERROR] ".len()..]);
    let message = marked.map_or(&*text, |marked| {
        let is_stamp = |character: char| character.is_ascii_digit() || "/: ".contains(character);
        marked.trim_start_matches(is_stamp)
    });
    let clean = message
        .trim()
        .chars()
        .filter(|character| *character == '\n' || !character.is_control());
    clean.take(MOST_SHOWN).collect()
}

const MOST_SHOWN: usize = 600;

/// What a message means.
pub(super) fn verdict(message: &str) -> Verdict {
    let first = message.lines().next().unwrap_or_default();
    access(message, first)
        .or_else(|| place(message, first))
        .unwrap_or_else(|| {
            let message = format!("`op` failed: {}", shown(first));
            let fault = Fault::new(Class::Malformed, message);
            Verdict::Unknown(fault.hinted("ask it for one alone: `op read REFERENCE`"))
        })
}

fn shown(text: &str) -> &str {
    if text.is_empty() {
        "it did not say why"
    } else {
        text.trim_end_matches('.')
    }
}

/// Messages about the account, the limits and the network.
fn access(message: &str, first: &str) -> Option<Verdict> {
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    let fault = |class, what: &str, hint: &str| {
        let message = format!("{what}: {}", shown(first));
        Fault::new(class, message).hinted(hint)
    };
    let unauthenticated = |what, hint| fault(Class::Unauthenticated, what, hint);
    if says(&["(429)", "Too Many Requests"]) {
        return Some(Verdict::Every(throttled(message)));
    }
    if says(&["authorization prompt dismissed"]) {
        let what = "1Password's request was dismissed, or nobody answered it";
        let hint = "run it again and approve the request; `op signin` asks for it beforehand";
        return Some(Verdict::Every(unauthenticated(what, hint)));
    }
    if says(&["connecting to desktop app"]) {
        let what = "1Password's app does not answer";
        let hint = "open the app and unlock it; without a person, use a service account: \
                    OP_SERVICE_ACCOUNT_TOKEN";
        return Some(Verdict::Every(unauthenticated(what, hint)));
    }
    if says(&[
        "found no accounts",
        "no account found",
        "No accounts configured",
    ]) {
        let what = "1Password's CLI does not know the account";
        let hint = "see which it knows: `op account list`; add it: `op account add`, or turn on \
                    the CLI in the settings of 1Password's app";
        return Some(Verdict::SignedOut(unauthenticated(what, hint)));
    }
    if says(&["multiple accounts found"]) {
        let what = "1Password's CLI knows several accounts";
        let hint = "say which one: `account` in the entry under `backends`, or OP_ACCOUNT";
        return Some(Verdict::Every(unauthenticated(what, hint)));
    }
    if says(&["not signed in", "not currently signed in"]) {
        let what = "not signed in to 1Password";
        let hint = "run `op signin`, or turn on the CLI in the settings of 1Password's app; \
                    without a person, use a service account: OP_SERVICE_ACCOUNT_TOKEN";
        return Some(Verdict::SignedOut(unauthenticated(what, hint)));
    }
    if says(&[
        "service account token set, but",
        "Service Account Deleted",
        "LookupAuth",
    ]) || says(&["(401)", "Unauthorized"])
    {
        let what = "1Password refuses the sign-in";
        let hint = "check the token of the service account, or make a new one: \
                    `op service-account create`";
        return Some(Verdict::Every(unauthenticated(what, hint)));
    }
    if says(&NETWORK) {
        let what = "1Password can't be reached";
        let hint = "check the network, and the proxy if there is one";
        return Some(Verdict::Network(fault(Class::Unreachable, what, hint)));
    }
    None
}

/// What the network library of `op` says of failed connections.
const NETWORK: [&str; 8] = [
    "dial tcp",
    "no such host",
    "connection refused",
    "connection reset",
    "network is unreachable",
    "i/o timeout",
    "TLS handshake",
    "(503)",
];

fn throttled(message: &str) -> Fault {
    let minutes = message.split_once("retry in ").and_then(|(_, rest)| {
        let digits = rest
            .split(|character: char| !character.is_ascii_digit())
            .next()?;
        digits.parse::<u64>().ok()
    });
    let is_daily = message.contains("1Password account is allowed");
    let whose = if is_daily {
        "the account's limit of requests a day is reached"
    } else {
        "the limit of requests an hour is reached"
    };
    let class = Class::Throttled {
        retry_after: minutes.map(|minutes| time::seconds(minutes.saturating_mul(60))),
    };
    let when = minutes.map_or_else(String::new, |minutes| {
        format!("; again in {minutes} minutes")
    });
    Fault::new(class, format!("{whose}{when}"))
        .hinted("see what is left: `op service-account ratelimit`; failed look-ups count too")
}

/// Messages about a vault, an item, a field or a reference.
fn place(message: &str, first: &str) -> Option<Verdict> {
    let quoted = |after: &str| {
        first
            .split_once(after)?
            .1
            .split_once('"')
            .map(|(name, _)| name)
    };
    let named = Named::default;
    if let Some(rest) = between(first, "\"", "\" isn't a vault in this account") {
        let fault = Fault::new(
            Class::Denied { permission: None },
            format!("no vault `{rest}` in this account, or none that it may read"),
        );
        let fault = fault.hinted(format!(
            "see the vaults: `op vault list`; or ask for access to `{rest}`"
        ));
        let vault = Some(rest.to_owned());
        return Some(Verdict::Some(Named { vault, ..named() }, Err(fault)));
    }
    if let Some((item, vault)) = missing_item(first) {
        let place = vault
            .as_ref()
            .map_or_else(String::new, |vault| format!(" in the vault `{vault}`"));
        let absence = absent(format!("no item `{item}`{place}"));
        let named = Named {
            vault,
            item: Some(item),
            ..named()
        };
        return Some(Verdict::Some(named, Ok(absence)));
    }
    if let Some(part) = missing_part(first) {
        return Some(part);
    }
    if let Some(name) = quoted("More than one item matches \"") {
        let candidates = ids(message);
        let fault = Fault::new(
            Class::Ambiguous { candidates },
            format!("more than one item is called `{name}`"),
        );
        let fault = fault.hinted("write the item's id in the place of its name");
        let item = Some(name.to_owned());
        return Some(Verdict::Some(Named { item, ..named() }, Err(fault)));
    }
    if let Some(reference) = between(first, "invalid secret reference '", "'") {
        let reason = first.split_once("': ").map_or(first, |(_, reason)| reason);
        let fault = Fault::new(
            Class::Malformed,
            format!("`op` refuses it: {}", shown(reason)),
        );
        let fault = fault.hinted("write ids in the place of names");
        let reference = reference.split('?').next().map(str::to_owned);
        return Some(Verdict::Some(
            Named {
                reference,
                ..named()
            },
            Err(fault),
        ));
    }
    // Like other services, it says 404 also of what the caller may not know of.
    let refusals = [
        "(101)",
        "(403)",
        "(404)",
        "Forbidden",
        "do not have permission",
    ];
    if refusals.iter().any(|text| message.contains(text)) {
        let class = Class::Denied { permission: None };
        let fault = Fault::new(class, format!("1Password refuses it: {}", shown(first)));
        return Some(Verdict::Unknown(
            fault.hinted("ask for read access to the vault"),
        ));
    }
    None
}

/// `could not find item X in vault V`, `"X" isn't an item[ in the "V" vault]`.
fn missing_item(first: &str) -> Option<(String, Option<String>)> {
    if let Some((_, rest)) = first.split_once("could not find item ") {
        let (item, vault) = rest.rsplit_once(" in vault ")?;
        return Some((
            item.to_owned(),
            Some(vault.trim_end_matches('.').to_owned()),
        ));
    }
    let item = between(first, "\"", "\" isn't an item")?;
    let vault = between(first, " in the \"", "\" vault");
    Some((item.to_owned(), vault.map(str::to_owned)))
}

/// `item 'V/I' does not have a field 'section.field'`.
fn missing_part(first: &str) -> Option<Verdict> {
    let (before, after) = ["does not have a ", "doesn't have a "]
        .iter()
        .find_map(|words| first.split_once(words))?;
    let (vault, item) = between(before, "item '", "'")?.split_once('/')?;
    let (kind, rest) = after.split_once(' ')?;
    let name = rest.trim_matches(|character| "'\".".contains(character));
    let mut named = Named {
        vault: Some(vault.to_owned()),
        item: Some(item.to_owned()),
        ..Named::default()
    };
    match kind {
        "field" => named.field = Some(name.to_owned()),
        "section" => named.section = Some(name.to_owned()),
        _ => return None,
    }
    let what = format!("no {kind} `{name}` in the item `{item}` of the vault `{vault}`");
    Some(Verdict::Some(named, Ok(absent(what))))
}

fn absent(what: String) -> Absence {
    Absence {
        what,
        keys: Vec::new(),
    }
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(behind).map(|(middle, _)| middle)
}

/// The ids in the list under a message.
fn ids(message: &str) -> Vec<String> {
    let words = message.split(|character: char| !character.is_ascii_alphanumeric());
    words
        .filter(|word| is_id(word))
        .map(str::to_owned)
        .collect()
}

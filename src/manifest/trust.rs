//! What a manifest that was found by search may not do until its caller trusts it.
//!
//! A cloned file belongs to its caller and was written by someone else. Three things in it reach
//! beyond the values: programs that it starts, addresses that credentials are sent to, and
//! variables through which a loader or an interpreter runs code. The digest covers only these,
//! over all files, so adding a name does not ask again.

mod behind;
mod record;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use endow_providers::{Kind, Setting as Known, Shape, Trust, kind};
use sha2::{Digest, Sha256};

use self::behind::Behind;
pub use self::record::{is_recorded, store};
use super::{
    document::{Document, Entry, Layer, Origin, Setting, every_layer},
    load::{Loaded, Owner},
    reference::Reference,
    source::{SourceId, Span, Spanned},
};

/// Variables through which a loader or an interpreter runs code; `*` matches any rest.
pub const CODE_VARIABLES: [&str; 18] = [
    "PATH",
    "LD_*",
    "DYLD_*",
    "GCONV_PATH",
    "BASH_ENV",
    "ENV",
    "ZDOTDIR",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PYTHON*",
    "PERL5*",
    "PERLLIB",
    "RUBYLIB",
    "RUBYOPT",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "GIT_*",
];

/// The launcher's environment, to compare addresses with the ecosystem's own variables.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// One thing that must be trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// What it is, for people: ``backend `conjur` runs a program``.
    pub what: String,
    /// Where it is said.
    pub span: Span,
    /// Whether the caller's own environment already says the same address. It still counts for
    /// the digest, so that a change of that environment does not ask again.
    pub is_free: bool,
    /// What the digest covers.
    canonical: String,
}

/// Whether a name is in the table of variables that run code.
pub fn runs_code(name: &str) -> bool {
    CODE_VARIABLES
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *pattern,
        })
}

/// Everything in the loaded files that must be trusted, in the order of the files and lines.
pub(super) fn parts(loaded: &Loaded, environment: &Lookup<'_>) -> Vec<Part> {
    let documents = &loaded.documents;
    let mut parts = Vec::new();
    let mut behind = Behind::default();
    for layer in every_layer(documents) {
        backend_parts(documents, layer, environment, &mut parts, &mut behind);
    }
    variable_parts(documents, &mut parts, &mut behind);
    parts.extend(behind.parts(documents));
    // A relative path means another file in another directory.
    let own = documents
        .last()
        .map(|document| directory(loaded, document.source));
    for part in &mut parts {
        let said = directory(loaded, part.span.source);
        let said = own
            .and_then(|own| said.strip_prefix(own).ok())
            .unwrap_or(said);
        part.canonical.push_str(&counted(&said.to_string_lossy()));
    }
    parts.sort_by_key(|part| part.span);
    parts
}

fn directory(loaded: &Loaded, source: SourceId) -> &Path {
    loaded.sources.get(source).directory()
}

/// The code variables, and behind them what their templates need: that counts for the digest.
fn variable_parts<'a>(documents: &'a [Document], parts: &mut Vec<Part>, behind: &mut Behind<'a>) {
    let mut entries: BTreeMap<&str, Vec<(Span, &Entry)>> = BTreeMap::new();
    for (name, entry) in every_layer(documents).flat_map(|layer| &layer.entries) {
        let said = entries.entry(&name.value).or_default();
        said.push((name.span, entry));
    }
    let mut open: Vec<&str> = entries
        .keys()
        .copied()
        .filter(|name| runs_code(name))
        .collect();
    let mut seen: BTreeSet<&str> = open.iter().copied().collect();
    let mut is_without_place = false;
    while let Some(name) = open.pop() {
        for (span, entry) in entries.get(name).into_iter().flatten() {
            match entry.origin.as_ref().map(|origin| &origin.value) {
                None => is_without_place = true,
                Some(Origin::Template(template)) => {
                    open.extend(template.variables().filter(|part| seen.insert(part)));
                }
                Some(Origin::From(references)) => behind.places(references),
                Some(Origin::Value(_)) => {}
            }
            parts.push(Part {
                what: format!("variable `{name}` can make programs run code"),
                span: *span,
                is_free: !runs_code(name),
                canonical: format!("variable{}{}", counted(name), canonical_entry(entry)),
            });
        }
    }
    if is_without_place {
        for from in every_layer(documents).filter_map(|layer| layer.from.as_ref()) {
            behind.places(from);
            parts.extend(from.iter().map(|reference| Part {
                what: "this place answers a variable that can make programs run code".to_owned(),
                span: reference.span,
                is_free: true,
                canonical: canonical_references(std::slice::from_ref(reference)),
            }));
        }
    }
}

fn backend_parts<'a>(
    documents: &[Document],
    layer: &'a Layer,
    environment: &Lookup<'_>,
    parts: &mut Vec<Part>,
    behind: &mut Behind<'a>,
) {
    for (name, settings) in &layer.backends {
        let kinds = kinds(documents, &name.value);
        if kinds.iter().any(|kind| kind.name == "exec") {
            behind.backend(settings);
            parts.push(Part {
                what: format!("backend `{}` runs a program", name.value),
                span: name.span,
                is_free: false,
                canonical: format!(
                    "exec\0{}\0{settings}",
                    name.value,
                    settings = canonical_settings(settings)
                ),
            });
            continue;
        }
        for (setting, value) in settings {
            let needed: Vec<&Known> = kinds
                .iter()
                .flat_map(|kind| kind.settings)
                .filter(|known| known.name == setting && known.trust != Trust::Free)
                .collect();
            if needed.is_empty() {
                continue;
            }
            behind.setting(value);
            let is_free = |known: &&Known| is_free(known, &value.value, documents, environment);
            parts.push(Part {
                is_free: needed.iter().all(is_free),
                what: format!(
                    "backend `{}` sets `{setting}`, which decides where credentials are sent",
                    name.value
                ),
                span: value.span,
                canonical: format!(
                    "setting\0{}\0{setting}\0{}",
                    name.value,
                    canonical_setting(&value.value)
                ),
            });
        }
    }
}

/// Every type that a scheme can have: what any layer of any file states, and the built-in of that
/// name. Which of them holds depends on the profile, and trust covers all profiles.
fn kinds(documents: &[Document], name: &str) -> Vec<&'static Kind> {
    let stated = every_layer(documents)
        .flat_map(|layer| &layer.backends)
        .filter(|(other, _)| other.value == name)
        .filter_map(|(_, settings)| match &settings.get("type")?.value {
            Setting::Text(text) => kind::named(text),
            _ => None,
        });
    stated.chain(kind::named(name)).collect()
}

/// Whether a setting sends nothing to a place that the caller's own environment does not name.
fn is_free(
    known: &Known,
    setting: &Setting,
    documents: &[Document],
    environment: &Lookup<'_>,
) -> bool {
    match (known.trust, setting) {
        (Trust::Free, _) => true,
        // Elsewhere `false` is a name: of a file, or of a host.
        (Trust::Needed, Setting::Text(text)) => {
            matches!(known.shape, Shape::Bool) && text == "false"
        }
        (Trust::Origin(variables), Setting::Text(text)) => variables
            .iter()
            .filter_map(|name| environment(name))
            .any(|own| origin(&own).is_some() && origin(&own) == origin(text)),
        (Trust::Origin(variables), Setting::Reference(reference)) => {
            // The scheme can be given another type, and then reads what the repository holds.
            let is_environment = |scheme| {
                kinds(documents, scheme)
                    .iter()
                    .all(|kind| kind.name == "env")
            };
            reference.scheme == "env"
                && is_environment("env")
                && variables.contains(&reference.locator())
        }
        (Trust::Needed | Trust::Origin(_), _) => false,
    }
}

/// Scheme, host and port (RFC 6454), lower case, with the scheme's own port filled in.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "unix" {
        return Some(format!("unix://{rest}"));
    }
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    if authority.is_empty() || authority.contains('@') || authority.contains('\\') {
        return None;
    }
    let has_port = authority
        .rsplit(']')
        .next()
        .is_some_and(|tail| tail.contains(':'));
    let port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    Some(format!(
        "{scheme}://{authority}{}",
        if has_port { "" } else { port }
    ))
}

fn canonical_settings(settings: &super::document::Backend) -> String {
    settings
        .iter()
        .map(|(name, setting)| format!("{name}\0{}\0", canonical_setting(&setting.value)))
        .collect()
}

fn canonical_setting(setting: &Setting) -> String {
    match setting {
        Setting::Text(text) => format!("t{}:{text}", text.len()),
        Setting::List(items) => {
            items.iter().fold("l".to_owned(), |all, item| {
                all + &canonical_setting(&item.value)
            }) + ";"
        }
        Setting::Map(map) => {
            map.iter().fold("m".to_owned(), |all, (name, item)| {
                format!(
                    "{all}{}:{name}{}",
                    name.len(),
                    canonical_setting(&item.value)
                )
            }) + ";"
        }
        Setting::Reference(reference) => format!("r{}:{}", reference.text.len(), reference.text),
    }
}

fn canonical_entry(entry: &Entry) -> String {
    let origin = match entry.origin.as_ref().map(|origin| &origin.value) {
        None => String::new(),
        Some(Origin::From(references)) => canonical_references(references),
        Some(Origin::Value(text)) => format!("value{}", counted(text)),
        Some(Origin::Template(template)) => counted(&format!("template {:?}", template.parts)),
    };
    let text = |text: &Option<Spanned<String>>| {
        text.as_ref()
            .map_or_else(String::new, |text| counted(&text.value))
    };
    format!(
        "{origin}default{}key{}",
        text(&entry.default),
        text(&entry.key)
    )
}

fn canonical_references(references: &[Spanned<Reference>]) -> String {
    references
        .iter()
        .map(|reference| format!("from{}", counted(&reference.value.text)))
        .collect()
}

/// A text after its length, so that no text can pass for two.
fn counted(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// SHA-256 over the parts, in hexadecimal.
pub fn digest(parts: &[Part]) -> String {
    let mut canonical: Vec<&str> = parts.iter().map(|part| part.canonical.as_str()).collect();
    canonical.sort_unstable();
    let mut hash = Sha256::new();
    for part in canonical {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that its caller should not believe.
pub fn stranger(owners: &[Owner], caller: u32) -> Option<(&Owner, &'static str)> {
    owners.iter().find_map(|owner| {
        if owner.is_world_writable {
            Some((owner, "every user can write it"))
        } else if owner.uid != caller && owner.uid != 0 {
            Some((owner, "it belongs to another user"))
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{origin, runs_code};

    #[test]
    fn origins_are_equal_whatever_the_case_path_and_default_port() {
        assert_eq!(
            origin("https://Vault.acme.dev/prefix"),
            origin("https://vault.acme.dev:443")
        );
        assert_ne!(
            origin("https://vault.acme.dev"),
            origin("http://vault.acme.dev")
        );
        assert_ne!(
            origin("https://vault.acme.dev"),
            origin("https://vault.acme.dev.evil.example")
        );
        assert_eq!(origin("https://vault.acme.dev@evil.example"), None);
        assert_eq!(origin("https://[::1]"), origin("https://[::1]:443"));
    }

    #[test]
    fn the_table_of_code_variables_has_prefixes() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "PYTHONSTARTUP",
            "GIT_SSH_COMMAND",
            "ENV",
        ] {
            assert!(runs_code(name), "{name}");
        }
        for name in ["PATHS", "ENVIRONMENT", "OPENAI_API_KEY"] {
            assert!(!runs_code(name), "{name}");
        }
    }
}

//! The types of backend, and what is known of each without I/O.

use std::collections::HashMap;

use crate::{
    Address, Fault, Opening, Provider, aws_sm, aws_ssm, dotenv, env, exec, file, op, systemd, vault,
};

/// Every built-in type, in the order of the documentation.
pub static ALL: [&Kind; 9] = [
    &op::KIND,
    &vault::KIND,
    &aws_sm::KIND,
    &aws_ssm::KIND,
    &dotenv::KIND,
    &env::KIND,
    &file::KIND,
    &systemd::KIND,
    &exec::KIND,
];

/// The type that a scheme or a `type` setting names.
pub fn named(name: &str) -> Option<&'static Kind> {
    ALL.into_iter()
        .find(|kind| kind.name == name || kind.aliases.contains(&name))
}

/// Variables of the launcher that the code of every type may read: proxies, and where helper programs
/// are looked up. `REQUEST_METHOD` says that this is a CGI program, whose `HTTP_PROXY` a client sent.
pub static SHARED_VARIABLES: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "REQUEST_METHOD",
    "PATH",
];

/// One type of backend.
#[derive(Debug)]
pub struct Kind {
    /// The scheme, and the word after `type:`.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// One line for tables.
    pub about: &'static str,
    /// How its references are read.
    pub grammar: Grammar,
    /// The settings under `backends`, `type` aside.
    pub settings: &'static [Setting],
    /// The values of `auth.method`, where it has ways to sign in.
    pub methods: &'static [Method],
    /// Environment variables that are static credentials of this backend: stripped from what a
    /// glob or a group passes to the child. `*` at the end matches any rest.
    pub static_credentials: &'static [&'static str],
    /// The other variables of the launcher that its code, or a library or program that it uses, is
    /// given; `*` matches any rest. Those of [`SHARED_VARIABLES`] are every type's.
    pub variables: &'static [&'static str],
    /// Whether its values are secrets kept elsewhere: a value read from `dotenv`, `env` or `file`
    /// that is a reference to one of these was meant for the manifest.
    pub is_secret_store: bool,
    /// Whether a value of it can be a lease, which the launcher must then keep.
    pub may_lease: bool,
    /// Whether a production profile may use it.
    pub is_for_production: bool,
    /// Whether its faults and warnings have the words of a program, in which a value of another
    /// backend can stand.
    pub quotes_programs: bool,
    /// Checks an address; the text says what is wrong with it.
    pub validate: fn(&Address) -> Result<(), String>,
    /// The requests that a batch needs. Every index stands in exactly one of them.
    pub requests: fn(&[Address]) -> Vec<Request>,
    /// Opens it, where this version has it. Does no I/O.
    pub open: Option<Open>,
}

/// A way to sign in, and the settings beside `method`, `mount` and `namespace`.
#[derive(Debug)]
pub struct Method {
    /// The value of `method`.
    pub name: &'static str,
    /// Settings without which it does not work.
    pub needs: &'static [&'static str],
    /// Settings of which exactly one is wanted.
    pub needs_one: &'static [&'static str],
    /// Other settings.
    pub takes: &'static [&'static str],
    /// What to do in its place, where no launcher can use it.
    pub instead: Option<&'static str>,
}

impl Method {
    /// Whether it has a setting of its own with this name.
    pub fn has(&self, setting: &str) -> bool {
        let mut all = [self.needs, self.needs_one, self.takes]
            .into_iter()
            .flatten();
        all.any(|name| *name == setting)
    }

    /// One without settings.
    pub(crate) const fn of(name: &'static str) -> Self {
        Self {
            name,
            needs: &[],
            needs_one: &[],
            takes: &[],
            instead: None,
        }
    }
}

/// Opens a backend; does no I/O.
pub type Open = fn(Opening<'_>) -> Result<Box<dyn Provider>, Fault>;

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

/// How references of a type are read.
#[derive(Debug)]
pub struct Grammar {
    /// Whether `#field` is allowed.
    pub has_field: bool,
    /// Whether a name's own reference without `#field` is the whole, or takes the name.
    pub field_defaults_to_name: bool,
    /// Whether a reference may have nothing after `://`; the locator is then the name.
    pub locator_defaults_to_name: bool,
    /// Whether the locator is a path of the local file system.
    pub is_path: bool,
    /// Whether `%XX` is decoded.
    pub is_percent_encoded: bool,
    /// Options after `?`.
    pub options: &'static [&'static str],
    /// Where a layer's `from` puts the name.
    pub natural: Natural,
    /// Whether it knows variables by their own name, so that `key` does not apply.
    pub knows_names: bool,
}

/// Where a layer's `from` puts a name that its reference does not mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Natural {
    /// `#NAME`.
    Field,
    /// A last segment `/NAME`, or the whole locator where there is none.
    LastSegment,
}

/// Requests that one round trip answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked, for `explain`: `read .env.local`.
    pub label: String,
    /// Indices into the batch.
    pub answers: Vec<usize>,
    /// Whether it leaves the process at all.
    pub is_free: bool,
}

impl Request {
    /// One request for all addresses with the same key, in the order in which they first occur.
    pub fn by_key(
        batch: &[Address],
        key: impl Fn(&Address) -> String,
        label: impl Fn(&str) -> String,
    ) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (index, address) in batch.iter().enumerate() {
            let key = key(address);
            let label = label(&key);
            let at = *known.entry(key).or_insert(found.len());
            if at == found.len() {
                found.push(Self {
                    label,
                    answers: Vec::new(),
                    is_free: false,
                });
            }
            found[at].answers.push(index);
        }
        found
    }
}

/// A setting under `backends`.
#[derive(Debug)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether a manifest found by search may say it untrusted.
    pub trust: Trust,
    /// One line for the schema.
    pub about: &'static str,
}

/// What a setting holds. Any of them may be `{ from: REFERENCE }` instead.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A scalar.
    Text,
    /// A path of the local file system; the launcher makes it absolute.
    Path,
    /// A credential: nothing but a reference, since a manifest is no place for one.
    Secret,
    /// `true` or `false`.
    Bool,
    /// A list of scalars.
    List,
    /// A program and its arguments. A program with a slash is a path, as in [`Shape::Path`].
    Command,
    /// A map whose keys and values are passed on as they are.
    Map,
    /// A map of these settings. Whether they must be trusted is said for the map.
    Keys(&'static [Setting]),
}

/// Whether a setting of a manifest that was found by search must be trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It sends nothing anywhere.
    Free,
    /// An address: free if its origin is that of one of these variables of the ecosystem.
    Origin(&'static [&'static str]),
    /// Always.
    Needed,
}

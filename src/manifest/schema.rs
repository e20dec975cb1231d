//! Every key of a manifest, once: what the reader accepts, what `endow schema` prints, and what
//! the example must mention.

use endow_providers::{Setting as Known, Shape, kind};
use serde_json::{Map, Value, json};

/// A key and what it holds.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub form: Form,
    /// One line on what it is for.
    pub about: &'static str,
}

/// What a key holds.
#[derive(Debug)]
pub enum Form {
    /// Anything; read by the register.
    Any,
    /// `as`.
    As,
    /// `backends`.
    Backends,
    /// `true` or `false`.
    Bool,
    /// `YYYY-MM-DD`.
    Date,
    /// `90d`, `30s`, `1h 30m`.
    Duration,
    /// `env`.
    Entries,
    /// A text, or a list of texts.
    Texts,
    /// A map whose keys the user chooses.
    MapOf(&'static Form),
    /// A map of these keys.
    Map(&'static [Key]),
    /// `on_change`.
    OnChange,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A reference, or a list of them.
    References,
    /// A text.
    Text,
    /// The number 1.
    Version,
    /// `true`, `false`, or a length of time.
    Watch,
}

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about }
}

/// The newest version of the format, and the only one.
pub const VERSION: &str = "1";

/// The top level.
pub static TOP: &[Key] = &[
    key("version", Form::Version, "version of this format; required"),
    key(
        "project",
        Form::Text,
        "names the project in reports and in {project}",
    ),
    key(
        "extends",
        Form::Texts,
        "manifests that stand farther: a path, or a list of them",
    ),
    key(
        "backends",
        Form::Backends,
        "settings of backends, by scheme",
    ),
    key(
        "inherit",
        Form::Texts,
        "names, globs and groups that the child gets from the caller; -NAME removes",
    ),
    key(
        "from",
        Form::References,
        "where names without a place of their own are looked up",
    ),
    key(
        "env",
        Form::Entries,
        "the variables, and who answers for them",
    ),
    key(
        "values",
        Form::MapOf(&Form::Text),
        "plain settings, short for { value: ... }",
    ),
    key("groups", Form::MapOf(&Form::Texts), "names for `--only`"),
    key(
        "default_profile",
        Form::Text,
        "the profile without --profile; never a production one",
    ),
    key(
        "profiles",
        Form::MapOf(&Form::Map(PROFILE)),
        "the places that differ: dev, staging, prod",
    ),
    key("run", Form::Map(RUN), "defaults for `endow run`"),
    key(
        "defaults",
        Form::Map(METADATA),
        "metadata of every entry that does not say its own",
    ),
    key("policy", Form::Any, "rules of the register"),
    key("people", Form::Any, "who the owners are"),
    key("assets", Form::Any, "what the variables open"),
];

/// A profile.
pub static PROFILE: &[Key] = &[
    key(
        "production",
        Form::Bool,
        "refuses dotenv places, is never the default and never cached",
    ),
    key("extends", Form::Texts, "profiles that stand farther"),
    key(
        "backends",
        Form::Backends,
        "settings of backends, merged over the top level's",
    ),
    key("inherit", Form::Texts, "added to the top level's"),
    key(
        "from",
        Form::References,
        "where names without a place of their own are looked up",
    ),
    key(
        "env",
        Form::Entries,
        "entries, merged key by key over the top level's",
    ),
    key("values", Form::MapOf(&Form::Text), "plain settings"),
    key(
        "run",
        Form::Map(RUN),
        "defaults for `endow run` in this profile",
    ),
];

/// An entry's keys that decide its value; its metadata is in [`METADATA`].
pub static ENTRY: &[Key] = &[
    key(
        "from",
        Form::References,
        "the variable's own place, or a list: the next is asked where the one before is absent",
    ),
    key("value", Form::Text, "a plain value; never a secret"),
    key(
        "template",
        Form::Text,
        "a text with ${NAME}, ${NAME|url}, ${NAME|json}, ${NAME|base64}; $$ is a dollar",
    ),
    key(
        "key",
        Form::Text,
        "the variable's name at the layer's place",
    ),
    key("default", Form::Text, "the value where the place is absent"),
    key(
        "required",
        Form::Bool,
        "false leaves an absent variable unset",
    ),
    key(
        "export",
        Form::Bool,
        "false keeps it from the child: a part of templates",
    ),
    key(
        "as",
        Form::As,
        "env, file or json, or { file: memory|tmpfs, mode, owner, name }",
    ),
    key(
        "lease",
        Form::OneOf(&["keep", "abandon"]),
        "abandon: neither renewed nor revoked",
    ),
    key(
        "on_change",
        Form::OnChange,
        "restart, none, or { signal: HUP }",
    ),
];

/// Metadata of an entry: for the register, never needed to run.
pub static METADATA: &[Key] = &[
    key("description", Form::Text, "what it is"),
    key("owner", Form::Text, "who answers for it"),
    key(
        "backup_owner",
        Form::Text,
        "who answers when the owner is away",
    ),
    key("used_by", Form::Texts, "paths and services that use it"),
    key("docs", Form::Text, "where it is described"),
    key("console_url", Form::Text, "where it is made and revoked"),
    key(
        "classification",
        Form::Text,
        "how sensitive it is, in your own words",
    ),
    key(
        "critical",
        Form::Bool,
        "whether losing it stops the business",
    ),
    key("rotate_every", Form::Duration, "longest age"),
    key("expires", Form::Date, "last day of validity"),
    key(
        "review_every",
        Form::Duration,
        "how often its need is looked at",
    ),
    key("last_reviewed", Form::Date, "when that was done last"),
    key("reviewed_by", Form::Text, "by whom"),
    key("permissions", Form::Texts, "what it may do there"),
    key(
        "waive",
        Form::MapOf(&Form::Text),
        "findings that are accepted, each with its reason",
    ),
];

/// `run`.
pub static RUN: &[Key] = &[
    key("redact", Form::Bool, "mask values in the child's output"),
    key(
        "timeout",
        Form::Duration,
        "the deadline of all backends together; 30s",
    ),
    key("stop_signal", Form::Text, "what a stop is forwarded as"),
    key(
        "stop_timeout",
        Form::Duration,
        "how long after it KILL follows",
    ),
    key(
        "watch",
        Form::Watch,
        "act when a value changes, looked at every 30s or so often",
    ),
];

/// `as`, written as a map.
pub static AS: &[Key] = &[
    key(
        "file",
        Form::OneOf(&["memory", "tmpfs"]),
        "where the file is",
    ),
    key("mode", Form::Text, "octal permissions; \"0400\""),
    key("owner", Form::Text, "user that owns it"),
    key(
        "name",
        Form::Text,
        "its name, for programs that look at the extension",
    ),
];

/// The names of keys.
pub fn names(keys: &[Key]) -> impl Iterator<Item = &'static str> + '_ {
    keys.iter().map(|key| key.name)
}

/// All keys of an entry.
pub fn entry_keys() -> impl Iterator<Item = &'static Key> {
    ENTRY.iter().chain(METADATA)
}

/// The manifest's JSON Schema, draft 2020-12.
pub fn json_schema() -> Value {
    let mut schema = map_schema(TOP.iter());
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("endow manifest (secretfile.yaml)");
    schema["required"] = json!(["version"]);
    schema["$defs"] = json!({
        "reference": reference_schema(),
        "entry": entry_schema(),
        "setting": setting_schema(),
        "scalar": { "type": ["string", "number", "boolean"] },
    });
    schema
}

fn map_schema<'a>(keys: impl Iterator<Item = &'a Key>) -> Value {
    let properties: Map<String, Value> = keys
        .map(|key| {
            let mut schema = form_schema(&key.form);
            schema["description"] = json!(key.about);
            (key.name.to_owned(), schema)
        })
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn form_schema(form: &Form) -> Value {
    let scalar = || json!({ "$ref": "#/$defs/scalar" });
    match form {
        Form::Any => json!({}),
        Form::As => {
            json!({ "anyOf": [{ "enum": ["env", "file", "json"] }, map_schema(AS.iter())] })
        }
        Form::Backends => {
            json!({ "type": ["object", "null"], "additionalProperties": backend_schema() })
        }
        Form::Bool => json!({ "type": "boolean" }),
        Form::Watch => json!({ "type": ["boolean", "string"], "examples": [true, "1m"] }),
        Form::Date => json!({ "type": "string", "format": "date" }),
        Form::Duration => json!({ "type": "string", "examples": ["30s", "90d"] }),
        Form::Entries => json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "$ref": "#/$defs/entry" },
        }),
        Form::Texts => json!({ "anyOf": [scalar(), { "type": "array", "items": scalar() }] }),
        Form::MapOf(inner) => {
            json!({ "type": ["object", "null"], "additionalProperties": form_schema(inner) })
        }
        Form::Map(keys) => {
            let mut schema = map_schema(keys.iter());
            schema["type"] = json!(["object", "null"]);
            schema
        }
        Form::OnChange => json!({ "anyOf": [
            { "enum": ["restart", "none"] },
            { "type": "object", "properties": { "signal": { "type": "string" } }, "required": ["signal"], "additionalProperties": false },
        ] }),
        Form::OneOf(words) => json!({ "enum": words }),
        Form::References => json!({ "anyOf": [
            { "$ref": "#/$defs/reference" },
            { "type": "array", "items": { "$ref": "#/$defs/reference" }, "minItems": 1 },
        ] }),
        Form::Text => scalar(),
        Form::Version => json!({ "enum": [1, "1"] }),
    }
}

fn reference_schema() -> Value {
    let schemes: Vec<&str> = kind::ALL.iter().map(|kind| kind.name).collect();
    json!({
        "type": "string",
        "pattern": "^[a-z][a-z0-9_-]*://",
        "description": format!("<scheme>://<locator>[#<field>][?<option>=<value>]; a scheme is a key under `backends` or one of {}", schemes.join(", ")),
    })
}

fn entry_schema() -> Value {
    json!({ "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/reference" }, map_schema(entry_keys())] })
}

fn setting_schema() -> Value {
    json!({ "anyOf": [
        { "$ref": "#/$defs/scalar" },
        { "type": "array", "items": { "$ref": "#/$defs/setting" } },
        { "type": "object", "additionalProperties": { "$ref": "#/$defs/setting" } },
    ] })
}

fn backend_schema() -> Value {
    let mut properties = Map::new();
    let types: Vec<&str> = kind::ALL
        .iter()
        .flat_map(|kind| std::iter::once(kind.name).chain(kind.aliases.iter().copied()))
        .collect();
    properties.insert(
        "type".to_owned(),
        json!({ "enum": types, "description": "the type of backend; defaults to the key" }),
    );
    for setting in kind::ALL.iter().flat_map(|kind| kind.settings) {
        properties
            .entry(setting.name)
            .or_insert_with(|| known_setting_schema(setting));
    }
    json!({ "anyOf": [{ "type": "null" }, { "type": "object", "properties": properties, "additionalProperties": false }] })
}

/// One setting; a map of known settings has their schemas in it.
fn known_setting_schema(setting: &Known) -> Value {
    let (shape, reference) = match setting.shape {
        Shape::Text | Shape::Bool => ("a text", "{ from: REFERENCE }"),
        Shape::Path => ("a path", "{ from: REFERENCE }"),
        Shape::Secret => ("a credential", "written { from: REFERENCE }"),
        Shape::List | Shape::Command => ("a list", "{ from: REFERENCE }"),
        Shape::Map | Shape::Keys(_) => ("a map", "{ from: REFERENCE }"),
    };
    let word = if reference.starts_with('{') {
        "or "
    } else {
        ""
    };
    let description = format!("{} ({shape}, {word}{reference})", setting.about);
    let Shape::Keys(inner) = setting.shape else {
        return json!({ "$ref": "#/$defs/setting", "description": description });
    };
    let properties: Map<String, Value> = inner
        .iter()
        .map(|inner| (inner.name.to_owned(), known_setting_schema(inner)))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false, "description": description })
}

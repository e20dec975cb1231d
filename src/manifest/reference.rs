//! References: `<scheme>://<locator>[#<field>][?<option>=<value>]`.
//!
//! A splitter of our own, since ARNs and spaces break URL parsers: scheme, then the first `#`,
//! then the first `?` after it (or after the locator). Decoding and placeholders come after
//! splitting, so nothing that is put in can move a boundary.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod property;
mod written;

use std::path::{Component, Path, PathBuf};

use endow_providers::{Address, Field, Kind, Natural};

use self::written::Written;
use super::{credential, diagnostic::did_you_mean, find};

/// A reference, split and not yet decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// As written.
    pub text: String,
    /// Before `://`.
    pub scheme: String,
    locator: String,
    field: Option<String>,
    options: Option<String>,
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The variable, and its name at the place (`key`); `None` in a backend's setting.
    pub variable: Option<(&'a str, &'a str)>,
    /// `project`.
    pub project: Option<&'a str>,
    /// The chosen profile.
    pub profile: Option<&'a str>,
    /// Where relative paths start.
    pub directory: &'a Path,
    /// The home directory.
    pub home: Option<&'a Path>,
}

/// Who says a reference: this decides where a name goes that it does not mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A variable's own place, or a setting's.
    Own,
    /// A layer's `from`.
    Layer,
}

/// A reference made concrete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the backend is asked for.
    pub address: Address,
    /// The reference with its placeholders filled in, for reports: it names the same place.
    pub shown: String,
}

/// Why a reference can't be used: the problem, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// A lower-case fragment.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

fn bad(message: impl Into<String>) -> Bad {
    Bad {
        message: message.into(),
        hint: None,
    }
}

impl Bad {
    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Reference {
    /// Splits a text; `None` where it does not begin with a scheme.
    pub fn split(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        if !is_scheme(scheme) {
            return None;
        }
        let (locator, field, options) = match rest.split_once('#') {
            Some((locator, after)) => match after.split_once('?') {
                Some((field, options)) => (locator, Some(field), Some(options)),
                None => (locator, Some(after), None),
            },
            None => match rest.split_once('?') {
                Some((locator, options)) => (locator, None, Some(options)),
                None => (rest, None, None),
            },
        };
        Some(Self {
            text: text.to_owned(),
            scheme: scheme.to_owned(),
            locator: locator.to_owned(),
            field: field.map(str::to_owned),
            options: options.map(str::to_owned),
        })
    }

    /// Whether it has a `#field`.
    pub fn has_field(&self) -> bool {
        self.field.is_some()
    }

    /// The variable of the launcher's environment that an `env` reference names, if it names one.
    pub fn locator(&self) -> &str {
        &self.locator
    }

    /// Whether it says where the variable's name goes.
    pub fn mentions_name(&self) -> bool {
        self.text.contains("{NAME}") || self.text.contains("{name}")
    }

    /// The place it names for one variable.
    pub fn place(&self, kind: &Kind, role: Role, scope: &Scope<'_>) -> Result<Place, Bad> {
        let grammar = &kind.grammar;
        if self.locator.contains('?') {
            return Err(bad("a `?` before the `#`")
                .hint("options come after the field; in a name write `%3F`"));
        }
        self.refuse_password(kind)?;
        if grammar.is_path {
            refuse_expansion(&self.locator)?;
        }
        let mut locator = expand(&self.locator, grammar.is_percent_encoded, kind, scope)?;
        let mut field = match &self.field {
            Some(_) if !grammar.has_field => return Err(no_field(kind)),
            Some(raw) if raw.is_empty() => return Err(bad("nothing after `#`")),
            Some(raw) => Some(new_field(
                raw,
                expand(raw, grammar.is_percent_encoded, kind, scope)?,
            )),
            None => None,
        };
        if role == Role::Layer && !self.mentions_name() {
            Self::put_name(kind, &mut locator, &mut field, scope)?;
        }
        if let (Role::Own, Some((name, _))) = (role, scope.variable) {
            if field.is_none() && grammar.field_defaults_to_name {
                field = Some(Field::Name(name.to_owned()));
            }
            if locator.is_empty() && grammar.locator_defaults_to_name {
                name.clone_into(&mut locator);
            }
        }
        if locator.is_empty() {
            return Err(bad("nothing after `://`"));
        }
        let options = self.options(kind, scope)?;
        let shown = Written {
            scheme: &self.scheme,
            locator: &locator,
            field: field.as_ref(),
            options: &options,
            is_percent_encoded: grammar.is_percent_encoded,
        }
        .to_string();
        if grammar.is_path {
            locator = joined(&locator, scope)?;
        }
        let address = Address {
            locator,
            field,
            options,
        };
        if let Some(control) = address.control() {
            let code = u32::from(control);
            return Err(
                bad(format!("a control character, U+{code:04X}, stands in it"))
                    .hint("no path, mount or name has one: write it without"),
            );
        }
        (kind.validate)(&address).map_err(|message| match role {
            Role::Own => bad(message),
            Role::Layer => bad(message).hint(format!("with the name put in it is `{shown}`")),
        })?;
        Ok(Place { address, shown })
    }

    /// A URL of a server that was written as a place: its parts would be sent as names, and shown.
    fn refuse_password(&self, kind: &Kind) -> Result<(), Bad> {
        // Most have no `@`: nothing is put together for these.
        if !self.locator.contains('@')
            || !credential::has_password(&format!("{}://{}", self.scheme, self.locator))
        {
            return Ok(());
        }
        let refusal = bad("a password stands before `@`: a place is no URL of a server");
        Err(if kind.grammar.is_percent_encoded {
            refusal.hint("name the place where the value is; in a name write `%40` for `@`")
        } else {
            refusal.hint("name the place where the value is, by its id where its name has a `:`")
        })
    }

    /// Puts the name where the type naturally has it.
    fn put_name(
        kind: &Kind,
        locator: &mut String,
        field: &mut Option<Field>,
        scope: &Scope<'_>,
    ) -> Result<(), Bad> {
        let Some((name, key)) = scope.variable else {
            return Ok(());
        };
        let name = if kind.grammar.knows_names { name } else { key };
        if name.contains('\0') {
            return Err(bad(NUL));
        }
        match kind.grammar.natural {
            Natural::Field if field.is_some() => {
                return Err(bad(
                    "a layer's place with a field of its own gives every name the same value",
                )
                .hint("leave out `#field`, or put `{NAME}` or `{name}` into it"));
            }
            Natural::Field => *field = Some(new_field(name, name.to_owned())),
            Natural::LastSegment if kind.grammar.knows_names && !locator.is_empty() => {
                return Err(
                    bad(format!("a layer's `{}` place names no variable", kind.name)).hint(
                        format!("write `{0}://`, or `{0}://PREFIX_{{NAME}}`", kind.name),
                    ),
                );
            }
            Natural::LastSegment => {
                if !locator.is_empty() && !locator.ends_with('/') {
                    locator.push('/');
                }
                locator.push_str(name);
            }
        }
        Ok(())
    }

    fn options(&self, kind: &Kind, scope: &Scope<'_>) -> Result<Vec<(String, String)>, Bad> {
        let Some(text) = &self.options else {
            return Ok(Vec::new());
        };
        let mut options: Vec<(String, String)> = Vec::new();
        for pair in text.split('&') {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(bad("an option is written `?name=value`"));
            };
            if !kind.grammar.options.contains(&name) {
                return Err(unknown_option(kind, name));
            }
            if options.iter().any(|(other, _)| other == name) {
                return Err(bad(format!("the option `{name}` stands twice")));
            }
            options.push((
                name.to_owned(),
                expand(value, kind.grammar.is_percent_encoded, kind, scope)?,
            ));
        }
        Ok(options)
    }
}

/// Whether a text can be a scheme: a lower-case word.
pub fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        })
}

/// A raw field that begins with `/` is a JSON Pointer; `%2F` is a literal slash.
fn new_field(raw: &str, decoded: String) -> Field {
    if raw.starts_with('/') {
        Field::Pointer(decoded)
    } else {
        Field::Name(decoded)
    }
}

fn no_field(kind: &Kind) -> Bad {
    let refusal = bad(format!("`{}` has no fields", kind.name));
    if kind.grammar.is_percent_encoded {
        refusal.hint("write `%23` for a `#` in a name")
    } else {
        refusal
    }
}

fn unknown_option(kind: &Kind, name: &str) -> Bad {
    let known = kind.grammar.options;
    if known.is_empty() {
        return bad(format!("`{}` has no options", kind.name))
            .hint("in a name write `%3F` for `?`");
    }
    let refusal = bad(format!(
        "`{}` has no option `{}`",
        kind.name,
        super::diagnostic::shown(name)
    ));
    refusal.hint(
        did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("it has: {}", known.join(", "))),
    )
}

/// Fills in placeholders and decodes `%XX` in what was written around them.
fn expand(
    raw: &str,
    is_percent_encoded: bool,
    kind: &Kind,
    scope: &Scope<'_>,
) -> Result<String, Bad> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(next) = rest.chars().next() {
        if next == '{' {
            let Some((word, after)) = rest[1..].split_once('}') else {
                return Err(bad("a `{` without a `}`").hint("`%7B` is a brace"));
            };
            bytes.extend_from_slice(placeholder(word, kind, scope)?.as_bytes());
            rest = after;
        } else if next == '%' && is_percent_encoded {
            let byte = rest
                .get(1..3)
                // A sign is no digit, though `from_str_radix` takes one.
                .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .and_then(|hex| u8::from_str_radix(hex, 16).ok());
            let byte = byte.ok_or_else(|| {
                bad("a `%` without two hexadecimal digits").hint("`%25` is a percent sign")
            })?;
            bytes.push(byte);
            rest = &rest[3..];
        } else {
            bytes.extend_from_slice(&rest.as_bytes()[..next.len_utf8()]);
            rest = &rest[next.len_utf8()..];
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| bad("what `%` encodes is not UTF-8"))?;
    if text.contains('\0') {
        return Err(bad(NUL));
    }
    Ok(text)
}

const NUL: &str = "a NUL can't stand in a reference";

const PLACEHOLDERS: [&str; 5] = ["NAME", "name", "project", "profile", "checkout"];

fn placeholder(word: &str, kind: &Kind, scope: &Scope<'_>) -> Result<String, Bad> {
    let name = || {
        let (name, key) = scope.variable.ok_or_else(|| {
            bad(format!(
                "`{{{word}}}` in a backend's setting, which has no name"
            ))
        })?;
        Ok(if kind.grammar.knows_names { name } else { key })
    };
    match word {
        "NAME" => name().map(str::to_owned),
        "name" => name().map(str::to_lowercase),
        "project" => scope.project.map(str::to_owned).ok_or_else(|| {
            bad("`{project}` without a `project`").hint("add `project: NAME` at the top")
        }),
        "profile" => scope.profile.map(str::to_owned).ok_or_else(|| {
            bad("`{profile}` without a profile").hint("declare `profiles:` and choose one")
        }),
        "checkout" => find::main_checkout(scope.directory, scope.home)
            .into_os_string()
            .into_string()
            .map_err(|_| bad("`{checkout}` is a path that is not UTF-8")),
        _ => Err(bad(format!(
            "unknown placeholder `{{{}}}`",
            super::diagnostic::shown(word)
        ))
        .hint(did_you_mean(word, PLACEHOLDERS).unwrap_or_else(|| {
            "there are {NAME}, {name}, {project}, {profile} and {checkout}; `%7B` is a brace"
                .to_owned()
        }))),
    }
}

/// Nothing in a path comes from the environment, and no home but the caller's.
fn refuse_expansion(path: &str) -> Result<(), Bad> {
    if let Some(name) = variable(path) {
        let hint = match name {
            "HOME" => "write `~/` for the home directory",
            "CREDENTIALS_DIRECTORY" => "write `systemd://NAME` for a credential of the unit",
            _ => {
                "write the path itself; `~/` is the home directory, and `%24` is a dollar in a reference"
            }
        };
        return Err(bad(format!(
            "`${}` is not expanded in a path",
            super::diagnostic::shown(name)
        ))
        .hint(hint));
    }
    match path.strip_prefix('~') {
        Some(user) if !user.is_empty() && !user.starts_with('/') => Err(bad(
            "`~` with a name is not expanded in a path",
        )
        .hint("write the path of that directory; `~/` is the caller's home, and `./~` begins a name with `~`")),
        _ => Ok(()),
    }
}

/// The first `$NAME` or `${NAME}` of a path, without the dollar and the braces.
fn variable(path: &str) -> Option<&str> {
    path.split('$').skip(1).find_map(|after| {
        let after = after.strip_prefix('{').unwrap_or(after);
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = after.find(|c| !is_of_name(c)).unwrap_or(after.len());
        let name = &after[..end];
        name.starts_with(|c: char| !c.is_ascii_digit())
            .then_some(name)
    })
}

/// Whether a program is named by its path, and not looked up.
pub fn names_a_path(program: &str) -> bool {
    program.contains('/')
}

/// A path with `~/` and its starting directory put in, and `.` segments taken out.
pub fn absolute(path: &str, scope: &Scope<'_>) -> Result<String, Bad> {
    refuse_expansion(path)?;
    joined(path, scope)
}

/// A path made absolute; a dollar in it was encoded and is itself.
fn joined(path: &str, scope: &Scope<'_>) -> Result<String, Bad> {
    let joined = match path.strip_prefix("~/") {
        Some(rest) => scope
            .home
            .ok_or_else(|| bad("`~/` without a home directory").hint("set HOME"))?
            .join(rest),
        None => scope.directory.join(path),
    };
    let clean: PathBuf = joined
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    clean
        .into_os_string()
        .into_string()
        .map_err(|_| bad("a path that is not UTF-8"))
}

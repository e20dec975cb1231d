//! `dotenv://path[#NAME]`: keys of dotenv files.
//!
//! One read a file answers every key of it. The dialect is in [`parser`]; a file that breaks it
//! answers no key at all, because what one line means depends on the quotes before it.

mod blank;
mod parser;
mod problem;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod property;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use crate::{
    Absence, Address, Answer, Class, Fault, Fetched, Field, Grammar, Identity, Kind, Limits,
    Metadata, Natural, Opening, Pending, Provider, Reply, Request, Secret, Setting, Settings,
    Shape, Trust, Value, Warning, is_name_like,
    read::{Content, Failure, described, read, read_each, read_regular},
};
pub(crate) use parser::is_key;
use parser::{Doubt, Parsed, parse};

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "dotenv",
    aliases: &[],
    about: "a key of a dotenv file",
    grammar: Grammar {
        has_field: true,
        field_defaults_to_name: true,
        locator_defaults_to_name: false,
        is_path: true,
        is_percent_encoded: true,
        options: &[],
        natural: Natural::Field,
        knows_names: true,
    },
    settings: &[Setting {
        name: "expand",
        shape: Shape::Bool,
        trust: Trust::Free,
        about: "expand `${X}` and `${X:-default}` from earlier keys of the same file",
    }],
    methods: &[],
    static_credentials: &[],
    variables: &[],
    is_secret_store: false,
    may_lease: false,
    is_for_production: false,
    quotes_programs: false,
    validate,
    requests,
    open: Some(open),
};

/// The value of a key in the text of a dotenv file; `None` where the text breaks the dialect or has
/// no such key.
pub fn value(text: &[u8], key: &str, is_expanding: bool) -> Option<Secret> {
    let mut entries = parse(text, is_expanding).ok()?.entries;
    entries.remove(key).map(|entry| entry.value)
}

/// The value of a key in a dotenv text; the absence names the keys that are there.
pub(crate) fn selected(
    text: &[u8],
    key: &str,
    path: &str,
) -> Result<Result<Secret, Absence>, Fault> {
    let mut parsed = parse(text, false).map_err(|problems| problem::fault(path, &problems))?;
    Ok(match parsed.entries.remove(key) {
        Some(entry) => Ok(entry.value),
        None => Err(absent(&parsed, key, path)),
    })
}

fn absent(parsed: &Parsed, key: &str, path: &str) -> Absence {
    Absence {
        what: format!("no `{key}` in `{path}`"),
        keys: parsed.names(),
    }
}

fn validate(address: &Address) -> Result<(), String> {
    if address.locator.is_empty() {
        return Err("the path of a file is needed: `dotenv://.env`".into());
    }
    if address.locator.contains('\0') {
        return Err("a path holds no NUL".into());
    }
    match &address.field {
        None => Err("a key is needed: `#NAME`".into()),
        Some(Field::Pointer(pointer)) => Err(format!(
            "`#{pointer}` is a JSON Pointer, and a dotenv file has plain keys: write `#NAME`"
        )),
        Some(Field::Name(name)) if is_key(name.as_bytes()) => Ok(()),
        Some(Field::Name(name)) => Err(format!(
            "`{name}` can't be a key of a dotenv file: letters, digits, `_`, `.` and `-`, first a letter or `_`"
        )),
    }
}

fn requests(batch: &[Address]) -> Vec<Request> {
    Request::by_key(
        batch,
        |address| address.locator.clone(),
        |path| format!("read {path}"),
    )
}

fn open(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    let expand = match opening.settings {
        Settings::Map(mut map) => map.remove("expand"),
        Settings::Text(_) | Settings::List(_) => None,
    };
    let is_stated = expand.is_some();
    let is_expanding = match expand {
        None => false,
        Some(Settings::Text(text)) if text.expose() == b"true" => true,
        Some(Settings::Text(text)) if text.expose() == b"false" => false,
        Some(_) => {
            return Err(Fault::new(
                Class::Malformed,
                "`expand` is neither `true` nor `false`",
            ));
        }
    };
    Ok(Box::new(Dotenv {
        name: opening.name.to_owned(),
        is_expanding,
        is_stated,
    }))
}

struct Dotenv {
    /// The key of its settings.
    name: String,
    is_expanding: bool,
    /// Whether the manifest says so, or that it is not.
    is_stated: bool,
}

/// A file that was read: its keys, or why there are none.
type Book = Result<(Parsed, Metadata), Failure>;

impl Provider for Dotenv {
    fn needs_runtime(&self) -> bool {
        false
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let mut warnings = Vec::new();
            let mut books = HashMap::new();
            for (path, content) in read_each(batch, |path| read(path, limits.deadline)).await {
                let book = self.book(path, content, &mut warnings);
                if let Ok((parsed, _)) = &book {
                    let asked = batch.iter().filter(|address| address.locator == path);
                    warnings.extend(self.doubts(path, parsed, asked));
                }
                books.insert(path, book);
            }
            Fetched {
                answers: batch
                    .iter()
                    .map(|address| answer(&books, address))
                    .collect(),
                warnings,
            }
        })
    }

    /// Whether a key stands in a file only its text says; it is read and wiped. What is no
    /// regular file is left alone, because reading a FIFO takes it from the next reader.
    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        limits: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        Box::pin(async move {
            let mut books = HashMap::new();
            for (path, content) in
                read_each(batch, |path| read_regular(path, limits.deadline)).await
            {
                books.insert(path, self.book(path, content, &mut Vec::new()));
            }
            let describe = |address: &Address| match &books[address.locator.as_str()] {
                Err(Failure::NotRegular) => Ok(Ok(Metadata::default())),
                _ => described(answer(&books, address)),
            };
            batch.iter().map(describe).collect()
        })
    }

    fn identity<'a>(&'a self, _: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        Box::pin(async {
            Ok(Identity {
                name: "files of this machine".into(),
                expires: None,
            })
        })
    }
}

impl Dotenv {
    fn book(
        &self,
        path: &str,
        content: Result<Content, Failure>,
        warnings: &mut Vec<Warning>,
    ) -> Book {
        let Content {
            bytes,
            is_readable_by_others,
            version,
        } = content?;
        if is_readable_by_others {
            warnings.push(Warning {
                message: format!("`{path}` can be read by every user of this machine"),
                hint: Some(format!("chmod 600 {}", quoted(path))),
            });
        }
        let parsed = parse(bytes.expose(), self.is_expanding)
            .map_err(|problems| Failure::Fault(problem::fault(path, &problems)))?;
        warnings.extend(parsed.repeated.iter().map(|again| Warning {
            message: format!(
                "`{}` stands twice in `{path}`, on lines {} and {}",
                shown(&again.key),
                again.earlier,
                again.later
            ),
            hint: Some(format!("remove one: line {} counts", again.later)),
        }));
        Ok((
            parsed,
            Metadata {
                version,
                ..Metadata::default()
            },
        ))
    }

    /// Warnings about the values that were asked for, one of each kind a file.
    fn doubts<'a>(
        &self,
        path: &str,
        parsed: &Parsed,
        asked: impl Iterator<Item = &'a Address>,
    ) -> impl Iterator<Item = Warning> {
        let keys: BTreeSet<&str> = asked
            .filter_map(|address| Some(address.field.as_ref()?.as_str()))
            .collect();
        let of = |doubt| {
            let is_of = |key: &&str| {
                let entry = parsed.entries.get(*key);
                entry.and_then(|entry| entry.doubt) == Some(doubt)
            };
            let named: Vec<String> = keys
                .iter()
                .copied()
                .filter(is_of)
                .map(|key| format!("`{}`", shown(key)))
                .collect();
            (!named.is_empty()).then(|| named.join(", "))
        };
        let literal = of(Doubt::Literal).filter(|_| !self.is_stated);
        let literal = literal.map(|keys| Warning {
            message: format!("a `${{...}}` in `{path}` is passed on as it is: {keys}"),
            hint: Some(format!(
                "`backends: {{ {}: {{ expand: true }} }}` expands it; `expand: false`, or single quotes in the file, keep it without this warning",
                self.name
            )),
        });
        let hash = of(Doubt::Hash).map(|keys| Warning {
            message: format!(
                "a value in `{path}` begins with `#`, a comment to other readers: {keys}"
            ),
            hint: Some("quote it; if it is a comment, put a blank after the `#`".into()),
        });
        literal.into_iter().chain(hash)
    }
}

/// A key where it looks like a name: in a file that is something else it may be a part of a value.
fn shown(key: &str) -> &str {
    if is_name_like(key) { key } else { "***" }
}

fn answer(books: &HashMap<&str, Book>, address: &Address) -> Answer {
    let path = address.locator.as_str();
    let name = address.field.as_ref().map_or("", Field::as_str);
    match &books[path] {
        Err(failure) => failure.answer(path),
        Ok((parsed, metadata)) => Ok(match parsed.entries.get(name) {
            Some(entry) => Reply::Value(Value {
                secret: Secret::copied_from(entry.value.expose()),
                metadata: metadata.clone(),
            }),
            None => Reply::Absent(absent(parsed, name, path)),
        }),
    }
}

/// The path as a word of a shell.
fn quoted(path: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+,:@%".contains(character);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

//! `systemd://NAME[#KEY|#/json/pointer]`: credentials that systemd passes to a unit.
//!
//! They are files of the directory that `CREDENTIALS_DIRECTORY` names, in system, user and template
//! units (systemd.exec(5), `LoadCredential=`). A whole credential is its bytes as they are; a
//! `#KEY` is one of a dotenv text, a `#/pointer` one of a JSON text.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    Absence, Address, Answer, Class, Fault, Fetched, Field, Grammar, Identity, Kind, Limits,
    Metadata, Natural, Opening, Pending, Provider, Reply, Request, Secret, Value, dotenv,
    json::{self, Selection},
    read::{Content, Failure, described, read, read_regular},
};

/// Names the directory.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "systemd",
    aliases: &[],
    about: "a credential that systemd passes to a unit, or one key of it",
    grammar: Grammar {
        has_field: true,
        field_defaults_to_name: false,
        locator_defaults_to_name: true,
        is_path: false,
        is_percent_encoded: true,
        options: &[],
        natural: Natural::Field,
        knows_names: false,
    },
    settings: &[],
    methods: &[],
    static_credentials: &[],
    variables: &[DIRECTORY],
    is_secret_store: false,
    may_lease: false,
    is_for_production: true,
    quotes_programs: false,
    validate,
    requests,
    open: Some(open),
};

fn validate(address: &Address) -> Result<(), String> {
    let name = address.locator.as_str();
    if name.contains('/') || matches!(name, "" | "." | "..") {
        return Err(
            "a credential of systemd has a plain name, without `/`: `systemd://NAME`".into(),
        );
    }
    match &address.field {
        None => Ok(()),
        Some(field @ Field::Pointer(_)) => json::validate(field),
        Some(Field::Name(key)) if dotenv::is_key(key.as_bytes()) => Ok(()),
        Some(Field::Name(key)) => Err(format!(
            "`{key}` can't be a key of a dotenv text; a field of JSON is a JSON Pointer: `#/{key}`"
        )),
    }
}

fn requests(batch: &[Address]) -> Vec<Request> {
    Request::by_key(
        batch,
        |address| address.locator.clone(),
        |name| format!("read the credential {name}"),
    )
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "the shape of every kind's opening"
)]
fn open(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    let is_it = |(name, _): &&(OsString, OsString)| name == DIRECTORY;
    let stated = opening.environment.iter().find(is_it);
    let directory = stated.map(|(_, value)| PathBuf::from(value));
    Ok(Box::new(Systemd { directory }))
}

struct Systemd {
    directory: Option<PathBuf>,
}

/// The texts by name.
type Contents<'a> = HashMap<&'a str, Result<Content, Failure>>;

impl Systemd {
    /// The directory, or why there is none.
    fn directory(&self) -> Result<&Path, Answer> {
        match self.directory.as_deref() {
            Some(directory) if directory.is_absolute() => Ok(directory),
            Some(_) => Err(Err(Fault::new(
                Class::Malformed,
                format!("{DIRECTORY} is no absolute path"),
            ))),
            None => Err(Ok(Reply::Absent(Absence {
                what: format!("{DIRECTORY} is not set: no unit of systemd passes credentials here"),
                keys: Vec::new(),
            }))),
        }
    }

    /// Reads every credential of a batch once, all at the same time.
    async fn contents<F>(batch: &[Address], start: impl Fn(&str) -> F) -> Contents<'_>
    where
        F: Future<Output = Result<Content, Failure>>,
    {
        let mut started = HashMap::new();
        for address in batch {
            let name = address.locator.as_str();
            started.entry(name).or_insert_with(|| start(name));
        }
        let mut contents = HashMap::new();
        for (name, content) in started {
            contents.insert(name, content.await);
        }
        contents
    }
}

impl Provider for Systemd {
    fn needs_runtime(&self) -> bool {
        false
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let answers = match self.directory() {
                Err(answer) => batch.iter().map(|_| again(&answer)).collect(),
                Ok(directory) => {
                    let start = |name: &str| read(directory.join(name), limits.deadline);
                    let contents = Self::contents(batch, start).await;
                    let answers = batch.iter();
                    answers
                        .map(|address| answer(&contents, directory, address))
                        .collect()
                }
            };
            Fetched {
                answers,
                warnings: Vec::new(),
            }
        })
    }

    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        limits: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        Box::pin(async move {
            let directory = match self.directory() {
                Err(answer) => return batch.iter().map(|_| described(again(&answer))).collect(),
                Ok(directory) => directory,
            };
            let start = |name: &str| read_regular(directory.join(name), limits.deadline);
            let contents = Self::contents(batch, start).await;
            let describe = |address: &Address| match &contents[address.locator.as_str()] {
                Err(Failure::NotRegular) => Ok(Ok(Metadata::default())),
                _ => described(answer(&contents, directory, address)),
            };
            batch.iter().map(describe).collect()
        })
    }

    fn identity<'a>(&'a self, _: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        Box::pin(async {
            Ok(Identity {
                name: "credentials of this unit".into(),
                expires: None,
            })
        })
    }
}

/// An answer that has no value, for one more address.
fn again(answer: &Answer) -> Answer {
    match answer {
        Err(fault) => Err(fault.clone()),
        Ok(Reply::Absent(absence)) => Ok(Reply::Absent(absence.clone())),
        Ok(Reply::Value(_)) => Err(Fault::new(Class::Malformed, "two answers with one value")),
    }
}

fn answer(contents: &Contents<'_>, directory: &Path, address: &Address) -> Answer {
    let path = directory.join(&address.locator).display().to_string();
    let content = match &contents[address.locator.as_str()] {
        Err(failure) => return failure.answer(&path),
        Ok(content) => content,
    };
    let metadata = Metadata {
        version: content.version.clone(),
        ..Metadata::default()
    };
    let bytes = content.bytes.expose();
    let value = |secret| Reply::Value(Value { secret, metadata });
    match &address.field {
        None => Ok(value(Secret::copied_from(bytes))),
        Some(Field::Name(key)) => dotenv::selected(bytes, key, &path).map(|found| match found {
            Ok(secret) => value(secret),
            Err(absence) => Reply::Absent(absence),
        }),
        Some(field) => {
            let selection =
                json::select(bytes, field).map_err(|bad| bad.fault(&format!("`{path}`")))?;
            Ok(match selection {
                Selection::Value(secret) => value(secret),
                Selection::Absent(missing) => {
                    Reply::Absent(missing.absence(field, &format!("`{path}`")))
                }
            })
        }
    }
}

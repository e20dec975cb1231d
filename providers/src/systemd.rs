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
    Metadata, Natural, Opening, Pending, Provider, Reply, Request, Secret, Value, dotenv, json,
    read::{Content, Failure, described, read, read_each, read_regular},
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
    fn directory(&self) -> Result<Result<&Path, Absence>, Fault> {
        match self.directory.as_deref() {
            Some(directory) if directory.is_absolute() => Ok(Ok(directory)),
            Some(_) => Err(Fault::new(
                Class::Malformed,
                format!("{DIRECTORY} is no absolute path"),
            )),
            None => Ok(Err(Absence {
                what: format!("{DIRECTORY} is not set: no unit of systemd passes credentials here"),
                keys: Vec::new(),
            })),
        }
    }
}

impl Provider for Systemd {
    fn needs_runtime(&self) -> bool {
        false
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let answers = match self.directory() {
                Err(fault) => batch.iter().map(|_| Err(fault.clone())).collect(),
                Ok(Err(absence)) => {
                    let absent = || Ok(Reply::Absent(absence.clone()));
                    batch.iter().map(|_| absent()).collect()
                }
                Ok(Ok(directory)) => {
                    let start = |name| read(directory.join::<PathBuf>(name), limits.deadline);
                    let contents = read_each(batch, start).await.into_iter().collect();
                    let answer = |address| answer(&contents, directory, address);
                    batch.iter().map(answer).collect()
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
                Err(fault) => return batch.iter().map(|_| Err(fault.clone())).collect(),
                Ok(Err(absence)) => {
                    return batch.iter().map(|_| Ok(Err(absence.clone()))).collect();
                }
                Ok(Ok(directory)) => directory,
            };
            let start = |name| read_regular(directory.join::<PathBuf>(name), limits.deadline);
            let contents: Contents<'_> = read_each(batch, start).await.into_iter().collect();
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
    let found = match &address.field {
        None => Ok(Secret::copied_from(bytes)),
        Some(Field::Name(key)) => dotenv::selected(bytes, key, &path)?,
        Some(field) => json::selected(bytes, field, &format!("`{path}`"))?,
    };
    Ok(match found {
        Ok(secret) => Reply::Value(Value { secret, metadata }),
        Err(absence) => Reply::Absent(absence),
    })
}

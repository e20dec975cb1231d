//! `file://path[#/json/pointer]`: whole files, or one field of a JSON file.
//!
//! Docker and Kubernetes mounts, systemd credentials. A whole file gives its bytes but for one
//! trailing newline, which editors and `echo` add and no credential has.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::{
    Absence, Address, Answer, Fault, Fetched, Field, Grammar, Identity, Kind, Limits, Metadata,
    Natural, Opening, Pending, Provider, Reply, Request, Secret, Value, json,
    read::{Content, Failure, described, read, read_each, read_regular},
};

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "file",
    aliases: &[],
    about: "a file, or one field of a JSON file",
    grammar: Grammar {
        has_field: true,
        field_defaults_to_name: false,
        locator_defaults_to_name: false,
        is_path: true,
        is_percent_encoded: true,
        options: &[],
        natural: Natural::LastSegment,
        knows_names: false,
    },
    settings: &[],
    methods: &[],
    static_credentials: &[],
    variables: &[],
    is_secret_store: false,
    may_lease: false,
    is_for_production: true,
    quotes_programs: false,
    validate,
    requests,
    open: Some(open),
};

fn validate(address: &Address) -> Result<(), String> {
    if address.locator.is_empty() {
        return Err("the path of a file is needed: `file:///run/secrets/NAME`".into());
    }
    if address.locator.contains('\0') {
        return Err("a path holds no NUL".into());
    }
    match &address.field {
        None => Ok(()),
        Some(Field::Name(name)) => {
            let pointer = name.replace('~', "~0").replace('/', "~1");
            Err(format!(
                "a field of a file is a JSON Pointer: write `#/{pointer}`"
            ))
        }
        Some(field) => json::validate(field),
    }
}

fn requests(batch: &[Address]) -> Vec<Request> {
    Request::by_key(
        batch,
        |address| address.locator.clone(),
        |path| format!("read {path}"),
    )
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape of every kind's opening"
)]
fn open(_: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    Ok(Box::new(File))
}

struct File;

type Contents<'a> = HashMap<&'a str, Result<Content, Failure>>;

impl Provider for File {
    fn needs_runtime(&self) -> bool {
        false
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let contents: Contents<'_> = read_each(batch, |path| read(path, limits.deadline))
                .await
                .into_iter()
                .collect();
            let answers = batch
                .iter()
                .map(|address| answer(&contents, address))
                .collect();
            Fetched {
                answers,
                warnings: Vec::new(),
            }
        })
    }

    /// A regular file is read and wiped, because only its text says whether a field stands
    /// there. Anything else is left alone: reading a FIFO takes it from the next reader.
    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        limits: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        Box::pin(async move {
            let contents: Contents<'_> =
                read_each(batch, |path| read_regular(path, limits.deadline))
                    .await
                    .into_iter()
                    .collect();
            let describe = |address: &Address| match &contents[address.locator.as_str()] {
                Err(Failure::NotRegular) => Ok(Ok(Metadata::default())),
                _ => described(answer(&contents, address)),
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

fn answer(contents: &Contents<'_>, address: &Address) -> Answer {
    let path = address.locator.as_str();
    let content = match &contents[path] {
        Err(failure) => return failure.answer(path),
        Ok(content) => content,
    };
    let metadata = Metadata {
        version: content.version.clone(),
        ..Metadata::default()
    };
    let Some(field) = &address.field else {
        let secret = Secret::copied_from(without_newline(content.bytes.expose()));
        return Ok(Reply::Value(Value { secret, metadata }));
    };
    let found = json::selected(content.bytes.expose(), field, &format!("`{path}`"))?;
    Ok(match found {
        Ok(secret) => Reply::Value(Value { secret, metadata }),
        Err(absence) => Reply::Absent(absence),
    })
}

fn without_newline(bytes: &[u8]) -> &[u8] {
    match bytes.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => bytes,
    }
}

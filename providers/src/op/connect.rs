//! The backend over a 1Password Connect server (REST, version 1.7 of its published description).

mod lookup;
mod server;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
};

use futures_util::future::join_all;
use zeroize::Zeroizing;

use self::{
    lookup::{Document, Documents, documents},
    server::Server,
};
use super::{
    Reference, edit,
    item::{Field, File, Item, Part},
    message::Outcome,
};
use crate::{
    Absence, Address, Answer, Class, Condition, Fault, Fetched, Identity, Limits, Metadata,
    Pending, Provider, Reply, Secret, Value,
};

pub(super) struct Connect(Server);

/// The contents of files by vault, item and file.
type Files = BTreeMap<[String; 3], Result<Zeroizing<Vec<u8>>, Fault>>;

/// Items by the names of vault and item, or why there is none.
type Items<'d> = BTreeMap<(String, String), Result<(&'d Document, Item<'d>), Outcome>>;

/// What stands at a reference.
type Found<'i, 'd> = Result<Result<(&'d Document, Part<'i, 'd>, Metadata), Absence>, Fault>;

fn unasked() -> Fault {
    Fault::new(Class::Malformed, "it was not asked for")
}

impl Connect {
    pub(super) fn new(
        host: &str,
        token: &Secret,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, Fault> {
        Server::new(host, token, environment).map(Self)
    }

    async fn answers(&self, batch: &[Address], limits: &Limits) -> Vec<Answer> {
        let references: Vec<Reference> = batch.iter().map(Reference::of).collect();
        let documents = documents(&self.0, &references, limits).await;
        let items = self.items(&documents);
        let found: Vec<Found<'_, '_>> = references
            .iter()
            .map(|reference| match items.get(&reference.place()) {
                Some(Ok((document, item))) => {
                    let part = item.part(reference)?;
                    Ok(part.map(|part| (*document, part, item.metadata(&[]))))
                }
                Some(Err(outcome)) => outcome.clone().map(Err),
                None => Err(unasked()),
            })
            .collect();
        let files = self.files(&found, batch, limits).await;
        let answer = |(address, found): (&Address, Found<'_, '_>)| match found? {
            Ok((document, part, metadata)) => {
                let secret = match part {
                    Part::Field(field) => of_field(field, address)?,
                    Part::File(file) => of_file(file, document, address, &files)?,
                };
                Ok(Reply::Value(Value { secret, metadata }))
            }
            Err(absence) => Ok(Reply::Absent(absence)),
        };
        batch.iter().zip(found).map(answer).collect()
    }

    /// Each item read once from its document.
    fn items<'d>(&self, documents: &'d Documents) -> Items<'d> {
        let read = |document: &'d Result<Document, Outcome>| {
            let document = document.as_ref().map_err(Clone::clone)?;
            let item = self.item(document).map_err(Err)?;
            Ok((document, item))
        };
        let each = documents.iter();
        each.map(|(place, document)| (place.clone(), read(document)))
            .collect()
    }

    fn item<'d>(&self, document: &'d Document) -> Result<Item<'d>, Fault> {
        serde_json::from_slice(&document.body).map_err(|error| self.0.malformed(&error))
    }

    /// The contents of the files that are wanted, each once.
    async fn files(&self, found: &[Found<'_, '_>], batch: &[Address], limits: &Limits) -> Files {
        let wanted = found.iter().zip(batch).filter_map(|(found, address)| {
            let Ok(Ok((document, Part::File(file), _))) = found else {
                return None;
            };
            wants_content(address).then(|| document.file(file))
        });
        let wanted: BTreeSet<[String; 3]> = wanted.collect();
        let each = wanted.into_iter().map(|place| async {
            let content = self.content(&place, limits).await;
            (place, content)
        });
        join_all(each).await.into_iter().collect()
    }

    async fn content(
        &self,
        [vault, item, file]: &[String; 3],
        limits: &Limits,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let path = ["vaults", vault, "items", item, "files", file, "content"];
        let content = self.0.get(self.0.url(&path, None), limits).await?;
        content.ok_or_else(|| {
            let message = "the item names a file that the server does not have";
            Fault::new(Class::Malformed, message)
        })
    }

    async fn described(
        &self,
        batch: &[Address],
        limits: &Limits,
    ) -> Vec<Result<Result<Metadata, Absence>, Fault>> {
        let references: Vec<Reference> = batch.iter().map(Reference::of).collect();
        let documents = documents(&self.0, &references, limits).await;
        let items = self.items(&documents);
        let each = references
            .iter()
            .map(|reference| match items.get(&reference.place()) {
                Some(Ok((_, item))) => Ok(item.part(reference)?.map(|_| item.metadata(&[]))),
                Some(Err(outcome)) => outcome.clone().map(Err),
                None => Err(unasked()),
            });
        each.collect()
    }

    async fn written(
        &self,
        address: &Address,
        secret: &Secret,
        condition: &Condition,
        limits: &Limits,
    ) -> Result<Metadata, Fault> {
        if !address.options.is_empty() {
            let message = "an attribute of a field can't be written, only its value";
            return Err(Fault::new(Class::Malformed, message));
        }
        let reference = Reference::of(address);
        let gone = |absence: Absence| Fault::new(Class::Malformed, absence.what);
        let mut found = documents(&self.0, std::slice::from_ref(&reference), limits).await;
        let document = match found.pop_first() {
            Some((_, Ok(document))) => document,
            Some((_, Err(Ok(absence)))) => return Err(gone(absence)),
            Some((_, Err(Err(fault)))) => return Err(fault),
            None => return Err(unasked()),
        };
        let patch = edit::patch(&document.body, &reference, secret, condition)?;
        let url = self
            .0
            .url(&["vaults", &document.vault, "items", &document.item], None);
        let body = self.0.patch(url, patch, limits).await?.unwrap_or_default();
        let item: Item<'_> =
            serde_json::from_slice(&body).map_err(|error| self.0.malformed(&error))?;
        Ok(item.metadata(&[]))
    }
}

impl Document {
    fn file(&self, file: &File) -> [String; 3] {
        [self.vault.clone(), self.item.clone(), file.id.clone()]
    }
}

fn attribute(address: &Address) -> Option<&str> {
    let mut options = address.options.iter();
    let found = options.find(|(name, _)| name == "attribute");
    found.map(|(_, value)| value.as_str())
}

fn wants_content(address: &Address) -> bool {
    matches!(attribute(address), None | Some("content"))
}

fn of_field(field: &Field<'_>, address: &Address) -> Result<Secret, Fault> {
    let malformed = |message: String| Fault::new(Class::Malformed, message);
    if address.options.iter().any(|(name, _)| name == "ssh-format") {
        let fault = malformed("a Connect server does not convert keys".into());
        return Err(fault.hinted("leave `?ssh-format` out, or use `op` without Connect"));
    }
    let text = |text: &str| Ok(Secret::copied_from(text.as_bytes()));
    match attribute(address) {
        None | Some("value") => {
            let unclear = || malformed("the field's value is not valid JSON".into());
            field.secret().ok_or_else(unclear)
        }
        Some("type") => text(&field.kind),
        Some("id") => text(&field.id),
        Some("title" | "label") => text(&field.label),
        Some("purpose") => text(&field.purpose),
        Some("otp" | "totp") => {
            let fault = malformed("a Connect server makes no one-time codes".into());
            Err(fault.hinted("use `op` without Connect for `?attribute=otp`"))
        }
        Some(other) => Err(malformed(format!("a field has no attribute `{other}`"))
            .hinted("there are value, type, id, title and purpose")),
    }
}

fn of_file(
    file: &File,
    document: &Document,
    address: &Address,
    files: &Files,
) -> Result<Secret, Fault> {
    let text = |text: &str| Ok(Secret::copied_from(text.as_bytes()));
    match attribute(address) {
        None | Some("content") => match files.get(&document.file(file)) {
            Some(Ok(content)) => Ok(Secret::copied_from(content)),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(unasked()),
        },
        Some("name" | "title") => text(&file.name),
        Some("id") => text(&file.id),
        Some("size") => text(&file.size.to_string()),
        Some(other) => {
            let message = format!("a file has no attribute `{other}`");
            let fault = Fault::new(Class::Malformed, message);
            Err(fault.hinted("there are content, name, size and id"))
        }
    }
}

impl Provider for Connect {
    fn needs_runtime(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            Fetched {
                answers: self.answers(batch, limits).await,
                warnings: Vec::new(),
            }
        })
    }

    /// A field and its dates stand in the item alone, so its values are read, and wiped.
    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        limits: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        Box::pin(self.described(batch, limits))
    }

    fn identity<'a>(&'a self, limits: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        Box::pin(async move {
            let count = lookup::vault_count(&self.0, limits).await?;
            let word = if count == 1 { "vault" } else { "vaults" };
            Ok(Identity {
                name: format!(
                    "a token of the Connect server {}, {count} {word}",
                    self.0.name
                ),
                expires: None,
            })
        })
    }

    fn write<'a>(
        &'a self,
        address: &'a Address,
        secret: &'a Secret,
        condition: Condition,
        limits: &'a Limits,
    ) -> Pending<'a, Result<Metadata, Fault>> {
        Box::pin(async move { self.written(address, secret, &condition, limits).await })
    }
}

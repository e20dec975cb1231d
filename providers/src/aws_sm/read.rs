//! Reading one secret, and what of it an address asks for.

use aws_smithy_types::{Blob, DateTime};
use zeroize::{Zeroize, Zeroizing};

use super::{batch::together, client::Here};
use crate::{
    Absence, Address, Answer, Class, Fault, Field, Metadata, Reply, Request, Secret, Value,
    aws::{Refusal, ask, written},
    json::{self, Selection},
};

const CURRENT: &str = "AWSCURRENT";
const READ: &str = "secretsmanager:GetSecretValue";

/// A secret as a whole; `Err(Ok(_))` is its absence.
pub(super) type Whole = Result<Found, Result<Absence, Fault>>;

/// What stands at an id.
pub(super) struct Found {
    /// All of it.
    document: Zeroizing<Vec<u8>>,
    /// Whether it is text; a field of bytes there is none.
    is_text: bool,
    metadata: Metadata,
}

impl Found {
    /// Its version.
    pub(super) fn version(&self) -> Option<&str> {
        self.metadata.version.as_deref()
    }

    /// The text of it; `None` where it is binary.
    pub(super) fn text(&self) -> Option<&[u8]> {
        self.is_text.then_some(&self.document)
    }
}

/// Answers what one request of the plan is for.
pub(super) async fn request(
    here: &Here<'_>,
    batch: &[Address],
    request: &Request,
) -> Vec<(usize, Answer)> {
    // The plan joins what is asked for by the same id and selector.
    let mut secrets: Vec<(&Address, Vec<usize>)> = Vec::new();
    for index in &request.answers {
        let address = &batch[*index];
        let is_same = |(known, _): &&mut (&Address, Vec<usize>)| known.locator == address.locator;
        match secrets.iter_mut().find(is_same) {
            Some((_, indices)) => indices.push(*index),
            None => secrets.push((address, vec![*index])),
        }
    }
    let ids: Vec<&Address> = secrets.iter().map(|(address, _)| *address).collect();
    let wholes = match &ids[..] {
        [one] => vec![single(here, one).await],
        many => together(here, many).await,
    };
    let mut answers = Vec::new();
    for ((_, indices), whole) in secrets.iter().zip(&wholes) {
        for index in indices {
            answers.push((*index, answer(&batch[*index], whole)));
        }
    }
    answers
}

/// The part of a secret that an address asks for.
fn answer(address: &Address, whole: &Whole) -> Answer {
    let found = match whole {
        Ok(found) => found,
        Err(Ok(absence)) => return Ok(Reply::Absent(absence.clone())),
        Err(Err(fault)) => return Err(fault.clone()),
    };
    let secret = match &address.field {
        None => Secret::copied_from(&found.document),
        Some(field) => match select(found, &address.locator, field)? {
            Selection::Value(secret) => secret,
            Selection::Absent(missing) => {
                let subject = format!("`{}`", address.locator);
                return Ok(Reply::Absent(missing.absence(field, &subject)));
            }
        },
    };
    Ok(Reply::Value(Value {
        secret,
        metadata: found.metadata.clone(),
    }))
}

fn select(found: &Found, id: &str, field: &Field) -> Result<Selection, Fault> {
    let subject = format!("the secret `{id}`");
    if !found.is_text {
        let message = format!("{subject} is binary, so it has no key `{}`", field.as_str());
        return Err(
            Fault::new(Class::Malformed, message).hinted("without `#` its bytes are the value")
        );
    }
    json::select(&found.document, field).map_err(|malformed| malformed.fault(&subject))
}

/// One secret by a request of its own.
pub(super) async fn single(here: &Here<'_>, address: &Address) -> Whole {
    let id = address.locator.as_str();
    let option = |wanted: &str| {
        let found = address.options.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone())
    };
    here.place.check_before(id).map_err(Err)?;
    let _slot = here.place.session.slots.acquire().await;
    let version = option("version");
    // The default, said: an emulator's own can be another.
    let current = version.is_none().then(|| CURRENT.to_owned());
    let stage = option("stage").or(current);
    let asked = here.place.asked(READ, id);
    let send = || {
        let request = here.client.get_secret_value().secret_id(id);
        request
            .set_version_stage(stage.clone())
            .set_version_id(version.clone())
            .send()
    };
    let answer = ask(here.place.limits, asked, send).await.map_err(Err)?;
    match answer {
        Ok(answer) => found(
            here,
            Parts {
                id,
                arn: answer.arn,
                text: answer.secret_string,
                bytes: answer.secret_binary,
                version: answer.version_id,
                created: answer.created_date,
            },
        )
        .map_err(Err),
        Err(refusal) => Err(unread(here, address, &refusal)),
    }
}

/// What a service says of one secret.
pub(super) struct Parts<'a> {
    /// As it was asked for.
    pub(super) id: &'a str,
    /// As the service names it.
    pub(super) arn: Option<String>,
    /// Its value, if it is text.
    pub(super) text: Option<String>,
    /// Its value otherwise.
    pub(super) bytes: Option<Blob>,
    /// The version that was read.
    pub(super) version: Option<String>,
    /// When that was made.
    pub(super) created: Option<DateTime>,
}

/// Takes over what was read, if it is of the right account.
pub(super) fn found(here: &Here<'_>, parts: Parts<'_>) -> Result<Found, Fault> {
    let is_text = parts.text.is_some();
    let document = match (parts.text, parts.bytes) {
        (Some(text), bytes) => {
            wipe(bytes);
            Zeroizing::new(text.into_bytes())
        }
        (None, Some(bytes)) => Zeroizing::new(bytes.into_inner()),
        (None, None) => {
            let message = format!("Secrets Manager gives no value of `{}`", parts.id);
            return Err(Fault::new(Class::Malformed, message));
        }
    };
    here.place
        .check_account(parts.arn.as_deref().unwrap_or_default())?;
    Ok(Found {
        document,
        is_text,
        metadata: Metadata {
            version: parts.version,
            created: parts.created.and_then(written),
            ..Metadata::default()
        },
    })
}

fn wipe(bytes: Option<Blob>) {
    if let Some(bytes) = bytes {
        bytes.into_inner().zeroize();
    }
}

/// Why there is no value: nothing stands there, or a fault.
pub(super) fn unread(
    here: &Here<'_>,
    address: &Address,
    refusal: &Refusal,
) -> Result<Absence, Fault> {
    let id = address.locator.as_str();
    if refusal.is_absent() {
        let mut absence = absent(here, id);
        // The service has one code for a missing secret and for a missing version of one.
        if let Some((name, value)) = address.options.first() {
            absence.what = format!("{}, or no {name} `{value}` of it", absence.what);
        } else if refusal.says("staging label") {
            absence.what = format!("the secret `{id}` has no value yet");
        }
        return Ok(absence);
    }
    Err(special(id, refusal).unwrap_or_else(|| refusal.fault(&here.place.asked(READ, id))))
}

/// Nothing of this name.
pub(super) fn absent(here: &Here<'_>, id: &str) -> Absence {
    Absence {
        what: format!("no secret `{id}`{}", here.place.suffix(id)),
        keys: Vec::new(),
    }
}

/// Faults that are particular to secrets.
pub(super) fn special(id: &str, refusal: &Refusal) -> Option<Fault> {
    match refusal.code.as_str() {
        "InvalidRequestException" if refusal.says("delet") => Some(
            Fault::new(
                Class::Deleted { at: None },
                format!("the secret `{id}` is marked for deletion"),
            )
            .hinted(format!(
                "`aws secretsmanager restore-secret --secret-id {id}` brings it back"
            )),
        ),
        "DecryptionFailure" | "DecryptionFailureException" => Some(
            Fault::new(
                Class::Malformed,
                format!("the secret `{id}` can't be decrypted with its KMS key"),
            )
            .hinted("the key may be disabled or pending deletion"),
        ),
        _ => None,
    }
}

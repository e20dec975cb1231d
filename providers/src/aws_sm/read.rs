//! Reading: twenty secrets in a batch, other versions one by one, and one by one again where the
//! caller may read secrets but not in batches.

use aws_sdk_secretsmanager::types::SecretValueEntry;
use aws_smithy_types::{Blob, DateTime};
use futures_util::future::join_all;
use zeroize::{Zeroize, Zeroizing};

use super::client::Here;
use crate::{
    Absence, Address, Answer, Class, Fault, Field, Metadata, Reply, Request, Secret, Value,
    aws::{Refusal, ask, written},
    json::{self, Selection},
};

const CURRENT: &str = "AWSCURRENT";
const READ: &str = "secretsmanager:GetSecretValue";
const READ_BATCH: &str = "secretsmanager:BatchGetSecretValue";

/// A secret as a whole; `Err(Ok(_))` is its absence.
type Whole = Result<Found, Result<Absence, Fault>>;

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
            Selection::Absent { keys } => {
                return Ok(Reply::Absent(Absence {
                    what: format!("no key `{}` in `{}`", field.as_str(), address.locator),
                    keys,
                }));
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

/// Secrets by a batch; those that it leaves out or that may pass, by requests of their own.
async fn together(here: &Here<'_>, addresses: &[&Address]) -> Vec<Whole> {
    let mut wholes: Vec<Option<Whole>> = addresses.iter().map(|_| None).collect();
    let mut asked = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        match here.place.check_before(&address.locator) {
            Ok(()) => asked.push(index),
            Err(fault) => wholes[index] = Some(Err(Err(fault))),
        }
    }
    let ids: Vec<String> = asked
        .iter()
        .map(|index| addresses[*index].locator.clone())
        .collect();
    match batch(here, &ids).await {
        Ok((entries, errors)) => {
            for entry in entries {
                let position = asked.iter().find(|index| {
                    wholes[**index].is_none() && is_named(&addresses[**index].locator, &entry)
                });
                if let Some(index) = position.copied() {
                    let id = &addresses[index].locator;
                    wholes[index] = Some(found(here, Parts::of(id, entry)).map_err(Err));
                }
            }
            for (id, refusal) in errors {
                let position = asked.iter().find(|index| addresses[**index].locator == id);
                if let Some(index) = position.copied()
                    && !refusal.is_transient()
                {
                    wholes[index] = Some(Err(unread(here, addresses[index], &refusal)));
                }
            }
        }
        Err(Again::OneByOne) => {}
        Err(Again::Never(fault)) => {
            for index in &asked {
                wholes[*index] = Some(Err(Err(fault.clone())));
            }
        }
    }
    let completed = wholes
        .into_iter()
        .zip(addresses)
        .map(|(whole, address)| async {
            match whole {
                Some(whole) => whole,
                None => single(here, address).await,
            }
        });
    join_all(completed).await
}

/// What becomes of a batch as a whole.
enum Again {
    /// The action is what is refused: perhaps the secrets are not.
    OneByOne,
    Never(Fault),
}

type Pages = (Vec<SecretValueEntry>, Vec<(String, Refusal)>);

async fn batch(here: &Here<'_>, ids: &[String]) -> Result<Pages, Again> {
    let _slot = here.place.session.slots.acquire().await;
    let what = format!("{} secrets", ids.len());
    let asked = here.place.asked(READ_BATCH, &what);
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    let mut next = None;
    // A page can be empty and still not be the last. More pages than secrets make no sense.
    for _ in 0..=ids.len() {
        let send = || {
            here.client
                .batch_get_secret_value()
                .set_secret_id_list(Some(ids.to_vec()))
                .set_next_token(next.clone())
                .send()
        };
        let answer = match ask(here.place.limits, asked, send)
            .await
            .map_err(Again::Never)?
        {
            Ok(answer) => answer,
            Err(refusal) if refusal.is_denied() || refusal.is_unknown_action() => {
                return Err(Again::OneByOne);
            }
            Err(refusal) => return Err(Again::Never(refusal.fault(&asked))),
        };
        entries.extend(answer.secret_values.unwrap_or_default());
        let refused = answer.errors.unwrap_or_default().into_iter().map(|error| {
            let code = error.error_code.unwrap_or_default();
            let message = error.message.unwrap_or_default();
            (
                error.secret_id.unwrap_or_default(),
                Refusal::part(&code, &message),
            )
        });
        errors.extend(refused);
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    Ok((entries, errors))
}

/// Whether an entry is what an id asked for: a name, an ARN, or an ARN without its suffix.
fn is_named(id: &str, entry: &SecretValueEntry) -> bool {
    let arn = entry.arn().unwrap_or_default();
    let is_suffix = |rest: &str| rest.len() == 7 && rest.starts_with('-');
    entry.name() == Some(id) || arn == id || arn.strip_prefix(id).is_some_and(is_suffix)
}

/// What a service says of one secret.
struct Parts<'a> {
    id: &'a str,
    arn: Option<String>,
    text: Option<String>,
    bytes: Option<Blob>,
    version: Option<String>,
    created: Option<DateTime>,
}

impl<'a> Parts<'a> {
    fn of(id: &'a str, entry: SecretValueEntry) -> Self {
        Self {
            id,
            arn: entry.arn,
            text: entry.secret_string,
            bytes: entry.secret_binary,
            version: entry.version_id,
            created: entry.created_date,
        }
    }
}

fn found(here: &Here<'_>, parts: Parts<'_>) -> Result<Found, Fault> {
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
fn unread(here: &Here<'_>, address: &Address, refusal: &Refusal) -> Result<Absence, Fault> {
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

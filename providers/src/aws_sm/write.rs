//! Writing: a whole secret, or one key of a JSON secret with every other as it stands.
//!
//! The service has no compare-and-set. Its stages make one: the new version gets a stage of our
//! own, and the current stage is moved to it *from* the version that was read, which the service
//! refuses if the current stage stands elsewhere by then.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_smithy_types::Blob;

use super::{client::Here, describe, read};
use crate::{
    Address, Class, Condition, Fault, Field, Metadata, Secret,
    aws::{Arn, ask},
    json,
};

const PUT: &str = "secretsmanager:PutSecretValue";
const MOVE: &str = "secretsmanager:UpdateSecretVersionStage";
const CREATE: &str = "secretsmanager:CreateSecret";
const CURRENT: &str = "AWSCURRENT";

/// Writes what an address names, if the condition holds.
pub(super) async fn secret(
    here: &Here<'_>,
    address: &Address,
    secret: &Secret,
    condition: &Condition,
) -> Result<Metadata, Fault> {
    let id = address.locator.as_str();
    here.place.check_before(id)?;
    if let Some((name, _)) = address.options.first() {
        let message = format!("what is written becomes the current version: leave out `?{name}=`");
        return Err(Fault::new(Class::Malformed, message));
    }
    let new = match &address.field {
        None => whole(here, id, secret, condition).await?,
        Some(field) => merged(here, address, field, secret, condition).await?,
    };
    let version = match new.on_top_of {
        Base::Nothing => create(here, id, &new.value).await?,
        Base::Anything => put(here, id, &new.value, None).await?,
        Base::Version(old) => replace(here, id, &new.value, &old).await?,
    };
    Ok(Metadata {
        version,
        ..Metadata::default()
    })
}

/// What is to be written, and on top of what.
struct New {
    value: Secret,
    on_top_of: Base,
}

enum Base {
    Nothing,
    Anything,
    Version(String),
}

async fn whole(
    here: &Here<'_>,
    id: &str,
    secret: &Secret,
    condition: &Condition,
) -> Result<New, Fault> {
    let about = describe::described(here, id).await?;
    if let Some(about) = &about {
        here.place.check_account(about.arn().unwrap_or_default())?;
    }
    let current = about.as_ref().and_then(describe::current);
    let on_top_of = match (about, condition, current) {
        (None, Condition::Absent | Condition::Always, _) => Base::Nothing,
        (Some(_), Condition::Always, _) | (Some(_), Condition::Absent, None) => Base::Anything,
        (_, Condition::Version(wanted), Some(version)) if *wanted == version => {
            Base::Version(version)
        }
        _ => return Err(conflict(id)),
    };
    Ok(New {
        value: Secret::copied_from(secret.expose()),
        on_top_of,
    })
}

async fn merged(
    here: &Here<'_>,
    address: &Address,
    field: &Field,
    secret: &Secret,
    condition: &Condition,
) -> Result<New, Fault> {
    let id = address.locator.as_str();
    let text = std::str::from_utf8(secret.expose())
        .map_err(|_| malformed("a key of a JSON secret holds text, and this is none"))?;
    let (document, on_top_of) = document(here, address).await?;
    let subject = format!("the secret `{id}`");
    let is_held = match (condition, &on_top_of) {
        (Condition::Always, _) | (Condition::Absent, Base::Nothing) => true,
        (Condition::Absent, _) => {
            let old = json::select(document.expose(), field).map_err(|bad| bad.fault(&subject))?;
            matches!(old, json::Selection::Absent(_))
        }
        (Condition::Version(wanted), Base::Version(version)) => wanted == version,
        (Condition::Version(_), _) => false,
    };
    if !is_held {
        return Err(conflict(id));
    }
    let merged = json::merged(document.expose(), field, text).map_err(|bad| bad.fault(&subject))?;
    let value = merged.ok_or_else(|| {
        malformed(format!(
            "{subject} has no object to hold `{}`",
            field.as_str()
        ))
    })?;
    Ok(New {
        value: value.into(),
        on_top_of,
    })
}

/// The JSON that a key is written into, and which version it is.
async fn document(here: &Here<'_>, address: &Address) -> Result<(Secret, Base), Fault> {
    let id = address.locator.as_str();
    let found = match read::single(here, address).await {
        Ok(found) => found,
        Err(Ok(_)) => return Ok((Secret::copied_from(b"{}"), Base::Nothing)),
        Err(Err(fault)) => return Err(fault),
    };
    let text = found.text();
    let text =
        text.ok_or_else(|| malformed(format!("the secret `{id}` is binary, and has no keys")))?;
    let version = found.version();
    let version =
        version.ok_or_else(|| malformed(format!("Secrets Manager names no version of `{id}`")))?;
    Ok((Secret::copied_from(text), Base::Version(version.to_owned())))
}

fn malformed(message: impl Into<String>) -> Fault {
    Fault::new(Class::Malformed, message)
}

fn conflict(id: &str) -> Fault {
    Fault::new(
        Class::Conflict,
        format!("the secret `{id}` is not what it was: another version is current, or none"),
    )
}

/// A value as the service takes it. These copies are the SDK's, and wiped when it frees them.
fn parts(value: &Secret) -> (Option<String>, Option<Blob>) {
    match std::str::from_utf8(value.expose()) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(Blob::new(value.expose()))),
    }
}

/// A name for a new version, so that a repeated request makes no second one.
fn token() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.as_nanos());
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("endow-{nanos:018x}-{:08x}-{next:08x}", std::process::id())
}

async fn create(here: &Here<'_>, id: &str, value: &Secret) -> Result<Option<String>, Fault> {
    if Arn::of(id).is_some() {
        let message = format!("there is no secret `{id}`, and an ARN can't be given to a new one");
        return Err(Fault::new(Class::Malformed, message).hinted("write its name"));
    }
    let asked = here.place.asked(CREATE, id);
    let token = token();
    let send = || {
        let (text, bytes) = parts(value);
        here.client
            .create_secret()
            .name(id)
            .client_request_token(&token)
            .set_secret_string(text)
            .set_secret_binary(bytes)
            .send()
    };
    match ask(here.place.limits, asked, send).await? {
        Ok(made) => Ok(made.version_id),
        Err(refusal) if refusal.code == "ResourceExistsException" => Err(conflict(id)),
        Err(refusal) => Err(refusal.fault(&asked)),
    }
}

/// Adds a version: the current one, or one with a stage of its own.
async fn put(
    here: &Here<'_>,
    id: &str,
    value: &Secret,
    stage: Option<&str>,
) -> Result<Option<String>, Fault> {
    let asked = here.place.asked(PUT, id);
    let token = stage.map_or_else(token, str::to_owned);
    let send = || {
        let (text, bytes) = parts(value);
        here.client
            .put_secret_value()
            .secret_id(id)
            .client_request_token(&token)
            .set_secret_string(text)
            .set_secret_binary(bytes)
            .set_version_stages(stage.map(|stage| vec![stage.to_owned()]))
            .send()
    };
    match ask(here.place.limits, asked, send).await? {
        Ok(made) => Ok(made.version_id),
        Err(refusal) => Err(read::special(id, &refusal).unwrap_or_else(|| refusal.fault(&asked))),
    }
}

/// Makes a version the current one in the place of `old`, or leaves everything as it was.
async fn replace(
    here: &Here<'_>,
    id: &str,
    value: &Secret,
    old: &str,
) -> Result<Option<String>, Fault> {
    let stage = token();
    let made = put(here, id, value, Some(&stage)).await?;
    let new = made.clone().unwrap_or_else(|| stage.clone());
    let asked = here.place.asked(MOVE, id);
    let send = || {
        here.client
            .update_secret_version_stage()
            .secret_id(id)
            .version_stage(CURRENT)
            .move_to_version_id(&new)
            .remove_from_version_id(old)
            .send()
    };
    let moved = match ask(here.place.limits, asked, send).await {
        Ok(Ok(_)) => Ok(made),
        Ok(Err(refusal)) if refusal.is_stale() => Err(conflict(id)),
        Ok(Err(refusal)) => Err(refusal.fault(&asked)),
        Err(fault) => Err(fault),
    };
    // Without a stage the version is gone; with ours it would be kept for nothing. Whether this
    // works changes nothing for what was written.
    let drop_stage = || {
        here.client
            .update_secret_version_stage()
            .secret_id(id)
            .version_stage(&stage)
            .remove_from_version_id(&new)
            .send()
    };
    let _ = ask(here.place.limits, asked, drop_stage).await;
    moved
}

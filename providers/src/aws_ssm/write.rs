//! Writing a parameter. A new one is a `SecureString`; one that stands there keeps its type.

use aws_sdk_ssm::types::ParameterType;

use super::{client::Here, describe};
use crate::{
    Address, Class, Condition, Fault, Metadata, Secret,
    aws::{Arn, ask},
};

const PUT: &str = "ssm:PutParameter";

/// Writes what an address names, if the condition holds.
///
/// The service numbers the versions itself and takes no expected one. So the number that a write
/// got says whether another came between: then it is a conflict, and the other's value is the
/// version before.
pub(super) async fn parameter(
    here: &Here<'_>,
    address: &Address,
    secret: &Secret,
    condition: &Condition,
) -> Result<Metadata, Fault> {
    let id = address.locator.as_str();
    here.place.check_before(id)?;
    if let Some((name, _)) = address.options.first() {
        let message = format!("what is written becomes the newest version: leave out `?{name}=`");
        return Err(Fault::new(Class::Malformed, message));
    }
    let text = text(secret)?;
    let old = describe::described(here, id).await?;
    let version = old.as_ref().map(|old| old.version);
    let is_held = match condition {
        Condition::Always => true,
        Condition::Absent => version.is_none(),
        Condition::Version(wanted) => version.is_some_and(|version| version.to_string() == *wanted),
    };
    if !is_held {
        return Err(conflict(id));
    }
    let name = old.as_ref().and_then(|old| old.name()).unwrap_or(id);
    if old.is_none() && Arn::of(id).is_some() {
        let message =
            format!("there is no parameter `{id}`, and an ARN can't be given to a new one");
        return Err(Fault::new(Class::Malformed, message).hinted("write its name"));
    }
    let kind = match &old {
        Some(old) => old.r#type().cloned(),
        None => Some(ParameterType::SecureString),
    };
    let new = put(here, name, text, kind, old.is_some()).await?;
    match (condition, version) {
        (Condition::Version(_), Some(version)) if new != version + 1 => {
            Err(conflict(id).hinted(format!(
                "version {new} was written over that of another, which is {}",
                new - 1
            )))
        }
        _ => Ok(Metadata {
            version: Some(new.to_string()),
            ..Metadata::default()
        }),
    }
}

/// What a parameter can hold.
fn text(secret: &Secret) -> Result<&str, Fault> {
    let malformed = |message| Fault::new(Class::Malformed, message);
    match std::str::from_utf8(secret.expose()) {
        Ok("") => Err(malformed("a parameter holds at least one character")),
        Ok(text) => Ok(text),
        Err(_) => Err(malformed("a parameter holds text, and this is none")),
    }
}

async fn put(
    here: &Here<'_>,
    name: &str,
    text: &str,
    kind: Option<ParameterType>,
    is_there: bool,
) -> Result<i64, Fault> {
    let asked = here.place.asked(PUT, name);
    let send = || {
        here.client
            .put_parameter()
            .name(name)
            .value(text)
            .set_type(kind.clone())
            .overwrite(is_there)
            .send()
    };
    match ask(here.place.limits, asked, send).await? {
        Ok(made) => Ok(made.version),
        Err(refusal) if refusal.code == "ParameterAlreadyExists" => Err(conflict(name)),
        Err(refusal) => Err(refusal.fault(&asked)),
    }
}

fn conflict(id: &str) -> Fault {
    Fault::new(
        Class::Conflict,
        format!(
            "the parameter `{id}` is not what it was: it has another version, or stands there already"
        ),
    )
}

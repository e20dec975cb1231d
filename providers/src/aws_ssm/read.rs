//! Reading: ten parameters in a request, and one by one where a whole batch is refused for one.

use aws_sdk_ssm::types::Parameter;
use futures_util::future::join_all;

use super::client::Here;
use crate::{
    Absence, Address, Answer, Class, Fault, Metadata, Reply, Request, Secret, Value,
    aws::{Refusal, ask, written},
};

const READ: &str = "ssm:GetParameters";

/// Answers what one request of the plan is for.
pub(super) async fn request(
    here: &Here<'_>,
    batch: &[Address],
    request: &Request,
) -> Vec<(usize, Answer)> {
    let mut answers = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for index in &request.answers {
        let address = &batch[*index];
        match here.place.check_before(&address.locator) {
            Ok(()) if names.contains(&selected(address)) => {}
            Ok(()) => names.push(selected(address)),
            Err(fault) => answers.push((*index, Err(fault))),
        }
    }
    let found = together(here, names).await;
    for index in &request.answers {
        let address = &batch[*index];
        let name = selected(address);
        if let Some((_, found)) = found.iter().find(|(names, _)| names.contains(&name)) {
            answers.push((*index, answer(here, address, found)));
        }
    }
    answers
}

/// What parameters were asked for together, and what came of it.
type Found = Vec<(Vec<String>, Result<Vec<Parameter>, Fault>)>;

async fn together(here: &Here<'_>, names: Vec<String>) -> Found {
    if names.is_empty() {
        return Vec::new();
    }
    match parameters(here, &names, true).await {
        Err(Refused::Perhaps(_)) if names.len() > 1 => {
            let each = names.into_iter().map(|name| async {
                let names = vec![name];
                let found = parameters(here, &names, true).await;
                (names, found.map_err(Refused::into_fault))
            });
            join_all(each).await
        }
        found => vec![(names, found.map_err(Refused::into_fault))],
    }
}

/// Why a batch has no answer.
pub(super) enum Refused {
    /// One of its parameters may be the reason.
    Perhaps(Fault),
    Wholly(Fault),
}

impl Refused {
    /// The fault.
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Perhaps(fault) | Self::Wholly(fault) => fault,
        }
    }
}

/// Asks for parameters by their names with selectors.
pub(super) async fn parameters(
    here: &Here<'_>,
    names: &[String],
    is_decrypted: bool,
) -> Result<Vec<Parameter>, Refused> {
    let _slot = here.place.session.slots.acquire().await;
    let what = match names {
        [one] => one.clone(),
        many => format!("{} parameters", many.len()),
    };
    let asked = here.place.asked(READ, &what);
    let send = || {
        here.client
            .get_parameters()
            .set_names(Some(names.to_vec()))
            .with_decryption(is_decrypted)
            .send()
    };
    match ask(here.place.limits, asked, send).await {
        Ok(Ok(answer)) => Ok(answer.parameters.unwrap_or_default()),
        Ok(Err(refusal)) => {
            let fault = special(&what, &refusal).unwrap_or_else(|| refusal.fault(&asked));
            let is_of_one = refusal.is_denied() || refusal.code == "InvalidKeyId";
            Err(if is_of_one {
                Refused::Perhaps(fault)
            } else {
                Refused::Wholly(fault)
            })
        }
        Err(fault) => Err(Refused::Wholly(fault)),
    }
}

fn special(what: &str, refusal: &Refusal) -> Option<Fault> {
    (refusal.code == "InvalidKeyId").then(|| {
        Fault::new(
            Class::Malformed,
            format!("`{what}` can't be decrypted with its KMS key"),
        )
        .hinted("the key may be disabled or pending deletion")
    })
}

/// A parameter as the service names it: `name:3`, `name:label`.
pub(super) fn selected(address: &Address) -> String {
    match address.options.first() {
        Some((_, selector)) => format!("{}:{selector}", address.locator),
        None => address.locator.clone(),
    }
}

/// Whether a parameter of an answer, whose order is its own, is the one of an address.
pub(super) fn is_named(address: &Address, parameter: &Parameter) -> bool {
    let wanted = selected(address);
    let name = [parameter.name(), parameter.arn()];
    let selector = parameter.selector().unwrap_or_default();
    name.into_iter().flatten().any(|name| {
        wanted == name
            || wanted
                .strip_prefix(name)
                .is_some_and(|rest| rest == selector)
    })
}

/// Nothing of this name.
pub(super) fn absent(here: &Here<'_>, address: &Address) -> Absence {
    let id = &address.locator;
    let mut what = format!("no parameter `{id}`{}", here.place.suffix(id));
    if let Some((name, value)) = address.options.first() {
        what = format!("{what}, or no {name} `{value}` of it");
    }
    Absence {
        what,
        keys: Vec::new(),
    }
}

fn answer(here: &Here<'_>, address: &Address, found: &Result<Vec<Parameter>, Fault>) -> Answer {
    let parameters = found.as_ref().map_err(Clone::clone)?;
    let parameter = parameters.iter().find(|found| is_named(address, found));
    let Some(parameter) = parameter else {
        return Ok(Reply::Absent(absent(here, address)));
    };
    here.place
        .check_account(parameter.arn().unwrap_or_default())?;
    let Some(value) = parameter.value() else {
        let message = format!("Parameter Store gives no value of `{}`", address.locator);
        return Err(Fault::new(Class::Malformed, message));
    };
    Ok(Reply::Value(Value {
        secret: Secret::copied_from(value.as_bytes()),
        metadata: metadata(parameter),
    }))
}

/// What an answer says of a parameter besides its value.
pub(super) fn metadata(parameter: &Parameter) -> Metadata {
    Metadata {
        version: Some(parameter.version.to_string()),
        created: parameter.last_modified_date.and_then(written),
        ..Metadata::default()
    }
}

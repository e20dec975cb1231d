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
    let mut wanted: Vec<&Address> = Vec::new();
    for index in &request.answers {
        let address = &batch[*index];
        match here.place.check_before(&address.locator) {
            Ok(()) if wanted.contains(&address) => {}
            Ok(()) => wanted.push(address),
            Err(fault) => answers.push((*index, Err(fault))),
        }
    }
    let found = together(here, &wanted).await;
    for index in &request.answers {
        let address = &batch[*index];
        let position = wanted.iter().position(|wanted| *wanted == address);
        if let Some(found) = position.and_then(|position| found.get(position)) {
            answers.push((*index, answer(here, address, found)));
        }
    }
    answers
}

/// What stands at one address, if anything.
type Found = Result<Option<Parameter>, Fault>;

/// Several parameters by one request; those that it leaves open, by requests of their own.
async fn together(here: &Here<'_>, wanted: &[&Address]) -> Vec<Found> {
    if let [one] = wanted {
        return vec![single(here, one).await];
    }
    let names: Vec<String> = wanted.iter().copied().map(selected).collect();
    let page = match parameters(here, &names, true).await {
        Ok(page) => page,
        // Every one that may not be read, or not be decrypted, refuses the whole request.
        Err(Refused::Perhaps(_)) => Page::default(),
        Err(Refused::Wholly(fault)) => {
            return wanted.iter().map(|_| Err(fault.clone())).collect();
        }
    };
    let each = wanted.iter().map(|address| async {
        match page.find(address) {
            Some(found) => Ok(Some(found.clone())),
            None if page.invalid.contains(&selected(address)) => Ok(None),
            None => single(here, address).await,
        }
    });
    join_all(each).await
}

async fn single(here: &Here<'_>, address: &Address) -> Found {
    let names = [selected(address)];
    let page = parameters(here, &names, true).await;
    Ok(page.map_err(Refused::into_fault)?.one())
}

/// An answer to several names.
#[derive(Default)]
pub(super) struct Page {
    /// What was found, in an order of its own.
    parameters: Vec<Parameter>,
    /// The names that nothing answers to.
    invalid: Vec<String>,
}

impl Page {
    /// The parameter of an address. Where an emulator leaves selectors out of its answer, versions
    /// tell them apart: the current one is the newest.
    fn find(&self, address: &Address) -> Option<&Parameter> {
        let is_of = |found: &&Parameter| {
            let id = Some(address.locator.as_str());
            found.name() == id || found.arn() == id
        };
        let mut named = self.parameters.iter().filter(is_of);
        match address.options.first() {
            None => named
                .filter(|found| found.selector().unwrap_or_default().is_empty())
                .max_by_key(|found| found.version),
            Some((option, value)) => {
                let selector = format!(":{value}");
                let number = value.parse().ok().filter(|_| option == "version");
                named.find(|found| match found.selector() {
                    Some(given) => given == selector,
                    None => number == Some(found.version),
                })
            }
        }
    }

    /// The only one.
    pub(super) fn one(mut self) -> Option<Parameter> {
        self.parameters.pop()
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
) -> Result<Page, Refused> {
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
        Ok(Ok(answer)) => Ok(Page {
            parameters: answer.parameters.unwrap_or_default(),
            invalid: answer.invalid_parameters.unwrap_or_default(),
        }),
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

fn answer(here: &Here<'_>, address: &Address, found: &Found) -> Answer {
    let Some(parameter) = found.as_ref().map_err(Clone::clone)? else {
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

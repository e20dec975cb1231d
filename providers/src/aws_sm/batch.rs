//! Reading twenty secrets by one request, and one by one where the caller may read secrets but not in
//! batches.

use aws_sdk_secretsmanager::types::SecretValueEntry;
use futures_util::future::join_all;

use super::{
    client::Here,
    read::{Parts, Whole, found, single, unread},
};
use crate::{
    Address, Fault,
    aws::{Refusal, ask},
};

const READ_BATCH: &str = "secretsmanager:BatchGetSecretValue";

/// Secrets by a batch; those that it leaves out or that may pass, by requests of their own.
pub(super) async fn together(here: &Here<'_>, addresses: &[&Address]) -> Vec<Whole> {
    let is_asked = |address: &&&Address| here.place.check_before(&address.locator).is_ok();
    let asked = addresses.iter().filter(is_asked);
    let ids: Vec<String> = asked.map(|address| address.locator.clone()).collect();
    let wholes = match pages(here, &ids).await {
        Ok((entries, errors)) => matched(here, addresses, entries, &errors),
        Err(Again::OneByOne) => addresses.iter().map(|_| None).collect(),
        Err(Again::Never(fault)) => {
            let all = addresses.iter().map(|_| Some(Err(Err(fault.clone()))));
            all.collect()
        }
    };
    let completed = wholes
        .into_iter()
        .zip(addresses)
        .map(|(whole, address)| async {
            match whole {
                Some(whole) => whole,
                // One that was not asked for is refused here, too, before anything is asked.
                None => single(here, address).await,
            }
        });
    join_all(completed).await
}

/// What of a batch belongs to which address; `None` where it says nothing that lasts.
fn matched(
    here: &Here<'_>,
    addresses: &[&Address],
    entries: Vec<SecretValueEntry>,
    errors: &[(String, Refusal)],
) -> Vec<Option<Whole>> {
    let mut wholes: Vec<Option<Whole>> = addresses.iter().map(|_| None).collect();
    for entry in entries {
        let position = addresses
            .iter()
            .zip(&wholes)
            .position(|(address, whole)| whole.is_none() && is_named(&address.locator, &entry));
        if let Some(position) = position {
            let parts = Parts {
                id: &addresses[position].locator,
                arn: entry.arn,
                text: entry.secret_string,
                bytes: entry.secret_binary,
                version: entry.version_id,
                created: entry.created_date,
            };
            wholes[position] = Some(found(here, parts).map_err(Err));
        }
    }
    for (id, refusal) in errors {
        let position = addresses.iter().position(|address| address.locator == *id);
        if let Some(position) = position
            && !refusal.is_transient()
        {
            wholes[position] = Some(Err(unread(here, addresses[position], refusal)));
        }
    }
    wholes
}

/// Whether an entry is what an id asked for: a name, an ARN, or an ARN without its suffix.
fn is_named(id: &str, entry: &SecretValueEntry) -> bool {
    let arn = entry.arn().unwrap_or_default();
    let is_suffix = |rest: &str| rest.len() == 7 && rest.starts_with('-');
    entry.name() == Some(id) || arn == id || arn.strip_prefix(id).is_some_and(is_suffix)
}

/// Why a batch has no answer.
enum Again {
    /// The action is what is refused: perhaps the secrets are not.
    OneByOne,
    Never(Fault),
}

type Pages = (Vec<SecretValueEntry>, Vec<(String, Refusal)>);

async fn pages(here: &Here<'_>, ids: &[String]) -> Result<Pages, Again> {
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    if ids.is_empty() {
        return Ok((entries, errors));
    }
    let _slot = here.place.session.slots.acquire().await;
    let what = format!("{} secrets", ids.len());
    let asked = here.place.asked(READ_BATCH, &what);
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
        let answer = ask(here.place.limits, asked, send).await;
        let answer = match answer.map_err(Again::Never)? {
            Ok(answer) => answer,
            Err(refusal) if refusal.is_denied() || refusal.is_unknown_action() => {
                return Err(Again::OneByOne);
            }
            Err(refusal) => return Err(Again::Never(refusal.fault(&asked))),
        };
        entries.extend(answer.secret_values.unwrap_or_default());
        for error in answer.errors.unwrap_or_default() {
            let code = error.error_code.unwrap_or_default();
            let message = error.message.unwrap_or_default();
            let refusal = Refusal::part(&code, &message);
            errors.push((error.secret_id.unwrap_or_default(), refusal));
        }
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    Ok((entries, errors))
}

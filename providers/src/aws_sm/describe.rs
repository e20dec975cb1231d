//! What is known of a secret without its value: versions, rotation, last access, tags, policy.

use std::collections::HashMap;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_smithy_types::DateTime;
use futures_util::future::join_all;

use super::{
    client::Here,
    read::{absent, special},
};
use crate::{
    Absence, Address, Class, Fault, Metadata, Request,
    aws::{Known, ask, written},
};

const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const LIST: &str = "secretsmanager:ListSecretVersionIds";
const POLICY: &str = "secretsmanager:GetResourcePolicy";
const CURRENT: &str = "AWSCURRENT";

/// Describes what one request of the plan is for.
pub(super) async fn request(
    here: &Here<'_>,
    batch: &[Address],
    request: &Request,
) -> Vec<(usize, Known)> {
    let each = async |index: &usize| (*index, secret(here, &batch[*index]).await);
    join_all(request.answers.iter().map(each)).await
}

/// Describes the version that an address means, and its secret.
async fn secret(here: &Here<'_>, address: &Address) -> Known {
    let id = address.locator.as_str();
    here.place.check_before(id)?;
    let _slot = here.place.session.slots.acquire().await;
    let Some(about) = described(here, id).await? else {
        return Ok(Err(absent(here, id)));
    };
    here.place.check_account(about.arn().unwrap_or_default())?;
    if let Some(date) = about.deleted_date {
        let class = Class::Deleted { at: written(date) };
        let message = format!("the secret `{id}` is marked for deletion");
        return Err(Fault::new(class, message));
    }
    let Some(version) = version(&about, address) else {
        let what = match address.options.first() {
            Some((name, value)) => format!("no {name} `{value}` of the secret `{id}`"),
            None => format!("the secret `{id}` has no value yet"),
        };
        let keys = Vec::new();
        return Ok(Err(Absence { what, keys }));
    };
    let created = created(here, id, &version).await?;
    let mut labels = labels(&about);
    if let Some(policy) = policy(here, id).await? {
        labels.push(("resource_policy".to_owned(), policy));
    }
    Ok(Ok(Metadata {
        version: Some(version),
        created: created.and_then(written),
        lease: None,
        labels,
    }))
}

/// The service's description; `None` where there is no such secret.
pub(super) async fn described(
    here: &Here<'_>,
    id: &str,
) -> Result<Option<DescribeSecretOutput>, Fault> {
    let asked = here.place.asked(DESCRIBE, id);
    let send = || here.client.describe_secret().secret_id(id).send();
    match ask(here.place.limits, asked, send).await? {
        Ok(about) => Ok(Some(about)),
        Err(refusal) if refusal.is_absent() => Ok(None),
        Err(refusal) => Err(special(id, &refusal).unwrap_or_else(|| refusal.fault(&asked))),
    }
}

/// The id of the version that has the current stage.
pub(super) fn current(about: &DescribeSecretOutput) -> Option<String> {
    staged(about.version_ids_to_stages()?, CURRENT)
}

fn staged(stages: &HashMap<String, Vec<String>>, wanted: &str) -> Option<String> {
    let (id, _) = stages
        .iter()
        .find(|(_, stages)| stages.iter().any(|stage| stage == wanted))?;
    Some(id.clone())
}

fn version(about: &DescribeSecretOutput, address: &Address) -> Option<String> {
    let stages = about.version_ids_to_stages()?;
    match address.options.first() {
        Some((name, id)) if name == "version" => stages.contains_key(id).then(|| id.clone()),
        Some((_, stage)) => staged(stages, stage),
        None => staged(stages, CURRENT),
    }
}

/// When a version was made; unknown to a caller who may not list versions.
async fn created(here: &Here<'_>, id: &str, version: &str) -> Result<Option<DateTime>, Fault> {
    let asked = here.place.asked(LIST, id);
    let mut next = None;
    loop {
        let send = || {
            here.client
                .list_secret_version_ids()
                .secret_id(id)
                .set_next_token(next.clone())
                .send()
        };
        let page = match ask(here.place.limits, asked, send).await? {
            Ok(page) => page,
            Err(refusal) if refusal.is_denied() => return Ok(None),
            Err(refusal) => return Err(refusal.fault(&asked)),
        };
        let entry = page
            .versions()
            .iter()
            .find(|entry| entry.version_id() == Some(version));
        if let Some(entry) = entry {
            return Ok(entry.created_date);
        }
        next = page.next_token;
        if next.is_none() {
            return Ok(None);
        }
    }
}

/// Who else may use it; unknown to a caller who may not read the policy.
async fn policy(here: &Here<'_>, id: &str) -> Result<Option<String>, Fault> {
    let asked = here.place.asked(POLICY, id);
    let send = || here.client.get_resource_policy().secret_id(id).send();
    match ask(here.place.limits, asked, send).await? {
        Ok(answer) => Ok(answer.resource_policy),
        Err(refusal) if refusal.is_denied() => Ok(None),
        Err(refusal) => Err(refusal.fault(&asked)),
    }
}

fn labels(about: &DescribeSecretOutput) -> Vec<(String, String)> {
    let date = |moment: Option<DateTime>| moment.and_then(written);
    let rules = about.rotation_rules();
    let every = rules.and_then(|rules| {
        let days = rules
            .automatically_after_days
            .map(|days| format!("{days}d"));
        rules.schedule_expression().map(str::to_owned).or(days)
    });
    let known = [
        (
            "rotation",
            about.rotation_enabled.map(|is_on| is_on.to_string()),
        ),
        ("rotates_every", every),
        ("last_rotated", date(about.last_rotated_date)),
        ("next_rotation", date(about.next_rotation_date)),
        ("last_changed", date(about.last_changed_date)),
        ("last_accessed", date(about.last_accessed_date)),
        ("owning_service", about.owning_service.clone()),
        ("kms_key", about.kms_key_id.clone()),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), text?)));
    let tags = about.tags().iter().map(|tag| {
        let name = format!("tag.{}", tag.key().unwrap_or_default());
        (name, tag.value().unwrap_or_default().to_owned())
    });
    known.chain(tags).collect()
}

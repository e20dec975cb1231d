//! What is known of a parameter without its value: version, type, key, policies, tags.

use aws_sdk_ssm::types::{ParameterMetadata, ParameterStringFilter, ResourceTypeForTagging};

use super::{
    client::Here,
    read::{absent, metadata, parameters, selected},
};
use crate::{
    Address, Class, Fault, Metadata, Request,
    aws::{Arn, Known, ask, written},
};

const DESCRIBE: &str = "ssm:DescribeParameters";
const TAGS: &str = "ssm:ListTagsForResource";

/// Describes what one request of the plan is for.
pub(super) async fn request(
    here: &Here<'_>,
    batch: &[Address],
    request: &Request,
) -> Vec<(usize, Known)> {
    let mut known = Vec::new();
    for index in &request.answers {
        known.push((*index, one(here, &batch[*index]).await));
    }
    known
}

async fn one(here: &Here<'_>, address: &Address) -> Known {
    here.place.check_before(&address.locator)?;
    if !address.options.is_empty() {
        return selection(here, address).await;
    }
    let Some(found) = described(here, &address.locator).await? else {
        return Ok(Err(absent(here, address)));
    };
    here.place.check_account(found.arn().unwrap_or_default())?;
    let mut labels = labels(&found);
    labels.extend(tags(here, found.name().unwrap_or_default()).await?);
    Ok(Ok(Metadata {
        version: Some(found.version.to_string()),
        created: found.last_modified_date.and_then(written),
        lease: None,
        labels,
    }))
}

/// A version or label is only told by reading it; encrypted ones stay encrypted.
async fn selection(here: &Here<'_>, address: &Address) -> Known {
    let found = parameters(here, &[selected(address)], false).await;
    let found = found.map_err(super::read::Refused::into_fault)?;
    match found.one() {
        Some(found) => {
            here.place.check_account(found.arn().unwrap_or_default())?;
            Ok(Ok(metadata(&found)))
        }
        None => Ok(Err(absent(here, address))),
    }
}

/// The service's description; `None` where there is no such parameter.
pub(super) async fn described(
    here: &Here<'_>,
    id: &str,
) -> Result<Option<ParameterMetadata>, Fault> {
    let _slot = here.place.session.slots.acquire().await;
    let asked = here.place.asked(DESCRIBE, id);
    let filter = ParameterStringFilter::builder()
        .key("Name")
        .option("Equals")
        .set_values(Some(names(id)))
        .build()
        .map_err(|_| Fault::new(Class::Malformed, "a filter needs a key"))?;
    let mut next = None;
    loop {
        let send = || {
            here.client
                .describe_parameters()
                .parameter_filters(filter.clone())
                .set_next_token(next.clone())
                .send()
        };
        let page = match ask(here.place.limits, asked, send).await? {
            Ok(page) => page,
            Err(refusal) => return Err(refusal.fault(&asked)),
        };
        let is_wanted = |found: &ParameterMetadata| {
            Arn::of(id).is_none() || found.arn().is_none_or(|arn| arn == id)
        };
        let mut parameters = page.parameters.unwrap_or_default().into_iter();
        if let Some(found) = parameters.find(is_wanted) {
            return Ok(Some(found));
        }
        next = page.next_token;
        if next.is_none() {
            return Ok(None);
        }
    }
}

/// The names that an id can have. An ARN is the same for `/a` and for `a`.
fn names(id: &str) -> Vec<String> {
    let path = Arn::of(id).and_then(|arn| arn.resource.strip_prefix("parameter/"));
    match path {
        None => vec![id.to_owned()],
        Some(path) if path.contains('/') => vec![format!("/{path}")],
        Some(path) => vec![format!("/{path}"), path.to_owned()],
    }
}

fn labels(found: &ParameterMetadata) -> Vec<(String, String)> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let known = [
        ("type", text(found.r#type().map(AsRef::as_ref))),
        ("tier", text(found.tier().map(AsRef::as_ref))),
        ("kms_key", text(found.key_id())),
        ("last_changed", found.last_modified_date.and_then(written)),
        ("last_changed_by", text(found.last_modified_user())),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), text?)));
    let policies = found.policies().iter().map(|policy| {
        let name = format!("policy.{}", policy.policy_type().unwrap_or_default());
        (name, policy.policy_text().unwrap_or_default().to_owned())
    });
    known.chain(policies).collect()
}

/// Its tags; unknown to a caller who may not list them.
async fn tags(here: &Here<'_>, name: &str) -> Result<Vec<(String, String)>, Fault> {
    let asked = here.place.asked(TAGS, name);
    let send = || {
        here.client
            .list_tags_for_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name)
            .send()
    };
    match ask(here.place.limits, asked, send).await? {
        Ok(answer) => {
            let tags = answer.tag_list.unwrap_or_default().into_iter();
            Ok(tags
                .map(|tag| (format!("tag.{}", tag.key), tag.value))
                .collect())
        }
        Err(refusal) if refusal.is_denied() => Ok(Vec::new()),
        Err(refusal) => Err(refusal.fault(&asked)),
    }
}

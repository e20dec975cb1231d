//! From names to items, with few requests: the vaults once, the items of a vault once, each item
//! once. What is an id already is not looked up.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::server::Server;
use crate::{
    Absence, Class, Fault, Limits,
    op::{
        Reference, is_id,
        item::{Item, only},
        message::Outcome,
    },
};

/// An item: where it stands, and what it says.
pub(super) struct Document {
    pub(super) vault: String,
    pub(super) item: String,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Items by the names of vault and item, or why there is none.
pub(super) type Documents = BTreeMap<(String, String), Result<Document, Outcome>>;

#[derive(Deserialize)]
struct Vault {
    id: String,
    #[serde(default)]
    name: String,
}

/// Reads every item that the references name.
pub(super) async fn documents(
    server: &Server,
    references: &[Reference],
    limits: &Limits,
) -> Documents {
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Reference { vault, item, .. } in references {
        let items = wanted.entry(vault.clone()).or_default();
        items.insert(item.clone());
    }
    let has_names = wanted.keys().any(|name| !is_id(name));
    let vaults = vaults(server, has_names, limits).await;
    let each = wanted.into_iter().map(|(name, items)| {
        let vault = vaults(&name);
        async move {
            match vault {
                Ok(id) => of_vault(server, &name, &id, &items, limits).await,
                Err(outcome) => {
                    let every = items.into_iter();
                    every
                        .map(|item| ((name.clone(), item), Err(outcome.clone())))
                        .collect()
                }
            }
        }
    });
    let each: Vec<Documents> = join_all(each).await;
    each.into_iter().flatten().collect()
}

/// The ids of vaults by their names, which are listed if any stands for one.
async fn vaults(
    server: &Server,
    has_names: bool,
    limits: &Limits,
) -> impl Fn(&str) -> Result<String, Outcome> {
    let listed = if has_names {
        list(server, limits).await
    } else {
        Ok(Vec::new())
    };
    move |name: &str| {
        if is_id(name) {
            return Ok(name.to_owned());
        }
        let vaults = listed.as_ref().map_err(|fault| Err(fault.clone()))?;
        match only(vaults, name, |vault| (&vault.id, &vault.name)) {
            Ok(Some(vault)) => Ok(vault.id.clone()),
            Ok(None) => Err(Err(no_vault(name, vaults))),
            Err(candidates) => Err(Err(ambiguous("vault", name, candidates))),
        }
    }
}

/// How many vaults the token may read.
pub(super) async fn vault_count(server: &Server, limits: &Limits) -> Result<usize, Fault> {
    list(server, limits).await.map(|vaults| vaults.len())
}

async fn list(server: &Server, limits: &Limits) -> Result<Vec<Vault>, Fault> {
    let body = server.get(server.url(&["vaults"], None), limits).await?;
    serde_json::from_slice(&body.unwrap_or_default()).map_err(|error| server.malformed(&error))
}

fn no_vault(name: &str, vaults: &[Vault]) -> Fault {
    let class = Class::Denied { permission: None };
    let message = format!("no vault `{name}` that the token may read");
    let mut known: Vec<String> = vaults
        .iter()
        .map(|vault| format!("`{}`", vault.name))
        .collect();
    known.sort_unstable();
    let hint = if known.is_empty() {
        "give the token access to a vault: `op connect vault grant`".to_owned()
    } else {
        format!(
            "it may read {}; ask for access to `{name}`",
            known.join(", ")
        )
    };
    Fault::new(class, message).hinted(hint)
}

fn ambiguous(what: &str, name: &str, candidates: Vec<String>) -> Fault {
    let message = format!("more than one {what} is called `{name}`");
    let fault = Fault::new(Class::Ambiguous { candidates }, message);
    fault.hinted(format!("write the {what}'s id in the place of its name"))
}

/// The items of one vault.
async fn of_vault(
    server: &Server,
    name: &str,
    vault: &str,
    items: &BTreeSet<String>,
    limits: &Limits,
) -> Documents {
    let named: Vec<&String> = items.iter().filter(|item| !is_id(item)).collect();
    let ids = ids(server, name, vault, &named, limits).await;
    let each = items.iter().map(|item| {
        let id = match ids.get(item.as_str()) {
            None => Ok(item.clone()),
            Some(found) => found.clone(),
        };
        async move {
            let document = match id {
                Ok(id) => read(server, (name, vault), item, id, limits).await,
                Err(outcome) => Err(outcome),
            };
            ((name.to_owned(), item.clone()), document)
        }
    });
    join_all(each).await.into_iter().collect()
}

async fn read(
    server: &Server,
    (name, vault): (&str, &str),
    item: &str,
    id: String,
    limits: &Limits,
) -> Result<Document, Outcome> {
    let url = server.url(&["vaults", vault, "items", &id], None);
    match server.get(url, limits).await {
        Ok(Some(body)) => Ok(Document {
            vault: vault.to_owned(),
            item: id,
            body,
        }),
        Ok(None) if is_id(name) => Err(Ok(Absence {
            what: format!("no item `{item}` in the vault `{name}`, or no such vault"),
            keys: Vec::new(),
        })),
        Ok(None) => Err(Ok(Absence {
            what: format!("no item `{item}` in the vault `{name}`"),
            keys: Vec::new(),
        })),
        Err(fault) => Err(Err(fault)),
    }
}

/// The ids of items by their names: one by a filter, several by one list of all.
async fn ids<'n>(
    server: &Server,
    name: &str,
    vault: &str,
    named: &[&'n String],
    limits: &Limits,
) -> BTreeMap<&'n str, Result<String, Outcome>> {
    let path = ["vaults", vault, "items"];
    let every = |outcome: Outcome| {
        let each = named.iter();
        each.map(|item| (item.as_str(), Err(outcome.clone())))
            .collect()
    };
    let mut filter = match named {
        [] => return BTreeMap::new(),
        [one] => Some(("title", one.as_str())),
        _ => None,
    };
    loop {
        let body = match server.get(server.url(&path, filter), limits).await {
            Ok(Some(body)) => body,
            Ok(None) => return every(Err(no_vault(name, &[]))),
            Err(fault) => return every(Err(fault)),
        };
        let items: Vec<Item<'_>> = match serde_json::from_slice(&body) {
            Ok(items) => items,
            Err(error) => return every(Err(server.malformed(&error))),
        };
        // A filter minds the case, a reference does not; and the list has the names that are there.
        if items.is_empty() && filter.take().is_some() {
            continue;
        }
        let id = |item: &&'n String| (item.as_str(), id(&items, item, name));
        return named.iter().map(id).collect();
    }
}

fn id(items: &[Item<'_>], item: &str, vault: &str) -> Result<String, Outcome> {
    match only(items, item, |item| (&item.id, &item.title)) {
        Ok(Some(found)) => Ok(found.id.clone()),
        Ok(None) => {
            let mut keys: Vec<String> = items.iter().map(|item| item.title.clone()).collect();
            keys.sort_unstable();
            let what = format!("no item `{item}` in the vault `{vault}`");
            Err(Ok(Absence { what, keys }))
        }
        Err(candidates) => Err(Err(ambiguous("item", item, candidates))),
    }
}

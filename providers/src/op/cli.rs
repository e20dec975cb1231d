//! The backend over `op`: one run for a whole batch, a run a vault and an item for what is known
//! of them, and two for a write.

use std::{collections::BTreeSet, sync::Arc};

use zeroize::Zeroizing;

use super::{
    Reference,
    command::{Op, Talk},
    edit, inject,
    item::{Field, Item, only},
    message::Verdict,
};
use crate::{
    Absence, Address, Class, Condition, Fault, Fetched, Identity, Limits, Metadata, Pending,
    Provider, Reply, Secret, Value,
    helper::{self, Cancel},
};

pub(super) struct Cli(pub(super) Arc<Op>);

/// What is known of one reference.
type Known = Result<Result<Metadata, Absence>, Fault>;
type Described = Vec<Known>;

impl Cli {
    /// Does `job` on a thread of its own, in one conversation.
    async fn talk<T: Send + 'static>(
        &self,
        limits: &Limits,
        job: impl FnOnce(&mut Talk<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (op, limits) = (Arc::clone(&self.0), limits.clone());
        let work = helper::work(move |cancel: &Cancel| job(&mut op.talk(&limits, cancel)?));
        let ended = work.await;
        ended.unwrap_or_else(|| {
            let message = "the thread that ran `op` ended early";
            Err(Fault::new(Class::Unreachable, message))
        })
    }

    /// A fault with what only this entry's settings explain.
    fn explained(&self, fault: Fault) -> Fault {
        if fault.class == Class::Unauthenticated && self.0.account.ignores_token {
            fault.hinted(
                "OP_SERVICE_ACCOUNT_TOKEN is not used because `account` is set; to use it, write \
                 `service_account_token: { from: env://OP_SERVICE_ACCOUNT_TOKEN }` instead",
            )
        } else {
            fault
        }
    }
}

impl Provider for Cli {
    fn needs_runtime(&self) -> bool {
        false
    }

    fn may_ask(&self) -> bool {
        self.0.may_ask()
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let wanted: Vec<Reference> = batch.iter().map(Reference::of).collect();
            let unique: BTreeSet<Reference> = wanted.iter().cloned().collect();
            let unique: Vec<Reference> = unique.into_iter().collect();
            let asked = unique.clone();
            let answers = self
                .talk(limits, move |talk| Ok(inject::fetch(talk, &asked)))
                .await;
            let answer = |reference: &Reference| {
                let found = unique.binary_search(reference).ok();
                match (&answers, found) {
                    (Ok(answers), Some(at)) => match &answers[at] {
                        Ok(Ok(secret)) => Ok(Reply::Value(Value {
                            secret: Secret::copied_from(secret.expose()),
                            metadata: Metadata::default(),
                        })),
                        Ok(Err(absence)) => Ok(Reply::Absent(absence.clone())),
                        Err(fault) => Err(self.explained(fault.clone())),
                    },
                    (Err(fault), _) => Err(self.explained(fault.clone())),
                    (Ok(_), None) => Err(Fault::new(Class::Malformed, "it was not asked for")),
                }
            };
            Fetched {
                answers: wanted.iter().map(answer).collect(),
                warnings: Vec::new(),
            }
        })
    }

    fn describe<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Described> {
        Box::pin(async move {
            let wanted: Vec<Reference> = batch.iter().map(Reference::of).collect();
            let described = self
                .talk(limits, move |talk| Ok(describe(talk, &wanted)))
                .await;
            described.unwrap_or_else(|fault| {
                let every = batch.iter().map(|_| Err(self.explained(fault.clone())));
                every.collect()
            })
        })
    }

    /// Listing vaults is what works for every kind of sign-in; `op whoami` says of the app's that
    /// nobody is signed in.
    fn identity<'a>(&'a self, limits: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        Box::pin(async move {
            let listed = self.talk(limits, |talk| {
                let words = ["vault", "list", "--format", "json"];
                talk.ask(&words, b"").map_err(fault_of)
            });
            let output = listed.await.map_err(|fault| self.explained(fault))?;
            let vaults: Vec<Item<'_>> = parsed(&output)?;
            let whose = match (&self.0.account.token, &self.0.account.chosen) {
                (Some(_), _) => "a service account".to_owned(),
                (None, Some(name)) => name.clone(),
                (None, None) => "the default account".to_owned(),
            };
            let count = vaults.len();
            let word = if count == 1 { "vault" } else { "vaults" };
            Ok(Identity {
                name: format!("{whose}, {count} {word}"),
                expires: None,
            })
        })
    }

    fn write<'a>(
        &'a self,
        address: &'a Address,
        secret: &'a Secret,
        condition: Condition,
        limits: &'a Limits,
    ) -> Pending<'a, Result<Metadata, Fault>> {
        Box::pin(async move {
            if !address.options.is_empty() {
                let message = "an attribute of a field can't be written, only its value";
                return Err(Fault::new(Class::Malformed, message));
            }
            let reference = Reference::of(address);
            let secret = Secret::copied_from(secret.expose());
            let written = self.talk(limits, move |talk| {
                write(talk, &reference, &secret, &condition)
            });
            written.await.map_err(|fault| self.explained(fault))
        })
    }
}

fn write(
    talk: &mut Talk<'_>,
    reference: &Reference,
    secret: &Secret,
    condition: &Condition,
) -> Result<Metadata, Fault> {
    let vault = reference.vault.as_str();
    let get = [
        "item",
        "get",
        &reference.item,
        "--vault",
        vault,
        "--format",
        "json",
    ];
    let document = talk.ask(&get, b"").map_err(fault_of)?;
    let (id, edited) = edit::edited(&document, reference, secret, condition)?;
    drop(document);
    let edit = ["item", "edit", &id, "--vault", vault, "--format", "json"];
    let output = talk.ask(&edit, &edited).map_err(fault_of)?;
    let item: Item<'_> = parsed(&output)?;
    Ok(item.metadata(&[]))
}

/// What the lists of the vaults say of the items, which has no values, and of each item its dates
/// alone.
fn describe(talk: &mut Talk<'_>, wanted: &[Reference]) -> Described {
    let mut answers: Vec<Option<Known>> = wanted.iter().map(|_| None).collect();
    let vaults: BTreeSet<&str> = wanted.iter().map(|reference| &*reference.vault).collect();
    for vault in vaults {
        let here = |at: &usize| wanted[*at].vault == vault;
        let indices: Vec<usize> = (0..wanted.len()).filter(here).collect();
        let words = ["item", "list", "--vault", vault, "--format", "json"];
        let listed = talk.ask(&words, b"").map_err(fault_of);
        let items: Result<Vec<Item<'_>>, Fault> = match &listed {
            Ok(output) => parsed(output),
            Err(fault) => Err(fault.clone()),
        };
        let mut known: Vec<(&str, Known)> = Vec::new();
        for at in indices {
            let name = wanted[at].item.as_str();
            let answer = match known.iter().find(|(other, _)| *other == name) {
                Some((_, answer)) => answer.clone(),
                None => match &items {
                    Ok(items) => of_item(talk, items, vault, name),
                    Err(fault) => Err(fault.clone()),
                },
            };
            known.push((name, answer.clone()));
            answers[at] = Some(answer);
        }
    }
    answers.into_iter().flatten().collect()
}

fn of_item(
    talk: &mut Talk<'_>,
    items: &[Item<'_>],
    vault: &str,
    name: &str,
) -> Result<Result<Metadata, Absence>, Fault> {
    let item = match only(items, name, |item| (&item.id, &item.title)) {
        Ok(Some(item)) => item,
        Ok(None) => {
            let mut keys: Vec<String> = items.iter().map(|item| item.title.clone()).collect();
            keys.sort_unstable();
            let what = format!("no item `{name}` in the vault `{vault}`");
            return Ok(Err(Absence { what, keys }));
        }
        Err(candidates) => {
            let message = format!("more than one item is called `{name}`");
            let fault = Fault::new(Class::Ambiguous { candidates }, message);
            return Err(fault.hinted("write the item's id in the place of its name"));
        }
    };
    let fields = "type=DATE,type=MONTH_YEAR";
    let get = [
        "item", "get", &item.id, "--vault", vault, "--format", "json", "--fields", fields,
    ];
    let output = match talk.ask(&get, b"") {
        Ok(output) => output,
        // It has no dates.
        Err(Verdict::Some(..) | Verdict::Unknown(_)) => Zeroizing::new(Vec::new()),
        Err(verdict) => return Err(fault_of(verdict)),
    };
    let one = || serde_json::from_slice::<Field<'_>>(&output).map(|field| vec![field]);
    let dates = serde_json::from_slice::<Vec<Field<'_>>>(&output).or_else(|_| one());
    Ok(Ok(item.metadata(&dates.unwrap_or_default())))
}

fn parsed<'a, T: serde::Deserialize<'a>>(output: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(output).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = format!("what `op` printed is not JSON as expected, at {line}:{column}");
        Fault::new(Class::Malformed, message)
    })
}

/// The fault of a question about one thing.
fn fault_of(verdict: Verdict) -> Fault {
    match verdict {
        Verdict::Every(fault)
        | Verdict::SignedOut(fault)
        | Verdict::Network(fault)
        | Verdict::Unknown(fault)
        | Verdict::Some(_, Err(fault)) => fault,
        Verdict::Some(_, Ok(absence)) => Fault::new(Class::Malformed, absence.what),
    }
}

//! The contract between the launcher and a backend.
//!
//! Written against two that differ in everything. *Vault* signs in once, reads many paths at the
//! same time, answers several addresses from one read, gives leases and a token to revoke.
//! *1Password's CLI* is one process for the whole batch, may prompt on the terminal, names one
//! bad reference at a time and keeps nothing open. What both need is here: the batch, the
//! deadline and the prompt's own (`Limits`), an answer an address, `close` on every way out.
//! What needs no I/O (grammar, grouping, credential names) is in [`crate::Kind`], because
//! `explain` asks for it without opening anything.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    future::Future,
    path::PathBuf,
    pin::Pin,
    time::{Duration, Instant},
};

use crate::{Absence, Address, Class, Fault, Fetched, Helpers, Lease, Metadata, Secret};

/// A future of a provider. Not `Send`: everything runs on one thread.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// An open backend.
///
/// Retries of transient faults are the provider's alone and stay inside the deadline. Dropping a
/// future gives up; `close` is called on every way out, after an error and a signal too.
pub trait Provider {
    /// Whether its futures need tokio's reactor (sockets, timers). One that answers from threads
    /// of its own says no, and a run that uses no other starts no runtime.
    fn needs_runtime(&self) -> bool;

    /// Whether it may ask a person, so that its answers can take [`Limits::approval`] longer.
    fn may_ask(&self) -> bool {
        false
    }

    /// Answers every address of `batch`, in order, with the fewest requests that it can.
    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched>;

    /// Says what it knows of each address without reading the value, so that the register and
    /// `--watch` can ask often. `Ok(Err(absence))` where nothing stands.
    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        limits: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>>;

    /// As whom it is signed in, and until when.
    fn identity<'a>(&'a self, limits: &'a Limits) -> Pending<'a, Result<Identity, Fault>>;

    /// Prolongs a lease; the answer is the lease as it is now.
    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        limits: &'a Limits,
    ) -> Pending<'a, Result<Lease, Fault>> {
        let _ = limits;
        Box::pin(async { Err(no_leases(lease)) })
    }

    /// The life of the sign-in, where this backend made it itself: renewed by [`Self::renew`] as
    /// that of a value is, and the leases of all its values end with it.
    fn sign_in(&self) -> Option<Lease> {
        None
    }

    /// Every lease that came with a value, also one that [`Self::fetch`] was given up with.
    fn leases(&self) -> Vec<Lease> {
        Vec::new()
    }

    /// Whether a request is under way whose answer can be a lease or a sign-in: something that
    /// would have to be given back.
    fn awaits_lease(&self) -> bool {
        false
    }

    /// Ends a lease.
    fn revoke<'a>(
        &'a self,
        lease: &'a Lease,
        limits: &'a Limits,
    ) -> Pending<'a, Result<(), Fault>> {
        let _ = limits;
        Box::pin(async { Err(no_leases(lease)) })
    }

    /// Writes `secret` to `address` if `condition` holds; the answer is the new version's
    /// metadata. The default refuses: not every backend can be written.
    fn write<'a>(
        &'a self,
        address: &'a Address,
        secret: &'a Secret,
        condition: Condition,
        limits: &'a Limits,
    ) -> Pending<'a, Result<Metadata, Fault>> {
        let _ = (address, secret, condition, limits);
        Box::pin(async {
            Err(Fault::new(
                Class::Malformed,
                "this backend can't be written",
            ))
        })
    }

    /// Gives back what it holds: revokes the token that it made itself, kills its helpers. Where
    /// `keeps_leases`, the values that it gave stay valid until their leases expire, and what
    /// they hang on stays; else they end too. Takes at most a second and never fails the run.
    fn close(&self, keeps_leases: bool) -> Pending<'_, ()> {
        let _ = keeps_leases;
        Box::pin(async {})
    }
}

fn no_leases(lease: &Lease) -> Fault {
    Fault::new(Class::Malformed, format!("no such lease: {}", lease.id))
}

/// How long a call may take, and whether a person can be asked.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The end of everything.
    pub deadline: Instant,
    /// How long an approval that a person was asked for may take beyond the deadline; `None`
    /// without a terminal, where a prompt is [`Class::Unauthenticated`].
    pub approval: Option<Duration>,
}

/// When a write is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing stands there yet.
    Absent,
    /// This version is the newest.
    Version(String),
    /// Whatever stands there.
    Always,
}

/// As whom a backend knows the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The backend's name of the caller: an ARN, an entity, an account.
    pub name: String,
    /// When the sign-in ends, RFC 3339.
    pub expires: Option<String>,
}

/// A setting of a backend after its references were resolved.
#[derive(Debug)]
pub enum Settings {
    /// A scalar as written.
    Text(Secret),
    /// A list of scalars.
    List(Vec<Settings>),
    /// Named settings.
    Map(BTreeMap<String, Settings>),
}

impl Settings {
    /// The scalar `name` of a map, if it is there and is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self {
            Self::Map(map) => match map.get(name)? {
                Self::Text(secret) => std::str::from_utf8(secret.expose()).ok(),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Settings {
    /// The scalars of the list `name` of a map, those that are UTF-8.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let Self::Map(map) = self else {
            return Vec::new();
        };
        let Some(Self::List(items)) = map.get(name) else {
            return Vec::new();
        };
        let texts = items.iter().filter_map(|item| match item {
            Self::Text(secret) => std::str::from_utf8(secret.expose()).ok(),
            _ => None,
        });
        texts.collect()
    }
}

/// What a backend is opened with. It reads nothing else.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The name under `backends`.
    pub name: &'a str,
    /// Its entry there; a map.
    pub settings: Settings,
    /// The launcher's environment.
    pub environment: &'a [(OsString, OsString)],
    /// The home directory.
    pub home: Option<PathBuf>,
    /// What it needs to run programs.
    pub helpers: Helpers,
}

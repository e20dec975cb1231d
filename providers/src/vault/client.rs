//! The open backend: one sign-in, one read a path, and the token given back at the end.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use futures_util::future::join_all;
use reqwest::Method;
use tokio::sync::OnceCell;

use super::{
    config::{Config, Variables},
    lease, metadata,
    mounts::{Engine, Mounts, Place},
    place_of, places,
    read::{Found, Reader},
    server::{Ask, Server},
    sign_in::{Token, sign_in},
    token::Sources,
};
use crate::{
    Absence, Address, Answer, Fault, Fetched, Identity, Lease, Limits, Metadata, Opening, Pending,
    Provider, Reply, Warning,
};

/// A server of Vault or OpenBao.
pub(super) struct Vault {
    server: Server,
    sources: Sources,
    token: OnceCell<Token>,
    mounts: Mounts,
    /// Of the values that were read; they hang on the token.
    leases: RefCell<Vec<Lease>>,
    /// Requests under way whose answers can be leases, and sign-ins.
    awaited: Cell<usize>,
}

/// One request more that is awaited, until it is dropped.
struct Awaited<'a>(&'a Cell<usize>);

impl<'a> Awaited<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Opens it; nothing is read or asked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape of every kind's opening"
)]
pub(super) fn open(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    let variables = Variables(opening.environment);
    let config = Config::new(&opening.settings, &variables)?;
    Ok(Box::new(Vault {
        server: Server::new(config, &opening)?,
        sources: Sources::new(&opening, &variables),
        token: OnceCell::new(),
        mounts: Mounts::default(),
        leases: RefCell::default(),
        awaited: Cell::new(0),
    }))
}

impl Vault {
    async fn token(&self, limits: &Limits) -> Result<&Token, Fault> {
        self.token
            .get_or_try_init(|| async {
                let _awaited = Awaited::new(&self.awaited);
                sign_in(&self.server, &self.sources, limits).await
            })
            .await
    }

    /// Signs in and looks up the engines of all paths.
    async fn reader<'a>(
        &'a self,
        batch: &[Address],
        limits: &'a Limits,
    ) -> Result<Reader<'a>, Fault> {
        let token = self.token(limits).await?;
        let paths: Vec<&str> = batch
            .iter()
            .map(|address| address.locator.as_str())
            .collect();
        self.mounts
            .look_up(&paths, &self.server, &token.secret, limits)
            .await?;
        Ok(Reader {
            server: &self.server,
            mounts: &self.mounts,
            token,
            limits,
        })
    }

    async fn answers(&self, batch: &[Address], limits: &Limits) -> Result<Vec<Answer>, Fault> {
        let reader = self.reader(batch, limits).await?;
        let places = places(batch);
        let reads = places
            .iter()
            .map(|(path, version)| self.read(&reader, path, *version));
        let found = join_all(reads).await;
        let found: HashMap<_, _> = places.into_iter().zip(found).collect();
        let answer = |address: &Address| match &found[&place_of(address)] {
            Ok(Found::Secret(stored)) => stored.reply(address),
            Ok(Found::Absent(absence)) => Ok(Reply::Absent(absence.clone())),
            Err(fault) => Err(fault.clone()),
        };
        Ok(batch.iter().map(answer).collect())
    }

    /// Reads, and notes a lease at once: the others of the batch may be given up.
    async fn read(
        &self,
        reader: &Reader<'_>,
        path: &str,
        version: Option<&str>,
    ) -> Result<Found, Fault> {
        let is_kv2 = matches!(self.mounts.of(path), Place::At(Engine::Kv2, _));
        let _awaited = (!is_kv2).then(|| Awaited::new(&self.awaited));
        let found = reader.read(path, version).await?;
        if let Found::Secret(stored) = &found {
            self.leases
                .borrow_mut()
                .extend(stored.metadata.lease.clone());
        }
        Ok(found)
    }

    /// Said on every run: whoever is between can read and change everything.
    fn unverified(&self) -> Option<Warning> {
        let config = &self.server.config;
        (config.tls.is_unverified && config.base.scheme() == "https").then(|| Warning {
            message: format!("{}: its certificate is not checked", config.server),
            hint: Some("name the certificate of its authority in place of `tls_skip_verify` or VAULT_SKIP_VERIFY: `ca_cert`, or VAULT_CACERT".into()),
        })
    }
}

impl Provider for Vault {
    fn needs_runtime(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let answers = match self.answers(batch, limits).await {
                Ok(answers) => answers,
                Err(fault) => batch.iter().map(|_| Err(fault.clone())).collect(),
            };
            Fetched {
                answers,
                warnings: self.unverified().into_iter().collect(),
            }
        })
    }

    /// Of version 2 of the KV engine; no other has anything to say without the value.
    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        limits: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        Box::pin(async move {
            match self.reader(batch, limits).await {
                Ok(reader) => metadata::describe(&reader, batch).await,
                Err(fault) => batch.iter().map(|_| Err(fault.clone())).collect(),
            }
        })
    }

    fn identity<'a>(&'a self, limits: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        Box::pin(async move {
            let token = self.token(limits).await?;
            metadata::identity(&self.server, token, limits).await
        })
    }

    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        limits: &'a Limits,
    ) -> Pending<'a, Result<Lease, Fault>> {
        Box::pin(async move {
            let token = self.token(limits).await?;
            lease::renew(&self.server, token, lease, limits).await
        })
    }

    fn sign_in(&self) -> Option<Lease> {
        self.token.get()?.lease.clone()
    }

    fn leases(&self) -> Vec<Lease> {
        self.leases.borrow().clone()
    }

    fn awaits_lease(&self) -> bool {
        self.awaited.get() > 0
    }

    fn revoke<'a>(
        &'a self,
        lease: &'a Lease,
        limits: &'a Limits,
    ) -> Pending<'a, Result<(), Fault>> {
        Box::pin(async move {
            let token = self.token(limits).await?;
            lease::revoke(&self.server, token, lease, limits).await
        })
    }

    /// Revokes the token that this run made, and with it every lease that it holds. One try: what
    /// fails here ends by its own time to live.
    fn close(&self, keeps_leases: bool) -> Pending<'_, ()> {
        Box::pin(async move {
            let Some(token) = self.token.get() else {
                return;
            };
            if !token.is_own || keeps_leases && !self.leases.borrow().is_empty() {
                return;
            }
            let ask = Ask {
                token: Some(&token.secret),
                namespace: self.server.config.auth.namespace.as_deref(),
                ..Ask::of(Method::POST, "auth/token/revoke-self")
            };
            self.server.once_more(&ask).await;
        })
    }
}

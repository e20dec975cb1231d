//! A backend of AWS, for any of its services: a client a region, and the five things that a backend
//! does. What differs is a [`Service`].

use std::{future::Future, marker::PhantomData};

use aws_config::SdkConfig;
use aws_types::region::Region;
use futures_util::future::join_all;

use super::{Place, Ready, Session, Settings, place};
use crate::{
    Absence, Address, Answer, Condition, Fault, Fetched, Identity, Kind, Limits, Metadata, Opening,
    Pending, Provider, Request, Secret,
};

/// What is known of one place.
pub(crate) type Known = Result<Result<Metadata, Absence>, Fault>;

/// A service of AWS.
pub(crate) trait Service: Sized + 'static {
    /// `Secrets Manager`.
    const NAME: &'static str;
    /// The variable that names its endpoint.
    const ENDPOINT: &'static str;
    /// The description of the backend, which says what is one request.
    const KIND: &'static Kind;
    /// The SDK's client.
    type Client;

    /// A client for a region; the endpoint is stated where it is not AWS's own. Does no I/O.
    fn client(config: &SdkConfig, region: Region, endpoint: Option<String>) -> Self::Client;

    /// Answers what one request of the plan is for, with the place of each answer in the batch.
    fn fetch(
        here: &Here<'_, Self>,
        batch: &[Address],
        request: &Request,
    ) -> impl Future<Output = Vec<(usize, Answer)>>;

    /// Describes the same.
    fn describe(
        here: &Here<'_, Self>,
        batch: &[Address],
        request: &Request,
    ) -> impl Future<Output = Vec<(usize, Known)>>;

    /// Writes what an address names, if the condition holds.
    fn write(
        here: &Here<'_, Self>,
        address: &Address,
        secret: &Secret,
        condition: &Condition,
    ) -> impl Future<Output = Result<Metadata, Fault>>;
}

/// One region of a service.
pub(crate) struct Here<'a, S: Service> {
    /// Where, and as whom.
    pub(crate) place: Place<'a>,
    /// What asks.
    pub(crate) client: S::Client,
}

impl<'a, S: Service> Here<'a, S> {
    /// The region of an address.
    fn of(
        session: &'a Session,
        ready: &'a Ready,
        address: &Address,
        limits: &'a Limits,
    ) -> Result<Self, Fault> {
        let place = Place::of::<S>(session, ready, address, limits)?;
        let region = Region::new(place.region.clone());
        let client = S::client(&ready.config, region, place.endpoint.clone());
        Ok(Self { place, client })
    }
}

/// Opens the backend. Does no I/O.
pub(crate) fn open<S: Service>(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    let settings = Settings::of(opening)?;
    Ok(Box::new(Backend::<S> {
        session: Session::new(settings),
        service: PhantomData,
    }))
}

/// A service, as one caller.
struct Backend<S> {
    session: Session,
    service: PhantomData<S>,
}

impl<S: Service> Backend<S> {
    /// Does `each` for every request of a batch, in the region of its first address.
    async fn all<T>(
        &self,
        batch: &[Address],
        limits: &Limits,
        each: impl AsyncFn(&Here<'_, S>, &Request) -> Vec<(usize, Result<T, Fault>)>,
    ) -> Vec<Result<T, Fault>> {
        let region = place::first_region(batch);
        let ready = match self.session.ready(region, limits).await {
            Ok(ready) => ready,
            Err(fault) => return batch.iter().map(|_| Err(fault.clone())).collect(),
        };
        let requests = (S::KIND.requests)(batch);
        let asked = requests.iter().map(|request| async {
            let first = &batch[request.answers[0]];
            match Here::of(&self.session, &ready, first, limits) {
                Ok(here) => each(&here, request).await,
                Err(fault) => place::same(request, &fault),
            }
        });
        place::in_order(batch.len(), join_all(asked).await)
    }
}

impl<S: Service> Provider for Backend<S> {
    fn needs_runtime(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let each =
                async |here: &Here<'_, S>, request: &Request| S::fetch(here, batch, request).await;
            Fetched {
                answers: self.all(batch, limits, each).await,
                warnings: Vec::new(),
            }
        })
    }

    fn describe<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Vec<Known>> {
        Box::pin(async move {
            let each = async |here: &Here<'_, S>, request: &Request| {
                S::describe(here, batch, request).await
            };
            self.all(batch, limits, each).await
        })
    }

    fn identity<'a>(&'a self, limits: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        Box::pin(self.session.identity(limits))
    }

    fn write<'a>(
        &'a self,
        address: &'a Address,
        secret: &'a Secret,
        condition: Condition,
        limits: &'a Limits,
    ) -> Pending<'a, Result<Metadata, Fault>> {
        Box::pin(async move {
            let region = place::first_region(std::slice::from_ref(address));
            let ready = self.session.ready(region, limits).await?;
            let here = Here::of(&self.session, &ready, address, limits)?;
            S::write(&here, address, secret, &condition).await
        })
    }
}

//! The open backend: a client a region, and the five things that a backend does.

use aws_sdk_ssm::{Client, config};
use aws_types::region::Region;
use futures_util::future::join_all;

use super::{describe, read, write};
use crate::{
    Absence, Address, Answer, Condition, Fault, Fetched, Identity, Limits, Metadata, Opening,
    Pending, Provider, Secret,
    aws::{Place, Ready, Service, Session, Settings, first_region, in_order, same},
};

/// Opens it. Does no I/O.
pub(super) fn open(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    let settings = Settings::of(opening)?;
    Ok(Box::new(ParameterStore {
        session: Session::new(settings),
    }))
}

/// Parameter Store, as one caller.
pub(super) struct ParameterStore {
    /// The sign-in.
    pub(super) session: Session,
}

const SERVICE: Service = Service {
    name: "Parameter Store",
    endpoint: "AWS_ENDPOINT_URL_SSM",
};

/// One region of it.
pub(super) struct Here<'a> {
    /// Where, and as whom.
    pub(super) place: Place<'a>,
    /// The SDK's client.
    pub(super) client: Client,
}

impl<'a> Here<'a> {
    /// The region of an address.
    fn of(
        session: &'a Session,
        ready: &'a Ready,
        address: &Address,
        limits: &'a Limits,
    ) -> Result<Self, Fault> {
        let place = Place::of(SERVICE, session, ready, address, limits)?;
        let mut builder = config::Builder::from(&ready.config);
        builder.set_region(Some(Region::new(place.region.clone())));
        if let Some(endpoint) = &place.endpoint {
            builder.set_endpoint_url(Some(endpoint.clone()));
        }
        let client = Client::from_conf(builder.build());
        Ok(Self { place, client })
    }
}

impl ParameterStore {
    async fn answers(&self, batch: &[Address], limits: &Limits) -> Vec<Answer> {
        let ready = match self.session.ready(first_region(batch), limits).await {
            Ok(ready) => ready,
            Err(fault) => return batch.iter().map(|_| Err(fault.clone())).collect(),
        };
        let requests = (super::KIND.requests)(batch);
        let asked = requests.iter().map(|request| async {
            let first = &batch[request.answers[0]];
            match Here::of(&self.session, &ready, first, limits) {
                Ok(here) => read::request(&here, batch, request).await,
                Err(fault) => same(request, &fault),
            }
        });
        in_order(batch.len(), join_all(asked).await)
    }
}

impl Provider for ParameterStore {
    fn needs_runtime(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            Fetched {
                answers: self.answers(batch, limits).await,
                warnings: Vec::new(),
            }
        })
    }

    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        limits: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        Box::pin(async move {
            let ready = match self.session.ready(first_region(batch), limits).await {
                Ok(ready) => ready,
                Err(fault) => return batch.iter().map(|_| Err(fault.clone())).collect(),
            };
            let asked = (super::KIND.requests)(batch).into_iter().map(|request| {
                let ready = &ready;
                async move {
                    let first = &batch[request.answers[0]];
                    match Here::of(&self.session, ready, first, limits) {
                        Ok(here) => describe::request(&here, batch, &request).await,
                        Err(fault) => same(&request, &fault),
                    }
                }
            });
            in_order(batch.len(), join_all(asked).await)
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
            let region = first_region(std::slice::from_ref(address));
            let ready = self.session.ready(region, limits).await?;
            let here = Here::of(&self.session, &ready, address, limits)?;
            write::parameter(&here, address, secret, &condition).await
        })
    }
}

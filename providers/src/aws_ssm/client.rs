//! Parameter Store as a service of AWS.

use aws_config::SdkConfig;
use aws_sdk_ssm::{Client, config};
use aws_types::region::Region;

use super::{describe, read, write};
use crate::{
    Address, Answer, Condition, Fault, Kind, Metadata, Request, Secret,
    aws::{self, Known, Service},
};

/// The service.
pub(super) struct ParameterStore;

/// One region of it.
pub(super) type Here<'a> = aws::Here<'a, ParameterStore>;

impl Service for ParameterStore {
    const NAME: &'static str = "Parameter Store";
    const ENDPOINT: &'static str = "AWS_ENDPOINT_URL_SSM";
    const KIND: &'static Kind = &super::KIND;
    type Client = Client;

    fn client(config: &SdkConfig, region: Region, endpoint: Option<String>) -> Client {
        let mut builder = config::Builder::from(config);
        builder.set_region(Some(region));
        if endpoint.is_some() {
            builder.set_endpoint_url(endpoint);
        }
        Client::from_conf(builder.build())
    }

    async fn fetch(here: &Here<'_>, batch: &[Address], request: &Request) -> Vec<(usize, Answer)> {
        read::request(here, batch, request).await
    }

    async fn describe(
        here: &Here<'_>,
        batch: &[Address],
        request: &Request,
    ) -> Vec<(usize, Known)> {
        describe::request(here, batch, request).await
    }

    async fn write(
        here: &Here<'_>,
        address: &Address,
        secret: &Secret,
        condition: &Condition,
    ) -> Result<Metadata, Fault> {
        write::parameter(here, address, secret, condition).await
    }
}

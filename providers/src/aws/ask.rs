//! One request to a service, tried again inside the deadline.

use std::{error::Error, future::Future, time::Duration};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{
    error::metadata::ProvideErrorMetadata, retry::RetryConfig, timeout::TimeoutConfig,
};

use reqwest::Url;

use super::Refusal;
use crate::{
    Class, Fault, Limits,
    http::Proxies,
    retry::{self, Try},
};

/// A host that does not take a connection by then is not there.
const CONNECT: Duration = Duration::from_secs(3);

/// What is asked, for the texts of faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// `Secrets Manager`.
    pub(crate) service: &'a str,
    /// `eu-west-1`.
    pub(crate) region: &'a str,
    /// The permission that it takes, where the answer does not say another.
    pub(crate) action: &'a str,
    /// The secret or parameter.
    pub(crate) what: &'a str,
    /// Whose credentials it is signed with.
    pub(crate) source: &'a str,
    /// The endpoint, where it is not AWS's own.
    pub(crate) endpoint: Option<&'a str>,
    /// The ways there.
    pub(crate) proxies: &'a Proxies,
}

impl Asked<'_> {
    /// The proxy that the request goes through, as a fragment with a space before it, or nothing.
    pub(crate) fn through(&self) -> String {
        let own = || match self.region {
            region if region.contains(' ') => "https://sts.amazonaws.com".to_owned(),
            region => format!("https://service.{region}.amazonaws.com"),
        };
        let url = self.endpoint.map_or_else(own, str::to_owned);
        Url::parse(&url).map_or_else(|_| String::new(), |url| self.proxies.to(&url).through())
    }

    /// Where the request went, as a hint.
    pub(crate) fn address(&self) -> String {
        match self.endpoint {
            Some(endpoint) => format!("the endpoint is {}", origin(endpoint)),
            None => format!(
                "is there such a region as `{}`, and a way to it?",
                self.region
            ),
        }
    }
}

/// The origin of a URL. A name and a password can stand before it, and a token after it.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// The retries of a client of ours. The second try at once is the SDK's, which corrects a wrong
/// clock by the first answer; all others are ours, so that what they came to can be said.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(2)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(100))
}

/// Time-outs of a client of ours. The deadline is kept by [`ask`].
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).build()
}

/// Sends until the service answers or refuses for good.
pub(crate) async fn ask<T, E, F>(
    limits: &Limits,
    asked: Asked<'_>,
    mut send: impl FnMut() -> F,
) -> Result<Result<T, Refusal>, Fault>
where
    E: ProvideErrorMetadata + Error + 'static,
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    let silence = || {
        let Asked {
            service, region, ..
        } = asked;
        Fault::new(
            Class::TimedOut,
            format!(
                "no answer from {service} in {region}{} within the deadline",
                asked.through()
            ),
        )
        .hinted(asked.address())
    };
    let attempt = || {
        let request = send();
        async {
            let error = match request.await {
                Ok(answer) => {
                    tracing::info!(action = asked.action, what = asked.what, "answered");
                    return Try::Done(Ok(Ok(answer)));
                }
                Err(error) => error,
            };
            let refusal = Refusal::of(&error);
            tracing::info!(
                action = asked.action,
                what = asked.what,
                code = refusal.code,
                "refused"
            );
            if refusal.is_transient() {
                Try::Again {
                    fault: refusal.fault(&asked),
                    after: refusal.after,
                }
            } else {
                Try::Done(Ok(Err(refusal)))
            }
        }
    };
    retry::until(limits.deadline, silence, attempt).await
}

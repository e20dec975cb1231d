//! The identity token of a GitHub Actions job, asked from the address that the runner names.
//!
//! <https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect>

use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, HeaderMap},
};

use super::{
    config::{Variables, authority, wrong},
    server::Server,
};
use crate::{
    Class, Fault, Limits, Secret,
    http::{self, Broken, Call, Client, Options, Proxies},
    json,
    retry::{self, Try},
    tls::Tls,
};

/// What the runner gives a job that may have a token.
pub(super) struct Runner {
    url: String,
    token: Secret,
    proxies: Proxies,
}

impl Runner {
    pub(super) fn new(variables: &Variables<'_>) -> Option<Self> {
        Some(Self {
            url: variables.get("ACTIONS_ID_TOKEN_REQUEST_URL")?.to_owned(),
            token: Secret::copied_from(variables.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?.as_bytes()),
            proxies: Proxies::of(|name| variables.get(name)),
        })
    }
}

/// Asks for a token for `audience`.
pub(super) async fn token(
    server: &Server,
    audience: Option<&str>,
    limits: &Limits,
) -> Result<Secret, Fault> {
    let Some(runner) = &server.runner else {
        return Err(Fault::new(
            Class::Unauthenticated,
            "GitHub Actions offers this job no identity token: ACTIONS_ID_TOKEN_REQUEST_URL is not set",
        )
        .hinted("the job needs `permissions: { id-token: write }`"));
    };
    let mut url =
        Url::parse(&runner.url).map_err(|_| wrong("ACTIONS_ID_TOKEN_REQUEST_URL is no URL"))?;
    if let Some(audience) = audience {
        url.query_pairs_mut().append_pair("audience", audience);
    }
    let route = runner.proxies.to(&url);
    let host = route.named(&authority(&url));
    let tls = if url.scheme() == "http" {
        crate::tls::nobody()
    } else {
        Tls::default().config()
    };
    let client = Client::new(Options {
        tls: tls.map_err(|error| wrong(format!("TLS can't be set up: {error}")))?,
        route,
        unix_socket: None,
        host: None,
    })
    .map_err(|broken| broken.fault(&host))?;
    let silence = || Broken::TimedOut.fault(&host);
    retry::until(limits.deadline, silence, || {
        ask(&client, runner, &url, &host, limits)
    })
    .await
}

async fn ask(
    client: &Client,
    runner: &Runner,
    url: &Url,
    host: &str,
    limits: &Limits,
) -> Try<Secret> {
    let mut headers = HeaderMap::new();
    match http::credential("Bearer ", &runner.token) {
        Some(value) => headers.insert(AUTHORIZATION, value),
        None => {
            return Try::Done(Err(wrong("ACTIONS_ID_TOKEN_REQUEST_TOKEN is no token")));
        }
    };
    let call = Call {
        method: Method::GET,
        url: url.clone(),
        headers,
        body: None,
    };
    let response = match client.send(call, limits.deadline).await {
        Ok(response) => response,
        Err(broken) if broken.is_transient() => {
            return Try::Again {
                fault: broken.fault(host),
                after: None,
            };
        }
        Err(broken) => return Try::Done(Err(broken.fault(host))),
    };
    match (response.status, json::text_at(&response.body, &["value"])) {
        (200, Ok(Some(token))) => Try::Done(Ok(token)),
        (429 | 500.., _) => Try::Again {
            fault: Fault::new(
                Class::Unreachable,
                format!("{host}: status {}", response.status),
            ),
            after: None,
        },
        (status, _) => Try::Done(Err(Fault::new(
            Class::Unauthenticated,
            format!("{host}: GitHub gave no identity token (status {status})"),
        ))),
    }
}

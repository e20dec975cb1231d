//! Requests to a Connect server, each retried where that may help, and what their statuses mean.

use std::{ffi::OsString, time::Duration};

use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use tokio::sync::{OnceCell, Semaphore};
use zeroize::Zeroizing;

use crate::{
    Class, Fault, Limits, Secret,
    http::{Call, Client, Options, Proxies, Response, Route, below, credential},
    retry::{self, Try, until},
    tls::{Tls, nobody},
};

/// So many requests are under way at the same time.
const AT_ONCE: usize = 8;
/// Shortly before the deadline, so that the message is ours.
const SOONER: Duration = Duration::from_millis(50);

pub(super) struct Server {
    base: Url,
    /// Host and port, and the proxy on the way, for messages.
    pub(super) name: String,
    authorization: HeaderValue,
    route: Route,
    client: OnceCell<Client>,
    under_way: Semaphore,
}

/// What was asked for, or that it is not there.
pub(super) type Got = Result<Option<Zeroizing<Vec<u8>>>, Fault>;

impl Server {
    pub(super) fn new(
        host: &str,
        token: &Secret,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, Fault> {
        let wrong = |message: &str| Fault::new(Class::Malformed, message);
        let not_an_address =
            || wrong("the Connect server's address is no `https://` or `http://` URL");
        let mut base = Url::parse(host).map_err(|_| not_an_address())?;
        if !["http", "https"].contains(&base.scheme()) || base.host_str().is_none() {
            return Err(not_an_address());
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong(
                "the Connect server's address holds a user name or a password",
            ));
        }
        base.set_query(None);
        base.set_fragment(None);
        base.set_path(&format!("{}/v1/", base.path().trim_end_matches('/')));
        let name = base.host_str().unwrap_or_default();
        let port = base.port().map(|port| format!(":{port}"));
        let name = format!("{name}{}", port.unwrap_or_default());
        let authorization = credential("Bearer ", token)
            .ok_or_else(|| wrong("the Connect server's token has a character that no token has"))?;
        let variable = |name: &str| {
            let found = environment.iter().find(|(other, _)| other == name);
            found?.1.to_str()
        };
        let route = Proxies::of(variable).to(&base);
        Ok(Self {
            base,
            name: route.named(&name),
            authorization,
            route,
            client: OnceCell::new(),
            under_way: Semaphore::new(AT_ONCE),
        })
    }

    /// The address of a path, with a filter.
    pub(super) fn url(&self, path: &[&str], filter: Option<(&str, &str)>) -> Url {
        // What can't stand in a path is no name or id of anything: nothing is asked for there.
        let url = below(&self.base, path.iter().copied());
        let mut url = url.unwrap_or_else(|| self.base.clone());
        if let Some((name, value)) = filter {
            let filter = format!("{name} eq \"{value}\"");
            url.query_pairs_mut().append_pair("filter", &filter);
        }
        url
    }

    /// Asks for something; `None` where the server knows none.
    pub(super) async fn get(&self, url: Url, limits: &Limits) -> Got {
        let response = self.send(Method::GET, url, None, limits).await?;
        match response.status {
            200 => Ok(Some(response.body)),
            404 => Ok(None),
            _ => Err(self.refused(&response)),
        }
    }

    /// Changes something.
    pub(super) async fn patch(&self, url: Url, body: Zeroizing<Vec<u8>>, limits: &Limits) -> Got {
        let response = self.send(Method::PATCH, url, Some(body), limits).await?;
        match response.status {
            200 => Ok(Some(response.body)),
            404 => Ok(None),
            _ => Err(self.refused(&response)),
        }
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<Zeroizing<Vec<u8>>>,
        limits: &Limits,
    ) -> Result<Response, Fault> {
        let deadline = limits
            .deadline
            .checked_sub(SOONER)
            .unwrap_or(limits.deadline);
        let silence = || {
            Fault::new(Class::TimedOut, format!("{}: no answer in time", self.name))
                .hinted("check the Connect server, and its address: OP_CONNECT_HOST")
        };
        let attempt = || async {
            let Ok(_permit) = self.under_way.acquire().await else {
                return Try::Done(Err(silence()));
            };
            let client = match self.client().await {
                Ok(client) => client,
                Err(fault) => return Try::Done(Err(fault)),
            };
            let call = Call {
                method: method.clone(),
                url: url.clone(),
                headers: self.headers(body.is_some()),
                body: body.clone(),
            };
            match client.send(call, deadline).await {
                Ok(response) => self.sorted(response),
                Err(broken) => {
                    let fault = broken.fault(&self.name);
                    // A change that may have been made is not made again.
                    let is_safe = method == Method::GET || broken.is_before_sending();
                    if broken.is_transient() && is_safe {
                        Try::Again { fault, after: None }
                    } else {
                        Try::Done(Err(fault))
                    }
                }
            }
        };
        until(deadline, silence, attempt).await
    }

    fn sorted(&self, response: Response) -> Try<Response> {
        match response.status {
            429 | 500 | 502..=504 => Try::Again {
                after: retry::asked(response.header("retry-after")),
                fault: self.refused(&response),
            },
            _ => Try::Done(Ok(response)),
        }
    }

    fn headers(&self, has_body: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        // Files are no JSON.
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers
    }

    async fn client(&self) -> Result<&Client, Fault> {
        let make = || async {
            let tls = if self.base.scheme() == "http" {
                nobody()
            } else {
                Tls::default().config()
            };
            let tls = tls.map_err(|error| {
                Fault::new(Class::Malformed, format!("TLS does not work: {error}"))
            })?;
            let options = Options {
                tls,
                route: self.route.clone(),
                unix_socket: None,
                host: None,
            };
            Client::new(options).map_err(|broken| broken.fault(&self.name))
        };
        self.client.get_or_try_init(make).await
    }

    /// A status that is no answer.
    fn refused(&self, response: &Response) -> Fault {
        let status = response.status;
        let said = said(&response.body);
        let after = retry::asked(response.header("retry-after"));
        let wait = retry::told(after.filter(|_| status == 429));
        let fault = |class, hint: &str| {
            Fault::new(class, format!("{}: status {status}{wait}{said}", self.name)).hinted(hint)
        };
        match status {
            401 => fault(
                Class::Unauthenticated,
                "check OP_CONNECT_TOKEN, or make a new token: `op connect token create`",
            ),
            403 => fault(
                Class::Denied { permission: None },
                "give the token access to the vault: `op connect vault grant`",
            ),
            429 => fault(
                Class::Throttled { retry_after: after },
                "ask less often, or later",
            ),
            300..=399 => fault(
                Class::Malformed,
                "it redirects, which is not followed: write the address it redirects to",
            ),
            500..=599 => fault(Class::Unreachable, "see the Connect server's own log"),
            _ => fault(
                Class::Malformed,
                "is it a Connect server? See `curl $OP_CONNECT_HOST/health`",
            ),
        }
    }

    pub(super) fn malformed(&self, error: &serde_json::Error) -> Fault {
        let (line, column) = (error.line(), error.column());
        let message = format!(
            "{}: the answer is not JSON as expected, at {line}:{column}",
            self.name
        );
        Fault::new(Class::Malformed, message)
    }
}

/// The message of an error, as a fragment.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let body: Option<Body> = serde_json::from_slice(body).ok();
    let message = body.map(|body| body.message).unwrap_or_default();
    let clean = message.chars().filter(|character| !character.is_control());
    let message: String = clean.take(200).collect();
    if message.is_empty() {
        message
    } else {
        format!(", {message}")
    }
}

//! One server: requests with their headers, tries, redirects and limits.
//!
//! Retries follow the official clients' rules (connection errors, 412, 429, 5xx but 501, the 400
//! of an engine that is being upgraded). A redirect, with which a standby names the active node,
//! is followed once, by hand: a library would carry the token to any host.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use reqwest::{
    Method, Url,
    header::{HOST, HeaderMap, HeaderName, HeaderValue},
};
use tokio::sync::{OnceCell, Semaphore};
use zeroize::Zeroizing;

use super::{
    answer::Answer,
    config::{Config, Variables, authority, wrong},
    connect,
    github::Runner,
    state,
};
#[cfg(feature = "aws")]
use super::{auth, aws::Signer};
use crate::{
    Class, Fault, Limits, Opening, Secret,
    http::{self, Broken, Call, Client, Response},
    retry::{self, Try},
    time,
};

/// So many requests are under way at a time.
const AT_ONCE: usize = 32;

/// A server and the connections to it.
pub(super) struct Server {
    pub(super) config: Config,
    /// What GitHub Actions gives a job for its identity.
    pub(super) runner: Option<Runner>,
    /// What signs where an AWS identity signs in.
    #[cfg(feature = "aws")]
    signer: Option<Signer>,
    client: OnceCell<Client>,
    permits: Semaphore,
    /// Whether a token has had an answer in this run.
    pub(super) has_answered: Cell<bool>,
}

const NO_ADDRESS: &str = "no address is set, so the default was tried";

/// A request to one endpoint.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// Below `/v1/`, its segments not escaped.
    pub(super) path: &'a str,
    /// One more segment, which may hold a slash.
    pub(super) leaf: Option<&'a str>,
    /// After `?`, as it is sent.
    pub(super) query: Option<String>,
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
    pub(super) token: Option<&'a Secret>,
    /// Instead of the configured namespace.
    pub(super) namespace: Option<&'a str>,
    /// What it uses up works once: no further try where the server may have acted.
    pub(super) is_single: bool,
    /// Credentials in the body.
    pub(super) secrets: Vec<&'a Secret>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(path: &'a str, token: &'a Secret) -> Self {
        Self {
            token: Some(token),
            ..Self::of(Method::GET, path)
        }
    }

    pub(super) fn post(path: &'a str, body: Zeroizing<Vec<u8>>) -> Self {
        Self {
            body: Some(body),
            ..Self::of(Method::POST, path)
        }
    }

    pub(super) fn of(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            leaf: None,
            query: None,
            body: None,
            token: None,
            namespace: None,
            is_single: false,
            secrets: Vec::new(),
        }
    }
}

impl Server {
    /// Takes what signing in needs from the launcher's environment; nothing is asked.
    #[cfg_attr(
        not(feature = "aws"),
        expect(clippy::unnecessary_wraps, reason = "settings of AWS can be wrong")
    )]
    pub(super) fn new(config: Config, opening: &Opening<'_>) -> Result<Self, Fault> {
        #[cfg(feature = "aws")]
        let signer = match &config.auth.method {
            auth::Method::Aws {
                region, profile, ..
            } => Some(Signer::new(opening, region.as_deref(), profile.as_deref())?),
            _ => None,
        };
        Ok(Self {
            config,
            runner: Runner::new(&Variables(opening.environment)),
            #[cfg(feature = "aws")]
            signer,
            client: OnceCell::new(),
            permits: Semaphore::new(AT_ONCE),
            has_answered: Cell::new(false),
        })
    }

    /// What proves an AWS identity.
    #[cfg_attr(
        not(feature = "aws"),
        expect(clippy::unused_async, reason = "the SDK of AWS waits")
    )]
    pub(super) async fn signed(
        &self,
        server_id: Option<&str>,
        limits: &Limits,
    ) -> Result<Vec<(&'static str, Secret)>, Fault> {
        #[cfg(feature = "aws")]
        if let Some(signer) = &self.signer {
            return signer.members(server_id, limits).await;
        }
        let _ = (server_id, limits);
        Err(wrong("this endow was built without AWS"))
    }

    /// The answer to a request, after as many tries as the deadline allows.
    pub(super) async fn send(&self, ask: &Ask<'_>, limits: &Limits) -> Result<Answer, Fault> {
        let server = &self.config.server;
        let client = self
            .client
            .get_or_try_init(|| connect::client(&self.config, limits.deadline))
            .await?;
        let silence = || Broken::TimedOut.fault(server);
        retry::until(limits.deadline, silence, || {
            self.attempt(client, ask, limits)
        })
        .await
    }

    async fn attempt(&self, client: &Client, ask: &Ask<'_>, limits: &Limits) -> Try<Answer> {
        let deadline = limits.deadline;
        if let Some(rate) = &self.config.rate {
            rate.wait().await;
        }
        let Ok(_permit) = self.permits.acquire().await else {
            return Try::Done(Err(wrong("no request can be made any more")));
        };
        let deadline = match self.config.timeout {
            Some(timeout) => deadline.min(time::from_now(timeout)),
            None => deadline,
        };
        let began = Instant::now();
        let outcome = self.exchange(client, ask, deadline).await;
        self.trace(ask, &outcome, began);
        let response = match outcome {
            Ok(response) => response,
            Err(Failure::Fault(fault)) => return Try::Done(Err(fault)),
            Err(Failure::Broken(broken)) => {
                let fault = connect::hinted(broken.fault(&self.config.server), &broken);
                let is_over = ask.is_single && !broken.is_before_sending();
                if self.config.is_default && broken == Broken::Refused {
                    let fault = fault.hinted(NO_ADDRESS);
                    // Somebody at a terminal need not wait for a server that nobody has named.
                    return match limits.approval {
                        Some(_) => Try::Done(Err(fault)),
                        None => Try::Again { fault, after: None },
                    };
                }
                return if broken.is_transient() && !is_over {
                    Try::Again { fault, after: None }
                } else {
                    Try::Done(Err(fault))
                };
            }
        };
        let secrets: Vec<&Secret> = ask
            .token
            .into_iter()
            .chain(ask.secrets.iter().copied())
            .collect();
        let answer = Answer::new(response, &self.config.server, &secrets);
        if ask.token.is_some() && answer.status() < 400 {
            self.has_answered.set(true);
        }
        self.judge(client, answer, ask, deadline).await
    }

    /// The request and what came of it: no header, no body.
    fn trace(&self, ask: &Ask<'_>, outcome: &Result<Response, Failure>, began: Instant) {
        let (server, method, path) = (&self.config.server, &ask.method, ask.path);
        let elapsed = began.elapsed();
        match outcome {
            Ok(Response { status, .. }) => {
                tracing::info!(%server, %method, path, status, ?elapsed, "answered");
            }
            Err(Failure::Broken(broken)) => {
                tracing::info!(%server, %method, path, ?broken, ?elapsed, "no answer");
            }
            Err(Failure::Fault(fault)) => {
                tracing::info!(%server, %method, path, ?elapsed, "{}", fault.message);
            }
        }
    }

    /// Whether an answer is one, or another try may bring it.
    async fn judge(
        &self,
        client: &Client,
        answer: Answer,
        ask: &Ask<'_>,
        deadline: Instant,
    ) -> Try<Answer> {
        let after = retry::asked(answer.response.header("retry-after"));
        let fault = match answer.status() {
            400 if answer.words.starts_with("Upgrading from non-versioned") => {
                answer.fault(Class::Unreachable, "the engine is being upgraded")
            }
            412 => answer.fault(
                Class::Unreachable,
                "status 412, the node has not caught up yet",
            ),
            429 => {
                let class = Class::Throttled { retry_after: after };
                let wait = retry::told(after);
                answer.fault(class, &format!("status 429, too many requests{wait}"))
            }
            501 => return Try::Done(Ok(answer)),
            status @ 500.. => {
                if let Some(state) = state::ask(self, client, deadline).await {
                    state.fault(&self.config.server)
                } else {
                    answer.fault(Class::Unreachable, &format!("status {status}"))
                }
            }
            _ => return Try::Done(Ok(answer)),
        };
        if ask.is_single && answer.status() != 429 && answer.status() != 503 {
            Try::Done(Err(fault))
        } else {
            Try::Again { fault, after }
        }
    }

    /// One request and at most one redirect.
    async fn exchange(
        &self,
        client: &Client,
        ask: &Ask<'_>,
        deadline: Instant,
    ) -> Result<Response, Failure> {
        let url = self.url(ask)?;
        let response = client.send(self.call(ask, &url)?, deadline).await?;
        if !is_redirect(response.status) {
            return Ok(response);
        }
        let target = self.target(&url, response.header("location"))?;
        let response = client.send(self.call(ask, &target)?, deadline).await?;
        if is_redirect(response.status) {
            return Err(self.redirect("it redirects twice").into());
        }
        Ok(response)
    }

    /// One request, without tries and without redirects; `None` where it brought nothing.
    pub(super) async fn once(
        &self,
        client: &Client,
        ask: &Ask<'_>,
        deadline: Instant,
    ) -> Option<Response> {
        let call = self.call(ask, &self.url(ask).ok()?).ok()?;
        client.send(call, deadline).await.ok()
    }

    /// The same over the connections that there are, within a second; what comes of it is not
    /// told.
    pub(super) async fn once_more(&self, ask: &Ask<'_>) {
        if let Some(client) = self.client.get() {
            let deadline = time::from_now(Duration::from_secs(1));
            self.once(client, ask, deadline).await;
        }
    }

    /// The address of a redirect, if the token may be sent there.
    fn target(&self, url: &Url, location: Option<&str>) -> Result<Url, Failure> {
        let target = location
            .and_then(|location| url.join(location).ok())
            .ok_or_else(|| self.redirect("it redirects to no address"))?;
        let is_weaker = url.scheme() == "https" && target.scheme() != "https";
        if is_weaker || !["http", "https"].contains(&target.scheme()) {
            return Err(self
                .redirect("it redirects to an address without TLS")
                .into());
        }
        if target.origin() != url.origin() || !target.username().is_empty() {
            let port = target.port_or_known_default();
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            let what = format!(
                "it redirects to another server, {}://{}{port}",
                target.scheme(),
                target.host_str().unwrap_or_default()
            );
            return Err(self
                .redirect(&what)
                .hinted("nothing was sent there: a token is for the scheme, host and port that the address names")
                .hinted("if that is the active node, name it, or what stands before all nodes, as the address")
                .into());
        }
        Ok(target)
    }

    fn redirect(&self, what: &str) -> Fault {
        Fault::new(
            Class::Unreachable,
            format!("{}: {what}", self.config.server),
        )
    }

    /// The address of an endpoint, each segment of its path escaped.
    pub(super) fn url(&self, ask: &Ask<'_>) -> Result<Url, Fault> {
        let segments = ask.path.split('/').chain(ask.leaf);
        let url = http::below(&self.config.base, segments);
        let mut url = url.ok_or_else(|| {
            wrong("a path or mount has a `.` or `..` as a segment, or a control character")
        })?;
        url.set_query(ask.query.as_deref());
        Ok(url)
    }

    /// A request to the host of `url`, with all headers.
    fn call(&self, ask: &Ask<'_>, url: &Url) -> Result<Call, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        let namespace = ask.namespace.or(self.config.namespace.as_deref());
        if let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) {
            let value = HeaderValue::from_str(namespace)
                .map_err(|_| wrong("the namespace can't stand in a header"))?;
            headers.insert("x-vault-namespace", value);
        }
        for (name, value) in &self.config.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Some(value)) = (name, http::credential("", value)) {
                headers.append(name, value);
            }
        }
        if let Some(token) = ask.token {
            let value = http::credential("", token)
                .ok_or_else(|| wrong("the token has characters that no token has"))?;
            headers.insert("x-vault-token", value);
        }
        if ask.body.is_some() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        let mut url = url.clone();
        if let Some(name) = &self.config.tls.server_name {
            let host = HeaderValue::from_str(&authority(&url));
            headers.insert(HOST, host.map_err(|_| wrong("the host is no name"))?);
            url.set_host(Some(name))
                .map_err(|_| wrong("`tls_server_name` is no host name"))?;
        }
        Ok(Call {
            method: ask.method.clone(),
            url,
            headers,
            body: ask.body.clone(),
        })
    }
}

/// Why an exchange has no answer.
enum Failure {
    Broken(Broken),
    Fault(Fault),
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn is_redirect(status: u16) -> bool {
    [301, 302, 307, 308].contains(&status)
}

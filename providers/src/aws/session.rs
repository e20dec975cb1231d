//! The sign-in of one backend, made for the first request and kept.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::{DateTime, date_time::Format};
use tokio::{runtime::Handle, sync::Semaphore, task::spawn_blocking, time::timeout_at};

use super::{
    Arn, Asked, Settings, ask,
    begin::{Loaded, begin},
    credentials::{Signed, Waiting},
};
use crate::{Class, Fault, Identity, Limits, caught::caught};

/// So many requests are in flight at a time.
const AT_ONCE: usize = 20;
/// Credentials with less time than this are got anew.
const SHORTEST: Duration = Duration::from_mins(1);
/// The name that a role of ours is assumed under, for the other side's logs.
const SESSION: &str = "endow";

/// A backend's connection to AWS.
pub(crate) struct Session {
    /// How.
    pub(crate) settings: Settings,
    /// Held by each request.
    pub(crate) slots: Semaphore,
    ready: RefCell<Option<Rc<Ready>>>,
}

/// What a sign-in gave.
pub(crate) struct Ready {
    /// Endpoints, time-outs, retries and credentials, for the client of any service.
    pub(crate) config: SdkConfig,
    /// The region of what does not name one.
    pub(crate) region: Option<String>,
    /// Whose credentials these are.
    pub(crate) source: String,
    /// When they end.
    expires: Option<SystemTime>,
}

impl Session {
    /// A session that has not begun.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            slots: Semaphore::new(AT_ONCE),
            ready: RefCell::new(None),
        }
    }

    /// Signs in, if need be. `region` is where, if no region is set.
    pub(crate) async fn ready(
        &self,
        region: Option<&str>,
        limits: &Limits,
    ) -> Result<Rc<Ready>, Fault> {
        if let Some(ready) = &*self.ready.borrow()
            && ready.is_good()
        {
            return Ok(Rc::clone(ready));
        }
        let waiting = Waiting::default();
        let known = Arc::clone(&waiting);
        let settings = self.settings.clone();
        let region = region.map(str::to_owned);
        // The SDK reads files with blocking calls: on a thread of its own, a pipe that nobody
        // writes ends at the deadline.
        let work = move || Handle::current().block_on(begin(settings, region, known));
        let begun = spawn_blocking(move || caught(work));
        let (loaded, signed) = match timeout_at(limits.deadline.into(), begun).await {
            Ok(Ok(Some(outcome))) => outcome?,
            Ok(Ok(None) | Err(_)) => {
                return Err(Fault::new(Class::Malformed, "the sign-in to AWS broke off"));
            }
            Err(_) => {
                let whom = waiting.lock().map(|whom| whom.clone()).unwrap_or_default();
                return Err(Fault::new(
                    Class::TimedOut,
                    format!("no AWS credentials within the deadline: still waiting for {whom}"),
                ));
            }
        };
        let signed = self.assume(&loaded, signed, limits).await?;
        let ready = Rc::new(Ready::new(loaded, signed));
        *self.ready.borrow_mut() = Some(Rc::clone(&ready));
        Ok(ready)
    }

    /// Takes on `role_arn`, where it is set.
    async fn assume(
        &self,
        loaded: &Loaded,
        signed: Signed,
        limits: &Limits,
    ) -> Result<Signed, Fault> {
        let Some(role) = &self.settings.role else {
            return Ok(signed);
        };
        let base = Ready::new(loaded.clone(), signed);
        let (client, endpoint) = self.sts(&base);
        let asked = Asked {
            service: "STS",
            region: loaded.signing_region(),
            action: "sts:AssumeRole",
            what: role,
            source: &base.source,
            endpoint: endpoint.as_deref(),
            proxies: &self.settings.proxies,
        };
        let send = || {
            client
                .assume_role()
                .role_arn(role)
                .role_session_name(SESSION)
                .send()
        };
        let answer = ask(limits, asked, send)
            .await?
            .map_err(|refusal| refusal.fault(&asked))?;
        let malformed = || Fault::new(Class::Malformed, "STS gives no credentials of the role");
        let given = answer.credentials.ok_or_else(malformed)?;
        let credentials = aws_credential_types::Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            SystemTime::try_from(given.expiration).ok(),
            "AssumeRole",
        );
        let signed = Signed {
            credentials,
            source: format!("`{role}`"),
        };
        signed.checked()
    }

    /// The endpoint that the environment names for a service.
    pub(crate) fn endpoint(&self, variable: &str) -> Option<String> {
        if self.settings.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            return None;
        }
        let stated = self.settings.variable(variable);
        stated.or_else(|| self.settings.variable("AWS_ENDPOINT_URL"))
    }

    fn sts(&self, ready: &Ready) -> (aws_sdk_sts::Client, Option<String>) {
        let endpoint = self.endpoint("AWS_ENDPOINT_URL_STS");
        let mut builder = aws_sdk_sts::config::Builder::from(&ready.config);
        if endpoint.is_some() {
            builder.set_endpoint_url(endpoint.clone());
        }
        let client = aws_sdk_sts::Client::from_conf(builder.build());
        (client, endpoint)
    }

    /// Nothing says which region is meant.
    pub(crate) fn no_region(&self, service: &str) -> Fault {
        Fault::new(
            Class::Malformed,
            format!("no region is set, so it is not known which {service} to ask"),
        )
        .hinted(format!(
            "set AWS_REGION, or `region` of `{}` under `backends`, or write the ARN",
            self.settings.backend
        ))
    }

    /// Refuses what belongs to another account than the one that is set.
    pub(crate) fn check_account(&self, arn: &str) -> Result<(), Fault> {
        let Some(account) = &self.settings.account else {
            return Ok(());
        };
        match Arn::of(arn).map(|arn| arn.account) {
            Some(found) if found == account => Ok(()),
            Some(found) => Err(Fault::new(
                Class::Denied { permission: None },
                format!(
                    "it is of account {found}, and `{}` is for account {account} alone",
                    self.settings.backend
                ),
            )),
            None => Err(Fault::new(
                Class::Malformed,
                format!(
                    "the answer does not say of which account it is, and `{}` is for account {account} alone",
                    self.settings.backend
                ),
            )),
        }
    }

    /// As whom, and until when.
    pub(crate) async fn identity(&self, limits: &Limits) -> Result<Identity, Fault> {
        let ready = self.ready(None, limits).await?;
        if ready.region.is_none() {
            return Err(self.no_region("STS"));
        }
        let (client, endpoint) = self.sts(&ready);
        let asked = Asked {
            service: "STS",
            region: ready.config.region().map_or("", AsRef::as_ref),
            action: "sts:GetCallerIdentity",
            what: "the caller",
            source: &ready.source,
            endpoint: endpoint.as_deref(),
            proxies: &self.settings.proxies,
        };
        let answer = ask(limits, asked, || client.get_caller_identity().send())
            .await?
            .map_err(|refusal| refusal.fault(&asked))?;
        Ok(Identity {
            name: answer.arn.unwrap_or_default(),
            expires: ready.expires.and_then(|end| written(DateTime::from(end))),
        })
    }
}

impl Ready {
    fn new(loaded: Loaded, signed: Signed) -> Self {
        let expires = signed.credentials.expiry();
        let provider = SharedCredentialsProvider::new(signed.credentials);
        Self {
            config: loaded
                .config
                .into_builder()
                .credentials_provider(provider)
                .build(),
            region: loaded.region,
            source: signed.source,
            expires,
        }
    }

    fn is_good(&self) -> bool {
        self.expires.is_none_or(|end| {
            let left = end.duration_since(SystemTime::now());
            left.is_ok_and(|left| left > SHORTEST)
        })
    }
}

/// A moment as RFC 3339.
pub(crate) fn written(moment: DateTime) -> Option<String> {
    moment.fmt(Format::DateTime).ok()
}

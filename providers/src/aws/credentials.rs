//! Who signs the requests: the sources that users of AWS expect, in their order.
//!
//! Each source but the environment's two keys is the SDK's own. They are asked one by one here, not
//! by the SDK's chain, for three reasons: to say which were tried and why each had nothing; so that
//! a named profile is not overruled by keys that stand in the environment; and so that the metadata
//! address of EC2 is asked only where nothing else is configured.

mod failure;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{
    ecs::EcsCredentialsProvider,
    imds::{self, credentials::ImdsCredentialsProvider},
    profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig,
    web_identity_token::WebIdentityTokenCredentialsProvider,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError},
};

use self::failure::{failure, reason};
use super::{Settings, http, profile::Profiles};
use crate::{Class, Fault};

/// How long the metadata address may take to connect. It is there at once, or not at all.
const CONNECT: Duration = Duration::from_millis(300);
const READ: Duration = Duration::from_secs(2);

const KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

/// What is being waited for, so that a deadline can name it.
pub(crate) type Waiting = Arc<Mutex<String>>;

/// Credentials and where they came from.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    /// The keys.
    pub(crate) credentials: Credentials,
    /// `the environment`, ``profile `chat` ``.
    pub(crate) source: String,
}

impl Signed {
    /// Refuses what can't stand in a header: the libraries below end the process, or say that the server
    /// can't be reached.
    pub(super) fn checked(self) -> Result<Self, Fault> {
        let parts = [
            (KEY, "access key id", Some(self.credentials.access_key_id())),
            (
                SECRET,
                "secret access key",
                Some(self.credentials.secret_access_key()),
            ),
            (TOKEN, "session token", self.credentials.session_token()),
        ];
        let is_wrong =
            |text: &str| text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic());
        let wrong = parts.iter().find(|(_, _, text)| text.is_some_and(is_wrong));
        let Some((variable, what, _)) = wrong else {
            return Ok(self);
        };
        let whose = if self.source == Source::Environment.name() {
            (*variable).to_owned()
        } else {
            format!("the {what} of {}", self.source)
        };
        Err(Fault::new(
            Class::Malformed,
            format!(
                "{whose} holds a blank, a line break or another character that no key of AWS has"
            ),
        )
        .hinted("copy it once more, without a line break at its end"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Environment,
    Profile(String),
    WebIdentity,
    Container,
    Metadata,
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::Environment => "the environment".to_owned(),
            Self::Profile(name) => format!("profile `{name}`"),
            Self::WebIdentity => "the web identity".to_owned(),
            Self::Container => "the container".to_owned(),
            Self::Metadata => "the instance metadata".to_owned(),
        }
    }

    async fn ask(
        &self,
        settings: &Settings,
        config: &ProviderConfig,
    ) -> Result<Credentials, CredentialsError> {
        match self {
            Self::Environment => stated(settings),
            Self::Profile(name) => {
                ProfileFileCredentialsProvider::builder()
                    .configure(config)
                    .profile_name(name)
                    .build()
                    .provide_credentials()
                    .await
            }
            Self::WebIdentity => {
                WebIdentityTokenCredentialsProvider::builder()
                    .configure(config)
                    .build()
                    .provide_credentials()
                    .await
            }
            Self::Container => {
                EcsCredentialsProvider::builder()
                    .configure(&config.clone().with_http_client(http::direct()))
                    .connect_timeout(Duration::from_secs(1))
                    .read_timeout(READ)
                    .build()
                    .provide_credentials()
                    .await
            }
            Self::Metadata => {
                ImdsCredentialsProvider::builder()
                    .configure(config)
                    .imds_client(metadata(config))
                    .build()
                    .provide_credentials()
                    .await
            }
        }
    }
}

/// The keys that stand in the environment.
fn stated(settings: &Settings) -> Result<Credentials, CredentialsError> {
    let variable = |name: &str| settings.variable(name);
    match (variable(KEY), variable(SECRET)) {
        (Some(key), Some(secret)) => {
            let token = variable(TOKEN);
            Ok(Credentials::new(key, secret, token, None, "Environment"))
        }
        _ => Err(CredentialsError::not_loaded_no_source()),
    }
}

/// A client of EC2's metadata that asks once and does not wait.
pub(crate) fn metadata(config: &ProviderConfig) -> imds::Client {
    imds::Client::builder()
        .configure(&config.clone().with_http_client(http::direct()))
        .max_attempts(1)
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .build()
}

/// Why the metadata address is not asked; `None` where it is.
pub(crate) fn no_metadata(settings: &Settings) -> Option<String> {
    if settings.is_true("AWS_EC2_METADATA_DISABLED") {
        return Some("AWS_EC2_METADATA_DISABLED is true".to_owned());
    }
    let others = [
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    let set = others
        .into_iter()
        .find(|name| settings.variable(name).is_some());
    set.map(|name| format!("not asked, since {name} is set"))
}

/// Signs in by the first source that has credentials.
pub(crate) async fn sign_in(
    settings: &Settings,
    config: &ProviderConfig,
    profiles: &Result<Profiles, String>,
    waiting: &Waiting,
) -> Result<Signed, Fault> {
    let mut tried = Vec::new();
    for source in sources(settings) {
        let name = source.name();
        if source == Source::Metadata
            && let Some(reason) = no_metadata(settings)
        {
            tried.push(format!("tried {name}: {reason}"));
            continue;
        }
        if let (Source::Profile(_), Err(at)) = (&source, profiles) {
            let message = "the AWS configuration can't be read";
            return Err(Fault::new(Class::Malformed, message).hinted(at.clone()));
        }
        if let Ok(mut waiting) = waiting.lock() {
            waiting.clone_from(&name);
        }
        match source.ask(settings, config).await {
            Ok(credentials) => {
                let signed = Signed {
                    credentials,
                    source: name,
                };
                return signed.checked();
            }
            Err(CredentialsError::CredentialsNotLoaded(_)) => {
                let reason = reason(&source, settings, profiles);
                tried.push(format!("tried {name}: {reason}"));
            }
            Err(error) => return Err(failure(&source, settings, &error, profiles)),
        }
    }
    if settings.profile.is_none() {
        tried.push("sign in with `aws sso login`, name a profile by `aws_profile` under `backends` or by AWS_PROFILE, or give the workload a role".to_owned());
    }
    let fault = Fault::new(Class::Unauthenticated, "there are no AWS credentials");
    Err(tried.into_iter().fold(fault, Fault::hinted))
}

fn sources(settings: &Settings) -> Vec<Source> {
    match &settings.profile {
        Some(profile) => vec![Source::Profile(profile.clone())],
        None => vec![
            Source::Environment,
            Source::Profile(settings.profile_name()),
            Source::WebIdentity,
            Source::Container,
            Source::Metadata,
        ],
    }
}

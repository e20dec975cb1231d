//! Who signs the requests: the sources that users of AWS expect, in their order.
//!
//! Each source but the environment's two keys is the SDK's own. They are asked one by one here, not by the SDK's chain, for
//! three reasons: to say which were tried and why each had nothing; so that a named profile is
//! not overruled by keys that stand in the environment; and so that the metadata address of EC2
//! is asked only where nothing else is configured.

use std::{
    error::Error,
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
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};

use super::{
    Asked, Refusal, Settings,
    profile::{How, Profiles},
    refusal::find,
};
use crate::{Class, Fault};

/// How long the metadata address may take to connect. It is there at once, or not at all.
const CONNECT: Duration = Duration::from_millis(300);
const READ: Duration = Duration::from_secs(2);

const KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

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
                    .configure(config)
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
            let token = variable("AWS_SESSION_TOKEN");
            Ok(Credentials::new(key, secret, token, None, "Environment"))
        }
        _ => Err(CredentialsError::not_loaded_no_source()),
    }
}

/// A client of EC2's metadata that asks once and does not wait.
pub(crate) fn metadata(config: &ProviderConfig) -> imds::Client {
    imds::Client::builder()
        .configure(config)
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
    let sources = match &settings.profile {
        Some(profile) => vec![Source::Profile(profile.clone())],
        None => vec![
            Source::Environment,
            Source::Profile(settings.profile_name()),
            Source::WebIdentity,
            Source::Container,
            Source::Metadata,
        ],
    };
    for source in sources {
        if source == Source::Metadata
            && let Some(reason) = no_metadata(settings)
        {
            tried.push(format!("{}: {reason}", source.name()));
            continue;
        }
        if let (Source::Profile(_), Err(text)) = (&source, profiles) {
            return Err(
                Fault::new(Class::Malformed, "the AWS configuration can't be read")
                    .hinted(text.clone()),
            );
        }
        if let Ok(mut waiting) = waiting.lock() {
            *waiting = source.name();
        }
        match source.ask(settings, config).await {
            Ok(credentials) => {
                return Ok(Signed {
                    credentials,
                    source: source.name(),
                });
            }
            Err(CredentialsError::CredentialsNotLoaded(_)) => {
                let reason = reason(&source, settings, profiles);
                tried.push(format!("{}: {reason}", source.name()));
            }
            Err(error) => return Err(failure(&source, settings, &error, profiles)),
        }
    }
    let mut fault = Fault::new(Class::Unauthenticated, "there are no AWS credentials");
    for tried in tried {
        fault = fault.hinted(format!("tried {tried}"));
    }
    Err(match &settings.profile {
        Some(_) => fault,
        None => fault.hinted(
            "sign in with `aws sso login`, name a profile by `aws_profile` under `backends` or by AWS_PROFILE, or give the workload a role",
        ),
    })
}

/// Why a source had nothing.
fn reason(source: &Source, settings: &Settings, profiles: &Result<Profiles, String>) -> String {
    let unset = |names: &[&str]| {
        let missing = names.iter().find(|name| settings.variable(name).is_none());
        match missing {
            Some(name) => format!("{name} is not set"),
            None => "it has no credentials".to_owned(),
        }
    };
    match source {
        Source::Environment => unset(&[KEY, SECRET]),
        Source::Profile(name) => match profiles {
            Ok(profiles) if profiles.has(name) => "it has no credentials".to_owned(),
            Ok(profiles) => match profiles.names() {
                names if names.is_empty() => "there are no profiles".to_owned(),
                names => format!("there is none, only `{}`", names.join("`, `")),
            },
            Err(_) => "it can't be read".to_owned(),
        },
        Source::WebIdentity => unset(&["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"]),
        Source::Container => unset(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]),
        Source::Metadata => "no answer".to_owned(),
    }
}

/// What went wrong in a source that is configured.
fn failure(
    source: &Source,
    settings: &Settings,
    error: &CredentialsError,
    profiles: &Result<Profiles, String>,
) -> Fault {
    let name = source.name();
    let role = settings.variable("AWS_ROLE_ARN");
    let (action, what) = match source {
        Source::WebIdentity => ("sts:AssumeRoleWithWebIdentity", role.as_deref()),
        _ => ("sts:AssumeRole", None),
    };
    let asked = Asked {
        service: "the sign-in service of AWS",
        region: "its region",
        action,
        what: what.unwrap_or(&name),
        source: &name,
        endpoint: None,
    };
    if let Some(refusal) = refusal(error) {
        return refusal.fault(&asked);
    }
    let profile = match source {
        Source::Profile(profile) => profiles.as_ref().ok().map(|known| known.how(profile)),
        _ => None,
    };
    let is_unreached = find::<ConnectorError>(error).is_some();
    match (profile, error) {
        (Some((How::Sso, at)), _) if !is_unreached => Fault::new(
            Class::Unauthenticated,
            format!("the SSO session of profile `{at}` has expired, or was never begun"),
        )
        .hinted(format!("run `aws sso login --profile {at}`")),
        (Some((How::Process, at)), _) => Fault::new(
            Class::Unauthenticated,
            format!("the `credential_process` of profile `{at}` gives no credentials"),
        )
        .hinted(format!(
            "see what it says: `aws sts get-caller-identity --profile {at}`"
        )),
        (_, CredentialsError::InvalidConfiguration(_)) => {
            let fault = Fault::new(Class::Malformed, format!("{name} is not configured right"));
            match error.source() {
                Some(cause) => fault.hinted(cause.to_string()),
                None => fault,
            }
        }
        _ if is_unreached => Fault::new(
            Class::Unreachable,
            format!("can't reach what gives the credentials of {name}"),
        ),
        _ => Fault::new(
            Class::Unauthenticated,
            format!("{name} is configured, and gives no credentials"),
        ),
    }
}

/// What a service said that the source asked on its way.
fn refusal(error: &CredentialsError) -> Option<Refusal> {
    type Failed<E> = SdkError<E, HttpResponse>;
    let is_refused = |refusal: &Refusal| !refusal.code.is_empty();
    if let Some(error) = find::<Failed<AssumeRoleError>>(error) {
        return Some(Refusal::of(error)).filter(is_refused);
    }
    if let Some(error) = find::<Failed<AssumeRoleWithWebIdentityError>>(error) {
        return Some(Refusal::of(error)).filter(is_refused);
    }
    match find::<Failed<GetRoleCredentialsError>>(error)? {
        SdkError::ServiceError(service) if service.err().is_unauthorized_exception() => None,
        error => Some(Refusal::of(error)).filter(is_refused),
    }
}

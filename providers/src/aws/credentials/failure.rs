//! What is said of a source without credentials, and of one that fails.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};

use super::{KEY, SECRET, Source};
use reqwest::Url;

use crate::{
    Class, Fault,
    aws::{
        Asked, Refusal, Settings,
        profile::{How, Profiles},
        refusal::find,
    },
};

/// Why a source had nothing.
pub(super) fn reason(
    source: &Source,
    settings: &Settings,
    profiles: &Result<Profiles, String>,
) -> String {
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
pub(super) fn failure(
    source: &Source,
    settings: &Settings,
    error: &CredentialsError,
    profiles: &Result<Profiles, String>,
) -> Fault {
    let name = source.name();
    if let Some(refusal) = refusal(error) {
        let role = settings.variable("AWS_ROLE_ARN");
        let (action, what) = match source {
            Source::WebIdentity => ("sts:AssumeRoleWithWebIdentity", role.as_deref()),
            _ => ("sts:AssumeRole", None),
        };
        return refusal.fault(&Asked {
            service: "the sign-in service of AWS",
            region: "its region",
            action,
            what: what.unwrap_or(&name),
            source: &name,
            endpoint: None,
            proxies: &settings.proxies,
        });
    }
    let is_unreached = find::<ConnectorError>(error).is_some();
    if let (Source::Profile(profile), Ok(known)) = (source, profiles) {
        match known.how(profile) {
            (How::Sso, at) if !is_unreached => return no_session(&at),
            (How::Process, at) => return no_keys(&at),
            _ => {}
        }
        if let (CredentialsError::InvalidConfiguration(_), Some(cause)) = (error, error.source()) {
            let message = format!("{name} is not configured right");
            // It names profiles and settings, and no setting's value but a profile's name.
            return Fault::new(Class::Malformed, message).hinted(cause.to_string());
        }
    }
    if is_unreached {
        let is_remote = matches!(source, Source::Profile(_) | Source::WebIdentity);
        let sts = Url::parse("https://sts.amazonaws.com")
            .ok()
            .filter(|_| is_remote);
        let through = sts.map(|sts| settings.proxies.to(&sts).through());
        let through = through.unwrap_or_default();
        let message = format!("can't reach what gives the credentials of {name}{through}");
        Fault::new(Class::Unreachable, message)
    } else {
        let message = format!("{name} is configured, and gives no credentials");
        Fault::new(Class::Unauthenticated, message)
    }
}

fn no_session(profile: &str) -> Fault {
    Fault::new(
        Class::Unauthenticated,
        format!("the SSO session of profile `{profile}` has expired, or was never begun"),
    )
    .hinted(format!("run `aws sso login --profile {profile}`"))
}

fn no_keys(profile: &str) -> Fault {
    Fault::new(
        Class::Unauthenticated,
        format!("the `credential_process` of profile `{profile}` gives no credentials"),
    )
    .hinted(format!(
        "see what it says: `aws sts get-caller-identity --profile {profile}`"
    ))
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

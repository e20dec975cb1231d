//! The AWS configuration, read, and the sign-in with it.

use aws_config::{
    BehaviorVersion, SdkConfig, imds::region::ImdsRegionProvider, meta::region::ProvideRegion,
    profile::ProfileFileRegionProvider, provider_config::ProviderConfig,
};
use aws_credential_types::Token;
use aws_types::region::Region;

use super::{
    Settings,
    ask::{retries, timeouts},
    credentials::{self, Signed, Waiting},
    http,
    profile::Profiles,
};
use crate::Fault;

/// The configuration before anybody signed in.
#[derive(Clone)]
pub(crate) struct Loaded {
    /// Endpoints, time-outs and retries.
    pub(crate) config: SdkConfig,
    /// The region of what does not name one.
    pub(crate) region: Option<String>,
}

impl Loaded {
    /// The region to sign in.
    pub(crate) fn signing_region(&self) -> &str {
        self.config.region().map_or("", AsRef::as_ref)
    }
}

/// Reads the AWS configuration and signs in.
///
/// The SDK takes an environment and a file system of the caller only under its feature for tests,
/// so it reads the process's own. That is the launcher's, from which `Settings` has its copy.
pub(crate) async fn begin(
    settings: Settings,
    fallback: Option<String>,
    waiting: Waiting,
) -> Result<(Loaded, Signed), Fault> {
    if let Ok(mut waiting) = waiting.lock() {
        "the AWS configuration".clone_into(&mut waiting);
    }
    let http = http::client(&settings.proxies, settings.bundle()?);
    let profile = settings.profile_name();
    let profiles = Profiles::load(&profile).await;
    let base = ProviderConfig::default()
        .with_http_client(http.clone())
        .with_retry_config(retries())
        .with_timeout_config(timeouts())
        .with_behavior_version(Some(BehaviorVersion::latest()));
    let region = region(&settings, &base, &profile).await;
    let signing = region.clone().or(fallback).map(Region::new);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(signing.clone())
        .http_client(http)
        .retry_config(retries())
        .timeout_config(timeouts())
        // No service here takes a bearer token. Without one the loader looks for a provider of
        // them, and for that one's region at the metadata address.
        .token_provider(Token::new("", None))
        .no_credentials();
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    let base = base
        .with_region(signing)
        .with_use_fips(config.use_fips())
        .with_use_dual_stack(config.use_dual_stack());
    let signed = credentials::sign_in(&settings, &base, &profiles, &waiting).await?;
    Ok((Loaded { config, region }, signed))
}

/// The region of what does not name one: as set, else the profile's, else the instance's.
async fn region(settings: &Settings, config: &ProviderConfig, profile: &str) -> Option<String> {
    if settings.region.is_some() {
        return settings.region.clone();
    }
    let from_profile = ProfileFileRegionProvider::builder()
        .configure(config)
        .profile_name(profile)
        .build();
    if let Some(region) = from_profile.region().await {
        return Some(region.to_string());
    }
    // Something else that signs in does not run on an instance whose region is meant.
    let signs_in = settings.profile.is_some() || settings.variable("AWS_ACCESS_KEY_ID").is_some();
    if signs_in || credentials::no_metadata(settings).is_some() {
        return None;
    }
    let client = credentials::metadata(config);
    let from_instance = ImdsRegionProvider::builder()
        .configure(config)
        .imds_client(client)
        .build();
    Some(from_instance.region().await?.to_string())
}

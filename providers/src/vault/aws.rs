//! Signing in to Vault as an AWS identity: a signed `GetCallerIdentity` that Vault itself sends to
//! STS. OpenBao has no such method.
//!
//! <https://developer.hashicorp.com/vault/api-docs/auth/aws#login>

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::config::wrong;
use crate::{Class, Fault, Limits, Opening, Secret, Settings, aws};

/// Where the signature is for, unless a region is said: Vault asks the global endpoint by default.
const REGION: &str = "us-east-1";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// Who signs, and for which endpoint.
pub(super) struct Signer {
    session: aws::Session,
    region: String,
}

impl Signer {
    pub(super) fn new(
        opening: &Opening<'_>,
        region: Option<&str>,
        profile: Option<&str>,
    ) -> Result<Self, Fault> {
        let text = |(name, text): (&str, Option<&str>)| {
            let text = Secret::copied_from(text?.as_bytes());
            Some((name.to_owned(), Settings::Text(text)))
        };
        let settings = [("region", region), ("aws_profile", profile)];
        let opening = Opening {
            name: opening.name,
            settings: Settings::Map(settings.into_iter().filter_map(text).collect()),
            environment: opening.environment,
            home: opening.home.clone(),
            helpers: opening.helpers.clone(),
        };
        Ok(Self {
            session: aws::Session::new(aws::Settings::of(opening)?),
            region: region.unwrap_or(REGION).to_owned(),
        })
    }

    /// What is sent to `auth/aws/login` but for the role.
    pub(super) async fn members(
        &self,
        server_id: Option<&str>,
        limits: &Limits,
    ) -> Result<Vec<(&'static str, Secret)>, Fault> {
        let url = endpoint(&self.region);
        let headers = self.signed(&url, server_id, limits).await?;
        let encoded = |text: &str| Secret::new(STANDARD.encode(text).into_bytes());
        Ok(vec![
            ("iam_http_request_method", Secret::copied_from(b"POST")),
            ("iam_request_url", encoded(&url)),
            ("iam_request_body", encoded(BODY)),
            ("iam_request_headers", encoded(&headers)),
        ])
    }

    /// All headers of the request as JSON, the signature among them.
    async fn signed(
        &self,
        url: &str,
        server_id: Option<&str>,
        limits: &Limits,
    ) -> Result<String, Fault> {
        let ready = self.session.ready(Some(&self.region), limits).await?;
        let provider = ready.config.credentials_provider();
        let provider = provider.ok_or_else(|| unsigned("there are no credentials"))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|_| unsigned("there are no credentials"))?;
        let identity = credentials.into();
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        let mut headers = vec![
            ("host", host),
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
        ];
        headers.extend(server_id.map(|id| ("x-vault-aws-iam-server-id", id)));
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("sts")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| unsigned("the request can't be signed"))?
            .into();
        let body = SignableBody::Bytes(BODY.as_bytes());
        let request = SignableRequest::new("POST", url, headers.iter().copied(), body);
        let signed = request.and_then(|request| sign(request, &parameters));
        let (instructions, _) = signed
            .map_err(|_| unsigned("the request can't be signed"))?
            .into_parts();
        let all = headers.into_iter().chain(instructions.headers());
        let all = all.map(|(name, value)| (name.to_owned(), vec![value].into()));
        Ok(serde_json::Value::Object(all.collect()).to_string())
    }
}

/// STS in a region; the global endpoint is that of the first one.
fn endpoint(region: &str) -> String {
    match region {
        REGION => "https://sts.amazonaws.com/".to_owned(),
        region if region.starts_with("cn-") => format!("https://sts.{region}.amazonaws.com.cn/"),
        region => format!("https://sts.{region}.amazonaws.com/"),
    }
}

fn unsigned(what: &str) -> Fault {
    let mut fault = wrong(format!("the sign-in as an AWS identity: {what}"));
    fault.class = Class::Unauthenticated;
    fault
}

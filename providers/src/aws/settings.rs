//! A backend's settings, checked, and what the launcher's environment says besides.

use std::ffi::OsString;

use zeroize::Zeroizing;

use crate::{
    Class, Fault, Opening,
    aws::{Arn, is_region},
    http::Proxies,
    tls,
};

const ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// The addresses of the services that are asked.
const ENDPOINTS: [&str; 4] = [
    ENDPOINT,
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_SSM",
];
/// What would be passed over as if it were not set.
const READ_AS_TEXT: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_PROFILE",
];

/// How to reach AWS, and as whom.
///
/// Without `Debug`: keys are among the variables.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The name under `backends`.
    pub(crate) backend: String,
    /// `region`, else `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub(crate) region: Option<String>,
    /// `aws_profile`: then nothing but this profile signs in.
    pub(crate) profile: Option<String>,
    /// `account`.
    pub(crate) account: Option<String>,
    /// `role_arn`.
    pub(crate) role: Option<String>,
    /// `endpoint_url`.
    pub(crate) endpoint: Option<String>,
    /// Those of the launcher's variables that begin with `AWS_`, the first of each name. Most are
    /// the SDK's to read; here they say what was tried.
    variables: Variables,
    /// The ways to AWS.
    pub(crate) proxies: Proxies,
}

type Variables = Vec<(String, Zeroizing<String>)>;

impl Settings {
    /// Reads and checks what a backend is opened with.
    pub(crate) fn of(opening: Opening<'_>) -> Result<Self, Fault> {
        let Opening {
            name,
            settings: stated,
            environment,
            ..
        } = opening;
        let text = |name: &str| {
            let text = stated.text(name)?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let mut settings = Self {
            backend: name.to_owned(),
            region: text("region"),
            profile: text("aws_profile"),
            account: text("account"),
            role: text("role_arn"),
            endpoint: text("endpoint_url"),
            variables: variables(environment),
            proxies: Proxies::of(|name| {
                let mut variables = environment.iter();
                variables.find(|(other, _)| other == name)?.1.to_str()
            }),
        };
        let whose = if settings.region.is_some() {
            "`region`"
        } else {
            "AWS_REGION"
        };
        let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let stated = names.iter().find_map(|name| settings.variable(name));
        settings.region = settings.region.or(stated);
        settings.check(whose)?;
        settings.check_variables(environment)?;
        Ok(settings)
    }

    /// What is wrong with them. Any of them can be the value of a reference, so none is quoted.
    fn check(&self, whose_region: &str) -> Result<(), Fault> {
        let is_bad = |text: &Option<String>, is_good: fn(&str) -> bool| {
            text.as_deref().is_some_and(|text| !is_good(text))
        };
        let (message, hint) = if is_bad(&self.region, is_region) {
            let message = format!("{whose_region} is no region");
            (message, "a region is written like `eu-west-1`")
        } else if is_bad(&self.account, is_account) {
            let hint = "an account has twelve digits";
            ("`account` is no account".to_owned(), hint)
        } else if is_bad(&self.role, is_role) {
            let hint = "a role is written `arn:aws:iam::ACCOUNT:role/NAME`";
            ("`role_arn` is no role".to_owned(), hint)
        } else if is_bad(&self.endpoint, is_url) {
            let hint = "it begins with `https://`";
            ("`endpoint_url` is no URL".to_owned(), hint)
        } else {
            return Ok(());
        };
        Err(Fault::new(Class::Malformed, message).hinted(hint))
    }

    /// Variables that libraries below would take for something else, or not take.
    fn check_variables(&self, environment: &[(OsString, OsString)]) -> Result<(), Fault> {
        let is_read = |name: &OsString| {
            let name = name.to_str().unwrap_or_default();
            READ_AS_TEXT.contains(&name) || name.starts_with(ENDPOINT)
        };
        let is_text = |value: &OsString| value.to_str().is_some();
        let mut unreadable = environment.iter().filter(|(_, value)| !is_text(value));
        if let Some((name, _)) = unreadable.find(|(name, _)| is_read(name)) {
            let message = format!("{} is not UTF-8", name.display());
            return Err(Fault::new(Class::Malformed, message));
        }
        let is_ignored = self.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let mut endpoints = self.variables.iter().filter(|(name, value)| {
            ENDPOINTS.contains(&name.as_str()) && !value.is_empty() && !is_ignored
        });
        match endpoints.find(|(_, value)| !is_url(value)) {
            Some((name, _)) => Err(Fault::new(Class::Malformed, format!("{name} is no URL"))
                .hinted("it begins with `https://`, and has no blank and no line break")),
            None => Ok(()),
        }
    }

    /// A variable of the launcher that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let (_, value) = self.variables.iter().find(|(other, _)| other == name)?;
        (!value.is_empty()).then(|| value.to_string())
    }

    /// The roots that `AWS_CA_BUNDLE` names, in PEM, in place of the system's
    /// (AWS SDKs and Tools, "General configuration"). Blocks.
    pub(crate) fn bundle(&self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(path) = self.variable("AWS_CA_BUNDLE") else {
            return Ok(None);
        };
        let wrong = |what: &str| {
            Fault::new(
                Class::Malformed,
                format!("`{path}`, which AWS_CA_BUNDLE names, {what}"),
            )
        };
        let text = std::fs::read(&path).map_err(|_| wrong("can't be read"))?;
        tls::certificates(&text).map_err(wrong)?;
        Ok(Some(text))
    }

    /// Whether a variable says `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.variable(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The profile that signs in: the setting, else `AWS_PROFILE`, else `default`.
    pub(crate) fn profile_name(&self) -> String {
        self.profile
            .clone()
            .or_else(|| self.variable("AWS_PROFILE"))
            .unwrap_or_else(|| "default".to_owned())
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_role(text: &str) -> bool {
    Arn::of(text).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"))
}

fn is_url(text: &str) -> bool {
    let host = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn variables(environment: &[(OsString, OsString)]) -> Variables {
    let known = environment.iter().filter_map(|(name, value)| {
        let name = name.to_str()?;
        let value = value.to_str()?;
        let is_ours = name.starts_with("AWS_");
        is_ours.then(|| (name.to_owned(), Zeroizing::new(value.to_owned())))
    });
    known.collect()
}

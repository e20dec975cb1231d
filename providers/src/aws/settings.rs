//! A backend's settings, checked, and what the launcher's environment says besides.

use std::ffi::OsString;

use zeroize::Zeroizing;

use crate::{
    Class, Fault, Opening,
    aws::{Arn, is_region},
    http::Proxies,
};

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

    /// A variable of the launcher that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let (_, value) = self.variables.iter().find(|(other, _)| other == name)?;
        (!value.is_empty()).then(|| value.to_string())
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

//! A backend's settings, checked, and what the launcher's environment says besides.

use crate::{
    Class, Fault, Opening,
    aws::{Arn, is_account, is_region},
};

/// How to reach AWS, and as whom.
#[derive(Clone, Debug)]
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
    variables: Vec<(String, String)>,
}

impl Settings {
    /// Reads and checks what a backend is opened with.
    pub(crate) fn of(opening: &Opening<'_>) -> Result<Self, Fault> {
        let text = |name: &str| {
            let text = opening.settings.text(name)?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let mut settings = Self {
            backend: opening.name.to_owned(),
            region: text("region"),
            profile: text("aws_profile"),
            account: text("account"),
            role: text("role_arn"),
            endpoint: text("endpoint_url"),
            variables: variables(opening),
        };
        let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let stated = settings.region.is_some();
        settings.region = settings.region.or_else(|| {
            names
                .iter()
                .find_map(|name| variable(&settings.variables, name))
        });
        if let Some(region) = &settings.region
            && !is_region(region)
        {
            let whose = if stated { "`region`" } else { "AWS_REGION" };
            return Err(malformed(format!("{whose} is no region: `{region}`"))
                .hinted("a region is written like `eu-west-1`"));
        }
        if let Some(account) = &settings.account
            && !is_account(account)
        {
            return Err(malformed(format!("`account` is no account: `{account}`"))
                .hinted("an account has twelve digits; quote them in the manifest"));
        }
        if let Some(role) = &settings.role
            && !Arn::of(role)
                .is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"))
        {
            return Err(malformed(format!("`role_arn` is no role: `{role}`"))
                .hinted("a role is written `arn:aws:iam::ACCOUNT:role/NAME`"));
        }
        if let Some(endpoint) = &settings.endpoint
            && !(endpoint.starts_with("https://") || endpoint.starts_with("http://"))
        {
            return Err(malformed(
                "`endpoint_url` is no URL: it begins with `https://`",
            ));
        }
        Ok(settings)
    }

    /// A variable of the launcher that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        variable(&self.variables, name)
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

fn malformed(message: impl Into<String>) -> Fault {
    Fault::new(Class::Malformed, message)
}

fn variables(opening: &Opening<'_>) -> Vec<(String, String)> {
    let known = opening.environment.iter().filter_map(|(name, value)| {
        let name = name.to_str()?;
        name.starts_with("AWS_")
            .then(|| Some((name.to_owned(), value.to_str()?.to_owned())))?
    });
    known.collect()
}

fn variable(variables: &[(String, String)], name: &str) -> Option<String> {
    let (_, value) = variables.iter().find(|(other, _)| other == name)?;
    (!value.is_empty()).then(|| value.clone())
}

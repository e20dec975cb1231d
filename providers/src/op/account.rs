//! Which account is asked, and as whom: an entry's own settings first, then the variables of
//! 1Password's tools, of which Connect's win over a service account's.

use std::ffi::OsString;

use crate::{Class, Fault, Secret, Settings};

/// How an account is reached.
pub(super) enum Access {
    /// By `op`.
    Cli(Account),
    /// By a Connect server.
    Connect { host: String, token: Secret },
}

/// An account of the CLI.
#[derive(Default)]
pub(super) struct Account {
    /// Its sign-in address or id, where one was chosen.
    pub(super) chosen: Option<String>,
    /// The token of a service account.
    pub(super) token: Option<Secret>,
    /// Whether the environment has such a token that is not used.
    pub(super) ignores_token: bool,
}

impl Account {
    /// A name for messages and locks.
    pub(super) fn name(&self) -> &str {
        self.chosen.as_deref().unwrap_or("default")
    }
}

impl Access {
    pub(super) fn of(
        settings: &Settings,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, Fault> {
        let set = |name: &str| settings.text(name).filter(|text| !text.is_empty());
        let variable = |name: &str| {
            let found = environment.iter().find(|(other, _)| other == name);
            found?.1.to_str().filter(|value| !value.is_empty())
        };
        let (own_host, own_token) = (set("connect_host"), set("connect_token"));
        let (token, account) = (set("service_account_token"), set("account"));
        let has_connect = own_host.is_some() || own_token.is_some();
        if [has_connect, token.is_some()].iter().all(|is_set| *is_set) {
            return Err(malformed(
                "a Connect server and a service account exclude each other",
            ));
        }
        let host = own_host.or_else(|| variable("OP_CONNECT_HOST"));
        let connect_token = own_token.or_else(|| variable("OP_CONNECT_TOKEN"));
        let is_ambient = token.is_none() && account.is_none();
        match (host, connect_token) {
            (Some(host), Some(secret)) if has_connect || is_ambient => {
                return Ok(Self::Connect {
                    host: host.to_owned(),
                    token: Secret::copied_from(secret.as_bytes()),
                });
            }
            (None, _) if has_connect => {
                return Err(malformed("a Connect server needs its address")
                    .hinted("write `connect_host`, or set OP_CONNECT_HOST"));
            }
            (_, None) if has_connect => {
                let fault = Fault::new(Class::Unauthenticated, "a Connect server needs a token");
                return Err(fault.hinted(
                    "set OP_CONNECT_TOKEN, or write `connect_token: { from: REFERENCE }`",
                ));
            }
            _ => {}
        }
        let ambient = variable("OP_SERVICE_ACCOUNT_TOKEN");
        let used = token.or(ambient.filter(|_| is_ambient));
        let chosen = account.or_else(|| variable("OP_ACCOUNT"));
        Ok(Self::Cli(Account {
            chosen: chosen.map(str::to_owned),
            token: used.map(|token| Secret::copied_from(token.as_bytes())),
            ignores_token: used.is_none() && ambient.is_some(),
        }))
    }
}

fn malformed(message: &str) -> Fault {
    Fault::new(Class::Malformed, message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Access;
    use crate::{Secret, Settings};

    fn access(settings: &[(&str, &str)], environment: &[(&str, &str)]) -> String {
        let text = |value: &str| Settings::Text(Secret::copied_from(value.as_bytes()));
        let settings: BTreeMap<String, Settings> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), text(value)))
            .collect();
        let environment = environment.iter();
        let environment: Vec<_> = environment
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        match Access::of(&Settings::Map(settings), &environment) {
            Ok(Access::Connect { host, token }) => {
                format!("connect {host} {}", String::from_utf8_lossy(token.expose()))
            }
            Ok(Access::Cli(account)) => {
                let token = account.token.as_ref().map(Secret::expose);
                let token = String::from_utf8_lossy(token.unwrap_or(b"-"));
                format!("cli {} {token}", account.name())
            }
            Err(fault) => fault.message,
        }
    }

    #[test]
    fn settings_win_over_variables_and_connect_over_a_service_account() {
        let all = [
            ("OP_CONNECT_HOST", "http://c"),
            ("OP_CONNECT_TOKEN", "ct"),
            ("OP_SERVICE_ACCOUNT_TOKEN", "st"),
            ("OP_ACCOUNT", "acme"),
        ];
        for (settings, environment, expected) in [
            (&[][..], &[][..], "cli default -"),
            (&[], &all, "connect http://c ct"),
            (&[], &all[1..], "cli acme st"),
            (&[], &all[3..], "cli acme -"),
            (&[("account", "beta")], &all, "cli beta -"),
            (&[("service_account_token", "own")], &all, "cli acme own"),
            (&[("connect_host", "http://d")], &all, "connect http://d ct"),
            (&[("connect_token", "dt")], &all, "connect http://c dt"),
            (
                &[("connect_host", "http://d")],
                &[],
                "a Connect server needs a token",
            ),
            (
                &[("connect_token", "dt")],
                &[],
                "a Connect server needs its address",
            ),
            (
                &[("connect_token", "dt"), ("service_account_token", "own")],
                &all,
                "a Connect server and a service account exclude each other",
            ),
            (
                &[("account", "")],
                &[("OP_CONNECT_HOST", "")],
                "cli default -",
            ),
        ] {
            assert_eq!(access(settings, environment), expected);
        }
    }
}

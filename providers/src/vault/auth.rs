//! How to sign in: `auth` under a backend, checked for its form. Nothing is asked here.

use std::{collections::BTreeMap, path::PathBuf};

use super::{BEFOREHAND, METHODS, config::wrong};
use crate::{Fault, Secret, Settings};

/// Where Kubernetes puts a pod's token.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// A way to sign in.
pub(super) struct Auth {
    /// Where the method is mounted below `auth/`.
    pub(super) mount: String,
    /// The namespace of the sign-in, where it is not that of the requests.
    pub(super) namespace: Option<String>,
    /// The method, and what it needs.
    pub(super) method: Method,
}

/// A method, and what it needs.
pub(super) enum Method {
    /// A token that is there already: this one, else what the environment has.
    Token(Option<Secret>),
    AppRole {
        role_id: Secret,
        secret_id: SecretId,
    },
    Kubernetes {
        role: String,
        token: PathBuf,
    },
    Jwt {
        role: Option<String>,
        jwt: Jwt,
    },
    /// `userpass`, `ldap` and what works like them.
    Password {
        username: String,
        password: Secret,
    },
    Certificate {
        name: Option<String>,
    },
    /// As an AWS identity, which a signed request to STS proves.
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "signing needs the SDK of AWS")
    )]
    Aws {
        role: Option<String>,
        /// What `X-Vault-AWS-IAM-Server-ID` must be, where the server wants it.
        server_id: Option<String>,
        region: Option<String>,
        profile: Option<String>,
    },
}

/// The second half of an `AppRole` credential.
pub(super) enum SecretId {
    /// The role does not want one.
    None,
    Plain(Secret),
    /// The token of a wrapped answer, and the role that it must be for.
    Wrapped {
        token: Secret,
        role: String,
    },
}

/// Where a JSON Web Token comes from.
pub(super) enum Jwt {
    Text(Secret),
    File(PathBuf),
    /// Asked from GitHub Actions, for this audience.
    GitHub(Option<String>),
}

/// The settings of `auth`, taken one by one; what remains is unknown.
struct Words<'s> {
    map: BTreeMap<&'s str, &'s Settings>,
    method: &'s str,
}

impl Words<'_> {
    fn secret(&mut self, name: &str) -> Result<Option<Secret>, Fault> {
        match self.map.remove(name) {
            None => Ok(None),
            Some(Settings::Text(text)) if text.is_empty() => Ok(None),
            Some(Settings::Text(text)) => Ok(Some(Secret::copied_from(text.expose()))),
            Some(_) => Err(wrong(format!("`auth.{name}` wants a text"))),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let secret = self.secret(name)?;
        let text = secret.map(|secret| std::str::from_utf8(secret.expose()).map(str::to_owned));
        text.transpose()
            .map_err(|_| wrong(format!("`auth.{name}` is not UTF-8")))
    }

    fn required<T>(&self, name: &str, found: Option<T>) -> Result<T, Fault> {
        found.ok_or_else(|| {
            let method = self.method;
            wrong(format!("`auth` with `method: {method}` needs `{name}`"))
        })
    }
}

impl Auth {
    pub(super) fn new(settings: &Settings) -> Result<Self, Fault> {
        let map = match settings {
            Settings::Map(map) => map.get("auth"),
            _ => None,
        };
        let empty = Settings::Map(BTreeMap::new());
        let auth = map.unwrap_or(&empty);
        let Settings::Map(map) = auth else {
            return Err(wrong("`auth` wants a map"));
        };
        let method = auth.text("method").unwrap_or("token");
        let mut words = Words {
            map: map
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .filter(|(name, _)| *name != "method")
                .collect(),
            method,
        };
        let mount = words.text("mount")?;
        let namespace = words.text("namespace")?;
        let parsed = Self {
            mount: mount.map_or_else(|| method.to_owned(), |mount| mount.trim_matches('/').into()),
            namespace,
            method: Method::new(&mut words)?,
        };
        match words.map.keys().next() {
            Some(name) => Err(wrong(format!(
                "`auth` with `method: {method}` has no `{name}`"
            ))),
            None => Ok(parsed),
        }
    }
}

impl Method {
    fn new(words: &mut Words<'_>) -> Result<Self, Fault> {
        match words.method {
            "token" => Ok(Self::Token(words.secret("token")?)),
            "approle" => Self::app_role(words),
            "kubernetes" => {
                let role = words.text("role")?;
                let token = words.text("jwt_file")?;
                Ok(Self::Kubernetes {
                    role: words.required("role", role)?,
                    token: token.map_or_else(|| SERVICE_ACCOUNT.into(), PathBuf::from),
                })
            }
            "jwt" => Self::jwt(words),
            "userpass" | "ldap" | "radius" => {
                let username = words.text("username")?;
                let username = words.required("username", username)?;
                let password = words.secret("password")?;
                // As a segment of a path these lead elsewhere.
                if [".", ".."].contains(&username.as_str()) {
                    return Err(wrong("`auth.username` is no user name"));
                }
                Ok(Self::Password {
                    username,
                    password: words.required("password", password)?,
                })
            }
            "cert" => Ok(Self::Certificate {
                name: words.text("name")?,
            }),
            "aws" => Ok(Self::Aws {
                role: words.text("role")?,
                server_id: words.text("server_id")?,
                region: words.text("region")?,
                profile: words.text("aws_profile")?,
            }),
            "oidc" => Err(wrong("`method: oidc` needs a browser").hinted(BEFOREHAND)),
            _ => {
                let usable = METHODS.iter().filter(|method| method.instead.is_none());
                let names: Vec<&str> = usable.map(|method| method.name).collect();
                Err(wrong(format!(
                    "`auth.method` is none of {}",
                    names.join(", ")
                )))
            }
        }
    }

    fn app_role(words: &mut Words<'_>) -> Result<Self, Fault> {
        let role_id = words.secret("role_id")?;
        let plain = words.secret("secret_id")?;
        let wrapped = words.secret("wrapped_secret_id")?;
        let role = words.text("role")?;
        let secret_id = match (plain, wrapped) {
            (Some(_), Some(_)) => {
                return Err(wrong("`auth` has both `secret_id` and `wrapped_secret_id`"));
            }
            (Some(plain), None) => SecretId::Plain(plain),
            (None, Some(token)) => {
                // Without it, a secret id of any role would pass.
                let role = role.ok_or_else(|| {
                    wrong("`auth.wrapped_secret_id` needs `role`: the role that it must be of")
                        .hinted("write `role: NAME` beside it, as in `auth/approle/role/NAME`")
                })?;
                SecretId::Wrapped { token, role }
            }
            (None, None) => SecretId::None,
        };
        Ok(Self::AppRole {
            role_id: words.required("role_id", role_id)?,
            secret_id,
        })
    }

    fn jwt(words: &mut Words<'_>) -> Result<Self, Fault> {
        let role = words.text("role")?;
        let text = words.secret("jwt")?;
        let file = words.text("jwt_file")?;
        let provider = words.text("provider")?;
        let audience = words.text("audience")?;
        let jwt = match (text, file, provider.as_deref()) {
            (Some(text), None, None) => Jwt::Text(text),
            (None, Some(file), None) => Jwt::File(file.into()),
            (None, None, Some("github")) => Jwt::GitHub(audience),
            (None, None, Some(_)) => {
                return Err(wrong("`auth.provider` is not `github`").hinted(
                    "where a job has its token in a variable: `jwt: { from: env://NAME }`",
                ));
            }
            _ => {
                return Err(wrong(
                    "`auth` with `method: jwt` needs one of `jwt`, `jwt_file` and `provider`",
                ));
            }
        };
        Ok(Self::Jwt { role, jwt })
    }
}

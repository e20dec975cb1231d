//! Signing in, by each method. One sign-in serves all requests of a run.

use reqwest::Method as Verb;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::{
    answer::Answer,
    auth::{Auth, Jwt, Method, SecretId},
    config::wrong,
    connect, github, lease,
    server::{Ask, Server},
    token::Sources,
};
use crate::{Class, Fault, Lease, Limits, Secret, json};

/// What requests are signed with.
pub(super) struct Token {
    pub(super) secret: Secret,
    /// Whether this run made it, and so ends it.
    pub(super) is_own: bool,
    /// How long one that this run made lives.
    pub(super) lease: Option<Lease>,
    /// Whether the server knows it, once that was asked.
    pub(super) is_valid: OnceCell<bool>,
}

impl Token {
    fn new(secret: Secret, is_own: bool) -> Self {
        Self {
            secret,
            is_own,
            lease: None,
            is_valid: OnceCell::new(),
        }
    }
}

/// Signs in as the settings say.
pub(super) async fn sign_in(
    server: &Server,
    sources: &Sources,
    limits: &Limits,
) -> Result<Token, Fault> {
    let auth = &server.config.auth;
    let path = format!("auth/{}/login", auth.mount);
    let mut ask = Ask::post(&path, Zeroizing::default());
    let members = match &auth.method {
        Method::Token(Some(token)) => return Ok(Token::new(copied(token), false)),
        Method::Token(None) => {
            return Ok(Token::new(sources.token(server, limits).await?, false));
        }
        Method::AppRole { role_id, secret_id } => {
            // A secret id may be good for one use.
            ask.is_single = true;
            let mut members = vec![("role_id", copied(role_id))];
            match secret_id {
                SecretId::None => {}
                SecretId::Plain(plain) => members.push(("secret_id", copied(plain))),
                SecretId::Wrapped { token, role } => {
                    let secret = unwrap(server, auth, token, role, limits).await?;
                    members.push(("secret_id", secret));
                }
            }
            members
        }
        Method::Kubernetes { role, token } => {
            let jwt = connect::credential(token, limits.deadline).await?;
            with_role(Some(role), vec![("jwt", jwt)])
        }
        Method::Jwt { role, jwt } => {
            let jwt = match jwt {
                Jwt::Text(text) => copied(text),
                Jwt::File(path) => connect::credential(path, limits.deadline).await?,
                Jwt::GitHub(audience) => github::token(server, audience.as_deref(), limits).await?,
            };
            with_role(role.as_ref(), vec![("jwt", jwt)])
        }
        Method::Password { username, password } => {
            ask.leaf = Some(username);
            vec![("password", copied(password))]
        }
        Method::Certificate { name } => {
            if server.config.tls.client_cert.is_none() {
                return Err(wrong("`method: cert` needs `client_cert` and `client_key`"));
            }
            let name = name.iter().map(|name| Secret::copied_from(name.as_bytes()));
            name.map(|name| ("name", name)).collect()
        }
        Method::Aws {
            role, server_id, ..
        } => {
            let signed = server.signed(server_id.as_deref(), limits).await?;
            with_role(role.as_ref(), signed)
        }
    };
    let members: Vec<(&str, &Secret)> = members
        .iter()
        .map(|(name, secret)| (*name, secret))
        .collect();
    ask.body = Some(body(&members)?);
    ask.secrets = members.iter().map(|(_, secret)| *secret).collect();
    ask.namespace = auth.namespace.as_deref();
    exchange(server, &ask, limits).await
}

fn copied(secret: &Secret) -> Secret {
    Secret::copied_from(secret.expose())
}

fn with_role(
    role: Option<&String>,
    mut members: Vec<(&'static str, Secret)>,
) -> Vec<(&'static str, Secret)> {
    members.extend(role.map(|role| ("role", Secret::copied_from(role.as_bytes()))));
    members
}

/// Sends credentials, and takes the token of the answer.
async fn exchange(server: &Server, ask: &Ask<'_>, limits: &Limits) -> Result<Token, Fault> {
    let path = ask.path;
    let answer = server.send(ask, limits).await?;
    if answer.status() != 200 {
        return Err(refused(&answer, path));
    }
    let secret = answer.secret(&["auth", "client_token"])?;
    match secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => {
            // A batch token can't be revoked, and holds nothing that could be.
            let kind = answer.text(&["auth", "token_type"])?;
            let is_own = kind.as_deref() != Some("batch");
            Ok(Token {
                lease: is_own.then(|| lease::of_token(&answer)).transpose()?,
                ..Token::new(secret, is_own)
            })
        }
        None if answer.at(&["auth", "mfa_requirement"])?.is_some() => Err(answer.fault(
            Class::Unauthenticated,
            &format!("the sign-in at `{path}` wants a second factor, which endow can't give"),
        )),
        None => Err(answer.fault(
            Class::Malformed,
            &format!("the sign-in at `{path}` gave no token"),
        )),
    }
}

fn body(members: &[(&str, &Secret)]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let members: Vec<(&str, &[u8])> = members
        .iter()
        .map(|(name, secret)| (*name, secret.expose()))
        .collect();
    json::object(&members).ok_or_else(|| wrong("a credential of the sign-in is not UTF-8"))
}

fn refused(answer: &Answer, path: &str) -> Fault {
    match answer.status() {
        404 => answer
            .fault(
                Class::Unauthenticated,
                &format!("there is no sign-in at `{path}`"),
            )
            .hinted("`auth.mount` says where the method is mounted, `auth.namespace` in which namespace"),
        400..=403 => answer.fault(
            Class::Unauthenticated,
            &format!("the sign-in at `{path}` was refused"),
        ),
        _ => answer.unexpected(),
    }
}

/// Takes a secret id out of its wrapping, after a look at who wrapped it: a token from elsewhere
/// means that somebody took the real one.
async fn unwrap(
    server: &Server,
    auth: &Auth,
    token: &Secret,
    role: &str,
    limits: &Limits,
) -> Result<Secret, Fault> {
    let namespace = auth.namespace.as_deref();
    let ask = Ask {
        namespace,
        secrets: vec![token],
        ..Ask::post("sys/wrapping/lookup", body(&[("token", token)])?)
    };
    let answer = server.send(&ask, limits).await?;
    if answer.status() != 200 {
        return Err(taken(&answer));
    }
    let path = answer.text(&["data", "creation_path"])?.unwrap_or_default();
    // The path has the namespace before it where there is one.
    let namespace = namespace.or(server.config.namespace.as_deref());
    let path = namespace
        .and_then(|namespace| path.strip_prefix(namespace)?.strip_prefix('/'))
        .unwrap_or(&path);
    let is_expected = path
        .strip_prefix(&format!("auth/{}/role/", auth.mount))
        .and_then(|rest| rest.strip_suffix("/secret-id"))
        .is_some_and(|found| role == found);
    if !is_expected {
        return Err(answer
            .fault(
                Class::Unauthenticated,
                &format!(
                    "what is wrapped was made by `{path}`, and not by `auth/{}/role/{role}/secret-id`",
                    auth.mount
                ),
            )
            .hinted("it was not unwrapped; somebody may have taken the real one: look into it"));
    }
    let ask = Ask {
        namespace,
        token: Some(token),
        is_single: true,
        ..Ask::of(Verb::POST, "sys/wrapping/unwrap")
    };
    let answer = server.send(&ask, limits).await?;
    match answer.secret(&["data", "secret_id"])? {
        Some(secret) if answer.status() == 200 => Ok(secret),
        _ => Err(taken(&answer)),
    }
}

fn taken(answer: &Answer) -> Fault {
    answer
        .fault(
            Class::Unauthenticated,
            "the wrapped secret id can't be unwrapped: it has expired, or was unwrapped before",
        )
        .hinted("if nothing of yours unwrapped it, somebody else did: revoke it and look into it")
}

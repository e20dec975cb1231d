//! What a refusal means: who may not do what, and what would allow it.

use super::{
    answer::Answer,
    mounts::Engine,
    server::{Ask, Server},
    sign_in::Token,
};
use crate::{Class, Fault, Limits};

/// The namespace of the requests does not exist, or the token is not of it.
pub(super) fn no_namespace(answer: &Answer, server: &Server) -> Fault {
    let name = server.config.namespace.as_deref().unwrap_or_default();
    answer
        .fault(
            Class::Malformed,
            &format!("the namespace `{name}` is wrong"),
        )
        .hinted("`namespace` under `backends`, `BAO_NAMESPACE` or `VAULT_NAMESPACE` names it")
}

/// Nothing is mounted where the path begins.
pub(super) fn no_mount(answer: &Answer, path: &str) -> Fault {
    let mount = path.split('/').next().unwrap_or_default();
    answer
        .fault(
            Class::Malformed,
            &format!("no engine is mounted at `{mount}`"),
        )
        .hinted("a reference begins with the mount: `vault://MOUNT/PATH#FIELD`")
}

/// Whether the server says that nothing is mounted there. It has no code for that.
pub(super) fn is_no_mount(answer: &Answer) -> bool {
    answer.status() == 404 && answer.words.starts_with("no handler for route")
}

/// The policy line that would allow a read.
pub(super) fn policy(path: &str, capability: &str) -> String {
    format!("path \"{path}\" {{ capabilities = [\"{capability}\"] }}")
}

/// A 403: the token's policies do not allow it, or the token is none (any more).
pub(super) async fn denied(
    answer: &Answer,
    path: &str,
    permission: String,
    alternative: Option<String>,
    (server, token, limits): (&Server, &Token, &Limits),
) -> Fault {
    let is_valid = || is_valid(answer, server, token, limits);
    if !token.is_own && !*token.is_valid.get_or_init(is_valid).await {
        return answer
            .fault(
                Class::Unauthenticated,
                "the token is not valid: it has expired, was revoked, or is of another server or namespace",
            )
            .hinted("sign in anew: `bao login` or `vault login`, or set VAULT_TOKEN");
    }
    let class = Class::Denied {
        permission: Some(permission.clone()),
    };
    let what = format!("{}: the token may not read `{path}`", server.config.server);
    let fault =
        Fault::new(class, what).hinted(format!("this line of a policy allows it: {permission}"));
    match alternative {
        Some(line) => fault.hinted(format!("or, if that is KV version 1: {line}")),
        None => fault,
    }
}

/// Whether the server knows the token: every token may look at itself unless somebody took the
/// default policy away from it.
async fn is_valid(answer: &Answer, server: &Server, token: &Token, limits: &Limits) -> bool {
    // What had an answer in this run is known to the server, whatever it may look at.
    if server.has_answered.get() || answer.is_of_policies {
        return true;
    }
    // Vault 1.15 and later say so at once.
    if answer.words.contains("invalid token") {
        return false;
    }
    let ask = Ask::get("auth/token/lookup-self", &token.secret);
    match server.send(&ask, limits).await {
        Ok(looked_up) => looked_up.status() != 403,
        // The first refusal is what is told then.
        Err(_) => true,
    }
}

/// The path of a read below `/v1/`.
pub(super) fn read_path(path: &str, engine: Engine, mount: usize) -> String {
    match engine {
        Engine::Kv2 => format!("{}data/{}", &path[..mount], &path[mount..]),
        Engine::Kv1 | Engine::Other => path.to_owned(),
    }
}

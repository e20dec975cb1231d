//! Leases: renewed and revoked one by one. The token's own life is one of them, which the others
//! hang on.

use reqwest::Method;

use super::{
    answer::Answer,
    read,
    server::{Ask, Server},
    sign_in::Token,
};
use crate::{Class, Fault, Lease, Limits, time::seconds_of};

/// What stands for the lease of the token; no lease of the server is called so.
const TOKEN: &str = "auth/token/renew-self";

/// The life of a token in the answer that brought it, or that renewed it.
pub(super) fn of_token(answer: &Answer) -> Result<Lease, Fault> {
    let seconds = answer.text(&["auth", "lease_duration"])?;
    Ok(Lease {
        id: TOKEN.to_owned(),
        duration: seconds_of(seconds.as_deref().unwrap_or_default()),
        is_renewable: answer.at(&["auth", "renewable"])? == Some(b"true"),
    })
}

async fn renew_token(
    server: &Server,
    token: &Token,
    lease: &Lease,
    limits: &Limits,
) -> Result<Lease, Fault> {
    let body = serde_json::json!({ "increment": lease.duration.as_secs() });
    let ask = Ask {
        token: Some(&token.secret),
        namespace: server.config.auth.namespace.as_deref(),
        ..Ask::post(TOKEN, body.to_string().into_bytes().into())
    };
    let answer = server.send(&ask, limits).await?;
    match answer.status() {
        200 => of_token(&answer),
        status => Err(answer.fault(class(status), "the token could not be renewed")),
    }
}

/// Prolongs a lease by as long as it was; the server may give less.
pub(super) async fn renew(
    server: &Server,
    token: &Token,
    lease: &Lease,
    limits: &Limits,
) -> Result<Lease, Fault> {
    if lease.id == TOKEN {
        return renew_token(server, token, lease, limits).await;
    }
    let body = serde_json::json!({ "lease_id": lease.id, "increment": lease.duration.as_secs() });
    let ask = Ask {
        token: Some(&token.secret),
        ..Ask::post("sys/leases/renew", body.to_string().into_bytes().into())
    };
    let answer = server.send(&ask, limits).await?;
    match read::lease(&answer)? {
        Some(lease) if answer.status() == 200 => Ok(lease),
        _ => Err(answer.fault(class(answer.status()), "the lease could not be renewed")),
    }
}

/// Ends a lease.
pub(super) async fn revoke(
    server: &Server,
    token: &Token,
    lease: &Lease,
    limits: &Limits,
) -> Result<(), Fault> {
    let body = serde_json::json!({ "lease_id": lease.id });
    let ask = Ask {
        token: Some(&token.secret),
        body: Some(body.to_string().into_bytes().into()),
        ..Ask::of(Method::POST, "sys/leases/revoke")
    };
    let answer = server.send(&ask, limits).await?;
    match answer.status() {
        200 | 204 => Ok(()),
        status => Err(answer.fault(class(status), "the lease could not be revoked")),
    }
}

fn class(status: u16) -> Class {
    match status {
        403 => Class::Denied { permission: None },
        // The server knows no such lease any more.
        400 | 404 => Class::Deleted { at: None },
        _ => Class::Malformed,
    }
}

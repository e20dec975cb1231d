//! Leases: renewed and revoked one by one.

use reqwest::Method;

use super::{
    read,
    server::{Ask, Server},
    sign_in::Token,
};
use crate::{Class, Fault, Lease, Limits};

/// Prolongs a lease by as long as it was; the server may give less.
pub(super) async fn renew(
    server: &Server,
    token: &Token,
    lease: &Lease,
    limits: &Limits,
) -> Result<Lease, Fault> {
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

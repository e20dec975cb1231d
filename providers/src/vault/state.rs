//! What a server that answers with 5xx says of itself: `sys/health`, which needs no token.

use std::time::Instant;

use reqwest::Method;

use super::server::{Ask, Server};
use crate::{Class, Fault, http::Client, json};

/// Why a server serves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    NotInitialised,
    Sealed,
    /// A node that waits for an active one.
    Standby,
}

impl State {
    pub(super) fn fault(self, server: &str) -> Fault {
        let fault = |what: &str| Fault::new(Class::Unreachable, format!("{server}: {what}"));
        match self {
            Self::NotInitialised => fault("the server is not initialised")
                .hinted("`bao operator init`, or `vault operator init`"),
            Self::Sealed => fault("the server is sealed")
                .hinted("`bao operator unseal`, or `vault operator unseal`"),
            Self::Standby => fault("the node is a standby, and there is no active node"),
        }
    }
}

/// Asks once; `None` where the server seems well by now, or does not say.
pub(super) async fn ask(server: &Server, client: &Client, deadline: Instant) -> Option<State> {
    let question = Ask {
        query: Some("standbyok=true&perfstandbyok=true".to_owned()),
        namespace: Some(""),
        ..Ask::of(Method::GET, "sys/health")
    };
    let response = server.once(client, &question, deadline).await?;
    let flag = |name: &str| {
        let found = json::at(&response.body, &[name]).ok()??;
        Some(found == b"true")
    };
    match (flag("initialized"), flag("sealed"), flag("standby")) {
        (Some(false), ..) => Some(State::NotInitialised),
        (_, Some(true), _) => Some(State::Sealed),
        (_, _, Some(true)) => Some(State::Standby),
        _ => None,
    }
}

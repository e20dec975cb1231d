//! What is known without a value: versions of KV 2, and as whom the run is signed in.

use std::collections::HashMap;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    config::wrong,
    fault,
    mounts::{Engine, Place},
    place_of, places,
    read::{self, Reader},
    server::{Ask, Server},
    sign_in::Token,
};
use crate::{Absence, Address, Class, Fault, Identity, Limits, Metadata};

type Described = Result<Result<Metadata, Absence>, Fault>;

/// Describes every address, each path asked once.
pub(super) async fn describe(reader: &Reader<'_>, batch: &[Address]) -> Vec<Described> {
    let places = places(batch);
    let described = join_all(
        places
            .iter()
            .map(|(path, version)| one(reader, path, *version)),
    );
    let described: HashMap<_, _> = places.iter().zip(described.await).collect();
    batch
        .iter()
        .map(|address| described[&place_of(address)].clone())
        .collect()
}

async fn one(reader: &Reader<'_>, path: &str, version: Option<&str>) -> Described {
    let Place::At(Engine::Kv2, mount) = reader.mounts.of(path) else {
        return Ok(Ok(Metadata::default()));
    };
    let full = format!("{}metadata/{}", &path[..mount], &path[mount..]);
    let ask = Ask::get(&full, &reader.token.secret);
    let answer = reader.server.send(&ask, reader.limits).await?;
    match answer.status() {
        200 => {}
        403 => {
            let permission = fault::policy(&full, "read");
            let with = (reader.server, reader.token, reader.limits);
            return Err(fault::denied(&answer, &full, permission, None, with).await);
        }
        404 => {
            return Ok(Err(Absence {
                what: format!("nothing at `{path}`"),
                keys: Vec::new(),
            }));
        }
        _ => return Err(answer.unexpected()),
    }
    let newest = answer
        .text(&["data", "current_version"])?
        .unwrap_or_default();
    let version = version.unwrap_or(&newest);
    let stated = |name: &str| answer.text(&["data", "versions", version, name]);
    let Some(created) = stated("created_time")? else {
        return Ok(Err(Absence {
            what: format!("no version {version} of `{path}`"),
            keys: Vec::new(),
        }));
    };
    // One that lies ahead is of `delete_version_after`: until then the version is read.
    let at = stated("deletion_time")?.filter(|at| is_past(at));
    if stated("destroyed")?.as_deref() == Some("true") || at.is_some() {
        let what = format!("version {version} of `{path}` was deleted");
        return Err(answer.fault(Class::Deleted { at }, &what));
    }
    Ok(Ok(Metadata {
        version: Some(version.to_owned()),
        created: Some(created),
        lease: None,
        labels: read::labels(&answer, &["data", "custom_metadata"])?,
    }))
}

/// Whether a time of RFC 3339 has come.
fn is_past(time: &str) -> bool {
    time.parse::<Timestamp>()
        .is_ok_and(|time| time <= Timestamp::now())
}

/// The token's display name and policies, and its end.
pub(super) async fn identity(
    server: &Server,
    token: &Token,
    limits: &Limits,
) -> Result<Identity, Fault> {
    let ask = Ask::get("auth/token/lookup-self", &token.secret);
    let answer = server.send(&ask, limits).await?;
    if answer.status() != 200 {
        let permission = fault::policy("auth/token/lookup-self", "read");
        return Err(fault::denied(
            &answer,
            "auth/token/lookup-self",
            permission,
            None,
            (server, token, limits),
        )
        .await);
    }
    let name = answer
        .text(&["data", "display_name"])?
        .ok_or_else(|| wrong("the server does not say whose the token is"))?;
    Ok(Identity {
        name,
        expires: answer.text(&["data", "expire_time"])?,
    })
}

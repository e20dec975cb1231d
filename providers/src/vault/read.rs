//! One read of one path, and the answers to all addresses that it serves.

use reqwest::Method;

use super::{
    answer::Answer,
    config::wrong,
    fault,
    mounts::{Engine, Mounts, Place},
    server::{Ask, Server},
    sign_in::Token,
};
use crate::{
    Absence, Address, Class, Fault, Lease, Limits, Metadata, Reply, Value,
    json::{self, Selection},
    time::seconds_of,
};

/// What reads share.
pub(super) struct Reader<'a> {
    pub(super) server: &'a Server,
    pub(super) mounts: &'a Mounts,
    pub(super) token: &'a Token,
    pub(super) limits: &'a Limits,
}

/// What one read found.
pub(super) enum Found {
    /// A secret, of which fields are taken.
    Secret(Box<Stored>),
    Absent(Absence),
}

/// A secret in the answer that brought it.
pub(super) struct Stored {
    answer: Answer,
    engine: Engine,
    pub(super) metadata: Metadata,
}

impl Reader<'_> {
    /// Reads a path, or one version of it.
    pub(super) async fn read(&self, path: &str, version: Option<&str>) -> Result<Found, Fault> {
        match self.mounts.of(path) {
            Place::At(engine, mount) => self.read_at(path, version, engine, mount).await,
            Place::Silent => self.guess(path, version).await,
        }
    }

    async fn read_at(
        &self,
        path: &str,
        version: Option<&str>,
        engine: Engine,
        mount: usize,
    ) -> Result<Found, Fault> {
        if version.is_some() && engine != Engine::Kv2 {
            return Err(wrong(format!("`{path}` has no versions"))
                .hinted("only version 2 of the KV engine keeps them: leave `?version=` out"));
        }
        if mount >= path.len() {
            return Err(wrong(format!("`{path}` is a mount, and no path in it")));
        }
        let full = fault::read_path(path, engine, mount);
        let answer = self.get(&full, version, engine).await?;
        self.judge(answer, path, &full, version, engine, None).await
    }

    /// Reads where the server does not tell the engine: as the setting says, else as KV version 2
    /// and then as it stands.
    async fn guess(&self, path: &str, version: Option<&str>) -> Result<Found, Fault> {
        let mount = path.find('/').map_or(path.len(), |slash| slash + 1);
        match self.server.config.kv_version {
            Some(1) => return self.read_at(path, version, Engine::Kv1, mount).await,
            Some(_) => return self.read_at(path, version, Engine::Kv2, mount).await,
            None => {}
        }
        let full = fault::read_path(path, Engine::Kv2, mount);
        let as_v2 = self.get(&full, version, Engine::Kv2).await?;
        let is_v2 = as_v2.status() == 200 && as_v2.at(&["data", "metadata"])?.is_some()
            || is_deleted(&as_v2)?;
        if is_v2 || version.is_some() || fault::is_no_mount(&as_v2) {
            return self
                .judge(as_v2, path, &full, version, Engine::Kv2, None)
                .await;
        }
        let plain = self.get(path, None, Engine::Other).await?;
        if plain.status() == 200 {
            return self
                .judge(plain, path, path, version, Engine::Other, None)
                .await;
        }
        let alternative = Some(fault::policy(path, "read"));
        self.judge(as_v2, path, &full, version, Engine::Kv2, alternative)
            .await
    }

    async fn get(
        &self,
        full: &str,
        version: Option<&str>,
        engine: Engine,
    ) -> Result<Answer, Fault> {
        let mut ask = Ask::get(full, &self.token.secret);
        ask.query = version.map(|version| format!("version={version}"));
        if engine == Engine::Other {
            let read = &self.server.config.read;
            // What is not a GET may make something: it is not done twice.
            ask.is_single = read.method != Method::GET;
            ask.method = read.method.clone();
            ask.body = read.parameters.clone().map(Into::into);
        }
        self.server.send(&ask, self.limits).await
    }

    async fn judge(
        &self,
        answer: Answer,
        path: &str,
        full: &str,
        version: Option<&str>,
        engine: Engine,
        alternative: Option<String>,
    ) -> Result<Found, Fault> {
        match answer.status() {
            200 => stored(answer, path, engine),
            403 => {
                let permission = fault::policy(full, self.capability(engine));
                let with = (self.server, self.token, self.limits);
                Err(fault::denied(&answer, path, permission, alternative, with).await)
            }
            404 if answer.words == "namespace not found" => {
                Err(fault::no_namespace(&answer, self.server))
            }
            404 if fault::is_no_mount(&answer) => Err(fault::no_mount(&answer, path)),
            404 if is_deleted(&answer)? => Err(deleted(&answer, path)?),
            204 | 404 => Ok(Found::Absent(Absence {
                what: match version {
                    Some(version) => format!("no version {version} of `{path}`"),
                    // A path as the API has it, copied from a policy.
                    None if engine == Engine::Kv2 && full.contains("/data/data/") => {
                        format!(
                            "nothing at `{path}` (endow itself adds the `data/` of KV version 2)"
                        )
                    }
                    None => format!("nothing at `{path}`"),
                },
                keys: Vec::new(),
            })),
            400 if !answer.words.is_empty() => {
                Err(answer.fault(Class::Malformed, &format!("`{path}` can't be read")))
            }
            _ => Err(answer.unexpected()),
        }
    }

    fn capability(&self, engine: Engine) -> &'static str {
        if engine == Engine::Other && self.server.config.read.method != Method::GET {
            "update"
        } else {
            "read"
        }
    }
}

impl Stored {
    /// Where the fields stand in the answer.
    fn data(&self) -> Result<&[u8], Fault> {
        let path: &[&str] = match self.engine {
            Engine::Kv2 => &["data", "data"],
            Engine::Kv1 | Engine::Other => &["data"],
        };
        Ok(self.answer.at(path)?.unwrap_or(b"{}"))
    }

    /// The answer to one address.
    pub(super) fn reply(&self, address: &Address) -> Result<Reply, Fault> {
        let Some(field) = &address.field else {
            return Err(wrong("a field is needed"));
        };
        let selection =
            json::select(self.data()?, field).map_err(|error| self.answer.malformed(&error))?;
        Ok(match selection {
            Selection::Value(secret) => Reply::Value(Value {
                secret,
                metadata: self.metadata.clone(),
            }),
            Selection::Absent(missing) => {
                Reply::Absent(missing.absence(field, &format!("`{}`", address.locator)))
            }
        })
    }
}

fn stored(answer: Answer, path: &str, engine: Engine) -> Result<Found, Fault> {
    let is_object = |at: &[&str]| Ok(answer.at(at)?.is_some_and(|found| found.starts_with(b"{")));
    let has_data = match engine {
        Engine::Kv2 => is_object(&["data", "data"])? && is_object(&["data", "metadata"])?,
        Engine::Kv1 | Engine::Other => is_object(&["data"])?,
    };
    if !has_data {
        let what = format!("the answer to `{path}` does not hold what a read gives");
        return Err(answer.fault(Class::Malformed, &what));
    }
    let metadata = match engine {
        Engine::Kv2 => kv2_metadata(&answer, &["data", "metadata"])?,
        Engine::Kv1 | Engine::Other => Metadata {
            lease: lease(&answer)?,
            ..Metadata::default()
        },
    };
    Ok(Found::Secret(Box::new(Stored {
        answer,
        engine,
        metadata,
    })))
}

/// Version, time and custom metadata of a version of KV 2, without its value.
pub(super) fn kv2_metadata(answer: &Answer, at: &[&str]) -> Result<Metadata, Fault> {
    let below = |name: &'static str| [at, &[name]].concat();
    Ok(Metadata {
        version: answer.text(&below("version"))?,
        created: answer.text(&below("created_time"))?,
        lease: None,
        labels: labels(answer, &below("custom_metadata"))?,
    })
}

/// A map of texts, by name.
pub(super) fn labels(answer: &Answer, at: &[&str]) -> Result<Vec<(String, String)>, Fault> {
    let Some(map) = answer.at(at)? else {
        return Ok(Vec::new());
    };
    let map: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(map).unwrap_or_default();
    Ok(map.into_iter().collect())
}

/// The lease of an answer. The duration of KV 1 without an id is a hint for refreshing, no lease.
pub(super) fn lease(answer: &Answer) -> Result<Option<Lease>, Fault> {
    let Some(id) = answer.text(&["lease_id"])?.filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let seconds = answer.text(&["lease_duration"])?;
    Ok(Some(Lease {
        id,
        duration: seconds_of(seconds.as_deref().unwrap_or_default()),
        is_renewable: answer.at(&["renewable"])? == Some(b"true"),
    }))
}

/// Whether a 404 has the body of a version that was deleted or destroyed.
fn is_deleted(answer: &Answer) -> Result<bool, Fault> {
    Ok(answer.status() == 404 && answer.at(&["data", "metadata", "version"])?.is_some())
}

fn deleted(answer: &Answer, path: &str) -> Result<Fault, Fault> {
    let text = |name: &str| answer.text(&["data", "metadata", name]);
    let version = text("version")?.unwrap_or_default();
    let at = text("deletion_time")?.filter(|at| !at.is_empty());
    let is_destroyed = text("destroyed")?.as_deref() == Some("true");
    let what = if is_destroyed { "destroyed" } else { "deleted" };
    let when = match (&at, is_destroyed) {
        (Some(at), false) => format!(" at {at}"),
        _ => String::new(),
    };
    let fault = Fault::new(
        Class::Deleted { at },
        format!("version {version} of `{path}` was {what}{when}"),
    );
    Ok(if is_destroyed {
        fault.hinted("write a new version, or name an older one: `?version=N`")
    } else {
        fault.hinted("`bao kv undelete` brings it back; an older version is named by `?version=N`")
    })
}

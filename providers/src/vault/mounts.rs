//! Which engine answers at a path: asked from the server, at most once a mount.
//!
//! `sys/internal/ui/mounts/PATH` needs no policy beyond some capability below the mount. It is
//! officially unstable, and the official command-line clients depend on it.

use std::{cell::RefCell, collections::BTreeMap};

use futures_util::future::join_all;

use super::{
    answer::Answer,
    server::{Ask, Server},
};
use crate::{Fault, Limits, Secret};

/// So many segments of a mount's path are told apart before every path is asked for itself.
const DEEPEST: usize = 3;

/// The engines that this run has met.
#[derive(Default)]
pub(super) struct Mounts {
    /// Each with its path, a slash at its end.
    known: RefCell<Vec<(String, Engine)>>,
    /// Paths whose engine the server does not tell.
    silent: RefCell<Vec<String>>,
}

/// What answers at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Kv1,
    Kv2,
    Other,
}

/// What is known of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The engine, and the length of its mount in the path.
    At(Engine, usize),
    /// The server does not tell.
    Silent,
}

impl Mounts {
    /// Looks all paths up. Paths that begin alike usually have one mount: one of them is asked
    /// first, and others only where its answer does not cover them.
    pub(super) async fn look_up(
        &self,
        paths: &[&str],
        server: &Server,
        token: &Secret,
        limits: &Limits,
    ) -> Result<(), Fault> {
        for depth in 1..=DEEPEST {
            let mut asked = BTreeMap::new();
            for path in self.unknown(paths) {
                let end = path.match_indices('/').nth(depth - 1);
                let start = end.map_or(path, |(end, _)| &path[..end]);
                asked.entry(start).or_insert(path);
            }
            let asked: Vec<&str> = asked.into_values().collect();
            self.ask(&asked, server, token, limits).await?;
        }
        let rest = self.unknown(paths);
        self.ask(&rest, server, token, limits).await
    }

    /// What was found for a path.
    pub(super) fn of(&self, path: &str) -> Place {
        let known = self.known.borrow();
        let mount = known.iter().find(|(mount, _)| path.starts_with(mount));
        mount.map_or(Place::Silent, |(mount, engine)| {
            Place::At(*engine, mount.len())
        })
    }

    fn unknown<'p>(&self, paths: &[&'p str]) -> Vec<&'p str> {
        let silent = self.silent.borrow();
        let is_unknown = |path: &&&str| {
            self.of(path) == Place::Silent && !silent.iter().any(|other| other == **path)
        };
        paths.iter().filter(is_unknown).copied().collect()
    }

    async fn ask(
        &self,
        paths: &[&str],
        server: &Server,
        token: &Secret,
        limits: &Limits,
    ) -> Result<(), Fault> {
        let asked = join_all(paths.iter().map(|path| async move {
            let path = format!("sys/internal/ui/mounts/{path}");
            server.send(&Ask::get(&path, token), limits).await
        }));
        for (path, answer) in paths.iter().zip(asked.await) {
            match found(path, &answer?, server)? {
                Some(mount) if !self.known.borrow().contains(&mount) => {
                    self.known.borrow_mut().push(mount);
                }
                Some(_) => {}
                None => self.silent.borrow_mut().push((*path).to_owned()),
            }
        }
        Ok(())
    }
}

/// The mount of a path, if the server tells one that the path has.
fn found(path: &str, answer: &Answer, server: &Server) -> Result<Option<(String, Engine)>, Fault> {
    if answer.words == "namespace not found" {
        return Err(super::fault::no_namespace(answer, server));
    }
    if answer.status() != 200 {
        return Ok(None);
    }
    let Some(mount) = answer.text(&["data", "path"])? else {
        return Ok(None);
    };
    let version = answer.text(&["data", "options", "version"])?;
    let engine = match answer.text(&["data", "type"])?.as_deref() {
        Some("kv" | "generic") if version.as_deref() == Some("2") => Engine::Kv2,
        Some("kv" | "generic") => Engine::Kv1,
        _ => Engine::Other,
    };
    // In a namespace the server may put its path before the mount's.
    let mut mount = mount.as_str();
    while !mount.is_empty() && !path.starts_with(mount) {
        mount = mount.split_once('/').map_or("", |(_, rest)| rest);
    }
    Ok((!mount.is_empty()).then(|| (mount.to_owned(), engine)))
}

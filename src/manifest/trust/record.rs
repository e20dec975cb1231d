//! Where trust is recorded: one file a manifest, below the home directory and nowhere else, so that no
//! other variable can point to a prepared record.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{ProfileGrants, Project, canonical::digest};
use crate::manifest::load::reason;

/// The directory of all records, in that of a user's state.
const DIRECTORY: &str = "endow/trust";
/// That of a user's state, from home (XDG Base Directory Specification).
const STATE: &str = ".local/state";
/// The form of a record. One of another form counts as none.
const VERSION: u32 = 1;

/// The records of a user.
#[derive(Debug)]
pub struct Records {
    directory: PathBuf,
}

/// What was trusted of one manifest, in each of its working trees.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Record {
    version: u32,
    /// Its place, in the main working tree.
    pub manifest: PathBuf,
    /// By working tree, then by profile.
    checkouts: BTreeMap<PathBuf, BTreeMap<String, Vec<Trusted>>>,
}

/// One grant that was trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Trusted {
    /// As it was shown.
    pub line: String,
    /// The digest of what decides on it.
    pub digest: String,
}

impl Record {
    fn new(project: &Project) -> Self {
        Self {
            version: VERSION,
            manifest: project.place().to_owned(),
            checkouts: BTreeMap::new(),
        }
    }

    /// The grants that need trust and have none, by profile. Content that one working tree of the
    /// repository has trusted is trusted in each of them.
    pub fn missing(record: Option<&Self>, wanted: &[ProfileGrants]) -> Vec<ProfileGrants> {
        let all = |checkout: Option<&BTreeMap<String, Vec<Trusted>>>| -> Vec<ProfileGrants> {
            wanted
                .iter()
                .map(|profile| {
                    let trusted = checkout.and_then(|checkout| checkout.get(&profile.profile));
                    let trusted: BTreeSet<&str> = trusted
                        .into_iter()
                        .flatten()
                        .map(|trusted| trusted.digest.as_str())
                        .collect();
                    let grants = profile.grants.iter();
                    let grants = grants
                        .filter(|grant| !grant.is_free && !trusted.contains(grant.digest.as_str()));
                    ProfileGrants {
                        profile: profile.profile.clone(),
                        grants: grants.cloned().collect(),
                    }
                })
                .collect()
        };
        let checkouts = record
            .into_iter()
            .flat_map(|record| record.checkouts.values());
        checkouts
            .map(|checkout| all(Some(checkout)))
            .chain([all(None)])
            .min_by_key(|missing| {
                missing
                    .iter()
                    .map(|profile| profile.grants.len())
                    .sum::<usize>()
            })
            .unwrap_or_default()
    }

    /// Everything that was trusted, by profile.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[Trusted])> {
        let profiles = self.checkouts.values().flatten();
        profiles.map(|(profile, trusted)| (profile.as_str(), trusted.as_slice()))
    }

    /// What was trusted in a working tree, by profile; where nothing was, in another one.
    pub fn trusted(&self, project: &Project) -> BTreeMap<String, Vec<Trusted>> {
        let own = self.checkouts.get(project.checkout());
        let any = || self.checkouts.values().next();
        own.or_else(any).cloned().unwrap_or_default()
    }
}

impl Records {
    /// Those of a user; none without a place for them. `state` is `XDG_STATE_HOME`, which counts where it is
    /// absolute; else they are below `home`.
    pub fn of(home: Option<&Path>, state: Option<&OsStr>) -> Option<Self> {
        let stated = state.map(PathBuf::from).filter(|path| path.is_absolute());
        let state = stated.or_else(|| Some(home?.join(STATE)))?;
        Some(Self {
            directory: state.join(DIRECTORY),
        })
    }

    fn path(&self, project: &Project) -> PathBuf {
        let place = project.place().as_os_str().as_encoded_bytes();
        self.directory.join(digest(place))
    }

    /// The record of a manifest.
    pub fn find(&self, project: &Project) -> Option<Record> {
        read(&self.path(project)).filter(|record| record.manifest == project.place())
    }

    /// Records that these grants are trusted in this working tree, in place of what was before.
    pub fn store(&self, project: &Project, grants: &[ProfileGrants]) -> Result<(), String> {
        let mut record = self.find(project).unwrap_or_else(|| Record::new(project));
        // A working tree that is gone answers for nothing.
        record.checkouts.retain(|checkout, _| checkout.is_dir());
        let trusted = grants.iter().map(|profile| {
            let grants = profile.grants.iter().map(|grant| Trusted {
                line: grant.line(),
                digest: grant.digest.clone(),
            });
            (profile.profile.clone(), grants.collect())
        });
        record
            .checkouts
            .insert(project.checkout().to_owned(), trusted.collect());
        self.write(&self.path(project), &record)
    }

    /// The record is whole or not there: it is written beside and renamed.
    fn write(&self, path: &Path, record: &Record) -> Result<(), String> {
        let fail =
            |error: std::io::Error| format!("{}: {}", self.directory.display(), reason(&error));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(fail)?;
        let mut name = OsString::from(path.as_os_str());
        name.push(format!(".{}", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&name)
            .map_err(fail)?;
        let mut text = serde_json::to_vec_pretty(record).unwrap_or_default();
        text.push(b'\n');
        let written = file.write_all(&text).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| fs::rename(&name, path)) {
            // The half-written file is ours alone; that it can't be removed either changes nothing.
            let _ = fs::remove_file(&name);
            return Err(fail(error));
        }
        Ok(())
    }

    /// Every record, by the manifest's place.
    pub fn all(&self) -> Vec<Record> {
        let entries = fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten();
        let mut records: Vec<Record> = entries.filter_map(|entry| read(&entry.path())).collect();
        records.sort_by(|one, other| one.manifest.cmp(&other.manifest));
        records
    }

    /// Forgets a manifest, in all its working trees; whether it was known.
    pub fn remove(&self, project: &Project) -> Result<bool, String> {
        match fs::remove_file(self.path(project)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(format!("{}: {}", self.directory.display(), reason(&error))),
        }
    }
}

fn read(path: &Path) -> Option<Record> {
    let record: Record = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (record.version == VERSION).then_some(record)
}

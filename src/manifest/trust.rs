//! What a manifest that was found by search may not do until its caller trusts it.
//!
//! A cloned file belongs to its caller and was written by someone else. Some things in it reach
//! beyond the values: programs that it starts, addresses that credentials are sent to, variables
//! that steer programs, files of the caller outside the project, credentials of the caller. Each of
//! these is a grant. Grants are read off the manifest as it is merged for a profile, so that whatever
//! decides on them, a layer's order as much as a line, decides on them here.
//!
//! Each grant is whole: its digest covers all that decides on it. So what was trusted can be told
//! from what was not grant by grant, and a new name with a place of its own changes none.

mod backend;
mod canonical;
mod origin;
mod project;
#[cfg(test)]
mod property;
mod reads;
mod record;
mod stranger;
mod variable;

use std::collections::BTreeSet;

pub use self::{
    project::Project,
    record::{Record, Records, Trusted},
    stranger::stranger,
};
use super::{Manifest, source::Span};

/// The launcher's environment, to compare addresses with the ecosystem's own variables.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// One thing that a manifest may do in one profile only when it is trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Where it is said.
    pub span: Span,
    /// What it is about: a backend, a variable, a file.
    pub subject: String,
    /// What the manifest does with it, as a person judges it: the program and its arguments, the
    /// address and what is sent there, the value.
    pub what: String,
    /// Whether the caller's own environment already says it, so that it needs no trust.
    pub is_free: bool,
    /// SHA-256, in hexadecimal, over everything that decides on it.
    pub digest: String,
}

impl Grant {
    fn new(
        span: Span,
        subject: impl Into<String>,
        what: impl Into<String>,
        canonical: &str,
    ) -> Self {
        Self {
            span,
            subject: subject.into(),
            what: what.into(),
            is_free: false,
            digest: canonical::digest(canonical.as_bytes()),
        }
    }

    /// Both on one line: `conjur  runs: conjur-provider --quiet`.
    pub fn line(&self) -> String {
        format!("{}  {}", self.subject, self.what)
    }
}

/// The grants of one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileGrants {
    /// The profile; empty where the manifest has none.
    pub profile: String,
    /// By place.
    pub grants: Vec<Grant>,
}

/// What the merged manifest does that must be trusted.
pub fn grants(
    manifest: &Manifest,
    project: &Project,
    environment: &Lookup<'_>,
    credentials: &BTreeSet<String>,
) -> ProfileGrants {
    let survey = Survey {
        manifest,
        project,
        environment,
        credentials,
    };
    let mut grants = Vec::new();
    survey.backends(&mut grants);
    survey.variables(&mut grants);
    survey.reads(&mut grants);
    grants.sort();
    grants.dedup_by(|one, other| one.digest == other.digest && one.subject == other.subject);
    ProfileGrants {
        profile: manifest.profile.clone().unwrap_or_default(),
        grants,
    }
}

/// One merged manifest, being looked through.
struct Survey<'a> {
    manifest: &'a Manifest,
    project: &'a Project,
    environment: &'a Lookup<'a>,
    /// Patterns of variables that hold static credentials.
    credentials: &'a BTreeSet<String>,
}

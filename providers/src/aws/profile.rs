//! What the AWS configuration says of a profile: enough to tell what failed in it.

use std::error::Error;

#[expect(deprecated, reason = "the only type that the loader takes")]
use aws_config::profile::profile_file::ProfileFiles;
use aws_config::profile::{self, ProfileFileLoadError, ProfileParseError, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

/// How a profile signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By a session of `aws sso login`.
    Sso,
    /// By a program.
    Process,
    /// By keys, a role, or not at all.
    Other,
}

/// Where a configuration can't be read: its first line says it, the rest what stands there.
fn place(error: &ProfileFileLoadError) -> String {
    let cause = match error.source() {
        Some(cause) if cause.is::<ProfileParseError>() => cause.to_string(),
        _ => error.to_string(),
    };
    let first = cause.lines().next().unwrap_or_default();
    first.trim_end_matches(':').to_owned()
}

/// The profiles of a configuration.
pub(crate) struct Profiles(ProfileSet);

impl Profiles {
    /// Reads the files that the environment names. The text of an error names a file and a line.
    pub(crate) async fn load(name: &str) -> Result<Self, String> {
        // The SDK reads the same files of the same environment again; what it makes of them is
        // not open to be looked at.
        #[expect(deprecated, reason = "the only type that the loader takes")]
        let files = ProfileFiles::default();
        profile::load(
            &Fs::real(),
            &Env::real(),
            &files,
            Some(name.to_owned().into()),
        )
        .await
        .map(Self)
        .map_err(|error| place(&error))
    }

    /// Whether there is such a profile.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get_profile(name).is_some()
    }

    /// Every name.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.profiles().map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    /// How it signs in, itself or through the profile that it takes its credentials from; and
    /// which that is.
    pub(crate) fn how(&self, name: &str) -> (How, String) {
        let mut here = name.to_owned();
        let mut seen = Vec::new();
        while let Some(profile) = self.0.get_profile(&here) {
            if profile.get("sso_session").is_some() || profile.get("sso_start_url").is_some() {
                return (How::Sso, here);
            }
            if profile.get("credential_process").is_some() {
                return (How::Process, here);
            }
            let Some(next) = profile.get("source_profile") else {
                break;
            };
            seen.push(std::mem::replace(&mut here, next.to_owned()));
            if seen.contains(&here) {
                break;
            }
        }
        (How::Other, name.to_owned())
    }
}

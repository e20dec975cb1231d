//! `endow trust`: consent to what a found manifest may not do by itself.

use std::fmt::Write as _;

use clap::Args;

use crate::{
    error::Error,
    manifest::{diagnostic::one_line, trust},
    session::{Context, Only},
};

/// Record that the manifest's programs and addresses may be used.
///
/// Covered are programs, addresses, certificates and variables that make programs run code, over
/// all files and profiles. When one of them changes, endow asks again; a new name does not ask.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  endow explain       read what the manifest would do
  endow trust         allow it")]
pub(super) struct Arguments {}

pub(super) fn trust(context: &Context) -> Result<(), Error> {
    let mut session = context.open()?;
    session.refuse_stranger()?;
    session.plan(&Only::Everything)?;
    let parts = session.to_trust();
    if parts.is_empty() {
        return context.ui.report(&format!(
            "{} has nothing that must be trusted\n",
            one_line(&session.found.display)
        ));
    }
    let mut text = format!("trusted: {}\n", one_line(&session.found.display));
    for (what, place) in &parts {
        let _ = writeln!(text, "  {}", one_line(&format!("{what} ({place})")));
    }
    let digest = trust::digest(&session.trust);
    trust::store(
        session.manifest.home.as_deref(),
        &session.found.path,
        &digest,
    )
    .map_err(|reason| Error::TrustNotStored { reason })?;
    context.ui.report(&text)
}

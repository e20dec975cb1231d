//! `endow get`: one value on standard output.

use clap::Args;

use crate::{
    error::Error,
    session::{Context, Only, values},
};

/// Print one value.
///
/// The exact bytes, and a newline only on a terminal.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  endow get DATABASE_URL
  psql \"$(endow get DATABASE_URL)\"")]
pub(super) struct Arguments {
    /// A declared variable, exported or not
    #[arg(value_name = "NAME")]
    name: String,
}

pub(super) fn get(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    let mut session = context.open()?;
    let is_trusted = session.require_trust();
    let plan = session.plan(&Only::One(&arguments.name))?;
    is_trusted?;
    let mut resolved = values(context, &plan, None, "nothing was printed")?;
    context.ui.warnings(&resolved.warnings);
    let Some(secret) = resolved.values.remove(&arguments.name).flatten() else {
        return Err(Error::Absent {
            name: arguments.name.clone(),
        });
    };
    context.ui.data(secret.expose())?;
    if context.ui.is_terminal() && !secret.expose().ends_with(b"\n") {
        context.ui.data(b"\n")
    } else {
        Ok(())
    }
}

//! `endow schema`: the JSON Schema of the manifest.

use clap::Args;

use crate::{error::Error, manifest::schema::json_schema, session::Context};

/// Print the JSON Schema of the manifest, for editors.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  endow schema > secretfile.schema.json
  # first line of secretfile.yaml:
  # yaml-language-server: $schema=./secretfile.schema.json")]
pub(super) struct Arguments {}

pub(super) fn schema(context: &Context) -> Result<(), Error> {
    context.ui.report_json(&json_schema())
}

//! `endow export`: all exported variables, in a form that another program reads.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use endow_providers::Secret;
use zeroize::Zeroizing;

use crate::{
    error::Error,
    session::{Context, Only, refuse_files, values},
};

/// The longest line that Docker reads: with its end as many bytes as its buffer (Go's
/// `bufio.MaxScanTokenSize`).
const DOCKER_LINE: usize = (64 << 10) - 1;

/// Print all exported variables.
///
/// Nothing is printed unless all of them resolve.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  eval \"$(endow export --format shell)\"
  endow export --format github >> \"$GITHUB_ENV\"
  docker run --env-file <(endow export --format docker) IMAGE")]
pub(super) struct Arguments {
    /// Only these variables and groups, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Who reads it
    #[arg(long, value_enum)]
    format: Form,
}

/// The forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// `export NAME='value'`, for POSIX shells
    Shell,
    /// A .env file
    Dotenv,
    /// One JSON object
    Json,
    /// `docker run --env-file`: no newlines
    Docker,
    /// The file that `GITHUB_ENV` names
    Github,
}

pub(super) fn export(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    let mut session = context.open()?;
    let is_trusted = session.require_trust();
    let plan = session.plan(&Only::Words(&arguments.only))?;
    is_trusted?;
    refuse_files(&plan)?;
    let resolved = values(context, &plan, None, "nothing was printed")?;
    let exported: BTreeMap<&str, &Secret> = plan
        .selected()
        .filter(|(_, planned)| planned.part == crate::plan::Part::Exported)
        .filter_map(|(name, _)| Some((name, resolved.values.get(name)?.as_ref()?)))
        .collect();
    let text = written(&exported, arguments.format)?;
    context.ui.warnings(&resolved.warnings);
    context.ui.data(&text)
}

fn written(exported: &BTreeMap<&str, &Secret>, form: Form) -> Result<Zeroizing<Vec<u8>>, Error> {
    // Room for every escape, so that growing leaves no copy behind.
    let capacity = exported
        .iter()
        .map(|(name, secret)| 2 * name.len() + 6 * secret.len() + 64)
        .sum::<usize>()
        + 16;
    let mut text = Zeroizing::new(Vec::with_capacity(capacity));
    if form == Form::Json {
        return json(exported, text);
    }
    for (name, secret) in exported {
        let value = secret.expose();
        match form {
            Form::Shell => shell(name, value, &mut text)?,
            Form::Dotenv => dotenv(name, value, &mut text)?,
            Form::Docker => docker(name, value, &mut text)?,
            Form::Github => github(name, value, &mut text)?,
            Form::Json => {}
        }
    }
    Ok(text)
}

fn refuse(name: &str, what: &str, form: &str) -> Error {
    Error::usage(format!(
        "the value of `{name}` holds {what}, which {form} can't carry"
    ))
}

/// The value as text, for readers that would take other bytes for another value.
fn as_text<'v>(name: &str, value: &'v [u8], form: &str) -> Result<&'v str, Error> {
    std::str::from_utf8(value).map_err(|_| refuse(name, "bytes that are not UTF-8", form))
}

/// Single quotes, and `'\''` for a quote (POSIX shell, 2.2.2).
fn shell(name: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), Error> {
    if value.contains(&0) {
        return Err(refuse(name, "a NUL", "a shell"));
    }
    text.extend_from_slice(format!("export {name}='").as_bytes());
    for byte in value {
        match byte {
            b'\'' => text.extend_from_slice(b"'\\''"),
            _ => text.push(*byte),
        }
    }
    text.extend_from_slice(b"'\n");
    Ok(())
}

/// Single quotes where that is possible, because nothing is expanded in them anywhere.
fn dotenv(name: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), Error> {
    if value.contains(&0) {
        return Err(refuse(name, "a NUL", "a .env file"));
    }
    as_text(name, value, "a .env file")?;
    text.extend_from_slice(format!("{name}=").as_bytes());
    if !value.contains(&b'\'') && !value.contains(&b'\r') {
        text.push(b'\'');
        text.extend_from_slice(value);
        text.extend_from_slice(b"'\n");
        return Ok(());
    }
    text.push(b'"');
    for byte in value {
        match byte {
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'"' | b'\\' | b'$' => text.extend_from_slice(&[b'\\', *byte]),
            _ => text.push(*byte),
        }
    }
    text.extend_from_slice(b"\"\n");
    Ok(())
}

/// Docker takes the rest of the line as it is.
fn docker(name: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), Error> {
    if value.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(refuse(name, "a line break or a NUL", "a Docker env-file"));
    }
    // Docker's own message would print the bytes.
    as_text(name, value, "a Docker env-file")?;
    let longest = DOCKER_LINE.saturating_sub(name.len() + 1);
    if value.len() > longest {
        return Err(Error::usage(format!(
            "the value of `{name}` has {} bytes; a Docker env-file carries at most {longest} under that name",
            value.len()
        )));
    }
    text.extend_from_slice(format!("{name}=").as_bytes());
    text.extend_from_slice(value);
    text.push(b'\n');
    Ok(())
}

/// GitHub's form for values of several lines, with a delimiter that the value does not hold.
fn github(name: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), Error> {
    if value.contains(&0) || value.contains(&b'\r') {
        return Err(refuse(name, "a NUL or a carriage return", "GitHub's file"));
    }
    as_text(name, value, "GitHub's file")?;
    let holds = |delimiter: &str| {
        value
            .windows(delimiter.len())
            .any(|window| window == delimiter.as_bytes())
    };
    // A value of n bytes can't hold n + 1 different delimiters.
    let delimiter = (0..=value.len())
        .map(|number| format!("ENDOW_{number}"))
        .find(|delimiter| !holds(delimiter))
        .unwrap_or_default();
    text.extend_from_slice(format!("{name}<<{delimiter}\n").as_bytes());
    text.extend_from_slice(value);
    text.extend_from_slice(format!("\n{delimiter}\n").as_bytes());
    Ok(())
}

fn json(
    exported: &BTreeMap<&str, &Secret>,
    mut text: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut pairs = BTreeMap::new();
    for (name, secret) in exported {
        pairs.insert(*name, as_text(name, secret.expose(), "JSON")?);
    }
    serde_json::to_writer_pretty(&mut *text, &pairs)
        .map_err(|_| Error::usage("the values can't be written as JSON"))?;
    text.push(b'\n');
    Ok(text)
}

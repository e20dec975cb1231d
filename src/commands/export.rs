//! `endow export`: all exported variables, in a form that another program reads.

mod ci;
mod dotenv;

use std::collections::BTreeMap;

use clap::{Args, ValueEnum, builder::EnumValueParser};
use endow_providers::Secret;
use zeroize::Zeroizing;

use self::dotenv::For;
use crate::{
    cli::{Late, LateParser, Options},
    error::Error,
    plan::{Part, Source},
    session::{Context, Only, refuse_files, values},
    shell,
};

/// The longest line that Docker reads: with its end as many bytes as its buffer (Go's
/// `bufio.MaxScanTokenSize`).
const DOCKER_LINE: usize = (64 << 10) - 1;

/// Print all exported variables.
///
/// No value is printed unless all of them resolve.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  eval \"$(endow export --format shell)\"
  endow export --format dotenv --for node > .env.local
  endow export --format github >> \"$GITHUB_ENV\"
  endow export --format azure
  eval \"$(endow export --format buildkite)\"
  docker run --env-file <(endow export --format docker) IMAGE

`eval` takes no notice of a command that fails inside `$(...)`. So where something fails, the last line
of the forms `shell` and `buildkite` is `false`: `eval` fails, and `set -e` sees it. A missing endow prints
nothing, and `eval` succeeds; this fails there too:
  values=$(endow export --format shell) && eval \"$values\"")]
pub(super) struct Arguments {
    /// Only these variables and groups, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Who reads it
    #[arg(long, value_parser = LateParser(EnumValueParser::<Form>::new()))]
    format: Late<Form>,
    /// The one reader of the .env file; without it all of them must read the same
    #[arg(long = "for", value_name = "READER", value_parser = LateParser(EnumValueParser::<For>::new()))]
    reader: Option<Late<For>>,
}

/// The forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// `export NAME='value'`, for POSIX shells
    Shell,
    /// A .env file, in a form that all readers read the same
    Dotenv,
    /// One JSON object
    Json,
    /// `docker run --env-file`: no newlines
    Docker,
    /// The file that `GITHUB_ENV` names; what masks the values goes to standard error
    Github,
    /// Logging commands of Azure Pipelines that set secret variables
    Azure,
    /// As `shell`, after Buildkite's redactor was given the values
    Buildkite,
    #[value(hide = true)]
    Gitlab,
}

impl Options for Arguments {
    fn misread(&self) -> Option<&clap::Error> {
        let reader = self.reader.as_ref().and_then(Late::misread);
        self.format.misread().or(reader)
    }
}

impl Arguments {
    /// Read already, so that the last is never missing.
    fn form(&self) -> Form {
        self.format.value().unwrap_or(Form::Json)
    }

    fn reader(&self) -> Option<For> {
        self.reader.as_ref()?.value()
    }
}

pub(super) fn export(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    let exported = exported(arguments, context);
    if exported.is_err() && matches!(arguments.form(), Form::Shell | Form::Buildkite) {
        // The status inside of `$(...)` is lost; where this can't be printed, neither is a value.
        let _ = context.ui.data(b"false\n");
    }
    exported
}

fn exported(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    can_be_read(arguments, context)?;
    let mut session = context.open()?;
    let is_trusted = session.require_trust();
    let plan = session.plan(&Only::Words(&arguments.only))?;
    is_trusted?;
    refuse_files(&plan)?;
    let resolved = values(context, &plan, None, "nothing was printed")?;
    let exported: BTreeMap<&str, &Secret> = plan
        .selected()
        .filter(|(_, planned)| planned.part == Part::Exported)
        .filter_map(|(name, _)| Some((name, resolved.values.get(name)?.as_ref()?)))
        .collect();
    let text = written(&exported, arguments)?;
    context.ui.warnings(&resolved.warnings);
    if arguments.form() == Form::Github {
        // Plain values stand in the repository, and in most lines of a log.
        let is_plain = |name: &str| matches!(plan.variables[name].source, Source::Value(_));
        let secret = exported.iter().filter(|(name, _)| !is_plain(name));
        context
            .ui
            .masks(&ci::masks(secret.map(|(_, value)| *value)))?;
    }
    context.ui.data(&text)
}

/// Refuses what its reader would show, or would not be read at all.
fn can_be_read(arguments: &Arguments, context: &Context) -> Result<(), Error> {
    if arguments.reader().is_some() && arguments.form() != Form::Dotenv {
        return Err(Error::usage(
            "`--for` says who reads a .env file: it needs `--format dotenv`",
        ));
    }
    let marker = match arguments.form() {
        Form::Github => ci::GITHUB,
        Form::Azure => ci::AZURE,
        Form::Gitlab => {
            return Err(Error::Usage {
                message: "GitLab masks no value that a job makes".into(),
                hints: vec!["`endow run --redact -- COMMAND` in the job gives it the values, and keeps them out of its log".into()],
            });
        }
        _ => return Ok(()),
    };
    let ci::Marker { name, value, why } = marker;
    if context.variable(name).is_some_and(|found| found == value) {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("`{name}` is not `{value}`: {why}"),
        hints: vec!["`endow run -- COMMAND` gives the values to a command everywhere".into()],
    })
}

fn written(
    exported: &BTreeMap<&str, &Secret>,
    arguments: &Arguments,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let form = arguments.form();
    // Room for every escape, so that growing leaves no copy behind.
    let capacity = exported
        .iter()
        .map(|(name, secret)| 3 * name.len() + 12 * secret.len() + 128)
        .sum::<usize>()
        + 128;
    let mut text = Zeroizing::new(Vec::with_capacity(capacity));
    match form {
        Form::Json => return json(exported, text),
        Form::Buildkite => buildkite(exported, &mut text)?,
        _ => {}
    }
    for (name, secret) in exported {
        let value = secret.expose();
        match form {
            Form::Dotenv if arguments.reader() != Some(For::Docker) => {
                let value = without_nul(name, value, "a .env file")?;
                dotenv::write(name, value, arguments.reader(), &mut text)?;
            }
            Form::Docker | Form::Dotenv => docker(name, value, &mut text)?,
            Form::Github => ci::github(name, value, &mut text)?,
            Form::Azure => ci::azure(name, value, &mut text)?,
            Form::Shell | Form::Buildkite => shell(name, value, &mut text)?,
            Form::Json | Form::Gitlab => {}
        }
    }
    if form == Form::Buildkite {
        text.extend_from_slice(b"}\n");
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

/// The value as text, for readers that take a NUL for the end.
fn without_nul<'v>(name: &str, value: &'v [u8], form: &str) -> Result<&'v str, Error> {
    if value.contains(&0) {
        return Err(refuse(name, "a NUL", form));
    }
    as_text(name, value, form)
}

/// Gives the values to the redactor of the agent, through a pipe; what follows is for a shell, and is
/// left out where that fails.
/// <https://buildkite.com/docs/agent/v3/cli/reference/redactor>
fn buildkite(exported: &BTreeMap<&str, &Secret>, text: &mut Vec<u8>) -> Result<(), Error> {
    text.extend_from_slice(b"printf %s ");
    let object = json(exported, Zeroizing::new(Vec::new()))?;
    shell::quote(object.trim_ascii_end(), text);
    text.extend_from_slice(b" | buildkite-agent redactor add --format json && {\n");
    Ok(())
}

/// A line that a POSIX shell reads.
fn shell(name: &str, value: &[u8], text: &mut Vec<u8>) -> Result<(), Error> {
    if value.contains(&0) {
        return Err(refuse(name, "a NUL", "a shell"));
    }
    text.extend_from_slice(format!("export {name}=").as_bytes());
    shell::quote(value, text);
    text.push(b'\n');
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

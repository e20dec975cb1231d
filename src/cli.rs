//! The command line: what all verbs share, and how its errors are told. The verbs themselves
//! are in `commands`.

mod late;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, ValueEnum};

pub use self::late::{Late, LateParser};

/// Names the manifest.
pub const FILE_VARIABLE: &str = "ENDOW_FILE";
/// Chooses the profile.
pub const PROFILE_VARIABLE: &str = "ENDOW_PROFILE";
/// The directory of a user's state.
pub const STATE_VARIABLE: &str = "XDG_STATE_HOME";
/// Turns on tracing.
pub const LOG_VARIABLE: &str = "ENDOW_LOG";

/// The main page.
pub(crate) const HELP: &str = "\
endow gives a process its secrets, and nothing else.

It reads secretfile.yaml, which says for each environment variable where its
value is, fetches the values, and becomes the command with only those variables.

Usage: endow COMMAND [OPTIONS] ...

Run:
  run        start a command with the variables of the manifest
  explain    say what `run` would do: places, requests, environment; no value is read

Values:
  check      say whether every variable resolves; prints no value, runs nothing
  get        print one value
  export     print all exported variables for a shell, Docker, GitHub, ...

Register:
  explain --format json
             the register as data: owner, rotation, review and place of each variable

Setup:
  trust      record that the manifest's programs and addresses may be used
  schema     print the JSON Schema of the manifest, for editors

Options:
  --file PATH          the manifest; else ENDOW_FILE, else the nearest secretfile.yaml
  -p, --profile NAME   the profile; else ENDOW_PROFILE, else the manifest's default
  -q, --quiet          no warnings on standard error
  -v, --verbose        say what is done; no level prints a value
  -h, --help           this page, or that of a command: endow run --help
  -V, --version        the version

Examples:
  endow run -- npm run dev
  endow run --profile prod -- node server.js
  endow explain --profile prod
  endow check --all-profiles
  eval \"$(endow export --format shell)\"
";

/// Options of all commands.
#[derive(Args, Debug)]
pub struct Global {
    /// The manifest; naming it is consent to its programs and addresses
    #[arg(long, global = true, value_name = "PATH")]
    pub file: Option<PathBuf>,
    /// The profile; else `ENDOW_PROFILE`, else the manifest's `default_profile`
    #[arg(long, short, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// No warnings on standard error
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say what is done on standard error; twice for more. No level prints a value
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The parsed command line, or what is printed instead of doing anything.
pub(crate) fn parse<C: Parser + Options>(arguments: Vec<OsString>) -> Result<C, Stop> {
    let is_run = names_run(&arguments);
    let parsed = C::try_parse_from(arguments);
    if let Ok(parsed) = &parsed
        && let Some(error) = parsed.misread()
    {
        return Err(wrong(error, is_run));
    }
    parsed.map_err(|error| match error.kind() {
        clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => {
            Stop::Print(error.render().to_string())
        }
        clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | clap::error::ErrorKind::MissingSubcommand => Stop::Wrong {
            message: "a command is missing".to_owned(),
            hints: vec!["try `endow run -- COMMAND`, or `endow --help`".to_owned()],
            is_run,
        },
        _ => wrong(&error, is_run),
    })
}

/// Options whose values are read late.
pub(crate) trait Options {
    /// What is wrong with the first of them that is.
    fn misread(&self) -> Option<&clap::Error>;
}

/// Why nothing is done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// `--help` and `--version`: for standard output.
    Print(String),
    /// A usage error.
    Wrong {
        /// A lower-case fragment.
        message: String,
        /// What to do.
        hints: Vec<String>,
        /// Whether it is one of `run`, whose usage errors are 125.
        is_run: bool,
    },
}

/// Turns clap's page into our form: one fragment, then hints.
fn wrong(error: &clap::Error, is_run: bool) -> Stop {
    let page = error.render().to_string();
    let mut message = String::new();
    let mut hints = Vec::new();
    for line in page
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
    {
        if let Some(tip) = line.strip_prefix("tip: ") {
            // That a word can be passed as a value helps nobody who mistyped an option.
            if !tip.starts_with("to pass ") {
                hints.push(tip.replace('\'', "`"));
            }
        } else if !line.is_empty() {
            let line = line
                .strip_prefix("error: ")
                .unwrap_or(line)
                .replace('\'', "`");
            message.push_str(if message.is_empty() { "" } else { " " });
            message.push_str(&line);
        }
    }
    let command = if is_run {
        "endow run --help"
    } else {
        "endow --help"
    };
    hints.push(format!("see `{command}`"));
    Stop::Wrong {
        message,
        hints,
        is_run,
    }
}

/// Whether the first word that is no option is `run`.
fn names_run(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--file" | "--profile" | "-p") => drop(words.next()),
            Some(option) if option.starts_with('-') => {}
            word => return word == Some("run"),
        }
    }
    false
}

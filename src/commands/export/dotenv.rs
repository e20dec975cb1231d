//! Writing `.env` files that their readers take for what was meant.
//!
//! No two readers agree on quotes and escapes, and most expand `$`. So of each value the first form is
//! taken that every reader gives back as it is; where there is none, nothing is written. The rules are
//! those of the readers' sources; tests run the readers.

use std::{
    fmt::{self, Display, Formatter},
    slice,
};

use clap::ValueEnum;

use crate::error::Error;

/// Who reads the file, where one reader is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum For {
    /// `node --env-file` and the package dotenv
    Node,
    /// python-dotenv
    Python,
    /// Docker Compose, and programs in Go
    Compose,
    /// `docker run --env-file`
    Docker,
}

impl For {
    /// Who reads the dialect of .env files; `docker run` takes lines as they are.
    fn reader(self) -> Option<Reader> {
        match self {
            Self::Node => Some(Reader::Node),
            Self::Python => Some(Reader::Python),
            Self::Compose => Some(Reader::Compose),
            Self::Docker => None,
        }
    }
}

/// A program that reads such files, or libraries that read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Python,
    Node,
    Compose,
    /// A shell that sources the file: it must not run any of it.
    Shell,
}

const READERS: [Reader; 4] = [Reader::Python, Reader::Node, Reader::Compose, Reader::Shell];

impl Display for Reader {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "python-dotenv",
            Self::Node => "Node",
            Self::Compose => "Docker Compose",
            Self::Shell => "a shell that sources the file",
        })
    }
}

/// The ways to write a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Between single quotes, as it is.
    Single,
    /// Between double quotes, as it is.
    Double,
    /// Between double quotes, newlines as `\n`.
    DoubleLine,
    /// Without quotes.
    Plain,
    /// Between backticks, as it is; Node alone.
    Backtick,
    /// Between single quotes, with `\\` and `\'`; Python alone.
    SingleEscaped,
    /// Between double quotes, with every escape; Python and Compose.
    DoubleEscaped,
}

/// The ways that nearly all readers understand.
const COMMON: [Way; 4] = [Way::Single, Way::Double, Way::DoubleLine, Way::Plain];
/// The safest first.
const ALL: [Way; 7] = [
    Way::Single,
    Way::Double,
    Way::DoubleLine,
    Way::Plain,
    Way::Backtick,
    Way::SingleEscaped,
    Way::DoubleEscaped,
];

/// A value that has no NUL, as text.
pub(super) fn write(
    name: &str,
    value: &str,
    reader: Option<For>,
    text: &mut Vec<u8>,
) -> Result<(), Error> {
    let one = reader.and_then(For::reader);
    let readers = one.as_ref().map_or(&READERS[..], slice::from_ref);
    let is_read = |way: &&Way| readers.iter().all(|reader| reads(*reader, **way, value));
    let Some(way) = ALL.iter().find(is_read) else {
        return Err(refusal(name, value, readers));
    };
    text.extend_from_slice(format!("{name}=").as_bytes());
    way.write(value, text);
    text.push(b'\n');
    Ok(())
}

/// Which readers no form suits that suits the others, and for whom alone it could be written.
fn refusal(name: &str, value: &str, readers: &[Reader]) -> Error {
    let misread = |way: &Way| -> Vec<Reader> {
        let misreads = |reader: &&Reader| !reads(**reader, *way, value);
        readers.iter().filter(misreads).copied().collect()
    };
    let fewest = COMMON.iter().map(misread).min_by_key(Vec::len);
    let who: Vec<String> = fewest.iter().flatten().map(ToString::to_string).collect();
    let suits = |reader: Reader| ALL.iter().any(|way| reads(reader, *way, value));
    let possible: Vec<String> = For::value_variants()
        .iter()
        .filter(|one| readers.len() > 1 && one.reader().is_some_and(suits))
        .filter_map(ValueEnum::to_possible_value)
        .map(|one| format!("`--for {}`", one.get_name()))
        .collect();
    let message = format!(
        "no form of the value of `{name}` in a .env file is read back the same by {}",
        who.join(" and ")
    );
    Error::Usage {
        message,
        hints: vec![if possible.is_empty() {
            "`endow run` gives it to a program without a file".into()
        } else {
            format!("{} writes it for one reader", possible.join(" or "))
        }],
    }
}

impl Way {
    fn write(self, value: &str, text: &mut Vec<u8>) {
        let quote: &[u8] = match self {
            Self::Single | Self::SingleEscaped => b"'",
            Self::Double | Self::DoubleLine | Self::DoubleEscaped => b"\"",
            Self::Backtick => b"`",
            Self::Plain => b"",
        };
        text.extend_from_slice(quote);
        for byte in value.bytes() {
            let escaped: &[u8] = match (self, byte) {
                (Self::DoubleLine | Self::DoubleEscaped, b'\n') => b"\\n",
                (Self::DoubleEscaped, b'\r') => b"\\r",
                (Self::DoubleEscaped, b'"') => b"\\\"",
                (Self::DoubleEscaped | Self::SingleEscaped, b'\\') => b"\\\\",
                (Self::SingleEscaped, b'\'') => b"\\'",
                _ => &[byte],
            };
            text.extend_from_slice(escaped);
        }
        text.extend_from_slice(quote);
    }
}

/// Whether a reader gives back a value that was written in this way.
fn reads(reader: Reader, way: Way, value: &str) -> bool {
    can_be_written(way, value)
        && match reader {
            Reader::Python => python(way, value),
            Reader::Node => node(way, value),
            Reader::Compose => compose(way, value),
            Reader::Shell => shell(way, value),
        }
}

/// What no reader could tell from the end of the value, or from something else.
fn can_be_written(way: Way, value: &str) -> bool {
    match way {
        Way::Single => !value.contains('\''),
        Way::Double | Way::DoubleLine => !value.contains(['"', '\\']),
        Way::Backtick => !value.contains('`'),
        Way::Plain => {
            !value.is_empty()
                && !value.starts_with(['\'', '"', '`'])
                && !value.contains(['#', '\n', '\r'])
                && value.trim_matches(is_blank) == value
        }
        Way::SingleEscaped | Way::DoubleEscaped => true,
    }
}

/// White space of any reader.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '\u{feff}'
}

/// python-dotenv 1: expands `${…}` in every kind of quotes, and takes any line end for a newline.
fn python(way: Way, value: &str) -> bool {
    let is_expanded = value
        .split_once("${")
        .is_some_and(|(_, after)| after.contains('}'));
    if is_expanded {
        return false;
    }
    match way {
        Way::Single => !value.contains(r"\\") && !value.ends_with('\\') && !value.contains('\r'),
        Way::Double | Way::DoubleLine => !value.contains('\r'),
        Way::Plain => true,
        Way::SingleEscaped => !value.ends_with('\\') && !value.contains('\r'),
        Way::DoubleEscaped => !value.ends_with('\\'),
        Way::Backtick => false,
    }
}

/// Node 20 and newer, and dotenv 16 and newer: no escapes but `\n` in double quotes, and `\r` in one of them.
fn node(way: Way, value: &str) -> bool {
    match way {
        Way::Single | Way::Backtick => !value.ends_with('\\') && !value.contains('\r'),
        Way::Double | Way::DoubleLine => !value.contains('\r'),
        Way::Plain => true,
        Way::SingleEscaped | Way::DoubleEscaped => false,
    }
}

/// compose-go and godotenv: expand `$` outside of single quotes. godotenv takes `---` at the end of a line
/// away, wherever it is.
fn compose(way: Way, value: &str) -> bool {
    let has_divider = value.contains("---\n") || value.contains('\r');
    match way {
        Way::Single => !value.ends_with('\\') && !has_divider,
        Way::Double => !value.contains('$') && !has_divider,
        Way::DoubleLine => !value.contains(['$', '\r']),
        Way::Plain => !value.contains('$') && !value.ends_with("---"),
        Way::DoubleEscaped => !value.contains('$') && !value.ends_with(['\\', '"']),
        Way::Backtick | Way::SingleEscaped => false,
    }
}

/// It may read another value, but it must not run a part of it.
fn shell(way: Way, value: &str) -> bool {
    let is_inert = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,=-\\".contains(c);
    match way {
        Way::Single => true,
        Way::Double | Way::DoubleLine => !value.contains(['$', '`']),
        Way::Plain => value.chars().all(is_inert),
        Way::Backtick | Way::SingleEscaped | Way::DoubleEscaped => false,
    }
}

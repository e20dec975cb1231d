//! The only place that prints.
//!
//! Reports and data go to standard output. Everything else goes to standard error with the
//! prefix `endow:`; failing to print there fails nothing. Texts are ASCII unless the locale is
//! UTF-8, hold no control characters, and are the same without colour. Only what is printed ends a
//! line: the parts of a text are made lines here, by [`one_line`], whatever stands in them.

mod progress;
mod snippet;

use std::{
    ffi::{OsStr, OsString},
    io::{self, BufRead, IsTerminal, Write},
    panic::Location,
};

use endow_providers::Warning;
use serde_json::{Value, json};

pub use self::progress::Progress;
use crate::{
    cli::Format,
    error::{Error, Message},
    manifest::{
        credential,
        diagnostic::{Diagnostic, one_line, steers},
        source::Sources,
    },
    sys::startup::closed_descriptors,
};

const OUTPUT: i32 = 1;
const ERRORS: i32 = 2;

/// So many problems of a manifest are shown with their lines; more are a file of another kind.
const SHOWN_PROBLEMS: usize = 100;

/// Says where a fault of endow itself was found. There is nothing else to be said: the message of a
/// panic can hold a value, and is not taken.
pub fn internal_error(location: Option<&Location<'_>>) {
    let place = location.map_or_else(String::new, |location| {
        format!(" at {}:{}", location.file(), location.line())
    });
    // Where standard error is closed, the exit status still says it.
    let _ = writeln!(
        io::stderr(),
        "endow: error: internal error{place}\nhint: this is a fault of endow; please report this line"
    );
}

/// Standard output without the runtime's part in it: that takes a descriptor that can't be written
/// for one that was, and keeps a copy of the end of what was written.
struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where tracing is printed: one event a write.
#[derive(Clone, Copy, Debug)]
pub struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = credential::masked(&String::from_utf8_lossy(bytes));
        io::stderr().lock().write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    /// `-q`.
    pub is_quiet: bool,
    /// `--format`.
    pub format: Format,
    is_utf8: bool,
}

impl Ui {
    /// Reads the locale from the environment (POSIX: `LC_ALL`, then `LC_CTYPE`, then `LANG`).
    pub fn new(environment: &[(OsString, OsString)], is_quiet: bool) -> Self {
        let get = |name: &str| {
            environment
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value)
                .filter(|value| !value.is_empty())
        };
        let locale = get("LC_ALL")
            .or_else(|| get("LC_CTYPE"))
            .or_else(|| get("LANG"));
        let is_utf8 = locale.is_some_and(|locale| {
            let locale = locale.to_string_lossy().to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Self {
            is_quiet,
            format: Format::Text,
            is_utf8,
        }
    }

    /// The columns of a report: those of the terminal, else enough for long lines in a file.
    pub fn width(self) -> u16 {
        let stdout = io::stdout();
        if stdout.is_terminal() {
            crate::sys::terminal::columns(&stdout).unwrap_or(80).max(40)
        } else {
            120
        }
    }

    /// Prints a report.
    pub fn report(self, text: &str) -> Result<(), Error> {
        self.data(self.localised(&credential::masked(text)).as_bytes())
    }

    /// Prints a report as JSON.
    pub fn report_json(self, value: &Value) -> Result<(), Error> {
        self.data(credential::masked(&self.json(value)).as_bytes())
    }

    /// Writes exact bytes to standard output.
    pub fn data(self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        // Rust's runtime opened /dev/null in its place, which takes everything.
        if closed_descriptors().any(|closed| closed == OUTPUT) {
            return Err(Error::Output {
                reason: Some("closed".to_owned()),
            });
        }
        Output.write_all(bytes).map_err(|error| Error::Output {
            reason: (error.kind() != io::ErrorKind::BrokenPipe)
                .then(|| crate::manifest::reason(&error)),
        })
    }

    /// Writes commands that hold values to standard error, for the CI system that reads them there. Where
    /// they can't be written, the values must not be.
    pub fn masks(self, bytes: &[u8]) -> Result<(), Error> {
        let is_closed = closed_descriptors().any(|closed| closed == ERRORS);
        let written = io::stderr().lock().write_all(bytes);
        if is_closed || written.is_err() {
            return Err(Error::usage(
                "standard error can't be written, and what masks the values goes there",
            ));
        }
        Ok(())
    }

    /// Whether standard output is a terminal.
    pub fn is_terminal(self) -> bool {
        io::stdout().is_terminal()
    }

    /// Asks a question that a person answers with yes or no; `None` where nobody can be asked, because
    /// not all standard streams are a terminal: what is asked about may be printed elsewhere.
    pub fn confirm(self, question: &str) -> Option<bool> {
        let are_terminals = [
            io::stdin().is_terminal(),
            io::stdout().is_terminal(),
            io::stderr().is_terminal(),
        ];
        if are_terminals.contains(&false) {
            return None;
        }
        Self::print_raw(&self.localised(&format!("{question} [y/N] ")));
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        if !answer.ends_with('\n') {
            Self::print_raw("\n");
        }
        let answer = answer.trim().to_ascii_lowercase();
        Some(read.is_ok() && ["y", "yes"].contains(&&*answer))
    }

    /// Says something that only a person at a terminal wants to know.
    pub fn note(self, text: &str) {
        if !self.is_quiet && io::stderr().is_terminal() {
            self.print(&format!("endow: note: {}\n", one_line(text)));
        }
    }

    /// Prints warnings, equal ones once.
    pub fn warnings(self, warnings: &[Warning]) {
        if self.is_quiet {
            return;
        }
        for (index, warning) in warnings.iter().enumerate() {
            if !warnings[..index].contains(warning) {
                let hints: Vec<String> = warning.hint.iter().cloned().collect();
                self.say(
                    "warning",
                    &Message {
                        text: warning.message.clone(),
                        lines: Vec::new(),
                        hints,
                    },
                );
            }
        }
    }

    /// Prints an error.
    pub fn error(self, error: &Error) {
        match error {
            Error::Manifest { problems, sources } => self.problems(problems, sources),
            // The reader of the pipe went away; there is nobody to tell.
            Error::Output { reason: None } => {}
            _ if self.format == Format::Json => {
                let Message { text, lines, hints } = error.message();
                let text = [text].into_iter().chain(lines).collect::<Vec<_>>();
                self.problems_json(&[json!({
                    "code": "error", "message": text.join("\n  "), "place": null, "related": [], "hints": hints,
                })]);
            }
            Error::Resolve { warnings, .. } => {
                self.warnings(warnings);
                self.say("error", &error.message());
            }
            _ => self.say("error", &error.message()),
        }
    }

    fn problems(self, problems: &[Diagnostic], sources: &Sources) {
        if self.format == Format::Json {
            let list: Vec<Value> = problems
                .iter()
                .map(|problem| problem_json(problem, sources))
                .collect();
            self.problems_json(&list);
            return;
        }
        self.print(&problems_text(problems, sources));
    }

    fn problems_json(self, list: &[Value]) {
        Self::print_raw(&self.json(&json!({ "problems": list })));
    }

    fn say(self, level: &str, message: &Message) {
        let mut text = format!("endow: {level}: {}\n", one_line(&message.text));
        for line in &message.lines {
            text.push_str(&format!("  {}\n", one_line(line)));
        }
        for hint in &message.hints {
            text.push_str(&format!("hint: {}\n", one_line(hint)));
        }
        self.print(&text);
    }

    fn print(self, text: &str) {
        Self::print_raw(&self.localised(text));
    }

    /// Standard error may be closed or full: that is no reason to fail.
    fn print_raw(text: &str) {
        let text = credential::masked(text);
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// The text as this locale and any terminal can show it: paths and names are quoted in it
    /// that a stranger may have written.
    fn localised(self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            if c == '\n' || self.is_shown(c) {
                shown.push(c);
            } else {
                shown.extend(c.escape_unicode());
            }
        }
        shown
    }

    /// A document as JSON, where other characters have an escape of their own (RFC 8259,
    /// section 7).
    fn json(self, document: &Value) -> String {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        let mut shown = String::with_capacity(text.len() + 1);
        for c in text.chars() {
            if c == '\n' || self.is_shown(c) {
                shown.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    shown.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        shown.push('\n');
        shown
    }

    fn is_shown(self, c: char) -> bool {
        !steers(c) && (self.is_utf8 || c.is_ascii())
    }
}

/// Problems with their lines, as far as anyone reads.
pub(crate) fn problems_text(problems: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    for problem in problems.iter().take(SHOWN_PROBLEMS) {
        text.push_str(&match snippet::render(problem, sources) {
            Some(snippet) => format!("{snippet}\n"),
            None => format!("endow: error: {}\n", one_line(&problem.message)),
        });
        for hint in &problem.hints {
            text.push_str(&format!("hint: {}\n", one_line(hint)));
        }
    }
    if problems.len() > SHOWN_PROBLEMS {
        let more = problems.len() - SHOWN_PROBLEMS;
        text.push_str(&format!("endow: error: {more} more problems\n"));
    }
    text
}

pub(crate) fn problem_json(problem: &Diagnostic, sources: &Sources) -> Value {
    let place = |span: crate::manifest::source::Span| {
        let source = sources.get(span.source);
        let (start, end) = (source.position(span.start), source.position(span.end));
        json!({
            "file": source.display, "line": start.line, "column": start.column,
            "end_line": end.line, "end_column": end.column,
        })
    };
    json!({
        "code": problem.code,
        "message": problem.message,
        "place": problem.span.map(place),
        "related": problem.related.iter().map(|(span, label)| json!({ "place": place(*span), "label": label })).collect::<Vec<_>>(),
        "hints": problem.hints,
    })
}

/// Text of the system as it may be printed.
pub fn shown(text: &OsStr) -> String {
    one_line(&text.to_string_lossy())
}

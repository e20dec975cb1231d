//! The line of a manifest that a problem is about, without anything that can be a secret.
//!
//! A scalar is shown only where the reader marked it; a hidden one is `***` whatever its length.
//! Comments are cut off. Of a file that could not be parsed only keys are shown.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use crate::manifest::{
    credential::MASK,
    diagnostic::{Diagnostic, is_plain, one_line},
    source::{Source, Sources, Span},
};

/// Of a longer line only a part is shown, in bytes.
const LONGEST_LINE: usize = 400;

/// The problem with its line and a caret; `None` where it has no place.
pub(super) fn render(problem: &Diagnostic, sources: &Sources) -> Option<String> {
    let span = problem.span?;
    let primary = Line::of(sources.get(span.source), span);
    let related: Vec<(Line, &str)> = problem
        .related
        .iter()
        .map(|(span, label)| (Line::of(sources.get(span.source), *span), label.as_str()))
        .collect();
    let level = Level::ERROR.with_name("endow: error");
    let mut group = level
        .primary_title(one_line(&problem.message))
        .element(primary.origin())
        .element(primary.snippet(AnnotationKind::Primary, &problem.label));
    for (line, label) in &related {
        group = group
            .element(line.origin())
            .element(line.snippet(AnnotationKind::Context, label));
    }
    let rendered = Renderer::plain().term_width(200).render(&[group]);
    // The renderer announces a snippet after an origin with a line of its own that says nothing.
    let lines = rendered.lines().filter(|line| line.trim() != ":::");
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// One line as it may be shown, and where the span is in it.
struct Line {
    text: String,
    start: usize,
    end: usize,
    number: usize,
    path: String,
    /// In the file: in the shown text it differs where something is hidden before it.
    column: usize,
}

impl Line {
    fn of(source: &Source, span: Span) -> Self {
        let (offset, text) = window(source, span.start);
        let position = source.position(span.start);
        let masked = mask(source, offset, text);
        // A span can begin in the end of the line, which is not shown.
        let end = span.end.min(offset + text.len()).max(span.start);
        let (start, end) = (
            masked.place(span.start - offset),
            masked.place(end - offset),
        );
        Self {
            end: end.max(start).min(masked.text.len()),
            text: masked.text,
            start,
            number: position.line,
            path: one_line(&source.display),
            column: position.column,
        }
    }

    fn snippet<'t>(
        &'t self,
        kind: AnnotationKind,
        label: &'t str,
    ) -> Snippet<'t, annotate_snippets::Annotation<'t>> {
        let annotation = kind.span(self.start..self.end);
        let annotation = if label.is_empty() {
            annotation
        } else {
            annotation.label(label)
        };
        Snippet::source(self.text.as_str())
            .line_start(self.number)
            .annotation(annotation)
    }

    fn origin(&self) -> Origin<'_> {
        Origin::path(self.path.as_str())
            .line(self.number)
            .char_column(self.column)
    }
}

/// The line that holds a byte, or of a very long one what stands around the byte. Where the file
/// was not understood, the head of the line says what may be shown, so it stays whole.
fn window(source: &Source, offset: usize) -> (usize, &str) {
    let (start, line) = source.line_at(offset);
    if line.len() <= LONGEST_LINE || !source.has_scalars() {
        return (start, line);
    }
    let at = (offset - start).min(line.len());
    let from = line.floor_char_boundary(at.saturating_sub(LONGEST_LINE / 2));
    let to = line.floor_char_boundary((at + LONGEST_LINE / 2).min(line.len()));
    (start + from, &line[from..to])
}

/// A line with its hidden parts replaced, and how places in it moved.
struct Masked {
    text: String,
    /// For each byte of the original line, its place in the text.
    places: Vec<usize>,
}

impl Masked {
    fn place(&self, offset: usize) -> usize {
        self.places
            .get(offset)
            .copied()
            .unwrap_or(self.text.len())
            .min(self.text.len())
    }
}

fn mask(source: &Source, offset: usize, line: &str) -> Masked {
    let is_shown = if source.has_scalars() {
        shown_by_tree(source, offset, line)
    } else {
        shown_by_shape(line)
    };
    let mut masked = Masked {
        text: String::new(),
        places: Vec::with_capacity(line.len()),
    };
    let mut was_hidden = false;
    for (at, c) in line.char_indices() {
        match is_shown(at, c) {
            Show::Plain => {
                masked
                    .places
                    .extend(std::iter::repeat_n(masked.text.len(), c.len_utf8()));
                masked.text.push(if c == '\t' { ' ' } else { c });
                was_hidden = false;
            }
            Show::Hidden => {
                if !was_hidden {
                    masked.text.push_str(MASK);
                }
                masked.places.extend(std::iter::repeat_n(
                    masked.text.len() - MASK.len(),
                    c.len_utf8(),
                ));
                was_hidden = true;
            }
            Show::Nothing => masked
                .places
                .extend(std::iter::repeat_n(masked.text.len(), c.len_utf8())),
        }
    }
    let kept = masked.text.trim_end().len();
    masked.text.truncate(kept);
    masked
}

/// What becomes of a character.
enum Show {
    Plain,
    Hidden,
    /// A comment.
    Nothing,
}

type Shown<'s> = Box<dyn Fn(usize, char) -> Show + 's>;

/// Where the file was understood: scalars as they are marked, and what stands between them.
fn shown_by_tree<'s>(source: &'s Source, offset: usize, line: &'s str) -> Shown<'s> {
    let comment = line.char_indices().find(|(at, c)| {
        *c == '#'
            && source.scalar_at(offset + at).is_none()
            && line[..*at]
                .chars()
                .next_back()
                .is_none_or(|before| before == ' ' || before == '\t')
    });
    let comment = comment.map_or(line.len(), |(at, _)| at);
    Box::new(move |at, c| match source.scalar_at(offset + at) {
        _ if at >= comment => Show::Nothing,
        Some((.., true)) => Show::Plain,
        None if c.is_whitespace() || "{}[],:-?&*!|>".contains(c) => Show::Plain,
        Some((.., false)) | None => Show::Hidden,
    })
}

/// The keys of the language have small letters, those of variables mostly capitals. What has both, or
/// small letters and digits, can be a password of a file that is no manifest.
fn is_key_of_a_manifest(key: &str) -> bool {
    let are = |is: fn(char) -> bool| key.chars().all(|c| is(c) || matches!(c, '_' | '-' | '<'));
    is_plain(key)
        && (are(|c| c.is_ascii_lowercase())
            || are(|c| c.is_ascii_uppercase() || c.is_ascii_digit()))
}

/// Where it was not: the key at the head of the line.
fn shown_by_shape(line: &str) -> Shown<'_> {
    let head = line.trim_start_matches([' ', '\t', '-']);
    let start = line.len() - head.len();
    let key = head.find(':').filter(|at| {
        let is_key = is_key_of_a_manifest(head[..*at].trim_matches(['"', '\'']));
        let is_end = head[at + 1..].is_empty() || head[at + 1..].starts_with([' ', '\t', '\r']);
        is_key && is_end
    });
    let shown = key.map_or(start, |at| start + at + 1);
    let is_comment = head.starts_with('#');
    Box::new(move |at, c| {
        if is_comment {
            return Show::Nothing;
        }
        if at < shown || line[shown..at].trim().is_empty() && c.is_whitespace() {
            Show::Plain
        } else {
            Show::Hidden
        }
    })
}

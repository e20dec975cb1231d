//! Manifest files as text, and places in them.
//!
//! A source remembers which of its scalars may be shown in a snippet. What is not marked is not
//! shown: a secret can be pasted anywhere.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Index of a [`Source`] in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(usize);

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A thing and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The thing.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts both together.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// One manifest file.
#[derive(Debug)]
pub struct Source {
    /// As it was named, made absolute; relative paths inside start at its directory.
    pub path: PathBuf,
    /// As it is shown.
    pub display: String,
    /// The text after the byte order mark.
    pub text: String,
    /// Where each line begins.
    lines: Vec<usize>,
    /// By their first byte: one past the last, and whether it may be shown.
    scalars: BTreeMap<usize, (usize, bool)>,
}

/// A place that people can go to; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Source {
    /// A source of this text.
    pub fn new(path: PathBuf, display: String, text: String) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            lines: std::iter::once(0).chain(ends).collect(),
            path,
            display,
            text,
            scalars: BTreeMap::new(),
        }
    }

    /// The directory that relative paths start at.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// The line and column of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let offset = floor_boundary(&self.text, offset);
        let line = self.lines.partition_point(|start| *start <= offset);
        Position {
            line,
            column: self.text[self.lines[line - 1]..offset].chars().count() + 1,
        }
    }

    /// The byte at a line and column, as a YAML parser reports them.
    pub fn offset(&self, position: Position) -> usize {
        let Some(start) = self.lines.get(position.line - 1) else {
            return self.text.len();
        };
        let (_, line) = self.line_at(*start);
        let mut columns = line.char_indices().map(|(at, _)| at);
        start + columns.nth(position.column - 1).unwrap_or(line.len())
    }

    /// The line that holds a byte: the offset of its first byte, and its text without the end.
    pub fn line_at(&self, offset: usize) -> (usize, &str) {
        let offset = floor_boundary(&self.text, offset);
        let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |at| start + at);
        (start, self.text[start..end].trim_end_matches('\r'))
    }

    /// Records that a scalar stands here; it stays hidden until [`Self::show`].
    pub fn record_scalar(&mut self, start: usize, end: usize) {
        self.scalars.entry(start).or_insert((end, false));
    }

    /// Allows a scalar to be shown.
    pub fn show(&mut self, start: usize, end: usize) {
        if let Some(scalar) = self.scalars.get_mut(&start)
            && scalar.0 == end
        {
            scalar.1 = true;
        }
    }

    /// The scalar that holds a byte, and whether it may be shown.
    pub fn scalar_at(&self, offset: usize) -> Option<(usize, usize, bool)> {
        let (start, (end, is_visible)) = self.scalars.range(..=offset).next_back()?;
        (offset < *end).then_some((*start, *end, *is_visible))
    }

    /// Whether the file was understood far enough to know its scalars.
    pub fn has_scalars(&self) -> bool {
        !self.scalars.is_empty()
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// All files of one manifest, the named one first.
#[derive(Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, source: Source) -> SourceId {
        self.0.push(source);
        SourceId(self.0.len() - 1)
    }

    /// The file of that index.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id.0]
    }

    /// The same, to record scalars.
    pub fn get_mut(&mut self, id: SourceId) -> &mut Source {
        &mut self.0[id.0]
    }

    /// The index of a file that was added under this path.
    pub fn find(&self, path: &Path) -> Option<SourceId> {
        self.0
            .iter()
            .position(|source| source.path == path)
            .map(SourceId)
    }

    /// Every file.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// Allows a scalar to be shown.
    pub fn show(&mut self, span: Span) {
        self.get_mut(span.source).show(span.start, span.end);
    }

    /// `file:line`, for tables.
    pub fn cite(&self, span: Span) -> String {
        let source = self.get(span.source);
        format!("{}:{}", source.display, source.position(span.start).line)
    }

    /// The file and the line on which a span begins.
    pub fn line(&self, span: Span) -> (SourceId, usize) {
        (span.source, self.get(span.source).position(span.start).line)
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        &self.get(span.source).text[span.start..span.end]
    }
}

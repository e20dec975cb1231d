//! Manifest files as text, and places in them.
//!
//! A source remembers which of its scalars may be shown in a snippet. What is not marked is not
//! shown: a secret can be pasted anywhere.

use std::path::{Path, PathBuf};

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
    scalars: Vec<(usize, usize)>,
    visible: Vec<(usize, usize)>,
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
        Self {
            path,
            display,
            text,
            scalars: Vec::new(),
            visible: Vec::new(),
        }
    }

    /// The directory that relative paths start at.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// The line and column of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let before = &self.text[..floor_boundary(&self.text, offset)];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }

    /// The byte at a line and column, as a YAML parser reports them.
    pub fn offset(&self, position: Position) -> usize {
        let mut start = 0;
        for _ in 1..position.line {
            match self.text[start..].find('\n') {
                Some(at) => start += at + 1,
                None => return self.text.len(),
            }
        }
        let line = self.line_at(start);
        let column = line
            .1
            .char_indices()
            .nth(position.column - 1)
            .map_or(line.1.len(), |(at, _)| at);
        start + column
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
        self.scalars.push((start, end));
    }

    /// Allows a scalar to be shown.
    pub fn show(&mut self, start: usize, end: usize) {
        self.visible.push((start, end));
    }

    /// The scalar that holds a byte, and whether it may be shown.
    pub fn scalar_at(&self, offset: usize) -> Option<(usize, usize, bool)> {
        let scalar = self
            .scalars
            .iter()
            .find(|(start, end)| (*start..*end).contains(&offset))?;
        Some((scalar.0, scalar.1, self.visible.contains(scalar)))
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

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        &self.get(span.source).text[span.start..span.end]
    }
}

//! A piece of a stream with all its views, being searched.

use std::ops::Range;

use endow_providers::forms::View;
use zeroize::Zeroizing;

use super::{Masker, finder::Finder};

/// A piece with its views.
pub(super) struct Searched<'m, 't> {
    levels: Vec<View<'t>>,
    searches: Vec<One<'m>>,
    is_last: bool,
    length: usize,
    /// Memory for the largest view, which every piece has.
    buffer: &'t mut Zeroizing<Vec<u8>>,
    /// Which view that is.
    largest: Option<usize>,
}

/// One view, and what is looked for in it.
struct One<'m> {
    finder: &'m Finder,
    view: usize,
    /// The next form, where it was looked for from a place on.
    next: Option<(usize, Option<Found>)>,
}

#[derive(Clone)]
struct Found {
    source: Range<usize>,
    form: usize,
}

impl Drop for Searched<'_, '_> {
    fn drop(&mut self) {
        if let Some(view) = self.largest {
            **self.buffer = self.levels.swap_remove(view).into_buffer();
        }
    }
}

/// A form that was found.
pub(super) struct Hit<'m> {
    /// Where, in the piece.
    pub(super) source: Range<usize>,
    /// What it is replaced by.
    pub(super) mask: &'m str,
    /// What follows, where it is the head of a long value.
    pub(super) rest: Option<&'m [u8]>,
}

impl<'m, 't> Searched<'m, 't> {
    pub(super) fn new(
        masker: &'m Masker,
        bytes: &'t [u8],
        is_last: bool,
        buffer: &'t mut Zeroizing<Vec<u8>>,
    ) -> Self {
        let mut piece = Self {
            levels: Vec::new(),
            searches: Vec::new(),
            is_last,
            length: bytes.len(),
            buffer,
            largest: None,
        };
        for view in View::levels(bytes, is_last) {
            piece.add(masker, view);
        }
        piece
    }

    fn add(&mut self, masker: &'m Masker, view: View<'t>) {
        let joined = masker
            .joined
            .as_ref()
            .map(|finder| (finder, view.without_breaks(self.buffer)));
        let digits = masker.digits.as_ref().map(|finder| (finder, view.digits()));
        let level = self.levels.len();
        if let Some(finder) = &masker.plain {
            self.search(finder, level);
        }
        self.levels.push(view);
        if let Some((finder, joined)) = joined {
            let at = joined.as_ref().map_or(level, |_| self.levels.len());
            if joined.is_some() {
                self.largest.get_or_insert(at);
            }
            self.levels.extend(joined);
            self.search(finder, at);
        }
        if let Some((finder, Some(digits))) = digits {
            let at = self.levels.len();
            self.levels.push(digits);
            self.search(finder, at);
        }
    }

    fn search(&mut self, finder: &'m Finder, view: usize) {
        self.searches.push(One {
            finder,
            view,
            next: None,
        });
    }

    /// The first form that begins at a place or behind it, and of those there the longest.
    pub(super) fn next(&mut self, from: usize) -> Option<Hit<'m>> {
        let mut best: Option<(Found, usize)> = None;
        for (index, search) in self.searches.iter_mut().enumerate() {
            let view = &self.levels[search.view];
            let is_known = |(looked, found): &(usize, Option<Found>)| {
                *looked <= from
                    && found
                        .as_ref()
                        .is_none_or(|found| found.source.start >= from)
            };
            if !search.next.as_ref().is_some_and(is_known) {
                let found = search.finder.find(view.bytes(), view.first(from));
                let found = found.map(|(start, end, form)| Found {
                    source: view.source(start..end),
                    form,
                });
                search.next = Some((from, found));
            }
            if let Some((_, Some(found))) = &search.next {
                let is_better = best.as_ref().is_none_or(|(best, _)| {
                    let rank = |source: &Range<usize>| (source.start, usize::MAX - source.end);
                    rank(&found.source) < rank(&best.source)
                });
                if is_better {
                    best = Some((found.clone(), index));
                }
            }
        }
        let (found, index) = best?;
        let search = &self.searches[index];
        Some(Hit {
            mask: &search.finder.masks[found.form],
            rest: search.finder.rest(found.form),
            source: found.source,
        })
    }

    /// The first place from `from` on whose rest can become a form, or an escape, and how many bytes of
    /// a form that can be.
    pub(super) fn unfinished(&self, from: usize) -> (usize, usize) {
        if self.is_last {
            return (self.length, 0);
        }
        let (mut open, mut depth) = (self.length, 0);
        for search in &self.searches {
            let view = &self.levels[search.view];
            let bytes = view.bytes();
            let at = search.finder.unfinished(bytes, view.first(from));
            depth = depth.max(bytes.len() - at);
            open = open.min(view.start(at));
            open = open.min(view.open().unwrap_or(open));
        }
        (open.max(from), depth)
    }

    /// The beginning of whatever stands across a place in any view.
    pub(super) fn boundary(&self, place: usize) -> usize {
        let mut boundary = place;
        loop {
            let views = self.levels.iter();
            let before = views.map(|view| view.boundary(boundary)).min();
            match before {
                Some(before) if before < boundary => boundary = before,
                _ => return boundary,
            }
        }
    }
}

//! The pages under docs/, and SECURITY.md, are true: their tables are the program's own, their manifests parse, their
//! command lines exist, their exit statuses occur.
//!
//! Here is how a page is read; what is compared stands in the modules.

mod commands;
mod dotenv;
mod environment;
mod manifests;
mod references;
mod security;
mod statuses;
mod tables;

use std::{collections::BTreeMap, fs};

use crate::harness::repository;

/// The text of a page.
fn page(name: &str) -> String {
    let path = repository().join("docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All pages by name.
fn pages() -> BTreeMap<String, String> {
    let entries = fs::read_dir(repository().join("docs")).expect("the pages");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("a page").file_name();
        name.into_string().expect("a plain name")
    };
    entries
        .map(name)
        .map(|name| (name.clone(), page(&name)))
        .collect()
}

/// Every table of a page whose head is `head`, as the rows below the rule.
fn tables(page: &str, head: &str) -> Vec<Vec<Vec<String>>> {
    let lines: Vec<&str> = page.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| **line == head);
    starts
        .map(|(start, _)| {
            let rows = lines[start + 2..]
                .iter()
                .take_while(|line| line.starts_with('|'));
            rows.map(|line| cells(line)).collect()
        })
        .collect()
}

/// The only table with that head.
#[track_caller]
fn table(page: &str, head: &str) -> Vec<Vec<String>> {
    let mut found = tables(page, head);
    assert_eq!(found.len(), 1, "tables with the head {head}");
    let rows = found.remove(0);
    assert!(!rows.is_empty(), "rows below {head}");
    rows
}

/// The cells of a row. A `|` inside of one is written `\|`.
fn cells(line: &str) -> Vec<String> {
    let inside = line.trim().trim_start_matches('|').trim_end_matches('|');
    let marked = inside.replace("\\|", "\0");
    marked
        .split('|')
        .map(|cell| cell.trim().replace('\0', "|"))
        .collect()
}

/// The code spans of a text. One that holds a backtick has two around it, and blanks inside.
fn spans(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let fence = if rest[at..].starts_with("``") {
            "``"
        } else {
            "`"
        };
        let inside = &rest[at + fence.len()..];
        let end = inside
            .find(fence)
            .unwrap_or_else(|| panic!("an open code span: {text}"));
        // Backticks that end the text itself belong to it.
        let end = end + usize::from(fence == "``" && inside[end..].starts_with("```"));
        let inner = &inside[..end];
        let is_padded = fence == "``" && inner.starts_with(' ') && inner.ends_with(' ');
        let inner = if is_padded {
            &inner[1..inner.len() - 1]
        } else {
            inner
        };
        found.push(inner.to_owned());
        rest = &inside[end + fence.len()..];
    }
    found
}

/// The fenced blocks of one language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let open = format!("```{language}\n");
    let parts = page.split(&open).skip(1);
    parts
        .map(|part| part.split("```").next().expect("a block"))
        .collect()
}

/// The section below a heading, to the next of that depth.
#[track_caller]
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let start = format!("\n{heading}\n");
    let at = page
        .find(&start)
        .unwrap_or_else(|| panic!("no section {heading}"));
    let rest = &page[at + start.len()..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items
}

/// The row's code spans in a column.
fn listed(row: &[String], column: usize) -> Vec<String> {
    spans(row.get(column).map_or("", String::as_str))
}

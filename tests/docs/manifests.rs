//! Manifests of the pages, the example at the root, and links.

use std::{fs, path::Path};

use endow::manifest::{Choice, find::Found, open};

use super::{blocks, pages};
use crate::harness::{Test, repository};

/// The profiles of a manifest.
fn profiles(path: &Path) -> Vec<String> {
    let found = Found {
        path: path.to_owned(),
        display: path.display().to_string(),
        is_named: true,
        passed_over: None,
    };
    let opened = open(&found, Choice::Default, None);
    opened.expect("a readable manifest").profiles
}

/// Explains a manifest in every profile; the result is what was printed for each.
#[track_caller]
fn explain(text: &str) -> Vec<String> {
    let probe = Test::manifest(text);
    let mut choices: Vec<Vec<String>> = profiles(&probe.path("secretfile.yaml"))
        .into_iter()
        .map(|profile| vec!["--profile".to_owned(), profile])
        .collect();
    if choices.is_empty() {
        choices.push(Vec::new());
    }
    let page = |choice: Vec<String>| {
        let run = Test::manifest(text).args(["--file", "secretfile.yaml", "explain"]);
        let output = run.args(choice).any_stdout().success();
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    choices.into_iter().map(page).collect()
}

#[test]
fn every_manifest_of_the_pages_can_be_explained() {
    let pages = pages();
    let manifests = pages
        .values()
        .flat_map(|page| blocks(page, "yaml"))
        .filter(|block| block.starts_with("version:"));
    let explained: Vec<Vec<String>> = manifests.map(explain).collect();
    assert!(explained.len() >= 2, "{} manifests", explained.len());
}

#[test]
fn the_example_is_explained_in_every_profile_and_asks_every_type() {
    let path = repository().join("secretfile.example.yaml");
    let pages = explain(&fs::read_to_string(&path).expect("the example"));
    assert_eq!(pages.len(), 4, "profiles");
    for scheme in [
        "op",
        "vault",
        "aws-sm",
        "aws-ssm",
        "dotenv",
        "env",
        "file",
        "conjur (exec)",
    ] {
        let row = format!("\n  {scheme} ");
        assert!(
            pages.iter().any(|page| page.contains(&row)),
            "nothing asks {scheme}"
        );
    }
}

/// The targets of Markdown links.
fn links(page: &str) -> Vec<String> {
    let parts = page.split("](").skip(1);
    parts
        .map(|part| part.split(')').next().expect("a target").to_owned())
        .collect()
}

/// The anchors of a page, as GitHub makes them.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let docs = repository().join("docs");
    for (name, page) in pages() {
        for link in links(&page) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = docs.join(if file.is_empty() { &name } else { file });
            assert!(target.exists(), "{name}: {link}");
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).expect("a page");
                assert!(
                    anchors(&text).iter().any(|known| known == anchor),
                    "{name}: {link}"
                );
            }
        }
    }
}

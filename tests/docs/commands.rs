//! Command lines of the pages exist, and commands.md has every command with exactly its options.

use super::{blocks, listed, page, pages, section, sorted, spans, table};
use crate::harness::Test;

/// The words of the command that begins a text, as a shell splits them, up to its end.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quote = None;
    let mut is_open = false;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                if !is_open {
                    words.push(String::new());
                }
                (quote, is_open) = (Some(c), true);
            }
            (None, '|' | '>' | '<' | ')' | ';' | '&') => break,
            (None, ' ') => is_open = false,
            _ if is_open => words.last_mut().expect("an open word").push(c),
            _ => {
                words.push(c.to_string());
                is_open = true;
            }
        }
    }
    words
}

/// The command lines of endow in shell blocks and in code spans. A heading names a command alone.
fn command_lines(page: &str) -> Vec<String> {
    let scripts = blocks(page, "sh");
    let scripts = scripts.iter().flat_map(|block| block.lines());
    let prose = page.split("```").step_by(2).flat_map(str::lines);
    let prose: Vec<&str> = prose.filter(|line| !line.starts_with('#')).collect();
    let texts = scripts.map(str::to_owned).chain(spans(&prose.join("\n")));
    texts.flat_map(|text| starts(&text)).collect()
}

/// The places of a text where a command of endow begins, to its end.
fn starts(text: &str) -> Vec<String> {
    let begins = |at: &usize| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| " (".contains(c))
    };
    let places = text.match_indices("endow ").map(|(at, _)| at);
    places
        .filter(begins)
        .map(|at| text[at..].to_owned())
        .collect()
}

/// What endow says to a command line where there is no manifest, so that nothing is started.
fn complaint(line: &str) -> String {
    let words = words(line);
    let command = Test::new().args(&words[1..]);
    let output = command.command().output().expect("endow ends");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// Errors of usage alone send to the help.
fn is_of_usage(complaint: &str) -> bool {
    complaint.contains("hint: see `endow")
}

#[test]
fn every_command_line_of_the_pages_is_understood() {
    let mut count = 0;
    for (name, page) in pages() {
        for line in command_lines(&page) {
            let complaint = complaint(&line);
            assert!(!is_of_usage(&complaint), "{name}: `{line}`: {complaint}");
            count += 1;
        }
    }
    assert!(count > 20, "{count} command lines");
}

#[test]
fn a_command_line_that_is_not_understood_is_told_apart() {
    for line in [
        "endow run --colour -- true",
        "endow runs",
        "endow get A B",
        "endow export --format 'env'",
        "endow run --timeout soon -- true",
    ] {
        assert!(is_of_usage(&complaint(line)), "{line}");
    }
}

/// The options that a table of a section names: the first word of each span.
fn options(section: &str) -> Vec<String> {
    if !section.contains("| option | |") {
        return Vec::new();
    }
    let rows = table(section, "| option | |");
    let spans = rows.iter().flat_map(|row| listed(row, 0));
    let first = spans.map(|span| span.split(' ').next().unwrap_or_default().to_owned());
    let mut names = sorted(first);
    names.dedup();
    names
}

/// The page that `--help` prints.
fn help(arguments: &[&str]) -> String {
    let test = Test::new().args(arguments).args(["--help"]).any_stdout();
    String::from_utf8(test.success().stdout).expect("UTF-8")
}

/// The options that a page of help lists.
fn flags(help: &str) -> Vec<String> {
    let (_, listed) = help.split_once("\nOptions:\n").expect("options");
    let lines = listed.lines().map(str::trim_start);
    let options = lines.filter(|line| line.starts_with('-') && !line.starts_with("- "));
    // What stands after two blanks is the description.
    let heads = options.map(|line| line.split("  ").next().unwrap_or_default());
    let words = heads.flat_map(|head| head.split([' ', ',']));
    let names = words.filter(|word| word.starts_with('-'));
    let mut names = sorted(names.map(|word| word.trim_end_matches('.').to_owned()));
    names.dedup();
    names
}

/// The commands that the main page lists.
fn verbs() -> Vec<String> {
    let main = help(&[]);
    let verb = |line: &str| {
        let (verb, _) = line.strip_prefix("  ")?.split_once("  ")?;
        let is_verb = verb.bytes().all(|byte| byte.is_ascii_lowercase());
        (is_verb && !verb.is_empty()).then(|| verb.to_owned())
    };
    sorted(main.lines().filter_map(verb))
}

#[test]
fn every_command_is_described_with_exactly_its_options() {
    let page = page("commands.md");
    let rows = table(&page, "| command | does |");
    let verbs = verbs();
    assert_eq!(
        sorted(rows.iter().map(|row| listed(row, 0).concat())),
        verbs
    );
    let everywhere = options(section(&page, "## Options of all commands"));
    for verb in &verbs {
        let section = section(&page, &format!("## `endow {verb}`"));
        let described = options(section).into_iter().chain(everywhere.clone());
        assert_eq!(sorted(described), flags(&help(&[verb])), "{verb}");
        assert_eq!(blocks(section, "sh").len(), 1, "an example of {verb}");
    }
}

#[test]
fn the_forms_of_an_export_are_listed() {
    let rows = table(&page("commands.md"), "| form | is | refuses |");
    let found: Vec<String> = rows.iter().flat_map(|row| listed(row, 0)).collect();
    let help = help(&["export"]);
    let (_, forms) = help.split_once("--format").expect("the option");
    let (forms, _) = forms.split_once("--for ").expect("the next one");
    let forms = forms
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ")?.split_once(':'));
    assert_eq!(found, forms.map(|(form, _)| form).collect::<Vec<_>>());
}

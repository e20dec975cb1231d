//! Tables that list what the code lists, and nothing else.

use std::{collections::BTreeMap, path::Path};

use endow::{
    cli::{FILE_VARIABLE, LOG_VARIABLE, PROFILE_VARIABLE},
    manifest::schema::{AS, ENTRY, Key, METADATA, PROFILE, RUN, TOP, names},
    variables::{
        base::{AWS, BASE, PLAIN, SUSPICIOUS},
        glob,
        steering::STEERING,
    },
};
use endow_providers::{Class, Kind, Trust, kind};

use super::{listed, page, section, sorted, spans, table, tables};

#[test]
fn the_base_set_is_listed_by_group() {
    let rows = table(&page("environment.md"), "| group | inherited |");
    let found: Vec<(String, Vec<String>)> = rows
        .iter()
        .map(|row| (row[0].clone(), listed(row, 1)))
        .collect();
    let expected = BASE.map(|(group, names)| {
        (
            group.to_owned(),
            names.iter().map(|name| (*name).to_owned()).collect(),
        )
    });
    assert_eq!(found, expected);
}

#[test]
fn the_group_aws_is_listed() {
    let rows = table(
        section(&page("environment.md"), "## `inherit`"),
        "| group | variables |",
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(listed(&rows[0], 0), ["aws"]);
    assert_eq!(listed(&rows[0], 1), AWS);
}

#[test]
fn the_words_that_look_like_secrets_are_listed() {
    let text = page("environment.md").replace('\n', " ");
    let (_, after) = text
        .split_once("one of these words, in any case:")
        .expect("the sentence");
    let sentence = after.split_once(". ").expect("its end").0;
    assert_eq!(spans(sentence), SUSPICIOUS);
}

#[test]
fn the_static_credentials_are_listed_by_type() {
    let rows = table(
        section(&page("environment.md"), "## Static credentials"),
        "| type | variables |",
    );
    let found = rows.iter().flat_map(|row| {
        listed(row, 0)
            .into_iter()
            .map(|name| (name, sorted(listed(row, 1))))
    });
    let expected = kind::ALL.map(|kind| {
        (
            kind.name.to_owned(),
            sorted(
                kind.static_credentials
                    .iter()
                    .map(|name| (*name).to_owned()),
            ),
        )
    });
    assert_eq!(sorted(found), sorted(expected));
}

#[test]
fn the_variables_that_backends_read_are_listed_by_type() {
    let rows = table(
        section(&page("environment.md"), "## What backends read"),
        "| type | variables |",
    );
    let found = rows.iter().flat_map(|row| {
        let types = listed(row, 0);
        let types = if types.is_empty() {
            vec![row[0].clone()]
        } else {
            types
        };
        types.into_iter().map(|name| (name, sorted(listed(row, 1))))
    });
    let texts = |names: &[&str]| sorted(names.iter().map(|name| (*name).to_owned()));
    let expected = kind::ALL
        .iter()
        .map(|kind| (kind.name.to_owned(), texts(kind.variables)))
        .filter(|(_, names)| !names.is_empty())
        .chain([("every type".to_owned(), texts(kind::SHARED_VARIABLES))]);
    assert_eq!(sorted(found), sorted(expected));
}

/// Texts in capitals in the code of backends that are no variables.
const NO_VARIABLES: &str = "AWSCURRENT AWSPENDING AWSPREVIOUS CONCEALED DATE FALSE GET JSON KEY \
    LOCALHOST MONTH_YEAR NOTES POST PUT ROLE STRING STS TRUE CARGO_PKG_VERSION DELETE HEAD LIST";

/// A credential of the launcher that a backend uses, and that stands in no list, would be passed on by
/// `inherit: all`.
#[test]
fn the_code_of_a_backend_reads_no_variable_that_is_in_no_list() {
    let listed: Vec<&str> = kind::ALL
        .iter()
        .flat_map(|kind| kind.static_credentials.iter().chain(kind.variables))
        .chain(kind::SHARED_VARIABLES)
        .copied()
        .collect();
    let is_listed = |name: &str| {
        let mut listed = listed.iter();
        // A prefix that code searches for is a pattern of a list.
        listed.any(|pattern| {
            glob::matches(pattern.as_bytes(), name.as_bytes()) || *pattern == format!("{name}*")
        })
    };
    let mut read = 0;
    for (path, text) in sources(&crate::harness::repository().join("providers/src")) {
        for (call, literal) in literals(&text) {
            let names = if CLIENT_CALLS.iter().any(|client| call.ends_with(client)) {
                vec![format!("VAULT_{literal}"), format!("BAO_{literal}")]
            } else {
                vec![literal.to_owned()]
            };
            for name in names {
                let is_none = NO_VARIABLES.split_whitespace().any(|word| word == literal);
                assert!(
                    is_listed(&name) || is_none,
                    "{path}: `{name}` is in no list of its type: is it a credential?"
                );
                read += usize::from(!is_none);
            }
        }
    }
    assert!(read > 50, "{read} variables were found");
}

/// Calls that take the rest of a name after `VAULT_` or `BAO_`.
const CLIENT_CALLS: [&str; 6] = [
    "client(",
    "authority(\"ca_cert\", ",
    "authority(\"ca_bytes\", ",
    "authority(\"ca_path\", ",
    "pem(\"client_cert\", ",
    "pem(\"client_key\", ",
];

/// The files below a directory that are no tests, with their text.
fn sources(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the sources") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs")
            && !["tests.rs", "property.rs"].contains(&name)
        {
            let text = std::fs::read_to_string(&path).expect("a source");
            let code = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            found.push((path.display().to_string(), code.to_owned()));
        }
    }
    found
}

/// The texts in capitals, as variables are named, each with what stands before it.
fn literals(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('"') {
        let rest = &text[at + 1..];
        let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
        let is_whole = rest[end..].starts_with('"');
        if is_whole && end >= 3 && rest.starts_with(|c: char| c.is_ascii_uppercase()) {
            found.push((text[..at].trim_end_matches('\n'), &rest[..end]));
        }
    }
    found
}

#[test]
fn the_variables_that_steer_programs_are_listed_with_their_readers_and_sources() {
    let page = page("steering.md");
    let rows = table(&page, "| read by | variables | source |");
    assert_eq!(rows.len(), STEERING.len());
    for (row, steering) in rows.iter().zip(STEERING) {
        assert_eq!(row[0], steering.reader);
        assert_eq!(listed(row, 1), steering.names().collect::<Vec<_>>());
        assert_eq!(row[2], steering.source);
    }
}

#[test]
fn the_plain_variables_are_listed() {
    let text = page("steering.md").replace('\n', " ");
    let (_, after) = text.split_once("These are plain:").expect("the sentence");
    let sentence = after.split_once(". ").expect("its end").0;
    assert_eq!(spans(sentence), PLAIN);
}

#[test]
fn the_keys_of_a_manifest_are_listed() {
    let page = page("manifest.md");
    let lists = |heading: &str| -> Vec<Vec<String>> {
        let tables = tables(section(&page, heading), "| key | holds |");
        tables
            .iter()
            .map(|rows| sorted(rows.iter().flat_map(|row| listed(row, 0))))
            .collect()
    };
    let keys = |keys: &[Key]| sorted(names(keys).map(str::to_owned));
    assert_eq!(lists("## Top level"), [keys(TOP)]);
    assert_eq!(lists("## Entries"), [keys(ENTRY), keys(AS), keys(METADATA)]);
    assert_eq!(lists("## Profiles"), [keys(PROFILE)]);
    assert_eq!(lists("## Run"), [keys(RUN)]);
}

#[test]
fn the_settings_of_each_type_are_listed_with_what_frees_them_from_trust() {
    let page = page("manifest.md");
    let head = "| type | free settings | settings to be [trusted](#trust), unless they have the origin of |";
    let found: BTreeMap<String, (Vec<String>, Vec<String>)> =
        table(section(&page, "## Backends"), head)
            .iter()
            .map(|row| {
                (
                    listed(row, 0).concat(),
                    (sorted(listed(row, 1)), sorted(listed(row, 2))),
                )
            })
            .collect();
    let expected = kind::ALL.map(|kind| (kind.name.to_owned(), settings(kind)));
    assert_eq!(found, BTreeMap::from(expected));
}

/// The free settings of a type; the others with the variables that can free them.
fn settings(kind: &Kind) -> (Vec<String>, Vec<String>) {
    let (mut free, mut others) = (Vec::new(), Vec::new());
    for setting in kind.settings {
        // Of a program nothing is free, whatever its settings say one by one.
        match setting.trust {
            Trust::Free if kind.name != "exec" => free.push(setting.name.to_owned()),
            Trust::Origin(variables) => others.extend(
                variables
                    .iter()
                    .chain([&setting.name])
                    .map(|name| (*name).to_owned()),
            ),
            Trust::Free | Trust::Needed => others.push(setting.name.to_owned()),
        }
    }
    (sorted(free), sorted(others))
}

#[test]
fn the_types_are_listed_with_their_options_and_whether_they_are_resolved() {
    let page = page("references.md");
    let rows = table(&page, "| type | reference | options | in this version |");
    assert_eq!(rows.len(), kind::ALL.len());
    for (row, kind) in rows.iter().zip(kind::ALL) {
        assert_eq!(listed(row, 0), [&[kind.name], kind.aliases].concat());
        assert_eq!(listed(row, 2), kind.grammar.options, "{}", kind.name);
        let word = if kind.open.is_some() {
            "resolved"
        } else {
            "checked and explained"
        };
        assert_eq!(row[3], word, "{}", kind.name);
    }
    let sentence = page
        .lines()
        .find(|line| line.starts_with("**This version of endow resolves"))
        .expect("the sentence");
    let resolved = kind::ALL
        .into_iter()
        .filter(|kind| kind.open.is_some())
        .map(|kind| kind.name);
    assert_eq!(spans(sentence), resolved.collect::<Vec<_>>());
}

#[test]
fn the_variables_of_endow_itself_are_listed() {
    let rows = table(&page("commands.md"), "| variable | is |");
    let own = rows
        .iter()
        .flat_map(|row| listed(row, 0))
        .filter(|name| name.starts_with("ENDOW_"));
    assert_eq!(
        sorted(own),
        sorted([FILE_VARIABLE, PROFILE_VARIABLE, LOG_VARIABLE].map(str::to_owned))
    );
}

/// The names of a struct's fields, all of them: a new one does not compile until it is here.
macro_rules! fields {
    ($type:ident { $($field:ident),* $(,)? }) => {{
        let _ = |value: &$type| { let $type { $($field: _),* } = value; };
        [$(stringify!($field)),*]
    }};
}

#[test]
fn the_fields_of_a_kind_are_listed() {
    let rows = table(&page("backends.md"), "| field | says |");
    let found = rows.iter().flat_map(|row| listed(row, 0));
    let expected = fields!(Kind {
        name,
        aliases,
        about,
        grammar,
        settings,
        methods,
        static_credentials,
        variables,
        is_secret_store,
        may_lease,
        is_for_production,
        quotes_programs,
        validate,
        requests,
        open,
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn the_classes_of_faults_are_listed() {
    let text = page("backends.md")
        .replace('\n', " ")
        .replace("   ", " ")
        .replace("  ", " ");
    let (_, after) = text
        .split_once("a fault of a named class: ")
        .expect("the sentence");
    let found: Vec<&str> = after
        .split_once('.')
        .expect("its end")
        .0
        .split(", ")
        .collect();
    let classes = [
        Class::Ambiguous {
            candidates: Vec::new(),
        },
        Class::Conflict,
        Class::Deleted { at: None },
        Class::Denied { permission: None },
        Class::Malformed,
        Class::Throttled { retry_after: None },
        Class::TimedOut,
        Class::Unauthenticated,
        Class::Unreachable,
    ];
    assert_eq!(found, classes.each_ref().map(Class::name));
}

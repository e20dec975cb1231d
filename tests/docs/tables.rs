//! Tables that list what the code lists, and nothing else.

use std::collections::BTreeMap;

use endow::{
    cli::{FILE_VARIABLE, LOG_VARIABLE, PROFILE_VARIABLE},
    environment::inherit::{AWS, BASE, SUSPICIOUS},
    manifest::{
        schema::{AS, ENTRY, Key, METADATA, PROFILE, RUN, TOP, names},
        trust::CODE_VARIABLES,
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
fn the_code_variables_are_listed() {
    let rows = table(
        section(&page("manifest.md"), "## Trust"),
        "| read by | code variables |",
    );
    let found = rows.iter().flat_map(|row| listed(row, 1));
    assert_eq!(sorted(found), sorted(CODE_VARIABLES.map(str::to_owned)));
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
        static_credentials,
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

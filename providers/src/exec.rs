//! A backend of the user's own: an argv list that speaks Summon's provider protocol.
//!
//! The description; opening it comes with the client. Ids are lines of the protocol, or the one
//! argument of the program.

use std::collections::BTreeSet;

use crate::{Address, Grammar, Kind, Natural, Request, Setting, Shape, Trust};

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "exec",
    aliases: &[],
    about: "what a program of your own answers, by Summon's protocol",
    grammar: Grammar {
        has_field: false,
        field_defaults_to_name: false,
        locator_defaults_to_name: false,
        is_path: false,
        is_percent_encoded: true,
        options: &[],
        natural: Natural::LastSegment,
        knows_names: false,
    },
    settings: &[
        Setting {
            name: "command",
            shape: Shape::List,
            trust: Trust::Needed,
            about: "the program and its arguments; never a shell string",
        },
        Setting {
            name: "inherit",
            shape: Shape::List,
            // It decides which credentials of the caller the program is given.
            trust: Trust::Needed,
            about: "variables that the program is given beside the base set",
        },
        Setting {
            name: "timeout",
            shape: Shape::Text,
            trust: Trust::Free,
            about: "how long it may take",
        },
    ],
    static_credentials: &[],
    is_secret_store: true,
    may_lease: false,
    is_for_production: true,
    validate,
    requests,
    open: None,
};

fn validate(address: &Address) -> Result<(), String> {
    let id = address.locator.as_str();
    if id.is_empty() {
        return Err("an id is needed after `://`".into());
    }
    if id.contains(['\n', '\r', '\0']) {
        return Err("an id is one line without NUL".into());
    }
    if id.starts_with('-') {
        return Err("an id that begins with `-` would be an option of the program".into());
    }
    Ok(())
}

/// One run of the program answers them all, where it speaks the protocol's stream mode.
fn requests(batch: &[Address]) -> Vec<Request> {
    let label = match batch.iter().collect::<BTreeSet<_>>().len() {
        0 => return Vec::new(),
        1 => "run the program for 1 id".into(),
        count => format!("run the program for {count} ids"),
    };
    vec![Request {
        label,
        answers: (0..batch.len()).collect(),
        is_free: false,
    }]
}

#[cfg(test)]
mod tests {
    use super::KIND;
    use crate::{Request, read::testing::plain};

    #[test]
    fn the_whole_batch_is_one_run() {
        let request = |label: &str, answers: &[usize]| Request {
            label: label.into(),
            answers: answers.to_vec(),
            is_free: false,
        };
        let batch = [plain("a"), plain("b"), plain("a")];
        assert_eq!(
            (KIND.requests)(&batch),
            [request("run the program for 2 ids", &[0, 1, 2])]
        );
        assert_eq!(
            (KIND.requests)(&batch[..1]),
            [request("run the program for 1 id", &[0])]
        );
        assert_eq!((KIND.requests)(&[]), []);
    }

    #[test]
    fn an_id_is_one_line_and_no_option() {
        let error = |id: &str| (KIND.validate)(&plain(id)).unwrap_err();
        assert_eq!((KIND.validate)(&plain("prod/db/pass word")), Ok(()));
        assert_eq!(error(""), "an id is needed after `://`");
        for id in ["a\nb", "a\rb", "a\0b"] {
            assert_eq!(error(id), "an id is one line without NUL");
        }
        assert_eq!(
            error("--version"),
            "an id that begins with `-` would be an option of the program"
        );
    }
}

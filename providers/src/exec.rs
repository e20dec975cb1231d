//! A backend of the user's own: an argv list that speaks Summon's provider protocol.
//!
//! Stream mode first: the program is run without an id, reads one a line, and answers each with a
//! line of base64. Where it does anything else, it is run once an id, which is its last argument,
//! and what it prints is the value. A program of either mode works, and tells nothing but values:
//! no metadata, and no *absent*.

mod legacy;
mod program;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use self::program::Program;
#[cfg(any(test, feature = "fuzzing"))]
pub use self::stream::property::summon_stream;
use crate::{
    Absence, Address, Class, Fault, Fetched, Grammar, Identity, Kind, Limits, Metadata, Natural,
    Opening, Pending, Provider, Reply, Request, Secret, Setting, Shape, Trust, Value, helper,
};

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
            shape: Shape::Command,
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
    methods: &[],
    // Those that `inherit` names are the program's, and the launcher adds them to these.
    static_credentials: &[],
    variables: &[],
    is_secret_store: true,
    may_lease: false,
    is_for_production: true,
    quotes_programs: true,
    validate,
    requests,
    open: Some(open),
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

fn open(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    Ok(Box::new(Exec(Arc::new(Program::new(opening)?))))
}

struct Exec(Arc<Program>);

/// What the program said of each id, and what the user should see.
type Said = (BTreeMap<String, Result<Secret, Fault>>, Vec<crate::Warning>);

impl Provider for Exec {
    fn needs_runtime(&self) -> bool {
        false
    }

    fn may_ask(&self) -> bool {
        true
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], limits: &'a Limits) -> Pending<'a, Fetched> {
        let ids: BTreeSet<String> = batch
            .iter()
            .map(|address| address.locator.clone())
            .collect();
        let (program, limits) = (Arc::clone(&self.0), limits.clone());
        let work = helper::work(move |cancel| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            fetch(&program, &ids, &limits, cancel)
        });
        Box::pin(async move {
            let (said, warnings) = work.await.unwrap_or_default();
            let answers = batch.iter().map(|address| {
                let secret = match said.get(&address.locator) {
                    Some(Ok(secret)) => Secret::copied_from(secret.expose()),
                    Some(Err(fault)) => return Err(fault.clone()),
                    None => return Err(Fault::new(Class::Unreachable, "its thread ended early")),
                };
                let metadata = Metadata::default();
                Ok(Reply::Value(Value { secret, metadata }))
            });
            Fetched {
                answers: answers.collect(),
                warnings,
            }
        })
    }

    /// The protocol has no question but for the value.
    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        _: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        let nothing = batch.iter().map(|_| Ok(Ok(Metadata::default())));
        Box::pin(std::future::ready(nothing.collect()))
    }

    /// As whom the program signs in is its own; its name and version are what it tells.
    fn identity<'a>(&'a self, limits: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        let (program, limits) = (Arc::clone(&self.0), limits.clone());
        let work = helper::work(move |cancel| program.version(&limits, cancel));
        Box::pin(async move {
            let name = work
                .await
                .unwrap_or_else(|| Err(Fault::new(Class::Unreachable, "its thread ended early")))?;
            Ok(Identity {
                name,
                expires: None,
            })
        })
    }
}

fn fetch(program: &Program, ids: &[&str], limits: &Limits, cancel: &helper::Cancel) -> Said {
    let limits = program.limits(limits);
    let path = match program.path() {
        Ok(path) => path,
        Err(fault) => return (every(ids, &fault), Vec::new()),
    };
    match stream::fetch(program, &path, ids, &limits, cancel) {
        Ok(Some(values)) => {
            let names = ids.iter().map(|id| (*id).to_owned());
            (names.zip(values.into_iter().map(Ok)).collect(), Vec::new())
        }
        Ok(None) => legacy::fetch(program, &path, ids, &limits, cancel),
        Err(fault) => (every(ids, &fault), Vec::new()),
    }
}

fn every(ids: &[&str], fault: &Fault) -> BTreeMap<String, Result<Secret, Fault>> {
    let failed = ids.iter().map(|id| ((*id).to_owned(), Err(fault.clone())));
    failed.collect()
}

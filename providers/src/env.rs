//! `env://[NAME]`: variables of the launcher's own environment.
//!
//! The environment is handed over at the opening, entries as the system has them; of a doubled
//! name the first counts, as for `getenv`.

use std::{collections::HashMap, ffi::OsStr, os::unix::ffi::OsStrExt};

use crate::{
    Absence, Address, Fault, Fetched, Grammar, Identity, Kind, Limits, Metadata, Natural, Opening,
    Pending, Provider, Reply, Request, Secret, Value, read::described,
};

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "env",
    aliases: &[],
    about: "a variable of the launcher's own environment",
    grammar: Grammar {
        has_field: false,
        field_defaults_to_name: false,
        locator_defaults_to_name: true,
        is_path: false,
        is_percent_encoded: true,
        options: &[],
        natural: Natural::LastSegment,
        knows_names: true,
    },
    settings: &[],
    methods: &[],
    static_credentials: &[],
    // Those that references name.
    variables: &[],
    is_secret_store: false,
    may_lease: false,
    is_for_production: true,
    quotes_programs: false,
    validate,
    requests,
    open: Some(open),
};

fn validate(address: &Address) -> Result<(), String> {
    match address.locator.as_str() {
        "" => Err("the name of a variable is needed".into()),
        name if name.contains(['=', '\0']) => {
            Err("the name of a variable holds neither `=` nor NUL".into())
        }
        _ => Ok(()),
    }
}

fn requests(batch: &[Address]) -> Vec<Request> {
    let label = "launcher's environment".into();
    let request = Request {
        label,
        answers: (0..batch.len()).collect(),
        is_free: true,
    };
    if batch.is_empty() {
        Vec::new()
    } else {
        vec![request]
    }
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "the shape of every kind's opening"
)]
fn open(opening: Opening<'_>) -> Result<Box<dyn Provider>, Fault> {
    let mut variables = HashMap::new();
    for (name, value) in opening.environment {
        let secret = || Secret::copied_from(value.as_bytes());
        variables
            .entry(name.as_bytes().to_vec())
            .or_insert_with(secret);
    }
    Ok(Box::new(Env { variables }))
}

struct Env {
    variables: HashMap<Vec<u8>, Secret>,
}

impl Env {
    fn reply(&self, address: &Address) -> Reply {
        let name = address.locator.as_str();
        match self.variables.get(OsStr::new(name).as_bytes()) {
            Some(secret) => Reply::Value(Value {
                secret: Secret::copied_from(secret.expose()),
                metadata: Metadata::default(),
            }),
            None => Reply::Absent(Absence {
                what: format!("`{name}` is not set"),
                keys: Vec::new(),
            }),
        }
    }
}

impl Provider for Env {
    fn needs_runtime(&self) -> bool {
        false
    }

    fn fetch<'a>(&'a self, batch: &'a [Address], _: &'a Limits) -> Pending<'a, Fetched> {
        Box::pin(async move {
            let answers = batch
                .iter()
                .map(|address| Ok(self.reply(address)))
                .collect();
            Fetched {
                answers,
                warnings: Vec::new(),
            }
        })
    }

    fn describe<'a>(
        &'a self,
        batch: &'a [Address],
        _: &'a Limits,
    ) -> Pending<'a, Vec<Result<Result<Metadata, Absence>, Fault>>> {
        Box::pin(async move {
            batch
                .iter()
                .map(|address| described(Ok(self.reply(address))))
                .collect()
        })
    }

    fn identity<'a>(&'a self, _: &'a Limits) -> Pending<'a, Result<Identity, Fault>> {
        Box::pin(async {
            Ok(Identity {
                name: "launcher's environment".into(),
                expires: None,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        ffi::{OsStr, OsString},
        os::unix::ffi::OsStrExt,
    };

    use super::KIND;
    use crate::{
        Absence, Metadata, Opening, Provider, Reply, Request, Settings,
        read::testing::{block_on, limits, plain},
    };

    fn opened(environment: &[(&str, &[u8])]) -> Box<dyn Provider> {
        let environment: Vec<(OsString, OsString)> = environment
            .iter()
            .map(|(name, value)| (OsString::from(name), OsStr::from_bytes(value).to_owned()))
            .collect();
        let settings = Settings::Map(BTreeMap::new());
        let opening = Opening {
            name: "env",
            settings,
            environment: &environment,
            home: None,
            helpers: crate::Helpers::default(),
        };
        KIND.open.unwrap()(opening).unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    fn value(provider: &dyn Provider, name: &str) -> Vec<u8> {
        let batch = [plain(name)];
        let fetched = block_on(provider.fetch(&batch, &limits(1000)));
        match &fetched.answers[0] {
            Ok(Reply::Value(value)) => value.secret.expose().to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_variable_gives_its_bytes_and_the_first_of_two_counts() {
        let provider = opened(&[("A", b"\xff1"), ("B", b""), ("A", b"2")]);
        assert_eq!(value(&*provider, "A"), b"\xff1");
        assert_eq!(value(&*provider, "B"), b"");
    }

    #[test]
    fn a_variable_that_is_not_set_is_absent_and_no_other_is_named() {
        let provider = opened(&[("A", b"1")]);
        let batch = [plain("B")];
        let absence = Absence {
            what: "`B` is not set".into(),
            keys: vec![],
        };
        match &block_on(provider.fetch(&batch, &limits(1000))).answers[0] {
            Ok(Reply::Absent(found)) => assert_eq!(*found, absence),
            other => panic!("{other:?}"),
        }
        let described = block_on(provider.describe(&batch, &limits(1000)));
        assert_eq!(described, [Ok(Err(absence))]);
        assert_eq!(
            block_on(provider.describe(&[plain("A")], &limits(1000))),
            [Ok(Ok(Metadata::default()))]
        );
    }

    #[test]
    fn all_variables_are_one_free_request() {
        let label = "launcher's environment".into();
        let expected = Request {
            label,
            answers: vec![0, 1],
            is_free: true,
        };
        assert_eq!((KIND.requests)(&[plain("A"), plain("B")]), [expected]);
        assert_eq!((KIND.requests)(&[]), []);
    }

    #[test]
    fn a_name_is_not_empty_and_has_no_equals_sign() {
        assert_eq!((KIND.validate)(&plain("A b")), Ok(()));
        assert_eq!(
            (KIND.validate)(&plain("")),
            Err("the name of a variable is needed".into())
        );
        for name in ["A=B", "=", "A\0"] {
            let expected = Err("the name of a variable holds neither `=` nor NUL".into());
            assert_eq!((KIND.validate)(&plain(name)), expected);
        }
    }
}

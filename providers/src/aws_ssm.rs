//! `aws-ssm:///path/name`, `aws-ssm://name`, an ARN, `[?version=N|label=L]`: the parameter store
//! of AWS Systems Manager.
//!
//! The description; the client is in `aws_ssm/`. `aws-ssm:///path/name` has the locator
//! `/path/name`. Ten parameters of one region, versions and labels among them, are one request.

#[cfg(feature = "aws")]
mod client;
#[cfg(feature = "aws")]
mod describe;
#[cfg(feature = "aws")]
mod read;
#[cfg(feature = "aws")]
mod write;

use crate::{
    Address, Grammar, Kind, Natural, Request, Setting,
    aws::{Arn, is_region},
    aws_sm::{STATIC_CREDENTIALS, batches, settings},
};

/// The most names of one `GetParameters`.
const BATCH: usize = 10;
static SETTINGS: [Setting; 5] = settings(&["AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL"]);

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "aws-ssm",
    aliases: &[],
    about: "a parameter of AWS Systems Manager",
    grammar: Grammar {
        has_field: false,
        field_defaults_to_name: false,
        locator_defaults_to_name: false,
        is_path: false,
        is_percent_encoded: true,
        options: &["version", "label"],
        natural: Natural::LastSegment,
        knows_names: false,
    },
    settings: &SETTINGS,
    methods: &[],
    static_credentials: STATIC_CREDENTIALS,
    // The SDK is given all of its own.
    variables: &["AWS_*", "HOME"],
    is_secret_store: true,
    may_lease: false,
    is_for_production: true,
    quotes_programs: false,
    validate,
    requests,
    #[cfg(feature = "aws")]
    open: Some(crate::aws::open::<client::ParameterStore>),
    #[cfg(not(feature = "aws"))]
    open: None,
};

fn validate(address: &Address) -> Result<(), String> {
    let name = address.locator.as_str();
    if name.starts_with("arn:") {
        let is_parameter = Arn::of(name).is_some_and(|arn| {
            arn.service == "ssm"
                && is_region(arn.region)
                && arn.resource.strip_prefix("parameter/").is_some_and(is_name)
        });
        if !is_parameter {
            return Err(
                "this is not the ARN of a parameter: `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`"
                    .into(),
            );
        }
    } else {
        validate_name(name)?;
    }
    validate_options(&address.options)
}

fn validate_name(name: &str) -> Result<(), String> {
    // `name:3` is how the service itself selects; here a reference has one way to say it.
    if let Some((name, selector)) = name.split_once(':') {
        let option = if is_number(selector) {
            "version"
        } else {
            "label"
        };
        return Err(format!(
            "write `{name}?{option}={selector}` instead of `:{selector}`"
        ));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(format!(
            "a name with `/` begins with one: `aws-ssm:///{name}`"
        ));
    }
    if is_name(name.strip_prefix('/').unwrap_or(name)) {
        Ok(())
    } else {
        Err(
            "a name is made of letters, digits, `.`, `-` and `_`, in segments separated by `/`"
                .into(),
        )
    }
}

fn validate_options(options: &[(String, String)]) -> Result<(), String> {
    for (name, value) in options {
        if name == "version" && !is_number(value) {
            return Err(format!(
                "`version={value}` is no version: it is a whole number from 1"
            ));
        }
        if name == "label" && !is_name(value) {
            return Err(format!(
                "`label={value}` is no label: letters, digits, `.`, `-` and `_`"
            ));
        }
    }
    let has = |wanted: &str| options.iter().any(|(name, _)| name == wanted);
    if has("version") && has("label") {
        Err("`version` and `label` exclude each other".into())
    } else {
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    text.split('/')
        .all(|segment| !segment.is_empty() && segment.bytes().all(is_plain))
}

fn is_number(text: &str) -> bool {
    !text.starts_with('+') && text.parse::<u64>().is_ok_and(|number| number > 0)
}

fn requests(batch: &[Address]) -> Vec<Request> {
    let key = |address: &Address| {
        let selectors = address
            .options
            .iter()
            .map(|(name, value)| format!(" ({name} {value})"));
        format!(
            "{}{}",
            address.locator,
            selectors.collect::<Vec<_>>().concat()
        )
    };
    let parameters = Request::by_key(batch, key, |key| format!("get {key}"));
    batches(batch, parameters, BATCH, "parameters")
}

#[cfg(test)]
mod tests {
    use super::KIND;
    use crate::{
        Address, Request,
        read::testing::{plain, with},
    };

    fn request(label: &str, answers: impl Into<Vec<usize>>) -> Request {
        Request {
            label: label.into(),
            answers: answers.into(),
            is_free: false,
        }
    }

    #[test]
    fn a_batch_has_at_most_ten_parameters() {
        let mut batch: Vec<Address> = (0..11).map(|i| plain(&format!("/p/{i}"))).collect();
        batch.push(plain("/p/0"));
        let mut first: Vec<usize> = (0..10).collect();
        first.push(11);
        let expected = [
            request("get 10 parameters in a batch", first),
            request("get /p/10", [10]),
        ];
        assert_eq!((KIND.requests)(&batch), expected);
    }

    #[test]
    fn versions_and_labels_are_parameters_of_their_own_in_the_same_batch() {
        let batch = [
            plain("a"),
            with(plain("a"), "version", "2"),
            with(plain("a"), "label", "x"),
            plain("a"),
        ];
        assert_eq!(
            (KIND.requests)(&batch),
            [request("get 3 parameters in a batch", [0, 1, 2, 3])]
        );
        assert_eq!(
            (KIND.requests)(&batch[1..2]),
            [request("get a (version 2)", [0])]
        );
    }

    #[test]
    fn an_address_is_a_full_name_or_the_arn_of_a_parameter() {
        let error = |address: &Address| (KIND.validate)(address).unwrap_err();
        for name in [
            "a",
            "/a",
            "/a/b.c-d_e",
            "arn:aws:ssm:eu-west-1:222222222222:parameter/a/b",
        ] {
            assert_eq!(
                (KIND.validate)(&with(plain(name), "version", "2")),
                Ok(()),
                "{name}"
            );
        }
        assert_eq!(
            (KIND.validate)(&with(plain("a"), "label", "prod-1")),
            Ok(())
        );
        let expected =
            "a name is made of letters, digits, `.`, `-` and `_`, in segments separated by `/`";
        for name in ["", "/", "/a/", "/a//b", "a b", "a$b", "\u{e9}"] {
            assert_eq!(error(&plain(name)), expected, "{name}");
        }
        assert_eq!(
            error(&plain("a/b")),
            "a name with `/` begins with one: `aws-ssm:///a/b`"
        );
        assert_eq!(
            error(&plain("/a:3")),
            "write `/a?version=3` instead of `:3`"
        );
        assert_eq!(
            error(&plain("/a:prod")),
            "write `/a?label=prod` instead of `:prod`"
        );
        for arn in [
            "arn:aws:ssm:eu-west-1:1:document/a",
            "arn:aws:ssm:eu-west-1:1:parameter/",
            "arn:aws:ssm:evil.test:222222222222:parameter/a",
            "arn:aws",
        ] {
            let expected =
                "this is not the ARN of a parameter: `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`";
            assert_eq!(error(&plain(arn)), expected);
        }
        let expected = "`version=0` is no version: it is a whole number from 1";
        assert_eq!(error(&with(plain("a"), "version", "0")), expected);
        let expected = "`label=a b` is no label: letters, digits, `.`, `-` and `_`";
        assert_eq!(error(&with(plain("a"), "label", "a b")), expected);
        let both = with(with(plain("a"), "version", "1"), "label", "x");
        assert_eq!(error(&both), "`version` and `label` exclude each other");
    }
}

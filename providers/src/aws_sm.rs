//! `aws-sm://name-or-arn[#key][?stage=AWSPREVIOUS|version=…]`: AWS Secrets Manager.
//!
//! The description; the client is in `aws_sm/`. Current versions are asked in batches of twenty
//! secrets of one region; a batch has no selector, so any other version is a request of its own.

#[cfg(feature = "aws")]
mod batch;
#[cfg(feature = "aws")]
mod client;
#[cfg(feature = "aws")]
mod describe;
#[cfg(feature = "aws")]
mod read;
#[cfg(feature = "aws")]
mod write;

use crate::{
    Address, Grammar, Kind, Natural, Request, Setting, Shape, Trust,
    aws::{Arn, is_region},
    json,
};

/// The most secrets of one `BatchGetSecretValue`.
const BATCH: usize = 20;
const LONGEST: usize = 2048;
const ENDPOINTS: &[&str] = &["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"];

/// Static keys of AWS. The last four are other names under which SDKs look for them. Variables
/// of a workload's identity are none, and neither are those of other services.
pub(crate) const STATIC_CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "SECRET_ACCESS_KEY",
];

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "aws-sm",
    aliases: &[],
    about: "a secret of AWS Secrets Manager, or one key of it",
    grammar: Grammar {
        has_field: true,
        field_defaults_to_name: false,
        locator_defaults_to_name: false,
        is_path: false,
        is_percent_encoded: true,
        options: &["stage", "version"],
        natural: Natural::Field,
        knows_names: false,
    },
    settings: &settings(ENDPOINTS),
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
    open: Some(crate::aws::open::<client::SecretsManager>),
    #[cfg(not(feature = "aws"))]
    open: None,
};

/// The settings of every AWS backend, where these variables name the endpoint.
pub(crate) const fn settings(endpoints: &'static [&'static str]) -> [Setting; 5] {
    const fn free(name: &'static str, about: &'static str) -> Setting {
        Setting {
            name,
            shape: Shape::Text,
            trust: Trust::Free,
            about,
        }
    }
    [
        free("region", "the region"),
        free("aws_profile", "the profile of the AWS configuration"),
        free(
            "account",
            "the account's number: another account's secret is refused",
        ),
        free("role_arn", "a role to assume"),
        Setting {
            name: "endpoint_url",
            shape: Shape::Text,
            trust: Trust::Origin(endpoints),
            about: "the endpoint, where it is not AWS's own",
        },
    ]
}

fn validate(address: &Address) -> Result<(), String> {
    let id = address.locator.as_str();
    if id.is_empty() {
        return Err("a name or an ARN is needed: `aws-sm://chat/prod`".into());
    }
    if id.len() > LONGEST {
        return Err(format!("a name or an ARN has at most {LONGEST} bytes"));
    }
    if id.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err("a name or an ARN holds no blanks".into());
    }
    if id.starts_with("arn:") {
        let is_secret = Arn::of(id).is_some_and(|arn| {
            let name = arn.resource.strip_prefix("secret:");
            arn.service == "secretsmanager"
                && is_region(arn.region)
                && name.is_some_and(|name| !name.is_empty())
        });
        if !is_secret {
            return Err("this is not the ARN of a secret: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME`".into());
        }
    }
    if let Some(field) = &address.field {
        json::validate(field)?;
    }
    if let Some((name, _)) = address.options.iter().find(|(_, value)| value.is_empty()) {
        return Err(format!("nothing stands after `{name}=`"));
    }
    let has = |wanted: &str| address.options.iter().any(|(name, _)| name == wanted);
    if has("stage") && has("version") {
        Err("`stage` and `version` exclude each other".into())
    } else {
        Ok(())
    }
}

fn requests(batch: &[Address]) -> Vec<Request> {
    let secrets = Request::by_key(batch, key, label);
    let is_current = |request: &Request| batch[request.answers[0]].options.is_empty();
    let (current, others): (Vec<_>, Vec<_>) = secrets.into_iter().partition(is_current);
    let mut requests = batches(batch, current, BATCH, "secrets");
    requests.extend(others);
    requests
}

fn key(address: &Address) -> String {
    let selectors = address
        .options
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    format!(
        "{}\0{}",
        address.locator,
        selectors.collect::<Vec<_>>().join(", ")
    )
}

fn label(key: &str) -> String {
    match key.split_once('\0') {
        Some((id, "")) => format!("get {id}"),
        Some((id, selector)) => format!("get {id} ({selector})"),
        None => format!("get {key}"),
    }
}

/// Joins requests of one thing each into requests of at most `size` things of one region; what
/// stays alone keeps its label.
pub(crate) fn batches(
    batch: &[Address],
    single: Vec<Request>,
    size: usize,
    things: &str,
) -> Vec<Request> {
    let mut regions: Vec<(Option<&str>, Vec<Request>)> = Vec::new();
    for request in single {
        let region = Arn::of(&batch[request.answers[0]].locator).map(|arn| arn.region);
        match regions.iter_mut().find(|(known, _)| *known == region) {
            Some((_, requests)) => requests.push(request),
            None => regions.push((region, vec![request])),
        }
    }
    let mut joined = Vec::new();
    for (region, requests) in regions {
        let mut rest = requests.into_iter().peekable();
        while rest.peek().is_some() {
            let mut chunk: Vec<Request> = rest.by_ref().take(size).collect();
            if chunk.len() > 1 {
                chunk = vec![join(&chunk, region, things)];
            }
            joined.append(&mut chunk);
        }
    }
    joined
}

fn join(chunk: &[Request], region: Option<&str>, things: &str) -> Request {
    let answers = chunk.iter().flat_map(|request| &request.answers).copied();
    let mut answers: Vec<usize> = answers.collect();
    answers.sort_unstable();
    let of = region.map(|region| format!(" of {region}"));
    let label = format!(
        "get {} {things}{} in a batch",
        chunk.len(),
        of.unwrap_or_default()
    );
    Request {
        label,
        answers,
        is_free: false,
    }
}

#[cfg(test)]
mod tests {
    use super::KIND;
    use crate::{
        Address, Field, Request,
        read::testing::{named, plain, with},
    };

    fn request(label: &str, answers: impl Into<Vec<usize>>) -> Request {
        Request {
            label: label.into(),
            answers: answers.into(),
            is_free: false,
        }
    }

    #[test]
    fn all_fields_of_one_secret_are_one_request() {
        let batch = [
            named("chat/prod", "a"),
            plain("chat/prod"),
            named("chat/prod", "b"),
        ];
        assert_eq!(
            (KIND.requests)(&batch),
            [request("get chat/prod", [0, 1, 2])]
        );
    }

    #[test]
    fn current_versions_are_batched_and_others_single() {
        let batch = [
            named("a", "x"),
            with(named("a", "x"), "stage", "AWSPREVIOUS"),
            named("b", "x"),
            with(named("a", "y"), "stage", "AWSPREVIOUS"),
            named("a", "y"),
            with(plain("a"), "version", "0123"),
        ];
        let expected = [
            request("get 2 secrets in a batch", [0, 2, 4]),
            request("get a (stage AWSPREVIOUS)", [1, 3]),
            request("get a (version 0123)", [5]),
        ];
        assert_eq!((KIND.requests)(&batch), expected);
    }

    #[test]
    fn a_batch_has_at_most_twenty_secrets_however_many_fields() {
        let batch: Vec<Address> = (0..82)
            .map(|i| named(&format!("s{}", i / 2), "x"))
            .collect();
        let expected = [
            request("get 20 secrets in a batch", (0..40).collect::<Vec<_>>()),
            request("get 20 secrets in a batch", (40..80).collect::<Vec<_>>()),
            request("get s40", [80, 81]),
        ];
        assert_eq!((KIND.requests)(&batch), expected);
    }

    #[test]
    fn a_batch_is_of_one_region() {
        let arn = |region: &str, name: &str| {
            named(
                &format!("arn:aws:secretsmanager:{region}:222222222222:secret:{name}"),
                "x",
            )
        };
        let batch = [
            arn("eu-west-1", "a"),
            named("a", "x"),
            arn("us-east-1", "a"),
            arn("eu-west-1", "b"),
            named("b", "x"),
        ];
        let expected = [
            request("get 2 secrets of eu-west-1 in a batch", [0, 3]),
            request("get 2 secrets in a batch", [1, 4]),
            request(&format!("get {}", batch[2].locator), [2]),
        ];
        assert_eq!((KIND.requests)(&batch), expected);
    }

    #[test]
    fn an_address_is_a_name_or_the_arn_of_a_secret() {
        let error = |address: &Address| (KIND.validate)(address).unwrap_err();
        let arn = "arn:aws-cn:secretsmanager:cn-north-1:222222222222:secret:chat/prod-AbCdEf";
        for address in [
            plain("chat/prod"),
            plain("/chat"),
            named(arn, "k"),
            with(plain("a"), "stage", "AWSPENDING"),
        ] {
            assert_eq!((KIND.validate)(&address), Ok(()), "{address:?}");
        }
        assert_eq!(
            error(&plain("")),
            "a name or an ARN is needed: `aws-sm://chat/prod`"
        );
        assert_eq!(
            error(&plain(&"a".repeat(2049))),
            "a name or an ARN has at most 2048 bytes"
        );
        assert_eq!(error(&plain("a b")), "a name or an ARN holds no blanks");
        for arn in [
            "arn:aws:ssm:eu-west-1:1:parameter/a",
            "arn:aws:secretsmanager:eu-west-1:1:secret:",
            // It would become part of a host's name.
            "arn:aws:secretsmanager:evil.test/:222222222222:secret:a",
            "arn:aws",
        ] {
            let expected = "this is not the ARN of a secret: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME`";
            assert_eq!(error(&plain(arn)), expected);
        }
        assert_eq!(error(&named("a", "")), "nothing stands after `#`");
        let pointer = Address {
            field: Some(Field::Pointer("/~".into())),
            ..plain("a")
        };
        assert!(error(&pointer).starts_with("`/~` is no JSON Pointer"));
        assert_eq!(
            error(&with(plain("a"), "version", "")),
            "nothing stands after `version=`"
        );
        let both = with(with(plain("a"), "stage", "AWSPREVIOUS"), "version", "1");
        assert_eq!(error(&both), "`stage` and `version` exclude each other");
    }
}

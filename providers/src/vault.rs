//! `vault://mount/path#field[?version=3]`: Vault and OpenBao.
//!
//! The description; the client stands beside it. One read of a path answers every field of it, so
//! a leased user and its password belong together.

mod answer;
mod auth;
#[cfg(feature = "aws")]
mod aws;
mod client;
mod config;
mod connect;
mod fault;
mod github;
mod lease;
mod metadata;
mod mounts;
mod rate;
mod read;
mod server;
mod sign_in;
mod state;
mod token;

use crate::{Address, Grammar, Kind, Natural, Request, Setting, Shape, Trust, json, kind::Method};

const ADDRESSES: &[&str] = &[
    "BAO_ADDR",
    "VAULT_ADDR",
    "BAO_AGENT_ADDR",
    "VAULT_AGENT_ADDR",
];

/// What to do where a sign-in needs a browser.
const BEFOREHAND: &str =
    "sign in with `vault login -method=oidc` or `bao login`; endow then uses that token";

/// The ways to sign in, for the manifest; [`auth`] reads them.
static METHODS: [Method; 10] = [
    Method {
        takes: &["token"],
        ..Method::of("token")
    },
    Method {
        needs: &["role_id"],
        takes: &["secret_id", "wrapped_secret_id", "role"],
        ..Method::of("approle")
    },
    Method {
        needs: &["role"],
        takes: &["jwt_file"],
        ..Method::of("kubernetes")
    },
    Method {
        needs_one: &["jwt", "jwt_file", "provider"],
        takes: &["role", "audience"],
        ..Method::of("jwt")
    },
    Method {
        needs: &["username", "password"],
        ..Method::of("userpass")
    },
    Method {
        needs: &["username", "password"],
        ..Method::of("ldap")
    },
    Method {
        needs: &["username", "password"],
        ..Method::of("radius")
    },
    Method {
        takes: &["name"],
        ..Method::of("cert")
    },
    Method {
        takes: &["role", "server_id", "region", "aws_profile"],
        ..Method::of("aws")
    },
    Method {
        instead: Some(BEFOREHAND),
        ..Method::of("oidc")
    },
];

/// What is known of the type.
pub(crate) static KIND: Kind = Kind {
    name: "vault",
    aliases: &["openbao"],
    about: "a field of a secret of Vault or OpenBao",
    grammar: Grammar {
        has_field: true,
        field_defaults_to_name: false,
        locator_defaults_to_name: false,
        is_path: false,
        is_percent_encoded: true,
        options: &["version"],
        natural: Natural::Field,
        knows_names: false,
    },
    settings: SETTINGS,
    methods: &METHODS,
    // `VAULT_HEADERS` is where the credential of a proxy in front of the server stands. The
    // client's key is a path in `…_CLIENT_KEY` and the key itself in `…_CLIENT_KEY_BYTES`. With
    // `ACTIONS_ID_TOKEN_REQUEST_…` whoever has them signs in as the workflow.
    static_credentials: &[
        "VAULT_TOKEN",
        "BAO_TOKEN",
        "VAULT_HEADERS",
        "BAO_HEADERS",
        "VAULT_CLIENT_KEY_BYTES",
        "BAO_CLIENT_KEY_BYTES",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
    ],
    variables: &[
        "VAULT_ADDR",
        "VAULT_AGENT_ADDR",
        "VAULT_CACERT",
        "VAULT_CACERT_BYTES",
        "VAULT_CAPATH",
        "VAULT_CLIENT_CERT",
        "VAULT_CLIENT_KEY",
        "VAULT_CLIENT_TIMEOUT",
        "VAULT_CONFIG_PATH",
        "VAULT_HTTP_PROXY",
        "VAULT_NAMESPACE",
        "VAULT_PROXY_ADDR",
        "VAULT_RATE_LIMIT",
        "VAULT_SKIP_VERIFY",
        "VAULT_TLS_SERVER_NAME",
        "BAO_ADDR",
        "BAO_AGENT_ADDR",
        "BAO_CACERT",
        "BAO_CACERT_BYTES",
        "BAO_CAPATH",
        "BAO_CLIENT_CERT",
        "BAO_CLIENT_KEY",
        "BAO_CLIENT_TIMEOUT",
        "BAO_CONFIG_PATH",
        "BAO_HTTP_PROXY",
        "BAO_NAMESPACE",
        "BAO_PROXY_ADDR",
        "BAO_RATE_LIMIT",
        "BAO_SKIP_VERIFY",
        "BAO_TLS_SERVER_NAME",
        "BAO_TOKEN_PATH",
        "HOME",
        "AWS_*",
    ],
    is_secret_store: true,
    may_lease: true,
    is_for_production: true,
    quotes_programs: false,
    validate,
    requests,
    open: Some(client::open),
};

static SETTINGS: &[Setting] = &[
    setting(
        "address",
        Shape::Text,
        Trust::Origin(ADDRESSES),
        "the server, `https://host:port`",
    ),
    free("namespace", Shape::Text, "the namespace"),
    free(
        "auth",
        Shape::Keys(AUTH),
        "how to sign in: `method` and what it needs",
    ),
    needed(
        "ca_cert",
        Shape::Path,
        "a file with the certificates to trust",
    ),
    needed(
        "ca_path",
        Shape::Path,
        "a directory with the certificates to trust",
    ),
    needed("ca_bytes", Shape::Text, "the certificates to trust, PEM"),
    free(
        "client_cert",
        Shape::Path,
        "a file with the client's certificate",
    ),
    free("client_key", Shape::Path, "a file with the client's key"),
    needed(
        "tls_server_name",
        Shape::Text,
        "the name that the server's certificate must have",
    ),
    needed(
        "tls_skip_verify",
        Shape::Bool,
        "whether the server's certificate is not verified",
    ),
    needed("proxy", Shape::Text, "the proxy"),
    free(
        "kv_version",
        Shape::Text,
        "the version of the KV engine where the server does not say it",
    ),
    // With these a read can write, with the caller's own token.
    needed(
        "method",
        Shape::Text,
        "the HTTP method of a read of an engine other than KV",
    ),
    needed("params", Shape::Map, "what is sent with `method`"),
];

/// What stands under `auth`; each method takes those that it needs.
static AUTH: &[Setting] = &[
    free(
        "method",
        Shape::Text,
        "`token`, `approle`, `kubernetes`, `jwt`, `userpass`, `ldap`, `radius`, `cert` or `aws`",
    ),
    free(
        "mount",
        Shape::Text,
        "where the method is mounted below `auth/`, if not under its name",
    ),
    free(
        "namespace",
        Shape::Text,
        "the namespace of the sign-in, if not that of the requests",
    ),
    free("token", Shape::Secret, "token: the token"),
    free("role_id", Shape::Text, "approle: the role's id"),
    free("secret_id", Shape::Secret, "approle: the secret id"),
    free(
        "wrapped_secret_id",
        Shape::Secret,
        "approle: the token of a wrapped secret id",
    ),
    free(
        "role",
        Shape::Text,
        "kubernetes, jwt, aws: the role; approle: the role that a wrapped secret id must be of",
    ),
    free("jwt", Shape::Secret, "jwt: the token"),
    free(
        "jwt_file",
        Shape::Path,
        "jwt, kubernetes: the file that holds the token",
    ),
    free(
        "provider",
        Shape::Text,
        "jwt: `github` asks GitHub Actions for the token",
    ),
    free("audience", Shape::Text, "jwt: whom GitHub's token is for"),
    free("username", Shape::Text, "userpass, ldap, radius: the user"),
    free(
        "password",
        Shape::Secret,
        "userpass, ldap, radius: the password",
    ),
    free(
        "name",
        Shape::Text,
        "cert: the role, if not every one is to be tried",
    ),
    free(
        "server_id",
        Shape::Text,
        "aws: the server's id, where it wants one",
    ),
    free(
        "region",
        Shape::Text,
        "aws: the region of the STS endpoint that the server asks, if not the global one",
    ),
    free("aws_profile", Shape::Text, "aws: the profile that signs"),
];

const fn free(name: &'static str, shape: Shape, about: &'static str) -> Setting {
    setting(name, shape, Trust::Free, about)
}

const fn needed(name: &'static str, shape: Shape, about: &'static str) -> Setting {
    setting(name, shape, Trust::Needed, about)
}

const fn setting(name: &'static str, shape: Shape, trust: Trust, about: &'static str) -> Setting {
    Setting {
        name,
        shape,
        trust,
        about,
    }
}

fn validate(address: &Address) -> Result<(), String> {
    let segments: Vec<&str> = address.locator.split('/').collect();
    if segments.len() < 2 || segments.contains(&"") {
        return Err("a mount and a path are needed: `vault://secret/chat#field`".into());
    }
    // Clients and proxies fold dot segments, and the read would leave the mount.
    if segments.iter().any(|segment| [".", ".."].contains(segment))
        || address.locator.ends_with('.')
    {
        return Err("a path neither has `.` or `..` as a segment nor ends in `.`".into());
    }
    let Some(field) = &address.field else {
        return Err("a field is needed: `#NAME`, one key of the secret".into());
    };
    json::validate(field)?;
    let is_version = |text: &str| {
        text.parse::<u64>()
            .is_ok_and(|number| number > 0 && !text.starts_with('+'))
    };
    match address
        .options
        .iter()
        .find(|(name, value)| name == "version" && !is_version(value))
    {
        Some((_, value)) => Err(format!(
            "`version={value}` is no version: it is a whole number from 1"
        )),
        None => Ok(()),
    }
}

/// The version that an address names.
fn version_of(address: &Address) -> Option<&str> {
    let option = address.options.iter().find(|(name, _)| name == "version");
    option.map(|(_, version)| version.as_str())
}

/// What one read is for: a path, and the version that is named.
type Place<'a> = (&'a str, Option<&'a str>);

fn place_of(address: &Address) -> Place<'_> {
    (address.locator.as_str(), version_of(address))
}

/// The places of a batch, each once, in the order in which they first occur.
fn places(batch: &[Address]) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    for place in batch.iter().map(place_of) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

fn requests(batch: &[Address]) -> Vec<Request> {
    let key = |address: &Address| {
        let version = version_of(address).unwrap_or_default();
        format!("{}\0{version}", address.locator)
    };
    let label = |key: &str| match key.split_once('\0') {
        Some((path, "")) => format!("read {path}"),
        Some((path, version)) => format!("read {path} (version {version})"),
        None => format!("read {key}"),
    };
    Request::by_key(batch, key, label)
}

#[cfg(test)]
mod tests {
    use super::KIND;
    use crate::{
        Address, Field, Request, kind,
        read::testing::{named, plain, with},
    };

    #[test]
    fn requests_are_one_a_path_and_version() {
        let batch = [
            named("secret/chat", "a"),
            with(named("secret/chat", "a"), "version", "3"),
            named("secret/chat", "b"),
            named("database/creds/chat", "username"),
            with(named("secret/chat", "c"), "version", "3"),
            named("database/creds/chat", "password"),
        ];
        let request = |label: &str, answers: &[usize]| Request {
            label: label.into(),
            answers: answers.to_vec(),
            is_free: false,
        };
        let expected = [
            request("read secret/chat", &[0, 2]),
            request("read secret/chat (version 3)", &[1, 4]),
            request("read database/creds/chat", &[3, 5]),
        ];
        assert_eq!((KIND.requests)(&batch), expected);
    }

    #[test]
    fn an_address_has_a_mount_a_path_and_a_field() {
        let error = |address: &Address| (KIND.validate)(address).unwrap_err();
        assert_eq!((KIND.validate)(&named("secret/chat/prod", "a")), Ok(()));
        assert_eq!(
            (KIND.validate)(&with(named("secret/a b", "a"), "version", "12")),
            Ok(())
        );
        for locator in [
            "",
            "secret",
            "secret/",
            "/secret/chat",
            "secret//chat",
            "secret/chat/",
        ] {
            assert_eq!(
                error(&named(locator, "a")),
                "a mount and a path are needed: `vault://secret/chat#field`"
            );
        }
        for locator in ["secret/../sys/x", "./secret/x", "secret/.", "secret/x."] {
            assert_eq!(
                error(&named(locator, "a")),
                "a path neither has `.` or `..` as a segment nor ends in `.`"
            );
        }
        assert_eq!(
            error(&plain("secret/chat")),
            "a field is needed: `#NAME`, one key of the secret"
        );
        assert_eq!(error(&named("secret/chat", "")), "nothing stands after `#`");
        let pointer = Address {
            field: Some(Field::Pointer("/a~b".into())),
            ..plain("secret/chat")
        };
        assert!(error(&pointer).starts_with("`/a~b` is no JSON Pointer"));
        for version in ["", "0", "-1", "+1", "1.0", "latest"] {
            let expected =
                format!("`version={version}` is no version: it is a whole number from 1");
            assert_eq!(
                error(&with(named("secret/chat", "a"), "version", version)),
                expected
            );
        }
    }

    #[test]
    fn it_is_found_by_either_name() {
        assert_eq!(kind::named("openbao"), Some(&KIND));
        assert_eq!(kind::named("vault"), Some(&KIND));
    }
}

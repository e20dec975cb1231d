//! What a backend of this type is told: its settings, else the official clients' variables.
//!
//! A variable `BAO_X` that is set, even empty, wins over `VAULT_X`, as OpenBao's client has it; an
//! empty one says nothing.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use reqwest::{Method, Url};

use super::{auth::Auth, rate::Rate};
use crate::{
    Class, Fault, Secret, Settings,
    http::{Proxies, Route},
    time,
};

/// Where the official clients look when nothing is said.
const ADDRESS: &str = "https://127.0.0.1:8200";
/// The verbs of a read of an engine other than KV.
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];

/// One server, and how to talk to it.
pub(super) struct Config {
    /// The base of all addresses, with a slash at its end.
    pub(super) base: Url,
    /// Whether nobody has said an address.
    pub(super) is_default: bool,
    /// The address as it was written, for helpers.
    pub(super) address: String,
    /// The socket that stands for the host.
    pub(super) unix_socket: Option<PathBuf>,
    /// The host and port, and the proxy on the way, for messages.
    pub(super) server: String,
    /// The namespace of all requests.
    pub(super) namespace: Option<String>,
    /// How to sign in.
    pub(super) auth: Auth,
    /// Whom to trust, and as whom to connect.
    pub(super) tls: TlsFiles,
    /// Through what to go.
    pub(super) route: Route,
    /// The version of the KV engine where the server does not say it.
    pub(super) kv_version: Option<u8>,
    /// How other engines are read.
    pub(super) read: Read,
    /// How many requests a second.
    pub(super) rate: Option<Rate>,
    /// The longest time of one request.
    pub(super) timeout: Option<Duration>,
    /// More headers, for what stands in front of the server.
    pub(super) headers: Vec<(String, Secret)>,
}

/// Certificates and keys, where they stand.
#[derive(Default)]
pub(super) struct TlsFiles {
    pub(super) ca_cert: Option<PathBuf>,
    pub(super) ca_bytes: Option<Secret>,
    pub(super) ca_path: Option<PathBuf>,
    pub(super) client_cert: Option<Pem>,
    pub(super) client_key: Option<Pem>,
    pub(super) server_name: Option<String>,
    pub(super) is_unverified: bool,
}

/// A PEM text, or the file that holds it.
pub(super) enum Pem {
    File(PathBuf),
    Text(Secret),
}

/// How an engine other than KV is read.
pub(super) struct Read {
    pub(super) method: Method,
    pub(super) parameters: Option<Vec<u8>>,
}

/// The launcher's environment, as the official clients read it.
pub(super) struct Variables<'a>(pub(super) &'a [(OsString, OsString)]);

impl<'a> Variables<'a> {
    /// A variable that says something; the first of doubled ones counts.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.set(name)?.to_str().filter(|value| !value.is_empty())
    }

    /// `BAO_name`, else `VAULT_name`.
    pub(super) fn client(&self, name: &str) -> Option<&'a str> {
        let value = self
            .set(&format!("BAO_{name}"))
            .or_else(|| self.set(&format!("VAULT_{name}")))?;
        value.to_str().filter(|value| !value.is_empty())
    }

    fn set(&self, name: &str) -> Option<&'a OsString> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }
}

/// What is wrong with a setting or a variable.
pub(super) fn wrong(message: impl Into<String>) -> Fault {
    Fault::new(Class::Malformed, message)
}

impl Config {
    pub(super) fn new(settings: &Settings, variables: &Variables<'_>) -> Result<Self, Fault> {
        let text = |name: &str| settings.text(name).filter(|text| !text.is_empty());
        let address = text("address")
            .or_else(|| variables.client("AGENT_ADDR"))
            .or_else(|| variables.client("ADDR"));
        let is_default = address.is_none();
        let address = address.unwrap_or(ADDRESS);
        let (base, unix_socket, server) = base(address)?;
        let tls = TlsFiles::new(settings, variables)?;
        let route = proxies(settings, variables).to(&base);
        if text("proxy").is_some() && !route.is_proxied() {
            return Err(wrong("`proxy` is set, and the server is on this machine")
                .hinted("what is on this machine is asked directly: take `proxy` out"));
        }
        let server = route.named(&server);
        if tls.server_name.is_some() && route.is_proxied() {
            return Err(wrong(
                "`tls_server_name` and a proxy can't be used together",
            ));
        }
        Ok(Self {
            is_default,
            base,
            address: address.to_owned(),
            unix_socket,
            server,
            namespace: text("namespace")
                .or_else(|| variables.client("NAMESPACE"))
                .map(|namespace| namespace.trim_matches('/').to_owned()),
            auth: Auth::new(settings)?,
            tls,
            route,
            kv_version: match text("kv_version") {
                None => None,
                Some("1") => Some(1),
                Some("2") => Some(2),
                Some(_) => return Err(wrong("`kv_version` is neither 1 nor 2")),
            },
            read: Read::new(settings)?,
            rate: variables
                .client("RATE_LIMIT")
                .map(Rate::parse)
                .transpose()?,
            timeout: variables
                .client("CLIENT_TIMEOUT")
                .map(client_timeout)
                .transpose()?,
            headers: variables
                .client("HEADERS")
                .map_or(Ok(Vec::new()), headers)?,
        })
    }
}

/// The proxy that the settings or Vault's own variables name, else those of the usual variables.
fn proxies(settings: &Settings, variables: &Variables<'_>) -> Proxies {
    if let Some(url) = settings.text("proxy").filter(|url| !url.is_empty()) {
        return Proxies::only(url, "`proxy`");
    }
    let own = [
        ("BAO_PROXY_ADDR", "VAULT_PROXY_ADDR"),
        ("BAO_HTTP_PROXY", "VAULT_HTTP_PROXY"),
    ];
    for (first, second) in own {
        let by = if variables.set(first).is_some() {
            first
        } else {
            second
        };
        if let Some(url) = variables.get(by) {
            return Proxies::only(url, by);
        }
    }
    Proxies::of(|name| variables.get(name))
}

/// The base of all addresses, the socket of a `unix://` address, and the name for messages.
fn base(address: &str) -> Result<(Url, Option<PathBuf>, String), Fault> {
    let not_an_address =
        || wrong("the server's address is no `https://`, `http://` or `unix://` URL");
    if let Some(path) = address.strip_prefix("unix://") {
        let base = Url::parse("http://localhost/v1/").map_err(|_| not_an_address())?;
        return Ok((base, Some(path.into()), path.to_owned()));
    }
    let mut base = Url::parse(address).map_err(|_| not_an_address())?;
    if !["http", "https"].contains(&base.scheme()) || base.host_str().is_none() {
        return Err(not_an_address());
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(wrong(
            "the server's address holds a user name or a password",
        ));
    }
    base.set_query(None);
    base.set_fragment(None);
    let path = format!("{}/v1/", base.path().trim_end_matches('/'));
    base.set_path(&path);
    let server = authority(&base);
    Ok((base, None, server))
}

/// Host and port as written.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

impl TlsFiles {
    fn new(settings: &Settings, variables: &Variables<'_>) -> Result<Self, Fault> {
        let text = |name: &str| settings.text(name).filter(|text| !text.is_empty());
        let has_ca = ["ca_cert", "ca_bytes", "ca_path"]
            .map(text)
            .iter()
            .any(Option::is_some);
        // A manifest that names an authority means that one alone.
        let authority = |setting: &str, variable: &str| {
            text(setting).or_else(|| (!has_ca).then(|| variables.client(variable)).flatten())
        };
        let pem = |setting: &str, variable: &str| {
            let file = text(setting).or_else(|| variables.client(variable));
            let bytes = || variables.client(&format!("{variable}_BYTES"));
            match file {
                Some(path) => Some(Pem::File(path.into())),
                None => bytes().map(|text| Pem::Text(Secret::copied_from(text.as_bytes()))),
            }
        };
        let tls = Self {
            ca_cert: authority("ca_cert", "CACERT").map(PathBuf::from),
            ca_bytes: authority("ca_bytes", "CACERT_BYTES")
                .map(|text| Secret::copied_from(text.as_bytes())),
            ca_path: authority("ca_path", "CAPATH").map(PathBuf::from),
            client_cert: pem("client_cert", "CLIENT_CERT"),
            client_key: pem("client_key", "CLIENT_KEY"),
            server_name: text("tls_server_name")
                .or_else(|| variables.client("TLS_SERVER_NAME"))
                .map(str::to_owned),
            is_unverified: match (text("tls_skip_verify"), variables.client("SKIP_VERIFY")) {
                (Some(text), _) => text == "true",
                (None, Some(text)) => flag(text)?,
                (None, None) => false,
            },
        };
        if tls.client_cert.is_some() != tls.client_key.is_some() {
            return Err(wrong(
                "of the client's certificate and its key only one is named",
            ));
        }
        Ok(tls)
    }
}

/// What Go's `strconv.ParseBool` takes.
fn flag(text: &str) -> Result<bool, Fault> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(wrong("VAULT_SKIP_VERIFY is neither true nor false")),
    }
}

impl Read {
    fn new(settings: &Settings) -> Result<Self, Fault> {
        let parameters = match settings {
            Settings::Map(map) => map.get("params").map(json),
            _ => None,
        };
        let method = settings.text("method").unwrap_or("");
        let method = match method {
            "" if parameters.is_some() => "POST".to_owned(),
            "" => "GET".to_owned(),
            method => method.to_ascii_uppercase(),
        };
        if !METHODS.contains(&method.as_str()) {
            return Err(wrong(format!("`method` is none of {}", METHODS.join(", "))));
        }
        if method == "GET" && parameters.is_some() {
            return Err(wrong("`params` are sent with `method: POST`"));
        }
        Ok(Self {
            method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET),
            parameters: parameters.map(|value| value.to_string().into_bytes()),
        })
    }
}

fn json(settings: &Settings) -> serde_json::Value {
    match settings {
        Settings::Text(text) => String::from_utf8_lossy(text.expose()).into_owned().into(),
        Settings::List(items) => items.iter().map(json).collect::<Vec<_>>().into(),
        Settings::Map(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

/// A number of seconds, or Go's form of a duration as far as people write it: `90s`, `1m30s`.
fn client_timeout(text: &str) -> Result<Duration, Fault> {
    let wrong = || wrong("VAULT_CLIENT_TIMEOUT is no duration: write `60` or `60s`");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(time::seconds(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .filter(|digits| *digits > 0)
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|character: char| !character.is_ascii_lowercase())
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let part = Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
        total = total.saturating_add(part).min(time::LONGEST);
        rest = &rest[letters..];
    }
    Ok(total)
}

/// `VAULT_HEADERS`: a JSON object of texts or lists of texts.
fn headers(text: &str) -> Result<Vec<(String, Secret)>, Fault> {
    use serde_json::Value;
    let wrong = || wrong("VAULT_HEADERS is no JSON object of header names and texts");
    let Ok(Value::Object(map)) = serde_json::from_str(text) else {
        return Err(wrong());
    };
    let mut headers = Vec::new();
    for (name, value) in map {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let Value::String(text) = value else {
                return Err(wrong());
            };
            headers.push((name.clone(), Secret::new(text.into_bytes())));
        }
    }
    Ok(headers)
}

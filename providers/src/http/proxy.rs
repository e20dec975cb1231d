//! Through which proxy a request goes: one that is named, else those of the usual variables.
//!
//! A request to this machine goes through none, whoever names one: what stands there (an agent of
//! Vault, a Connect sidecar, what hands out credentials) is often asked without TLS, and its token
//! would be readable on the way.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use reqwest::{ClientBuilder, Proxy, Url};
use url::Host;

use super::Broken;

/// Proxies by the scheme of the address that is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    https: Option<Named>,
    http: Option<Named>,
    exceptions: Arc<[Exception]>,
}

/// A proxy, and who names it.
#[derive(Clone)]
struct Named {
    /// Can hold a name and a password.
    url: String,
    /// A variable or a setting.
    by: &'static str,
}

/// The way to one address.
#[derive(Clone, Debug)]
pub(crate) struct Route(Option<Named>);

/// What `NO_PROXY` leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    host: Pattern,
    /// Any where none is stated.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    All,
    Network(IpNet),
    /// A name, and every name below it; lower case.
    Name(String),
}

impl Proxies {
    /// One proxy for everything, named by a setting or a variable.
    pub(crate) fn only(url: &str, by: &'static str) -> Self {
        let named = || {
            let url = url.to_owned();
            Some(Named { url, by })
        };
        Self {
            https: named(),
            http: named(),
            exceptions: Arc::default(),
        }
    }

    /// Those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower case first, as
    /// curl reads them.
    pub(crate) fn of<'e>(variable: impl Fn(&str) -> Option<&'e str>) -> Self {
        let first = |names: &[&'static str]| {
            let mut names = names.iter();
            names.find_map(|name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                Some(Named {
                    url: value.to_owned(),
                    by: name,
                })
            })
        };
        // In a CGI program `HTTP_PROXY` is what a client sent as its header `Proxy`.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let http: &[&str] = if is_cgi {
            &["http_proxy"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        let exceptions = first(&["no_proxy", "NO_PROXY"]).map(|named| named.url);
        Self {
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: first(http),
            exceptions: exceptions
                .iter()
                .flat_map(|text| exceptions_of(text))
                .collect(),
        }
    }

    /// The way to an address.
    pub(crate) fn to(&self, url: &Url) -> Route {
        let proxy = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        let host = url.host();
        let is_direct = host.is_none_or(|host| {
            let port = url.port_or_known_default();
            is_loopback(&host) || self.exceptions.iter().any(|one| one.covers(&host, port))
        });
        Route(proxy.clone().filter(|_| !is_direct))
    }
}

impl Route {
    /// The proxy's URL, which can hold a password.
    #[cfg(feature = "aws")]
    pub(crate) fn url(&self) -> Option<String> {
        Some(self.0.as_ref()?.parsed()?.into())
    }

    /// Whether it goes through a proxy.
    pub(crate) fn is_proxied(&self) -> bool {
        self.0.is_some()
    }

    /// A server's name as messages have it: `vault.acme.dev through the proxy 10.0.0.5:3128 of
    /// HTTP_PROXY`.
    pub(crate) fn named(&self, server: &str) -> String {
        format!("{server}{}", self.through())
    }

    /// ` through the proxy 10.0.0.5:3128 of HTTP_PROXY`, or nothing. A name and a password of the
    /// proxy are never said.
    pub(crate) fn through(&self) -> String {
        let Some(named) = &self.0 else {
            return String::new();
        };
        let url = named.parsed();
        let place = url.as_ref().and_then(|url| {
            let port = url.port_or_known_default()?;
            Some(format!(" {}:{port}", url.host_str()?))
        });
        format!(
            " through the proxy{} of {}",
            place.unwrap_or_default(),
            named.by
        )
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Broken> {
        let builder = builder.no_proxy();
        let Some(named) = &self.0 else {
            return Ok(builder);
        };
        // The URL can hold a password: it is not repeated.
        let wrong = || Broken::Client("a proxy is an `http://` or `https://` URL".into());
        let url = named.parsed().ok_or_else(wrong)?;
        Ok(builder.proxy(Proxy::all(url).map_err(|_| wrong())?))
    }
}

impl Named {
    /// With `http://` where no scheme is written, as curl has it. No other kind of proxy is known.
    fn parsed(&self) -> Option<Url> {
        let url = if self.url.contains("://") {
            Url::parse(&self.url)
        } else {
            Url::parse(&format!("http://{}", self.url))
        };
        url.ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
    }
}

impl std::fmt::Debug for Named {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "the proxy of {}", self.by)
    }
}

/// Names, addresses and networks, separated by commas or white space.
fn exceptions_of(text: &str) -> Vec<Exception> {
    text.split([',', ' ', '\t'])
        .filter_map(|entry| Exception::of(entry.trim()))
        .collect()
}

impl Exception {
    /// `*`, `acme.dev`, `.acme.dev`, `*.acme.dev`, `10.0.0.5`, `10.0.0.0/8`, `[::1]`, `fd00::/8`; each
    /// but `*` and a network with `:PORT` behind it, where an address of version 6 has brackets.
    fn of(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self {
                host: Pattern::All,
                port: None,
            });
        }
        if let Ok(network) = entry.parse::<IpNet>() {
            return Some(Self {
                host: Pattern::Network(network),
                port: None,
            });
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Some(Self {
                host: Pattern::Network(address.into()),
                port: None,
            });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !entry.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry, None),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
            return Some(Self {
                host: Pattern::Network(address.into()),
                port,
            });
        }
        let name = host.strip_prefix('*').unwrap_or(host);
        let name = name.trim_matches('.').to_ascii_lowercase();
        (!name.is_empty()).then_some(Self {
            host: Pattern::Name(name),
            port,
        })
    }

    fn covers(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        if self.port.is_some() && self.port != port {
            return false;
        }
        let address = address(host);
        match &self.host {
            Pattern::All => true,
            Pattern::Network(network) => address.is_some_and(|address| network.contains(&address)),
            Pattern::Name(name) => match host {
                Host::Domain(domain) => {
                    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
                    let below = domain.strip_suffix(name.as_str());
                    below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                }
                _ => false,
            },
        }
    }
}

/// An address; one of version 4 that is written as version 6 is what it means.
fn address(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some(address.to_canonical()),
        Host::Domain(_) => None,
    }
}

/// Whether a host is this machine (RFC 1122, RFC 4291, RFC 6761); the unspecified address is, too.
fn is_loopback(host: &Host<&str>) -> bool {
    if let Host::Domain(name) = host {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        return name == "localhost" || name.ends_with(".localhost");
    }
    address(host).is_some_and(|address| {
        address.is_loopback()
            || address == Ipv4Addr::UNSPECIFIED
            || address == Ipv6Addr::UNSPECIFIED
    })
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::Proxies;

    fn proxies(no_proxy: &'static str) -> Proxies {
        Proxies::of(move |name| match name {
            "HTTP_PROXY" => Some("http://u:hunter2@10.0.0.5:3128"),
            "https_proxy" => Some("10.0.0.6"),
            "NO_PROXY" => Some(no_proxy),
            _ => None,
        })
    }

    fn is_proxied(no_proxy: &'static str, url: &str) -> bool {
        let url = Url::parse(url).expect("a URL");
        proxies(no_proxy).to(&url).is_proxied()
    }

    #[test]
    fn this_machine_is_asked_directly_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.9.9.9",
            "0x7f.1",
            "2130706433",
            "0.0.0.0",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "vault.localhost",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            for scheme in ["http", "https"] {
                assert!(
                    !is_proxied("", &format!("{scheme}://{host}:8200/v1/")),
                    "{host}"
                );
            }
        }
        for host in [
            "vault.acme.dev",
            "localhost.acme.dev",
            "128.0.0.1",
            "[::2]",
            "notlocalhost",
        ] {
            assert!(is_proxied("", &format!("http://{host}:8200/v1/")), "{host}");
        }
        let only = Proxies::only("http://10.0.0.5:3128", "`proxy`");
        let url = Url::parse("http://127.0.0.1:8200").expect("a URL");
        assert!(!only.to(&url).is_proxied());
    }

    #[test]
    fn no_proxy_has_names_suffixes_networks_ports_and_a_star() {
        for (no_proxy, url, is_direct) in [
            ("acme.dev", "http://acme.dev/", true),
            ("acme.dev", "http://vault.acme.dev/", true),
            (".acme.dev", "http://vault.acme.dev/", true),
            ("*.acme.dev", "http://vault.acme.dev/", true),
            ("ACME.dev", "http://vault.acme.DEV./", true),
            ("acme.dev", "http://vault-acme.dev/", false),
            ("acme.dev", "http://acme.dev.evil.example/", false),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("10.0.0.0/8", "http://[::ffff:10.1.2.3]/", true),
            ("10.1.2.3", "http://10.1.2.3:8200/", true),
            ("10.1.2.3:8200", "http://10.1.2.3:8200/", true),
            ("10.1.2.3:8201", "http://10.1.2.3:8200/", false),
            ("fd00::/8", "http://[fd00::1]/", true),
            ("[fd00::1]:8200", "http://[fd00::1]:8200/", true),
            ("[fd00::1]", "http://[fd00::1]/", true),
            ("fd00::1", "http://[fd00::2]/", false),
            ("acme.dev:443", "https://vault.acme.dev/", true),
            ("acme.dev:443", "http://vault.acme.dev/", false),
            ("*", "https://vault.acme.dev/", true),
            (
                "a.example, , .acme.dev b.example",
                "http://vault.acme.dev/",
                true,
            ),
            ("a.example b.example", "http://b.example/", true),
            ("", "http://vault.acme.dev/", false),
            (",. ,*.,:80", "http://vault.acme.dev/", false),
        ] {
            assert_eq!(is_proxied(no_proxy, url), !is_direct, "{no_proxy} {url}");
        }
    }

    #[test]
    fn a_proxy_is_named_without_its_credentials() {
        let through = |url: &str| proxies("").to(&Url::parse(url).expect("a URL")).through();
        assert_eq!(
            through("http://vault.acme.dev"),
            " through the proxy 10.0.0.5:3128 of HTTP_PROXY"
        );
        assert_eq!(
            through("https://vault.acme.dev"),
            " through the proxy 10.0.0.6:80 of https_proxy"
        );
        let shown = format!("{:?}", proxies(""));
        assert!(!shown.contains("hunter2"), "{shown}");
        let bad = Proxies::only("socks5://u:hunter2@h", "ALL_PROXY");
        let url = Url::parse("http://vault.acme.dev").expect("a URL");
        assert_eq!(bad.to(&url).through(), " through the proxy of ALL_PROXY");
    }
}

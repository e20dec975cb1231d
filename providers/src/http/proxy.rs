//! Through which proxy a request goes: one that is named, else those of the usual variables.

use reqwest::{ClientBuilder, NoProxy, Proxy};

use super::Broken;

/// Proxies by the scheme of the address that is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    https: Option<String>,
    http: Option<String>,
    exceptions: Option<String>,
}

impl Proxies {
    /// One proxy for everything.
    pub(crate) fn only(url: &str) -> Self {
        Self {
            https: Some(url.to_owned()),
            http: Some(url.to_owned()),
            exceptions: None,
        }
    }

    /// Those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower case first, as
    /// curl reads them.
    pub(crate) fn of<'e>(variable: impl Fn(&str) -> Option<&'e str>) -> Self {
        let first = |names: &[&str]| {
            names
                .iter()
                .filter_map(|name| variable(name))
                .find(|value| !value.is_empty())
                .map(str::to_owned)
        };
        // In a CGI program `HTTP_PROXY` is what a client sent as its header `Proxy`.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let http: &[&str] = if is_cgi {
            &["http_proxy"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        Self {
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: first(http),
            exceptions: first(&["no_proxy", "NO_PROXY"]),
        }
    }

    /// Whether requests to `https` addresses go through one.
    pub(crate) fn is_any(&self) -> bool {
        self.https.is_some() || self.http.is_some()
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Broken> {
        let mut builder = builder.no_proxy();
        let proxies = [
            self.https.as_deref().map(Proxy::https),
            self.http.as_deref().map(Proxy::http),
        ];
        for proxy in proxies.into_iter().flatten() {
            // The URL can hold a password: it is not repeated.
            let proxy = proxy.map_err(|_| Broken::Client("the proxy is no URL".into()))?;
            let exceptions = self.exceptions.as_deref().and_then(NoProxy::from_string);
            builder = builder.proxy(proxy.no_proxy(exceptions));
        }
        Ok(builder)
    }
}

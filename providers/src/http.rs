//! One HTTP/1.1 exchange: a request out, a whole answer back, or why there is none.
//!
//! It follows no redirect, keeps no cookie, tries once, and reads no environment variable. What
//! is sent stands in memory that is wiped, and so does the answer once it is whole; the buffers
//! of the connection between are not ours.

mod broken;
mod proxy;

pub(crate) use self::{
    broken::{Broken, Handshake},
    proxy::{Proxies, Route},
};

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, HeaderValue},
};
use rustls::ClientConfig;
use zeroize::Zeroizing;

use crate::Secret;

/// The largest answer that is read, in bytes. A secret of Vault has at most 1 MiB by default.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// How long a connection stays that nobody uses: its TLS keeps what came last, until it is closed.
pub(crate) const LONGEST_IDLE: Duration = Duration::from_millis(500);

/// What a client is made from.
pub(crate) struct Options {
    /// Whom to trust.
    pub(crate) tls: ClientConfig,
    /// The way to the host.
    pub(crate) route: Route,
    /// The socket that stands for every host.
    pub(crate) unix_socket: Option<PathBuf>,
    /// The host that every name leads to: the URL then has the name that TLS checks.
    pub(crate) host: Option<String>,
}

/// A pool of connections.
pub(crate) struct Client(reqwest::Client);

/// A request.
pub(crate) struct Call {
    /// The verb.
    pub(crate) method: Method,
    /// The address. No part of it is secret.
    pub(crate) url: Url,
    /// The headers; those with credentials are marked sensitive.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
}

/// An answer, whatever its status.
pub(crate) struct Response {
    /// 100 to 599.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// All of the body.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Client {
    /// Makes a client; nothing is connected yet.
    pub(crate) fn new(options: Options) -> Result<Self, Broken> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(options.tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .pool_idle_timeout(LONGEST_IDLE)
            .user_agent(concat!("endow/", env!("CARGO_PKG_VERSION")));
        builder = options.route.apply(builder)?;
        if let Some(path) = options.unix_socket {
            builder = builder.unix_socket(path);
        }
        if let Some(host) = options.host {
            builder = builder.dns_resolver(Always(host));
        }
        builder
            .build()
            .map(Self)
            .map_err(|error| Broken::of(&error))
    }

    /// Sends `call` and reads the whole answer, until `deadline`.
    pub(crate) async fn send(&self, call: Call, deadline: Instant) -> Result<Response, Broken> {
        tokio::time::timeout_at(deadline.into(), self.exchange(call))
            .await
            .unwrap_or(Err(Broken::TimedOut))
    }

    async fn exchange(&self, call: Call) -> Result<Response, Broken> {
        let mut request = self.0.request(call.method, call.url).headers(call.headers);
        if let Some(body) = call.body {
            request = request.body(Bytes::from_owner(body));
        }
        let mut response = request.send().await.map_err(|error| Broken::of(&error))?;
        let length = response.content_length().unwrap_or(0);
        let expected = usize::try_from(length).unwrap_or(usize::MAX);
        if expected > MAX_BYTES {
            return Err(Broken::TooLarge);
        }
        // Where the length is said, nothing grows and nothing is left behind unwiped.
        let mut body = Zeroizing::new(Vec::with_capacity(expected));
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Broken::of(&error).while_reading())?
        {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(Broken::TooLarge);
            }
            append(&mut body, &chunk);
        }
        Ok(Response {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

/// Appends without leaving an unwiped copy where the buffer has to grow.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let needed = body.len() + chunk.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

impl Response {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The address of a path below another, which ends in a slash: every segment escaped, also its slashes.
/// `None` where one would leave it, or has a control character, which the URL type drops.
pub(crate) fn below<'s>(base: &Url, segments: impl Iterator<Item = &'s str>) -> Option<Url> {
    let mut path = base.path().to_owned();
    for (at, segment) in segments.enumerate() {
        if [".", ".."].contains(&segment) || segment.contains(char::is_control) {
            return None;
        }
        if at > 0 {
            path.push('/');
        }
        path.extend(utf8_percent_encode(segment, ESCAPED));
    }
    let mut url = base.clone();
    url.set_path(&path);
    Some(url)
}

/// All but the unreserved characters (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A header's value that is a credential: marked sensitive, and wiped on drop. `None` where it has
/// a character that no header carries.
pub(crate) fn credential(prefix: &str, secret: &Secret) -> Option<HeaderValue> {
    let mut text = Zeroizing::new(Vec::with_capacity(prefix.len() + secret.len()));
    text.extend_from_slice(prefix.as_bytes());
    text.extend_from_slice(secret.expose());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Resolves every name as one host.
struct Always(String);

impl Resolve for Always {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::below;

    #[test]
    fn no_segment_leaves_the_base_or_becomes_another_path() {
        let base = Url::parse("https://vault.acme.dev/prefix/v1/").expect("a URL");
        let path = |segments: &[&str]| {
            let url = below(&base, segments.iter().copied())?;
            Some(url.path().to_owned())
        };
        assert_eq!(
            path(&["secret", "a b"]).as_deref(),
            Some("/prefix/v1/secret/a%20b")
        );
        for (segment, escaped) in [
            ("a/../b", "a%2F..%2Fb"),
            ("%2e%2e", "%252e%252e"),
            ("a?b#c", "a%3Fb%23c"),
            ("..\\", "..%5C"),
            ("...", "..."),
            ("\u{e9};=", "%C3%A9%3B%3D"),
        ] {
            let expected = format!("/prefix/v1/x/{escaped}");
            assert_eq!(path(&["x", segment]), Some(expected), "{segment}");
        }
        for segment in [".", "..", ".\n.", "\t", ".\r", "a\0", "\u{7f}", "\u{85}"] {
            assert_eq!(path(&["x", segment, "y"]), None, "{segment:?}");
        }
    }
}

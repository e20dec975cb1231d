//! The SDK's HTTP client, with three rules of ours: what is on this machine or hands out credentials is
//! never asked through a proxy, an image without roots of its own trusts Mozilla's, and no answer is
//! read without an end.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{base64, body::SdkBody};
use http_body_util::Limited;
use reqwest::Url;
use rustls_native_certs::load_native_certs;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::http::{LONGEST_IDLE, MAX_BYTES, Proxies};

/// The client of every request to AWS. `bundle` has the only roots, in PEM. Does no I/O; other roots
/// are read for the first connection that needs them.
pub(crate) fn client(proxies: &Proxies, bundle: Option<Vec<u8>>) -> SharedHttpClient {
    routed(proxies.clone(), bundle)
}

/// The client of what hands out credentials on this machine, link-local or on the loopback: it goes
/// through no proxy.
pub(crate) fn direct() -> SharedHttpClient {
    routed(Proxies::default(), None)
}

fn routed(proxies: Proxies, bundle: Option<Vec<u8>>) -> SharedHttpClient {
    SharedHttpClient::new(Routed(Arc::new(Ways {
        proxies,
        bundle: bundle.map(Arc::from),
        made: Mutex::default(),
    })))
}

/// A client of one way: with TLS or without, and through a proxy or through none.
fn way(is_secure: bool, proxy: Option<&str>, bundle: Option<Arc<[u8]>>) -> SharedHttpClient {
    // One that the library does not take was refused when the route was made.
    let proxy = proxy.and_then(|url| ProxyConfig::all(url).ok());
    let proxy = proxy.unwrap_or_else(ProxyConfig::disabled);
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().pool_idle_timeout(LONGEST_IDLE);
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        let builder = builder.proxy_config(proxy.clone());
        if !is_secure {
            return builder.build_http();
        }
        builder
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(roots(bundle.as_deref()))
            .build()
    })
}

/// Those that `AWS_CA_BUNDLE` names, else the system's, else Mozilla's.
fn roots(bundle: Option<&[u8]>) -> TlsContext {
    let mut store = TrustStore::default();
    if let Some(bundle) = bundle {
        store = TrustStore::empty().with_pem_certificate(bundle);
    } else if load_native_certs().certs.is_empty() {
        store = TrustStore::empty();
        for root in TLS_SERVER_ROOT_CERTS {
            let text = base64::encode(root);
            store.add_pem_certificate(format!(
                "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
            ));
        }
    }
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .unwrap_or_default()
}

/// The clients, of which each request takes one by its address.
struct Ways {
    proxies: Proxies,
    bundle: Option<Arc<[u8]>>,
    /// By whether there is TLS, and by the proxy's URL.
    made: Mutex<HashMap<(bool, Option<String>), SharedHttpClient>>,
}

impl fmt::Debug for Ways {
    /// A proxy's URL can hold a password.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Ways").finish_non_exhaustive()
    }
}

impl Ways {
    /// `None` where the proxy on the way is none that is known.
    fn to(&self, uri: &str) -> Option<SharedHttpClient> {
        let url = Url::parse(uri).ok()?;
        let route = self.proxies.to(&url);
        let is_direct = !route.is_proxied() || is_metadata(uri);
        let proxy = if is_direct { None } else { Some(route.url()?) };
        let key = (url.scheme() == "https", proxy);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&key) {
            return Some(client.clone());
        }
        let client = way(key.0, key.1.as_deref(), self.bundle.clone());
        made.insert(key, client.clone());
        Some(client)
    }
}

#[derive(Debug)]
struct Routed(Arc<Ways>);

impl HttpClient for Routed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Route {
            ways: Arc::clone(&self.0),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

/// What a connector is made with, once it is known to which address.
#[derive(Debug)]
struct Route {
    ways: Arc<Ways>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Route {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(client) = self.ways.to(request.uri()) else {
            let error = "a proxy is an `http://` or `https://` URL";
            return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
        };
        let connector = client.http_connector(&self.settings, &self.components);
        let answer = connector.call(request);
        HttpConnectorFuture::new(async { Ok(answer.await?.map(limited)) })
    }
}

/// A body that breaks off where it is larger than any answer: the SDK would read it to its end.
fn limited(body: SdkBody) -> SdkBody {
    SdkBody::from_body_1_x(Limited::new(body, MAX_BYTES))
}

/// Whether this is an address that hands out credentials: link-local, or EC2's over IPv6.
fn is_metadata(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.starts_with("169.254.") || rest.starts_with("[fd00:ec2::") || rest.starts_with("[fe80:")
}

#[cfg(test)]
mod tests {
    use super::is_metadata;

    #[test]
    fn metadata_addresses_are_known() {
        for uri in [
            "http://169.254.169.254/latest/api/token",
            "http://169.254.170.2/v2/credentials/1",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/latest",
            "http://[fd00:ec2::23]/v1/credentials",
        ] {
            assert!(is_metadata(uri), "{uri}");
        }
        for uri in [
            "https://secretsmanager.eu-west-1.amazonaws.com/",
            "http://169.example.test/",
            "http://127.0.0.1:5000/",
        ] {
            assert!(!is_metadata(uri), "{uri}");
        }
    }
}

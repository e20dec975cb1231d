//! The SDK's HTTP client, with two rules of ours: metadata addresses are never asked through a
//! proxy, and an image without roots of its own trusts Mozilla's.

use aws_smithy_http_client::{
    Builder, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};

/// The client of every request to AWS. Does no I/O; roots are read for the first connection.
pub(crate) fn client() -> SharedHttpClient {
    SharedHttpClient::new(Routed {
        proxied: through(ProxyConfig::from_env),
        direct: through(ProxyConfig::disabled),
    })
}

fn through(proxy: fn() -> ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(roots());
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.set_proxy_config(Some(proxy()));
        builder.build()
    })
}

fn roots() -> TlsContext {
    TlsContext::builder()
        .with_trust_store(TrustStore::default())
        .build()
        .unwrap_or_default()
}

/// Two clients, of which each request takes one by its address.
#[derive(Debug)]
struct Routed {
    proxied: SharedHttpClient,
    direct: SharedHttpClient,
}

impl HttpClient for Routed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Route {
            proxied: self.proxied.http_connector(settings, components),
            direct: self.direct.http_connector(settings, components),
        })
    }
}

#[derive(Debug)]
struct Route {
    proxied: SharedHttpConnector,
    direct: SharedHttpConnector,
}

impl HttpConnector for Route {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if is_metadata(request.uri()) {
            self.direct.call(request)
        } else {
            self.proxied.call(request)
        }
    }
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

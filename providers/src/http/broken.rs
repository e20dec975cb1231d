//! Why there is no answer, told by the types of errors and never by their texts.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError};

use crate::{Class, Fault, tls::is_of_authority};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The client could not be made; the text is a lower-case fragment.
    Client(String),
    /// The connection could not be made for another reason.
    Connect(String),
    /// The host's name has no address.
    Dns,
    /// The answer ended before its end, or is not HTTP.
    Incomplete,
    /// Nobody listens there.
    Refused,
    /// The connection was closed without an answer.
    Reset,
    /// No answer in time.
    TimedOut,
    /// The handshake failed.
    Tls(Handshake),
    /// The answer is larger than any secret.
    TooLarge,
}

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// The certificate has expired or is not valid yet.
    Expired,
    /// The server wants a certificate of the client, or another one.
    ClientCertificate,
    /// What answers does not speak TLS.
    NotTls,
    /// The certificate is for other names than this one, if that is known.
    OtherName(Option<String>),
    /// The server shows the certificate of an authority as its own.
    Authority,
    /// Anything else, in the library's words.
    Other(String),
    /// Nobody who is trusted signed the certificate.
    UnknownIssuer,
}

impl Broken {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            return Self::Client("the request could not be made".into());
        }
        if error.is_timeout() {
            return Self::TimedOut;
        }
        if let Some(found) = find::<rustls::Error>(error) {
            return Self::Tls(Handshake::of(found));
        }
        if error.is_dns() {
            return Self::Dns;
        }
        let system = find::<io::Error>(error);
        match system.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Self::Refused,
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Self::Reset,
            Some(io::ErrorKind::TimedOut) => Self::TimedOut,
            Some(kind) if error.is_connect() => Self::Connect(kind.to_string()),
            None if error.is_connect() => Self::Connect("no connection could be made".into()),
            _ if error.is_body() || error.is_decode() => Self::Incomplete,
            _ => Self::Reset,
        }
    }

    /// The same, where the head of the answer had arrived.
    pub(super) fn while_reading(self) -> Self {
        match self {
            Self::Reset => Self::Incomplete,
            other => other,
        }
    }

    /// Whether the server can't have acted on the request.
    pub(crate) fn is_before_sending(&self) -> bool {
        matches!(
            self,
            Self::Client(_) | Self::Connect(_) | Self::Dns | Self::Refused | Self::Tls(_)
        )
    }

    /// Whether the next try may go better.
    pub(crate) fn is_transient(&self) -> bool {
        !matches!(self, Self::Client(_) | Self::Tls(_) | Self::TooLarge)
    }

    /// The fault, where `server` is the host and port that was asked.
    pub(crate) fn fault(&self, server: &str) -> Fault {
        let unreachable = |what: &str| Fault::new(Class::Unreachable, format!("{server}: {what}"));
        match self {
            Self::Client(what) => Fault::new(Class::Malformed, format!("{server}: {what}")),
            Self::Connect(what) => unreachable(what),
            Self::Dns => unreachable("the host's name could not be resolved"),
            Self::Incomplete => unreachable("the answer ended too early, or is not HTTP"),
            Self::Refused => unreachable("connection refused"),
            Self::Reset => unreachable("the connection was closed before an answer"),
            Self::TimedOut => Fault::new(Class::TimedOut, format!("{server}: no answer in time")),
            Self::Tls(handshake) => handshake.fault(server),
            Self::TooLarge => Fault::new(
                Class::Malformed,
                format!(
                    "{server}: the answer is larger than {} MiB",
                    super::MAX_BYTES >> 20
                ),
            ),
        }
    }
}

impl Handshake {
    fn of(error: &rustls::Error) -> Self {
        match error {
            error if is_of_authority(error) => Self::Authority,
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Self::UnknownIssuer
                }
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::Expired,
                CertificateError::NotValidForName => Self::OtherName(None),
                CertificateError::NotValidForNameContext { expected, .. } => {
                    Self::OtherName(Some(expected.to_str().into_owned()))
                }
                other => Self::Other(other.to_string()),
            },
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA,
            ) => Self::ClientCertificate,
            other => Self::Other(other.to_string()),
        }
    }

    fn fault(&self, server: &str) -> Fault {
        let fault = |what: &str| Fault::new(Class::Unreachable, format!("{server}: {what}"));
        match self {
            Self::Expired => fault("its certificate has expired or is not valid yet").hinted(
                "if this machine's clock is right, the server's certificate must be renewed",
            ),
            Self::ClientCertificate => fault("it does not accept the client's certificate")
                .hinted("name a certificate that it accepts, with its key"),
            Self::NotTls => fault("what answers there does not speak TLS")
                .hinted("if the server has no TLS, its address begins with `http://`"),
            Self::OtherName(name) => fault(&match name {
                Some(name) => format!("its certificate is not for the name `{name}`"),
                None => "its certificate is for another name".to_owned(),
            })
            .hinted("use a name in the certificate as the address"),
            Self::UnknownIssuer => fault("its certificate is not signed by anyone who is trusted")
                .hinted("name the certificate of its authority"),
            Self::Authority => fault("it shows the certificate of an authority (CA:TRUE) as its own")
                .hinted("name this very certificate as the authority's, or issue the server's anew: `openssl req -x509 -addext basicConstraints=critical,CA:FALSE ...`"),
            Self::Other(what) => fault(&format!("TLS: {what}")),
        }
    }
}

/// The first error of type `E` in a chain. An error inside an [`io::Error`] is no `source` of it.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

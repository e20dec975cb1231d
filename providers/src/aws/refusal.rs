//! What AWS said instead of an answer, and the fault that it is.
//!
//! Their messages are never printed: that of a refused write quotes the value. What is read out
//! of them is matched, piece by piece: an action, an ARN.

mod fault;

use std::{
    error::Error,
    io,
    time::{Duration, SystemTime},
};

use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::Headers,
};
use aws_smithy_types::{DateTime, date_time::Format, error::metadata::ProvideErrorMetadata};
use http_body_util::LengthLimitError;

use crate::retry;

/// One failed request.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// The service's name for the error.
    pub(crate) code: String,
    /// Its text, which is for matching alone.
    message: String,
    /// The status of the response, if there was one.
    status: Option<u16>,
    /// How far this machine's clock is from the service's, in seconds; ahead is positive.
    skew: Option<i64>,
    /// How long it asks to wait.
    pub(crate) after: Option<Duration>,
    /// Where no service answered: why not.
    broken: Option<Broken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// No connection, or one that broke.
    Connection,
    /// A response that is none of the protocol's.
    Answer,
    /// A response that ended before its end.
    Half,
    /// A request that could not be made.
    Request,
    /// A certificate that nobody here trusts.
    Certificate,
    /// A response larger than any of the service.
    TooLarge,
}

/// Faults of the service, or of the way to it, that may pass.
const TRANSIENT: [&str; 8] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "InternalServiceErrorException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
];

const THROTTLED: [&str; 14] = [
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TooManyUpdates",
    "TransactionInProgressException",
];

impl Refusal {
    /// Reads an error of the SDK.
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut refusal = Self::default();
        if let Some(response) = error.raw_response() {
            refusal.status = Some(response.status().as_u16());
            refusal.skew = skew(response.headers());
            refusal.after = retry::asked(response.headers().get("retry-after"));
            // Some gateways answer in XML what was asked in JSON.
            let body = response.body().bytes().unwrap_or_default();
            refusal.code = element(body, "Code").unwrap_or_default();
            refusal.message = element(body, "Message").unwrap_or_default();
        }
        match error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                if let Some(code) = meta.code() {
                    code.clone_into(&mut refusal.code);
                    meta.message()
                        .unwrap_or_default()
                        .clone_into(&mut refusal.message);
                }
                let is_success = service.raw().status().is_success();
                if refusal.code.is_empty()
                    && (is_success || !service.raw().status().is_server_error())
                {
                    refusal.broken = Some(Broken::Answer);
                }
            }
            _ if find::<LengthLimitError>(error).is_some() => {
                refusal.broken = Some(Broken::TooLarge);
            }
            // Only a body that was read to its end is kept.
            SdkError::ResponseError(context) if context.raw().body().bytes().is_none() => {
                refusal.broken = Some(Broken::Half);
            }
            SdkError::ResponseError(_) if refusal.code.is_empty() => {
                refusal.broken = Some(Broken::Answer);
            }
            SdkError::ResponseError(_) => {}
            SdkError::ConstructionFailure(_) => refusal.broken = Some(Broken::Request),
            _ if is_distrusted(error) => refusal.broken = Some(Broken::Certificate),
            _ => refusal.broken = Some(Broken::Connection),
        }
        refusal
    }

    /// What an answer says of one thing of a batch.
    pub(crate) fn part(code: &str, message: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_owned(),
            status: Some(400),
            ..Self::default()
        }
    }

    /// Whether the same may go better soon.
    pub(crate) fn is_transient(&self) -> bool {
        self.is_throttled()
            || TRANSIENT.contains(&self.code.as_str())
            || matches!(self.broken, Some(Broken::Connection | Broken::Half))
            || self.status.is_some_and(|status| status >= 500)
    }

    /// Whether it was too much at a time.
    pub(crate) fn is_throttled(&self) -> bool {
        THROTTLED.contains(&self.code.as_str()) || self.status == Some(429)
    }

    /// Whether the caller is known and may not.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation"
        )
    }

    /// Whether nothing of that name is there.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ResourceNotFoundException" | "ParameterNotFound" | "ParameterVersionNotFound"
        )
    }

    /// Whether a stage is not where it was taken to be.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InvalidParameterException" | "InvalidRequestException" | "ResourceNotFoundException"
        )
    }

    /// Whether the service has no such action, as some emulators.
    pub(crate) fn is_unknown_action(&self) -> bool {
        matches!(
            self.code.as_str(),
            "UnknownOperationException" | "UnknownOperation" | "InvalidAction" | "NotImplemented"
        )
    }

    /// Whether its text has these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.message.contains(words)
    }
}

/// This machine's time less that of a response.
fn skew(headers: &Headers) -> Option<i64> {
    let theirs = DateTime::from_str(headers.get("date")?, Format::HttpDate).ok()?;
    Some(DateTime::from(SystemTime::now()).secs() - theirs.secs())
}

/// The text of the first element of that name in XML.
fn element(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (content, _) = rest.split_once(&format!("</{name}>"))?;
    Some(content.trim().to_owned())
}

/// The first error of a type in a chain of causes.
pub(crate) fn find<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(here) = next {
        if let Some(found) = here.downcast_ref::<T>() {
            return Some(found);
        }
        next = here.source();
    }
    None
}

/// Whether a chain of causes ends with a certificate that was refused.
fn is_distrusted(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(here) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = here.downcast_ref() {
            return true;
        }
        // What an input-output error is about is not its source but in it.
        next = match here.downcast_ref::<io::Error>() {
            Some(outer) => outer.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => here.source(),
        };
    }
    false
}

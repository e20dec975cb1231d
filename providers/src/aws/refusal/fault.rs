//! The fault that a refusal is, in words of ours.

use super::{Broken, Refusal};
use crate::{
    Class, Fault,
    aws::{Arn, Asked},
    http::MAX_BYTES,
    retry,
};

impl Refusal {
    /// The fault. What is particular to a service was matched before.
    pub(crate) fn fault(&self, asked: &Asked<'_>) -> Fault {
        let Asked {
            service, region, ..
        } = asked;
        let unauthenticated = |message: String| {
            Fault::new(Class::Unauthenticated, message)
                .hinted(format!("the credentials are those of {}", asked.source))
        };
        match self.code.as_str() {
            _ if self.is_about_clock() => self.clock(asked),
            _ if self.is_throttled() => Fault::new(
                Class::Throttled {
                    retry_after: self.after,
                },
                format!(
                    "{service} in {region} answers that there are too many requests{}",
                    retry::told(self.after)
                ),
            ),
            _ if self.is_denied() => self.denied(asked),
            "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId" => {
                unauthenticated("AWS does not know the access key".into())
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" if self.is_about_region() => {
                wrong_region(asked)
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" => {
                unauthenticated("the secret access key does not belong to the access key".into())
                    .hinted("copy AWS_SECRET_ACCESS_KEY again, whole")
            }
            "ExpiredTokenException" | "ExpiredToken" | "TokenRefreshRequired" => {
                unauthenticated("the session token has expired".into())
                    .hinted("sign in again, and start endow with the new credentials")
            }
            "InvalidIdentityToken" | "InvalidIdentityTokenException" | "IDPRejectedClaim" => {
                unauthenticated("AWS does not accept the web identity token".into())
            }
            "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException" => {
                unauthenticated("AWS found no complete signature in the request".into())
            }
            _ => self.other(asked),
        }
    }

    fn other(&self, asked: &Asked<'_>) -> Fault {
        let Asked {
            service,
            region,
            what,
            ..
        } = asked;
        match (self.broken, self.status) {
            (Some(Broken::Connection), _) => {
                Fault::new(Class::Unreachable, format!("can't reach {service} in {region}{}", asked.through()))
                    .hinted(asked.address())
            }
            (Some(Broken::Half), _) => Fault::new(
                Class::Unreachable,
                format!(
                    "the answer of {service} in {region}{} ended too early",
                    asked.through()
                ),
            )
            .hinted(asked.address()),
            (Some(Broken::TooLarge), _) => Fault::new(
                Class::Malformed,
                format!(
                    "the answer of {service} in {region} is larger than {} MiB",
                    MAX_BYTES >> 20
                ),
            )
            .hinted(asked.address()),
            (Some(Broken::Certificate), _) => Fault::new(
                Class::Unreachable,
                format!(
                    "the certificate of {service} in {region}{} is not trusted",
                    asked.through()
                ),
            )
            .hinted(asked.address())
            .hinted("SSL_CERT_FILE names a file with other authorities"),
            (Some(Broken::Request), _) => Fault::new(
                Class::Malformed,
                format!("a request to {service} in {region} can't be made"),
            )
            .hinted(asked.address()),
            (Some(Broken::Answer), status) => Fault::new(
                Class::Malformed,
                format!(
                    "what answers for {service} in {region}{} is not AWS: status {}, and not its format",
                    asked.through(),
                    status.unwrap_or_default()
                ),
            )
            .hinted(asked.address()),
            (None, Some(status)) if self.is_transient() => Fault::new(
                Class::Unreachable,
                format!(
                    "{service} in {region}{} fails: status {status}{}",
                    asked.through(),
                    self.named()
                ),
            ),
            (None, _) => Fault::new(
                Class::Malformed,
                format!("{service} in {region} refuses `{what}`{}", self.named()),
            ),
        }
    }

    /// `: ValidationException`, where the code is a word.
    fn named(&self) -> String {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if self.code.is_empty() || self.code.len() > 80 || !self.code.bytes().all(is_word) {
            String::new()
        } else {
            format!(": {}", self.code)
        }
    }

    fn denied(&self, asked: &Asked<'_>) -> Fault {
        let action = self.after("to perform: ").filter(|word| word.contains(':'));
        let action = action.unwrap_or(if self.says("Access to KMS is not allowed") {
            "kms:Decrypt"
        } else {
            asked.action
        });
        let resource = self
            .after("on resource: ")
            .filter(|word| word.starts_with("arn:"));
        let resource = resource.unwrap_or(asked.what);
        let mut fault = Fault::new(
            Class::Denied {
                permission: Some(action.to_owned()),
            },
            format!("`{action}` on `{resource}` is not allowed"),
        );
        if self.says("explicit deny") {
            fault = fault.hinted("a policy denies it explicitly");
        }
        fault.hinted(format!("the credentials are those of {}", asked.source))
    }

    /// The word after a phrase of the message, without the punctuation of a sentence.
    fn after(&self, phrase: &str) -> Option<&str> {
        let (_, rest) = self.message.split_once(phrase)?;
        let word = rest.split(char::is_whitespace).next()?;
        let word = word.trim_end_matches(['.', ',', ';']);
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'`';
        (!word.is_empty() && word.bytes().all(is_plain)).then_some(word)
    }

    fn is_about_clock(&self) -> bool {
        let is_signature = matches!(
            self.code.as_str(),
            "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure"
        );
        matches!(
            self.code.as_str(),
            "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture"
        ) || is_signature
            && (self.says("Signature expired") || self.says("Signature not yet current"))
    }

    fn is_about_region(&self) -> bool {
        self.says("scoped to") && self.says("region")
    }

    fn clock(&self, asked: &Asked<'_>) -> Fault {
        let how = match self.skew {
            Some(skew) if skew.unsigned_abs() >= 60 => {
                let side = if skew > 0 { "ahead of" } else { "behind" };
                format!("is {} {side} AWS's", span(skew.unsigned_abs()))
            }
            _ => "differs too much from AWS's".to_owned(),
        };
        Fault::new(
            Class::Unauthenticated,
            format!(
                "{} refuses the request: the clock of this machine {how}",
                asked.service
            ),
        )
        .hinted("set the clock, or let NTP do it")
    }
}

fn span(seconds: u64) -> String {
    match seconds / 60 {
        minutes if minutes < 120 => format!("{minutes} minutes"),
        minutes if minutes < 48 * 60 => format!("{} hours", minutes / 60),
        minutes => format!("{} days", minutes / 60 / 24),
    }
}

fn wrong_region(asked: &Asked<'_>) -> Fault {
    let Asked {
        service, region, ..
    } = asked;
    let message =
        format!("this {service} is not that of {region}, for which the request is signed");
    let fault = Fault::new(Class::Unauthenticated, message).hinted(asked.address());
    if Arn::of(asked.what).is_some() {
        fault.hinted(format!("{region} is the region that the ARN names"))
    } else {
        fault.hinted("set `region` under `backends` or AWS_REGION to the region of the endpoint")
    }
}

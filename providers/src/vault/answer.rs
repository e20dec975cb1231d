//! What the server says, whatever the endpoint: its words for people, and the parts of an answer.

use crate::{
    Class, Fault, Secret,
    http::Response,
    json::{self, Malformed},
};

/// So much of the server's words is repeated.
const MOST_WORDS: usize = 240;

/// A whole answer that was understood so far.
pub(super) struct Answer {
    pub(super) response: Response,
    /// The server's own words of what went wrong; empty where it said none that may be shown.
    pub(super) words: String,
    /// Whether it says no for the token's policies: the server knows the token then. It frames its words
    /// so (`1 error occurred:`), and those about a token that it does not know not.
    pub(super) is_of_policies: bool,
    /// The host and port.
    server: String,
}

impl Answer {
    /// `secrets` are what was sent: words that repeat one are not shown.
    pub(super) fn new(response: Response, server: &str, secrets: &[&Secret]) -> Self {
        let words = words(&response.body);
        let is_leaking = |secret: &&Secret| {
            std::str::from_utf8(secret.expose())
                .is_ok_and(|secret| !secret.is_empty() && words.contains(secret))
        };
        Self {
            is_of_policies: response.status == 403
                && !words.contains("invalid token")
                && memchr::memmem::find(&response.body, b" error occurred:").is_some(),
            words: if secrets.iter().any(is_leaking) {
                String::new()
            } else {
                words
            },
            response,
            server: server.to_owned(),
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.response.status
    }

    /// What stands at `path` of the body.
    pub(super) fn at(&self, path: &[&str]) -> Result<Option<&[u8]>, Fault> {
        json::at(&self.response.body, path).map_err(|error| self.malformed(&error))
    }

    /// The text at `path` of the body.
    pub(super) fn text(&self, path: &[&str]) -> Result<Option<String>, Fault> {
        let text = self.secret(path)?;
        Ok(text.and_then(|text| std::str::from_utf8(text.expose()).ok().map(str::to_owned)))
    }

    /// The same where it is a credential.
    pub(super) fn secret(&self, path: &[&str]) -> Result<Option<Secret>, Fault> {
        json::text_at(&self.response.body, path).map_err(|error| self.malformed(&error))
    }

    pub(super) fn malformed(&self, error: &Malformed) -> Fault {
        let fault = error.fault(&format!("{}: the answer", self.server));
        let is_page = self.response.body.trim_ascii_start().starts_with(b"<");
        if is_page {
            fault.hinted("what answers there is a web page: is the address that of the server?")
        } else {
            fault
        }
    }

    /// A fault about this answer, with the server's words.
    pub(super) fn fault(&self, class: Class, what: &str) -> Fault {
        let words = if self.words.is_empty() {
            String::new()
        } else {
            format!(": {}", self.words)
        };
        Fault::new(class, format!("{}: {what}{words}", self.server))
    }

    /// A fault of a status that means nothing here.
    pub(super) fn unexpected(&self) -> Fault {
        let what = format!("unexpected status {}", self.status());
        if self.status() == 401 {
            // The server itself has 403 for it.
            return self
                .fault(Class::Unauthenticated, &what)
                .hinted("what stands before the server asks for a sign-in of its own");
        }
        let fault = self.fault(Class::Malformed, &what);
        // Go's server says so in plain text to a client that forgot TLS.
        if self
            .response
            .body
            .starts_with(b"Client sent an HTTP request to an HTTPS server")
        {
            return fault.hinted("the server has TLS: its address begins with `https://`");
        }
        fault
    }
}

/// The `errors` of an answer in one line, without the frame of Go's multierror. Empty for what is
/// not JSON: a page of something between here and the server says nothing about a secret.
fn words(body: &[u8]) -> String {
    let errors = json::at(body, &["errors"]).ok().flatten().unwrap_or(b"[]");
    let errors: Vec<String> = serde_json::from_slice(errors).unwrap_or_default();
    let mut words = Vec::new();
    for line in errors.iter().flat_map(|error| error.lines()) {
        let line = line.trim().trim_start_matches("* ").trim();
        let is_frame = line.ends_with("occurred:") && line.contains(" error");
        if !line.is_empty() && !is_frame {
            words.push(line.to_owned());
        }
    }
    let mut words = words.join("; ");
    if let Some((end, _)) = words.char_indices().nth(MOST_WORDS) {
        words.truncate(end);
        words.push_str("...");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_servers_words_are_one_line_without_their_frame() {
        let said = |body: &str| words(body.as_bytes());
        assert_eq!(
            said(r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#),
            "permission denied"
        );
        assert_eq!(
            said(
                r#"{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}"#
            ),
            "permission denied; invalid token"
        );
        assert_eq!(said(r#"{"errors":["a","b"]}"#), "a; b");
        assert_eq!(said(r#"{"errors":[]}"#), "");
        assert_eq!(said("<html>503</html>"), "");
        assert_eq!(
            said(&format!(r#"{{"errors":["{}"]}}"#, "x".repeat(500))).len(),
            243
        );
    }
}

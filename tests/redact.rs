//! Redaction: what the command prints goes through the masker, and nothing else changes for it.

mod pipe;
mod terminal;

use crate::harness::Test;

const KEY: &str = "sk-proj-9f8A7b6C5d4E";

/// A project with a secret, a short one, and a plain value.
fn project() -> Test {
    Test::manifest(
        "version: 1\n\
         env: { API_KEY: dotenv://.env, URL: { template: \"https://u:${API_KEY|url}@db\" } }\n\
         values: { GREETING: hello world }\n",
    )
    .dotenv(&format!("API_KEY={KEY}\n"))
    .flags(["--redact"])
}

//! A token that is there already: a variable's, a token helper's, or that of the token file.

use std::path::PathBuf;

use super::{config::Variables, connect, server::Server};
use crate::{Class, Fault, Limits, Secret};

/// Where the environment has a token. Recorded when the backend is opened; read when it is asked.
pub(super) struct Sources {
    variable: Option<Secret>,
    file: Option<PathBuf>,
}

impl Sources {
    pub(super) fn new(variables: &Variables<'_>, home: Option<&PathBuf>) -> Self {
        let file = variables
            .get("BAO_TOKEN_PATH")
            .map(PathBuf::from)
            .or_else(|| home.map(|home| home.join(".vault-token")));
        Self {
            variable: variables
                .client("TOKEN")
                .map(|token| Secret::copied_from(token.trim().as_bytes())),
            file,
        }
    }

    /// The first token that there is.
    pub(super) async fn token(&self, server: &Server, limits: &Limits) -> Result<Secret, Fault> {
        if let Some(token) = &self.variable {
            return checked(Secret::copied_from(token.expose()), "VAULT_TOKEN");
        }
        if let Some(file) = self.file.as_ref().filter(|file| file.exists()) {
            let token = connect::credential(file, limits.deadline).await?;
            if !token.is_empty() {
                return checked(token, &file.display().to_string());
            }
        }
        Err(Fault::new(
            Class::Unauthenticated,
            format!("{}: there is no token", server.config.server),
        )
        .hinted("`bao login` or `vault login`, or set VAULT_TOKEN")
        .hinted("a program signs in by `auth` under `backends`: approle, kubernetes, jwt, ..."))
    }
}

/// A header can't carry what a token never has.
fn checked(token: Secret, origin: &str) -> Result<Secret, Fault> {
    if token.expose().iter().all(u8::is_ascii_graphic) {
        Ok(token)
    } else {
        Err(Fault::new(
            Class::Unauthenticated,
            format!("what stands in {origin} is no token"),
        ))
    }
}

//! A token that is there already: a variable's, a token helper's, or that of the token file.
//!
//! In the order of the official clients. A helper that is configured takes the place of the file.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    config::{Variables, wrong},
    connect,
    server::Server,
};
use crate::{
    Class, Fault, Helpers, Limits, Opening, Secret,
    helper::{Call, Failure, Status, is_program, work},
};

/// Where the environment has a token. Recorded when the backend is opened; read when it is asked.
pub(super) struct Sources {
    variable: Option<Secret>,
    /// The clients' own configurations, which name the helper.
    configurations: Vec<PathBuf>,
    file: Option<PathBuf>,
    helpers: Helpers,
}

impl Sources {
    pub(super) fn new(opening: &Opening<'_>, variables: &Variables<'_>) -> Self {
        let at_home = |name: &str| opening.home.as_ref().map(|home| home.join(name));
        let configuration = |variable: &str, name: &str| {
            let stated = variables.get(variable).map(PathBuf::from);
            stated.or_else(|| at_home(name))
        };
        Self {
            variable: variables
                .client("TOKEN")
                .map(|token| Secret::copied_from(token.trim().as_bytes())),
            configurations: [
                configuration("BAO_CONFIG_PATH", ".bao"),
                configuration("VAULT_CONFIG_PATH", ".vault"),
            ]
            .into_iter()
            .flatten()
            .collect(),
            file: variables
                .get("BAO_TOKEN_PATH")
                .map(PathBuf::from)
                .or_else(|| at_home(".vault-token")),
            helpers: opening.helpers.clone(),
        }
    }

    /// The first token that there is.
    pub(super) async fn token(&self, server: &Server, limits: &Limits) -> Result<Secret, Fault> {
        if let Some(token) = &self.variable {
            return checked(Secret::copied_from(token.expose()), "VAULT_TOKEN");
        }
        let helper = self.helper(limits).await?;
        if let Some(program) = &helper {
            let token = self.ask(program, server, limits).await?;
            if !token.is_empty() {
                return checked(token, &program.display().to_string());
            }
        }
        if helper.is_none()
            && let Some(file) = self.file.as_ref().filter(|file| file.is_file())
        {
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

    /// The program that the first configuration with one names.
    async fn helper(&self, limits: &Limits) -> Result<Option<PathBuf>, Fault> {
        for configuration in self.configurations.iter().filter(|path| path.is_file()) {
            let text = connect::credential(configuration, limits.deadline).await?;
            let text = String::from_utf8_lossy(text.expose());
            if let Some(path) = text.lines().find_map(token_helper) {
                let named = || format!("the token helper in `{}`", configuration.display());
                if !path.is_absolute() || !is_program(&path) {
                    return Err(wrong(format!(
                        "{} is no absolute path of a program",
                        named()
                    )));
                }
                if self.helpers.is_in_project(&path) {
                    return Err(wrong(format!("{} belongs to the project", named()))
                        .hinted("install it outside of the project, and name it there"));
                }
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// `HELPER get`: the token on its standard output, nothing where it has none. What it says on
    /// its standard error is not shown: nobody knows what stands there.
    async fn ask(&self, program: &Path, server: &Server, limits: &Limits) -> Result<Secret, Fault> {
        let mut environment = self.helpers.base.clone();
        let address = server.config.address.as_str();
        for name in ["VAULT_ADDR", "BAO_ADDR"] {
            environment.push((OsString::from(name), OsString::from(address)));
        }
        let (groups, limits) = (self.helpers.groups, limits.clone());
        let path = program.to_owned();
        let job = work(move |cancel| {
            let call = Call {
                program: &path,
                arguments: vec!["get".into()],
                environment: &environment,
                directory: None,
                input: b"",
                end: limits.deadline,
                approval: limits.approval,
                is_enough: &|_| false,
            };
            call.run(groups, cancel)
        });
        let named = format!("the token helper `{}`", program.display());
        let fault = |class, what: &str| Err(Fault::new(class, format!("{named} {what}")));
        match job.await {
            Some(Ok(ended)) if ended.status == Status::Exited(0) => {
                Ok(Secret::copied_from(ended.stdout.trim_ascii()))
            }
            Some(Ok(_)) => fault(Class::Unauthenticated, "failed"),
            Some(Err(Failure::TimedOut)) => fault(Class::TimedOut, "did not answer in time"),
            Some(Err(Failure::WantsTerminal)) => fault(Class::Unauthenticated, "wants a terminal"),
            Some(Err(_)) | None => fault(Class::Unreachable, "could not be run"),
        }
    }
}

/// The path in a line `token_helper = "PATH"` of HCL.
fn token_helper(line: &str) -> Option<PathBuf> {
    let rest = line.trim().strip_prefix("token_helper")?.trim_start();
    let path = rest.strip_prefix('=')?.trim().trim_matches('"');
    (!path.is_empty()).then(|| path.into())
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

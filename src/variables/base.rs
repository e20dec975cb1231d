//! The variables that a child inherits by default.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use super::glob;

/// What is inherited by default, in groups for the documentation. The same in every profile.
pub const BASE: [(&str, &[&str]); 8] = [
    (
        "the user and the place",
        &[
            "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "HOSTNAME", "TMPDIR", "TMP", "TEMP",
            "TZ", "LANG", "LANGUAGE", "LC_*",
        ],
    ),
    (
        "the terminal",
        &["TERM*", "COLORTERM", "*COLOR*", "EDITOR", "VISUAL", "PAGER"],
    ),
    (
        "the session",
        &[
            "XDG_*",
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "XAUTHORITY",
            "DBUS_SESSION_BUS_ADDRESS",
            "WSL_*",
            "SSH_AUTH_SOCK",
            "GPG_TTY",
            "CI",
        ],
    ),
    (
        "proxies",
        &[
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "FTP_PROXY",
            "NO_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "ftp_proxy",
            "no_proxy",
        ],
    ),
    (
        "certificates",
        &[
            "SSL_CERT_*",
            "NODE_EXTRA_CA_CERTS",
            "*_CA_BUNDLE",
            "PIP_CERT",
            "GIT_SSL_CAINFO",
            "NIX_SSL_CERT_FILE",
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
            "CARGO_HTTP_CAINFO",
        ],
    ),
    (
        "run modes",
        &[
            "NODE_ENV",
            "RAILS_ENV",
            "RACK_ENV",
            "APP_ENV",
            "FLASK_*",
            "DJANGO_SETTINGS_MODULE",
            "MIX_ENV",
            "DOTNET_ENVIRONMENT",
            "ASPNETCORE_ENVIRONMENT",
            "DEBUG",
            "PORT",
            "HOST",
        ],
    ),
    (
        "toolchains",
        &[
            "NODE_OPTIONS",
            "NODE_PATH",
            "NVM_DIR",
            "PNPM_HOME",
            "COREPACK_HOME",
            "VIRTUAL_ENV",
            "CONDA_PREFIX",
            "PYTHON*",
            "PYENV_ROOT",
            "JAVA_HOME",
            "GOPATH",
            "GOFLAGS",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUST_LOG",
            "RUST_BACKTRACE",
            "LD_LIBRARY_PATH",
            "CUDA_*",
            "NVIDIA_*",
            "HF_HOME",
            "KUBECONFIG",
            "PYENV_VERSION",
            "RUSTUP_TOOLCHAIN",
            "npm_*",
            "NPM_CONFIG_*",
            "PNPM_*",
            "DOCKER_HOST",
            "DOCKER_CONTEXT",
            "DOCKER_TLS_VERIFY",
            "DOCKER_CERT_PATH",
            "DOCKER_CONFIG",
        ],
    ),
    (
        "service managers",
        &[
            "KUBERNETES_SERVICE_*",
            "NOTIFY_SOCKET",
            "LISTEN_*",
            "CREDENTIALS_DIRECTORY",
        ],
    ),
];

/// A name with one of these is left out of what a pattern of the base set brings in.
pub const SUSPICIOUS: [&str; 6] = ["TOKEN", "PASSWORD", "PASSWD", "SECRET", "KEY", "CREDENTIAL"];

/// Settings of package managers, of which some are credentials: names that hold `_auth`, and addresses with
/// a user are left out. <https://docs.npmjs.com/cli/configuring-npm/npmrc>
pub const PACKAGES: [&str; 3] = ["npm_*", "NPM_CONFIG_*", "PNPM_*"];

/// The group `aws`: workload identity, region, and the runtimes of Lambda and ECS.
pub const AWS: [&str; 20] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_*",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_*",
    "AWS_XRAY_*",
    "ECS_CONTAINER_METADATA_URI*",
    "LAMBDA_*",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
];

/// The names of the base set, and names like them, that steer nothing: a manifest that was found
/// may set these. One by one, so that a name that a group gains later is not plain by accident; a
/// pattern yields to the table of steering variables.
pub const PLAIN: [&str; 30] = [
    "TZ",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "COLORTERM",
    "*COLOR*",
    "CI",
    "DEBUG",
    "PORT",
    "HOST",
    "NODE_ENV",
    "RAILS_ENV",
    "RACK_ENV",
    "APP_ENV",
    "FLASK_ENV",
    "MIX_ENV",
    "DOTNET_ENVIRONMENT",
    "ASPNETCORE_ENVIRONMENT",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUTF8",
    "PYTHONHASHSEED",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "HF_HOME",
];

/// The pattern of the base set that a name fits, and whether the name is left out of what that
/// pattern brings in, because it looks like a secret's.
pub fn membership(name: &OsStr) -> Option<(&'static str, bool)> {
    let pattern = BASE
        .iter()
        .flat_map(|(_, patterns)| *patterns)
        .find(|pattern| glob::matches(pattern.as_bytes(), name.as_bytes()))?;
    let is_login = PACKAGES.contains(pattern) && names_login(name);
    Some((
        pattern,
        pattern.contains('*') && (looks_secret(name) || is_login),
    ))
}

/// Whether a pattern of the base set brings in no variable of this value.
pub fn leaves_out(pattern: &str, value: &OsStr) -> bool {
    PACKAGES.contains(&pattern) && has_user(value)
}

fn names_login(name: &OsStr) -> bool {
    name.to_string_lossy()
        .to_ascii_lowercase()
        .contains("_auth")
}

/// Whether a value holds an address with a user before its host.
fn has_user(value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    value.split("://").skip(1).any(|after| {
        let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
        authority.contains('@')
    })
}

fn looks_secret(name: &OsStr) -> bool {
    let upper = name.to_string_lossy().to_ascii_uppercase();
    SUSPICIOUS.iter().any(|word| upper.contains(word))
}

//! The variables that a child inherits by default.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use super::glob;

/// What is inherited by default, in groups for the documentation. The same in every profile.
pub const BASE: [(&str, &[&str]); 7] = [
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
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
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
            "DOCKER_HOST",
            "KUBECONFIG",
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
    Some((pattern, pattern.contains('*') && looks_secret(name)))
}

fn looks_secret(name: &OsStr) -> bool {
    let upper = name.to_string_lossy().to_ascii_uppercase();
    SUSPICIOUS.iter().any(|word| upper.contains(word))
}

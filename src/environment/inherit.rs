//! Which variables of the launcher reach the child, and why.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use endow_providers::kind;

use crate::manifest::{
    Manifest,
    document::Setting,
    reference::Role,
    source::{Span, Spanned},
};

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

/// What becomes of one entry of the launcher's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The child gets it.
    Inherited(Why),
    /// It does not.
    Dropped(WhyNot),
}

impl Fate {
    /// Whether the child gets it.
    pub fn is_inherited(&self) -> bool {
        matches!(self, Self::Inherited(_))
    }
}

/// Why a variable is inherited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The base set.
    Base,
    /// A word of `inherit`, and where it stands.
    Word(String, Span),
    /// `-e NAME`.
    Flag,
}

/// Why a variable is dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// Nothing brings it in.
    NotInherited,
    /// The manifest declares it.
    Declared,
    /// A pattern would bring in what looks like a secret.
    Suspicious,
    /// A static credential of a backend, which only its literal name passes on.
    Credential(String),
    /// A word of `inherit` takes it out.
    Removed(String, Span),
    /// The same name stands before it.
    Doubled,
}

/// The rules of one run.
#[derive(Debug)]
pub struct Rules<'a> {
    words: &'a [Spanned<String>],
    declared: BTreeSet<&'a str>,
    flags: &'a [OsString],
    /// Pattern and whose credential it is.
    credentials: Vec<(String, String)>,
}

impl<'a> Rules<'a> {
    /// The rules of a manifest and of the names that `-e` passes on.
    pub fn new(manifest: &'a Manifest, flags: &'a [OsString]) -> Self {
        Self {
            words: &manifest.inherit,
            declared: manifest.variables.keys().map(String::as_str).collect(),
            flags,
            credentials: credentials(manifest),
        }
    }

    /// The fate of every entry, in their order.
    pub fn fates(&self, parent: &[(OsString, OsString)]) -> Vec<Fate> {
        let mut seen = BTreeSet::new();
        parent
            .iter()
            .map(|(name, _)| {
                if seen.insert(name) {
                    self.fate(name)
                } else {
                    Fate::Dropped(WhyNot::Doubled)
                }
            })
            .collect()
    }

    fn fate(&self, name: &OsStr) -> Fate {
        if name
            .to_str()
            .is_some_and(|name| self.declared.contains(name))
        {
            return Fate::Dropped(WhyNot::Declared);
        }
        if self.flags.iter().any(|flag| flag == name) {
            return Fate::Inherited(Why::Flag);
        }
        // The last word wins, but a glob after a literal name brings nothing new: the name was
        // said, also if it is a credential's.
        let (fate, is_literal) =
            self.words
                .iter()
                .fold(base(name), |so_far, word| match apply(word, name) {
                    Some((fate, false)) if fate.is_inherited() && so_far.1 => so_far,
                    said => said.unwrap_or(so_far),
                });
        match (&fate, self.credential(name)) {
            (Fate::Inherited(_), Some(owner)) if !is_literal => {
                Fate::Dropped(WhyNot::Credential(owner))
            }
            _ => fate,
        }
    }

    fn credential(&self, name: &OsStr) -> Option<String> {
        self.credentials
            .iter()
            .find(|(pattern, _)| matches(pattern.as_bytes(), name.as_bytes()))
            .map(|(_, owner)| owner.clone())
    }
}

/// The variables of the base set: what a program that a backend runs may have. The variables with
/// `credentials`, which are names or globs, are none of them.
pub fn base_set(
    parent: &[(OsString, OsString)],
    credentials: &[String],
) -> Vec<(OsString, OsString)> {
    let mut seen = BTreeSet::new();
    let is_credential = |name: &OsStr| {
        let mut credentials = credentials.iter();
        credentials.any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
    };
    parent
        .iter()
        .filter(|(name, _)| {
            seen.insert(name) && base(name).0.is_inherited() && !is_credential(name)
        })
        .cloned()
        .collect()
}

/// The fate by the base set alone, and whether its literal name stands there.
fn base(name: &OsStr) -> (Fate, bool) {
    let pattern = BASE
        .iter()
        .flat_map(|(_, patterns)| *patterns)
        .find(|pattern| matches(pattern.as_bytes(), name.as_bytes()));
    let is_suspicious = || {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        SUSPICIOUS.iter().any(|word| upper.contains(word))
    };
    match pattern {
        None => (Fate::Dropped(WhyNot::NotInherited), false),
        Some(pattern) if pattern.contains('*') && is_suspicious() => {
            (Fate::Dropped(WhyNot::Suspicious), false)
        }
        Some(_) => (Fate::Inherited(Why::Base), false),
    }
}

/// What one word of `inherit` says of a name; `None` where it says nothing.
fn apply(word: &Spanned<String>, name: &OsStr) -> Option<(Fate, bool)> {
    let text = word.value.as_str();
    if text == "none" {
        return Some((
            Fate::Dropped(WhyNot::Removed(text.to_owned(), word.span)),
            false,
        ));
    }
    if let Some(removed) = text.strip_prefix('-') {
        return means(removed, name).then(|| {
            (
                Fate::Dropped(WhyNot::Removed(text.to_owned(), word.span)),
                false,
            )
        });
    }
    means(text, name).then(|| {
        (
            Fate::Inherited(Why::Word(text.to_owned(), word.span)),
            text.as_bytes() == name.as_bytes(),
        )
    })
}

/// Whether a name, a glob or a group means a variable.
fn means(word: &str, name: &OsStr) -> bool {
    match word {
        "all" => true,
        "aws" => AWS
            .iter()
            .any(|pattern| matches(pattern.as_bytes(), name.as_bytes())),
        _ => matches(word.as_bytes(), name.as_bytes()),
    }
}

/// A glob with `*` for any run of bytes.
///
/// Only the last `*` is ever tried again: what it skips more, those before it need not skip. With
/// a try for each, a pattern of many would take for ever.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < name.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, seen));
        } else if pattern.get(at) == Some(&name[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((after, skipped)) = star {
            at = after;
            seen = skipped + 1;
            star = Some((after, seen));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Every backend's static credentials, used or not, and the variables that settings read: names or
/// globs, and whose they are.
pub fn credentials(manifest: &Manifest) -> Vec<(String, String)> {
    let mut credentials: Vec<(String, String)> = kind::ALL
        .iter()
        .flat_map(|kind| {
            kind.static_credentials
                .iter()
                .map(|pattern| ((*pattern).to_owned(), kind.name.to_owned()))
        })
        .collect();
    for (scheme, backend) in &manifest.backends {
        let mut references = Vec::new();
        backend
            .settings
            .values()
            .for_each(|setting| Setting::references(&setting.value, setting.span, &mut references));
        for (reference, span) in references {
            let kind = manifest
                .kind(&reference.scheme)
                .filter(|kind| kind.name == "env");
            let scope = manifest.scope(span, None);
            let place = kind.and_then(|kind| reference.place(kind, Role::Own, &scope).ok());
            credentials.extend(place.map(|place| (place.address.locator, scheme.clone())));
        }
    }
    credentials
}

#[cfg(test)]
mod tests {
    use super::{BASE, base, matches};

    #[test]
    fn a_star_matches_any_run_of_bytes() {
        for (pattern, name, expected) in [
            ("LC_*", "LC_ALL", true),
            ("LC_*", "LC_", true),
            ("LC_*", "XLC_A", false),
            ("*COLOR*", "FORCE_COLOR", true),
            ("*COLOR*", "COLORFGBG", true),
            ("*", "", true),
            ("PATH", "PATHS", false),
            ("A*C*E", "ABCDE", true),
            ("A*C*E", "ABCDEF", false),
            ("A*BC", "ABCBBC", true),
            ("**", "A", true),
            ("A*", "*", false),
            ("", "A", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_matched_at_once() {
        let pattern = "*A".repeat(64);
        assert!(!matches(pattern.as_bytes(), "A".repeat(63).as_bytes()));
        assert!(matches(pattern.as_bytes(), "A".repeat(65).as_bytes()));
    }

    #[test]
    fn every_literal_name_of_the_base_set_is_inherited() {
        for name in BASE
            .iter()
            .flat_map(|(_, names)| *names)
            .filter(|name| !name.contains('*'))
        {
            assert!(base(name.as_ref()).0.is_inherited(), "{name}");
        }
    }
}

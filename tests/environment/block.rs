//! The whole block, byte for byte, against an environment that no shell would make.

use std::{collections::BTreeMap, os::unix::ffi::OsStrExt};

use super::{SHOW, entries};
use crate::harness::{Test, replace};

/// The base set as it is published. On purpose not the program's own table.
const BASE: &str = "PATH HOME USER LOGNAME SHELL PWD HOSTNAME TMPDIR TMP TEMP TZ LANG LANGUAGE LC_* \
    TERM* COLORTERM *COLOR* XDG_* DISPLAY WAYLAND_DISPLAY XAUTHORITY DBUS_SESSION_BUS_ADDRESS \
    WSL_* SSH_AUTH_SOCK GPG_TTY EDITOR VISUAL PAGER CI \
    HTTP_PROXY HTTPS_PROXY ALL_PROXY FTP_PROXY NO_PROXY \
    http_proxy https_proxy all_proxy ftp_proxy no_proxy \
    SSL_CERT_* NODE_EXTRA_CA_CERTS *_CA_BUNDLE PIP_CERT GIT_SSL_CAINFO NIX_SSL_CERT_FILE \
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH CARGO_HTTP_CAINFO \
    NODE_ENV RAILS_ENV RACK_ENV APP_ENV FLASK_* DJANGO_SETTINGS_MODULE MIX_ENV DOTNET_ENVIRONMENT \
    ASPNETCORE_ENVIRONMENT DEBUG PORT HOST PYENV_VERSION RUSTUP_TOOLCHAIN npm_* NPM_CONFIG_* PNPM_* \
    DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_CONFIG \
    NODE_OPTIONS NODE_PATH NVM_DIR PNPM_HOME COREPACK_HOME VIRTUAL_ENV CONDA_PREFIX PYTHON* \
    PYENV_ROOT JAVA_HOME GOPATH GOFLAGS CARGO_HOME RUSTUP_HOME RUST_LOG RUST_BACKTRACE \
    LD_LIBRARY_PATH CUDA_* NVIDIA_* HF_HOME DOCKER_HOST KUBECONFIG \
    KUBERNETES_SERVICE_* NOTIFY_SOCKET LISTEN_* CREDENTIALS_DIRECTORY";
const SECRET_WORDS: [&str; 6] = ["TOKEN", "PASSWORD", "PASSWD", "SECRET", "KEY", "CREDENTIAL"];

/// What takes the place of a star: nothing, text, what is no text, and what looks like a secret.
const STARS: [&[u8]; 9] = [
    b"",
    b"ONE",
    b"\xff\xfe",
    b"lower",
    b"GH_TOKEN",
    b"DB_PASSWORD",
    b"MY_SECRET_X",
    b"KEYRING_BACKEND",
    b"credentials",
];

/// Names near those of the base set, and what stands in everyone's shell.
const OTHERS: [&[u8]; 34] = [
    b"path",
    b"Path",
    b"PATHS",
    b"XPATH",
    b"home",
    b"LC",
    b"lc_all",
    b"XLC_ALL",
    b"XTERM",
    b"color",
    b"xdg_runtime_dir",
    b"python",
    b"Http_Proxy",
    b"AWS_ACCESS_KEY_ID",
    b"AWS_SECRET_ACCESS_KEY",
    b"AWS_SESSION_TOKEN",
    b"AWS_REGION",
    b"VAULT_ADDR",
    b"VAULT_TOKEN",
    b"BAO_TOKEN",
    b"OP_SERVICE_ACCOUNT_TOKEN",
    b"OP_SESSION_team",
    b"OPENAI_BASE_URL",
    b"GITHUB_TOKEN",
    b"LS_COLOUR",
    b"OLDPWD",
    b"SHLVL",
    b"_",
    b"ENDOW",
    b"a-name-with.dots",
    b"a name with spaces",
    b"a\nname",
    b"\xff",
    b"BASH_FUNC_f%%",
];

fn all_or_not_a_name(entry: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    // As for getenv, a name has at least one byte, so a `=` at the beginning does not end it.
    let equals = entry.iter().skip(1).position(|byte| *byte == b'=')? + 1;
    Some((entry[..equals].to_vec(), entry[equals + 1..].to_vec()))
}

/// Whether the base set brings a name in.
fn is_in_base(name: &[u8]) -> bool {
    let looks_secret = SECRET_WORDS.iter().any(|word| {
        let upper = name.to_ascii_uppercase();
        upper
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    });
    BASE.split_whitespace().any(|word| {
        let word = word.as_bytes();
        match (word.strip_prefix(b"*"), word.strip_suffix(b"*")) {
            (None, None) => name == word,
            (None, Some(start)) => name.starts_with(start) && !looks_secret,
            (Some(tail), Some(_)) => {
                let middle = &tail[..tail.len() - 1];
                let is_inside = name.windows(middle.len()).any(|part| part == middle);
                is_inside && !looks_secret
            }
            (Some(end), None) => name.ends_with(end) && !looks_secret,
        }
    })
}

/// A block of more than 200 entries in an order of its own, most of them a trap.
fn hostile(test: &Test) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = OTHERS.iter().map(|name| name.to_vec()).collect();
    for word in BASE.split_whitespace() {
        if word.contains('*') {
            names.extend(
                STARS
                    .iter()
                    .map(|star| replace(word.as_bytes(), b"*", star)),
            );
        } else {
            names.push(word.into());
        }
    }
    let values: [&[u8]; 6] = [
        b"plain",
        b"",
        b"\x80\xff",
        b"two\nlines\n",
        b"a=b=c",
        b" \"$X\" '",
    ];
    let mut block: Vec<Vec<u8>> = names
        .iter()
        .zip(values.iter().cycle())
        .enumerate()
        .filter(|(_, (name, _))| !matches!(name.as_slice(), b"PATH" | b"HOME"))
        .map(|(index, (name, value))| {
            let mut entry = name.clone();
            entry.extend_from_slice(format!("={index} ").as_bytes());
            entry.extend_from_slice(value);
            entry
        })
        .collect();
    // An order that is neither the names' nor its reverse.
    block.sort_by_key(|entry| entry.iter().rev().copied().collect::<Vec<u8>>());
    let path = std::env::var_os("PATH").expect("PATH");
    let real = |name: &str, value: &[u8]| [name.as_bytes(), b"=", value].concat();
    block.insert(40, real("PATH", path.as_bytes()));
    block.insert(90, real("HOME", test.path("..").as_os_str().as_bytes()));
    let odd: [&[u8]; 16] = [
        b"",
        b"=",
        b"=x",
        b"=x=y",
        b"==",
        b"NO_EQUALS",
        b"PATH",
        b"HOME",
        b"LANG",
        b"TZ=a second",
        b"PATH=/nowhere",
        b"EDITOR=",
        b"EDITOR=3",
        b"GITHUB_TOKEN=2",
        b"DECLARED=1",
        b"DECLARED=2",
    ];
    for (index, entry) in odd.iter().enumerate() {
        block.insert(100 + 3 * index, entry.to_vec());
    }
    block
}

/// Each name once, the first of a doubled one, sorted; what is declared is not looked at.
fn expected(
    block: &[Vec<u8>],
    is_inherited: impl Fn(&[u8]) -> bool,
    declared: &[(&str, &str)],
) -> Vec<u8> {
    let mut variables: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for (name, value) in block.iter().filter_map(|entry| all_or_not_a_name(entry)) {
        if is_inherited(&name) {
            variables.entry(name).or_insert(value);
        }
    }
    for (name, value) in declared {
        variables.insert((*name).into(), (*value).into());
    }
    variables
        .into_iter()
        .flat_map(|(name, value)| [name, b"=".into(), value, b"\0".into()].concat())
        .collect()
}

#[track_caller]
fn assert_block(test: Test, block: &[Vec<u8>], expected: &[u8]) {
    assert!(block.len() > 200, "{} entries", block.len());
    let file = test.path("environ");
    let block: Vec<u8> = block
        .iter()
        .flat_map(|entry| [entry, b"\0".as_slice()].concat())
        .collect();
    let test = test.file("environ", block);
    let options = ["--environ", file.to_str().expect("a path of text")];
    let output = test
        .started_with(&options)
        .run(SHOW)
        .prints_values()
        .any_stdout()
        .success();
    if output.stdout != expected {
        let (found, expected) = (entries(&output.stdout), entries(expected));
        let escaped = |entry: &Vec<u8>| entry.escape_ascii().to_string();
        let only = |these: &[Vec<u8>], those: &[Vec<u8>]| -> Vec<String> {
            these
                .iter()
                .filter(|entry| !those.contains(entry))
                .map(escaped)
                .collect()
        };
        panic!(
            "the block differs\nmissing: {:#?}\ntoo many: {:#?}\nelse the order or a doubled name",
            only(&expected, &found),
            only(&found, &expected)
        );
    }
}

const MANIFEST: &str = "\
version: 1
env:
  OPENAI_API_KEY: dotenv://.env
  EMPTY: dotenv://.env
  DECLARED: { required: false, from: dotenv://.env }
values: { LANG: tlh, aa: lower }
";
const DECLARED: [(&str, &str); 4] = [
    ("OPENAI_API_KEY", "from-the-file"),
    ("EMPTY", ""),
    ("LANG", "tlh"),
    ("aa", "lower"),
];

#[test]
fn the_block_is_the_base_set_and_the_declared_names_byte_for_byte() {
    let test = Test::manifest(MANIFEST).dotenv("OPENAI_API_KEY=from-the-file\nEMPTY=\n");
    let block = hostile(&test);
    let is_inherited = |name: &[u8]| is_in_base(name) && !matches!(name, b"LANG" | b"DECLARED");
    let expected = expected(&block, is_inherited, &DECLARED);
    assert_block(test, &block, &expected);
}

#[test]
fn with_all_the_block_is_everything_but_credentials_byte_for_byte() {
    let test = Test::manifest(&format!("{MANIFEST}inherit: all\n"))
        .dotenv("OPENAI_API_KEY=from-the-file\nEMPTY=\n");
    let block = hostile(&test);
    let stripped: [&[u8]; 8] = [
        b"DECLARED",
        b"AWS_ACCESS_KEY_ID",
        b"AWS_SECRET_ACCESS_KEY",
        b"AWS_SESSION_TOKEN",
        b"VAULT_TOKEN",
        b"BAO_TOKEN",
        b"OP_SERVICE_ACCOUNT_TOKEN",
        b"OP_SESSION_team",
    ];
    let expected = expected(&block, |name| !stripped.contains(&name), &DECLARED);
    assert_block(test, &block, &expected);
}

#[test]
fn with_none_the_block_is_the_declared_names_alone() {
    let test = Test::manifest(&format!("{MANIFEST}inherit: none\n"))
        .dotenv("OPENAI_API_KEY=from-the-file\nEMPTY=\n");
    let block = hostile(&test);
    let expected = expected(&block, |_| false, &DECLARED);
    assert_block(test, &block, &expected);
}

#[test]
fn an_env_place_reads_the_first_of_a_doubled_name_too() {
    let test = Test::manifest("version: 1\ninherit: none\nenv: { X: env://DOUBLED }\n");
    let path = std::env::var_os("PATH").expect("PATH");
    let mut block = vec![
        [b"PATH=", path.as_bytes()].concat(),
        b"DOUBLED=first".into(),
    ];
    block.extend((0..200).map(|index| format!("FILLER_{index}=x").into_bytes()));
    block.extend([b"DOUBLED=second".to_vec(), b"DOUBLED".to_vec()]);
    assert_block(test, &block, b"X=first\0");
}

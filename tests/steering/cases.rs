//! The cases, as data.

/// What shows that a variable was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The file `marker` was made.
    Marker,
    /// The port was connected to.
    Connection,
}

/// A command that does something else with these variables.
pub(crate) struct Case {
    pub(crate) variables: &'static [(&'static str, &'static str)],
    pub(crate) command: &'static [&'static str],
    pub(crate) sign: Sign,
}

const fn runs(
    variables: &'static [(&'static str, &'static str)],
    command: &'static [&'static str],
) -> Case {
    Case {
        variables,
        command,
        sign: Sign::Marker,
    }
}

const fn draws(
    variables: &'static [(&'static str, &'static str)],
    command: &'static [&'static str],
) -> Case {
    Case {
        variables,
        command,
        sign: Sign::Connection,
    }
}

/// Files of the room. `[DIR]` is its directory.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("mark", "#!/bin/sh\n: > [DIR]/marker\n"),
    ("bin/tool", "#!/bin/sh\n: > [DIR]/marker\n"),
    ("mark.sh", ": > [DIR]/marker\n"),
    (
        "mark.c",
        "#include <fcntl.h>\n__attribute__((constructor)) static void f(void) { open(\"[DIR]/marker\", O_CREAT, 0600); }\n",
    ),
    (
        "mark.js",
        "require('fs').writeFileSync('[DIR]/marker', '')\n",
    ),
    (
        "modules/own.js",
        "require('fs').writeFileSync('[DIR]/marker', '')\n",
    ),
    ("python/sitecustomize.py", "open('[DIR]/marker', 'w')\n"),
    ("mark.py", "open('[DIR]/marker', 'w')\n"),
    ("perl/Mark.pm", "open(my $f, '>', '[DIR]/marker'); 1;\n"),
    ("ruby/mark.rb", "File.write('[DIR]/marker', '')\n"),
    ("php/php.ini", "auto_prepend_file=[DIR]/mark.php\n"),
    ("mark.php", "<?php touch('[DIR]/marker');\n"),
    ("own.php", "<?php\n"),
    ("zdot/.zshenv", ": > [DIR]/marker\n"),
    ("functions/own", ": > [DIR]/marker\n"),
    ("mark.mk", "$(shell : > [DIR]/marker)\n"),
    (
        "gitconfig/.gitconfig",
        "[alias]\n own = !: > [DIR]/marker\n",
    ),
    ("xdg/git/config", "[alias]\n own = !: > [DIR]/marker\n"),
    (
        "openssl.cnf",
        "openssl_conf = a\n[a]\nengines = b\n[b]\nc = d\n[d]\ndynamic_path = [DIR]/mark.so\ninit = 0\n",
    ),
    ("services", "[own]\nhost=127.0.0.1\nport=[PORT]\n"),
    ("curl/.curlrc", "proxy = http://127.0.0.1:[PORT]\n"),
    ("lesskey", "#env\nLESSOPEN = |: > [DIR]/marker\n"),
    ("project/text", "text\n"),
    (
        "project/package.json",
        "{ \"scripts\": { \"own\": \"true\" } }\n",
    ),
    ("project/Makefile", "all:\n\t@:\n%.o: %.c\n\t$(CC) -c $<\n"),
    ("project/own.c", "int own;\n"),
    (
        "project/Cargo.toml",
        "[package]\nname = \"own\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"own.rs\"\n[workspace]\n",
    ),
    ("project/own.rs", "\n"),
    ("empty/text", ""),
];

const NET: &str =
    "import urllib.request; urllib.request.urlopen('http://own.invalid/', timeout=30)";

pub(crate) const CASES: &[Case] = &[
    // The loader and the system.
    runs(&[("LD_PRELOAD", "[DIR]/mark.so")], &["true"]),
    runs(&[("LD_AUDIT", "[DIR]/mark.so")], &["true"]),
    runs(
        &[("PATH", "[DIR]/bin:/usr/bin:/bin")],
        &["/bin/sh", "-c", "tool"],
    ),
    runs(&[("HOME", "[DIR]/gitconfig")], &["git", "own"]),
    runs(&[("XDG_CONFIG_HOME", "[DIR]/xdg")], &["git", "own"]),
    runs(
        &[("SHELL", "[DIR]/mark")],
        &["script", "-qc", "true", "/dev/null"],
    ),
    // Shells.
    runs(&[("BASH_ENV", "[DIR]/mark.sh")], &["bash", "-c", ":"]),
    runs(&[("ENV", "[DIR]/mark.sh")], &["sh", "-ic", ":"]),
    runs(
        &[("SHELLOPTS", "xtrace"), ("PS4", "$(: > [DIR]/marker)")],
        // Root's bash takes no PS4 from its environment.
        &[
            "sh",
            "-c",
            "test $(id -u) != 0 || as='setpriv --reuid=65534 --clear-groups'; exec $as bash -c :",
        ],
    ),
    runs(
        &[("PROMPT_COMMAND", ": > [DIR]/marker")],
        &["script", "-qc", "bash --norc -i < /dev/null", "/dev/null"],
    ),
    runs(&[("ZDOTDIR", "[DIR]/zdot")], &["zsh", "-c", ":"]),
    runs(
        &[("FPATH", "[DIR]/functions")],
        &["zsh", "-fc", "autoload own; own"],
    ),
    // Interpreters.
    runs(&[("PYTHONPATH", "[DIR]/python")], &["python3", "-c", "0"]),
    runs(&[("PYTHONSTARTUP", "[DIR]/mark.py")], &["python3", "-i"]),
    runs(
        &[("NODE_OPTIONS", "--require [DIR]/mark.js")],
        &["node", "-e", "0"],
    ),
    runs(
        &[("NODE_PATH", "[DIR]/modules")],
        &["node", "-e", "try { require('own') } catch {}"],
    ),
    runs(
        &[("PERL5OPT", "-MMark"), ("PERL5LIB", "[DIR]/perl")],
        &["perl", "-e", "0"],
    ),
    runs(
        &[("PERL5DB", "BEGIN { open(my $f, '>', '[DIR]/marker') }")],
        &["perl", "-d", "-e", "0"],
    ),
    runs(&[("RUBYOPT", "-r[DIR]/ruby/mark")], &["ruby", "-e", "0"]),
    runs(
        &[("RUBYLIB", "[DIR]/ruby")],
        &["ruby", "-e", "begin; require 'mark'; rescue LoadError; end"],
    ),
    runs(&[("PHPRC", "[DIR]/php")], &["php", "[DIR]/own.php"]),
    runs(
        &[("PHP_INI_SCAN_DIR", "[DIR]/php")],
        &["php", "[DIR]/own.php"],
    ),
    runs(
        &[("LUA_INIT", "io.open('[DIR]/marker', 'w')")],
        &["lua5.4", "-e", "x = 0"],
    ),
    // Build tools and package managers.
    runs(
        &[("npm_config_script_shell", "[DIR]/mark")],
        &["npm", "run", "own"],
    ),
    runs(
        &[("NPM_CONFIG_SCRIPT_SHELL", "[DIR]/mark")],
        &["npm", "run", "own"],
    ),
    runs(&[("MAKEFILES", "[DIR]/mark.mk")], &["make", "all"]),
    runs(
        &[("MAKEFLAGS", "--eval=$$(shell\\ :\\ >\\ [DIR]/marker)")],
        &["make", "all"],
    ),
    runs(
        &[("CC", "[DIR]/mark")],
        &["make", "-B", "-f", "/dev/null", "own.o"],
    ),
    runs(
        &[("RUSTC_WRAPPER", "[DIR]/mark")],
        &[
            "cargo",
            "check",
            "--offline",
            "--target-dir",
            "[DIR]/target",
        ],
    ),
    // git, editors and pagers.
    runs(
        &[("GIT_SSH_COMMAND", "[DIR]/mark")],
        &["git", "ls-remote", "ssh://own.invalid/x"],
    ),
    runs(
        &[
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "alias.own"),
            ("GIT_CONFIG_VALUE_0", "!: > [DIR]/marker"),
        ],
        &["git", "own"],
    ),
    // Without an editor, a dumb terminal is given none.
    runs(
        &[("EDITOR", "[DIR]/mark")],
        &[
            "env",
            "TERM=dumb",
            "git",
            "config",
            "--file",
            "[DIR]/empty/config",
            "--edit",
        ],
    ),
    runs(
        &[("PAGER", "[DIR]/mark")],
        &["script", "-qc", "git -p version", "/dev/null"],
    ),
    runs(
        &[("LESSOPEN", "|: %s > [DIR]/marker")],
        &["script", "-qc", "less -E -F text", "/dev/null"],
    ),
    runs(
        &[("VIMINIT", "call system(': > [DIR]/marker')")],
        &["script", "-qc", "vim -c q", "/dev/null"],
    ),
    // TLS, proxies and clients.
    runs(
        &[("OPENSSL_CONF", "[DIR]/openssl.cnf")],
        &["openssl", "rand", "1"],
    ),
    runs(
        &[("SSLKEYLOGFILE", "[DIR]/marker")],
        &["python3", "-c", "import ssl; ssl.create_default_context()"],
    ),
    draws(
        &[("HTTP_PROXY", "http://127.0.0.1:[PORT]")],
        &["python3", "-c", NET],
    ),
    draws(
        &[("http_proxy", "http://127.0.0.1:[PORT]")],
        &["python3", "-c", NET],
    ),
    draws(
        &[("ALL_PROXY", "http://127.0.0.1:[PORT]")],
        &["git", "ls-remote", "http://own.invalid/x"],
    ),
    draws(
        &[("PGSERVICEFILE", "[DIR]/services")],
        &["psql", "service=own"],
    ),
];

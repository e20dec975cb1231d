//! The variables through which a program runs code, reads other settings, or sends its traffic
//! elsewhere.
//!
//! A manifest that was found by search sets one of these only when it is trusted. The table is data:
//! who reads the names, the names, and the text that says so.

use super::{
    base::{self, PLAIN},
    glob,
};

/// Names that programs of one kind read.
#[derive(Debug)]
pub struct Row {
    /// Who reads them, in the plural or as a product: `git and other version control`.
    pub reader: &'static str,
    /// The names, with blanks between them; `*` matches any run of characters.
    names: &'static str,
    /// The manual or the source that describes them.
    pub source: &'static str,
}

impl Row {
    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.split_ascii_whitespace()
    }
}

/// Families whose readers ignore case: npm takes `NPM_CONFIG_X` for `npm_config_x`, and libraries
/// read proxies in both cases.
const ANY_CASE: [&str; 2] = ["npm_*", "*_proxy"];

/// Who reads a variable that steers programs or traffic; `None` for any other.
///
/// A plain name that is listed by itself is none, whatever family it belongs to. A plain pattern
/// yields to the table.
pub fn reader(name: &str) -> Option<&'static str> {
    if PLAIN.contains(&name) {
        return None;
    }
    let row = STEERING
        .iter()
        .find(|row| row.names().any(|pattern| is_meant(pattern, name)));
    let is_plain = || {
        PLAIN
            .iter()
            .any(|pattern| glob::matches(pattern.as_bytes(), name.as_bytes()))
    };
    // What a pattern of the base set leaves out for its look, a vendor's key, is not part of it.
    let is_base = || base::membership(name.as_ref()).is_some_and(|(_, is_left_out)| !is_left_out);
    match row {
        Some(row) => Some(row.reader),
        None if is_plain() => None,
        None => is_base().then_some("any program"),
    }
}

fn is_meant(pattern: &str, name: &str) -> bool {
    if ANY_CASE.contains(&pattern) {
        let name = name.to_ascii_lowercase();
        return glob::matches(pattern.as_bytes(), name.as_bytes());
    }
    glob::matches(pattern.as_bytes(), name.as_bytes())
}

/// The table.
pub const STEERING: &[Row] = &[
    Row {
        reader: "the loader and the C library",
        names: "LD_* DYLD_* _RLD* LDR_* LIBPATH SHLIB_PATH GCONV_PATH GETCONF_DIR GLIBC_TUNABLES \
             HOSTALIASES LOCALDOMAIN LOCPATH MALLOC_* NIS_PATH NLSPATH RESOLV_HOST_CONF \
             RES_OPTIONS TZDIR PCPROFILE_OUTPUT SEGFAULT_* SOTRUSS_* PATH_LOCALE MEMUSAGE_*",
        source: "glibc `sysdeps/generic/unsecvars.h`, ld.so(8), dyld(1)",
    },
    Row {
        reader: "sudo and PAM",
        names: "SUDO_ASKPASS SUDO_EDITOR KRB5_* KRB_CONF* KRBCONFDIR KRBTKFILE VAR_ACE USR_ACE \
             DLC_ACE AUTHSTATE",
        source: "sudo `env_delete`, krb5.conf(5)",
    },
    Row {
        reader: "terminals",
        names: "TERMINFO TERMINFO_DIRS TERMPATH TERMCAP",
        source: "sudo `env_delete`, terminfo(5)",
    },
    Row {
        reader: "shells",
        names: "BASH_* BASHOPTS SHELLOPTS ENV PS4 PROMPT_COMMAND CDPATH IFS GLOBIGNORE ZDOTDIR FPATH \
             NULLCMD READNULLCMD INPUTRC HISTFILE FCEDIT EXECIGNORE MAILPATH __fish_* fish_* \
             KSH_* TMPPREFIX",
        source: "bash(1), zshparam(1), dash(1), ksh(1), fish(1)",
    },
    Row {
        reader: "editors and pagers",
        names: "EDITOR VISUAL PAGER BROWSER LESS LESSOPEN LESSCLOSE LESSKEY* LESSEDIT LESSPROMPT \
             LESSHISTFILE LESSSECURE* LESSGLOBALTAGS MORE MANPAGER MANPATH MANOPT MANROFFSEQ \
             MAN_POSIXLY_CORRECT BAT_* EXINIT VIMINIT VIM VIMRUNTIME MYVIMRC GVIMINIT NVIM_* \
             EMACSLOADPATH EMACSDATA EMACSPATH EMACSDOC NANORC SYSTEMD_PAGER SYSTEMD_PAGERSECURE \
             SYSTEMD_EDITOR SYSTEMD_LESS",
        source: "less(1), vim(1), man(1), emacs(1), systemctl(1)",
    },
    Row {
        reader: "Python",
        names: "PYTHON* PYENV_* VIRTUAL_ENV CONDA_* MAMBA_* PIP_* PIPENV_* PIPX_* POETRY_* PDM_* \
             UV_* HATCH_* TOX_* NOX_* PYTEST_* JUPYTER_* IPYTHONDIR DJANGO_SETTINGS_MODULE \
             GUNICORN_CMD_ARGS SETUPTOOLS_* DISTUTILS_* CFFI_* MYPYPATH RUFF_* MPLBACKEND \
             MPLCONFIGDIR FLASK_APP FLASK_DEBUG FLASK_RUN_* FLASK_SKIP_DOTENV WERKZEUG_DEBUG_PIN",
        source: "python(1), pip, uv and pytest `Configuration`",
    },
    Row {
        reader: "Node.js and its package managers",
        names: "NODE_OPTIONS NODE_PATH NODE_REPL_* NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED \
             NODE_USE_ENV_PROXY NODE_USE_SYSTEM_CA NODE_ICU_DATA NODE_REDIRECT_WARNINGS \
             NODE_V8_COVERAGE NODE_COMPILE_CACHE NODE_PENDING_* OPENSSL_CONF npm_* PNPM_* YARN_* \
             COREPACK_* BUN_* DENO_* NVM_* VOLTA_* FNM_* TS_NODE_* TSX_* ESLINT_* JEST_* HUSKY* \
             NODE_GYP_* GYP_* ELECTRON_RUN_AS_NODE",
        source: "node(1), npm config, pnpm, yarn, deno and bun pages on the environment",
    },
    Row {
        reader: "Perl",
        names: "PERL5* PERLLIB PERL_* PERLIO*",
        source: "perlrun(1)",
    },
    Row {
        reader: "Ruby",
        names: "RUBYOPT RUBYLIB RUBYSHELL RUBYPATH RUBY_* GEM_* BUNDLE_* BUNDLER_* IRBRC RBENV_* \
             RAKEOPT",
        source: "ruby(1), gem and bundler pages on the environment",
    },
    Row {
        reader: "PHP",
        names: "PHPRC PHP_* COMPOSER*",
        source: "php(1), Composer `Environment variables`",
    },
    Row {
        reader: "Lua, Tcl, R, Julia, Guile",
        names: "LUA_INIT* LUA_PATH* LUA_CPATH* LUAROCKS_* TCLLIBPATH TCL_LIBRARY TK_LIBRARY \
             RPROFILE* JULIA_* GUILE_* R_HOME R_PROFILE* R_ENVIRON* R_LIBS* R_DEFAULT_PACKAGES",
        source: "lua(1), tclsh(1), R `Startup`, Julia and Guile manuals",
    },
    Row {
        reader: "Java, Scala, Kotlin and their build tools",
        names: "JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS JAVA_OPTS JAVA_OPTIONS JAVA_HOME \
             JRE_HOME CLASSPATH MAVEN_* M2_HOME MVN_* GRADLE_* ORG_GRADLE_* ANT_* SBT_* LEIN_* \
             CATALINA_* IBM_JAVA_OPTIONS SCALA_HOME KOTLIN_HOME GROOVY_HOME JVM_OPTS",
        source: "java(1) `JDK_JAVA_OPTIONS`, Maven, Gradle and Ant pages on the environment",
    },
    Row {
        reader: ".NET",
        names: "DOTNET_* COMPlus_* CORECLR_* COR_* MSBUILD* NUGET_* \
             ASPNETCORE_HOSTINGSTARTUPASSEMBLIES ASPNETCORE_URLS",
        source: "`dotnet` environment variables, .NET runtime configuration and profiling",
    },
    Row {
        reader: "Erlang and Elixir",
        names: "ERL_* ELIXIR_* IEX_* MIX_* REBAR_*",
        source: "erl(1), mix(1)",
    },
    Row {
        reader: "Go",
        names: "GOFLAGS GOPATH GOROOT GOBIN GOPROXY GONOPROXY GOSUMDB GONOSUMDB GONOSUMCHECK \
             GOPRIVATE GOINSECURE GOENV GOWORK GOTOOLCHAIN GOTOOLDIR GOEXPERIMENT GOCACHE \
             GOMODCACHE GOCACHEPROG GOTMPDIR GOVCS GOAUTH GODEBUG GOOS GOARCH GO111MODULE \
             GO_EXTLINK_ENABLED GCCGO* CGO_*",
        source: "`go help environment`",
    },
    Row {
        reader: "Rust",
        names: "CARGO CARGO_* RUSTC RUSTC_* RUSTFLAGS RUSTDOC RUSTDOCFLAGS RUSTFMT RUSTUP_* \
             RUST_MIN_STACK RUST_SRC_PATH",
        source: "Cargo `Environment variables`, rustup",
    },
    Row {
        reader: "C compilers, make and other build tools",
        names: "CC CXX CPP RANLIB OBJCOPY F77 CFLAGS CXXFLAGS CPPFLAGS LDFLAGS FFLAGS LDLIBS CPATH \
             C_INCLUDE_PATH CPLUS_INCLUDE_PATH OBJC_INCLUDE_PATH LIBRARY_PATH COMPILER_PATH \
             GCC_EXEC_PREFIX GCC_COMPARE_DEBUG COLLECT_* DEPENDENCIES_OUTPUT SUNPRO_DEPENDENCIES \
             CCACHE_* SCCACHE_* DISTCC_* MAKEFILES MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKEOVERRIDES \
             MAKE_* MAKESHELL CMAKE_* CTEST_* NINJA_* MESON* PKG_CONFIG* CONFIG_SITE CONFIG_SHELL \
             ACLOCAL* AUTOCONF AUTOMAKE AUTOM4TE* M4PATH LIBTOOL BAZEL_* BAZELISK_* JUST_* NIX_* \
             GDBHISTFILE GDB_* LLDB_* DEBUGINFOD_* LD AR AS NM STRIP LEX YACC FC MAKE GUIX_*",
        source: "gcc(1), make(1), cmake-env-variables(7), pkg-config(1), autoconf `Site Configuration`, nix(1)",
    },
    Row {
        reader: "git and other version control",
        names: "GIT_* GITK_* GITLAB_HOST GITHUB_API_URL GITHUB_SERVER_URL HGRCPATH HGRCSKIPREPO \
             HGEDITOR HGMERGE HGPLAIN* SVN_* CVS_RSH CVSEDITOR RSYNC_* JJ_* TIG_* PRE_COMMIT* \
             LEFTHOOK* GH_HOST GH_CONFIG_DIR GH_PAGER GH_EDITOR GH_BROWSER GH_PATH \
             GLAB_CONFIG_DIR",
        source: "git(1), gh `environment`, hg(1), svn(1), cvs(1), rsync(1)",
    },
    Row {
        reader: "ssh, gpg and askpass",
        names: "SSH_ASKPASS* SSH_AUTH_SOCK SSH_SK_* GNUPGHOME GPG_AGENT_INFO PINENTRY_* DISPLAY \
             WAYLAND_DISPLAY XAUTHORITY XMODIFIERS GTK_* QT_* GDK_* GIO_* GSETTINGS_* GST_* \
             XLOCALEDIR XFILESEARCHPATH XUSERFILESEARCHPATH PULSE_* ALSA_* VK_* LIBGL_* MESA_* \
             EGL_* DCONF_*",
        source: "ssh(1), gpg(1), GTK and Qt pages on the environment, X(7)",
    },
    Row {
        reader: "TLS, proxies and certificates",
        names: "OPENSSL_* SSLKEYLOGFILE SSL_CERT_* SSL_DIR CURL_* *_CA_BUNDLE PIP_CERT GRPC_* \
             *_proxy WGETRC GNUTLS_* NSS_* P11_KIT_* PKCS11* REQUESTS_CA_BUNDLE HTTPLIB2_CA_CERTS \
             SOCKS_* PROXYCHAINS_* TSOCKS_* NETRC CTLOG_FILE RANDFILE SOFTHSM2_CONF",
        source: "openssl-env(7), curl(1), wget(1), gnutls and NSS pages on the environment",
    },
    Row {
        reader: "database clients",
        names: "PGSERVICEFILE PGSYSCONFDIR PGPASSFILE PGLOCALEDIR PGSSLKEY PSQLRC PSQL_* MYSQL_HOME \
             MYSQL_HISTFILE MYSQL_TEST_* MYSQL_PLUGIN_DIR LIBMYSQL_* ODBC* SQLITE_HISTORY SQLPATH \
             TNS_ADMIN MONGO_CRYPT* REDISCLI_RCFILE ORACLE_HOME",
        source: "libpq `Environment Variables`, psql(1), mysql(1), unixODBC, SQL*Plus",
    },
    Row {
        reader: "containers, clusters and clouds",
        names: "DOCKER_* BUILDKIT_* BUILDX_* COMPOSE_* CONTAINER_HOST CONTAINERS_* PODMAN_* \
             REGISTRY_AUTH_FILE KUBECONFIG KUBE_EDITOR KUBECTL_* HELM_* TERRAFORM_* TERRAGRUNT_* \
             ANSIBLE_* VAGRANT_* PACKER_* AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE \
             AWS_ENDPOINT_URL* AWS_CA_BUNDLE AWS_PAGER AWS_CLI_* AWS_DATA_PATH \
             AWS_EC2_METADATA_SERVICE_ENDPOINT* AWS_CONTAINER_CREDENTIALS_* BOTO_* CLOUDSDK_* \
             GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES GCE_METADATA_* AZURE_CONFIG_DIR \
             AZURE_EXTENSION_DIR AZURE_AUTHORITY_HOST FLYCTL_* SAM_CLI_* TF_CLI_* TF_DATA_DIR \
             TF_PLUGIN_* TF_REATTACH_PROVIDERS TF_REGISTRY_* TF_LOG_PATH PULUMI_HOME \
             PULUMI_BACKEND_URL PYSPARK_* SPARK_HOME SPARK_CONF_DIR HADOOP_HOME HADOOP_CONF_DIR \
             HADOOP_OPTS",
        source: "docker(1), kubectl, Helm, Terraform, Ansible, AWS, Google Cloud and Azure pages on the environment",
    },
    Row {
        reader: "secret stores and launchers",
        names: "ENDOW_* SOPS_* CHAMBER_* SUMMON_* PASSWORD_STORE_* DIRENV_* MISE_* ASDF_* FLOX_* \
             DEVBOX_* DEVENV_* CONSUL_HTTP_ADDR NOMAD_ADDR VAULT_ADDR VAULT_AGENT_ADDR \
             VAULT_PROXY_ADDR VAULT_HTTP_PROXY VAULT_CACERT* VAULT_CAPATH VAULT_CLIENT_CERT \
             VAULT_CLIENT_KEY VAULT_CONFIG_PATH VAULT_HEADERS VAULT_SKIP_VERIFY VAULT_TLS_* \
             VAULT_SRV_LOOKUP BAO_ADDR BAO_AGENT_ADDR BAO_PROXY_ADDR BAO_HTTP_PROXY BAO_CACERT* \
             BAO_CAPATH BAO_CLIENT_CERT BAO_CLIENT_KEY BAO_CONFIG_PATH BAO_HEADERS \
             BAO_SKIP_VERIFY BAO_TLS_* BAO_SRV_LOOKUP OP_CONNECT_HOST OP_CONFIG_DIR OP_PLUGIN* \
             OP_INTEGRATION* DOPPLER_API_HOST DOPPLER_CONFIG_DIR INFISICAL_API_URL \
             INFISICAL_DOMAIN",
        source: "each tool's page on the environment",
    },
    Row {
        reader: "clients of model providers",
        names: "ANTHROPIC_CUSTOM_HEADERS CLAUDE_CODE_* CLAUDE_CONFIG_DIR CODEX_HOME GEMINI_CLI_* \
             AIDER_EDITOR AIDER_LINT_CMD AIDER_TEST_CMD OLLAMA_HOST HF_ENDPOINT HF_TOKEN_PATH",
        source: "each SDK's page on the environment",
    },
    Row {
        reader: "GPU and numeric libraries",
        names: "NCCL_* TORCHINDUCTOR_* TRITON_* XLA_* JAX_* NUMBA_* OCL_* GBM_* LIBVA_* VDPAU_* \
             ROCR_* HSA_* OMPI_MCA_* PMIX_MCA_* PRTE_MCA_* I_MPI_* PYTORCH_KERNEL_CACHE_PATH",
        source: "CUDA, NCCL, PyTorch and XLA pages on the environment",
    },
    Row {
        reader: "debugging, tracing and instrumentation",
        names: "LTTNG_* GCOV_* LLVM_* ASAN_* LSAN_* MSAN_* TSAN_* UBSAN_* SANCOV_* VALGRIND_* \
             STRACE* DD_TRACE_* OTEL_PYTHON_* OTEL_JAVAAGENT_*",
        source: "each tool's page on the environment",
    },
    Row {
        reader: "file formats and documents",
        names: "TEXMF* TEXINPUTS BIBINPUTS BSTINPUTS GS_* GHOSTSCRIPT_* MAGICK_* GROFF_* ENSCRIPT* \
             A2PS* JQ_* PANDOC_* FONTCONFIG_* GDAL_* PROJ_*",
        source: "kpathsea, gs(1), ImageMagick, groff(1), fontconfig and GDAL pages on the environment",
    },
    Row {
        reader: "files and sockets of the session",
        names: "HOME PWD OLDPWD USER LOGNAME HOSTNAME TMPDIR TMP TEMP XDG_* DBUS_* NOTIFY_SOCKET \
             LISTEN_* CREDENTIALS_DIRECTORY SYSTEMD_* WSL_* PATH PATHEXT MANPATH INFOPATH \
             WINEPREFIX WINEDLL* FAKEROOT* FAKECHROOT* POSIXLY_CORRECT GREP_OPTIONS GZIP BZIP \
             BZIP2 TAR_OPTIONS TAPE RSH UNZIP UNZIPOPT ZIP ZIPOPT LS_OPTIONS FZF_* RIPGREP_* \
             PARALLEL* SCREENRC SYSSCREENRC TMUX* WATCHMAN_* MAILRC APT_CONFIG DPKG_* DEBCONF_* \
             HOMEBREW_* MODULEPATH MODULESHOME LMOD_* MOZ_* CHROME_WRAPPER",
        source: "environ(7), XDG Base Directory, sd_notify(3), tar(1), gzip(1), grep(1)",
    },
];

#[cfg(test)]
mod tests {
    use super::{STEERING, reader};
    use crate::variables::base::{BASE, PLAIN};

    #[test]
    fn every_name_of_the_table_is_read_by_its_row() {
        for row in STEERING {
            for name in row.names() {
                let name = name.replace('*', "X");
                assert!(reader(&name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn every_name_of_the_base_set_is_plain_or_steers() {
        for name in BASE.iter().flat_map(|(_, names)| *names) {
            let is_plain = PLAIN.contains(name);
            assert_eq!(reader(name).is_none(), is_plain, "{name}");
        }
    }

    #[test]
    fn the_lists_of_glibc_and_of_sudo_are_covered() {
        // glibc 2.41, `sysdeps/generic/unsecvars.h`; sudo 1.9.16, `initial_badenv_table`.
        let glibc = "GCONV_PATH GETCONF_DIR GLIBC_TUNABLES HOSTALIASES LD_AUDIT LD_BIND_NOT \
            LD_BIND_NOW LD_DEBUG LD_DEBUG_OUTPUT LD_DYNAMIC_WEAK LD_LIBRARY_PATH LD_ORIGIN_PATH \
            LD_PRELOAD LD_PROFILE LD_PROFILE_OUTPUT LD_SHOW_AUXV LD_VERBOSE LD_WARN LOCALDOMAIN \
            LOCPATH MALLOC_ARENA_MAX MALLOC_TRACE NIS_PATH NLSPATH RESOLV_HOST_CONF RES_OPTIONS \
            TMPDIR";
        let sudo = "IFS CDPATH LOCALDOMAIN RES_OPTIONS HOSTALIASES NLSPATH PATH_LOCALE LD_X _RLDX \
            SHLIB_PATH LDR_X LIBPATH AUTHSTATE DYLD_X KRB5_CONFIG KRB5_KTNAME VAR_ACE USR_ACE \
            DLC_ACE TERMINFO TERMINFO_DIRS TERMPATH TERMCAP ENV BASH_ENV PS4 GLOBIGNORE BASHOPTS \
            SHELLOPTS JAVA_TOOL_OPTIONS PERLIO_DEBUG PERLLIB PERL5LIB PERL5OPT PERL5DB FPATH \
            NULLCMD READNULLCMD ZDOTDIR TMPPREFIX PYTHONHOME PYTHONPATH PYTHONINSPECT \
            PYTHONUSERBASE RUBYLIB RUBYOPT";
        for name in glibc.split_whitespace().chain(sudo.split_whitespace()) {
            assert!(reader(name).is_some(), "{name}");
        }
    }

    #[test]
    fn npm_and_proxies_are_read_in_any_case() {
        for name in [
            "npm_config_script_shell",
            "NPM_CONFIG_SCRIPT_SHELL",
            "Npm_Config_Registry",
            "http_proxy",
            "HTTP_PROXY",
            "https_Proxy",
        ] {
            assert!(reader(name).is_some(), "{name}");
        }
    }

    #[test]
    fn an_applications_own_names_are_free() {
        for name in [
            "OPENAI_API_KEY",
            "ANTHROPIC_API_KEY",
            "OPENAI_BASE_URL",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_API_KEY",
            "DATABASE_URL",
            "REDIS_URL",
            "PGUSER",
            "PGPASSWORD",
            "PGHOST",
            "MYSQL_PASSWORD",
            "SENTRY_DSN",
            "LOG_LEVEL",
            "TOKEN",
            "PATHS",
            "ENVIRONMENT",
            "AWS_REGION",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "NEXT_PUBLIC_API_URL",
            "VITE_API_URL",
            "CELERY_BROKER_URL",
            "STRIPE_API_KEY",
            "NVIDIA_API_KEY",
            "VAULT_TOKEN",
            "OP_SERVICE_ACCOUNT_TOKEN",
            "TF_VAR_password",
            "FLASK_SECRET_KEY",
            "HF_TOKEN",
            "QDRANT_URL",
            "DB_HOST",
            "TZ",
            "LC_ALL",
            "NO_COLOR",
            "NODE_ENV",
            "PYTHONUNBUFFERED",
            "PORT",
        ] {
            assert_eq!(reader(name), None, "{name}");
        }
    }
}

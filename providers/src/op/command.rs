//! One run of `op`: its words, its environment, its deadline.
//!
//! Neither holds a secret but the token of a service account, or a session, which `op` takes from
//! its environment alone. Everything else goes over its standard input.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::{
    account::Account,
    lock,
    message::{self, Verdict},
};
use crate::{
    Class, Fault, Helpers, Limits,
    helper::{Call, Cancel, Failure, Status},
    time, waiting,
};

/// What `op` is given of the launcher's environment.
const PASSED: [&str; 24] = [
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "OP_CONFIG_DIR",
    "OP_BIOMETRIC_UNLOCK_ENABLED",
    "OP_CACHE",
    "OP_INCLUDE_ARCHIVE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "WSL_INTEROP",
];
const TOKEN: &str = "OP_SERVICE_ACCOUNT_TOKEN";

/// The program for one account.
pub(super) struct Op {
    pub(super) account: Account,
    environment: Vec<(OsString, OsString)>,
    /// `OP_SESSION_*` of a manual sign-in: often stale, so they are tried last.
    sessions: Vec<(OsString, OsString)>,
    path: Option<OsString>,
    helpers: Helpers,
}

/// One conversation with it, which may take several runs.
pub(super) struct Talk<'a> {
    op: &'a Op,
    program: PathBuf,
    limits: &'a Limits,
    cancel: &'a Cancel,
    /// Held so that several endows ask one person one after the other.
    lock: Option<lock::Lock>,
    uses_sessions: bool,
}

/// What a run said.
pub(super) enum Said {
    /// Its standard output.
    Output(Zeroizing<Vec<u8>>),
    /// It failed, and why.
    Complaint(String),
}

impl Op {
    pub(super) fn new(
        account: Account,
        environment: &[(OsString, OsString)],
        helpers: Helpers,
    ) -> Self {
        let variable = |name: &str| {
            let found = environment.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let path = variable("PATH");
        let mut passed: Vec<(OsString, OsString)> = PASSED
            .iter()
            .filter_map(|name| Some((OsString::from(name), variable(name)?)))
            .collect();
        passed.push(("PATH".into(), helpers.path(path.as_deref())));
        if let Some(term) = variable("TERM") {
            passed.push(("TERM".into(), term));
        }
        let is_session = |name: &OsStr| {
            let prefix = name.as_encoded_bytes().starts_with(b"OP_SESSION_");
            prefix && account.token.is_none()
        };
        let sessions = environment.iter().filter(|(name, _)| is_session(name));
        Self {
            sessions: sessions.cloned().collect(),
            account,
            environment: passed,
            path,
            helpers,
        }
    }

    /// Whether a person may be asked: never with a token.
    pub(super) fn may_ask(&self) -> bool {
        self.account.token.is_none()
    }

    /// Begins a conversation: finds the program, and waits for its turn where it may ask.
    pub(super) fn talk<'a>(
        &'a self,
        limits: &'a Limits,
        cancel: &'a Cancel,
    ) -> Result<Talk<'a>, Fault> {
        let program = self.helpers.find("op", self.path.as_deref());
        let program = program.ok_or_else(|| {
            let hint = self.helpers.hint_of_project("op");
            let fault = Fault::new(Class::Unreachable, "1Password's CLI `op` is not in PATH");
            fault.hinted(hint.unwrap_or_else(|| {
                "install it (https://developer.1password.com/docs/cli/get-started), or use a \
                 Connect server: OP_CONNECT_HOST and OP_CONNECT_TOKEN"
                    .to_owned()
            }))
        })?;
        let mut talk = Talk {
            op: self,
            program,
            limits,
            cancel,
            lock: None,
            uses_sessions: false,
        };
        if limits.approval.is_some() && self.may_ask() {
            talk.lock = lock::wait(self.account.name(), &self.environment, talk.end(), cancel)?;
        }
        Ok(talk)
    }

    /// The words that say which account.
    fn account_words(&self) -> Vec<OsString> {
        match &self.account.chosen {
            Some(name) if self.account.token.is_none() => {
                vec!["--account".into(), name.into()]
            }
            _ => Vec::new(),
        }
    }

    fn environment(&self, uses_sessions: bool, has_terminal: bool) -> Vec<(OsString, OsString)> {
        let mut environment = self.environment.clone();
        if !has_terminal {
            environment.retain(|(name, _)| name != "TERM");
        }
        if let Some(token) = &self.account.token {
            let token = String::from_utf8_lossy(token.expose()).into_owned();
            environment.push((TOKEN.into(), token.into()));
        }
        if uses_sessions {
            environment.extend(self.sessions.iter().cloned());
        }
        environment
    }
}

impl Talk<'_> {
    /// The end of everything: where a person may be asked, an approval later.
    fn end(&self) -> Instant {
        let longer = self.limits.approval.filter(|_| self.op.may_ask());
        time::after(self.limits.deadline, longer.unwrap_or_default())
    }

    /// The end of a run that begins now: an approval takes its own time and no more.
    fn end_of_run(&self) -> Instant {
        let approval = self.limits.approval.filter(|_| self.op.may_ask());
        let own = approval.map(time::from_now);
        own.map_or(self.limits.deadline, |own| own.max(self.limits.deadline))
            .min(self.end())
    }

    /// Runs `op WORDS`, with this on its standard input.
    pub(super) fn run(&self, words: &[&str], input: &[u8]) -> Result<Said, Fault> {
        let mut arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        arguments.extend(self.op.account_words());
        let approval = self.limits.approval.filter(|_| self.op.may_ask());
        let environment = self.op.environment(self.uses_sessions, approval.is_some());
        if approval.is_some() {
            waiting::asked("approve in 1Password");
        }
        let call = Call {
            program: &self.program,
            arguments,
            environment: &environment,
            // What stands in the working directory is nothing to it.
            directory: Some("/".into()),
            input,
            end: self.end_of_run(),
            approval,
            is_enough: &|_| false,
        };
        let ended = call.run(self.op.helpers.groups, self.cancel);
        waiting::over();
        let ended = ended.map_err(|failure| self.fault(&failure))?;
        Ok(match ended.status {
            Status::Exited(0) => Said::Output(ended.stdout),
            Status::Signalled(signal) => {
                let message = format!("`op` was ended by {signal}");
                return Err(Fault::new(Class::Unreachable, message));
            }
            _ => Said::Complaint(message::text(&ended.stderr)),
        })
    }

    /// The same, once more with the sessions of the environment where nobody is signed in.
    pub(super) fn ask(
        &mut self,
        words: &[&str],
        input: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Verdict> {
        loop {
            let verdict = match self.run(words, input).map_err(Verdict::Every)? {
                Said::Output(output) => return Ok(output),
                Said::Complaint(text) => message::verdict(&text),
            };
            if !(matches!(verdict, Verdict::SignedOut(_)) && self.try_sessions()) {
                return Err(verdict);
            }
        }
    }

    /// Gives it the sessions of the environment from now on; `false` where there are none, or it
    /// has them.
    pub(super) fn try_sessions(&mut self) -> bool {
        let is_new = !self.uses_sessions && !self.op.sessions.is_empty();
        self.uses_sessions = true;
        is_new
    }

    /// Waits before the same is asked again; `false` where there is no time left for it.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let left = self
            .limits
            .deadline
            .saturating_duration_since(Instant::now());
        if left <= pause * 2 || self.cancel.is_cancelled() {
            return false;
        }
        std::thread::sleep(pause);
        true
    }

    fn fault(&self, failure: &Failure) -> Fault {
        let may_ask = self.op.may_ask() && self.limits.approval.is_some();
        match failure {
            Failure::NotStarted(reason) => Fault::new(
                Class::Unreachable,
                format!("`op` could not be started: {reason}"),
            ),
            Failure::TimedOut | Failure::Cancelled => {
                let fault = Fault::new(
                    Class::TimedOut,
                    "`op` did not answer in time, and was killed",
                );
                fault.hinted(if may_ask {
                    "approve 1Password's request, or sign in beforehand: `op signin`"
                } else if self.op.may_ask() {
                    "it may wait for an approval that nobody sees: sign in beforehand with \
                     `op signin`, or use a service account: OP_SERVICE_ACCOUNT_TOKEN"
                } else {
                    "check the network, or give it longer: --timeout"
                })
            }
            Failure::TooMuch => Fault::new(Class::Malformed, "`op` printed more than 16 MiB"),
            Failure::WantsTerminal => Fault::new(
                Class::Unauthenticated,
                "`op` asks for something, and there is no terminal",
            )
            .hinted(
                "sign in beforehand with `op signin`, or use a service account: \
                 OP_SERVICE_ACCOUNT_TOKEN",
            ),
        }
    }
}

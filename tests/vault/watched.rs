//! What is watched for long: the sign-in is kept, and an error that lasts is told of.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::kept::{go, line, lines};
use crate::harness::{
    Test, http,
    listener::Listener,
    long,
    openbao::{AppRole, OpenBao},
    proxy, wait,
};

const SHOW: &str = "echo $A; until [ -e go ]; do sleep 0.05; done";

/// A mount with a secret, and a role that may read it.
struct Watched {
    mount: String,
    role: AppRole,
}

impl Watched {
    /// The tokens of the role end so soon, renewed or not.
    fn new(token: &Value) -> Self {
        let root = OpenBao::shared().root();
        let mount = root.kv(2);
        let role = root.app_role(&rules(&mount));
        let path = format!("auth/{}/role/chat", role.mount);
        root.call("POST", &path, token);
        let watched = Self { mount, role };
        watched.put("value-0");
        watched
    }

    fn put(&self, value: &str) {
        let root = OpenBao::shared().root();
        root.put(&self.mount, "chat", &json!({ "a": value }));
    }

    fn test(&self, address: &str, interval: &str) -> Test {
        let Self { mount, role } = self;
        let manifest = format!(
            "version: 1\nrun: {{ watch: {interval} }}\n{}env: {{ A: vault://{mount}/chat#a }}\n",
            role.settings()
        );
        Test::manifest(&manifest)
            .env("VAULT_ADDR", address)
            .env("SECRET_ID", &role.secret_id)
            .shell(SHOW)
    }

    fn sign_ins(&self, counted: &Listener) -> usize {
        let login = format!("/v1/auth/{}/login", self.role.mount);
        let requests = counted.requests();
        requests
            .iter()
            .filter(|request| request.target == login)
            .count()
    }

    /// How often it was looked at.
    fn looks(&self, counted: &Listener) -> usize {
        let look = format!("/v1/{}/metadata/chat", self.mount);
        let requests = counted.requests();
        requests
            .iter()
            .filter(|request| request.target == look)
            .count()
    }

    fn set_rules(&self, rules: Option<&str>) {
        let root = OpenBao::shared().root();
        let path = format!("sys/policies/acl/{}", self.role.policy);
        match rules {
            Some(rules) => root.call("POST", &path, &json!({ "policy": rules })),
            None => root.call("DELETE", &path, &Value::Null),
        };
    }
}

fn rules(mount: &str) -> String {
    format!("path \"{mount}/*\" {{ capabilities = [\"read\"] }}")
}

/// Standard error, line by line.
fn errors(child: &mut Child) -> BufReader<ChildStderr> {
    BufReader::new(child.stderr.take().expect("a pipe"))
}

/// Its next lines.
fn said(errors: &mut BufReader<ChildStderr>, count: usize) -> String {
    let mut said = String::new();
    for _ in 0..count {
        errors.read_line(&mut said).expect("a line");
    }
    said
}

#[track_caller]
fn end(test: &Test, child: &mut Child, errors: &mut BufReader<ChildStderr>) {
    go(test);
    assert!(child.wait().expect("endow ends").success());
    assert_eq!(said(errors, 1), "");
}

const CHANGED: &str = "endow: warning: `A` changed: the command is started again\n";
const AGAIN: &str = "endow: warning: `A` can be watched again\n";
const GOES_ON: &str =
    "hint: the command goes on with what it was given, and endow goes on looking\n";

#[test]
fn a_change_is_seen_however_often_the_token_has_ended() {
    let watched = Watched::new(&json!({ "token_ttl": "2s", "token_max_ttl": "4s" }));
    let counted = proxy::to(&OpenBao::shared().address());
    let test = watched.test(&counted.url(), "1s");
    let mut child = test.spawn();
    let (mut output, mut errors) = (lines(&mut child), errors(&mut child));
    assert_eq!(line(&mut output), "value-0");
    let end_of_all = Instant::now() + long(Duration::from_secs(10), Duration::from_mins(10));
    let mut changes = 0;
    while Instant::now() < end_of_all {
        let signed_in = watched.sign_ins(&counted);
        wait::until("it signs in anew", || {
            watched.sign_ins(&counted) > signed_in
        });
        changes += 1;
        watched.put(&format!("value-{changes}"));
        assert_eq!(line(&mut output), format!("value-{changes}"));
        assert_eq!(said(&mut errors, 1), CHANGED);
    }
    assert!(changes >= 2, "{changes}");
    end(&test, &mut child, &mut errors);
}

#[test]
fn a_change_is_seen_after_the_token_was_revoked() {
    let watched = Watched::new(&json!({}));
    let counted = proxy::to(&OpenBao::shared().address());
    let test = watched.test(&counted.url(), "100ms");
    let mut child = test.spawn();
    let (mut output, mut errors) = (lines(&mut child), errors(&mut child));
    assert_eq!(line(&mut output), "value-0");
    wait::until("it is looked at", || watched.looks(&counted) > 0);
    let requests = counted.requests();
    let mut newest = requests.iter().rev();
    let token = newest.find_map(|request| request.header("x-vault-token"));
    let token = token.expect("a token");
    let root = OpenBao::shared().root();
    root.call("POST", "auth/token/revoke", &json!({ "token": token }));
    watched.put("value-1");
    assert_eq!(line(&mut output), "value-1");
    assert_eq!(said(&mut errors, 1), CHANGED);
    assert_eq!(watched.sign_ins(&counted), 2);
    end(&test, &mut child, &mut errors);
}

#[test]
fn a_policy_that_is_removed_is_said_once_and_so_is_its_return() {
    let watched = Watched::new(&json!({}));
    let counted = proxy::to(&OpenBao::shared().address());
    let test = watched.test(&counted.url(), "100ms");
    let mut child = test.spawn();
    let (mut output, mut errors) = (lines(&mut child), errors(&mut child));
    assert_eq!(line(&mut output), "value-0");
    watched.set_rules(None);
    let denied = said(&mut errors, 2);
    let (warning, hint) = denied.split_once('\n').expect("two lines");
    assert!(
        warning.starts_with("endow: warning: `A` can't be watched: denied: "),
        "{denied}"
    );
    assert_eq!(hint, GOES_ON);
    let asked = counted.requests().len();
    wait::until("it is looked at again", || {
        counted.requests().len() > asked + 20
    });
    // Each is a token: they become rarer.
    let signed_in = watched.sign_ins(&counted);
    assert!(signed_in <= 8, "{signed_in}");
    watched.set_rules(Some(&rules(&watched.mount)));
    watched.put("value-1");
    assert_eq!(line(&mut output), "value-1");
    assert_eq!(said(&mut errors, 2), format!("{AGAIN}{CHANGED}"));
    end(&test, &mut child, &mut errors);
}

/// Many a policy allows the data alone: then the values are compared.
#[test]
fn a_change_is_seen_where_only_the_data_may_be_read() {
    let watched = Watched::new(&json!({}));
    let data = format!(
        "path \"{}/data/*\" {{ capabilities = [\"read\"] }}",
        watched.mount
    );
    watched.set_rules(Some(&data));
    let test = watched.test(&OpenBao::shared().url(), "100ms");
    let mut child = test.spawn();
    let (mut output, mut errors) = (lines(&mut child), errors(&mut child));
    assert_eq!(line(&mut output), "value-0");
    watched.put("value-1");
    assert_eq!(line(&mut output), "value-1");
    assert_eq!(said(&mut errors, 1), CHANGED);
    end(&test, &mut child, &mut errors);
}

#[test]
fn a_server_that_is_away_is_said_once_and_a_change_is_seen_when_it_is_back() {
    let watched = Watched::new(&json!({ "token_ttl": "3s", "token_max_ttl": "6s" }));
    let is_away = Arc::new(AtomicBool::new(false));
    let server = Listener::start({
        let is_away = Arc::clone(&is_away);
        move |request, stream| {
            if is_away.load(Ordering::SeqCst) {
                return Ok(false);
            }
            let upstream = OpenBao::shared().address();
            let (method, headers) = (&request.method, &request.headers);
            let response = http::ask(&upstream, method, &request.target, headers, &request.body)?;
            std::io::Write::write_all(stream, &response.to_bytes())?;
            Ok(false)
        }
    });
    let test = watched.test(&server.url(), "1s");
    let mut child = test.spawn();
    let (mut output, mut errors) = (lines(&mut child), errors(&mut child));
    assert_eq!(line(&mut output), "value-0");
    is_away.store(true, Ordering::SeqCst);
    let unreachable = said(&mut errors, 2);
    let (warning, hint) = unreachable.split_once('\n').expect("two lines");
    let is_said = ["unreachable", "timed out"].iter().any(|class| {
        warning.starts_with(&format!("endow: warning: `A` can't be watched: {class}: "))
    });
    assert!(is_said, "{unreachable}");
    assert_eq!(hint, GOES_ON);
    thread::sleep(long(Duration::ZERO, Duration::from_mins(10)));
    is_away.store(false, Ordering::SeqCst);
    watched.put("value-1");
    assert_eq!(line(&mut output), "value-1");
    assert_eq!(said(&mut errors, 2), format!("{AGAIN}{CHANGED}"));
    end(&test, &mut child, &mut errors);
}

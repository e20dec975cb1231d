//! Sign-in by each method that OpenBao has; the token that endow makes is its own to revoke.

use serde_json::{Value, json};

use super::{fails, reads};
use crate::harness::{
    Test,
    http::Response,
    openbao::{AppRole, OpenBao, Session, text, unique},
    proxy,
};

/// A secret, and a policy to read it.
pub(super) struct Secret {
    mount: String,
    pub(super) policy: String,
}

impl Secret {
    pub(super) fn new(session: &Session<'_>) -> Self {
        let mount = session.kv(2);
        session.put(&mount, "chat", &json!({ "a": "value-of-a" }));
        let policy = session.policy(&reads(&mount));
        Self { mount, policy }
    }

    pub(super) fn test(&self, auth: &str) -> Test {
        let mount = &self.mount;
        Test::manifest(&format!(
            "version: 1\nbackends: {{ vault: {{ auth: {{ {auth} }} }} }}\nenv: {{ A: vault://{mount}/chat#a }}\n"
        ))
        .env("VAULT_ADDR", OpenBao::shared().url())
        // A sign-in that is asked for does not fall back to a token that lies about.
        .env("VAULT_TOKEN", "hvs.a-token-that-no-server-knows")
        .known("value-of-a")
    }
}

/// The accessors of all tokens that have this policy: none is left where each was revoked.
fn tokens_with(policy: &str) -> usize {
    let root = OpenBao::shared().root();
    let accessors = root.call("LIST", "auth/token/accessors", &Value::Null);
    let accessors = accessors["data"]["keys"]
        .as_array()
        .expect("a list")
        .clone();
    let has = |accessor: &&Value| {
        let body = json!({ "accessor": accessor });
        let response = root.try_call("POST", "auth/token/lookup-accessor", &body);
        String::from_utf8_lossy(&response.body).contains(&format!("\"{policy}\""))
    };
    accessors.iter().filter(has).count()
}

/// The run succeeds, and the token that it made is gone.
#[track_caller]
pub(super) fn works(policy: &str, test: Test) {
    test.prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    assert_eq!(tokens_with(policy), 0, "endow's token lives on");
}

#[test]
fn by_app_role() {
    let root = OpenBao::shared().root();
    let secret = Secret::new(&root);
    let role = root.app_role(&reads(&secret.mount));
    let AppRole { mount, role_id, .. } = &role;
    let auth = format!(
        "method: approle, mount: {mount}, role_id: {role_id}, secret_id: {{ from: env://SECRET_ID }}"
    );
    let test = |given: &str| {
        let test = secret.test(&auth).env("SECRET_ID", given).known(given);
        test.known(role_id)
    };
    works(&role.policy, test(&role.secret_id));
    let wrong = "0d8b6b5e-1111-2222-3333-444455556666";
    let report = fails(test(wrong), &["A: unauthenticated: "]);
    assert!(report.contains(&format!("auth/{mount}/login")), "{report}");
}

#[test]
fn by_an_app_role_of_one_part_and_with_a_token_that_can_not_be_revoked() {
    let root = OpenBao::shared().root();
    let secret = Secret::new(&root);
    let mount = root.auth("approle");
    let role = json!({
        "token_policies": [secret.policy],
        "bind_secret_id": false,
        "secret_id_bound_cidrs": ["127.0.0.1/32"],
        "token_bound_cidrs": ["127.0.0.1/32"],
        "token_type": "batch",
    });
    root.call("POST", &format!("auth/{mount}/role/chat"), &role);
    let path = format!("auth/{mount}/role/chat/role-id");
    let role_id = text(&root.call("GET", &path, &Value::Null)["data"]["role_id"]);
    secret
        .test(&format!(
            "method: approle, mount: {mount}, role_id: {{ from: env://ROLE_ID }}"
        ))
        .env("ROLE_ID", &role_id)
        .known(&role_id)
        .prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
}

#[test]
fn by_user_name_and_password() {
    let root = OpenBao::shared().root();
    let secret = Secret::new(&root);
    let mount = root.auth("userpass");
    let user = json!({ "password": "password-of-dana", "token_policies": [secret.policy] });
    root.call("POST", &format!("auth/{mount}/users/dana"), &user);
    let auth = format!(
        "method: userpass, mount: {mount}, username: dana, password: {{ from: env://PASSWORD }}"
    );
    let test = |password: &str| secret.test(&auth).env("PASSWORD", password).known(password);
    works(&secret.policy, test("password-of-dana"));
    let report = fails(test("another-password"), &["A: unauthenticated: "]);
    assert!(report.contains(&format!("auth/{mount}/login")), "{report}");
}

#[test]
fn in_a_namespace_the_method_and_the_secret_are_those_of_the_namespace() {
    let space = OpenBao::shared().root().new_namespace();
    let secret = Secret::new(&space);
    let mount = space.auth("userpass");
    let user = json!({ "password": "password-of-dana", "token_policies": [secret.policy] });
    space.call("POST", &format!("auth/{mount}/users/dana"), &user);
    let auth = format!(
        "method: userpass, mount: {mount}, username: dana, password: {{ from: env://PASSWORD }}"
    );
    let test = secret.test(&auth).env("PASSWORD", "password-of-dana");
    test.env("VAULT_NAMESPACE", space.namespace())
        .prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    // No such method in the root namespace.
    fails(
        secret
            .test(&auth)
            .env("PASSWORD", "password-of-dana")
            .known("password-of-dana"),
        &["A: ", &format!("auth/{mount}/login")],
    );
}

#[test]
fn a_method_may_stand_in_a_namespace_of_its_own() {
    let root = OpenBao::shared().root();
    let space = root.new_namespace();
    let inner = space.new_namespace();
    let secret = Secret::new(&inner);
    let mount = space.auth("userpass");
    let inside = inner.namespace().rsplit('/').next().expect("a name");
    let policy = space.policy(&format!(
        "path \"{inside}/{}/*\" {{ capabilities = [\"read\"] }}",
        secret.mount
    ));
    let user = json!({ "password": "password-of-dana", "token_policies": [policy] });
    space.call("POST", &format!("auth/{mount}/users/dana"), &user);
    let auth = format!(
        "method: userpass, namespace: {}, mount: {mount}, username: dana, password: {{ from: env://PASSWORD }}",
        space.namespace()
    );
    secret
        .test(&auth)
        .env("PASSWORD", "password-of-dana")
        .env("VAULT_NAMESPACE", inner.namespace())
        .prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
}

#[test]
fn a_sign_in_that_wants_a_second_factor_says_so() {
    let root = OpenBao::shared().root();
    let secret = Secret::new(&root);
    let answer = json!({ "auth": { "client_token": "", "mfa_requirement": { "mfa_request_id": "1", "mfa_constraints": {} } } });
    let server = proxy::with(&OpenBao::shared().address(), move |request| {
        request.target.starts_with("/v1/auth/").then(|| Response {
            status: 200,
            headers: Vec::new(),
            body: answer.to_string().into_bytes(),
        })
    });
    let auth = "method: userpass, username: dana, password: { from: env://PASSWORD }";
    fails(
        secret
            .test(auth)
            .env("PASSWORD", "password-of-dana")
            .env("VAULT_ADDR", server.url()),
        &["A: unauthenticated: ", "second factor"],
    );
    let lines = server.lines();
    assert!(
        !lines.iter().any(|line| line.contains("/data/")),
        "{lines:?}"
    );
}

#[test]
fn an_unknown_method_is_refused_with_the_known_ones() {
    let secret = Secret::new(&OpenBao::shared().root());
    fails(
        secret.test(&format!("method: {}", unique("aprole"))),
        &["approle", "kubernetes", "jwt", "userpass", "cert"],
    );
}

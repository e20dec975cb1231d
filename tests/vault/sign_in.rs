//! Sign-in by each method that OpenBao has; the token that endow makes is its own to revoke.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::fails;
use crate::harness::{
    Test, faults,
    keys::{Certificate, Key},
    openbao::{OpenBao, Session, text, unique},
    proxy,
};

/// A secret, and a policy to read it.
struct Secret {
    mount: String,
    policy: String,
}

impl Secret {
    fn new(session: &Session<'_>) -> Self {
        let mount = session.kv(2);
        session.put(&mount, "chat", &json!({ "a": "value-of-a" }));
        let policy = session.policy(&format!(
            "path \"{mount}/*\" {{ capabilities = [\"read\"] }}"
        ));
        Self { mount, policy }
    }

    fn test(&self, auth: &str) -> Test {
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
fn works(secret: &Secret, test: Test) {
    test.prints_values()
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    assert_eq!(tokens_with(&secret.policy), 0, "endow's token lives on");
}

fn seconds_from_now(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    (now.expect("a time") + Duration::from_secs(seconds)).as_secs()
}

#[test]
fn by_app_role() {
    let root = OpenBao::shared().root();
    let secret = Secret::new(&root);
    let mount = root.auth("approle");
    let role = json!({ "token_policies": [secret.policy] });
    root.call("POST", &format!("auth/{mount}/role/chat"), &role);
    let answer = root.call(
        "GET",
        &format!("auth/{mount}/role/chat/role-id"),
        &Value::Null,
    );
    let role_id = text(&answer["data"]["role_id"]);
    let answer = root.call(
        "POST",
        &format!("auth/{mount}/role/chat/secret-id"),
        &json!({}),
    );
    let secret_id = text(&answer["data"]["secret_id"]);
    let auth = format!(
        "method: approle, mount: {mount}, role_id: {role_id}, secret_id: {{ from: env://SECRET_ID }}"
    );
    let test = |given: &str| {
        let test = secret.test(&auth).env("SECRET_ID", given).known(given);
        test.known(&role_id)
    };
    works(&secret, test(&secret_id));
    let report = fails(
        test("0d8b6b5e-1111-2222-3333-444455556666"),
        &["A: unauthenticated: "],
    );
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
fn by_kubernetes_with_the_service_accounts_token() {
    let root = OpenBao::shared().root();
    let secret = Secret::new(&root);
    let key = Key::new();
    let account =
        json!({ "namespace": "chat", "serviceaccount": { "name": "web", "uid": "1-2-3" } });
    let jwt = key.sign(&json!({
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:chat:web",
        "exp": seconds_from_now(600),
        "nbf": seconds_from_now(0),
        "iat": seconds_from_now(0),
        "kubernetes.io": account,
    }));
    // The cluster's part: it says whose token this is.
    let expected = jwt.clone();
    let cluster = faults::start(move |request, _| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let is_right = asked["spec"]["token"] == expected.as_str();
        let user = json!({ "username": "system:serviceaccount:chat:web", "uid": "1-2-3",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:chat", "system:authenticated"] });
        let status = json!({ "authenticated": is_right, "user": user });
        let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status });
        faults::reply(
            201,
            &[("content-type", "application/json")],
            review.to_string(),
        )
    });
    let mount = root.auth("kubernetes");
    root.call(
        "POST",
        &format!("auth/{mount}/config"),
        &json!({
            "kubernetes_host": cluster.url(),
            "kubernetes_ca_cert": Certificate::for_client("cluster").pem(),
            "token_reviewer_jwt": "reviewer",
            "disable_local_ca_jwt": true,
        }),
    );
    root.call(
        "POST",
        &format!("auth/{mount}/role/web"),
        &json!({
            "bound_service_account_names": ["web"],
            "bound_service_account_namespaces": ["chat"],
            "token_policies": [secret.policy],
        }),
    );
    let test = |jwt: &str| {
        let auth = format!(
            "method: kubernetes, mount: {mount}, role: {{ from: env://ROLE }}, jwt_file: token"
        );
        secret
            .test(&auth)
            .env("ROLE", "web")
            .file("token", format!("{jwt}\n"))
            .known(jwt)
    };
    works(&secret, test(&jwt));
    assert_eq!(
        cluster.lines(),
        ["POST /apis/authentication.k8s.io/v1/tokenreviews"]
    );
    let other = key.sign(&json!({ "iss": "kubernetes/serviceaccount", "sub": "x", "exp": seconds_from_now(600), "kubernetes.io": account }));
    fails(test(&other), &["A: unauthenticated: "]);
    let missing = format!("method: kubernetes, mount: {mount}, role: web");
    fails(
        secret.test(&missing),
        &["A: ", "/var/run/secrets/kubernetes.io/serviceaccount/token"],
    );
}

/// A JWT method whose key is ours, and a role `ci`.
fn jwt_method(root: &Session<'_>, secret: &Secret, key: &Key) -> String {
    let mount = root.auth("jwt");
    let body = json!({ "jwt_validation_pubkeys": [key.public] });
    root.call("POST", &format!("auth/{mount}/config"), &body);
    root.call(
        "POST",
        &format!("auth/{mount}/role/ci"),
        &json!({
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": ["https://vault.acme.dev"],
            "token_policies": [secret.policy],
        }),
    );
    mount
}

fn claims() -> Value {
    json!({ "sub": "repo:acme/chat", "aud": "https://vault.acme.dev", "exp": seconds_from_now(600), "iat": seconds_from_now(0) })
}

#[test]
fn by_a_token_of_the_ci_in_a_variable_or_a_file() {
    let root = OpenBao::shared().root();
    let (secret, key) = (Secret::new(&root), Key::new());
    let mount = jwt_method(&root, &secret, &key);
    let jwt = key.sign(&claims());
    let auth = format!("method: jwt, mount: {mount}, role: ci, jwt: {{ from: env://CI_TOKEN }}");
    works(
        &secret,
        secret.test(&auth).env("CI_TOKEN", &jwt).known(&jwt),
    );
    let auth_by_file = format!("method: jwt, mount: {mount}, role: ci, jwt_file: token");
    works(
        &secret,
        secret
            .test(&auth_by_file)
            .file("token", format!("{jwt}\n"))
            .known(&jwt),
    );
    let forged = Key::new().sign(&claims());
    fails(
        secret.test(&auth).env("CI_TOKEN", &forged).known(&forged),
        &["A: unauthenticated: "],
    );
}

#[test]
fn by_a_token_that_github_actions_is_asked_for() {
    let root = OpenBao::shared().root();
    let (secret, key) = (Secret::new(&root), Key::new());
    let mount = jwt_method(&root, &secret, &key);
    let jwt = key.sign(&claims());
    let given = jwt.clone();
    let github = faults::start(move |_, _| {
        let body = json!({ "count": 1, "value": given });
        faults::reply(
            200,
            &[("content-type", "application/json")],
            body.to_string(),
        )
    });
    let auth = format!(
        "method: jwt, mount: {mount}, role: ci, provider: github, audience: \"https://vault.acme.dev\""
    );
    let test = secret
        .test(&auth)
        .env(
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            format!("{}/token?api-version=2", github.url()),
        )
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")
        .known("request-token")
        .known(&jwt);
    works(&secret, test);
    let requests = github.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        requests[0].line(),
        "GET /token?api-version=2&audience=https%3A%2F%2Fvault.acme.dev"
    );
    let credential = requests[0].header("authorization").map(str::to_lowercase);
    assert_eq!(credential.as_deref(), Some("bearer request-token"));
    assert_eq!(requests[0].header("x-vault-token"), None);
    fails(
        secret.test(&auth),
        &["A: unauthenticated: ", "id-token: write"],
    );
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
    works(&secret, test("password-of-dana"));
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
        request
            .target
            .starts_with("/v1/auth/")
            .then(|| crate::harness::http::Response {
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

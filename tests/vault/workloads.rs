//! Sign-in by the identity that a platform gives a program: Kubernetes, GitHub Actions, any CI.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{
    fails,
    sign_in::{Secret, works},
};
use crate::harness::{
    faults,
    keys::{Certificate, Key},
    openbao::{OpenBao, Session},
};

fn seconds_from_now(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    (now.expect("a time") + Duration::from_secs(seconds)).as_secs()
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
    works(&secret.policy, test(&jwt));
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
        &secret.policy,
        secret.test(&auth).env("CI_TOKEN", &jwt).known(&jwt),
    );
    let auth_by_file = format!("method: jwt, mount: {mount}, role: ci, jwt_file: token");
    works(
        &secret.policy,
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
    works(&secret.policy, test);
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

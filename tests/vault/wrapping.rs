//! A wrapped secret id: used once, and only where the right path made it.

use serde_json::{Value, json};

use super::fails;
use crate::harness::{
    Test,
    openbao::{OpenBao, Session, text},
    proxy,
};

/// An AppRole whose secret ids can be wrapped.
struct Role {
    mount: String,
    id: String,
    secret: String,
}

impl Role {
    fn new() -> Self {
        Self::of(&OpenBao::shared().root())
    }

    fn of(root: &Session<'_>) -> Self {
        let secret = root.kv(2);
        root.put(&secret, "chat", &json!({ "a": "value-of-a" }));
        let policy = root.policy(&format!(
            "path \"{secret}/*\" {{ capabilities = [\"read\"] }}"
        ));
        let mount = root.auth("approle");
        for role in ["chat", "admin"] {
            let body = json!({ "token_policies": [policy] });
            root.call("POST", &format!("auth/{mount}/role/{role}"), &body);
        }
        let answer = root.call(
            "GET",
            &format!("auth/{mount}/role/chat/role-id"),
            &Value::Null,
        );
        let id = text(&answer["data"]["role_id"]);
        Self { mount, id, secret }
    }

    fn wrapped(&self, role: &str) -> String {
        let path = format!("auth/{}/role/{role}/secret-id", self.mount);
        OpenBao::shared().root().wrapped(&path, &json!({}))
    }

    fn test(&self, wrapped: &str) -> Test {
        let Self { mount, id, secret } = self;
        Test::manifest(&format!(
            "version: 1\nbackends:\n  vault:\n    auth: {{ method: approle, mount: {mount}, role: chat, role_id: {id}, wrapped_secret_id: {{ from: env://WRAPPED }} }}\nenv: {{ A: vault://{secret}/chat#a }}\n"
        ))
        .env("VAULT_ADDR", OpenBao::shared().url())
        .env("WRAPPED", wrapped)
        .known(wrapped)
    }
}

#[test]
fn a_wrapped_secret_id_signs_in_once() {
    let role = Role::new();
    let wrapped = role.wrapped("chat");
    role.test(&wrapped)
        .shell("echo $A")
        .stdout("value-of-a\n")
        .success();
    // Somebody has used it before: this is what an interception looks like.
    fails(
        role.test(&wrapped),
        &["A: unauthenticated: ", "wrapp", "hint: "],
    );
}

#[test]
fn a_wrapped_secret_id_of_a_namespace_signs_in_there() {
    let root = OpenBao::shared().root();
    let outer = root.new_namespace();
    for space in [outer.new_namespace(), outer] {
        let role = Role::of(&space);
        let path = format!("auth/{}/role/chat/secret-id", role.mount);
        let wrapped = space.wrapped(&path, &json!({}));
        role.test(&wrapped)
            .env("VAULT_NAMESPACE", space.namespace())
            .shell("echo $A")
            .stdout("value-of-a\n")
            .success();
    }
}

/// A secret id of any role would pass.
#[test]
fn a_wrapped_secret_id_without_its_role_is_refused_before_anything_is_asked() {
    let role = Role::new();
    let wrapped = role.wrapped("admin");
    let counted = proxy::to(&OpenBao::shared().address());
    let Role { mount, id, secret } = &role;
    let manifest = format!(
        "version: 1\nbackends:\n  vault:\n    auth: {{ method: approle, mount: {mount}, role_id: {id}, wrapped_secret_id: {{ from: env://WRAPPED }} }}\nenv: {{ A: vault://{secret}/chat#a }}\n"
    );
    let test = Test::manifest(&manifest)
        .env("VAULT_ADDR", counted.url())
        .env("WRAPPED", &wrapped)
        .known(&wrapped);
    fails(
        test,
        &[
            "A: malformed: ",
            "`auth.wrapped_secret_id` needs `role`",
            "hint: ",
        ],
    );
    assert_eq!(counted.lines(), [""; 0]);
}

#[test]
fn a_token_that_wraps_something_else_is_refused_and_not_used_up() {
    let role = Role::new();
    let root = OpenBao::shared().root();
    let foreign = root.wrapped(
        "sys/wrapping/wrap",
        &json!({ "secret_id": "forged-secret-id" }),
    );
    let of_another_role = role.wrapped("admin");
    for (wrapped, path) in [
        (foreign, "sys/wrapping/wrap".to_owned()),
        (
            of_another_role,
            format!("auth/{}/role/admin/secret-id", role.mount),
        ),
    ] {
        let counted = proxy::to(&OpenBao::shared().address());
        fails(
            role.test(&wrapped)
                .env("VAULT_ADDR", counted.url())
                .known("forged-secret-id"),
            &[
                "A: ",
                &format!("`{path}`"),
                &format!("`auth/{}/role/chat/secret-id`", role.mount),
            ],
        );
        assert_eq!(counted.lines(), ["POST /v1/sys/wrapping/lookup"]);
        let lookup = json!({ "token": wrapped });
        let response = root.try_call("POST", "sys/wrapping/lookup", &lookup);
        assert_eq!(response.status, 200, "it was used up");
    }
}

#[test]
fn an_ambiguous_failure_of_unwrapping_is_not_tried_again() {
    let role = Role::new();
    let wrapped = role.wrapped("chat");
    let server = proxy::with(&OpenBao::shared().address(), |request| {
        request
            .target
            .ends_with("/unwrap")
            .then(|| crate::harness::http::Response {
                status: 502,
                headers: Vec::new(),
                body: b"bad gateway".to_vec(),
            })
    });
    fails(
        role.test(&wrapped).env("VAULT_ADDR", server.url()),
        &["A: unreachable: "],
    );
    let lines = server.lines();
    let count = lines
        .iter()
        .filter(|line| line.ends_with("/unwrap"))
        .count();
    assert_eq!(count, 1, "{lines:?}");
}

//! Requests to a server, and what tests set up in it.

use serde_json::{Value, json};

use super::{
    super::{
        http::{self, Response},
        wait,
    },
    OpenBao, ROOT, text, unique,
};

/// An AppRole, and a secret id of it.
pub(crate) struct AppRole {
    pub(crate) mount: String,
    pub(crate) role_id: String,
    pub(crate) secret_id: String,
    /// What its tokens may do.
    pub(crate) policy: String,
}

impl AppRole {
    /// The `backends` of a manifest that signs in so, with the secret id in `SECRET_ID`.
    pub(crate) fn settings(&self) -> String {
        let Self { mount, role_id, .. } = self;
        format!(
            "backends: {{ vault: {{ auth: {{ method: approle, mount: {mount}, role_id: {role_id}, secret_id: {{ from: env://SECRET_ID }} }} }} }}\n"
        )
    }
}

/// Requests to a server in one namespace, with one token.
pub(crate) struct Session<'a> {
    server: &'a OpenBao,
    namespace: String,
    token: String,
}

impl<'a> Session<'a> {
    /// The root namespace, as root.
    pub(super) fn of(server: &'a OpenBao) -> Self {
        Self {
            server,
            namespace: String::new(),
            token: ROOT.into(),
        }
    }

    /// A new namespace below this one, as the same user.
    pub(crate) fn new_namespace(&self) -> Self {
        let name = unique("ns");
        self.call("POST", &format!("sys/namespaces/{name}"), &json!({}));
        Self {
            namespace: format!("{}{name}/", self.namespace),
            ..self.with(&self.token)
        }
    }

    /// The same with another token.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self {
            server: self.server,
            namespace: self.namespace.clone(),
            token: token.into(),
        }
    }

    /// The namespace without its last slash.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.trim_end_matches('/')
    }

    /// One request, which must succeed.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.try_call(method, path, body);
        let text = String::from_utf8_lossy(&response.body);
        assert!(
            response.status < 300,
            "{method} {path}: {} {text}",
            response.status
        );
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// One request.
    #[track_caller]
    pub(crate) fn try_call(&self, method: &str, path: &str, body: &Value) -> Response {
        let headers = [
            ("x-vault-token".to_owned(), self.token.clone()),
            ("x-vault-namespace".to_owned(), self.namespace.clone()),
        ];
        let body = body.to_string();
        let target = format!("/v1/{path}");
        http::ask(
            &self.server.address(),
            method,
            &target,
            &headers,
            body.as_bytes(),
        )
        .expect("OpenBao answers")
    }

    /// The answer of a request, wrapped: a token that gives it once.
    #[track_caller]
    pub(crate) fn wrapped(&self, path: &str, body: &Value) -> String {
        let headers = [
            ("x-vault-token".to_owned(), self.token.clone()),
            ("x-vault-namespace".to_owned(), self.namespace.clone()),
            ("x-vault-wrap-ttl".to_owned(), "10m".to_owned()),
        ];
        let (address, target) = (self.server.address(), format!("/v1/{path}"));
        let body = body.to_string();
        let response = http::ask(&address, "POST", &target, &headers, body.as_bytes());
        let body = response.expect("OpenBao answers").body;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        text(&answer["wrap_info"]["token"])
    }

    /// A new KV engine of this version, by its mount.
    pub(crate) fn kv(&self, version: u8) -> String {
        let mount = unique("kv");
        let options = json!({ "version": version.to_string() });
        self.mount(&mount, &json!({ "type": "kv", "options": options }));
        mount
    }

    /// A new engine.
    pub(crate) fn mount(&self, mount: &str, engine: &Value) {
        self.call("POST", &format!("sys/mounts/{mount}"), engine);
        // An engine of version 2 upgrades itself in the background, and refuses until then.
        if engine["options"]["version"] == "2" {
            let config = format!("{mount}/config");
            wait::until("the engine is upgraded", || {
                self.try_call("GET", &config, &Value::Null).status == 200
            });
        }
    }

    /// Writes a secret of a KV engine of version 2.
    #[track_caller]
    pub(crate) fn put(&self, mount: &str, path: &str, data: &Value) -> Value {
        let body = json!({ "data": data });
        self.call("POST", &format!("{mount}/data/{path}"), &body)
    }

    /// Writes a secret of a KV engine of either version.
    #[track_caller]
    pub(crate) fn write(&self, version: u8, mount: &str, path: &str, data: &Value) {
        if version == 1 {
            self.call("POST", &format!("{mount}/{path}"), data);
        } else {
            self.put(mount, path, data);
        }
    }

    /// A new authentication method of this type, by its mount.
    pub(crate) fn auth(&self, kind: &str) -> String {
        let mount = unique(kind);
        self.call(
            "POST",
            &format!("sys/auth/{mount}"),
            &json!({ "type": kind }),
        );
        mount
    }

    /// A new AppRole `chat` that may do this.
    pub(crate) fn app_role(&self, rules: &str) -> AppRole {
        let mount = self.auth("approle");
        let role = format!("auth/{mount}/role/chat");
        let policy = self.policy(rules);
        let body = json!({ "token_policies": [policy] });
        self.call("POST", &role, &body);
        let id = self.call("GET", &format!("{role}/role-id"), &Value::Null);
        let secret_id = self.call("POST", &format!("{role}/secret-id"), &json!({}));
        AppRole {
            mount,
            role_id: text(&id["data"]["role_id"]),
            secret_id: text(&secret_id["data"]["secret_id"]),
            policy,
        }
    }

    /// A new policy, by its name.
    pub(crate) fn policy(&self, rules: &str) -> String {
        let name = unique("policy");
        let body = json!({ "policy": rules });
        self.call("POST", &format!("sys/policies/acl/{name}"), &body);
        name
    }

    /// A new token that may do this.
    pub(crate) fn token(&self, rules: &str) -> String {
        let policy = self.policy(rules);
        let answer = self.call(
            "POST",
            "auth/token/create",
            &json!({ "policies": [policy] }),
        );
        text(&answer["auth"]["client_token"])
    }

    /// Whether a token is still good.
    pub(crate) fn is_valid(&self, token: &str) -> bool {
        let response = self
            .with(token)
            .try_call("GET", "auth/token/lookup-self", &Value::Null);
        response.status == 200
    }
}

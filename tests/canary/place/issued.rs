//! Places where endow signs in first: what it is issued is for itself alone.

use serde_json::{Value, json};

use super::{Place, texts};
use crate::{
    canary::{room::ISSUED, value::Canary},
    harness::{
        faults::{self, reply},
        random,
    },
};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

impl Place {
    /// A secret that a sign-in gives.
    fn issued(&mut self) -> String {
        let word = random::word(40);
        self.issued.push(Canary::of(ISSUED, word.as_bytes()));
        word
    }

    /// A Vault whose token comes of a sign-in. No real server lets a caller choose the token of one.
    pub(super) fn vault_signed_in(&mut self, values: &[Canary]) -> (String, String) {
        let secret_id = self.credential("SECRET_ID");
        let token = self.issued();
        let values = Value::Object(texts(values));
        let server = faults::start(move |request, _| {
            let is_known = request.header("x-vault-token") == Some(&token);
            let mount = json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } });
            let answer = match &*request.target {
                "/v1/auth/approle/login" => {
                    let body = String::from_utf8_lossy(&request.body).into_owned();
                    assert!(body.contains(&secret_id), "it signs in");
                    json!({ "auth": {
                        "client_token": token, "accessor": "an-accessor", "policies": ["chat"],
                        "lease_duration": 3600, "renewable": true, "token_type": "service",
                    } })
                }
                _ if !is_known => return reply(403, JSON, "{\"errors\":[\"permission denied\"]}"),
                "/v1/sys/internal/ui/mounts/secret/chat" => json!({ "data": mount }),
                "/v1/secret/data/chat" => json!({ "data": { "data": values, "metadata": {
                    "version": 1, "created_time": "2026-01-02T03:04:05.6Z", "deletion_time": "",
                    "destroyed": false, "custom_metadata": null,
                } } }),
                _ => json!({}),
            };
            reply(200, JSON, answer.to_string())
        });
        self.env("VAULT_ADDR", server.url().as_bytes());
        self.kept.push(Box::new(server));
        let auth = "method: approle, role_id: a-role, secret_id: { from: env://SECRET_ID }";
        let backends = format!("backends: {{ vault: {{ auth: {{ {auth} }} }} }}\n");
        (backends, "vault://secret/chat#".into())
    }

    /// Secrets Manager with the keys of a container's task.
    pub(super) fn container(&mut self, values: &[Canary]) -> String {
        let prefix = self.secrets("aws-sm", values);
        let authorization = self.credential("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        let (secret, token) = (self.issued(), self.issued());
        let agent = faults::start(move |request, _| {
            assert_eq!(request.header("authorization"), Some(&*authorization));
            let keys = json!({
                "AccessKeyId": "ASIAOFTHETASK0000000", "SecretAccessKey": secret, "Token": token,
                "Expiration": "2099-01-01T00:00:00Z",
            });
            reply(200, JSON, keys.to_string())
        });
        let url = format!("{}/v2/credentials", agent.url());
        self.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_bytes());
        self.kept.push(Box::new(agent));
        prefix
    }
}

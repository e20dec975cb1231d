//! The services that are asked over HTTP: a project of each, and its answers as a script has them.

use serde_json::json;

use super::{Given, TIMEOUT};
use crate::harness::{
    Test,
    aws::{KEY, REGION},
    faults::{Step, reply},
    http::Request,
};

pub(super) const BACKENDS: &[&str] = &["vault", "aws-sm", "aws-ssm", "op (Connect)"];

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const VAULT: &str = "ionaiwtdvgclrixbt6ztpqcxnq";
const ITEM: &str = "ipifsyjdmyeg4e75ujmbkrefl4";

/// A project that asks the service at `url` for the value of `A`.
pub(super) fn project(backend: &str, url: &str, given: &Given) -> Test {
    let place = match backend {
        "vault" => "vault://secret/chat#a".to_owned(),
        "aws-sm" => "aws-sm://a".to_owned(),
        "aws-ssm" => "aws-ssm:///a".to_owned(),
        _ => format!("op://{VAULT}/{ITEM}/a"),
    };
    let manifest = format!("version: 1\nenv: {{ A: \"{place}\" }}\n{TIMEOUT}");
    let test = Test::manifest(&manifest);
    let credential = &given.credential;
    match backend {
        "vault" => test.env("VAULT_ADDR", url).env("VAULT_TOKEN", credential),
        "aws-sm" | "aws-ssm" => test
            .env("AWS_ENDPOINT_URL", url)
            .env("AWS_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", credential),
        _ => test
            .env("OP_CONNECT_HOST", url)
            .env("OP_CONNECT_TOKEN", credential),
    }
}

/// What is asked besides the value, as a server in health answers it.
pub(super) fn aside(backend: &str, request: &Request) -> Option<Vec<Step>> {
    let target = &request.target;
    if backend != "vault" || target.starts_with("/v1/secret/") {
        return None;
    }
    let mount = json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } });
    if target.starts_with("/v1/sys/internal/ui/mounts/") {
        return Some(reply(200, JSON, json!({ "data": mount }).to_string()));
    }
    // The token is good, and the server in health.
    Some(reply(200, JSON, "{\"data\":{}}"))
}

/// The body of a good answer.
pub(super) fn body(backend: &str, given: &Given) -> String {
    let value = &given.value;
    let body = match backend {
        "vault" => json!({ "data": {
            "data": { "a": value },
            "metadata": { "version": 1, "created_time": "2026-01-02T03:04:05.6Z", "deletion_time": "", "destroyed": false, "custom_metadata": null },
        } }),
        "aws-sm" => {
            json!({ "ARN": format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:a-AbCdEf"), "Name": "a", "SecretString": value })
        }
        "aws-ssm" => json!({
            "Parameters": [{ "Name": "/a", "Type": "SecureString", "Value": value, "Version": 1, "ARN": format!("arn:aws:ssm:{REGION}:123456789012:parameter/a") }],
            "InvalidParameters": [],
        }),
        _ => json!({
            "id": ITEM, "title": "Chat", "vault": { "id": VAULT }, "category": "API_CREDENTIAL", "version": 3,
            "fields": [{ "id": "a", "type": "CONCEALED", "label": "a", "value": value }],
        }),
    };
    body.to_string()
}

/// A refusal in the service's own words. Those of AWS say by their type what others say by their
/// status; some words quote what was sent.
pub(super) fn refusal(backend: &str, status: u16, given: &Given) -> Vec<Step> {
    let quote = format!("refused: {}", given.credential);
    match backend {
        "vault" => reply(status, JSON, json!({ "errors": [quote] }).to_string()),
        "aws-sm" | "aws-ssm" => aws(backend, status),
        _ => {
            let body = json!({ "status": status, "message": "as the test wants it" });
            reply(status, JSON, body.to_string())
        }
    }
}

fn aws(backend: &str, status: u16) -> Vec<Step> {
    let refuse = |status: u16, name: &str, headers: &[(&str, &str)]| {
        let body = json!({ "__type": name, "message": "-" }).to_string();
        reply(status, headers, body)
    };
    match status {
        400 => refuse(400, "ValidationException", &[]),
        401 => refuse(400, "UnrecognizedClientException", &[]),
        403 => refuse(400, "AccessDeniedException", &[]),
        404 if backend == "aws-ssm" => {
            let body = json!({ "Parameters": [], "InvalidParameters": ["/a"] });
            reply(200, &[], body.to_string())
        }
        404 => refuse(400, "ResourceNotFoundException", &[]),
        429 => refuse(429, "TooManyRequestsException", &[]),
        status => refuse(status, "InternalServiceError", &[]),
    }
}

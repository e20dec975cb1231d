//! One server that is Vault and Secrets Manager, as far as these launches ask, and fails by the name
//! of what it is asked for.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    tests::harness::{
        faults::{self, Step, head, reply},
        http::Request,
        listener::Listener,
    },
    world::VALUE,
};

/// What a server can do wrong. One that refuses connections is another address.
pub(crate) const FAULTS: [&str; 8] = [
    "403", "500", "cut", "garbage", "hang", "missing", "refused", "reset",
];
/// Those that are waited for or tried again until the deadline.
pub(crate) const LASTING: [&str; 6] = ["500", "cut", "garbage", "hang", "refused", "reset"];

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

pub(crate) struct Server {
    listener: Listener,
    leases: Arc<Mutex<Leases>>,
}

/// The launches that a lease was given to, and those whose lease came back.
#[derive(Default)]
pub(crate) struct Leases {
    pub(crate) given: BTreeSet<usize>,
    pub(crate) revoked: BTreeSet<usize>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let leases: Arc<Mutex<Leases>> = Arc::default();
        let listener = faults::start({
            let leases = Arc::clone(&leases);
            move |request, _| answer(request, &leases)
        });
        Self { listener, leases }
    }

    pub(crate) fn url(&self) -> String {
        self.listener.url()
    }

    pub(crate) fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().expect("the leases")
    }
}

fn answer(request: &Request, leases: &Mutex<Leases>) -> Vec<Step> {
    let target = request.target.split('?').next().unwrap_or_default();
    if target == "/" {
        return secrets_manager(request);
    }
    if let Some(path) = target.strip_prefix("/v1/sys/internal/ui/mounts/") {
        let data = if path.starts_with("database") {
            json!({ "path": "database/", "type": "database" })
        } else {
            json!({ "path": "secret/", "type": "kv", "options": { "version": "2" } })
        };
        return reply(200, JSON, json!({ "data": data }).to_string());
    }
    if target.starts_with("/v1/sys/leases/revoke") {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let launch = body["lease_id"].as_str().and_then(launch_of);
        leases.lock().expect("the leases").revoked.extend(launch);
        return reply(204, JSON, "");
    }
    if let Some(does) = target.strip_prefix("/v1/database/creds/") {
        let (what, launch) = (does.split('-').next().unwrap_or_default(), launch_of(does));
        return by_name(what, || {
            leases.lock().expect("the leases").given.extend(launch);
            json!({ "lease_id": format!("database/creds/{does}"), "lease_duration": 3600, "renewable": true, "data": { "password": VALUE } })
        });
    }
    match target.strip_prefix("/v1/secret/data/") {
        Some(does) => by_name(does, || {
            let metadata = json!({ "version": 1, "created_time": "2026-01-02T03:04:05.6Z", "deletion_time": "", "destroyed": false });
            json!({ "data": { "data": { "a": VALUE }, "metadata": metadata } })
        }),
        // The token is good, and the server in health.
        None => reply(200, JSON, "{\"data\":{}}"),
    }
}

/// `good-12` is of the twelfth.
fn launch_of(name: &str) -> Option<usize> {
    name.rsplit('-').next()?.parse().ok()
}

/// `GetSecretValue` and `DescribeSecret` of a secret that is named after what is to happen.
fn secrets_manager(request: &Request) -> Vec<Step> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match body["SecretId"].as_str().unwrap_or("garbage") {
        "403" => reply(400, JSON, "{\"__type\":\"AccessDeniedException\"}"),
        "missing" => reply(400, JSON, "{\"__type\":\"ResourceNotFoundException\"}"),
        does => by_name(
            does,
            || json!({ "ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:good-AbCdEf", "Name": "good", "SecretString": VALUE }),
        ),
    }
}

fn by_name(does: &str, good: impl Fn() -> Value) -> Vec<Step> {
    match does {
        "good" => reply(200, JSON, good().to_string()),
        "403" => reply(403, JSON, "{\"errors\":[\"permission denied\"]}"),
        "missing" => reply(404, JSON, "{\"errors\":[]}"),
        "500" => reply(500, JSON, "{\"errors\":[\"no\"]}"),
        "garbage" => reply(200, JSON, "<html>{"),
        "cut" => vec![head(200, 4096), Step::Send(b"{\"data\"".to_vec())],
        "hang" => vec![Step::Wait(Duration::from_millis(5)), Step::Hold],
        _ => vec![Step::Reset],
    }
}

//! Credentials that the server makes for each reader: one read, one lease, and its token kept.

use std::process::Command;

use serde_json::{Value, json};

use super::{project, reads};
use crate::harness::{
    Test,
    openbao::{OpenBao, ROOT, unique},
    postgres::{self, Postgres},
    proxy, wait,
};

/// A database engine over the private cluster, with a role `chat`.
pub(super) fn database(ttl: &str) -> String {
    database_until(ttl, "24h")
}

/// The same; no lease is renewed beyond `longest`.
pub(super) fn database_until(ttl: &str, longest: &str) -> String {
    let root = OpenBao::shared().root();
    let mount = unique("database");
    root.mount(&mount, &json!({ "type": "database" }));
    let port = Postgres::shared().port();
    let url = format!(
        "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres?sslmode=disable"
    );
    root.call(
        "POST",
        &format!("{mount}/config/main"),
        &json!({
            "plugin_name": "postgresql-database-plugin",
            "allowed_roles": "chat",
            "connection_url": url,
            "username": "postgres",
            "password": postgres::PASSWORD,
        }),
    );
    let create = format!(
        "CREATE ROLE \"{{{{name}}}}\" WITH LOGIN PASSWORD '{{{{password}}}}' VALID UNTIL '{{{{expiration}}}}'; COMMENT ON ROLE \"{{{{name}}}}\" IS '{mount}'"
    );
    root.call(
        "POST",
        &format!("{mount}/roles/chat"),
        &json!({
            "db_name": "main",
            "creation_statements": [create],
            "default_ttl": ttl,
            "max_ttl": longest,
        }),
    );
    mount
}

/// An AppRole that may read the engine: the settings of a manifest, and the secret id.
pub(super) fn app_role(mount: &str) -> (String, String) {
    let role = OpenBao::shared().root().app_role(&reads(mount));
    (role.settings(), role.secret_id)
}

/// A run whose command can log in to the cluster by `psql`.
pub(super) fn test(mount: &str, settings: &str, address: &str) -> Test {
    let port = Postgres::shared().port();
    let manifest = format!(
        "version: 1\n{settings}env: {{ PGUSER: vault://{mount}/creds/chat#username, PGPASSWORD: vault://{mount}/creds/chat#password }}\nvalues: {{ PGHOST: 127.0.0.1, PGPORT: {port}, PGDATABASE: postgres }}\n"
    );
    Test::manifest(&manifest).env("VAULT_ADDR", address)
}

pub(super) const LOG_IN: &str = "psql -X -A -t -c \"select current_user = '$PGUSER'\"";

/// How many leases of the engine live.
pub(super) fn leases(mount: &str) -> usize {
    let root = OpenBao::shared().root();
    let path = format!("sys/leases/lookup/{mount}/creds/chat");
    let response = root.try_call("LIST", &path, &Value::Null);
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    answer["data"]["keys"].as_array().map_or(0, Vec::len)
}

/// How many users the engine has in the cluster.
pub(super) fn users(mount: &str) -> String {
    let made = format!("shobj_description(oid, 'pg_authid') = '{mount}'");
    let output = Command::new(postgres::program("psql"))
        .args(["-X", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres"])
        .args(["-p", &Postgres::shared().port().to_string()])
        .args(["-c", &format!("select count(*) from pg_roles where {made}")])
        .env("PGPASSWORD", postgres::PASSWORD)
        .output()
        .expect("psql starts");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// The server ends the leases of a revoked token in its own time, and soon.
#[track_caller]
pub(super) fn assert_gone(mount: &str) {
    wait::until("the lease and its user end", || {
        leases(mount) == 0 && users(mount) == "0"
    });
}

#[test]
fn a_user_and_a_password_of_one_lease_log_in_to_postgresql() {
    let mount = database("1h");
    let counted = proxy::to(&OpenBao::shared().address());
    test(&mount, "", &counted.url())
        .env("VAULT_TOKEN", ROOT)
        .known(ROOT)
        .shell(LOG_IN)
        .stdout("t\n")
        .success();
    assert_gone(&mount);
    let lines = counted.lines();
    let reads = lines
        .iter()
        .filter(|line| **line == format!("GET /v1/{mount}/creds/chat"))
        .count();
    assert_eq!(reads, 1, "{lines:?}");
}

#[test]
fn the_token_that_a_lease_hangs_on_lives_while_the_command_runs() {
    let mount = database("1h");
    let (settings, secret_id) = app_role(&mount);
    test(&mount, &settings, &OpenBao::shared().url())
        .env("SECRET_ID", secret_id)
        .shell(LOG_IN)
        .stdout("t\n")
        .success();
}

#[test]
fn after_a_check_the_lease_is_gone_with_the_token() {
    let mount = database("1h");
    let (settings, secret_id) = app_role(&mount);
    test(&mount, &settings, &OpenBao::shared().url())
        .env("SECRET_ID", secret_id)
        .args(["check"])
        .any_stdout()
        .any_stderr()
        .success();
    assert_gone(&mount);
}

#[test]
fn after_a_run_that_failed_the_lease_is_gone_with_the_token() {
    let mount = database("1h");
    let (settings, secret_id) = app_role(&mount);
    let failing = test(&mount, &settings, &OpenBao::shared().url());
    let manifest = std::fs::read_to_string(failing.path("secretfile.yaml")).expect("the manifest");
    failing
        .file(
            "secretfile.yaml",
            manifest.replace("env: {", "env: { OTHER: file://none,"),
        )
        .env("SECRET_ID", secret_id)
        .run(["echo", "started"])
        .any_stderr()
        .status(125);
    assert_gone(&mount);
}

#[test]
fn the_users_own_token_outlives_a_check_of_leases() {
    let mount = database("1h");
    let root = OpenBao::shared().root();
    let token = root.token(&reads(&mount));
    test(&mount, "", &OpenBao::shared().url())
        .env("VAULT_TOKEN", &token)
        .args(["check"])
        .any_stdout()
        .any_stderr()
        .success();
    assert!(root.is_valid(&token));
}

#[test]
fn a_leased_secret_of_the_key_value_engine_is_read_like_any_other() {
    let server = OpenBao::leased();
    let root = server.root();
    root.call(
        "POST",
        "secret/chat",
        &json!({ "a": "leased-value", "ttl": "1h" }),
    );
    project(
        "version: 1\nenv: { A: vault://secret/chat#a }\n",
        &server.url(),
        ROOT,
    )
    .shell("echo $A")
    .stdout("leased-value\n")
    .success();
}

//! A value that has come stands in the arena alone, whatever library it came through.

use serde_json::json;

use super::{LATE, assert_in_arena_alone, canary, waiting};
use crate::{
    aws,
    exec::Program,
    harness::{
        Test,
        aws::Aws,
        openbao::{OpenBao, unique},
    },
    op::{
        StandIn, chat,
        connect::{self, Connect},
    },
    vault,
};

/// A project with a second value that comes late.
fn late(entry: &str) -> Test {
    Test::manifest(&manifest(entry))
}

fn manifest(entry: &str) -> String {
    format!("version: 1\nenv:\n  {entry}\n  {LATE}\n")
}

#[track_caller]
fn assert_stands_in_arena_alone(test: Test, value: &str) {
    waiting(test.known(value), |child| {
        assert_in_arena_alone(child.id(), value);
    });
}

#[test]
fn of_a_dotenv_file() {
    let value = canary();
    let other = canary();
    let test = late("API_KEY: dotenv://.env");
    let content = format!("OTHER={other}\nAPI_KEY=\"{value}\"\n");
    assert_stands_in_arena_alone(test.dotenv(&content), &value);
}

#[test]
fn of_a_file_and_of_a_field_of_one() {
    let value = canary();
    let test = late("API_KEY: file://value").file_with_mode("value", &value, 0o600);
    assert_stands_in_arena_alone(test, &value);
    let (value, other) = (canary(), canary());
    let content = json!({"other": other, "deep": {"key": value}}).to_string();
    let test = late("API_KEY: file://value#/deep/key").file_with_mode("value", content, 0o600);
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_a_template_and_of_its_parts() {
    let value = canary();
    let entry = "PART: { from: file://value, export: false }\n  \
        URL: { template: \"postgres://user:${PART|url}@db/chat\" }";
    let test = late(entry).file_with_mode("value", &value, 0o600);
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_vault() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let (value, mount) = (canary(), root.kv(2));
    root.put(&mount, "chat", &json!({"other": "value", "key": value}));
    let token = vault::reader(&root, &mount);
    let content = manifest(&format!("API_KEY: vault://{mount}/chat#key"));
    let test = vault::project(&content, &server.url(), &token);
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_vault_by_tls() {
    let (server, value) = (OpenBao::tls(), canary());
    // Long, and in several answers: what TLS reads next writes over some of it by chance.
    let field = format!("key={}", value.repeat(40));
    let mut entries = String::new();
    for number in 0..4 {
        let place = format!("secret/{}", unique("memory"));
        server.bao(&["kv", "put", &place, &field]);
        entries += &format!("KEY_{number}: vault://{place}#key\n  ");
    }
    let test = vault::project(&manifest(&entries), &server.url(), vault::tls::token())
        .env("VAULT_CACERT", vault::tls::authority());
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_secrets_manager() {
    let value = canary();
    let name = unique("memory");
    Aws::moto().secret(&name, &json!({"other": "value", "key": value}).to_string());
    let test = Aws::moto().project(&manifest(&format!("API_KEY: aws-sm://{name}#key")));
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_secrets_manager_by_tls() {
    let (value, name) = (canary(), unique("memory"));
    let text = manifest(&format!("API_KEY: aws-sm://{name}"));
    assert_stands_in_arena_alone(aws::tls::with_secret(&text, &name, &value), &value);
}

#[test]
fn of_parameter_store() {
    let (value, name) = (canary(), unique("memory"));
    Aws::moto().parameter(&format!("/{name}/key"), &value);
    let test = Aws::moto().project(&manifest(&format!("API_KEY: aws-ssm:///{name}/key")));
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_the_tool_of_1password() {
    let value = canary();
    let (test, _op) = StandIn::install(
        late("KEY: op://AI Team/Chat/key"),
        &chat(&[("key", value.as_str())]),
    );
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_1password_connect() {
    let value = canary();
    let fields = json!([connect::field("key", &value)]);
    let connect = Connect::start(connect::vault(&[connect::item(1, "Chat", &fields)]));
    let test = connect.named(late("KEY: op://AI Team/Chat/key"));
    assert_stands_in_arena_alone(test, &value);
}

#[test]
fn of_a_program() {
    let value = canary();
    let program = Program::of("summon_stream.py", &json!({"prod/db": value}));
    let test = program.manifest("", &format!("API_KEY: own://prod/db, {LATE}"));
    assert_stands_in_arena_alone(test, &value);
}

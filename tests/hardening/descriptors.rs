//! Every descriptor that endow opens is closed on exec, but for what is meant for a program: files
//! in memory, and the streams of what it starts.

use serde_json::json;

use crate::{
    aws, exec,
    harness::{
        Test,
        openbao::{OpenBao, unique},
        trace::{makes_process, of_endow, result, traced},
    },
    op::{StandIn, chat, connect},
    supervise::keyboard::on_terminal,
    vault,
};

/// Calls that make descriptors, or change what becomes of one; `pidfd_open` makes none that stays.
const CALLS: &str = "open,openat,openat2,creat,socket,socketpair,pipe,pipe2,dup,dup2,dup3,fcntl,\
    accept,accept4,memfd_create,memfd_secret,epoll_create,epoll_create1,eventfd,eventfd2,signalfd,\
    signalfd4,inotify_init,inotify_init1,timerfd_create,userfaultfd,recvmsg";

/// The first descriptor of a file in memory.
const FIRST_OF_MEMORY: i32 = 200;

/// How a call made a descriptor.
#[derive(Debug, PartialEq, Eq)]
enum Made {
    /// It made none.
    None,
    /// One that is closed on exec, or is meant for a program.
    Rightly,
    /// One that a program would inherit.
    Openly(i32),
}

fn made(call: &str) -> Made {
    let Some(descriptor) = result(call) else {
        return Made::None;
    };
    let (name, words) = call.split_once('(').unwrap_or((call, ""));
    let is_right = match name {
        "fcntl" if words.contains("F_DUPFD_CLOEXEC") => true,
        // A file in memory is the command's.
        "fcntl" if words.contains("F_DUPFD,") => descriptor >= FIRST_OF_MEMORY,
        "fcntl" if words.contains("F_SETFD, 0") => false,
        "execve" | "fcntl" => return Made::None,
        "recvmsg" if !words.contains("SCM_RIGHTS") => return Made::None,
        // A program's own streams.
        "dup2" | "dup3" if descriptor <= 2 => true,
        _ if makes_process(call) => return Made::None,
        _ => words.contains("CLOEXEC"),
    };
    if is_right {
        Made::Rightly
    } else {
        Made::Openly(descriptor)
    }
}

/// Calls of a process by which something was open when a program could be started.
fn left_open(calls: &[String]) -> Vec<&String> {
    let mut open = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let Made::Openly(descriptor) = made(call) else {
            continue;
        };
        let closing = format!("fcntl({descriptor}, F_SETFD, FD_CLOEXEC)");
        let mut then = calls[at + 1..]
            .iter()
            .take_while(|call| !makes_process(call) && !call.starts_with("execve("));
        if !then.any(|call| call.starts_with(&closing)) {
            open.push(call);
        }
    }
    open
}

/// Runs it traced; `calls` must be among what endow did, so that the run was the one that is meant.
#[track_caller]
fn assert_closed_on_exec(test: Test, calls: &[&str]) {
    let (test, traces) = traced(test, CALLS);
    test.any_stdout().any_stderr().prints_values().success();
    let own = of_endow(traces.path());
    let all: Vec<&String> = own.values().flatten().collect();
    let count = all
        .iter()
        .filter(|call| made(call) == Made::Rightly)
        .count();
    assert!(count >= 3, "{all:#?}");
    for wanted in calls {
        assert!(
            all.iter().any(|call| call.contains(wanted)),
            "{wanted}: {all:#?}"
        );
    }
    let open: Vec<&String> = own.values().flat_map(|calls| left_open(calls)).collect();
    assert!(open.is_empty(), "a program would inherit: {open:#?}");
}

fn project(entry: &str) -> Test {
    Test::manifest(&format!("version: 1\nenv: {{ API_KEY: {entry} }}\n")).file_with_mode(
        ".env",
        "API_KEY=value-of-descriptors\n",
        0o600,
    )
}

const DOTENV: &str = "dotenv://.env";

#[test]
fn of_a_run_that_reads_files() {
    assert_closed_on_exec(project(DOTENV).run(["true"]), &[".env"]);
    assert_closed_on_exec(project("file://.env").run(["true"]), &[".env"]);
}

#[test]
fn of_other_commands() {
    for words in [
        &["check"] as &[&str],
        &["get", "API_KEY"],
        &["export", "--format", "json"],
        &["explain"],
        &["trust"],
    ] {
        assert_closed_on_exec(project(DOTENV).args(words), &["secretfile.yaml"]);
    }
}

#[test]
fn of_files_in_memory_and_on_tmpfs() {
    let memory = project("{ from: file://.env, as: file }");
    assert_closed_on_exec(memory.run(["true"]), &["memfd_create", "F_DUPFD, 200"]);
    let tmpfs = project("{ from: file://.env, as: { file: tmpfs } }");
    assert_closed_on_exec(tmpfs.run(["true"]), &["/dev/shm", "O_CREAT"]);
}

#[test]
fn of_who_stays_with_the_command() {
    let staying = || project(DOTENV);
    assert_closed_on_exec(staying().flags(["--init"]).run(["true"]), &["pipe2"]);
    assert_closed_on_exec(staying().flags(["--redact"]).run(["true"]), &["pipe2"]);
    let user = ["--init", "--user", "nobody"];
    assert_closed_on_exec(staying().flags(user).run(["true"]), &["/etc/passwd"]);
}

#[test]
fn of_who_stays_on_a_terminal() {
    for flags in [&["--init"] as &[&str], &["--redact"]] {
        let test = on_terminal(project(DOTENV), &[]);
        assert_closed_on_exec(test.flags(flags).run(["true"]), &["/dev/tty"]);
    }
    let test = on_terminal(project(DOTENV), &[]).flags(["--redact"]);
    assert_closed_on_exec(test.run(["true"]), &["/dev/ptmx"]);
}

#[test]
fn of_who_keeps_values() {
    let test = project(DOTENV).flags(["--watch"]).run(["true"]);
    assert_closed_on_exec(test, &["/dev/null"]);
}

#[test]
fn of_vault() {
    let (server, root) = (OpenBao::shared(), OpenBao::shared().root());
    let mount = root.kv(2);
    root.put(&mount, "chat", &json!({"key": "value-of-descriptors"}));
    let manifest = format!("version: 1\nenv: {{ API_KEY: vault://{mount}/chat#key }}\n");
    let test = vault::project(&manifest, &server.url(), &vault::reader(&root, &mount));
    assert_closed_on_exec(test.run(["true"]), &["epoll_create1", "socket(AF_INET"]);
}

#[test]
fn of_aws_by_tls() {
    let name = unique("descriptors");
    let manifest = format!("version: 1\nenv: {{ API_KEY: aws-sm://{name} }}\n");
    let test = aws::tls::with_secret(&manifest, &name, "value-of-descriptors");
    let config = "[profile chat]\ncredential_process = cat keys.json\n";
    let keys = json!({"Version": 1, "AccessKeyId": "AKIAOFTHEPROCESS0000", "SecretAccessKey": "x"});
    let test = test
        .file("config", config)
        .file("keys.json", keys.to_string())
        .env_path("AWS_CONFIG_FILE", "config")
        .env("AWS_PROFILE", "chat")
        .without_env("AWS_ACCESS_KEY_ID");
    assert_closed_on_exec(test.run(["true"]), &["epoll_create1", "socket(AF_INET"]);
}

#[test]
fn of_helpers() {
    let fields = [("key", "value-of-descriptors")];
    let manifest = "version: 1\nenv: { KEY: op://AI Team/Chat/key }\n";
    let (test, _op) = StandIn::install(Test::manifest(manifest), &chat(&fields));
    assert_closed_on_exec(test.run(["true"]), &["pipe2"]);
    let program = exec::Program::of("summon_stream.py", &json!({"db": "value-of-descriptors"}));
    let test = program.manifest("", "API_KEY: own://db");
    assert_closed_on_exec(test.run(["true"]), &["pipe2"]);
}

#[test]
fn of_1password_connect() {
    let fields = json!([connect::field("key", "value-of-descriptors")]);
    let items = [connect::item(1, "Chat", &fields)];
    let connect = connect::Connect::start(connect::vault(&items));
    let manifest = "version: 1\nenv: { KEY: op://AI Team/Chat/key }\n";
    let test = connect.named(Test::manifest(manifest));
    assert_closed_on_exec(test.run(["true"]), &["socket(AF_INET"]);
}

//! What people start with endow really starts, with no more than the base set and its variables.
//!
//! The runtimes are needed: a missing one fails its test and says what to install.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::Path,
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::harness::{Test, runtime};

/// A project with one key, started by somebody whose shell has another one.
fn project() -> Test {
    Test::manifest(
        "version: 1\nenv:\n  API_KEY: dotenv://.env\n  \
         PORT: { from: env://PORT, default: '3000' }\n",
    )
    .dotenv("API_KEY=dev-key-sample\n")
    // Else npm asks its registry for news of itself.
    .file(
        ".npmrc",
        "update-notifier=false\naudit=false\nfund=false\noffline=true\n",
    )
    .env("AWS_SECRET_ACCESS_KEY", "dev-key-of-the-shell")
    .env("PORT", "0")
    .known("dev-key-of-the-shell")
}

/// Prints what a Node program was given.
const SHOW: &str = "console.log([process.env.API_KEY, process.env.AWS_SECRET_ACCESS_KEY, \
    ...process.argv.slice(2)].join('|'));\n";

#[test]
fn a_node_script_gets_the_key_and_a_clean_environment() {
    runtime::find("node");
    project()
        .file(
            "show.cjs",
            format!("{SHOW}console.log(Object.keys(process.env).sort().join());\n"),
        )
        .run(["node", "show.cjs", "word"])
        .prints_values()
        .stdout("dev-key-sample||word\nAPI_KEY,HOME,PATH,PORT\n")
        .success();
}

#[test]
fn a_script_of_npm_gets_the_key() {
    runtime::find("npm");
    let package = r#"{ "name": "sample", "scripts": { "show": "node show.cjs script" } }"#;
    project()
        .file("package.json", package)
        .file("show.cjs", SHOW)
        .run(["npm", "run", "--silent", "show", "--", "word"])
        .prints_values()
        .stdout("dev-key-sample||script|word\n")
        .success();
}

#[test]
fn npx_starts_a_program_of_the_project() {
    runtime::find("npx");
    project()
        .file("package.json", r#"{ "name": "sample" }"#)
        .file_with_mode(
            "node_modules/.bin/show",
            format!("#!/usr/bin/env node\n{SHOW}"),
            0o755,
        )
        .run(["npx", "--no", "show", "word"])
        .prints_values()
        .stdout("dev-key-sample||word\n")
        .success();
}

#[test]
fn a_dev_server_under_npm_listens_on_the_port_of_the_caller() {
    runtime::find("npm");
    let server = "const server = require('node:http').createServer((_, response) =>\n  \
        response.end(`key of ${process.env.API_KEY.length}`));\n\
        server.listen(process.env.PORT, '127.0.0.1', () => console.log(server.address().port));\n";
    let test = project()
        .file(
            "package.json",
            r#"{ "name": "sample", "scripts": { "dev": "node server.cjs" } }"#,
        )
        .file("server.cjs", server)
        .run(["npm", "run", "--silent", "dev"]);
    let mut child = test
        .command()
        // npm starts a shell in between, which passes no signal on: the group is ended.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("endow starts");
    let mut port = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut port).expect("the port");
    let answer = port.trim().parse().map(get);
    let group = Pid::from_raw(child.id().try_into().expect("a process id"));
    killpg(group, Signal::SIGTERM).expect("the group ends");
    child.wait().expect("it ends");
    assert!(answer.expect("a port number").ends_with("key of 14"));
}

fn get(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server");
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.0\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_virtual_environment_of_python_works() {
    let python = runtime::python();
    let show = "import os, sys\nprint(os.environ['API_KEY'], os.environ.get('AWS_SECRET_ACCESS_KEY'), \
        sys.prefix, *sys.argv[1:])\n";
    let test = || {
        project()
            .env("PATH", runtime::path_with(python))
            .prints_values()
            .file("show.py", show)
    };
    let expected = "dev-key-sample None [DIR]/.venv word\n";
    let test = test();
    let script = "python3 -m venv --without-pip .venv && .venv/bin/python -m show word \
        && PATH=\"$PWD/.venv/bin:$PATH\" && python show.py word";
    let test = test.shell(script).stdout(expected.repeat(2));
    test.success();
}

#[test]
fn an_activated_virtual_environment_stays_activated() {
    let script = "echo \"$VIRTUAL_ENV\"; command -v python3";
    let test = project().file_with_mode(".venv/bin/python3", "#!/bin/sh\n", 0o755);
    let venv = test.path(".venv");
    let path = runtime::path_with(&venv.join("bin/python3"));
    test.env("VIRTUAL_ENV", &venv)
        .env("PATH", path)
        .shell(script)
        .stdout("[DIR]/.venv\n[DIR]/.venv/bin/python3\n")
        .success();
}

#[test]
fn cargo_builds_and_runs_a_program() {
    let cargo = Path::new(env!("CARGO"));
    assert!(cargo.is_file(), "{} is gone: install Rust", cargo.display());
    let source = "fn main() {\n    let name = |name| std::env::var(name).unwrap_or_default();\n    \
        println!(\"{}|{}\", name(\"API_KEY\"), name(\"AWS_SECRET_ACCESS_KEY\"));\n}\n";
    let package = "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    // The toolchain itself: a proxy would look for its own settings in the home directory.
    let project = || project().env("PATH", runtime::path_with(cargo));
    let version = project().run(["cargo", "--version"]).any_stdout().success();
    assert!(version.stdout.starts_with(b"cargo 1."));
    project()
        .file("Cargo.toml", package)
        .file("src/main.rs", source)
        .run(["cargo", "run", "--offline", "--quiet"])
        .prints_values()
        .stdout("dev-key-sample|\n")
        .success();
}

#[test]
fn a_service_of_type_notify_is_ready_as_its_main_process() {
    let service = "import os, signal, socket\n\
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:\n    \
        notify.connect(os.environ['NOTIFY_SOCKET'])\n    \
        notify.send(b'READY=1' if os.environ['API_KEY'] else b'')\n\
        signal.pause()\n";
    let test = project().file("service.py", service);
    let socket = test.path("notify.sock");
    test.through(runtime::program("service_manager.py"))
        .through([socket])
        .run([runtime::python().as_os_str(), "service.py".as_ref()])
        .stdout("READY=1 from the main process, ended by 15\n")
        .success();
}

//! What a manifest that was found by search may not do before `endow trust`, and what it may.

mod addresses;
mod asking;
mod digest;
mod profiles;
mod programs;
mod record;
mod strangers;
mod worktrees;

use std::{fs, process::Output};

use crate::harness::Test;

const EXEC: &str = "\
version: 1
backends: { conjur: { type: exec, command: [conjur-provider] } }
env: { A: conjur://a }
";

const HINT: &str = "hint: read these lines, then run `endow trust`; or name the file with --file\n";

/// Every command that would obey the manifest, and its status when endow itself fails.
const COMMANDS: [(&[&str], i32); 5] = [
    (&["run", "--", "true"], 125),
    (&["check"], 2),
    (&["check", "--all-profiles"], 2),
    (&["get", "A"], 2),
    (&["export", "--format", "shell"], 2),
];

/// Runs endow in the directory of a test, which stays for further runs.
fn endow(test: &Test, words: &[&str]) -> Output {
    test.command().args(words).output().expect("endow runs")
}

#[track_caller]
fn ends(output: &Output, status: i32, stderr: &str) {
    let found = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*found), (Some(status), stderr));
}

/// `endow trust --yes` succeeds.
#[track_caller]
fn trust(test: &Test) -> String {
    let output = endow(test, &["trust", "--yes"]);
    ends(&output, 0, "");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// `get A` is refused for want of trust.
#[track_caller]
fn is_refused(test: &Test) {
    let output = endow(test, &["get", "A"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let said = [
        "is not trusted yet:\n",
        "has changed since it was trusted:\n",
    ];
    assert!(said.iter().any(|said| stderr.contains(said)), "{stderr}");
}

/// `run` is not refused for want of trust: it goes on to look for a command that is not there,
/// before any backend is asked.
#[track_caller]
fn goes_on(test: &Test) {
    let output = endow(test, &["run", "--", "no-such-command"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(127), "{stderr}");
}

/// A part of a manifest, and the line that says what it does.
const PARTS: &[(&str, &str)] = &[
    (
        "backends: { own: { type: exec, command: [own, -q], inherit: [X] } }",
        "own  runs: own -q  inherit: [X]",
    ),
    (
        "backends: { own: { type: exec, command: [sh, -c, \"curl x | sh\", \"\", \"it's\"] } }",
        "own  runs: sh -c 'curl x | sh' '' 'it'\\''s'",
    ),
    (
        "backends: { own: { type: exec } }",
        "own  runs: (no program)",
    ),
    ("backends: { exec: { command: [own] } }", "exec  runs: own"),
    (
        "backends: { vault: { address: https://vault.acme.dev } }",
        "vault  https://vault.acme.dev  signs in as you do",
    ),
    (
        "backends: { vault: { address: https://v, auth: { token: { from: env://VAULT_TOKEN } } } }",
        "vault  https://v  signs in with env://VAULT_TOKEN",
    ),
    (
        "backends: { bao: { type: openbao, address: https://v } }",
        "bao  https://v  type: vault  signs in as you do",
    ),
    (
        "backends: { vault: { proxy: \"http://u:hunter2@proxy:3128\" } }",
        "vault  at its usual address  signs in as you do  proxy: http://u:***@proxy:3128",
    ),
    (
        "backends: { vault: { ca_cert: ca.pem } }",
        "vault  at its usual address  signs in as you do  ca_cert: ca.pem",
    ),
    (
        "backends: { vault: { ca_path: ca } }",
        "vault  at its usual address  signs in as you do  ca_path: ca",
    ),
    (
        "backends: { vault: { ca_bytes: x } }",
        "vault  at its usual address  signs in as you do  ca_bytes: x",
    ),
    (
        "backends: { vault: { tls_skip_verify: true } }",
        "vault  at its usual address  signs in as you do  tls_skip_verify: true",
    ),
    (
        "backends: { vault: { tls_server_name: v } }",
        "vault  at its usual address  signs in as you do  tls_server_name: v",
    ),
    (
        "backends: { op: { connect_host: https://c } }",
        "op  https://c  signs in as you do",
    ),
    (
        "backends: { aws-sm: { endpoint_url: https://e } }",
        "aws-sm  https://e  signs in as you do",
    ),
    (
        "backends: { eu: { type: aws-ssm, endpoint_url: https://e } }",
        "eu  https://e  type: aws-ssm  signs in as you do",
    ),
    ("env: { PATH: { value: /x } }", "PATH  /x"),
    (
        "env: { LD_PRELOAD: dotenv://.env }",
        "LD_PRELOAD  from dotenv://.env#LD_PRELOAD",
    ),
    ("env: { NODE_OPTIONS: { value: x } }", "NODE_OPTIONS  x"),
    (
        "env: { NODE_OPTIONS: { from: [env://A, env://B], default: x } }",
        "NODE_OPTIONS  from env://A, then env://B  default: x",
    ),
    (
        "env: { HTTP_PROXY: { value: \"http://u:hunter2@h\" } }",
        "HTTP_PROXY  http://u:***@h",
    ),
    (
        "env: { A: file:///etc/hostname }",
        "/etc/hostname  is read for A",
    ),
    (
        "env: { A: env://AWS_SECRET_ACCESS_KEY }",
        "env://AWS_SECRET_ACCESS_KEY  is read for A",
    ),
    (
        "backends: { vault: { auth: { method: approle, role_id: r, secret_id: { from: file:///etc/hostname } } } }",
        "/etc/hostname  is read for backend `vault`",
    ),
    (
        "backends: { vault: { auth: { token: { from: env://AWS_SECRET_ACCESS_KEY } } } }",
        "env://AWS_SECRET_ACCESS_KEY  is read for backend `vault`",
    ),
];

#[test]
fn every_command_refuses_each_part_that_needs_trust_and_says_where_it_is() {
    for (part, what) in PARTS {
        let values = if part.contains("{ A: ") {
            ""
        } else {
            "values: { A: a }"
        };
        let test = Test::manifest(&format!("version: 1\n{values}\n{part}\n"));
        let stderr = format!(
            "endow: error: secretfile.yaml is not trusted yet:\n  {what} (secretfile.yaml:3)\n{HINT}"
        );
        for (words, status) in COMMANDS {
            let output = endow(&test, words);
            ends(&output, status, &stderr);
            // What `eval` of a shell is told.
            let printed = if words.contains(&"shell") {
                "false\n"
            } else {
                ""
            };
            assert_eq!(output.stdout, printed.as_bytes(), "{part} {words:?}");
        }
    }
}

#[test]
fn all_parts_are_listed_and_the_command_is_not_started() {
    let test = Test::manifest(
        "version: 1
values: { PATH: /x }
backends:
  vault: { address: https://vault.acme.dev, tls_skip_verify: true }
profiles:
  dev: { env: { RUBYOPT: { value: x } } }
  prod: { production: true, backends: { own: { type: exec, command: [own] } } }
",
    );
    let stderr = format!(
        "endow: error: secretfile.yaml is not trusted yet:
  dev: PATH  /x (secretfile.yaml:2)
  dev: vault  https://vault.acme.dev  signs in as you do  tls_skip_verify: true (secretfile.yaml:4)
  dev: RUBYOPT  x (secretfile.yaml:6)
  prod: PATH  /x (secretfile.yaml:2)
  prod: vault  https://vault.acme.dev  signs in as you do  tls_skip_verify: true (secretfile.yaml:4)
  prod: own  runs: own (secretfile.yaml:7)
{HINT}"
    );
    let marker = test.path("started");
    let marker = marker.to_str().unwrap();
    ends(
        &endow(&test, &["run", "-p", "dev", "touch", marker]),
        125,
        &stderr,
    );
    assert!(!fs::exists(marker).unwrap());
}

#[test]
fn a_manifest_with_mistakes_says_these_first() {
    let test = Test::manifest(&EXEC.replace("env:", "envv:"));
    let output = endow(&test, &["run", "true"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("endow: error: unknown key `envv`"),
        "{stderr}"
    );
    assert!(!stderr.contains("trusted"), "{stderr}");
}

#[test]
fn explain_says_what_an_untrusted_manifest_would_do() {
    let test = Test::manifest(EXEC);
    let head = || {
        let output = endow(&test, &["explain"]);
        ends(&output, 0, "");
        let page = String::from_utf8(output.stdout).unwrap();
        page.lines().take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    let trusted = || {
        let output = endow(&test, &["explain", "--format", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["trust"].clone()
    };
    let said = |is_trusted: bool| {
        serde_json::json!([{
            "profile": "", "what": "conjur  runs: conjur-provider",
            "line": "secretfile.yaml:2", "trusted": is_trusted,
        }])
    };
    let line = "not trusted yet: read these lines, then run `endow trust`";
    let grant = "  conjur  runs: conjur-provider (secretfile.yaml:2)";
    assert_eq!(head(), ["secretfile.yaml", line, grant]);
    assert_eq!(trusted(), said(false));
    let dry = endow(&test, &["run", "--dry-run", "--", "true"]);
    ends(&dry, 0, "");
    assert!(String::from_utf8_lossy(&dry.stdout).contains(line));
    trust(&test);
    assert_eq!(head(), ["secretfile.yaml", "trusted:", grant]);
    assert_eq!(trusted(), said(true));
}

#[test]
fn trust_says_what_it_allows_and_commands_go_on() {
    let test = Test::manifest(EXEC);
    assert_eq!(
        trust(&test),
        "secretfile.yaml asks for this:\n  conjur  runs: conjur-provider\ntrusted: secretfile.yaml\n"
    );
    let missing = "A: unreachable: no program `conjur-provider` (conjur://a, secretfile.yaml:3)\n";
    for (words, status) in COMMANDS {
        let output = endow(&test, words);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // The program was looked for.
        let expected = if status == 125 { 125 } else { 4 };
        assert_eq!(output.status.code(), Some(expected), "{words:?}: {said}");
        assert!(said.contains(missing), "{words:?}: {said}");
    }
    // What can't be asked is a finding of `check`.
    let check = endow(&test, &["check"]);
    ends(&check, 4, "");
    assert!(!String::from_utf8_lossy(&check.stdout).contains("trusted"));
}

#[test]
fn a_trusted_variable_that_runs_code_reaches_the_child() {
    let test = Test::manifest("version: 1\nfrom: dotenv://.env\nenv: { NODE_OPTIONS: , PATH: }\n")
        .dotenv("NODE_OPTIONS=--max-old-space-size=100\nPATH=/opt/tool/bin\n");
    let script = ["run", "--", "/bin/sh", "-c", "echo \"$NODE_OPTIONS $PATH\""];
    assert_eq!(endow(&test, &script).status.code(), Some(125));
    trust(&test);
    let output = endow(&test, &script);
    ends(&output, 0, "");
    assert_eq!(output.stdout, b"--max-old-space-size=100 /opt/tool/bin\n");
}

#[test]
fn naming_the_manifest_is_consent() {
    let test = Test::manifest("version: 1\nvalues: { A: a, LD_PRELOAD: \"\" }\n");
    is_refused(&test);
    let named = endow(&test, &["--file", "secretfile.yaml", "get", "A"]);
    ends(&named, 0, "");
    assert_eq!(named.stdout, b"a");
    // It is consent for this once.
    is_refused(&test);
    // A relative name in a shell's start-up file would be consent to every clone.
    let test = test.env("ENDOW_FILE", "secretfile.yaml");
    is_refused(&test);
    let test = test.env_path("ENDOW_FILE", "secretfile.yaml");
    ends(&endow(&test, &["get", "A"]), 0, "");
    let explained = endow(&test, &["explain"]);
    assert!(!String::from_utf8_lossy(&explained.stdout).contains("not trusted"));
}

#[test]
fn a_manifest_without_such_parts_needs_no_trust() {
    let test = Test::manifest(
        "version: 1\nvalues: { A: a, PATHS: x, GITHUB: y }\nbackends:\n  vault: { namespace: ai, tls_skip_verify: false }\n  aws-sm: { region: eu-west-1 }\n",
    );
    ends(&endow(&test, &["get", "A"]), 0, "");
    assert_eq!(
        trust(&test),
        "secretfile.yaml does nothing that must be trusted\n"
    );
    assert!(!test.path("../.local").exists());
}

#[test]
fn a_new_name_does_not_ask_again_and_a_changed_part_does() {
    let test = Test::manifest(EXEC);
    let write = |text: String| fs::write(test.path("secretfile.yaml"), text).unwrap();
    trust(&test);
    write(format!(
        "# moved\n{EXEC}values: {{ B: b }}\nproject: chat\n"
    ));
    goes_on(&test);
    write(EXEC.replace("[conjur-provider]", "[conjur-provider, --quiet]"));
    is_refused(&test);
    write(EXEC.replace("[conjur-provider]", "[\"conjur-provider \"]"));
    is_refused(&test);
    write(EXEC.replace(
        "conjur-provider] }",
        "conjur-provider], inherit: [GITHUB_TOKEN] }",
    ));
    is_refused(&test);
    write(format!("{EXEC}values: {{ PATH: /x }}\n"));
    is_refused(&test);
    write(EXEC.to_owned());
    goes_on(&test);
}

#[test]
fn a_changed_value_of_a_variable_that_runs_code_asks_again() {
    let with = |value: &str| format!("version: 1\nvalues: {{ A: a, NODE_OPTIONS: \"{value}\" }}\n");
    let test = Test::manifest(&with("--one"));
    trust(&test);
    ends(&endow(&test, &["get", "A"]), 0, "");
    fs::write(test.path("secretfile.yaml"), with("--require ./evil.js")).unwrap();
    is_refused(&test);
}

#[test]
fn a_program_stays_one_whatever_other_layers_call_its_backend() {
    let manifest = |command: &str| {
        format!(
            "version: 1
env: {{ A: own://a }}
profiles:
  far: {{ backends: {{ own: {{ type: vault }} }}, env: {{ A: own://a/b#c }} }}
  near: {{ backends: {{ own: {{ type: exec }} }} }}
  used: {{ extends: near, backends: {{ own: {{ command: [{command}] }} }} }}
"
        )
    };
    let test = Test::manifest(&manifest("harmless")).env("ENDOW_PROFILE", "used");
    is_refused(&test);
    trust(&test);
    goes_on(&test);
    fs::write(test.path("secretfile.yaml"), manifest("evil")).unwrap();
    is_refused(&test);
}

#[test]
fn a_part_of_an_extended_file_counts() {
    let base =
        |address: &str| format!("version: 1\nbackends: {{ vault: {{ address: {address} }} }}\n");
    let test = Test::manifest(
        "version: 1\nextends: ../shared/base.yaml\nenv: { A: vault://secret/chat#a }\n",
    )
    .file("../shared/base.yaml", base("https://one"));
    let stderr = format!(
        "endow: error: secretfile.yaml is not trusted yet:\n  vault  https://one  signs in as you do (../shared/base.yaml:2)\n{HINT}"
    );
    ends(&endow(&test, &["get", "A"]), 2, &stderr);
    trust(&test);
    goes_on(&test);
    fs::write(test.path("../shared/base.yaml"), base("https://two")).unwrap();
    let stderr = stderr.replace("is not trusted yet", "has changed since it was trusted");
    ends(
        &endow(&test, &["get", "A"]),
        2,
        &stderr.replace("//one", "//two"),
    );
}

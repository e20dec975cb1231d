//! What is printed beside the command's own output: progress, warnings, locale, tracing.

use std::{
    fs::OpenOptions,
    io::Read,
    os::unix::fs::OpenOptionsExt,
    process::{Child, Command, Stdio},
};

use nix::{fcntl::OFlag, sys::stat::Mode, unistd::mkfifo};

use crate::harness::{ENDOW, Test};

const FIFO: &str = "version: 1\nenv: { A: file://fifo }\n";

/// endow on a terminal, waiting for a FIFO that nobody has written yet.
fn waiting_on_a_terminal(test: &Test, flags: &str) -> Child {
    mkfifo(&test.path("fifo"), Mode::S_IRWXU).expect("a FIFO");
    Command::new("script")
        .args([
            "-qefc",
            &format!("{ENDOW} {flags} run -- echo done"),
            "/dev/null",
        ])
        .current_dir(test.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is installed: apt-get install bsdutils")
}

/// Opens the FIFO once endow has it open, and so waits; closing it ends the wait.
fn answer(test: &Test) {
    let open = || {
        OpenOptions::new()
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(test.path("fifo"))
    };
    while open().is_err() {
        std::thread::yield_now();
    }
}

#[test]
fn a_long_wait_shows_a_line_on_a_terminal_and_erases_it_before_the_command_prints() {
    let test = Test::manifest(FIFO);
    let mut child = waiting_on_a_terminal(&test, "");
    let mut output = child.stdout.take().unwrap();
    let mut shown = Vec::new();
    // The line itself is the handshake: only then is the FIFO answered.
    while !shown.ends_with(b"endow: waiting for file") {
        let mut byte = [0];
        output.read_exact(&mut byte).expect("the line is shown");
        shown.push(byte[0]);
    }
    answer(&test);
    output.read_to_end(&mut shown).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&shown),
        "endow: waiting for file\r\u{1b}[Kdone\r\n"
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_short_wait_and_quiet_show_nothing_on_a_terminal() {
    let test = Test::manifest(FIFO);
    let child = waiting_on_a_terminal(&test, "");
    answer(&test);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\r\n");
}

#[test]
fn messages_are_ascii_unless_the_locale_is_utf_8() {
    let test = || {
        Test::manifest("version: 1\nproject: caf\u{e9}\nenv: { A: env://X }\n").args(["explain"])
    };
    test()
        .stderr("endow: error: `project` can't be used as a name\n --> secretfile.yaml:2:10\n  |\n2 | project: caf\\u{e9}\n  |          ^^^^\nhint: use letters, digits, `.`, `_` and `-`\n")
        .status(2);
    for (name, value) in [("LANG", "C.UTF-8"), ("LC_ALL", "de_DE.utf8")] {
        test()
            .env(name, value)
            .stderr("endow: error: `project` can't be used as a name\n --> secretfile.yaml:2:10\n  |\n2 | project: caf\u{e9}\n  |          ^^^^\nhint: use letters, digits, `.`, `_` and `-`\n")
            .status(2);
    }
    test()
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C")
        .any_stderr()
        .status(2)
        .stderr
        .is_ascii()
        .then_some(())
        .expect("LC_ALL decides");
}

#[test]
fn no_level_of_tracing_prints_a_value() {
    for level in ["trace", "debug", "info", "TRACE"] {
        let output = Test::manifest(
            "version: 1\nfrom: dotenv://.env\nenv: { A: , T: { template: \"x${A}\" } }\n",
        )
        .dotenv("A=hunter2hunter2\n")
        .env("ENDOW_LOG", level)
        .args(["-vv"])
        .run(["true"])
        .any_stderr()
        .success();
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_level_that_does_not_exist_is_said() {
    Test::manifest("version: 1\nvalues: { A: x }\n")
        .env("ENDOW_LOG", "loud")
        .run(["true"])
        .stderr("endow: warning: ENDOW_LOG names no level\nhint: there are error, warn, info, debug and trace\n")
        .success();
}

#[test]
fn a_closed_standard_error_fails_nothing() {
    let test = Test::manifest("version: 1\nfrom: dotenv://.env\nenv: { A: }\n")
        .file(".env", "A=x\n")
        .shell("echo $A");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = test
        .command()
        .stdout(Stdio::piped())
        .stderr(writer)
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stdout),
        (Some(0), b"x\n".to_vec())
    );
}

#[test]
fn a_closed_standard_error_changes_no_status_of_a_failure() {
    for (command, expected) in [
        ("./no-interpreter", 126),
        ("./no-program", 126),
        ("./nothing", 127),
    ] {
        let test = Test::manifest("version: 1\nvalues: { A: x }\n")
            .file_with_mode("no-interpreter", "#!/no/such/interpreter\n", 0o755)
            .file_with_mode("no-program", "\x7fELF is not all of it", 0o644)
            .run([command]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = test.command().stderr(writer).status().unwrap();
        // Also where the system refused what looked like a program: a SIGPIPE of endow's own
        // would hide the reason.
        assert_eq!(status.code(), Some(expected), "{command}: {status}");
    }
}

#[test]
fn problems_as_json_are_json_in_every_locale() {
    for locale in ["C", "C.UTF-8"] {
        let output = Test::manifest("version: 1\nenv: { \u{c9}\u{1f511}: op://a/b/c }\n")
            .env("LC_ALL", locale)
            .args(["check", "--format", "json"])
            .any_stderr()
            .status(2);
        let document: serde_json::Value =
            serde_json::from_slice(&output.stderr).expect("it is JSON");
        assert_eq!(
            document["problems"][0]["message"],
            "`\u{c9}\u{1f511}` can't be a variable's name"
        );
        assert_eq!(output.stderr.is_ascii(), locale == "C");
    }
}

/// Passwords that a URL would have to encode, and references that have the form of a server's URL.
const URLS: [&str; 8] = [
    "postgres://u:it'shunter2@h/d",
    "postgres://u:a`hunter2@h/d",
    "postgres://u:k=hunter2@h/d",
    "postgres://u:a/hunter2@h/d",
    "aws-ssm://u:hunter2@h",
    "vault://u:hunter2@h/d#x",
    "op://u:a/hunter2@h/d/e",
    "file://u:hunter2@h/d",
];

/// A URL with a password, where no URL belongs.
const URL: &str = "postgres://u:hunter2-of-u@h/d";

/// Places of a manifest, with `URL` in each.
const PLACES: [&str; 34] = [
    "env: { \"URL\": { value: a } }",
    "env:\n  URL: x",
    "values: { \"URL\": a }",
    "version: URL",
    "groups: { g: [\"URL\"] }",
    "groups: { \"URL\": [A] }",
    "env: { B: \"URL\" }",
    "env: { B: [\"URL\"] }",
    "env: { B: \"op://u:hunter2-of-u@h/d/e\" }",
    "env: { B: \"op://Vault/URL/e\" }",
    "env: { B: \"vault://u:hunter2-of-u@h/d#e\" }",
    "env: { B: \"vault://a/b#URL\" }",
    "env: { B: \"vault://a/b#c?version=URL\" }",
    "env: { B: \"vault://a/b#c?URL=1\" }",
    "env: { B: \"dotenv://URL#e\" }",
    "env: { B: \"env://URL\" }",
    "env: { B: \"file://URL\" }",
    "env: { B: { template: \"${URL}\" } }",
    "env: { B: { value: a, \"URL\": 1 } }",
    "env: { B: { value: a, as: \"URL\" } }",
    "env: { B: { value: a, owner: \"URL\", docs: \"URL\", expires: \"URL\" } }",
    "env: { B: URL",
    "env:\n  \"URL\": a\n  \"URL\": b",
    "profiles: { \"URL\": }",
    "profiles: { a: { extends: \"URL\" } }",
    "default_profile: \"URL\"\nprofiles: { a: }",
    "extends: \"URL\"",
    "inherit: [\"URL\"]",
    "\"URL\": 1",
    "project: \"URL\"",
    "backends: { \"URL\": { type: vault } }",
    "backends: { x: { type: \"URL\" } }",
    "backends: { vault: { \"URL\": a, address: \"URL\" } }",
    "backends: { o: { type: exec, command: [\"URL\"], inherit: [\"URL\"] } }",
];

#[test]
fn the_password_of_a_url_is_shown_nowhere() {
    for place in PLACES {
        let version = if place.starts_with("version") {
            ""
        } else {
            "version: 1\n"
        };
        let manifest = |url| format!("{version}{}\n", place.replace("URL", url));
        // What the trust line quotes, and what a check says, in every spelling.
        for url in URLS {
            for words in [
                &["--file", "secretfile.yaml", "check"][..],
                &["trust", "--yes"],
            ] {
                hides_password(&Test::manifest(&manifest(url)).args(words));
            }
        }
        let manifest = manifest(URL);
        for words in [
            &["check"][..],
            &["check", "--format", "json"],
            &["explain"],
            &["explain", "--format", "json"],
            &["run", "--", "true"],
            &["trust"],
            &["-vv", "--file", "secretfile.yaml", "check"],
        ] {
            hides_password(&Test::manifest(&manifest).args(words));
        }
    }
}

#[test]
fn the_password_of_a_url_on_the_command_line_is_not_repeated() {
    let manifest = "version: 1\nvalues: { A: a }\n";
    for url in URLS {
        for words in [
            &["run", "--user", url, "true"][..],
            &["run", "--", url],
            &["get", url],
            &["--file", url, "check"],
            &["check", "-p", url],
            &["run", "--only", url, "true"],
        ] {
            hides_password(&Test::manifest(manifest).args(words));
        }
    }
    let option = format!("--{URL}=1");
    for words in [
        &["run", "--only", URL, "true"][..],
        &["run", "-e", URL, "true"],
        &["run", "--timeout", URL, "true"],
        &["run", "--user", URL, "true"],
        &["run", "--", URL],
        &["run", "--dry-run", "--", URL],
        &["get", URL],
        &["get", "A", URL],
        &["check", "-p", URL],
        &["export", "--format", URL],
        &["--file", URL, "check"],
        &["explain", &option],
        &[&option],
        &[URL],
    ] {
        hides_password(&Test::manifest(manifest).args(words));
    }
    for name in ["ENDOW_PROFILE", "ENDOW_FILE", "ENDOW_LOG"] {
        hides_password(&Test::manifest(manifest).env(name, URL).args(["check"]));
    }
}

#[track_caller]
fn hides_password(test: &Test) {
    let output = test.command().output().expect("endow runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn no_text_of_the_manifest_steers_the_terminal() {
    Test::manifest("version: 1\nenv: { A: \"file://x%E2%80%AE\\u202e\" }\n")
        .env("LC_ALL", "C.UTF-8")
        .run(["true"])
        .stderr(
            "endow: error: the variable has no value; the command was not started\n  \
             A: absent: no file `[DIR]/x\\u{202e}\\u{202e}` (file://x%E2%80%AE%E2%80%AE, secretfile.yaml:2)\n",
        )
        .status(125);
}

#[test]
fn no_place_of_a_manifest_forges_a_line() {
    let forged = "endow: error: fake";
    for end in ["%0a", "%0D", "%C2%85", "\\n", "\\e[31m"] {
        let manifest = format!("version: 1\nenv: {{ A: \"file://x{end}{forged}\" }}\n");
        for words in [["check"].as_slice(), &["run", "--", "true"], &["explain"]] {
            let test = Test::manifest(&manifest).args(words);
            let output = test.any_stdout().any_stderr();
            let output = output.status(if words[0] == "run" { 125 } else { 2 });
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(
                said.starts_with("endow: error: the place of `A`: a control character, U+00"),
                "{said}"
            );
            assert!(!said.lines().any(|line| line.starts_with(forged)), "{said}");
        }
    }
}

#[test]
fn no_name_of_a_file_forges_a_line() {
    let forged = "x\nendow: error: fake";
    let absent = "env: { A: env://NO }";
    let program = "backends: { c: { type: exec, command: [x] } }\nenv: { A: c://x }";
    for (manifest, words, status) in [
        (absent, ["run", "true"].as_slice(), 125),
        (absent, &["check"], 1),
        (absent, &["explain"], 0),
        ("env: { A: no reference }", &["check"], 2),
        ("extends: [nowhere]", &["check"], 2),
        (program, &["trust", "--yes"], 0),
    ] {
        let name = format!("{forged}/secretfile.yaml");
        let output = Test::new()
            .file(&name, format!("version: 1\n{manifest}\n"))
            .args(["--file", &name])
            .args(words)
            .any_stdout()
            .any_stderr()
            .status(status);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("x\\nendow: error: fake/secretfile.yaml"),
            "{text}"
        );
        assert!(!text.contains(forged), "{text}");
    }
}

#[test]
fn a_shown_place_can_be_copied_into_a_manifest() {
    let explained = |place: &str| {
        let output = Test::manifest(&format!("version: 1\nenv: {{ A: \"{place}\" }}\n"))
            .args(["explain", "--format", "json"])
            .any_stdout()
            .success();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let place = &report["variables"][0]["places"][0];
        place.as_str().expect("one place").to_owned()
    };
    for (written, shown) in [
        ("file://a%23b%3Fc", "file://a%23b%3Fc"),
        ("file://100%25%7Bx%7D%41 b&c=d", "file://100%25%7Bx}A b&c=d"),
        ("vault://s/p%3Fq#k%23z", "vault://s/p%3Fq#k#z"),
        ("vault://s/p#k%3fz?version=1", "vault://s/p#k%3Fz?version=1"),
        ("vault://s/p#%2Fa", "vault://s/p#%2Fa"),
        ("vault://s/p#/a%2fb", "vault://s/p#/a/b"),
        (
            "aws-sm://n?stage=a%26b%23c%3Fd",
            "aws-sm://n?stage=a%26b%23c?d",
        ),
        ("aws-sm://n#k?stage=a%23b", "aws-sm://n#k?stage=a#b"),
        ("env://%E2%80%AE\u{e9}", "env://%E2%80%AE\u{e9}"),
        ("vault://s@t/a:b%40c/d#k", "vault://s@t/a:b%40c/d#k"),
        ("env://%61:b%40%40c", "env://a:b%40%40c"),
    ] {
        assert_eq!(explained(written), shown);
        assert_eq!(explained(shown), shown);
    }
    // It names the same file.
    let place = explained("file://a%23b%3Fc%25");
    Test::manifest(&format!("version: 1\nenv: {{ A: \"{place}\" }}\n"))
        .file("a#b?c%", "value-a")
        .args(["get", "A"])
        .prints_values()
        .stdout("value-a")
        .success();
}

/// A key in base64 that was meant for `file` and is read as a dotenv file: where it ends in `=`, it is a
/// key without a value.
#[test]
fn what_does_not_look_like_a_name_is_in_no_list_of_names() {
    let key = "sDbdOOcyhHctU1M1V1rAq8f7G6h5J4k3";
    let lines = format!("DATABASE_URL=x\n{key}=\n{key}q=y\n");
    let dotenv = Test::manifest("version: 1\nenv: { A: dotenv://.env }\n")
        .file_with_mode(".env", lines, 0o600)
        .known(key);
    let json = format!("{{ \"DATABASE_URL\": \"x\", \"empty\": \"\", \"{key}\": \"y\" }}");
    let file = Test::manifest("version: 1\nenv: { A: \"file://key.json#/A\" }\n")
        .file_with_mode("key.json", json, 0o600)
        .known(key);
    for (test, more) in [(dotenv, ""), (file, "")] {
        let output = test.args(["check"]).any_stdout().status(1);
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(
            page.ends_with(&format!("hint: there are: DATABASE_URL{more}\n")),
            "{page}"
        );
    }
}

#[test]
fn of_a_file_that_is_no_manifest_nothing_is_shown() {
    let secret = "$6$hunter2$Zm9vYmFyYmF6cXV4";
    for other in [
        format!("root:{secret}:19953:0:99999:7:::\ndaemon:*:19953:0:99999:7:::\n"),
        format!("token: x\n\"{secret}\": y\n"),
        format!("{secret}\n"),
        format!("machine example.com login u password {secret}\n"),
        format!("- {secret}\n"),
        format!("a: [{secret}\n"),
        format!("{secret}: a\n{secret}: a\n"),
        format!("version: 1\nenv: root:{secret}\n"),
        format!("version: 1\ngroups: {{ \"{secret}\": [A] }}\n"),
        format!("version: 1\nbackends: {{ vault: {{ \"{secret}\": x }} }}\n"),
        format!("version: 1\nprofiles: {{ p: {{ extends: \"{secret}\" }} }}\n"),
        format!("version: 1\nenv: {{ \"{secret}\": \"env://A\" }}\n"),
        format!(
            "version: 1\nenv: {{ A: {{ from: \"env://A\", waive: {{ \"{secret}\": x }} }} }}\n"
        ),
        format!("version: {secret}\n"),
        "hunter2hunter2: {\n".to_owned(),
        "user: u\nhunter2hunter2: *x\n".to_owned(),
    ] {
        for manifest in ["version: 1\nextends: other\nvalues: { A: a }\n", ""] {
            let test = Test::new().file("other", &other);
            let test = if manifest.is_empty() {
                test.args(["--file", "other", "check"])
            } else {
                test.file("secretfile.yaml", manifest).args(["check"])
            };
            let output = test.any_stderr().status(2);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(
                !stderr.contains("hunter2") && !stderr.contains("root"),
                "{stderr}"
            );
        }
    }
}

/// A port of this machine where nobody listens.
fn nobody() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

const REFUSED: &str = "version: 1\nrun: { timeout: 4s }\nenv: { A: vault://secret/a#a }\n";

#[test]
fn the_line_on_a_terminal_says_why_and_how_long_still() {
    let address = format!("127.0.0.1:{}", nobody());
    let test = Test::manifest(REFUSED);
    let output = Command::new("script")
        .args(["-qefc", &format!("{ENDOW} run -- true"), "/dev/null"])
        .current_dir(test.path(""))
        .env("VAULT_ADDR", format!("http://{address}"))
        .env("VAULT_TOKEN", "x")
        .stdin(Stdio::null())
        .output()
        .expect("script is installed: apt-get install bsdutils");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = format!("endow: waiting for vault ({address}: connection refused; ");
    assert!(
        shown.contains(&why) && shown.contains(" s left, Ctrl-C stops)"),
        "{shown}"
    );
}

#[test]
fn elsewhere_one_line_says_why_nothing_happens() {
    let address = format!("127.0.0.1:{}", nobody());
    let output = Test::manifest(REFUSED)
        .env("VAULT_ADDR", format!("http://{address}"))
        .env("VAULT_TOKEN", "x")
        .args(["run", "--", "true"])
        .any_stderr()
        .status(125);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let why = format!("endow: waiting for vault ({address}: connection refused; ");
    assert_eq!(said.matches(&why).count(), 1, "{said}");
    assert!(said.starts_with(&why), "{said}");
    let output = Test::manifest(REFUSED)
        .env("VAULT_ADDR", format!("http://{address}"))
        .env("VAULT_TOKEN", "x")
        .args(["-q", "run", "--", "true"])
        .any_stderr()
        .status(125);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("waiting for"));
}

#[test]
fn at_a_terminal_a_default_address_where_nobody_is_is_not_waited_for() {
    let test =
        Test::manifest("version: 1\nrun: { timeout: 10m }\nenv: { A: vault://secret/a#a }\n");
    let output = Command::new("script")
        .args(["-qefc", &format!("{ENDOW} run -- true"), "/dev/null"])
        .current_dir(test.path(""))
        .env("VAULT_TOKEN", "x")
        .env_remove("VAULT_ADDR")
        .env_remove("BAO_ADDR")
        .stdin(Stdio::null())
        .output()
        .expect("script is installed: apt-get install bsdutils");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        shown.contains("127.0.0.1:8200: connection refused"),
        "{shown}"
    );
    assert!(
        shown.contains("hint: no address is set, so the default was tried"),
        "{shown}"
    );
}

#[test]
fn a_signal_for_a_value_that_the_command_can_not_see_change_is_warned_of() {
    let manifest = |more: &str| {
        format!(
            "version: 1\nrun: {{ watch: true }}\nenv: {{ A: {{ from: file://a, on_change: {{ signal: HUP }}{more} }} }}\n"
        )
    };
    let warning = "`A` has `on_change: { signal: HUP }`, and the command can't see it change: it is in its environment";
    let hint = "`as: { file: tmpfs }` makes it a file that is replaced; `on_change: restart` starts the command again";
    let project = |more: &str| Test::manifest(&manifest(more)).file("a", "value-of-a");
    project("")
        .run(["true"])
        .stderr(format!("endow: warning: {warning}\nhint: {hint}\n"))
        .success();
    let page = |more: &str| {
        let output = project(more).args(["check"]).any_stdout().success();
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(page("").contains(warning));
    assert!(!page(", as: { file: tmpfs }").contains("on_change"));
}

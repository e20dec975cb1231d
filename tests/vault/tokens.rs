//! Where a token comes from, in the order of the official clients; the user's own is never revoked.

use serde_json::json;

use super::{fails, reader};
use crate::harness::{Test, openbao::OpenBao, proxy, wait};

const WRONG: &str = "hvs.a-token-that-no-server-knows";

/// A secret, its reader's token, and a run that prints it; the test says where the token is.
struct Case {
    manifest: String,
    token: String,
}

impl Case {
    fn new(settings: &str) -> Self {
        let root = OpenBao::shared().root();
        let mount = root.kv(2);
        root.put(&mount, "chat", &json!({ "a": "value-of-a" }));
        Self {
            manifest: format!("version: 1\n{settings}env: {{ A: vault://{mount}/chat#a }}\n"),
            token: reader(&root, &mount),
        }
    }

    fn test(&self) -> Test {
        Test::manifest(&self.manifest)
            .env("VAULT_ADDR", OpenBao::shared().url())
            .known(&self.token)
            .known(WRONG)
    }

    /// It works, and the token lives on.
    #[track_caller]
    fn works(&self, test: Test) {
        test.shell("echo $A").stdout("value-of-a\n").success();
        assert!(
            OpenBao::shared().root().is_valid(&self.token),
            "the user's own token was revoked"
        );
    }
}

#[test]
fn the_setting_wins() {
    let case =
        Case::new("backends: { vault: { auth: { method: token, token: { from: env://OWN } } } }\n");
    case.works(
        case.test()
            .env("OWN", &case.token)
            .env("BAO_TOKEN", WRONG)
            .env("VAULT_TOKEN", WRONG),
    );
}

#[test]
fn then_the_variables_openbaos_before_vaults() {
    let case = Case::new("");
    case.works(case.test().env("VAULT_TOKEN", &case.token));
    case.works(
        case.test()
            .env("BAO_TOKEN", &case.token)
            .env("VAULT_TOKEN", WRONG),
    );
    case.works(
        case.test()
            .env("VAULT_TOKEN", &case.token)
            .file("../.vault-token", WRONG),
    );
    // The official client takes a variable of OpenBao that is set and empty for the empty token.
    let test = case
        .test()
        .env("BAO_TOKEN", "")
        .env("VAULT_TOKEN", &case.token);
    fails(
        test.file("../.vault-token", WRONG),
        &["A: unauthenticated: "],
    );
}

#[test]
fn then_the_token_helper() {
    for config in [".vault", ".bao"] {
        let case = Case::new("");
        let test = case.test();
        let helper = test.path("../helper");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = get ] || exit 1\necho a note >&2\n[ \"$VAULT_ADDR\" = {} ] || exit 1\nprintf '%s\\n' {}\n",
            OpenBao::shared().url(),
            case.token
        );
        let line = format!(
            "# where tokens are kept\ntoken_helper = \"{}\"\n",
            helper.display()
        );
        case.works(
            test.file_with_mode("../helper", script, 0o755)
                .file(&format!("../{config}"), line)
                .file("../.vault-token", WRONG),
        );
    }
}

#[test]
fn a_token_helper_of_the_project_is_never_run_and_what_it_starts_is_not_the_projects() {
    let case = Case::new("");
    let planted = "#!/bin/sh\ntouch was-run\n";
    let test = case.test();
    let helper = test.path("helper").display().to_string();
    fails(
        test.file_with_mode("helper", planted, 0o755)
            .file("../.vault", format!("token_helper = \"{helper}\"\n")),
        &["A: ", "the token helper in `", "belongs to the project"],
    );
    let test = case.test();
    let helper = test.path("../helper").display().to_string();
    let path = std::env::var("PATH").expect("PATH");
    let path = format!("{}:{path}", test.path("node_modules/.bin").display());
    let script = format!("#!/bin/sh\ncat {helper}.token\n");
    case.works(
        test.file_with_mode("node_modules/.bin/cat", planted, 0o755)
            .file_with_mode("../helper", script, 0o755)
            .file("../helper.token", &case.token)
            .file("../.vault", format!("token_helper = \"{helper}\"\n"))
            .env("PATH", path),
    );
}

#[test]
fn a_token_helper_is_given_the_address_and_no_secret() {
    let case = Case::new("");
    let test = case.test();
    let helper = test.path("../helper");
    let script = format!(
        "#!/bin/sh\nenv > {}.env\necho {}\n",
        helper.display(),
        case.token
    );
    let config = format!("token_helper = \"{}\"\n", helper.display());
    let test = test
        .file_with_mode("../helper", script, 0o755)
        .file("../.vault", config)
        .env("AWS_SECRET_ACCESS_KEY", "a-secret-of-another")
        .env("MY_API_KEY", "a-secret-of-another")
        .shell("cat ../helper.env >&2; echo $A")
        .any_stderr()
        .stdout("value-of-a\n");
    let output = test.success();
    let environment = String::from_utf8_lossy(&output.stderr);
    assert!(
        environment.contains("VAULT_ADDR=http://127.0.0.1:"),
        "{environment}"
    );
    assert!(
        !environment.contains("a-secret-of-another"),
        "{environment}"
    );
}

#[test]
fn a_token_helper_that_hangs_fails_or_prints_no_token_is_named() {
    let case = Case::new("");
    for (script, class) in [
        ("exec sleep 600", "timed out"),
        ("sleep 600 & wait", "timed out"),
        (
            "echo no keyring: hunter2hunter2 >&2; exit 3",
            "unauthenticated",
        ),
        ("printf 'two lines\\nhunter2hunter2'", "unauthenticated"),
    ] {
        let test = case.test();
        let helper = test.path("../helper").display().to_string();
        let test = test
            .file_with_mode("../helper", format!("#!/bin/sh\n{script}\n"), 0o755)
            .file("../.vault", format!("token_helper = \"{helper}\"\n"))
            .known("hunter2hunter2");
        super::fails_within(test, 2, &[&format!("A: {class}: "), "helper"]);
    }
    // The file is the built-in helper of the official clients, so another one stands in its place.
    let test = case.test();
    let helper = test.path("../helper").display().to_string();
    let test = test
        .file_with_mode("../helper", "#!/bin/sh\n", 0o755)
        .file("../.vault", format!("token_helper = \"{helper}\"\n"))
        .file("../.vault-token", &case.token);
    fails(test, &["A: unauthenticated: "]);
}

#[test]
fn then_the_token_file() {
    let case = Case::new("");
    case.works(
        case.test()
            .file("../.vault-token", format!("{}\n", case.token)),
    );
    case.works(case.test().file("../.vault-token", &case.token));
    let elsewhere = case.test().file("../.vault-token", WRONG);
    let path = elsewhere.path("token");
    case.works(
        elsewhere
            .file("token", &case.token)
            .env("BAO_TOKEN_PATH", path),
    );
}

#[test]
fn without_any_nothing_is_asked_and_the_ways_are_said() {
    let case = Case::new("");
    let counted = proxy::to(&OpenBao::shared().address());
    let test = case.test().env("VAULT_ADDR", counted.url());
    fails(test, &["A: unauthenticated: ", "VAULT_TOKEN", "hint: "]);
    assert_eq!(counted.lines(), [""; 0]);
}

#[test]
fn a_token_that_the_server_does_not_know_is_unauthenticated() {
    let case = Case::new("");
    fails(
        case.test().env("VAULT_TOKEN", WRONG),
        &["A: unauthenticated: "],
    );
}

#[test]
fn an_expired_token_is_unauthenticated() {
    let case = Case::new("");
    let root = OpenBao::shared().root();
    let body =
        json!({ "policies": ["root"], "ttl": "1s", "explicit_max_ttl": "1s", "no_parent": true });
    let token = root.call("POST", "auth/token/create", &body)["auth"]["client_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    wait::until("the token expires", || !root.is_valid(&token));
    let test = case.test().env("VAULT_TOKEN", &token).known(&token);
    fails(test, &["A: unauthenticated: ", "expired"]);
}

#[test]
fn a_token_that_can_be_no_header_is_refused_before_it_is_sent() {
    let case = Case::new("");
    let counted = proxy::to(&OpenBao::shared().address());
    let token = "hvs.first-line\nsecond-line";
    let test = case
        .test()
        .env("VAULT_ADDR", counted.url())
        .env("VAULT_TOKEN", token);
    let test = test
        .known(token)
        .known("hvs.first-line")
        .known("second-line");
    fails(test, &["A: ", "VAULT_TOKEN"]);
    assert_eq!(counted.lines(), [""; 0]);
}

#[test]
fn a_token_setting_that_is_absent_is_an_error_of_the_setting() {
    let case =
        Case::new("backends: { vault: { auth: { method: token, token: { from: env://OWN } } } }\n");
    case.test()
        .env("VAULT_TOKEN", &case.token)
        .run(["echo", "started"])
        .stderr(
            "endow: error: a backend's setting has no value; the command was not started\n  \
             `auth.token` of backend `vault`: absent: `OWN` is not set (env://OWN, secretfile.yaml:2)\n",
        )
        .status(125);
}

#[test]
fn a_token_without_the_default_policy_is_denied_by_name_and_not_called_invalid() {
    let server = OpenBao::shared();
    let root = server.root();
    let mount = root.kv(2);
    root.put(&mount, "a", &json!({ "k": "value-of-a" }));
    let policy = format!("least-{mount}");
    let line = format!("path \"{mount}/data/a\" {{ capabilities = [\"read\"] }}");
    root.call(
        "PUT",
        &format!("sys/policies/acl/{policy}"),
        &json!({ "policy": line }),
    );
    let body = json!({ "policies": [policy], "no_default_policy": true });
    let token = root.call("POST", "auth/token/create", &body)["auth"]["client_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    // With another path of the same mount that is allowed, and with none.
    for more in [format!("B: \"vault://{mount}/a#k\", "), String::new()] {
        let manifest = format!("version: 1\nenv: {{ {more}A: \"vault://{mount}/b#k\" }}\n");
        let output = Test::manifest(&manifest)
            .env("VAULT_ADDR", server.url())
            .env("VAULT_TOKEN", &token)
            .known(&token)
            .args(["run", "--", "true"])
            .any_stderr()
            .status(125);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("A: denied: "), "{said}");
        assert!(
            said.contains(&format!(
                "path \"{mount}/data/b\" {{ capabilities = [\"read\"] }}"
            )),
            "{said}"
        );
        assert!(!said.contains("not valid"), "{said}");
    }
    let output = Test::manifest(&format!(
        "version: 1\nenv: {{ A: \"vault://{mount}/b#k\" }}\n"
    ))
    .env("VAULT_ADDR", server.url())
    .env("VAULT_TOKEN", "s.unknown")
    .args(["run", "--", "true"])
    .any_stderr()
    .status(125);
    assert!(String::from_utf8_lossy(&output.stderr).contains("A: unauthenticated: "));
}

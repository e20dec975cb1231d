//! Whose credentials sign the requests, and what is said where there are none.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{action, fails, fails_within, prints};
use crate::harness::{
    Test,
    aws::{ACCOUNT, Aws, Caller, KEY, SECRET, WEB_IDENTITY, allow, anonymous, project},
    faults::{self, Step},
    http::Request,
    listener::Listener,
    proxy,
};

const READ: &[&str] = &[
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
];
const ONE: &str = "version: 1\nenv: { A: aws-sm://a }\n";

/// A project below whose home directory this AWS configuration stands.
fn configured(manifest: &str, url: &str, config: &str) -> Test {
    anonymous(manifest, url)
        .file("aws/config", config)
        .env_path("AWS_CONFIG_FILE", "aws/config")
        .env_path("AWS_SHARED_CREDENTIALS_FILE", "aws/credentials")
}

/// Answers what is asked of the secret `a`, and keeps whose key signed it.
fn good() -> Listener {
    faults::start(|_, _| {
        let arn = format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:a-AbCdEf");
        let body = json!({ "ARN": arn, "Name": "a", "SecretString": "value-of-a" });
        faults::reply(200, &[], body.to_string())
    })
}

/// The access key that signed a request.
fn signer(request: &Request) -> String {
    let header = request.header("authorization").unwrap_or_default();
    let rest = header
        .split_once("Credential=")
        .map_or("", |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

fn keys(key: &str) -> String {
    format!("aws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n")
}

#[test]
fn without_credentials_every_source_that_was_tried_is_listed() {
    let report = fails(
        anonymous(ONE, "http://127.0.0.1:1"),
        &[
            "A: unauthenticated: there are no AWS credentials",
            "tried the environment: AWS_ACCESS_KEY_ID is not set",
            "tried profile `default`: there are no profiles",
            "tried the web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
            "tried the container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
            "tried the instance metadata: AWS_EC2_METADATA_DISABLED is true",
            "sign in with `aws sso login`",
        ],
    );
    assert_eq!(
        report.matches("there are no AWS credentials").count(),
        1,
        "{report}"
    );
}

#[test]
fn a_profile_that_is_not_there_is_named_beside_those_that_are() {
    let config = format!(
        "[profile chat]\n{}[profile other]\nregion = eu-west-1\n",
        keys(KEY)
    );
    let test = configured(ONE, "http://127.0.0.1:1", &config).env("AWS_PROFILE", "chatt");
    fails(
        test,
        &["tried profile `chatt`: there is none, only `chat`, `other`"],
    );
    let manifest =
        "version: 1\nbackends: { aws-sm: { aws_profile: other } }\nenv: { A: aws-sm://a }\n";
    let test = configured(manifest, "http://127.0.0.1:1", &config)
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET);
    // What the manifest names is what signs in, and nothing else.
    let report = fails(test, &["tried profile `other`: it has no credentials"]);
    assert!(!report.contains("tried the environment"), "{report}");
}

#[test]
fn a_named_profile_is_not_overruled_by_keys_of_the_environment() {
    let server = good();
    let config = format!("[profile chat]\n{}", keys("AKIAOFTHEPROFILE0000"));
    let manifest = "\
version: 1
backends: { ours: { type: aws-sm, aws_profile: chat } }
env: { A: ours://a, B: aws-sm://a }
";
    let test = configured(manifest, &server.url(), &config)
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET);
    prints(test, "echo $A $B", "value-of-a value-of-a\n");
    let mut signers: Vec<String> = server.requests().iter().map(signer).collect();
    signers.sort_unstable();
    assert_eq!(signers, [KEY, "AKIAOFTHEPROFILE0000"]);
}

#[test]
fn a_profile_has_a_region_and_aws_profile_names_one() {
    let server = good();
    let config = format!(
        "[default]\nregion = us-east-1\n[profile chat]\nregion = ap-south-1\n{}",
        keys(KEY)
    );
    let test = configured(ONE, &server.url(), &config)
        .env("AWS_PROFILE", "chat")
        .without_env("AWS_REGION");
    prints(test, "echo $A", "value-of-a\n");
    let requests = server.requests();
    let header = requests[0].header("authorization").expect("it is signed");
    assert!(header.contains("/ap-south-1/secretsmanager/"), "{header}");
}

#[test]
fn keys_of_the_credentials_file_are_found_in_the_home_directory() {
    let server = good();
    let test = anonymous(ONE, &server.url())
        .file("../.aws/credentials", format!("[default]\n{}", keys(KEY)))
        .known(SECRET);
    prints(test, "echo $A", "value-of-a\n");
    assert_eq!(signer(&server.requests()[0]), KEY);
}

#[test]
fn a_credential_process_gives_the_keys() {
    let server = good();
    let body =
        json!({ "Version": 1, "AccessKeyId": "AKIAOFTHEPROCESS0000", "SecretAccessKey": SECRET });
    let config = "[profile chat]\ncredential_process = cat keys.json\n";
    let test = configured(ONE, &server.url(), config)
        .file("keys.json", body.to_string())
        .env("AWS_PROFILE", "chat")
        .known(SECRET);
    prints(test, "echo $A", "value-of-a\n");
    assert_eq!(signer(&server.requests()[0]), "AKIAOFTHEPROCESS0000");
}

/// The SDK starts it by itself: the PATH that it is looked up in is not the project's either.
#[test]
fn a_credential_process_is_never_a_program_of_the_project() {
    let server = good();
    let body =
        json!({ "Version": 1, "AccessKeyId": "AKIAOFTHEPROCESS0000", "SecretAccessKey": SECRET });
    let config = "[profile chat]\ncredential_process = own-keys\n";
    let test = configured(ONE, &server.url(), config)
        .file("../keys.json", body.to_string())
        .file_with_mode("../bin/own-keys", "#!/bin/sh\ncat ../keys.json\n", 0o755)
        .file_with_mode(
            "node_modules/.bin/own-keys",
            "#!/bin/sh\ntouch was-run\nexit 1\n",
            0o755,
        )
        .env("AWS_PROFILE", "chat")
        .known(SECRET);
    let path = std::env::var("PATH").expect("PATH");
    let (theirs, own) = (test.path("node_modules/.bin"), test.path("../bin"));
    let path = format!("{}:{}:{path}", theirs.display(), own.display());
    prints(
        test.env("PATH", &path),
        "echo $A; [ ! -e was-run ] && echo $PATH",
        &format!("value-of-a\n{path}\n"),
    );
    assert_eq!(signer(&server.requests()[0]), "AKIAOFTHEPROCESS0000");
}

#[test]
fn a_credential_process_that_fails_is_named_and_not_quoted() {
    let config = "[profile chat]\ncredential_process = sh -c 'echo password-of-the-helper; echo password-of-the-helper >&2; exit 3'\n";
    for level in ["error", "trace"] {
        let test = configured(ONE, "http://127.0.0.1:1", config)
            .env("AWS_PROFILE", "chat")
            .env("ENDOW_LOG", level)
            .known("password-of-the-helper");
        fails(
            test,
            &[
                "A: unauthenticated: the `credential_process` of profile `chat` gives no credentials",
            ],
        );
    }
}

#[test]
fn an_expired_sso_session_says_what_to_run() {
    let config = "\
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile base]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = chat
[profile chat]
role_arn = arn:aws:iam::123456789012:role/chat
source_profile = base
";
    for profile in ["base", "chat"] {
        let test = configured(ONE, "http://127.0.0.1:1", config).env("AWS_PROFILE", profile);
        fails(
            test,
            &[
                "A: unauthenticated: the SSO session of profile `base` has expired, or was never begun",
                "run `aws sso login --profile base`",
            ],
        );
    }
}

/// A project with an SSO profile whose session has a token; `sha1` is that of `corp`.
fn with_sso(portal: &str, expires: &str) -> Test {
    let config = "\
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile chat]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = chat
";
    let token = json!({
        "startUrl": "https://corp.awsapps.com/start",
        "region": "eu-west-1",
        "accessToken": "token-of-the-sso-session",
        "expiresAt": expires,
    });
    let manifest =
        "version: 1\nbackends: { aws-sm: { aws_profile: chat } }\nenv: { A: aws-sm://a }\n";
    configured(manifest, portal, config)
        .file(
            "../.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
            token.to_string(),
        )
        .known("token-of-the-sso-session")
}

#[test]
fn a_sso_session_gives_the_keys_of_a_role() {
    let portal = faults::start(|request, _| {
        if request.target.starts_with("/federation/credentials") {
            assert_eq!(
                request.header("x-amz-sso_bearer_token"),
                Some("token-of-the-sso-session")
            );
            let keys = json!({ "roleCredentials": { "accessKeyId": "ASIAOFTHESESSION0000", "secretAccessKey": SECRET, "sessionToken": "t", "expiration": 4_000_000_000_000_u64 } });
            return faults::reply(200, &[], keys.to_string());
        }
        let arn = format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:a-AbCdEf");
        faults::reply(
            200,
            &[],
            json!({ "ARN": arn, "Name": "a", "SecretString": "value-of-a" }).to_string(),
        )
    });
    prints(
        with_sso(&portal.url(), "2099-01-01T00:00:00Z"),
        "echo $A",
        "value-of-a\n",
    );
    assert_eq!(signer(&portal.requests()[1]), "ASIAOFTHESESSION0000");
}

#[test]
fn a_sso_session_that_the_portal_refuses_says_what_to_run() {
    let refused = |status, code: &'static str| {
        faults::start(move |_, _| {
            faults::reply(status, &[("x-amzn-errortype", code)], "{\"message\":\"-\"}")
        })
    };
    let portal = refused(401, "UnauthorizedException");
    let text =
        "A: unauthenticated: the SSO session of profile `chat` has expired, or was never begun";
    fails(with_sso(&portal.url(), "2099-01-01T00:00:00Z"), &[text]);
    let text =
        "A: unauthenticated: the SSO session of profile `chat` has expired, or was never begun";
    fails(with_sso(&portal.url(), "2020-01-01T00:00:00Z"), &[text]);
    let portal = refused(403, "AccessDeniedException");
    fails(
        with_sso(&portal.url(), "2099-01-01T00:00:00Z"),
        &["A: denied: `"],
    );
}

/// A role that may read, and a caller who may assume it and nothing else.
fn role(name: &str) -> (String, Caller) {
    let ministack = Aws::ministack();
    let role = ministack.role(name, &allow(READ));
    let caller = ministack.user(&format!("{name}-caller"), &allow(&["sts:AssumeRole"]));
    ministack.secret(&format!("{name}/secret"), "value-for-the-role");
    (role, caller)
}

#[test]
fn a_role_of_the_settings_is_assumed() {
    let (role, caller) = role("assumed");
    let manifest = |role: &str| {
        format!(
            "version: 1\nbackends: {{ aws-sm: {{ role_arn: \"{role}\" }} }}\nenv: {{ A: aws-sm://assumed/secret }}\n"
        )
    };
    let url = Aws::ministack().url();
    let as_caller = |manifest: &str| {
        project(manifest, &url)
            .env("AWS_ACCESS_KEY_ID", &caller.key)
            .env("AWS_SECRET_ACCESS_KEY", &caller.secret)
            .known(&caller.secret)
    };
    prints(
        as_caller(&manifest(&role)),
        "echo $A",
        "value-for-the-role\n",
    );
    fails(
        as_caller("version: 1\nenv: { A: aws-sm://assumed/secret }\n"),
        &["A: denied: `secretsmanager:GetSecretValue` on"],
    );
    let stranger = Aws::ministack().user("assumes-nothing", &allow(&["s3:GetObject"]));
    let test = as_caller(&manifest(&role))
        .env("AWS_ACCESS_KEY_ID", &stranger.key)
        .env("AWS_SECRET_ACCESS_KEY", &stranger.secret);
    fails(
        test,
        &[&format!(
            "A: denied: `sts:AssumeRole` on `{role}` is not allowed"
        )],
    );
}

#[test]
fn a_web_identity_is_turned_into_its_role() {
    let (role, _) = role("federated");
    let manifest = "version: 1\nenv: { A: aws-sm://federated/secret }\n";
    let test = anonymous(manifest, &Aws::ministack().url())
        .file("token", WEB_IDENTITY)
        .env("AWS_ROLE_ARN", &role)
        .env_path("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
        .known(WEB_IDENTITY);
    prints(test, "echo $A", "value-for-the-role\n");
}

#[test]
fn a_web_identity_that_is_refused_says_so() {
    let server = faults::start(|request, _| {
        let body = String::from_utf8_lossy(&request.body);
        assert!(body.contains("AssumeRoleWithWebIdentity"), "{body}");
        faults::reply(
            400,
            &[],
            "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>the-token-of-the-pod is bad</Message></Error></ErrorResponse>",
        )
    });
    let test = anonymous(ONE, &server.url())
        .file("token", "the-token-of-the-pod")
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/chat")
        .env_path("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
        .known("the-token-of-the-pod");
    fails(
        test,
        &["A: unauthenticated: AWS does not accept the web identity token"],
    );
    let test = anonymous(ONE, &server.url())
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/chat")
        .env_path("AWS_WEB_IDENTITY_TOKEN_FILE", "no-such-file");
    fails(
        test,
        &["A: unauthenticated: the web identity is configured, and gives no credentials"],
    );
}

#[test]
fn a_container_gives_the_keys_of_its_task() {
    let moto = Aws::moto();
    moto.secret("of/task", "value-of-task");
    let credentials = proxy::to(&Aws::ministack().address());
    let test = anonymous("version: 1\nenv: { A: aws-sm://of/task }\n", &moto.url()).env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        format!("{}/v2/credentials/0", credentials.url()),
    );
    prints(test, "echo $A", "value-of-task\n");
    assert_eq!(credentials.lines(), ["GET /v2/credentials/0"]);
}

#[test]
fn a_pod_identity_shows_its_token() {
    let server = good();
    let agent = faults::start(|request, _| {
        assert_eq!(request.header("authorization"), Some("token-of-the-pod"));
        let keys = json!({ "AccessKeyId": "ASIAOFTHEPOD00000000", "SecretAccessKey": SECRET, "Token": "t", "Expiration": "2099-01-01T00:00:00Z" });
        faults::reply(200, &[], keys.to_string())
    });
    let test = anonymous(ONE, &server.url())
        .file("pod-token", "token-of-the-pod")
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/v1/credentials", agent.url()),
        )
        .env_path("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "pod-token")
        .known("token-of-the-pod");
    prints(test, "echo $A", "value-of-a\n");
    assert_eq!(signer(&server.requests()[0]), "ASIAOFTHEPOD00000000");
}

#[test]
fn no_proxy_sees_the_keys_that_this_machine_hands_out() {
    let moto = Aws::moto();
    moto.secret("past/proxy", "value-past-proxy");
    let forward = proxy::forward();
    let manifest = "version: 1\nenv: { A: aws-sm://past/proxy }\n";
    let elsewhere = proxy::elsewhere(&moto.url());
    let container = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let credentials = format!("{}/v2/credentials/0", Aws::ministack().url());
    let test = anonymous(manifest, &elsewhere).env(container, credentials);
    prints(
        test.env("HTTP_PROXY", forward.url()),
        "echo $A",
        "value-past-proxy\n",
    );
    let test = anonymous(manifest, &elsewhere)
        .without_env("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", Aws::ministack().url());
    prints(
        test.env("HTTP_PROXY", forward.url()),
        "echo $A",
        "value-past-proxy\n",
    );
    let expected = format!("POST {elsewhere}/");
    assert_eq!(forward.lines(), [expected.clone(), expected]);
}

#[test]
fn an_instance_gives_its_keys_and_its_region() {
    let server = good();
    let metadata = proxy::to(&Aws::ministack().address());
    let test = anonymous(ONE, &server.url())
        .without_env("AWS_EC2_METADATA_DISABLED")
        .without_env("AWS_REGION")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
    prints(test, "echo $A", "value-of-a\n");
    let lines = metadata.lines();
    assert!(
        lines.contains(&"PUT /latest/api/token".to_owned()),
        "{lines:?}"
    );
    let requests = server.requests();
    let header = requests[0].header("authorization").expect("it is signed");
    assert!(header.contains("/us-east-1/secretsmanager/"), "{header}");
}

#[test]
fn metadata_is_not_asked_where_something_else_is_configured() {
    let server = good();
    let metadata = faults::start(|_, _| vec![Step::Hold]);
    let metadata_of = |test: Test| {
        test.without_env("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
    };
    // Keys without a region: an instance's region is not that of keys from elsewhere.
    let test = metadata_of(project(ONE, &server.url())).without_env("AWS_REGION");
    fails(test, &["A: malformed: no region is set"]);
    let test = metadata_of(anonymous(ONE, &server.url())).env("AWS_PROFILE", "chat");
    fails(
        test,
        &["tried the instance metadata: not asked, since AWS_PROFILE is set"],
    );
    assert_eq!(metadata.connections(), 0);
}

#[test]
fn a_metadata_address_that_does_not_answer_costs_little() {
    let metadata = faults::start(|_, _| vec![Step::Hold]);
    let started = Instant::now();
    let test = anonymous(ONE, "http://127.0.0.1:1")
        .without_env("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
    fails(test, &["A: u"]);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_configuration_that_is_a_pipe_nobody_writes_ends_at_the_deadline() {
    let test = anonymous(ONE, "http://127.0.0.1:1");
    let pipe = test.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let started = Instant::now();
    fails_within(
        test.env_path("AWS_CONFIG_FILE", "pipe"),
        "1s",
        &[
            "A: timed out: no AWS credentials within the deadline: still waiting for the AWS configuration",
        ],
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_configuration_that_cannot_be_read_says_where() {
    let test = configured(
        ONE,
        "http://127.0.0.1:1",
        "[profile chat\nregion = eu-west-1\n",
    );
    fails(
        test,
        &[
            "A: malformed: the AWS configuration can't be read",
            "hint: ",
        ],
    );
}

#[test]
fn a_run_signs_in_once_however_many_requests_there_are() {
    let moto = Aws::moto();
    let mut manifest = "version: 1\nenv:\n".to_owned();
    for number in 0..45 {
        moto.secret(&format!("signs/{number}"), "value-of-signs");
        manifest.push_str(&format!("  A{number}: aws-sm://signs/{number}\n"));
    }
    let credentials = proxy::to(&Aws::ministack().address());
    let services = proxy::to(&moto.address());
    let test = anonymous(&manifest, &services.url()).env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        format!("{}/v2/credentials/0", credentials.url()),
    );
    prints(test, "echo $A44", "value-of-signs\n");
    assert_eq!(credentials.requests().len(), 1);
    assert_eq!(
        services.requests().iter().map(action).collect::<Vec<_>>(),
        ["BatchGetSecretValue"; 3]
    );
}

#[test]
fn what_no_key_of_aws_has_is_malformed_and_named_before_a_library_has_it() {
    let listener = good();
    let holds = "holds a blank, a line break or another character that no key of AWS has";
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIA1234\n"),
        ("AWS_ACCESS_KEY_ID", " AKIA1234"),
        ("AWS_ACCESS_KEY_ID", "AKIA\u{a0}1234"),
        ("AWS_SECRET_ACCESS_KEY", "secret-key-of-test\r"),
        ("AWS_SESSION_TOKEN", "token-of-test\n"),
        ("AWS_SESSION_TOKEN", "token of test"),
    ] {
        let test = project(ONE, &listener.url()).env(name, value);
        fails(test, &[&format!("A: malformed: {name} {holds}")]);
    }
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1\n"),
        ("AWS_ENDPOINT_URL", " http://127.0.0.1:1"),
        (
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            "http://127.0.0.1:1/\u{a0}",
        ),
        ("AWS_ENDPOINT_URL", "127.0.0.1:1"),
    ] {
        let test = project(ONE, &listener.url()).env(name, value);
        fails(test, &[&format!("A: malformed: {name} is no URL")]);
    }
    let config = "[default]\naws_access_key_id = AK IA\naws_secret_access_key = x\n";
    fails(
        configured(ONE, &listener.url(), config),
        &[&format!(
            "A: malformed: the access key id of profile `default` {holds}"
        )],
    );
}

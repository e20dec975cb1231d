//! What of AWS reaches the child: never a static key unless it is named, and the workload's
//! identity where it is asked for.

use super::prints;
use crate::harness::{
    Test,
    aws::{Aws, REGION, WEB_IDENTITY, allow, anonymous, project, python},
    proxy,
    runtime::path_with,
};

/// What prints the names of AWS that the child has.
const NAMES: &str = "env | grep ^AWS_ | cut -d= -f1 | sort | tr '\\n' ' '";

fn with_session(manifest: &str, url: &str) -> Test {
    project(manifest, url)
        .env("AWS_SESSION_TOKEN", "session-token-of-the-tests")
        .known("session-token-of-the-tests")
}

#[test]
fn static_keys_never_reach_the_child_unless_they_are_named() {
    let moto = Aws::moto();
    moto.secret("strips", "value-of-strips");
    let manifest =
        |inherit: &str| format!("version: 1\ninherit: {inherit}\nenv: {{ A: aws-sm://strips }}\n");
    let region = "AWS_EC2_METADATA_DISABLED AWS_REGION ";
    let all = "AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL AWS_REGION ";
    for (inherit, expected) in [
        ("[]", ""),
        ("[aws]", region),
        ("[all]", all),
        ("[\"AWS_*\"]", all),
        (
            "[AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]",
            "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY ",
        ),
    ] {
        prints(
            with_session(&manifest(inherit), &moto.url()),
            NAMES,
            expected,
        );
    }
}

/// A child with an SDK of its own, which says who it is.
const WHO: &str = "\
import boto3, os
session = boto3.session.Session()
credentials = session.get_credentials()
if credentials is None:
    print('nobody', end='')
else:
    arn = session.client('sts').get_caller_identity()['Arn']
    print(os.environ['A'], credentials.method, arn.split('/')[1], end='')
";

fn asks_who(test: Test) -> Test {
    let python = python();
    // boto3 knows the region by this name alone.
    let test = test
        .env("PATH", path_with(&python))
        .env("AWS_DEFAULT_REGION", REGION);
    test.run([python.as_os_str(), "-c".as_ref(), WHO.as_ref()])
        .prints_values()
}

#[test]
fn the_childs_own_sdk_gets_the_same_role_as_endow() {
    let ministack = Aws::ministack();
    let read = &["secretsmanager:GetSecretValue"];
    let role = ministack.role("the-same-role", &allow(read));
    // Only this role may read it, so endow has it.
    ministack.secret("of/the/same/role", "value-for-the-role");
    for (inherit, expected) in [
        (
            "[aws, AWS_ENDPOINT_URL]",
            "value-for-the-role assume-role-with-web-identity the-same-role",
        ),
        (
            "[all]",
            "value-for-the-role assume-role-with-web-identity the-same-role",
        ),
        // boto3 alone would ask the metadata address.
        ("[AWS_EC2_METADATA_DISABLED]", "nobody"),
    ] {
        let manifest =
            format!("version: 1\ninherit: {inherit}\nenv: {{ A: aws-sm://of/the/same/role }}\n");
        let test = anonymous(&manifest, &ministack.url())
            .file("token", WEB_IDENTITY)
            .env("AWS_ROLE_ARN", &role)
            .env("AWS_ROLE_SESSION_NAME", "pod")
            .env_path("AWS_WEB_IDENTITY_TOKEN_FILE", "token");
        asks_who(test).stdout(expected).success();
    }
}

#[test]
fn the_childs_own_sdk_gets_the_credentials_of_the_same_task() {
    let moto = Aws::moto();
    moto.secret("of/the/same/task", "value-of-task");
    let credentials = proxy::to(&Aws::ministack().address());
    let manifest =
        "version: 1\ninherit: [aws, AWS_ENDPOINT_URL]\nenv: { A: aws-sm://of/the/same/task }\n";
    let test = anonymous(manifest, &moto.url()).env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        format!("{}/v2/credentials/task", credentials.url()),
    );
    let output = asks_who(test).any_stdout().success();
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.starts_with("value-of-task container-role "), "{said}");
    // The same address, asked by endow and then by its child.
    assert_eq!(credentials.lines(), ["GET /v2/credentials/task"; 2]);
}

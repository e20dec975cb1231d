//! What AWS refuses, each by a message of its own; where a real server can say it, it does.

use std::sync::OnceLock;

use serde_json::json;

use super::fails;
use crate::harness::{
    Test,
    aws::{Aws, Caller, KEY, allow, project},
    faults,
};

const ONE: &str = "version: 1\nenv: { A: aws-sm://signed/a }\n";
const TWO: &str = "version: 1\nenv: { A: aws-sm://signed/a, B: aws-sm://signed/b }\n";

/// moto with its checks of signatures and permissions, and three of its callers.
struct Signing {
    server: Aws,
    reader: Caller,
    single_reader: Caller,
    stranger: Caller,
}

fn signing() -> &'static Signing {
    static SIGNING: OnceLock<Signing> = OnceLock::new();
    SIGNING.get_or_init(|| {
        let server = Aws::start_moto();
        server.secret("signed/a", "value-of-a");
        server.secret("signed/b", "value-of-b");
        server.parameter("/signed/a", "value-of-a");
        let read = "secretsmanager:GetSecretValue";
        let batch = "secretsmanager:BatchGetSecretValue";
        let signing = Signing {
            reader: server.user("reader", &allow(&[read, batch])),
            single_reader: server.user("single-reader", &allow(&[read])),
            stranger: server.user("stranger", &allow(&["s3:GetObject"])),
            server,
        };
        signing.server.check_signatures();
        signing
    })
}

fn as_caller(manifest: &str, caller: &Caller) -> Test {
    project(manifest, &signing().server.url())
        .env("AWS_ACCESS_KEY_ID", &caller.key)
        .env("AWS_SECRET_ACCESS_KEY", &caller.secret)
        .known(&caller.secret)
        .known("value-of-a")
        .known("value-of-b")
}

#[test]
fn a_request_is_signed_so_that_aws_takes_it() {
    let test = as_caller(TWO, &signing().reader).shell("echo $A $B");
    let test = test.prints_values().stdout("value-of-a value-of-b\n");
    test.success();
}

#[test]
fn a_caller_without_the_batch_action_gets_the_same_values() {
    let test = as_caller(TWO, &signing().single_reader).shell("echo $A $B");
    let test = test.prints_values().stdout("value-of-a value-of-b\n");
    test.success();
}

#[test]
fn a_wrong_secret_key_says_so() {
    let caller = Caller {
        secret: "0000000000000000000000000000000000wrong0".into(),
        ..signing().reader.clone()
    };
    fails(
        as_caller(ONE, &caller),
        &[
            "A: unauthenticated: the secret access key does not belong to the access key",
            "the credentials are those of the environment",
        ],
    );
    let report = fails(
        as_caller(TWO, &caller),
        &["A, B: unauthenticated: the secret access key"],
    );
    assert_eq!(report.matches("unauthenticated").count(), 1, "{report}");
}

#[test]
fn an_unknown_access_key_says_so() {
    let caller = Caller {
        key: KEY.into(),
        secret: "secret-of-nobody".into(),
    };
    fails(
        as_caller(ONE, &caller),
        &["A: unauthenticated: AWS does not know the access key"],
    );
}

#[test]
fn a_missing_permission_is_named() {
    let stranger = &signing().stranger;
    fails(
        as_caller(ONE, stranger),
        &[
            "A: denied: `secretsmanager:GetSecretValue` on `signed/a` is not allowed",
            "the credentials are those of the environment",
        ],
    );
    let manifest = "version: 1\nenv: { A: aws-ssm:///signed/a }\n";
    fails(
        as_caller(manifest, stranger),
        &["A: denied: `ssm:GetParameters` on `/signed/a` is not allowed"],
    );
}

/// What AWS answers in its protocol.
fn refusing(code: &str, message: &str) -> crate::harness::listener::Listener {
    let body = json!({ "__type": code, "message": message }).to_string();
    faults::start(move |_, _| faults::reply(400, &[], &body))
}

#[test]
fn refusals_are_each_a_message_of_its_own() {
    let cases = [
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "A: unauthenticated: the session token has expired",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "A: unauthenticated: AWS does not know the access key",
        ),
        (
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
            "A: unauthenticated: the secret access key does not belong to the access key",
        ),
        (
            "InvalidSignatureException",
            "Credential should be scoped to a valid region, not 'eu-west-1'.",
            "A: unauthenticated: this Secrets Manager is not that of eu-west-1, for which the request is signed",
        ),
        (
            "InvalidSignatureException",
            "Signature expired: 20261124T120000Z is now earlier than 20261124T130000Z",
            "A: unauthenticated: Secrets Manager refuses the request: the clock of this machine",
        ),
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            "A: unauthenticated: Secrets Manager refuses the request: the clock of this machine",
        ),
        (
            "DecryptionFailure",
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
            "A: malformed: the secret `signed/a` can't be decrypted with its KMS key",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:sts::123456789012:assumed-role/chat/x is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:123456789012:secret:signed/a-AbCdEf with an explicit deny in an identity-based policy",
            "A: denied: `secretsmanager:GetSecretValue` on `arn:aws:secretsmanager:eu-west-1:123456789012:secret:signed/a-AbCdEf` is not allowed",
        ),
        (
            "ValidationException",
            "Value 'value-of-a' at 'secretId' failed to satisfy a constraint",
            "A: malformed: Secrets Manager in eu-west-1 refuses `signed/a`: ValidationException",
        ),
    ];
    for (code, message, expected) in cases {
        let server = refusing(code, message);
        fails(project(ONE, &server.url()).known("value-of-a"), &[expected]);
    }
}

#[test]
fn the_address_of_another_region_than_an_arn_names_says_which_that_is() {
    let message = "Credential should be scoped to a valid region, not 'us-west-2'.";
    let server = refusing("InvalidSignatureException", message);
    let arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:a-AbCdEf";
    let manifest = format!("version: 1\nenv: {{ A: \"aws-sm://{arn}\" }}\n");
    fails(
        project(&manifest, &server.url()),
        &[
            "A: unauthenticated: this Secrets Manager is not that of us-west-2, for which the request is signed",
            "us-west-2 is the region that the ARN names",
            &server.url(),
        ],
    );
}

#[test]
fn a_wrong_clock_is_corrected_by_the_answer_of_aws() {
    // One hour ahead of this machine, for which signatures of it are too old.
    let hour = 3600;
    let server = faults::start(move |request, _| {
        let date = http_date(hour);
        let headers = [("date", date.as_str())];
        let signed = request.header("x-amz-date").unwrap_or_default();
        if signed < basic_date(hour - 300).as_str() {
            let body = json!({ "__type": "InvalidSignatureException", "message": "Signature expired: it is now earlier" });
            return faults::reply(400, &headers, body.to_string());
        }
        let body = json!({ "ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:signed/a-AbCdEf", "Name": "signed/a", "SecretString": "value-of-a" });
        faults::reply(200, &headers, body.to_string())
    });
    let test = project(ONE, &server.url()).shell("echo $A");
    test.prints_values().stdout("value-of-a\n").success();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_clock_that_cannot_be_corrected_says_how_far_it_is_off() {
    let server = faults::start(|_, _| {
        let date = http_date(-2 * 3600);
        let body = json!({ "__type": "RequestTimeTooSkewed", "message": "-" });
        faults::reply(400, &[("date", &date)], body.to_string())
    });
    fails(
        project(ONE, &server.url()),
        &[
            "the clock of this machine is 2 hours ahead of AWS's",
            "set the clock, or let NTP do it",
        ],
    );
}

#[test]
fn no_region_says_so_and_how_to_set_it() {
    let test = Aws::moto().project(ONE).without_env("AWS_REGION");
    fails(
        test,
        &[
            "A: malformed: no region is set, so it is not known which Secrets Manager to ask",
            "set AWS_REGION, or `region` of `aws-sm` under `backends`, or write the ARN",
        ],
    );
}

#[test]
fn no_level_of_tracing_prints_a_value_or_a_credential() {
    let moto = Aws::moto();
    moto.secret("traced", "value-that-is-traced");
    moto.parameter("/traced", "value-that-is-traced");
    let manifest =
        "version: 1\nenv: { A: aws-sm://traced, B: aws-ssm:///traced, C: aws-sm://not/traced }\n";
    for level in ["debug", "trace"] {
        let test = moto
            .project(manifest)
            .known("value-that-is-traced")
            .env("AWS_SESSION_TOKEN", "token-that-is-traced")
            .known("token-that-is-traced")
            .env("ENDOW_LOG", level);
        fails(test, &["C: absent"]);
    }
}

fn now(offset: i64) -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_secs(offset)
}

fn http_date(offset: i64) -> String {
    now(offset)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

fn basic_date(offset: i64) -> String {
    now(offset).strftime("%Y%m%dT%H%M%SZ").to_string()
}

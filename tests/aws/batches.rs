//! How many requests there are, and what becomes of a batch of which a part fails.

use serde_json::{Value, json};

use super::{action, actions, fails, prints};
use crate::harness::{
    Test,
    aws::{ACCOUNT, Aws, REGION, project},
    faults, proxy,
};

/// A manifest of so many secrets, `PREFIX/0` and on, as `A0` and on.
fn many(prefix: &str, count: usize) -> String {
    let line = |number| format!("  A{number}: aws-sm://{prefix}/{number}\n");
    let lines: String = (0..count).map(line).collect();
    format!("version: 1\nenv:\n{lines}")
}

/// The ids that a batch asks for.
fn ids(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let list = body["SecretIdList"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect()
}

fn entry(name: &str, value: &str) -> Value {
    json!({
        "ARN": format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"),
        "Name": name,
        "VersionId": "00000000-0000-0000-0000-000000000001",
        "SecretString": value,
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1_700_000_000.5,
    })
}

#[test]
fn a_hundred_secrets_are_five_requests_of_twenty() {
    let moto = Aws::moto();
    for number in 0..100 {
        moto.secret(&format!("hundred/{number}"), &format!("value-{number}"));
    }
    let counted = proxy::to(&moto.address());
    let test = project(&many("hundred", 100), &counted.url());
    prints(
        test,
        "echo $A0 $A19 $A20 $A99",
        "value-0 value-19 value-20 value-99\n",
    );
    assert_eq!(actions(&counted), ["BatchGetSecretValue"; 5]);
    for request in counted.requests() {
        assert_eq!(ids(&request.body).len(), 20);
    }
}

#[test]
fn every_secret_is_asked_for_once_however_many_of_its_keys() {
    let moto = Aws::moto();
    moto.secret("once/a", r#"{"x":"value-ax","y":"value-ay"}"#);
    moto.secret("once/b", r#"{"x":"value-bx"}"#);
    let manifest = "\
version: 1
env:
  A: aws-sm://once/a#x
  B: aws-sm://once/a#y
  C: aws-sm://once/b#x
  D: aws-sm://once/a#x
";
    let counted = proxy::to(&moto.address());
    let test = project(manifest, &counted.url());
    prints(
        test,
        "echo $A $B $C $D",
        "value-ax value-ay value-bx value-ax\n",
    );
    let requests = counted.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(ids(&requests[0].body), ["once/a", "once/b"]);
}

#[test]
fn one_secret_is_read_and_not_listed() {
    let moto = Aws::moto();
    moto.secret("alone", r#"{"x":"value-x","y":"value-y"}"#);
    let counted = proxy::to(&moto.address());
    let manifest = "version: 1\nenv: { A: aws-sm://alone#x, B: aws-sm://alone#y }\n";
    prints(
        project(manifest, &counted.url()),
        "echo $A $B",
        "value-x value-y\n",
    );
    assert_eq!(actions(&counted), ["GetSecretValue"]);
}

#[test]
fn explain_says_as_many_requests_as_there_are() {
    let moto = Aws::moto();
    for number in 0..21 {
        moto.secret(&format!("explained/{number}"), "value-of-explained");
    }
    let more = "  OLD: { from: aws-sm://explained/0?stage=AWSPREVIOUS, required: false }\n  FAR: { from: \"aws-sm://arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf\", required: false }\n";
    let manifest = many("explained", 21) + more;
    let counted = proxy::to(&moto.address());
    let test = project(&manifest, &counted.url());
    let output = test.args(["explain"]).any_stdout().success();
    assert_eq!(counted.requests().len(), 0, "explain asks nothing");
    let report = String::from_utf8(output.stdout).expect("text");
    for label in [
        "get 20 secrets in a batch",
        "get explained/9",
        "get explained/0 (stage AWSPREVIOUS)",
    ] {
        assert!(report.contains(label), "`{label}` is missing:\n{report}");
    }
    assert!(report.contains("aws-sm  4  "), "{report}");
    prints(
        project(&manifest, &counted.url()),
        "echo $A0 ${OLD-none}",
        "value-of-explained none\n",
    );
    assert_eq!(
        actions(&counted),
        [
            "BatchGetSecretValue",
            "GetSecretValue",
            "GetSecretValue",
            "GetSecretValue"
        ]
    );
}

#[test]
fn a_service_that_takes_twenty_ids_and_no_more_is_not_asked_for_more() {
    // moto and ministack take any number.
    let server = faults::start(|request, _| {
        let ids = ids(&request.body);
        if ids.len() > 20 {
            return faults::reply(400, &[], r#"{"__type":"ValidationException"}"#);
        }
        let values: Vec<Value> = ids
            .iter()
            .map(|id| entry(id, &format!("of {id}")))
            .collect();
        faults::reply(
            200,
            &[],
            json!({ "SecretValues": values, "Errors": [] }).to_string(),
        )
    });
    let test = project(&many("s", 40), &server.url());
    prints(test, "echo $A0 $A39", "of s/0 of s/39\n");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_batch_in_pages_in_any_order_with_an_empty_page_is_read_to_its_end() {
    let server = faults::start(|request, before| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let page = match before {
            0 => json!({ "SecretValues": [entry("s/2", "two")], "NextToken": "t1" }),
            1 => json!({ "SecretValues": [], "NextToken": "t2" }),
            _ => json!({ "SecretValues": [entry("s/1", "one"), entry("s/0", "zero")] }),
        };
        let expected = [Value::Null, json!("t1"), json!("t2")];
        assert_eq!(body["NextToken"], expected[before]);
        faults::reply(200, &[], page.to_string())
    });
    let test = project(&many("s", 3), &server.url());
    prints(test, "echo $A0 $A1 $A2", "zero one two\n");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn what_a_batch_leaves_out_is_asked_for_by_itself() {
    let server = faults::start(|request, _| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let answer = match action(request) {
            "BatchGetSecretValue" => json!({
                "SecretValues": [entry("s/0", "zero")],
                "Errors": [{ "SecretId": "s/1", "ErrorCode": "InternalServiceError", "Message": "-" }],
            }),
            _ => entry(body["SecretId"].as_str().expect("an id"), "by itself"),
        };
        faults::reply(200, &[], answer.to_string())
    });
    let test = project(&many("s", 3), &server.url());
    prints(test, "echo $A0, $A1, $A2", "zero, by itself, by itself\n");
    assert_eq!(
        actions(&server),
        ["BatchGetSecretValue", "GetSecretValue", "GetSecretValue"]
    );
}

#[test]
fn errors_of_a_batch_are_each_that_of_its_variable() {
    let server = faults::start(|request, _| {
        let wrong = |id: &str, code: &str, message: &str| json!({ "SecretId": id, "ErrorCode": code, "Message": message });
        let answer = match action(request) {
            "BatchGetSecretValue" => json!({
                "SecretValues": [entry("s/0", "value-of-zero")],
                "Errors": [
                    wrong("s/1", "ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
                    wrong("s/2", "InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion."),
                    wrong("s/3", "DecryptionFailure", "Secrets Manager can't decrypt the secret value."),
                    wrong("s/4", "AccessDeniedException", "Access to KMS is not allowed"),
                ],
            }),
            other => panic!("{other}"),
        };
        faults::reply(200, &[], answer.to_string())
    });
    let test = project(&many("s", 5), &server.url()).known("value-of-zero");
    let report = fails(
        test,
        &[
            "A1: absent: no secret `s/1` in eu-west-1",
            "A2: deleted: the secret `s/2` is marked for deletion",
            "A3: malformed: the secret `s/3` can't be decrypted with its KMS key",
            "A4: denied: `kms:Decrypt` on `s/4` is not allowed",
        ],
    );
    assert!(report.contains("4 of 5"), "{report}");
}

/// Asks for twenty secrets, of which a policy denies the fourth.
fn one_of_twenty(prefix: &str) -> Test {
    let ministack = Aws::ministack();
    for number in 0..20 {
        ministack.secret(&format!("{prefix}/{number}"), &format!("value-{number}"));
    }
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"], "Resource": "*" },
            { "Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": format!("arn:aws:secretsmanager:*:*:secret:{prefix}/3-*") },
        ],
    });
    let caller = ministack.user(prefix, &policy);
    let manifest = many(prefix, 20).replace(
        &format!("A3: aws-sm://{prefix}/3\n"),
        &format!("A3: {{ from: aws-sm://{prefix}/3, required: false }}\n"),
    );
    project(&manifest, &ministack.url())
        .env("AWS_ACCESS_KEY_ID", &caller.key)
        .env("AWS_SECRET_ACCESS_KEY", &caller.secret)
        .known(caller.secret)
}

#[test]
fn a_policy_that_denies_one_of_twenty_secrets_fails_that_variable_alone() {
    let report = fails(
        one_of_twenty("one-of-twenty"),
        &["A3: denied: `secretsmanager:GetSecretValue` on `one-of-twenty/3` is not allowed"],
    );
    // The others are not in the report: they resolve.
    assert!(report.contains("1 of 20 variables"), "{report}");
    let test = one_of_twenty("the-others").args(["get", "A19"]);
    test.prints_values().stdout("value-19").success();
}

#[test]
fn where_the_batch_action_alone_is_denied_each_secret_is_read_by_itself() {
    let moto = Aws::moto();
    for number in 0..25 {
        moto.secret(&format!("single/{number}"), &format!("value-{number}"));
    }
    let answer = "<ErrorResponse><Errors><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/x is not authorized to perform: secretsmanager:BatchGetSecretValue</Message></Error></Errors></ErrorResponse>";
    let counted = proxy::with(&moto.address(), move |request| {
        (action(request) == "BatchGetSecretValue").then(|| crate::harness::http::Response {
            status: 403,
            headers: vec![("content-type".into(), "text/html".into())],
            body: answer.into(),
        })
    });
    let test = project(&many("single", 25), &counted.url());
    prints(test, "echo $A0 $A7 $A24", "value-0 value-7 value-24\n");
    let asked = actions(&counted);
    assert_eq!(
        asked
            .iter()
            .filter(|action| *action == "GetSecretValue")
            .count(),
        25
    );
    assert_eq!(
        asked
            .iter()
            .filter(|action| *action == "BatchGetSecretValue")
            .count(),
        2
    );
}

#[test]
fn a_parameter_that_is_denied_fails_by_itself() {
    // AWS refuses the whole request for one of its names.
    let server = faults::start(|request, _| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let names = body["Names"].as_array().cloned().unwrap_or_default();
        if names.contains(&json!("/denied/2")) {
            let message = "User: arn:aws:iam::123456789012:user/chat is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-west-1:123456789012:parameter/denied/2 because no identity-based policy allows the ssm:GetParameters action";
            let body = json!({ "__type": "AccessDeniedException", "Message": message });
            return faults::reply(400, &[], body.to_string());
        }
        let parameter = |name: &Value| json!({ "Name": name, "Value": "value", "Version": 1, "Type": "String" });
        let found: Vec<Value> = names.iter().map(parameter).collect();
        faults::reply(
            200,
            &[],
            json!({ "Parameters": found, "InvalidParameters": [] }).to_string(),
        )
    });
    let lines: String = (0..4)
        .map(|n| format!("  A{n}: aws-ssm:///denied/{n}\n"))
        .collect();
    let report = fails(
        project(&format!("version: 1\nenv:\n{lines}"), &server.url()),
        &[
            "A2: denied: `ssm:GetParameters` on `arn:aws:ssm:eu-west-1:123456789012:parameter/denied/2` is not allowed",
        ],
    );
    assert!(report.contains("1 of 4 variables"), "{report}");
    assert_eq!(server.requests().len(), 5);
}

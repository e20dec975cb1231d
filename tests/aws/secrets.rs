//! What stands in Secrets Manager, by every way to name it.

use serde_json::json;

use super::{fails, prints};
use crate::harness::aws::{ACCOUNT, Aws, REGION};

#[test]
fn a_secret_is_its_text_and_a_key_of_a_json_secret_its_value() {
    let moto = Aws::moto();
    moto.secret("text/whole", "the-whole-text\n");
    moto.secret(
        "text/json",
        r#"{"password":"pa$$ \"word\"","port":5432,"deep":{"a/b":["zero","first-of-deep"]}}"#,
    );
    let manifest = "\
version: 1
env:
  WHOLE: aws-sm://text/whole
  PASSWORD: aws-sm://text/json#password
  PORT: aws-sm://text/json#port
  DEEP: aws-sm://text/json#/deep/a~1b/1
";
    let test = moto
        .project(manifest)
        .known("the-whole-text")
        .known("first-of-deep");
    let script = "printf '%s|' \"$WHOLE\" \"$PASSWORD\" \"$PORT\" \"$DEEP\"";
    prints(
        test,
        script,
        "the-whole-text\n|pa$$ \"word\"|5432|first-of-deep|",
    );
}

#[test]
fn a_layer_takes_its_names_from_one_secret() {
    let moto = Aws::moto();
    moto.secret(
        "layer/prod",
        r#"{"OPENAI_API_KEY":"value-of-openai","stripe":"value-of-stripe"}"#,
    );
    let manifest = "\
version: 1
from: aws-sm://layer/prod
env:
  OPENAI_API_KEY:
  STRIPE_API_KEY: { key: stripe }
  SENTRY_DSN: { required: false }
";
    let script = "echo $OPENAI_API_KEY $STRIPE_API_KEY ${SENTRY_DSN-none}";
    prints(
        moto.project(manifest),
        script,
        "value-of-openai value-of-stripe none\n",
    );
}

#[test]
fn a_secret_is_named_by_its_whole_arn_and_by_one_without_the_suffix() {
    let moto = Aws::moto();
    let arn = moto.secret("by/arn", r#"{"k":"value-by-arn"}"#);
    let (partial, _) = arn.rsplit_once('-').expect("a suffix");
    let manifest = format!(
        "version: 1\nenv:\n  A: aws-sm://{arn}#k\n  B: \"aws-sm://{partial}#k\"\n  C: aws-sm://by/arn#k\n"
    );
    prints(
        moto.project(&manifest),
        "echo $A $B $C",
        "value-by-arn value-by-arn value-by-arn\n",
    );
}

#[test]
fn the_region_of_an_arn_wins_over_the_one_that_is_set() {
    let moto = Aws::moto();
    let body = json!({ "Name": "far/away", "SecretString": "value-of-far" });
    let answer = moto.json("secretsmanager.CreateSecret", "us-west-2", &body);
    let arn = answer["ARN"].as_str().expect("an ARN");
    moto.secret("far/near", "value-of-near");
    let manifest = format!("version: 1\nenv:\n  FAR: aws-sm://{arn}\n  NEAR: aws-sm://far/near\n");
    prints(
        moto.project(&manifest),
        "echo $FAR $NEAR",
        "value-of-far value-of-near\n",
    );
    // With nothing but ARNs no region is needed.
    let manifest = format!("version: 1\nenv:\n  FAR: aws-sm://{arn}\n");
    let test = moto.project(&manifest).without_env("AWS_REGION");
    prints(test, "echo $FAR", "value-of-far\n");
}

#[test]
fn backends_by_name_have_regions_of_their_own() {
    let moto = Aws::moto();
    for region in ["eu-west-1", "ap-south-1"] {
        let body = json!({ "Name": "two/regions", "SecretString": format!("value-of-{region}") });
        moto.json("secretsmanager.CreateSecret", region, &body);
    }
    let manifest = "\
version: 1
backends:
  eu: { type: aws-sm, region: eu-west-1 }
  india: { type: aws-sm, region: ap-south-1 }
env:
  A: eu://two/regions
  B: india://two/regions
";
    let test = moto.project(manifest).env("AWS_REGION", "us-east-1");
    prints(
        test,
        "echo $A $B",
        "value-of-eu-west-1 value-of-ap-south-1\n",
    );
}

#[test]
fn stages_and_versions_select_older_values() {
    let moto = Aws::moto();
    moto.secret("staged", r#"{"k":"value-the-first"}"#);
    let body = json!({ "SecretId": "staged", "SecretString": r#"{"k":"value-the-second"}"# });
    let second = moto.secrets("PutSecretValue", &body);
    let id = second["VersionId"].as_str().expect("a version");
    let manifest = format!(
        "version: 1\nenv:\n  NOW: aws-sm://staged#k\n  BEFORE: aws-sm://staged#k?stage=AWSPREVIOUS\n  BY_ID: aws-sm://staged#k?version={id}\n"
    );
    let expected = "value-the-second value-the-first value-the-second\n";
    prints(
        moto.project(&manifest),
        "echo $NOW $BEFORE $BY_ID",
        expected,
    );
}

#[test]
fn a_binary_secret_is_its_bytes_and_has_no_keys() {
    let moto = Aws::moto();
    // The bytes ff fe fd are no text.
    moto.secrets(
        "CreateSecret",
        &json!({ "Name": "binary/text", "SecretBinary": "dmFsdWUtaW4tYnl0ZXM=" }),
    );
    moto.secrets(
        "CreateSecret",
        &json!({ "Name": "binary/raw", "SecretBinary": "//79" }),
    );
    let manifest = "version: 1\nenv:\n  TEXT: aws-sm://binary/text\n  RAW: aws-sm://binary/raw\n";
    let output = moto
        .project(manifest)
        .shell("printf '%s %s' \"$TEXT\" \"$RAW\"")
        .prints_values()
        .any_stdout()
        .success();
    assert_eq!(output.stdout, b"value-in-bytes \xff\xfe\xfd");
    let manifest = "version: 1\nenv:\n  TEXT: aws-sm://binary/text#k\n";
    fails(
        moto.project(manifest).known("value-in-bytes"),
        &["TEXT: malformed: the secret `binary/text` is binary, so it has no key `k`"],
    );
}

#[test]
fn a_missing_key_lists_the_keys_that_are_there() {
    let moto = Aws::moto();
    moto.secret(
        "keys",
        r#"{"database_url":"value-of-database","port":1,"gone":null}"#,
    );
    let manifest = "version: 1\nenv:\n  A: aws-sm://keys#databse_url\n  B: aws-sm://keys#gone\n";
    let report = fails(
        moto.project(manifest).known("value-of-database"),
        &["A: absent: no `databse_url` in `keys`", "database_url"],
    );
    assert!(
        report.contains("B: absent: `gone` in `keys` is null"),
        "{report}"
    );
}

#[test]
fn a_whole_json_object_is_refused_unless_it_is_asked_for_as_one() {
    let moto = Aws::moto();
    moto.secret("object", r#"{"user":"value-of-user","port":1}"#);
    let manifest = "version: 1\nenv: { A: aws-sm://object }\n";
    fails(
        moto.project(manifest).known("value-of-user"),
        &[
            "A: malformed: the secret is a JSON object, and the reference names no key of it",
            "write the key after a `#`: it has `port`, `user`",
            "write `as: json` for all of its text, or `as: file`",
        ],
    );
    let manifest = "version: 1\nenv: { A: { from: aws-sm://object, as: json } }\n";
    let expected = "{\"user\":\"value-of-user\",\"port\":1}\n";
    prints(moto.project(manifest), "echo \"$A\"", expected);
}

#[test]
fn a_missing_secret_says_in_which_region_it_was_looked_for() {
    let moto = Aws::moto();
    let manifest = "version: 1\nenv:\n  A: aws-sm://not/there#k\n  B: { from: aws-sm://not/there, default: the-default }\n";
    let report = fails(
        moto.project(manifest),
        &["A: absent: no secret `not/there` in eu-west-1"],
    );
    assert!(!report.contains("B:"), "{report}");
    let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:not/there-AbCdEf");
    let manifest = format!("version: 1\nenv:\n  A: aws-sm://{arn}\n");
    fails(
        moto.project(&manifest),
        &[&format!("A: absent: no secret `{arn}`")],
    );
}

#[test]
fn an_absent_version_is_no_absent_secret() {
    let moto = Aws::moto();
    moto.secret("unstaged", "value-of-unstaged");
    let manifest = "version: 1\nenv:\n  A: aws-sm://unstaged?stage=AWSPENDING\n";
    fails(
        moto.project(manifest),
        &["A: absent: no secret `unstaged` in eu-west-1, or no stage `AWSPENDING` of it"],
    );
}

#[test]
fn a_secret_that_is_marked_for_deletion_is_not_absent() {
    let moto = Aws::moto();
    moto.secret("doomed", "value-of-doomed");
    moto.secret("doomed/neighbour", "value-of-neighbour");
    moto.secrets("DeleteSecret", &json!({ "SecretId": "doomed" }));
    let manifest = "\
version: 1
env:
  A: { from: [aws-sm://doomed, aws-sm://doomed/neighbour] }
  B: aws-sm://doomed/neighbour
  C: { from: aws-sm://doomed?stage=AWSCURRENT, default: x }
";
    let report = fails(
        moto.project(manifest),
        &[
            "A, C: deleted: the secret `doomed` is marked for deletion",
            "restore-secret",
        ],
    );
    assert!(report.contains("2 of 3"), "{report}");
}

#[test]
fn a_secret_of_another_account_is_refused() {
    let moto = Aws::moto();
    moto.secret("whose", "value-of-whose");
    moto.secret("whose/else", "value-of-else");
    let manifest = "\
version: 1
backends: { ours: { type: aws-sm, account: \"222222222222\" } }
env:
  A: ours://whose
  B: ours://whose/else
  C: ours://whose?stage=AWSCURRENT
  D: ours://arn:aws:secretsmanager:eu-west-1:333333333333:secret:x-AbCdEf
";
    let report = fails(
        moto.project(manifest).known("value-of-whose"),
        &[
            "A, B, C: denied: it is of account 123456789012, and `ours` is for account 222222222222 alone",
            "D: denied: it is of account 333333333333",
        ],
    );
    assert!(report.contains("4 of 4"), "{report}");
    let manifest = format!(
        "version: 1\nbackends: {{ ours: {{ type: aws-sm, account: \"{ACCOUNT}\" }} }}\nenv: {{ A: ours://whose }}\n"
    );
    prints(moto.project(&manifest), "echo $A", "value-of-whose\n");
}

#[test]
fn settings_that_cannot_be_are_refused_before_anything_is_asked() {
    let cases = [
        ("region: Europe", "`region` is no region"),
        // It would be another host.
        ("region: evil.test/x", "`region` is no region"),
        ("account: 2222", "`account` is no account"),
        ("role_arn: admin", "`role_arn` is no role"),
        ("endpoint_url: localhost", "`endpoint_url` is no URL"),
    ];
    for (setting, text) in cases {
        let manifest = format!(
            "version: 1\nbackends: {{ aws-sm: {{ {setting} }} }}\nenv: {{ A: aws-sm://a }}\n"
        );
        let test = Aws::moto().project(&manifest);
        let file = test.path("secretfile.yaml");
        fails(test.args(["--file", file.to_str().expect("text")]), &[text]);
    }
}

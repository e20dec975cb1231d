//! What stands in Parameter Store.

use serde_json::json;

use super::{actions, fails, prints};
use crate::harness::{
    aws::{ACCOUNT, Aws, REGION, project},
    proxy,
};

#[test]
fn a_parameter_is_named_by_its_path_its_name_and_its_arn() {
    let moto = Aws::moto();
    moto.parameter("/paths/one", "value-of-one");
    moto.parameter("plain-name", "value-of-plain");
    let arn = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/paths/one");
    let manifest = format!(
        "version: 1\nenv:\n  A: aws-ssm:///paths/one\n  B: aws-ssm://plain-name\n  C: aws-ssm://{arn}\n"
    );
    let expected = "value-of-one value-of-plain value-of-one\n";
    prints(moto.project(&manifest), "echo $A $B $C", expected);
}

#[test]
fn a_layer_takes_its_names_from_a_path() {
    let moto = Aws::moto();
    moto.parameter("/layer/chat/OPENAI_API_KEY", "value-of-openai");
    moto.parameter("/layer/chat/stripe", "value-of-stripe");
    let manifest = "\
version: 1
from: aws-ssm:///layer/chat
env: { OPENAI_API_KEY: , STRIPE: { key: stripe } }
";
    prints(
        moto.project(manifest),
        "echo $OPENAI_API_KEY $STRIPE",
        "value-of-openai value-of-stripe\n",
    );
}

#[test]
fn encrypted_lists_and_plain_parameters_are_their_text() {
    let moto = Aws::moto();
    for (name, kind, value) in [
        ("/kinds/secure", "SecureString", "value,of secure"),
        ("/kinds/list", "StringList", "one,two,three"),
        ("/kinds/plain", "String", " spaces kept "),
    ] {
        let body = json!({ "Name": name, "Type": kind, "Value": value });
        moto.parameters("PutParameter", &body);
    }
    let manifest = "\
version: 1
env:
  A: aws-ssm:///kinds/secure
  B: aws-ssm:///kinds/list
  C: aws-ssm:///kinds/plain
";
    let script = "printf '%s|' \"$A\" \"$B\" \"$C\"";
    prints(
        moto.project(manifest),
        script,
        "value,of secure|one,two,three| spaces kept |",
    );
}

#[test]
fn versions_and_labels_select_older_values() {
    let moto = Aws::moto();
    for value in ["value-the-first", "value-the-second", "value-the-third"] {
        moto.parameter("/versions/a", value);
    }
    let body = json!({ "Name": "/versions/a", "ParameterVersion": 2, "Labels": ["stable"] });
    moto.parameters("LabelParameterVersion", &body);
    let manifest = "\
version: 1
env:
  NOW: aws-ssm:///versions/a
  FIRST: aws-ssm:///versions/a?version=1
  STABLE: aws-ssm:///versions/a?label=stable
";
    let expected = "value-the-third value-the-first value-the-second\n";
    prints(moto.project(manifest), "echo $NOW $FIRST $STABLE", expected);
}

#[test]
fn a_missing_parameter_says_in_which_region_it_was_looked_for() {
    let moto = Aws::moto();
    moto.parameter("/missing/not", "value-of-not");
    let manifest = "\
version: 1
env:
  A: aws-ssm:///missing/a
  B: aws-ssm:///missing/not?version=9
  C: aws-ssm:///missing/not
  D: { from: aws-ssm:///missing/d, required: false }
";
    let report = fails(
        moto.project(manifest),
        &[
            "A: absent: no parameter `/missing/a` in eu-west-1",
            "B: absent: no parameter `/missing/not` in eu-west-1, or no version `9` of it",
        ],
    );
    assert!(report.contains("2 of 4"), "{report}");
}

#[test]
fn ten_parameters_are_one_request_and_each_is_asked_for_once() {
    let moto = Aws::moto();
    let mut manifest = "version: 1\nenv:\n".to_owned();
    for number in 0..23 {
        moto.parameter(&format!("/tens/{number}"), &format!("value-{number}"));
        manifest.push_str(&format!("  A{number}: aws-ssm:///tens/{number}\n"));
        manifest.push_str(&format!("  B{number}: aws-ssm:///tens/{number}\n"));
    }
    let counted = proxy::to(&moto.address());
    prints(
        project(&manifest, &counted.url()),
        "echo $A0 $A11 $B22",
        "value-0 value-11 value-22\n",
    );
    assert_eq!(actions(&counted), ["GetParameters"; 3]);
}

#[test]
fn a_parameter_of_another_account_is_refused() {
    let moto = Aws::moto();
    moto.parameter("/whose", "value-of-whose");
    let manifest = "\
version: 1
backends: { ours: { type: aws-ssm, account: \"222222222222\" } }
env: { A: ours:///whose }
";
    fails(
        moto.project(manifest).known("value-of-whose"),
        &["A: denied: it is of account 123456789012, and `ours` is for account 222222222222 alone"],
    );
}

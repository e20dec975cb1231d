//! The JSON Schema that `endow schema` prints, against the example manifest and real ones.

mod validator;

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use self::validator::violations;
use crate::harness::{Test, repository};

fn schema() -> Value {
    let output = Test::new().args(["schema"]).any_stdout().success();
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn example() -> String {
    fs::read_to_string(repository().join("secretfile.example.yaml")).expect("the example")
}

fn parsed(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

/// The keys of a schema's map, wherever it stands among alternatives.
fn properties(schema: &Value) -> BTreeSet<&str> {
    let own = schema["properties"].as_object().into_iter().flatten();
    let others = schema["anyOf"].as_array().into_iter().flatten();
    own.map(|(name, _)| name.as_str())
        .chain(others.flat_map(properties))
        .collect()
}

#[test]
fn the_schema_is_a_closed_json_schema_of_a_stated_draft() {
    let schema = schema();
    let draft = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(schema["$schema"], draft);
    assert_eq!(schema["required"], serde_json::json!(["version"]));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(validator::unknown_keywords(&schema), BTreeSet::new());
}

#[test]
fn every_key_of_the_schema_says_what_it_is_for() {
    fn walk(schema: &Value, missing: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            // `signal`, the only key of its map, is explained where the map is.
            if property["description"].is_null() && name != "signal" {
                missing.push(name.clone());
            }
        }
        match schema {
            Value::Object(map) => map.values().for_each(|inner| walk(inner, missing)),
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, missing)),
            _ => {}
        }
    }
    let mut missing = Vec::new();
    walk(&schema(), &mut missing);
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_example_has_every_key_of_the_schema() {
    let (schema, example) = (schema(), example());
    // A comment counts: `# extends: ../secretfile.yaml`.
    let is_there = |key: &str| {
        example.match_indices(&format!("{key}:")).any(|(at, _)| {
            let before = example[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-'))
        })
    };
    let top = &schema["properties"];
    let profile = &top["profiles"]["additionalProperties"];
    for part in [
        &schema,
        profile,
        &schema["$defs"]["entry"],
        &top["run"],
        &top["defaults"],
        &schema["$defs"]["entry"]["anyOf"][2]["properties"]["as"],
        &top["backends"]["additionalProperties"],
        &top["backends"]["additionalProperties"]["anyOf"][1]["properties"]["auth"],
    ] {
        let keys = properties(part);
        assert!(keys.len() >= 4, "{part}");
        let missing: Vec<&&str> = keys.iter().filter(|key| !is_there(key)).collect();
        assert!(missing.is_empty(), "the example lacks {missing:?}");
    }
}

#[test]
fn the_example_has_every_type_of_backend() {
    let (schema, example) = (schema(), parsed(&example()));
    let backend = &schema["properties"]["backends"]["additionalProperties"];
    let alternatives = backend["anyOf"].as_array().unwrap();
    let types = alternatives
        .iter()
        .find_map(|one| one["properties"]["type"]["enum"].as_array());
    let used: BTreeSet<&str> = example["backends"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(scheme, settings)| settings["type"].as_str().unwrap_or(scheme))
        .collect();
    let known: BTreeSet<&str> = types
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(used, known);
}

#[test]
fn the_example_is_valid_and_is_explained_for_each_of_its_profiles() {
    let text = example();
    let manifest = parsed(&text);
    assert_eq!(violations(&schema(), &manifest), [""; 0]);
    let profiles = manifest["profiles"].as_object().unwrap();
    assert!(profiles.len() >= 3);
    for profile in profiles.keys() {
        let output = Test::new()
            .file("secretfile.example.yaml", &text)
            .args([
                "--file",
                "secretfile.example.yaml",
                "explain",
                "-p",
                profile,
            ])
            .any_stdout()
            .success();
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn the_manifests_of_the_examples_are_valid() {
    let schema = schema();
    let mut count = 0;
    for directory in fs::read_dir(repository().join("examples")).unwrap() {
        let path: PathBuf = directory.unwrap().path().join("secretfile.yaml");
        if let Ok(text) = fs::read_to_string(&path) {
            count += 1;
            assert_eq!(
                violations(&schema, &parsed(&text)),
                [""; 0],
                "{}",
                path.display()
            );
        }
    }
    assert!(count >= 2);
}

#[test]
fn what_endow_accepts_the_schema_accepts() {
    let schema = schema();
    for text in [
        "version: 1\n",
        "version: \"1\"\nenv:\nvalues:\nprofiles:\nbackends:\n",
        "version: 1\nextends: base.yaml\ninherit: all\n",
        "version: 1\nfrom: dotenv://.env\nenv: { A: , B: dotenv://b, C: { as: json }, D: { as: { file: memory } } }\nprofiles: { dev: }\n",
        "version: 1\nvalues: { A: 1, B: true, C: 1.5, D: x }\n",
        "version: 1\nbackends: { op: , vault: { kv_version: 1, auth: { method: approle, role_id: { from: env://ROLE } } } }\n",
        "version: 1\nenv: { A: { from: [env://A, file://a], required: false, on_change: none, lease: abandon, waive: { credential-literal: why } } }\n",
    ] {
        assert_eq!(violations(&schema, &parsed(text)), [""; 0], "{text}");
        let accepted = Test::manifest(text)
            .file("base.yaml", "version: 1\n")
            .args(["--file", "secretfile.yaml", "explain"]);
        if text.contains("profiles: { dev: }") {
            accepted.args(["-p", "dev"]).any_stdout().success();
        } else {
            accepted.any_stdout().success();
        }
    }
}

#[test]
fn what_the_schema_refuses_endow_refuses() {
    let schema = schema();
    for text in [
        "env: {}\n",
        "version: 2\n",
        "version: 1\nenviroment: {}\n",
        "version: 1\nenv: [A]\n",
        "version: 1\nenv: { A: plain }\n",
        "version: 1\nenv: { 1A: env://A }\n",
        "version: 1\nenv: { A: { form: env://A } }\n",
        "version: 1\nenv: { A: { from: [] } }\n",
        "version: 1\nenv: { A: { from: env://A, required: maybe } }\n",
        "version: 1\nenv: { A: { from: env://A, lease: drop } }\n",
        "version: 1\nenv: { A: { from: env://A, as: fil } }\n",
        "version: 1\nenv: { A: { from: env://A, as: { file: disk } } }\n",
        "version: 1\nenv: { A: { from: env://A, on_change: { signl: HUP } } }\n",
        "version: 1\nvalues: { A: [x] }\n",
        "version: 1\nvalues: { A: }\n",
        "version: 1\nrun: { timeout: [] }\n",
        "version: 1\nbackends: { eu: { type: aws_sm } }\n",
        "version: 1\nbackends: { vault: { adress: x } }\n",
        "version: 1\nprofiles: { dev: { production: 3 } }\n",
        "version: 1\nprofiles: { dev: { profiles: {} } }\n",
    ] {
        assert!(!violations(&schema, &parsed(text)).is_empty(), "{text}");
        Test::manifest(text)
            .args(["explain"])
            .any_stderr()
            .status(2);
    }
}

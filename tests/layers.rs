//! Layers: which line decides, over profiles and extended files.
//!
//! Places are looked at through `explain --format json`, values through `export --format json`.

mod checkout;
mod places;
mod search;
mod values;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::Test;

/// What `explain` says of each variable.
pub(crate) struct Explained(Value);

impl Explained {
    /// Runs `explain` with these words besides.
    #[track_caller]
    fn of(test: Test, words: &[&str]) -> Self {
        let output = test
            .args(["explain", "--format", "json"])
            .args(words)
            .any_stdout()
            .success();
        Self(serde_json::from_slice(&output.stdout).expect("a report"))
    }

    fn variables(&self) -> impl Iterator<Item = &Value> {
        self.0["variables"].as_array().expect("a list").iter()
    }

    fn names(&self) -> Vec<&str> {
        let names = self.variables().map(|variable| variable["name"].as_str());
        names.map(|name| name.expect("a text")).collect()
    }

    #[track_caller]
    fn variable(&self, name: &str) -> &Value {
        let found = self.variables().find(|variable| variable["name"] == name);
        found.unwrap_or_else(|| panic!("no `{name}` in {:?}", self.names()))
    }

    /// Its places, in the order in which they are asked.
    #[track_caller]
    fn places(&self, name: &str) -> Vec<&str> {
        let places = self.variable(name)["places"].as_array().expect("a list");
        let places = places.iter().map(Value::as_str);
        places.map(|place| place.expect("a text")).collect()
    }

    /// Its only place.
    #[track_caller]
    fn place(&self, name: &str) -> &str {
        match self.places(name)[..] {
            [only] => only,
            ref places => panic!("`{name}` has {places:?}"),
        }
    }

    /// `file:line` of what decided.
    #[track_caller]
    fn decided(&self, name: &str) -> &str {
        self.variable(name)["decided"].as_str().expect("a text")
    }
}

/// Every exported variable and its value.
#[track_caller]
pub(crate) fn exported(test: Test, words: &[&str]) -> BTreeMap<String, String> {
    let output = test
        .args(["export", "--format", "json"])
        .args(words)
        .prints_values()
        .any_stdout()
        .success();
    serde_json::from_slice(&output.stdout).expect("a JSON object")
}

const THREE: &str = "\
version: 1
from: file://top
env:
  A: { from: file://a-top, required: false, owner: dana, description: far }
  B: { from: [file://b-one, file://b-two] }
  C:
  D: { value: plain }
  T: { template: \"${D}!\" }
profiles:
  base:
    from: file://base
    env:
      A: { owner: ben }
      B: file://b-base
      D: file://d-base
  dev:
    extends: base
    env:
      A:
      T: file://t-dev
      D: { template: \"${C}\" }
      E: file://e
  other:
    env:
      F: file://f
";

#[test]
fn entries_merge_key_by_key_and_a_null_entry_clears_nothing() {
    let explained = Explained::of(Test::manifest(THREE), &["-p", "dev"]);
    assert_eq!(explained.place("A"), "file://a-top");
    assert_eq!(explained.decided("A"), "secretfile.yaml:4");
    let a = explained.variable("A");
    assert_eq!(a["metadata"]["owner"], "ben");
    assert_eq!(a["metadata"]["description"], "far");
    assert_eq!(a["notes"][0], "optional");
}

#[test]
fn from_value_and_template_are_one_slot_that_the_nearest_layer_fills() {
    let explained = Explained::of(Test::manifest(THREE), &["-p", "dev"]);
    assert_eq!(explained.places("B"), ["file://b-base"]);
    assert_eq!(explained.decided("B"), "secretfile.yaml:14");
    assert_eq!(explained.place("T"), "file://t-dev");
    assert_eq!(explained.decided("T"), "secretfile.yaml:20");
    assert_eq!(explained.place("D"), "template of C");
    let base = Explained::of(Test::manifest(THREE), &["-p", "base"]);
    assert_eq!(base.place("D"), "file://d-base");
    assert_eq!(base.place("T"), "template of D");
    let other = Explained::of(Test::manifest(THREE), &["-p", "other"]);
    assert_eq!(other.places("B"), ["file://b-one", "file://b-two"]);
    assert_eq!(other.place("D"), "value");
}

#[test]
fn the_nearest_layer_answers_names_without_a_place_and_an_own_place_wins() {
    let dev = Explained::of(Test::manifest(THREE), &["-p", "dev"]);
    assert_eq!(dev.place("C"), "file://base/C");
    assert_eq!(dev.decided("C"), "secretfile.yaml:11");
    let other = Explained::of(Test::manifest(THREE), &["-p", "other"]);
    assert_eq!(other.place("C"), "file://top/C");
    assert_eq!(other.place("A"), "file://a-top");
}

#[test]
fn names_of_another_profile_do_not_exist() {
    let dev = Explained::of(Test::manifest(THREE), &["-p", "dev"]);
    assert_eq!(dev.names(), ["A", "B", "C", "D", "E", "T"]);
    let other = Explained::of(Test::manifest(THREE), &["-p", "other"]);
    assert_eq!(other.names(), ["A", "B", "C", "D", "F", "T"]);
    Test::manifest(THREE)
        .args(["get", "F", "-p", "dev"])
        .stderr("endow: error: the manifest declares no `F`\n")
        .status(2);
}

#[test]
fn names_that_only_an_extended_file_declares_do_not_reach_the_child() {
    let test = || {
        Test::manifest(
            "version: 1\nextends: base.yaml\nenv: { A: }\nprofiles: { dev: { env: { B: } } }\n",
        )
        .file(
            "base.yaml",
            "version: 1\nvalues: { A: a, B: b, C: c }\nprofiles: { dev: { values: { D: d } } }\n",
        )
    };
    let both = BTreeMap::from([("A".to_owned(), "a".to_owned()), ("B".into(), "b".into())]);
    assert_eq!(exported(test(), &["-p", "dev"]), both);
}

#[test]
fn extended_files_stand_farther_and_later_ones_nearer() {
    let explained = Explained::of(
        Test::manifest("version: 1\nextends: [one.yaml, sub/two.yaml]\nenv: { A: , B: , C: }\nfrom: file://main\n")
            .file("one.yaml", "version: 1\nenv: { A: file://one-a, B: file://one-b }\nfrom: file://one\n")
            .file("sub/two.yaml", "version: 1\nextends: three.yaml\nenv: { B: file://two-b }\nfrom: file://two\n")
            .file("sub/three.yaml", "version: 1\nenv: { A: file://three-a, B: file://three-b }\n"),
        &[],
    );
    assert_eq!(explained.place("A"), "file://three-a");
    assert_eq!(explained.decided("A"), "sub/three.yaml:2");
    assert_eq!(explained.place("B"), "file://two-b");
    assert_eq!(explained.decided("B"), "sub/two.yaml:3");
    assert_eq!(explained.place("C"), "file://main/C");
}

#[test]
fn a_file_that_is_reached_twice_keeps_its_farthest_place() {
    let explained = Explained::of(
        Test::manifest(
            "version: 1\nextends: [left.yaml, right.yaml, base.yaml]\nenv: { A: , B: }\n",
        )
        .file(
            "left.yaml",
            "version: 1\nextends: base.yaml\nenv: { A: file://left }\n",
        )
        .file(
            "right.yaml",
            "version: 1\nextends: [./base.yaml]\nenv: { B: file://right }\n",
        )
        .file(
            "base.yaml",
            "version: 1\nenv: { A: file://base, B: file://base }\n",
        ),
        &[],
    );
    assert_eq!(explained.place("A"), "file://left");
    assert_eq!(explained.place("B"), "file://right");
}

#[test]
fn a_profile_is_the_merge_of_all_of_its_name_and_extends_across_files() {
    let test = || {
        Test::manifest(
            "version: 1\nextends: base.yaml\nenv: { A: , B: , C: }\nprofiles:\n  dev: { env: { A: file://main-dev } }\n",
        )
        .file(
            "base.yaml",
            "version: 1\nenv: { A: file://top, B: file://top, C: file://top }\nprofiles:\n  shared: { env: { C: file://shared } }\n  dev: { extends: shared, env: { A: file://base-dev, B: file://base-dev } }\n",
        )
    };
    let explained = Explained::of(test(), &["-p", "dev"]);
    assert_eq!(explained.place("A"), "file://main-dev");
    assert_eq!(explained.place("B"), "file://base-dev");
    assert_eq!(explained.place("C"), "file://shared");
    // A profile that only the extended file has can be chosen.
    let shared = Explained::of(test(), &["-p", "shared"]);
    assert_eq!(shared.place("B"), "file://top");
}

#[test]
fn extended_profiles_stand_farther_and_later_ones_nearer() {
    let manifest = "version: 1\nenv: { A: , B: , C: , D: }\nfrom: file://top\nprofiles:\n  base: { from: file://base, env: { A: file://base, B: file://base, C: file://base } }\n  one: { extends: base, env: { A: file://one, B: file://one } }\n  two: { extends: base, env: { B: file://two } }\n  dev: { extends: [one, two, base] }\n";
    let explained = Explained::of(Test::manifest(manifest), &["-p", "dev"]);
    assert_eq!(explained.place("A"), "file://one");
    assert_eq!(explained.place("B"), "file://two");
    assert_eq!(explained.place("C"), "file://base");
    assert_eq!(explained.place("D"), "file://base/D");
}

#[test]
fn backends_merge_setting_by_setting() {
    let manifest = "version: 1\nenv: { A: \"local://a#k\" }\nbackends: { local: { type: dotenv, expand: false } }\nprofiles:\n  plain: {}\n  dev: { backends: { local: { expand: true } } }\n";
    let value = |profile: &str| {
        let test = Test::manifest(manifest).file_with_mode("a", "base=stem\nk=${base}s\n", 0o600);
        exported(test, &["-p", profile]).remove("A").unwrap()
    };
    assert_eq!(value("plain"), "${base}s");
    assert_eq!(value("dev"), "stems");
}

#[test]
fn a_backend_can_have_another_type_in_another_profile() {
    let manifest = "version: 1\nenv: { A: \"store://chat#a\" }\nbackends: { store: { type: dotenv } }\nprofiles:\n  dev: {}\n  prod: { production: true, backends: { store: { type: aws-sm } } }\n";
    let dev = Explained::of(Test::manifest(manifest), &["-p", "dev"]);
    assert_eq!(dev.0["requests"][0]["type"], "dotenv");
    let prod = Explained::of(Test::manifest(manifest), &["-p", "prod"]);
    assert_eq!(prod.0["requests"][0]["type"], "aws-sm");
}

#[test]
fn inherit_is_read_from_far_to_near_and_left_to_right() {
    let manifest = "version: 1\ninherit: [\"APP_*\", -APP_B, OTHER]\nprofiles:\n  dev: { inherit: [APP_B, -APP_A] }\n  none: { inherit: [none, APP_C] }\n";
    let seen = |profile: &str| {
        let output = Test::manifest(manifest)
            .env("APP_A", "1")
            .env("APP_B", "2")
            .env("APP_C", "3")
            .env("OTHER", "4")
            .args(["run", "-p", profile, "--", "/usr/bin/env"])
            .any_stdout()
            .success();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<String> = text
            .lines()
            .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
            .filter(|name| name.starts_with("APP") || name == "OTHER" || name == "PATH")
            .collect();
        names.sort();
        names
    };
    assert_eq!(seen("dev"), ["APP_B", "APP_C", "OTHER", "PATH"]);
    assert_eq!(seen("none"), ["APP_C"]);
}

#[test]
fn run_settings_and_defaults_of_metadata_come_from_the_nearest_layer() {
    let manifest = "version: 1\nextends: base.yaml\ndefaults: { owner: dana }\nrun: { redact: false }\nenv:\n  A: { value: a }\n  B: { value: b, owner: ben }\nprofiles:\n  dev: { run: { watch: true } }\n  plain: {}\n";
    let test = || {
        Test::manifest(manifest).file(
            "base.yaml",
            "version: 1\ndefaults: { owner: far, docs: far }\nrun: { redact: true }\n",
        )
    };
    let dev = Explained::of(test(), &["-p", "dev"]);
    assert_eq!(dev.0["launch"]["why"], "`run.watch` acts on changes");
    assert_eq!(dev.variable("A")["metadata"]["owner"], "dana");
    assert_eq!(dev.variable("A")["metadata"]["docs"], "far");
    assert_eq!(dev.variable("B")["metadata"]["owner"], "ben");
    let plain = Explained::of(test(), &["-p", "plain"]);
    assert_eq!(plain.0["launch"]["way"], "exec");
}

#[test]
fn groups_can_be_used_in_a_profile_that_lacks_some_of_their_names() {
    let manifest = "version: 1\nvalues: { A: a, B: b }\ngroups: { some: [A, C] }\nprofiles:\n  dev: {}\n  prod: { values: { C: c } }\n";
    let names = |profile: &str| {
        let values = exported(Test::manifest(manifest), &["--only", "some", "-p", profile]);
        values.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(names("dev"), ["A"]);
    assert_eq!(names("prod"), ["A", "C"]);
}

#[test]
fn production_holds_if_any_file_says_it_and_is_not_inherited() {
    let main = "version: 1\nextends: base.yaml\nenv: { A: dotenv://.env }\nprofiles:\n  prod: { production: false }\n  preview: { extends: prod, production: false }\n";
    let test = || {
        Test::manifest(main)
            .file(
                "base.yaml",
                "version: 1\nprofiles: { prod: { production: true } }\n",
            )
            .dotenv("A=value-of-a\n")
    };
    test()
        .args(["run", "-p", "prod", "true"])
        .stderr(
            "endow: error: `A` has a `dotenv` place in the production profile `prod`
 --> secretfile.yaml:3:11
  |
3 | env: { A: dotenv://.env }
  |           ^^^^^^^^^^^^^
hint: give the profile a `from`, or the name a place, in a backend made for production
",
        )
        .status(125);
    assert_eq!(exported(test(), &["-p", "preview"])["A"], "value-of-a");
    let explained = Explained::of(test(), &["-p", "preview"]);
    assert_eq!(explained.0["production"], false);
}

#[test]
fn a_dotenv_place_that_the_production_profile_replaces_is_no_matter() {
    let manifest = "version: 1\nfrom: dotenv://.env\nenv: { A: }\nprofiles:\n  prod: { production: true, from: file://run }\n";
    let explained = Explained::of(Test::manifest(manifest), &["-p", "prod"]);
    assert_eq!(explained.0["production"], true);
    assert_eq!(explained.place("A"), "file://run/A");
}

//! The exact bytes of values: as written, templates, defaults, absence.

use std::collections::BTreeMap;

use super::exported;
use crate::harness::Test;

fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn values_are_texts_as_they_are_written() {
    let manifest = "version: 1
values:
  PORT: 8080
  FLAG: true
  NO: no
  HEX: 0x1F
  OCTAL: 0o17
  LEADING: 007
  UNDER: 1_000
  FLOAT: 1.50
  EXPONENT: 1e999
  INFINITE: .inf
  NAN: .NaN
  LONG: 340282366920938463463374607431768211456
  DATE: 2027-01-31
  NULL_TEXT: \"null\"
  TILDE: '~'
  EMPTY: \"\"
  URL: https://api.acme.dev/v1#fragment
  SPACED: two  words   # a comment
  QUOTED: 'it''s # no comment'
  ESCAPED: \"tab\\tline\\n\\u00e9\"
";
    let expected = of(&[
        ("PORT", "8080"),
        ("FLAG", "true"),
        ("NO", "no"),
        ("HEX", "0x1F"),
        ("OCTAL", "0o17"),
        ("LEADING", "007"),
        ("UNDER", "1_000"),
        ("FLOAT", "1.50"),
        ("EXPONENT", "1e999"),
        ("INFINITE", ".inf"),
        ("NAN", ".NaN"),
        ("LONG", "340282366920938463463374607431768211456"),
        ("DATE", "2027-01-31"),
        ("NULL_TEXT", "null"),
        ("TILDE", "~"),
        ("EMPTY", ""),
        ("URL", "https://api.acme.dev/v1#fragment"),
        ("SPACED", "two  words"),
        ("QUOTED", "it's # no comment"),
        ("ESCAPED", "tab\tline\n\u{e9}"),
    ]);
    assert_eq!(exported(Test::manifest(manifest), &[]), expected);
    let windows = format!("\u{feff}{}", manifest.replace('\n', "\r\n"));
    assert_eq!(exported(Test::manifest(&windows), &[]), expected);
}

#[test]
fn block_scalars_keep_or_fold_their_lines_as_yaml_says() {
    let manifest = "version: 1
values:
  LITERAL: |
    one
      two

    three
  STRIPPED: |-
    one
    two
  FOLDED: >
    one
    two
  KEPT: |+
    one

env:
  IN_ENTRY:
    value: |-
      8080
";
    let expected = of(&[
        ("LITERAL", "one\n  two\n\nthree\n"),
        ("STRIPPED", "one\ntwo"),
        ("FOLDED", "one two\n"),
        ("KEPT", "one\n\n"),
        ("IN_ENTRY", "8080"),
    ]);
    assert_eq!(exported(Test::manifest(manifest), &[]), expected);
}

#[test]
fn anchors_and_aliases_stand_for_what_they_name() {
    let manifest = "version: 1
values: { PORT: &port 0777, OTHER: *port }
env:
  A: &entry { value: plain, owner: dana }
  B: *entry
  C: { value: *port }
";
    let expected = of(&[
        ("PORT", "0777"),
        ("OTHER", "0777"),
        ("A", "plain"),
        ("B", "plain"),
        ("C", "0777"),
    ]);
    assert_eq!(exported(Test::manifest(manifest), &[]), expected);
}

#[test]
fn templates_encode_each_part_and_keep_every_other_byte() {
    let manifest = "version: 1
env:
  USER: { value: \"a b@c\", export: false }
  PASSWORD: { from: dotenv://.env, export: false }
  URL: { template: \"postgres://${USER|url}:${PASSWORD|url}@db/chat?x=$$1\" }
  JSON: { template: '{\"password\":\"${PASSWORD|json}\"}' }
  BASIC: { template: \"Basic ${PASSWORD|base64}\" }
  PLAIN: { template: \"${PASSWORD}${PASSWORD}\" }
  DOLLARS: { template: \"$$$${USER}$$\" }
  NESTED: { template: \"<${PLAIN|url}>\" }
  EMPTY: { template: \"\" }
";
    let password = "p\u{e9}/+~%\"\\$1";
    let encoded = "p%C3%A9%2F%2B~%25%22%5C%241";
    let test = Test::manifest(manifest).dotenv(&format!("PASSWORD='{password}'\n"));
    let expected = of(&[
        (
            "URL",
            &format!("postgres://a%20b%40c:{encoded}@db/chat?x=$1"),
        ),
        ("JSON", "{\"password\":\"p\u{e9}/+~%\\\"\\\\$1\"}"),
        ("BASIC", "Basic cMOpLyt+JSJcJDE="),
        ("PLAIN", &format!("{password}{password}")),
        ("DOLLARS", "$${USER}$"),
        ("NESTED", &format!("<{encoded}{encoded}>")),
        ("EMPTY", ""),
    ]);
    assert_eq!(exported(test, &[]), expected);
}

#[test]
fn json_in_a_template_escapes_every_control_character() {
    let all: Vec<u8> = (1..=0x20).chain([b'"', b'\\', b'/', 0x7f]).collect();
    let output = Test::manifest(
        "version: 1\nenv:\n  RAW: { from: file://raw, export: false }\n  A: { template: '\"${RAW|json}\"' }\n",
    )
    .file("raw", [&all[..], b"."].concat())
    .args(["get", "A"])
    .prints_values()
    .any_stdout()
    .success();
    let text: String = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(text.as_bytes(), [&all[..], b"."].concat());
}

#[test]
fn base64_has_its_padding_for_every_length() {
    for (value, encoded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        let manifest = format!(
            "version: 1\nenv:\n  A: {{ value: \"{value}\" }}\n  B: {{ template: \"${{A|base64}}\" }}\n"
        );
        assert_eq!(exported(Test::manifest(&manifest), &[])["B"], encoded);
    }
}

#[test]
fn what_is_absent_has_its_default_or_is_unset_or_an_error() {
    let manifest = "version: 1
from: dotenv://.env
env:
  WITH_DEFAULT: { default: fallback }
  EMPTY_DEFAULT: { default: \"\" }
  OPTIONAL: { required: false }
  BOTH: { required: false, default: both }
  PRESENT: { default: not-this }
  BLANK: { default: not-this }
";
    let test = Test::manifest(manifest).dotenv("PRESENT=present\nBLANK=\n");
    let expected = of(&[
        ("WITH_DEFAULT", "fallback"),
        ("EMPTY_DEFAULT", ""),
        ("BOTH", "both"),
        ("PRESENT", "present"),
        ("BLANK", ""),
    ]);
    assert_eq!(exported(test, &[]), expected);
}

#[test]
fn a_template_with_an_absent_part_is_absent() {
    let manifest = "version: 1
env:
  PART: { from: env://PART, required: false }
  OPTIONAL: { template: \"x${PART}\", required: false }
  DEFAULTED: { template: \"x${PART}\", default: fallback }
  OVER: { template: \"y${OPTIONAL}\", required: false }
  OVER_DEFAULT: { template: \"y${DEFAULTED}\" }
";
    let expected = of(&[("DEFAULTED", "fallback"), ("OVER_DEFAULT", "yfallback")]);
    assert_eq!(exported(Test::manifest(manifest), &[]), expected);
    let required = manifest.replace(
        "OVER: { template: \"y${OPTIONAL}\", required: false }",
        "OVER: { template: \"y${OPTIONAL}\" }",
    );
    Test::manifest(&required)
        .args(["run", "true"])
        .stderr(
            "endow: error: 1 of 5 variables has no value; the command was not started
  OVER: absent: its template needs `OPTIONAL`, which is absent (secretfile.yaml:6)
",
        )
        .status(125);
}

#[test]
fn an_unexported_name_reaches_no_child_but_get_gives_it() {
    let manifest = "version: 1\nenv: { PART: { value: part, export: false }, A: { value: a } }\n";
    assert_eq!(exported(Test::manifest(manifest), &[]), of(&[("A", "a")]));
    Test::manifest(manifest)
        .env("PART", "from-the-caller")
        .shell("test -z \"${PART+set}\" && test \"$A\" = a")
        .success();
    Test::manifest(manifest)
        .args(["get", "PART"])
        .prints_values()
        .stdout("part")
        .success();
}

#[test]
fn only_resolves_what_is_selected_and_what_its_templates_need() {
    let manifest = "version: 1
env:
  PART: { from: env://PART }
  URL: { template: \"x${PART}\" }
  BROKEN: file://missing
groups: { web: [URL] }
";
    let test = Test::manifest(manifest).env("PART", "part");
    assert_eq!(exported(test, &["--only", "web"]), of(&[("URL", "xpart")]));
}

#[test]
fn as_env_undoes_a_farther_as() {
    let manifest = "version: 1\nenv: { A: { from: file://a, as: file } }\nprofiles:\n  dev: { env: { A: { as: env } } }\n  prod: {}\n";
    let test = || Test::manifest(manifest).file("a", "value-a");
    test()
        .args([
            "run",
            "-p",
            "dev",
            "--",
            "sh",
            "-c",
            "test \"$A\" = value-a",
        ])
        .success();
    test()
        .args(["run", "-p", "prod", "--", "sh", "-c", "cat \"$A\""])
        .stdout("value-a")
        .success();
}

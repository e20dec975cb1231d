//! One process for a whole batch, values byte for byte, and every bad reference in one report.

use serde_json::json;

use super::{StandIn, chat, field, project};
use crate::harness::Test;

const SHAPES: [(&str, &str); 15] = [
    ("plain", "sk-live-0123456789"),
    ("lines", "first line\nsecond line\n\nfourth"),
    ("newline", "ends with a newline\n"),
    ("newlines", "\n\nends with three\n\n\n"),
    ("blanks", "  blanks and a tab around\t "),
    ("quotes", "it's \"quoted\" \\ `here`"),
    ("unicode", "p\u{e4}ssw\u{f6}rd \u{1f511} \u{2014} \u{6f22}"),
    ("braces", "{{ not a template }} }} {{"),
    ("enclosed", "{{ op://AI Team/Chat/plain }}"),
    ("reference", "op://AI Team/Chat/plain and op://x/y/z"),
    ("dollars", "$HOME ${HOME} ${X:-default} pa$$word"),
    (
        "marker",
        "endow_00000000000000000000000000000000_0_begins_x_0_ends_endow_0",
    ),
    ("json", "{\"key\": \"value\", \"n\": [1, 2]}"),
    ("returns", "carriage\r\nreturns\r\n"),
    ("empty", ""),
];

#[test]
fn twenty_five_references_of_every_shape_are_one_process_and_come_back_byte_for_byte() {
    let more: Vec<(String, String)> = (0..10)
        .map(|n| (format!("more{n}"), format!("value-number-{n}")))
        .collect();
    let more = more.iter().map(|(id, value)| (id.as_str(), value.as_str()));
    let fields: Vec<(&str, &str)> = SHAPES.into_iter().chain(more).collect();
    assert_eq!(fields.len(), 25);
    let (test, op) = StandIn::install(project(&fields), &chat(&fields));
    let names: Vec<String> = fields.iter().map(|(id, _)| id.to_uppercase()).collect();
    let script = "import os, sys\n\
        for name in sys.argv[1:]: print(len(os.environb[name.encode()]), os.environb[name.encode()])";
    let expected: String = fields
        .iter()
        .map(|(_, value)| format!("{} {}\n", value.len(), python(value)))
        .collect();
    let python = crate::harness::runtime::python();
    test.prints_values()
        .args(["run", "--"])
        .args([python.as_os_str()])
        .args(["-I", "-S", "-c", script])
        .args(&names)
        .stdout(expected)
        .success();
    assert_eq!(op.words(), ["inject"]);
}

/// Bytes as Python prints them.
fn python(value: &str) -> String {
    let quote = if value.contains('\'') && !value.contains('"') {
        '"'
    } else {
        '\''
    };
    let byte = |byte: u8| match byte {
        b'\\' => "\\\\".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        _ if char::from(byte) == quote => format!("\\{quote}"),
        0x20..=0x7e => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    let text: String = value.bytes().map(byte).collect();
    format!("b{quote}{text}{quote}")
}

#[test]
fn three_bad_references_among_ten_are_all_named_in_one_report() {
    let manifest = "\
version: 1
env:
  A: op://AI Team/Chat/good
  B: op://AI Team/Chat/prod/missing
  C: op://AI Team/Chat/good
  D: op://AI Team/Gone/key
  E: op://AI Team/Chat/good
  F: op://Other Team/Chat/key
  G: op://AI Team/Chat/good
  H: op://AI Team/Chat/good?attribute=type
  I: op://AI Team/Chat/good?attribute=id
  J: op://ai team/chat/GOOD
";
    let test = Test::manifest(manifest).known("a-good-value");
    let (test, op) = StandIn::install(test, &chat(&[("good", "a-good-value")]));
    test.run(["true"])
        .stderr(
            "endow: error: 3 of 10 variables have no value; the command was not started\n  \
             B: absent: no field `prod.missing` in the item `Chat` of the vault `AI Team` \
             (op://AI Team/Chat/prod/missing, secretfile.yaml:4)\n  \
             D: absent: no item `Gone` in the vault `AI Team` \
             (op://AI Team/Gone/key, secretfile.yaml:6)\n  \
             F: denied: no vault `Other Team` in this account, or none that it may read \
             (op://Other Team/Chat/key, secretfile.yaml:8)\n    \
             hint: see the vaults: `op vault list`; or ask for access to `Other Team`\n",
        )
        .status(125);
    // One run for each bad one, and one for the rest.
    assert_eq!(op.words(), ["inject"; 4]);
}

#[test]
fn what_is_absent_falls_back_and_what_is_denied_does_not() {
    let manifest = "\
version: 1
env:
  A: { from: [op://AI Team/Chat/missing, op://AI Team/Chat/good] }
  B: { from: op://AI Team/Gone/key, default: fallback }
  C: { from: op://AI Team/Chat/missing, required: false }
";
    let test = Test::manifest(manifest);
    let (test, _op) = StandIn::install(test, &chat(&[("good", "a-good-value")]));
    test.prints_values()
        .shell("echo \"$A $B ${C-unset}\"")
        .stdout("a-good-value fallback unset\n")
        .success();
    let manifest =
        "version: 1\nenv:\n  A: { from: [op://Other/Chat/key, op://AI Team/Chat/good] }\n";
    let (test, _op) = StandIn::install(Test::manifest(manifest), &chat(&[("good", "x")]));
    let output = test.run(["true"]).any_stderr().status(125);
    assert!(String::from_utf8_lossy(&output.stderr).contains("A: denied: no vault `Other`"));
}

#[test]
fn sections_ids_files_attributes_and_key_formats_are_1passwords_own() {
    let config = json!({"vaults": [{
        "id": "vkjyqsbkf63zycqigbg3yxd7ce", "name": "AI Team", "items": [{
            "id": "ipifsyjdmyeg4e75ujmbkrefl4", "title": "Chat (old)",
            "fields": [
                {"id": "h35qui6evukiodlevihezl7jgu", "type": "STRING", "label": "key",
                 "section": {"id": "2osfud5e64s66tixoscjylr3fq", "label": "Prod"}, "value": "sectioned"},
                {"id": "code", "type": "OTP", "label": "one-time password", "value": "otpauth://x", "totp": "123456"},
                {"id": "private_key", "type": "SSHKEY", "label": "private key", "value": "PKCS8", "openssh": "OPENSSH"},
            ],
            "files": [{"id": "6r65pjq33banznomn7q22sj44e", "name": "key.pem", "content": "file content"}],
        }],
    }]});
    let item = "op://AI Team/ipifsyjdmyeg4e75ujmbkrefl4";
    let manifest = format!(
        "version: 1\nenv:\n  A: {item}/prod/key\n  B: {item}/h35qui6evukiodlevihezl7jgu\n  \
         C: {item}/one-time password?attribute=otp\n  D: {item}/private key?ssh-format=openssh\n  \
         E: {item}/key.pem\n  F: op://vkjyqsbkf63zycqigbg3yxd7ce/ipifsyjdmyeg4e75ujmbkrefl4/key?attribute=type\n"
    );
    let (test, op) = StandIn::install(Test::manifest(&manifest), &config);
    test.shell("echo $A $B $C $D $E $F")
        .stdout("sectioned sectioned 123456 OPENSSH file content STRING\n")
        .success();
    assert_eq!(op.words(), ["inject"]);
}

#[test]
fn a_message_that_names_none_of_the_references_is_found_by_halves() {
    // By its id in the reference, by its name in the message.
    let config = json!({"vaults": [{
        "id": "vkjyqsbkf63zycqigbg3yxd7ce", "name": "AI Team",
        "items": [{"id": "ipifsyjdmyeg4e75ujmbkrefl4", "title": "Chat", "fields": [
            field("good", "value-good"),
            {"id": "broken", "type": "SSHKEY", "label": "broken", "value": "x"},
        ]}],
    }]});
    let manifest = "version: 1\nenv:\n  A: op://AI Team/Chat/good\n  B: op://AI Team/Chat/broken?ssh-format=openssh\n  \
        C: op://AI Team/Chat/good?attribute=type\n  D: op://AI Team/Chat/good?attribute=id\n";
    let (test, op) = StandIn::install(Test::manifest(manifest), &config);
    let output = test.run(["true"]).any_stderr().status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("endow: error: 1 of 4 variables has no value"),
        "{stderr}"
    );
    assert!(stderr.contains("B: malformed: `op` failed: "), "{stderr}");
    assert!(op.runs().len() <= 7, "{}", op.runs().len());
}

#[test]
fn an_output_that_is_not_what_was_asked_for_is_refused() {
    let fields = [("a", "value-of-a"), ("b", "value-of-b")];
    let mut config = chat(&fields);
    config["garbage"] = "something else".into();
    let (test, op) = StandIn::install(project(&fields), &config);
    let output = test.run(["true"]).any_stderr().status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = "A, B: malformed: what `op inject` printed is not what it was asked for";
    assert!(stderr.contains(expected), "{stderr}");
    assert_eq!(op.words(), ["inject"]);
}

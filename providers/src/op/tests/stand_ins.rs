//! What the launcher has no verb for yet: metadata, identity and writes, against the stand-ins that
//! its own tests use.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::super::KIND;
use crate::{
    Absence, Class, Condition, Fault, Helpers, Limits, Metadata, Opening, Provider, Secret,
    Settings,
    read::testing::{Scratch, block_on, limits, plain, with},
};

const VAULT: &str = "vkjyqsbkf63zycqigbg3yxd7ce";
const ITEM: &str = "ipifsyjdmyeg4e75ujmbkrefl4";

fn vaults() -> Value {
    json!([{"id": VAULT, "name": "AI Team", "type": "USER_CREATED", "items": [
        {
            "id": ITEM, "title": "Chat", "version": 3, "category": "API_CREDENTIAL",
            "vault": {"id": VAULT}, "tags": ["ai", "prod"],
            "last_edited_by": "4J4NLDK7GFAXJFOR7RF2KDUAMI", "created_at": "2023-09-14T04:25:57Z",
            "updated_at": "2024-01-02T03:04:05Z",
            "sections": [{"id": "s1", "label": "Prod"}],
            "fields": [
                {"id": "key", "type": "CONCEALED", "label": "key", "value": "the-old-key"},
                {"id": "other", "type": "CONCEALED", "label": "other", "value": "the-other-key"},
                {"id": "expires", "type": "DATE", "label": "expires", "value": "1767225600"}
            ]
        },
        {"id": "h35qui6evukiodlevihezl7jgu", "title": "Twice"},
        {"id": "2osfud5e64s66tixoscjylr3fq", "title": "twice"}
    ]}])
}

fn python() -> PathBuf {
    let script = "import sys; print(sys.executable, end='')";
    let output = Command::new("python3").args(["-I", "-c", script]).output();
    let output = output.expect("python3: install Python 3.8 or later");
    String::from_utf8(output.stdout).unwrap().into()
}

fn program(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../tests/programs").join(name)
}

/// `op` in a directory of its own.
struct Op {
    scratch: Scratch,
    provider: Box<dyn Provider>,
}

fn op(config: &Value) -> Op {
    let scratch = Scratch::new();
    let source = fs::read_to_string(program("op.py")).unwrap();
    let script = format!("#!{} -IS\n{source}", python().display());
    let path = scratch.file("op", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    scratch.file("op.json", config.to_string());
    let variables = ["PATH", "HOME"].map(|name| (name.into(), scratch.path("").into()));
    let opening = Opening {
        name: "op",
        settings: Settings::Map([].into()),
        environment: &variables,
        home: None,
        helpers: Helpers::default(),
    };
    let provider = KIND.open.unwrap()(opening).unwrap();
    Op { scratch, provider }
}

impl Op {
    fn runs(&self) -> Vec<Value> {
        let record = fs::read_to_string(self.scratch.path("op.jsonl")).unwrap();
        record
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn words(&self) -> Vec<Vec<String>> {
        let runs = self.runs();
        let words = runs
            .iter()
            .map(|run| serde_json::from_value(run["argv"].clone()).unwrap());
        words.collect()
    }

    fn write(&self, locator: &str, value: &str, condition: Condition) -> Result<Metadata, Fault> {
        let (address, secret) = (plain(locator), Secret::copied_from(value.as_bytes()));
        block_on(
            self.provider
                .write(&address, &secret, condition, &limits(20_000)),
        )
    }

    fn items(&self) -> Value {
        let config = fs::read_to_string(self.scratch.path("op.json")).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        config["vaults"][0]["items"].clone()
    }
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn chat(version: &str) -> Metadata {
    Metadata {
        version: Some(version.into()),
        created: Some("2024-01-02T03:04:05Z".into()),
        lease: None,
        labels: labels(&[
            ("item created", "2023-09-14T04:25:57Z"),
            ("last edited by", "4J4NLDK7GFAXJFOR7RF2KDUAMI"),
            ("tags", "ai, prod"),
            ("expires", "2026-01-01"),
        ]),
    }
}

#[test]
fn the_cli_describes_items_without_a_value() {
    let op = op(&json!({"vaults": vaults()}));
    let batch = [
        "AI Team/Chat/key",
        "AI Team/chat/other",
        "AI Team/Gone/key",
        "AI Team/Twice/key",
        "Other/Chat/key",
    ];
    let batch = batch.map(plain);
    let described = block_on(op.provider.describe(&batch, &limits(20_000)));
    assert_eq!(described[..2], [Ok(Ok(chat("3"))), Ok(Ok(chat("3")))]);
    let absence = Absence {
        what: "no item `Gone` in the vault `AI Team`".into(),
        keys: vec!["Chat".into(), "Twice".into(), "twice".into()],
    };
    assert_eq!(described[2], Ok(Err(absence)));
    let classes = described[3..]
        .iter()
        .map(|known| known.clone().unwrap_err().class);
    let candidates = vec![
        "h35qui6evukiodlevihezl7jgu".into(),
        "2osfud5e64s66tixoscjylr3fq".into(),
    ];
    let expected = [
        Class::Ambiguous { candidates },
        Class::Denied { permission: None },
    ];
    assert_eq!(classes.collect::<Vec<_>>(), expected);
    // One list a vault, and of an item its dates alone.
    let verbs: Vec<String> = op
        .words()
        .iter()
        .map(|words| words[..2].join(" "))
        .collect();
    assert_eq!(
        verbs.iter().filter(|verb| *verb == "item list").count(),
        2,
        "{verbs:?}"
    );
    let gets: Vec<Vec<String>> = op
        .words()
        .into_iter()
        .filter(|words| words[1] == "get")
        .collect();
    assert!(
        gets.iter()
            .all(|words| words.contains(&"type=DATE,type=MONTH_YEAR".to_owned()))
    );
}

#[test]
fn the_cli_writes_a_value_over_standard_input_and_never_as_a_word() {
    let op = op(&json!({"vaults": vaults()}));
    let value = "the new \"key\"\nof two lines";
    let written = op.write("AI Team/Chat/key", value, Condition::Version("3".into()));
    assert_eq!(written.unwrap(), chat("4"));
    let mut expected = vaults()[0]["items"].clone();
    expected[0]["fields"][0]["value"] = value.into();
    expected[0]["version"] = 4.into();
    assert_eq!(op.items(), expected);
    let words = op.words();
    assert_eq!(
        words[0],
        [
            "item", "get", "Chat", "--vault", "AI Team", "--format", "json"
        ]
    );
    assert_eq!(
        words[1],
        [
            "item", "edit", ITEM, "--vault", "AI Team", "--format", "json"
        ]
    );
    for run in op.runs() {
        let given = format!("{} {}", run["argv"], run["environment"]);
        for secret in ["the new", "the-old-key", "the-other-key"] {
            assert!(!given.contains(secret), "{given}");
        }
    }
}

#[test]
fn the_cli_writes_only_what_the_condition_allows() {
    let op = op(&json!({"vaults": vaults()}));
    let class = |result: Result<Metadata, Fault>| result.unwrap_err().class;
    let version = Condition::Version("2".into());
    assert_eq!(
        class(op.write("AI Team/Chat/key", "x", version)),
        Class::Conflict
    );
    assert_eq!(
        class(op.write("AI Team/Chat/key", "x", Condition::Absent)),
        Class::Conflict
    );
    assert_eq!(
        class(op.write("AI Team/Gone/key", "x", Condition::Always)),
        Class::Malformed
    );
    let (address, secret) = (
        with(plain("AI Team/Chat/key"), "attribute", "otp"),
        Secret::copied_from(b"x"),
    );
    let limits = limits(20_000);
    let refused = op
        .provider
        .write(&address, &secret, Condition::Always, &limits);
    assert_eq!(class(block_on(refused)), Class::Malformed);
    assert_eq!(op.items(), vaults()[0]["items"]);
    op.write("AI Team/Chat/Prod/new", "fresh", Condition::Absent)
        .unwrap();
    let field = op.items()[0]["fields"][3].clone();
    let expected = json!({"type": "CONCEALED", "label": "new", "section": {"id": "s1"}, "value": "fresh", "id": "generated"});
    assert_eq!(field, expected);
}

#[test]
fn the_cli_says_as_whom_it_is_signed_in() {
    let op = op(&json!({"vaults": vaults()}));
    let identity = block_on(op.provider.identity(&limits(20_000))).unwrap();
    assert_eq!(identity.name, "the default account, 1 vault");
    assert_eq!(op.words(), [["vault", "list", "--format", "json"]]);
}

/// An approval has its own time, and no more: a person can't be waited for without end.
#[test]
fn an_approval_may_take_longer_than_the_deadline_and_no_longer_than_its_own() {
    let config = |seconds: f64| json!({"vaults": vaults(), "approval_seconds": seconds});
    let limits = |approval: u64| Limits {
        approval: Some(Duration::from_millis(approval)),
        ..limits(300)
    };
    let batch = [plain("AI Team/Chat/key")];
    let patient = op(&config(0.6));
    let fetched = block_on(patient.provider.fetch(&batch, &limits(20_000)));
    assert!(fetched.answers[0].is_ok(), "{:?}", fetched.answers);
    let began = std::time::Instant::now();
    let fetched = block_on(op(&config(600.0)).provider.fetch(&batch, &limits(800)));
    let fault = fetched.answers[0].as_ref().unwrap_err();
    assert_eq!(fault.class, Class::TimedOut);
    assert!(fault.hints[0].contains("approve"), "{:?}", fault.hints);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(800) && took < Duration::from_secs(20),
        "{took:?}"
    );
}

/// A Connect server.
struct Connect {
    child: Child,
    _scratch: Scratch,
    provider: Box<dyn Provider>,
    runtime: tokio::runtime::Runtime,
}

fn connect() -> Connect {
    let scratch = Scratch::new();
    let mut vaults = vaults();
    for (old, new) in [
        ("created_at", "createdAt"),
        ("updated_at", "updatedAt"),
        ("last_edited_by", "lastEditedBy"),
    ] {
        let item = vaults[0]["items"][0].as_object_mut().unwrap();
        let value = item.remove(old).unwrap();
        item.insert(new.into(), value);
    }
    let config = scratch.file(
        "config",
        json!({"token": "t", "vaults": vaults}).to_string(),
    );
    let mut child = Command::new(python())
        .args(["-I", "-S"])
        .args([program("connect.py"), config.into(), scratch.path("record")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let host = format!("http://127.0.0.1:{}", port.trim());
    let variables = [
        ("OP_CONNECT_HOST".into(), host.into()),
        ("OP_CONNECT_TOKEN".into(), "t".into()),
    ];
    let opening = Opening {
        name: "op",
        settings: Settings::Map([].into()),
        environment: &variables,
        home: None,
        helpers: Helpers::default(),
    };
    let provider = KIND.open.unwrap()(opening).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    Connect {
        child,
        _scratch: scratch,
        provider,
        runtime,
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn connect_describes_writes_and_is_known() {
    let connect = connect();
    let run = |future| connect.runtime.block_on(future);
    let limits = limits(20_000);
    let batch = [plain("AI Team/Chat/key"), plain("AI Team/Chat/gone")];
    let described = connect
        .runtime
        .block_on(connect.provider.describe(&batch, &limits));
    assert_eq!(described[0], Ok(Ok(chat("3"))));
    let keys = ["expires", "key", "other"].map(String::from).to_vec();
    let what = "no field `gone` in the item `Chat` of the vault `AI Team`".into();
    assert_eq!(described[1], Ok(Err(Absence { what, keys })));
    let identity = connect
        .runtime
        .block_on(connect.provider.identity(&limits))
        .unwrap();
    assert!(
        identity
            .name
            .starts_with("a token of the Connect server 127.0.0.1:")
    );
    assert!(identity.name.ends_with(", 1 vault"), "{}", identity.name);
    let secret = Secret::copied_from(b"the new \"key\"");
    let write = |condition| {
        run(connect
            .provider
            .write(&batch[0], &secret, condition, &limits))
    };
    assert_eq!(write(Condition::Version("3".into())).unwrap(), chat("4"));
    assert_eq!(
        write(Condition::Version("3".into())).unwrap_err().class,
        Class::Conflict
    );
    let fetched = connect
        .runtime
        .block_on(connect.provider.fetch(&batch[..1], &limits));
    match &fetched.answers[0] {
        Ok(crate::Reply::Value(value)) => assert_eq!(value.secret.expose(), secret.expose()),
        other => panic!("{other:?}"),
    }
    let added = run(connect
        .provider
        .write(&batch[1], &secret, Condition::Absent, &limits));
    assert_eq!(added.unwrap().version.as_deref(), Some("5"));
}

//! Canaries at a place of every backend, and a project that has them there.

mod issued;

use std::{any::Any, ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf, sync::OnceLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{
    room::{CREDENTIAL, OTHER},
    value::Canary,
};
use crate::{
    exec::Program,
    harness::{
        Test,
        aws::{self, Aws, KEY},
        openbao::{OpenBao, unique},
        random,
    },
    op::{StandIn, chat, connect::Connect},
};

/// The backends; two of them in both of their ways, and two that sign in first.
pub(crate) const BACKENDS: [&str; 13] = [
    "dotenv",
    "env",
    "file",
    "systemd",
    "vault",
    "vault (signed in)",
    "aws-sm",
    "aws-sm (container)",
    "aws-ssm",
    "op (CLI)",
    "op (Connect)",
    "exec (stream)",
    "exec (legacy)",
];

const VAULT: &str = "ionaiwtdvgclrixbt6ztpqcxnq";
const ITEM: &str = "ipifsyjdmyeg4e75ujmbkrefl4";

/// A project with a variable for each canary.
pub(crate) struct Place {
    pub(crate) test: Test,
    /// What the launcher's environment has: the backend's credential, where it has one, and a secret
    /// that nobody asked for.
    pub(crate) ambient: Vec<Canary>,
    /// What endow is given for itself when it signs in.
    issued: Vec<Canary>,
    /// Whether the launcher's own environment is the place.
    pub(crate) is_environment: bool,
    /// The directory of the program that is asked.
    pub(crate) helper: Option<PathBuf>,
    /// Servers, which live as long.
    kept: Vec<Box<dyn Any + Send>>,
}

/// The values that a backend can carry.
pub(crate) fn values(backend: &str) -> Vec<Canary> {
    let mut values = vec![Canary::plain(), Canary::quoted()];
    // Parameter Store takes 4 KiB.
    if backend != "aws-ssm" {
        values.push(Canary::long());
    }
    if ["env", "file", "systemd", "aws-sm", "aws-sm (container)"].contains(&backend) {
        values.push(Canary::binary());
    }
    values
}

/// Whether a value with a NUL can stand there.
pub(crate) fn takes_nul(backend: &str) -> bool {
    let takers = ["file", "systemd", "op (Connect)", "exec (stream)"];
    takers.contains(&backend) || backend.starts_with("vault")
}

/// The project; `delivery` is what stands beside each place: `as: file`.
pub(crate) fn arrange(backend: &str, values: &[Canary], delivery: Option<&str>) -> Place {
    let mut place = Place {
        test: Test::new(),
        ambient: Vec::new(),
        issued: Vec::new(),
        is_environment: backend == "env",
        helper: None,
        kept: Vec::new(),
    };
    let other = Canary::of(OTHER, random::word(40));
    place.env("ANOTHER_SECRET", &other.value);
    place.ambient.push(other);
    let (backends, prefix, suffix) = place.fill(backend, values);
    let entry = |canary: &Canary| {
        let name = canary.name;
        let delivery = delivery.map_or_else(String::new, |text| format!(", as: {text}"));
        format!("  {name}: {{ from: \"{prefix}{name}{suffix}\"{delivery} }}\n")
    };
    let entries: String = values.iter().map(entry).collect();
    let text = format!("version: 1\n{backends}env:\n{entries}");
    place.test = place.test.file("secretfile.yaml", text);
    place
}

impl Place {
    /// Puts the values there. The settings of the backend, and what stands around a name in a
    /// reference.
    fn fill(&mut self, backend: &str, values: &[Canary]) -> (String, String, &'static str) {
        let nothing = String::new;
        match backend {
            "dotenv" => {
                let lines = values.iter().map(dotenv_line);
                self.map(|test| test.file_with_mode(".env", lines.collect::<String>(), 0o600));
                (nothing(), "dotenv://.env#".into(), "")
            }
            "env" => {
                for canary in values {
                    self.env(&format!("MY_{}", canary.name), &canary.value);
                }
                (nothing(), "env://MY_".into(), "")
            }
            "file" => {
                for canary in values {
                    let name = format!("secret/{}", canary.name);
                    self.map(|test| test.file_with_mode(&name, &canary.value, 0o600));
                }
                (nothing(), "file://secret/".into(), "")
            }
            "systemd" => {
                for canary in values {
                    let name = format!("credentials/{}", canary.name);
                    self.map(|test| test.file_with_mode(&name, &canary.value, 0o600));
                }
                self.map(|test| test.env_path("CREDENTIALS_DIRECTORY", "credentials"));
                (nothing(), "systemd://".into(), "")
            }
            "vault" => (nothing(), self.vault(values), ""),
            "vault (signed in)" => {
                let (backends, prefix) = self.vault_signed_in(values);
                (backends, prefix, "")
            }
            "aws-sm" | "aws-ssm" => (nothing(), self.aws(backend, values), ""),
            "aws-sm (container)" => (nothing(), self.container(values), ""),
            "op (CLI)" => {
                self.op(values);
                (nothing(), "op://AI Team/Chat/".into(), "")
            }
            "op (Connect)" => {
                self.connect(values);
                (nothing(), format!("op://{VAULT}/{ITEM}/"), "")
            }
            _ => (self.exec(backend, values), "own://".into(), ""),
        }
    }

    /// What is no value of a variable: nobody but the launcher and who asked for it has these.
    pub(crate) fn others(&self) -> Vec<Canary> {
        [&self.ambient[..], &self.issued].concat()
    }

    /// The test, to be run while this is kept.
    pub(crate) fn take_test(&mut self) -> Test {
        std::mem::replace(&mut self.test, Test::new())
    }

    fn map(&mut self, change: impl FnOnce(Test) -> Test) {
        self.test = change(self.take_test());
    }

    fn env(&mut self, name: &str, value: &[u8]) {
        self.map(|test| test.env(name, OsStr::from_bytes(value)));
    }

    /// A new credential, in this variable of the launcher.
    fn credential(&mut self, variable: &str) -> String {
        let credential = random::word(40);
        self.env(variable, credential.as_bytes());
        self.ambient
            .push(Canary::of(CREDENTIAL, credential.as_bytes()));
        credential
    }

    fn vault(&mut self, values: &[Canary]) -> String {
        static MOUNT: OnceLock<String> = OnceLock::new();
        let server = OpenBao::shared();
        let root = server.root();
        let mount = MOUNT.get_or_init(|| root.kv(2));
        let path = unique("canary");
        root.put(mount, &path, &Value::Object(texts(values)));
        let policy = root.policy(&format!(
            "path \"{mount}/*\" {{ capabilities = [\"read\"] }}"
        ));
        let token = self.credential("VAULT_TOKEN");
        let body = json!({ "id": token, "policies": [policy] });
        root.call("POST", "auth/token/create", &body);
        self.env("VAULT_ADDR", server.url().as_bytes());
        format!("vault://{mount}/{path}#")
    }

    fn aws(&mut self, backend: &str, values: &[Canary]) -> String {
        self.env("AWS_ACCESS_KEY_ID", KEY.as_bytes());
        self.credential("AWS_SECRET_ACCESS_KEY");
        self.secrets(backend, values)
    }

    /// What a service of AWS keeps; the beginning of its places.
    fn secrets(&mut self, backend: &str, values: &[Canary]) -> String {
        let moto = Aws::moto();
        let path = unique("canary");
        for canary in values {
            let name = format!("{path}/{}", canary.name);
            if backend == "aws-ssm" {
                moto.parameter(&format!("/{name}"), as_text(canary));
            } else if let Ok(text) = str::from_utf8(&canary.value) {
                moto.secret(&name, text);
            } else {
                let bytes = STANDARD.encode(&canary.value);
                moto.secrets(
                    "CreateSecret",
                    &json!({ "Name": name, "SecretBinary": bytes }),
                );
            }
        }
        self.env("AWS_ENDPOINT_URL", moto.url().as_bytes());
        self.env("AWS_REGION", aws::REGION.as_bytes());
        self.env("AWS_EC2_METADATA_DISABLED", b"true");
        match backend {
            "aws-sm" => format!("aws-sm://{path}/"),
            _ => format!("aws-ssm:///{path}/"),
        }
    }

    fn op(&mut self, values: &[Canary]) {
        let named = |canary: &Canary| (canary.name, as_text(canary).to_owned());
        let named: Vec<(&str, String)> = values.iter().map(named).collect();
        let fields: Vec<(&str, &str)> = named
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let mut config = chat(&fields);
        config["token"] = self.credential("OP_SERVICE_ACCOUNT_TOKEN").into();
        let mut installed = None;
        self.map(|test| {
            let (test, op) = StandIn::install(test, &config);
            installed = Some(op);
            test
        });
        let op = installed.expect("the stand-in");
        self.helper = Some(op.path(""));
        self.kept.push(Box::new(op));
    }

    fn connect(&mut self, values: &[Canary]) {
        let token = self.credential("OP_CONNECT_TOKEN");
        let fields = texts(values).into_iter().map(|(name, value)| {
            json!({ "id": name, "type": "CONCEALED", "label": name, "value": value })
        });
        let item = json!({ "id": ITEM, "title": "Chat", "vault": { "id": VAULT }, "category": "API_CREDENTIAL", "version": 3,
            "fields": fields.collect::<Vec<Value>>() });
        let vault =
            json!({ "id": VAULT, "name": "AI Team", "type": "USER_CREATED", "items": [item] });
        let connect = Connect::start(json!({ "token": token, "vaults": [vault] }));
        self.env("OP_CONNECT_HOST", connect.url().as_bytes());
        self.kept.push(Box::new(connect));
    }

    fn exec(&mut self, backend: &str, values: &[Canary]) -> String {
        self.credential("OWN_TOKEN");
        let source = match backend {
            "exec (stream)" => "summon_stream.py",
            _ => "summon_legacy.py",
        };
        let program = Program::of(source, &Value::Object(texts(values)));
        let command = program.path("provider").display().to_string();
        self.helper = Some(program.path(""));
        self.kept.push(Box::new(program));
        format!(
            "backends: {{ own: {{ type: exec, command: [{command}], inherit: [OWN_TOKEN] }} }}\n"
        )
    }
}

fn texts(values: &[Canary]) -> Map<String, Value> {
    let pair = |canary: &Canary| (canary.name.to_owned(), Value::from(as_text(canary)));
    values.iter().map(pair).collect()
}

fn as_text(canary: &Canary) -> &str {
    str::from_utf8(&canary.value).expect("a text")
}

/// A line of a dotenv file, in double quotes.
fn dotenv_line(canary: &Canary) -> String {
    let letter = |letter: char| match letter {
        '\n' => "\\n".to_owned(),
        '"' | '\\' | '$' => format!("\\{letter}"),
        other => other.to_string(),
    };
    let quoted: String = as_text(canary).chars().map(letter).collect();
    format!("{}=\"{quoted}\"\n", canary.name)
}

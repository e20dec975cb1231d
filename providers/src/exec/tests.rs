use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use super::KIND;
use crate::{
    Class, Fault, Fetched, Helpers, Limits, Metadata, Opening, Provider, Reply, Request, Secret,
    Settings,
    read::testing::{Scratch, block_on, limits, plain},
};

#[test]
fn the_whole_batch_is_one_run() {
    let request = |label: &str, answers: &[usize]| Request {
        label: label.into(),
        answers: answers.to_vec(),
        is_free: false,
    };
    let batch = [plain("a"), plain("b"), plain("a")];
    assert_eq!(
        (KIND.requests)(&batch),
        [request("run the program for 2 ids", &[0, 1, 2])]
    );
    assert_eq!(
        (KIND.requests)(&batch[..1]),
        [request("run the program for 1 id", &[0])]
    );
    assert_eq!((KIND.requests)(&[]), []);
}

#[test]
fn an_id_is_one_line_and_no_option() {
    let error = |id: &str| (KIND.validate)(&plain(id)).unwrap_err();
    assert_eq!((KIND.validate)(&plain("prod/db/pass word")), Ok(()));
    assert_eq!(error(""), "an id is needed after `://`");
    for id in ["a\nb", "a\rb", "a\0b"] {
        assert_eq!(error(id), "an id is one line without NUL");
    }
    assert_eq!(
        error("--version"),
        "an id that begins with `-` would be an option of the program"
    );
}

/// A program of the user's own: a shell script.
struct Own {
    scratch: Scratch,
    helpers: Helpers,
    settings: Vec<(&'static str, Settings)>,
    environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

fn own(script: &str) -> Own {
    let scratch = Scratch::new();
    let path = scratch.file("provider", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let words = [path.as_str()].map(|word| Settings::Text(Secret::copied_from(word.as_bytes())));
    Own {
        scratch,
        helpers: Helpers {
            base: vec![("PATH".into(), "/usr/bin:/bin".into())],
            ..Helpers::default()
        },
        settings: vec![("command", Settings::List(words.into()))],
        environment: Vec::new(),
    }
}

impl Own {
    fn open(self) -> (Scratch, Box<dyn Provider>) {
        let settings = self.settings.into_iter();
        let opening = Opening {
            name: "own",
            settings: Settings::Map(settings.map(|(name, set)| (name.to_owned(), set)).collect()),
            environment: &self.environment,
            home: None,
            helpers: self.helpers,
        };
        (self.scratch, KIND.open.unwrap()(opening).unwrap())
    }

    fn fetch(self, ids: &[&str]) -> Fetched {
        let (_scratch, provider) = self.open();
        let batch: Vec<_> = ids.iter().map(|id| plain(id)).collect();
        block_on(provider.fetch(&batch, &limits(20_000)))
    }
}

fn values(fetched: &Fetched) -> Vec<&[u8]> {
    let values = fetched.answers.iter().map(|answer| match answer {
        Ok(Reply::Value(value)) => value.secret.expose(),
        other => panic!("{other:?}"),
    });
    values.collect()
}

fn faults(fetched: Fetched) -> Vec<Fault> {
    let faults = fetched
        .answers
        .into_iter()
        .map(|answer| answer.unwrap_err());
    faults.collect()
}

const STREAM: &str = "test $# = 0 || exit 9
while read -r id; do printf 'value of %s\\n\\n' \"$id\" | base64 -w0; echo; done";
const LEGACY: &str = "test $# = 1 || { echo usage; exit 1; }\nprintf '  value of %s\\n\\n' \"$1\"";

#[test]
fn a_stream_provider_answers_in_order_and_byte_for_byte() {
    let fetched = own(STREAM).fetch(&["b", "a", "b"]);
    let expected: [&[u8]; 3] = [b"value of b\n\n", b"value of a\n\n", b"value of b\n\n"];
    assert_eq!(values(&fetched), expected);
}

#[test]
fn a_legacy_provider_answers_once_an_id_and_is_trimmed() {
    let fetched = own(LEGACY).fetch(&["b", "a/x y"]);
    assert_eq!(values(&fetched), [&b"value of b"[..], b"value of a/x y"]);
    assert!(fetched.warnings.is_empty());
}

#[test]
fn anything_else_in_stream_mode_falls_back_to_legacy() {
    for stream in [
        "echo not base64!; exit 0",
        "exit 0",
        "exit 1",
        "echo YQ==; exit 0",
        "echo YQ==; echo YQ; exit 0",
        "echo YQ==; echo warning >&2; echo YQ==; sleep 600",
        "exec <&-; exit 3",
        // What it wrote of the second line is base64 too, of a part of the value.
        "printf 'YQ==\\nYWJj'; exit 1",
        "printf 'YQ==\\nYWJj'; kill -KILL $$",
    ] {
        let script = format!("if test $# = 0; then {stream}; fi\nprintf 'legacy %s' \"$1\"");
        let fetched = own(&script).fetch(&["a", "b"]);
        assert_eq!(
            values(&fetched),
            [&b"legacy a"[..], b"legacy b"],
            "{stream}"
        );
    }
}

#[test]
fn a_stream_is_taken_as_summon_takes_it() {
    for (stream, expected) in [
        // Empty values, a carriage return, more lines than ids, a last line without its end, and
        // a program that stays.
        ("printf '\\n\\n'", [&b""[..], b""]),
        ("printf 'YQ==\\r\\nYg=='", [b"a", b"b"]),
        ("printf 'YQ==\\nYg==\\nYw==\\n'; sleep 600", [b"a", b"b"]),
    ] {
        let fetched = own(&format!("test $# = 0 || exit 9\n{stream}")).fetch(&["x", "y"]);
        assert_eq!(values(&fetched), expected, "{stream}");
    }
}

#[test]
fn a_failing_program_is_quoted_without_the_values_that_are_known() {
    let script = "test $# = 1 || exit 1
case $1 in good) printf hunter22;; *) echo \"no: hunter22 $TOKEN\" >&2; exit 4;; esac";
    let mut failing = own(script);
    failing.environment = vec![("TOKEN".into(), "own-token".into())];
    let word = Settings::Text(Secret::copied_from(b"TOKEN"));
    failing
        .settings
        .push(("inherit", Settings::List(vec![word])));
    let mut fetched = failing.fetch(&["bad", "good"]);
    assert!(fetched.answers.pop().unwrap().is_ok());
    let faults = faults(fetched);
    assert_eq!(faults[0].class, Class::Unreachable);
    let message = &faults[0].message;
    assert!(
        message.ends_with("provider` ended with status 4: no: *** ***"),
        "{message}"
    );
}

#[test]
fn what_a_program_says_beside_its_values_is_a_warning() {
    let script =
        "test $# = 1 || exit 1\necho \"token of $1 is old: s3cret-$1\" >&2\nprintf s3cret-$1";
    let fetched = own(script).fetch(&["a"]);
    assert_eq!(values(&fetched), [b"s3cret-a"]);
    let messages: Vec<&str> = fetched
        .warnings
        .iter()
        .map(|warning| &*warning.message)
        .collect();
    assert_eq!(messages, ["`own` says: token of a is old: ***"]);
}

#[test]
fn its_environment_is_the_base_set_and_what_inherit_names() {
    let mut script =
        own("test $# = 1 || exit 1\nenv | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort");
    let pairs = [
        ("PATH", "x"),
        ("CONJUR_A", "1"),
        ("CONJUR_B", "2"),
        ("NAMED", "3"),
        ("OTHER", "4"),
        ("VAULT_TOKEN", "5"),
    ];
    script.helpers.credentials = vec![("VAULT_TOKEN".to_owned(), "vault".to_owned())];
    script.environment = pairs
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    let words = ["CONJUR_*", "NAMED", "V*"]
        .map(|word| Settings::Text(Secret::copied_from(word.as_bytes())));
    script
        .settings
        .push(("inherit", Settings::List(words.into())));
    let fetched = script.fetch(&["a"]);
    let text = String::from_utf8(values(&fetched)[0].to_vec()).unwrap();
    assert_eq!(text, "CONJUR_A=1\nCONJUR_B=2\nNAMED=3\nPATH=/usr/bin:/bin");
}

#[test]
fn at_most_four_run_at_the_same_time() {
    let scratch = Scratch::new();
    let script = format!(
        "test $# = 1 || exit 1\ntouch {0}/$1\nls {0} | grep -c . > {0}.$1\nsleep 0.2\ncat {0}.$1\nrm {0}/$1",
        scratch.path("running").display()
    );
    fs::create_dir(scratch.path("running")).unwrap();
    let fetched = own(&script).fetch(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    let counts = values(&fetched)
        .into_iter()
        .map(|count| String::from_utf8_lossy(count).parse::<u8>().unwrap());
    let most = counts.max().unwrap();
    assert!((2..=4).contains(&most), "{most}");
}

#[test]
fn a_program_that_hangs_is_killed_at_its_own_deadline() {
    let mut hanging = own("sleep 600");
    hanging
        .settings
        .push(("timeout", Settings::Text(Secret::copied_from(b"300ms"))));
    let began = std::time::Instant::now();
    let faults = faults(hanging.fetch(&["a"]));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(faults[0].class, Class::TimedOut);
    assert_eq!(faults[0].hints.len(), 1);
}

#[test]
fn a_program_that_is_not_there_says_where_it_was_looked_for() {
    for (word, class) in [
        ("no-such-provider", Class::Unreachable),
        ("/no/such", Class::Unreachable),
    ] {
        let mut missing = own("");
        let words = Settings::List(vec![Settings::Text(Secret::copied_from(word.as_bytes()))]);
        missing.settings = vec![("command", words)];
        let fault = faults(missing.fetch(&["a"])).remove(0);
        assert_eq!(fault.class, class, "{}", fault.message);
        assert!(fault.message.contains(word));
    }
}

#[test]
fn bad_settings_are_refused_before_anything_runs() {
    let mut bad = own("");
    bad.settings
        .push(("timeout", Settings::Text(Secret::copied_from(b"soon"))));
    let settings = bad.settings.into_iter();
    for settings in [Vec::new(), settings.collect()] {
        let opening = Opening {
            name: "own",
            settings: Settings::Map(
                settings
                    .into_iter()
                    .map(|(name, set)| (name.to_owned(), set))
                    .collect(),
            ),
            environment: &[],
            home: None,
            helpers: Helpers::default(),
        };
        let fault = KIND.open.unwrap()(opening).err().unwrap();
        assert_eq!((fault.class, fault.hints.len()), (Class::Malformed, 1));
    }
}

#[test]
fn it_is_known_by_its_version_and_describes_nothing() {
    let (_scratch, provider) = own("test \"$1\" = --version && echo 0.7.1").open();
    let limits = limits(20_000);
    let identity = block_on(provider.identity(&limits)).unwrap();
    assert!(
        identity.name.ends_with("provider 0.7.1"),
        "{}",
        identity.name
    );
    let described = block_on(provider.describe(&[plain("a")], &limits));
    assert_eq!(described, [Ok(Ok(Metadata::default()))]);
}

#[test]
fn without_a_terminal_a_question_is_unauthenticated() {
    // A test's own terminal, if it has one, must not be asked.
    let limits = Limits {
        approval: None,
        ..limits(20_000)
    };
    let (_scratch, provider) = own("kill -TTIN $$").open();
    let fetched = block_on(provider.fetch(&[plain("a")], &limits));
    assert_eq!(faults_of(fetched), [Class::Unauthenticated]);
}

fn faults_of(fetched: Fetched) -> Vec<Class> {
    faults(fetched)
        .into_iter()
        .map(|fault| fault.class)
        .collect()
}

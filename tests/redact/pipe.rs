//! Through pipes.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
    time::Instant,
};

use super::{KEY, project};
use crate::{harness::Test, signals::LONGEST_WAIT};

#[test]
fn a_value_is_replaced_by_the_name_of_its_variable_in_both_streams() {
    project()
        .shell("echo \"out $API_KEY\"; echo \"err $API_KEY\" >&2; echo $URL; exit 3")
        .stdout("out [API_KEY]\n[URL]\n")
        .stderr("err [API_KEY]\n")
        .status(3);
}

#[test]
fn the_manifest_can_say_it_too() {
    Test::manifest("version: 1\nenv: { API_KEY: dotenv://.env }\nrun: { redact: true }\n")
        .dotenv(&format!("API_KEY={KEY}\n"))
        .shell("echo $API_KEY")
        .stdout("[API_KEY]\n")
        .success();
}

#[test]
fn its_encodings_are_replaced() {
    let script = "printf %s \"$API_KEY\" | base64; printf %s \"$API_KEY\" | od -An -tx1 | tr -d ' \\n'; \
        printf 'a%s' \"$API_KEY\" | base64 | cut -c1-4";
    project()
        .shell(script)
        .stdout("[API_KEY]\n[API_KEY]YXNr\n")
        .success();
}

#[test]
fn plain_values_are_not_replaced() {
    project()
        .shell("echo $GREETING")
        .stdout("hello world\n")
        .success();
    Test::manifest("version: 1\nenv: { A: { from: env://NONE, default: a default } }\n")
        .flags(["--redact"])
        .shell("echo $A")
        .stdout("a default\n")
        .success();
}

#[test]
fn a_part_that_the_command_does_not_get_is_replaced() {
    Test::manifest(
        "version: 1\nenv:\n  PART: { from: dotenv://.env, export: false }\n  \
         WHOLE: { template: \"https://${PART}@db\" }\n",
    )
    .dotenv(&format!("PART={KEY}\n"))
    .flags(["--redact"])
    .shell("echo ${PART-unset} ${WHOLE#https://}")
    .stdout("unset [PART]@db\n")
    .success();
}

#[test]
fn a_value_that_is_a_file_is_replaced() {
    for how in ["file", "{ file: tmpfs }"] {
        Test::manifest(&format!(
            "version: 1\nenv: {{ A: {{ from: file://a, as: {how} }} }}\n"
        ))
        .file("a", KEY)
        .known(KEY)
        .flags(["--redact"])
        .shell("cat $A")
        .stdout("[A]")
        .success();
    }
}

#[test]
fn what_can_not_be_masked_is_said_once() {
    let test = || {
        Test::manifest("version: 1\nenv: { PIN: dotenv://.env, WORD: dotenv://.env }\n")
            .file_with_mode(".env", "PIN=1234\nWORD=production\n", 0o600)
    };
    test()
        .flags(["--redact"])
        .shell("echo $PIN $WORD; echo $PIN")
        .stdout("1234 production\n1234\n")
        .stderr(
            "endow: warning: `PIN` is not masked: its value is too short\n\
             endow: warning: `WORD` is not masked: its value is a word or a number that stands in any text\n",
        )
        .success();
    test()
        .args(["-q"])
        .flags(["--redact"])
        .shell("echo $PIN")
        .stdout("1234\n")
        .success();
}

#[test]
fn a_value_that_comes_in_pieces_is_replaced() {
    let script = "import os, sys, time\n\
        for byte in os.environb[b'API_KEY'] * 3 + b'sk-proj-':\n\
        \x20   os.write(1, bytes([byte]))\n\
        \x20   time.sleep(0.002)";
    project()
        .run([
            crate::harness::runtime::python().as_os_str(),
            "-ISc".as_ref(),
            script.as_ref(),
        ])
        .stdout("[API_KEY][API_KEY][API_KEY]sk-proj-")
        .success();
}

#[test]
fn the_order_in_one_file_is_kept() {
    let test = project()
        .through(["sh", "-c", "exec \"$@\" 2>&1", "sh"])
        .shell("for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done");
    let expected: String = (1..=5).map(|i| format!("out {i}\nerr {i}\n")).collect();
    test.stdout(expected).success();
}

#[test]
fn a_closed_stream_stays_closed() {
    project()
        .started_with(&["--close", "1"])
        .shell("[ -e /proc/$$/fd/1 ] || echo \"closed $API_KEY\" >&2")
        .stderr("closed [API_KEY]\n")
        .success();
}

#[test]
fn the_command_has_no_descriptor_more() {
    project()
        .started_with(&[])
        .shell("ls /proc/$$/fd; true")
        .stdout("0\n1\n2\n")
        .success();
}

#[test]
fn bytes_of_any_kind_come_through() {
    let noise: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    project()
        .file("noise", &noise)
        .shell("cat noise; cat noise >&2")
        .stdout(&noise)
        .any_stderr()
        .success();
}

#[test]
fn a_reader_that_leaves_ends_the_command_by_sigpipe() {
    let test = project().started_with(&[]).through([
        "/bin/sh",
        "-c",
        "{ \"$@\"; echo $? >&2; } | head -n 1",
        "sh",
    ]);
    test.run(["yes"]).stdout("y\n").stderr("141\n").success();
}

#[test]
fn a_slow_reader_slows_the_command_and_nothing_grows() {
    let test = project().run(["sh", "-c", "head -c 100000000 /dev/zero; echo x >&2"]);
    let mut child = test.spawn();
    let mut output = child.stdout.take().expect("a pipe");
    let mut first = [0; 1];
    output.read_exact(&mut first).expect("a byte");
    // As long as nobody reads, the command can't have written everything.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let memory = peak(child.id());
    let mut rest = Vec::new();
    output.read_to_end(&mut rest).expect("the rest");
    assert_eq!(rest.len(), 99_999_999);
    assert!(memory < 40_000, "{memory} kB");
    assert!(child.wait().expect("it ends").success());
}

/// The most memory that a process had, in kB.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let size = line.and_then(|line| line.split_whitespace().next());
    size.expect("a size").parse().expect("a number")
}

#[test]
fn one_stream_that_is_not_read_does_not_hold_the_other() {
    let test = project().shell("head -c 1000000 /dev/zero >&2 & echo $API_KEY; wait");
    let mut child = test.spawn();
    let mut line = [0; 10];
    let mut output = child.stdout.take().expect("a pipe");
    output.read_exact(&mut line).expect("it is not held");
    assert_eq!(&line, b"[API_KEY]\n");
    let mut errors = Vec::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_end(&mut errors).expect("the errors");
    assert_eq!(errors.len(), 1_000_000);
    child.wait().expect("it ends");
}

#[test]
fn what_lives_on_with_the_stream_is_not_waited_for() {
    let began = Instant::now();
    project()
        .shell("setsid sleep 60 & echo $API_KEY; exit 4")
        .stdout("[API_KEY]\n")
        .status(4);
    assert!(began.elapsed() < LONGEST_WAIT);
}

#[test]
fn a_socket_is_written_without_waiting() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("sockets");
    let test = project().shell("echo \"over a socket: $API_KEY\"");
    let status = test
        .command()
        .stdin(Stdio::null())
        .stdout(std::os::fd::OwnedFd::from(theirs))
        .status()
        .expect("endow starts");
    assert!(status.success());
    let mut printed = String::new();
    let mut ours = ours;
    ours.read_to_string(&mut printed).expect("its text");
    assert_eq!(printed, "over a socket: [API_KEY]\n");
}

#[test]
fn a_file_is_appended_to_and_goes_on_where_it_was() {
    let test = project().shell("echo $API_KEY; echo more");
    let file = test.path("log");
    fs::write(&file, "before\n").expect("a file");
    let log = fs::File::options().append(true).open(&file).expect("it");
    let status = test.command().stdout(log).status().expect("endow starts");
    assert!(status.success());
    assert_eq!(
        fs::read_to_string(&file).expect("it"),
        "before\n[API_KEY]\nmore\n"
    );
    // Two programs that write one after the other to one open file.
    let mut shell = Command::new("sh");
    let words = test.command();
    let words = std::iter::once(words.get_program()).chain(words.get_args());
    let status = shell
        .args(["-c", "{ echo first; \"$@\"; echo last; } > both", "sh"])
        .args(words)
        .current_dir(test.path(""))
        .status()
        .expect("sh starts");
    assert!(status.success());
    assert_eq!(
        fs::read_to_string(test.path("both")).expect("it"),
        "first\n[API_KEY]\nmore\nlast\n"
    );
}

/// The masks of a value of a mebibyte took half a minute and two gibibytes, outside of every deadline.
#[test]
fn a_value_of_a_mebibyte_is_masked_by_its_head_and_whatever_follows_of_it() {
    let value = crate::harness::random::word(1 << 20);
    let test = Test::manifest("version: 1\nenv: { BLOB: { from: file://blob, as: file } }\n")
        .file_with_mode("blob", &value, 0o600)
        .known(&value)
        .flags(["--redact"])
        .shell("echo \"<$(cat $BLOB)>\"; head -c 5000 $BLOB; grep VmHWM /proc/$PPID/status");
    let output = test
        .any_stdout()
        .stderr("endow: warning: `BLOB` is masked by its first 4 KiB: a part of its value without them is printed\n")
        .success();
    let said = String::from_utf8(output.stdout).unwrap();
    let peak = said.strip_prefix("<[BLOB]>\n[BLOB]VmHWM:");
    let peak = peak.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let peak: u64 = peak.expect("masks, and the peak").trim().parse().unwrap();
    // endow with a value of a mebibyte, without its masks, has about a third of that.
    assert!(peak < 64 << 10, "{peak} KiB");
}

/// What programs make of a value when they print it. The value has signs that each of them escapes.
#[test]
fn what_programs_make_of_a_value_is_replaced() {
    let value = "pq/+9f8A7b6C=5d4E\"3f<2A'1b>&xyz";
    let python = "import os, sys, json, html, urllib.parse, base64; v = os.environ['KEY']; q = urllib.parse.quote; ";
    let node = "const v = process.env.KEY; ";
    let gson = "print(''.join(c if c.isalnum() else '\\\\u%04x' % ord(c) for c in v))";
    for (program, code) in [
        ("python3", "print(q(v))"),
        ("python3", "print(q(v, safe=''))"),
        ("python3", "print(q(q(v)))"),
        ("python3", "print(urllib.parse.quote_plus(v))"),
        ("python3", "print(json.dumps(v)[1:-1])"),
        ("python3", "print(json.dumps(json.dumps(v)))"),
        ("python3", "print(json.dumps([json.dumps([v])]))"),
        ("python3", gson),
        ("python3", "print(html.escape(v))"),
        ("python3", "print(html.escape(html.escape(v)))"),
        ("python3", "print(''.join('&#%d;' % ord(c) for c in v))"),
        ("python3", "print(''.join('&#x%x;' % ord(c) for c in v))"),
        ("python3", "print(''.join('\\\\x%02x' % ord(c) for c in v))"),
        ("python3", "print(base64.b64encode(v.encode()).decode())"),
        (
            "python3",
            "print(base64.encodebytes((v * 3).encode()).decode().strip())",
        ),
        (
            "python3",
            "print(v[:9] + '\\x1b[1;31m' + v[9:] + '\\x1b[0m')",
        ),
        ("python3", "print(v.encode().hex())"),
        ("python3", "print(v.encode().hex(' '))"),
        ("python3", "print(v.encode().hex(' ', 2).upper())"),
        ("node", "console.log(encodeURIComponent(v))"),
        (
            "node",
            "const u = new URL('http://h'); u.password = v; console.log(u.password)",
        ),
        ("node", "console.log(JSON.stringify(v).slice(1, -1))"),
        ("node", "console.log(Buffer.from(v).toString('base64url'))"),
        ("node", "console.log(Buffer.from(v))"),
        ("sh", "printf '%s\\n' \"$KEY\""),
        ("sh", "printf %s \"$KEY\" | base64 -w 20"),
        ("sh", "printf '%s\\n' \"$KEY\" | fold -w 7"),
        ("sh", "printf %s \"$KEY\" | od -An -v -tx1"),
        ("sh", "printf %s \"$KEY\" | od -An -v -tx1 | tr -d ' \\n'"),
        ("bash", "printf '%q\\n' \"$KEY\""),
        (
            "perl",
            "print $ENV{KEY} =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord($1))/ger, \"\\n\"",
        ),
        ("ruby", "require 'json'; puts ENV['KEY'].to_json[1..-2]"),
        (
            "php",
            "echo rawurlencode(getenv('KEY')), json_encode(getenv('KEY')), \"\\n\";",
        ),
        (
            "php",
            "echo htmlspecialchars(getenv('KEY'), ENT_QUOTES), \"\\n\";",
        ),
    ] {
        let (option, code) = match program {
            "python3" => ("-c", format!("{python}{code}")),
            "node" => ("-e", format!("{node}{code}")),
            "php" => ("-r", code.to_owned()),
            "perl" | "ruby" => ("-e", code.to_owned()),
            _ => ("-c", code.to_owned()),
        };
        let test = Test::manifest("version: 1\nenv: { KEY: file://key }\n")
            .file_with_mode("key", value, 0o600)
            .flags(["--redact"])
            .run([program, option, &code]);
        let output = test.any_stdout().success();
        let said = String::from_utf8_lossy(&output.stdout);
        let rest: String = said.replace("[KEY]", "");
        let rest = rest.replace("\x1b[0m", "").replace("<Buffer", "");
        let left: Vec<char> = rest.chars().filter(char::is_ascii_alphanumeric).collect();
        assert!(
            said.contains("[KEY]") && left.len() <= 3,
            "{program} {code}: {said}"
        );
    }
}

//! A small limit of locked memory fails no run, and the command gets every limit as it was.

use super::{LATE, canary, waiting};
use crate::harness::{
    Test,
    memory::{mappings, search, status},
};

/// Started as one who may lock no more than the limit says.
fn limited(test: Test, limit: &str) -> Test {
    test.through([crate::harness::runtime::find("setpriv")])
        .through(["--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"])
        .started_with(&["--limit", &format!("MEMLOCK={limit}")])
}

fn files(sizes: &[usize]) -> (Test, String) {
    let (mut manifest, mut script) = ("version: 1\nenv:\n".to_owned(), String::new());
    let mut test = Test::new();
    for (number, size) in sizes.iter().enumerate() {
        manifest += &format!("  FILE_{number}: {{ from: file://value-{number}, as: file }}\n");
        script += &format!("cmp $FILE_{number} value-{number} && ");
        let content = canary().repeat(size.div_ceil(20));
        test = test.file_with_mode(&format!("value-{number}"), &content[..*size], 0o600);
    }
    let script = format!("{script}echo whole; ulimit -l; grep VmLck /proc/$$/status");
    (test.file("secretfile.yaml", manifest), script)
}

#[test]
fn values_of_every_size_arrive_where_little_or_nothing_can_be_locked() {
    let sizes = [1, 10, 5000, 70_000, 200_000, (16 << 20) - 1];
    for (limit, shown) in [("0", "0"), ("4096", "4"), ("65536", "64")] {
        for flags in [&[] as &[&str], &["--init"]] {
            let (test, script) = files(&sizes);
            limited(test, limit)
                .flags(flags)
                .shell(&script)
                .stdout(format!("whole\n{shown}\nVmLck:\t       0 kB\n"))
                .success();
        }
    }
}

#[test]
fn without_a_limit_the_command_has_no_locked_memory_either() {
    for flags in [&[] as &[&str], &["--init"]] {
        let (test, script) = files(&[10, 200_000]);
        let script = script.replace("ulimit -l; ", "");
        test.flags(flags)
            .shell(&script)
            .stdout("whole\nVmLck:\t       0 kB\n")
            .success();
    }
}

#[test]
fn hundreds_of_values_and_their_threads_get_along_with_a_small_limit() {
    let (mut manifest, mut test) = ("version: 1\nenv:\n".to_owned(), Test::new());
    for number in 0..300 {
        manifest += &format!("  V{number}: file://value-{number}\n");
        test = test.file_with_mode(&format!("value-{number}"), format!("text-{number}"), 0o600);
    }
    limited(test.file("secretfile.yaml", manifest), "65536")
        .shell("echo $V0 $V150 $V299")
        .stdout("text-0 text-150 text-299\n")
        .success();
}

#[test]
fn what_could_not_be_locked_is_said_once_to_who_asks_and_stays_out_of_dumps() {
    let run = |limit: &str| {
        let test = Test::manifest("version: 1\nenv: { API_KEY: dotenv://.env }\n");
        limited(test.dotenv("API_KEY=value-of-the-limit\n"), limit)
    };
    let said = |limit, words: &[&str]| {
        let output = run(limit)
            .args(words)
            .args(["run", "--", "true"])
            .any_stderr()
            .success();
        let text = String::from_utf8(output.stderr).expect("text");
        let lines = text.lines().filter(|line| line.contains("RLIMIT_MEMLOCK"));
        lines.count()
    };
    assert_eq!(said("0", &["-v"]), 1);
    assert_eq!(said("65536", &["-v"]), 0);
    assert_eq!(said("0", &[]), 0);
    let value = canary();
    let test = Test::manifest(&format!(
        "version: 1\nenv: {{ API_KEY: dotenv://.env, {LATE} }}\n"
    ));
    let test = limited(test.dotenv(&format!("API_KEY={value}\n")), "0");
    waiting(test, |child| {
        let everywhere = || search(child.id(), value.as_bytes());
        crate::harness::wait::until("the value stands in no dump", || {
            let found = everywhere();
            !found.is_empty() && found.iter().all(|(mapping, _)| mapping.has("dd"))
        });
        assert!(
            mappings(child.id())
                .iter()
                .all(|mapping| !mapping.has("lo"))
        );
        assert_eq!(status(child.id(), "VmLck"), "0 kB");
    });
}

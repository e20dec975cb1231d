//! Launch: endow becomes the command, and leaves no trace of itself in it.

mod failure;
mod inherited;
mod options;
mod status;

use std::os::unix::ffi::OsStrExt;

use nix::unistd::mkfifo;

use crate::harness::Test;

/// A manifest of one variable, so that there is something to resolve.
const MANIFEST: &str = "version: 1\nenv: { API_KEY: dotenv://.env }\n";
const DOTENV: &str = "API_KEY=dev-key-launch\n";

fn project() -> Test {
    Test::manifest(MANIFEST).dotenv(DOTENV)
}

#[test]
fn the_command_has_the_process_id_of_endow() {
    let test = project().shell("echo $$ $API_KEY");
    let child = test.spawn();
    let expected = format!("{} dev-key-launch\n", child.id());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_command_is_the_child_of_endows_parent() {
    let test = project().shell("echo $PPID");
    let expected = format!("{}\n", std::process::id());
    test.stdout(expected).success();
}

#[test]
fn standard_output_and_error_are_the_commands_alone() {
    let noise = b"\xff\0\x1b[31m".repeat(1000);
    let output = project()
        .file("noise", &noise)
        .shell("cat noise; printf 'no newline at the end' >&2")
        .stdout(&noise)
        .stderr("no newline at the end")
        .success();
    assert_eq!(output.stdout.len(), noise.len());
    project().run(["true"]).success();
}

#[test]
fn words_are_passed_on_as_they_are() {
    let words: [&[u8]; 14] = [
        b"--",
        b"-x",
        b"",
        b"--profile",
        b"prod",
        b"-e",
        b"A=b",
        b"--help",
        b"two words",
        b"\xff\xfe",
        b"$HOME *",
        b"line\nline",
        b"--",
        b"-",
    ];
    let words = words.map(std::ffi::OsStr::from_bytes);
    let script = "cat /proc/$$/cmdline; true";
    let mut expected = [b"sh\0-c\0", script.as_bytes(), b"\0"].concat();
    for word in words {
        expected.extend_from_slice(&[word.as_bytes(), b"\0"].concat());
    }
    for before in [
        &["run", "--"] as &[&str],
        &["run"],
        &["run", "--only", "API_KEY", "-e", "B"],
    ] {
        let test = project()
            .args(before)
            .args(["sh", "-c", script])
            .args(words);
        test.stdout(&expected).success();
    }
}

#[test]
fn the_command_is_named_as_it_was_called_and_not_where_it_was_found() {
    project()
        .file_with_mode(
            "bin/tool",
            "#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline\n",
            0o755,
        )
        .run(["bin/tool", "word"])
        .stdout("/bin/sh bin/tool word ")
        .success();
    project()
        .run(["sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline; true"])
        .stdout("sh -c tr '\\0' ' ' < /proc/$$/cmdline; true ")
        .success();
}

#[test]
fn standard_input_is_the_commands_and_untouched() {
    let input = b"\0\xffline\n".repeat(20_000);
    project()
        .run(["cat"])
        .input(&input)
        .stdout(&input)
        .success();
    // An offset that endow moved would be seen by whoever shares the file.
    let test = project().file("input", &input);
    let script = "\"$0\" run -- head -c 5 >/dev/null; cat";
    let file = std::fs::File::open(test.path("input")).expect("the input");
    let output = std::process::Command::new("sh")
        .args(["-c", script, crate::harness::ENDOW])
        .current_dir(test.path(""))
        .stdin(file)
        .output()
        .expect("sh starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(
        output.stdout == input[5..],
        "{} bytes are left",
        output.stdout.len()
    );
}

#[test]
fn a_failing_endow_leaves_standard_input_untouched() {
    let test = project().file("input", "all of it");
    let script = "\"$0\" run -- ./not-there 2>/dev/null; echo $?; cat";
    let output = std::process::Command::new("sh")
        .args(["-c", script, crate::harness::ENDOW])
        .current_dir(test.path(""))
        .stdin(std::fs::File::open(test.path("input")).expect("the input"))
        .output()
        .expect("sh starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "127\nall of it");
}

#[test]
fn the_command_is_searched_in_the_callers_path_and_not_in_a_declared_one() {
    let tool = |says: &str| format!("#!/bin/sh\necho {says}, PATH=$PATH\n");
    let test = Test::new()
        .file_with_mode("caller/tool", tool("of the caller"), 0o755)
        .file_with_mode("declared/tool", tool("of the manifest"), 0o755);
    let (path, declared) = (test.path("caller"), test.path("declared"));
    let manifest = format!("version: 1\nvalues: {{ PATH: {} }}\n", declared.display());
    test.file("secretfile.yaml", manifest)
        .env("PATH", path)
        // Naming the manifest is consent to a variable through which programs are found.
        .args(["--file", "secretfile.yaml"])
        .run(["tool"])
        .stdout("of the caller, PATH=[DIR]/declared\n")
        .success();
}

#[test]
fn the_command_is_searched_in_the_callers_path_and_not_in_that_of_a_flag() {
    let test = project()
        .file_with_mode(
            "caller/tool",
            "#!/bin/sh\necho of the caller, PATH=$PATH\n",
            0o755,
        )
        .file_with_mode("flag/tool", "#!/bin/sh\necho of the flag\n", 0o755);
    let (path, flag) = (test.path("caller"), test.path("flag"));
    test.env("PATH", path)
        .args([
            "run",
            "-e",
            &format!("PATH={}", flag.display()),
            "--",
            "tool",
        ])
        .stdout("of the caller, PATH=[DIR]/flag\n")
        .success();
}

#[test]
fn an_empty_element_of_path_is_the_working_directory() {
    for path in ["", ":/nowhere", "/nowhere:", "/nowhere::/nowhere"] {
        project()
            .file_with_mode("tool", "#!/bin/sh\necho found\n", 0o755)
            .env("PATH", path)
            .run(["tool"])
            .stdout("found\n")
            .success();
    }
}

#[test]
fn without_a_path_the_systems_directories_are_searched() {
    project()
        .without_env("PATH")
        .shell("echo ${#API_KEY}")
        .stdout("14\n")
        .success();
}

#[test]
fn the_first_executable_of_path_is_taken() {
    let test = project()
        .file("first/tool", "not executable")
        .file("second/tool/inside", "a directory")
        .file_with_mode("third/tool", "#!/bin/sh\necho third\n", 0o755)
        .file_with_mode("fourth/tool", "#!/bin/sh\necho fourth\n", 0o755);
    let directories = [
        "first",
        "second",
        "not-there",
        "secretfile.yaml",
        "third",
        "fourth",
    ];
    let path = std::env::join_paths(directories.map(|name| test.path(name))).expect("a PATH");
    test.env("PATH", path)
        .run(["tool"])
        .stdout("third\n")
        .success();
}

#[test]
fn a_script_without_an_interpreter_line_runs_as_under_env() {
    let test = project().file_with_mode("plain", "echo \"$0|$1|$#|$API_KEY\"\n", 0o755);
    let env = std::process::Command::new("env")
        .args(["API_KEY=dev-key-launch", "./plain", "two words"])
        .current_dir(test.path(""))
        .output()
        .expect("env starts");
    assert_eq!(
        String::from_utf8_lossy(&env.stdout),
        "./plain|two words|1|dev-key-launch\n"
    );
    test.run(["./plain", "two words"])
        .prints_values()
        .stdout(env.stdout)
        .success();
}

#[test]
fn a_command_that_is_a_fifo_or_a_device_is_not_waited_for() {
    let test = project();
    mkfifo(
        &test.path("fifo"),
        nix::sys::stat::Mode::from_bits_truncate(0o755),
    )
    .expect("a FIFO");
    test.run(["./fifo"])
        .stderr("endow: error: `./fifo` can't be executed: permission denied\n")
        .status(126);
}

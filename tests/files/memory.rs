//! Sealed memory files.

use std::fs;

use super::{VALUE, WAYS, project};
use crate::harness::{Test, runtime};

#[test]
fn the_variable_names_a_descriptor_of_the_command() {
    for flags in WAYS {
        project("file")
            .flags(flags)
            .shell("echo $KEY_FILE | sed s,^/proc/$$/fd/2..$,PATH,; cat $KEY_FILE")
            .prints_values()
            .stdout(format!("PATH\n{VALUE}"))
            .success();
    }
}

#[test]
fn the_file_and_nothing_else_is_open_in_the_command() {
    for flags in WAYS {
        project("file")
            .started_with(&[])
            .flags(flags)
            .shell("ls /proc/$$/fd; true")
            .stdout("0\n1\n2\n200\n")
            .success();
    }
}

#[test]
fn it_can_be_read_twice_and_from_any_position() {
    let script = "import os\n\
        path = os.environ['KEY_FILE']\n\
        first, second = open(path), open(path)\n\
        print(first.read(), second.read())\n\
        first.seek(8)\n\
        print(first.read(), open(path).read(3))";
    for flags in WAYS {
        project("file")
            .flags(flags)
            .run([
                runtime::python().as_os_str(),
                "-ISc".as_ref(),
                script.as_ref(),
            ])
            .prints_values()
            .stdout(format!("{VALUE} {VALUE}\nof-a-file dev\n"))
            .success();
    }
}

#[test]
fn a_grandchild_of_python_reads_it() {
    let script = "import multiprocessing, os, subprocess, sys\n\
        def read(path):\n    return open(path).read()\n\
        if __name__ == '__main__':\n\
        \x20   path = os.environ['KEY_FILE']\n\
        \x20   out = [subprocess.run(['cat', path], capture_output=True, text=True).stdout]\n\
        \x20   for way in 'fork', 'spawn', 'forkserver':\n\
        \x20       with multiprocessing.get_context(way).Pool(1) as pool:\n\
        \x20           out += pool.map(read, [path])\n\
        \x20   print(out)\n";
    for flags in WAYS {
        project("file")
            .file("app.py", script)
            .flags(flags)
            .run([
                runtime::python().as_os_str(),
                "-I".as_ref(),
                "app.py".as_ref(),
            ])
            .prints_values()
            .stdout(format!("{:?}\n", [VALUE; 4]).replace('"', "'"))
            .success();
    }
}

#[test]
fn a_grandchild_of_npm_and_npx_reads_it() {
    let node = runtime::find("node");
    let package = r#"{ "name": "app", "version": "1.0.0", "bin": { "app": "app.js" },
        "scripts": { "show": "node app.js" } }"#;
    let script = "#!/usr/bin/env node\n\
        process.stdout.write(require('fs').readFileSync(process.env.KEY_FILE, 'utf8'));\n";
    for command in [
        &["npm", "run", "--silent", "--offline", "show"][..],
        &["npx", "--offline", "--no", "."],
    ] {
        for flags in WAYS {
            project("file")
                .env("PATH", runtime::path_with(&node))
                .file("package.json", package)
                .file_with_mode("app.js", script, 0o755)
                .flags(flags)
                .run(command)
                .prints_values()
                .stdout(VALUE)
                .any_stderr()
                .success();
        }
    }
}

#[test]
fn nobody_can_change_it() {
    let script = "import os\n\
        path = os.environ['KEY_FILE']\n\
        descriptor = int(path.rpartition('/')[2])\n\
        def refused(what):\n\
        \x20   try:\n        what()\n\
        \x20   except OSError:\n        return True\n\
        print(refused(lambda: os.write(descriptor, b'x')),\n\
        \x20   refused(lambda: os.truncate(path, 0)),\n\
        \x20   refused(lambda: os.write(os.open(path, os.O_WRONLY), b'x')),\n\
        \x20   oct(os.stat(path).st_mode & 0o777), os.stat(path).st_uid == os.getuid())";
    project("file")
        .run([
            runtime::python().as_os_str(),
            "-ISc".as_ref(),
            script.as_ref(),
        ])
        .stdout("True True True 0o400 True\n")
        .success();
}

#[test]
fn mode_owner_and_name_are_as_stated() {
    let own = nix::unistd::geteuid();
    project(&format!(
        "{{ file: memory, mode: \"0444\", owner: {own}, name: sa.json }}"
    ))
    .shell("stat -L -c '%a %u' $KEY_FILE; readlink $KEY_FILE")
    .stdout(format!("444 {own}\n/memfd:sa.json (deleted)\n"))
    .success();
    project("{ file: memory, mode: \"0500\" }")
        .shell("stat -L -c %a $KEY_FILE")
        .stdout("500\n")
        .success();
}

#[test]
fn an_owner_that_does_not_exist_is_named() {
    project("{ file: memory, owner: no-such-user }")
        .run(["touch", "started"])
        .stderr(
            "endow: error: the file of `KEY_FILE` can't be made: there is no user `no-such-user`\n",
        )
        .status(125);
}

#[test]
fn bytes_of_any_kind_and_number_stand_in_it() {
    let bytes: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    for flags in WAYS {
        project("file")
            .file("value", &bytes)
            .flags(flags)
            .shell("cat $KEY_FILE")
            .stdout(&bytes)
            .success();
    }
}

#[test]
fn an_absent_one_is_unset() {
    Test::manifest("version: 1\nenv: { A: { from: file://none, as: file, required: false } }\n")
        .shell("echo ${A-unset}")
        .stdout("unset\n")
        .success();
}

#[test]
fn where_few_descriptors_are_allowed_it_gets_a_low_one() {
    project("file")
        .started_with(&["--limit", "NOFILE=64"])
        .shell("cat $KEY_FILE")
        .prints_values()
        .stdout(VALUE)
        .success();
}

#[test]
fn no_file_is_created_outside_memory() {
    let test = project("file");
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let strace = runtime::find("strace");
    let test = test
        .through([
            strace.as_os_str(),
            "-f".as_ref(),
            "-o".as_ref(),
            trace.path().as_os_str(),
        ])
        .through(["-e", "trace=file,desc", "-s", "200", "--"]);
    test.shell("cat $KEY_FILE; cat $KEY_FILE | cat")
        .prints_values()
        .stdout(format!("{VALUE}{VALUE}"))
        .success();
    let lines = fs::read_to_string(trace.path()).expect("the trace");
    let makes = [
        "O_CREAT",
        "creat(",
        "mkdir",
        "mknod",
        "rename",
        "link(",
        "linkat(",
        "O_TMPFILE",
    ];
    let made: Vec<&str> = lines
        .lines()
        .filter(|line| makes.iter().any(|word| line.contains(word)) && !line.contains("readlink"))
        .collect();
    assert_eq!(made, [""; 0]);
    assert_eq!(
        lines.matches("memfd_create(\"KEY_FILE\"").count(),
        1,
        "{lines}"
    );
    // endow writes the value once, into that file; the rest are the cats.
    let writes: Vec<&str> = lines
        .lines()
        .filter(|line| line.contains("write(") && line.contains(VALUE))
        .collect();
    assert!(!writes[0].contains(" write(1,"), "{writes:?}");
    assert!(
        writes[1..].iter().all(|line| line.contains(" write(1,")),
        "{writes:?}"
    );
}

#[test]
fn without_proc_it_is_an_error_and_no_dead_path() {
    let script = "umount -l /proc && exec \"$@\"";
    let reason = "there is no /proc here, and the command could not open it: mount /proc, or write \
        `as: { file: tmpfs }`";
    let output = project("file")
        .through(["unshare", "--mount", "sh", "-c", script, "sh"])
        .run(["true"])
        .any_stderr()
        .status(125);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(reason), "{stderr}");
    project("{ file: tmpfs }")
        .through(["unshare", "--mount", "sh", "-c", script, "sh"])
        .shell("test -s $KEY_FILE")
        .success();
}

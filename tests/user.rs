//! `--user`: whom the command runs as.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::harness::{ENDOW, Test, runtime};

const SHOW: &str = "id -u; id -g; id -G; echo $HOME";

/// A project in which endow is root.
#[track_caller]
fn project() -> Test {
    let test =
        Test::manifest("version: 1\nenv: { A: dotenv://.env }\n").dotenv("A=dev-key-of-a-user\n");
    if nix::unistd::geteuid().is_root() {
        return test;
    }
    let words = ["--user", "--map-root-user", "--map-auto"];
    let unshare = runtime::find("unshare");
    let tried = Command::new(&unshare)
        .args(words)
        .args(["chown", "1:1", "/dev/null"])
        .output();
    let tried = tried.expect("unshare starts");
    assert!(
        tried.status.success() || !String::from_utf8_lossy(&tried.stderr).contains("unshare"),
        "no other user can be had here: run the tests as root, or install uidmap: {}",
        String::from_utf8_lossy(&tried.stderr)
    );
    test.through([unshare]).through(words)
}

/// What `id` says of a user of the system.
fn known(user: &str, what: &str) -> String {
    let output = Command::new("id")
        .args([what, user])
        .output()
        .expect("id starts");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim_end()
        .to_owned()
}

fn home(user: &str) -> String {
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line = users
        .lines()
        .find(|line| line.starts_with(&format!("{user}:")));
    line.expect("the user")
        .split(':')
        .nth(5)
        .expect("a home")
        .to_owned()
}

const WAYS: [&[&str]; 3] = [&[], &["--init"], &["--redact"]];

#[test]
fn the_command_is_the_user_with_the_users_groups_and_home() {
    for way in WAYS {
        for user in ["daemon", "nobody"] {
            let expected = format!(
                "{}\n{}\n{}\n{}\n",
                known(user, "-u"),
                known(user, "-g"),
                known(user, "-G"),
                home(user)
            );
            project()
                .flags(way)
                .flags(["--user", user])
                .shell(SHOW)
                .stdout(expected)
                .success();
        }
    }
}

/// What a service finds where it was started by `su -` or by systemd.
#[test]
fn the_name_of_the_user_is_in_its_environment_unless_it_is_stated() {
    let of = |flags: &[&str]| {
        project()
            .env("USER", "caller")
            .env("LOGNAME", "caller")
            .flags(["--user", "daemon"])
            .flags(flags)
            .shell("echo $HOME $USER $LOGNAME")
    };
    let home = home("daemon");
    of(&[]).stdout(format!("{home} daemon daemon\n")).success();
    of(&["-e", "USER"])
        .stdout(format!("{home} caller daemon\n"))
        .success();
    of(&["-e", "LOGNAME=me"])
        .stdout(format!("{home} daemon me\n"))
        .success();
    project()
        .file(
            "secretfile.yaml",
            "version: 1\nvalues: { USER: declared }\n",
        )
        .args(["--file", "secretfile.yaml"])
        .flags(["--user", "12345:54321"])
        .shell("echo $HOME $USER $LOGNAME")
        .stdout("/ declared 12345\n")
        .success();
}

#[test]
fn a_stated_group_is_the_only_one() {
    let games = Command::new("getent")
        .args(["group", "games"])
        .output()
        .expect("getent");
    let games = String::from_utf8(games.stdout).expect("text");
    let games = games.split(':').nth(2).expect("an id").to_owned();
    let daemon = known("daemon", "-u");
    let expected = format!("{daemon}\n{games}\n{games}\n{}\n", home("daemon"));
    project()
        .flags(["--user", "daemon:games"])
        .shell(SHOW)
        .stdout(expected)
        .success();
}

#[test]
fn numbers_need_no_names() {
    project()
        .flags(["--user", "12345:54321"])
        .shell(SHOW)
        .stdout("12345\n54321\n54321\n/\n")
        .success();
    project()
        .flags(["--user", "12345"])
        .run(["touch", "started"])
        .stderr("endow: error: the command can't be started as another user: the group of user 12345 is not known: say it\n")
        .status(125);
}

#[test]
fn a_stated_home_stays() {
    project()
        .flags(["--user", "daemon", "-e", "HOME=/stated"])
        .shell("echo $HOME")
        .stdout("/stated\n")
        .success();
    project()
        .env("HOME", "/of-the-caller")
        .flags(["--user", "daemon", "-e", "HOME"])
        .shell("echo $HOME")
        .stdout("/of-the-caller\n")
        .success();
    project()
        .file(
            "secretfile.yaml",
            "version: 1\nvalues: { HOME: /declared }\n",
        )
        .args(["--file", "secretfile.yaml"])
        .flags(["--user", "daemon"])
        .shell("echo $HOME")
        .stdout("/declared\n")
        .success();
}

#[test]
fn the_user_can_not_become_root_again() {
    let script = "for what in '--reuid 0' '--regid 0 --keep-groups' '--groups 0'; do \
        setpriv $what true 2> /dev/null || echo refused; done";
    project()
        .flags(["--user", "daemon"])
        .shell(script)
        .stdout("refused\nrefused\nrefused\n")
        .success();
}

#[test]
fn a_file_value_is_the_users() {
    for how in ["file", "{ file: tmpfs }"] {
        for way in WAYS {
            let manifest =
                format!("version: 1\nenv: {{ A: {{ from: dotenv://.env, as: {how} }} }}\n");
            project()
                .file("secretfile.yaml", manifest)
                .flags(way)
                .flags(["--user", "daemon"])
                .shell("test \"$(cat $A)\" = dev-key-of-a-user && stat -L -c '%a %U' $A")
                .stdout("400 daemon\n")
                .success();
        }
    }
}

#[test]
fn who_does_not_exist_is_named() {
    for (user, what) in [
        ("no-such-user", "there is no user `no-such-user`"),
        ("daemon:no-such", "there is no group `no-such`"),
    ] {
        project()
            .flags(["--user", user])
            .run(["touch", "started"])
            .stderr(format!(
                "endow: error: the command can't be started as another user: {what}\n"
            ))
            .status(125);
    }
}

/// A copy of endow. Another program makes it: what a thread of the tests starts meanwhile would
/// hold the file open for writing, and it could not be executed.
fn copy_to(path: &std::path::Path) {
    let status = Command::new("cp").args([ENDOW.as_ref(), path]).status();
    assert!(status.expect("cp starts").success());
}

#[test]
fn a_caller_who_is_not_root_can_not_change_the_user() {
    for way in WAYS {
        let manifest = "version: 1\nvalues: { A: a }\n";
        let directory = tempfile::tempdir().expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
        let endow = directory.path().join("endow");
        copy_to(&endow);
        fs::write(directory.path().join("secretfile.yaml"), manifest).expect("a manifest");
        let file = directory.path().join("secretfile.yaml");
        let inner = [
            endow.as_os_str(),
            "--file".as_ref(),
            file.as_os_str(),
            "run".as_ref(),
        ];
        project()
            .flags(["--user", "daemon"])
            .args(["run", "--user", "daemon", "--"])
            .args(inner)
            .args(way)
            .args(["--user", "nobody", "--", "true"])
            .stderr(
                "endow: error: the command can't be started as another user: endow is not root\n",
            )
            .status(125);
    }
}

const REFUSED: &str = "endow: error: the command can't be started as another user: endow is a set-id program, or \
    has capabilities of its own\n";

#[test]
fn a_program_whose_file_has_capabilities_refuses() {
    let test = project();
    let endow = test.path("endow");
    copy_to(&endow);
    // `cap_setuid+ep`, as setcap(8) writes it (linux/capability.h, `vfs_cap_data`).
    let script = "import os, struct, sys; os.setxattr(sys.argv[1], 'security.capability', \
        struct.pack('<5I', 0x02000001, 1 << 7, 0, 0, 0))";
    let set = Command::new(runtime::python())
        .args(["-c", script])
        .arg(&endow)
        .status();
    assert!(set.expect("python starts").success());
    let output = Command::new(endow)
        .args(["run", "--user", "daemon", "--", "true"])
        .current_dir(test.path(""))
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(String::from_utf8_lossy(&output.stderr), REFUSED);
}

#[test]
fn a_set_id_program_refuses() {
    let test = project();
    let endow = test.path("endow");
    copy_to(&endow);
    fs::set_permissions(&endow, fs::Permissions::from_mode(0o4755)).expect("its mode");
    let output = Command::new(endow)
        .args(["run", "--user", "daemon", "--", "true"])
        .current_dir(test.path(""))
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(String::from_utf8_lossy(&output.stderr), REFUSED);
}

#[test]
fn a_colon_without_a_group_means_the_login_group() {
    let plain = project()
        .flags(["--user", "daemon"])
        .shell(SHOW)
        .any_stdout()
        .success();
    let colon = project()
        .flags(["--user", "daemon:"])
        .shell(SHOW)
        .any_stdout()
        .success();
    assert_eq!(
        String::from_utf8_lossy(&plain.stdout),
        String::from_utf8_lossy(&colon.stdout)
    );
    let output = project()
        .flags(["--user", "0:"])
        .shell("id -u; id -g")
        .any_stdout()
        .success();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n0\n");
}

//! Building the image: static endow, a static program, and the example's own files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use crate::harness::{repository, runtime};

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What runc can do everywhere: no new limits, no network, no journal.
const CONFIGURATION: &str = "[containers]\n\
    default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
    netns = \"none\"\n\
    [engine]\n\
    runtime = \"runc\"\n\
    events_logger = \"none\"\n";
pub(super) const NAME: &str = "localhost/chat";
pub(super) const KEY: &str = "key-of-twenty-letters";

/// Where everything of these tests is, in the build directory.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("containers")
        .join(name)
}

/// podman with storage of its own, and the image in it.
#[track_caller]
pub(super) fn podman() -> Command {
    static IMAGE: OnceLock<()> = OnceLock::new();
    IMAGE.get_or_init(build);
    bare()
}

fn bare() -> Command {
    let mut podman = Command::new(runtime::find("podman"));
    podman
        .env("CONTAINERS_CONF", place("containers.conf"))
        .arg("--root")
        .arg(place("storage"))
        .arg("--runroot")
        .arg(place("run"))
        .args(["--storage-driver", "vfs"]);
    podman
}

/// A directory of secrets, to be mounted.
pub(super) fn secrets() -> PathBuf {
    place("secrets")
}

fn build() {
    runtime::find("runc");
    let context = place("context");
    fs::create_dir_all(&context).expect("a directory");
    fs::create_dir_all(secrets()).expect("a directory");
    fs::write(place("containers.conf"), CONFIGURATION).expect("the configuration");
    for (name, value) in [
        ("OPENAI_API_KEY", KEY),
        ("DATABASE_PASSWORD", "of-the-database"),
    ] {
        fs::write(secrets().join(name), value).expect("a secret");
    }
    for name in ["Dockerfile", "secretfile.yaml"] {
        let file = repository().join("examples/container").join(name);
        fs::copy(file, context.join(name)).expect(name);
    }
    fs::copy(endow(), context.join("endow")).expect("endow");
    let rustc = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "-O",
            "-C",
            "target-feature=+crt-static",
            "-o",
        ])
        .arg(context.join("app"))
        .arg(repository().join("tests/programs/app.rs"))
        .output();
    succeed("rustc", &rustc.expect("rustc starts"));
    let built = bare().args(["build", "-t", NAME]).arg(&context).output();
    succeed("podman build", &built.expect("podman starts"));
}

/// A static endow; nothing is done where it is there and new.
fn endow() -> PathBuf {
    let target = place("target");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--locked",
            "--no-default-features",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(repository())
        .output();
    succeed("cargo build", &built.expect("cargo starts"));
    target.join(TARGET).join("debug/endow")
}

#[track_caller]
fn succeed(what: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{what}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

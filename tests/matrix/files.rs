//! Places on this machine: files of both kinds, and the environment.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    os::unix::{ffi::OsStringExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{Family, Fault, Given, NEVER, STARTS, Scene, TIMEOUT};
use crate::harness::Test;

/// More than any of them reads.
const TOO_LARGE: u64 = 65 << 20;

pub(super) const FAMILY: Family = Family {
    title: "Files and the environment",
    backends: &["dotenv", "file", "systemd", "env"],
    faults: &[
        Fault {
            name: "there is none",
            classes: &["absent", "absent", "absent", "absent"],
            arrange: |backend, _| project(backend),
        },
        Fault {
            name: "it may not be read",
            classes: &["denied", "denied", "denied", NEVER],
            arrange: |backend, given| {
                let scene = project(backend);
                let test = scene.test.file_with_mode("place", content(given), 0o000);
                // Root may read everything by a capability, which is taken away.
                let setpriv = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
                let is_root = nix::unistd::geteuid().is_root();
                let words = setpriv.into_iter().filter(|_| is_root);
                Scene::new(test.through(words), scene.culprit)
            },
        },
        Fault {
            name: "it is a directory",
            classes: &["malformed", "malformed", "malformed", NEVER],
            arrange: |backend, _| {
                let scene = project(backend);
                fs::create_dir(scene.test.path("place")).expect("a directory");
                scene
            },
        },
        Fault {
            name: "it is a FIFO that nobody writes",
            classes: &["timed out", "timed out", "timed out", NEVER],
            arrange: |backend, _| fifo(backend).0,
        },
        Fault {
            name: "it is a FIFO whose writer does not end",
            classes: &["timed out", "timed out", "timed out", NEVER],
            arrange: |backend, given| {
                let (scene, path) = fifo(backend);
                let content = content(given);
                // Opening it takes until endow reads, and writing is all that is done with it.
                thread::spawn(move || {
                    let mut file = File::options().write(true).open(path).expect("the FIFO");
                    let _ = file.write_all(content.as_bytes());
                    thread::sleep(super::DEADLINE * 2);
                });
                scene
            },
        },
        Fault {
            name: "it is too large",
            classes: &["malformed", "malformed", "malformed", NEVER],
            arrange: |backend, given| {
                let scene = project(backend);
                let test = scene.test.file("place", content(given));
                let file = File::options().write(true).open(test.path("place"));
                let length = file.expect("the file").set_len(TOO_LARGE);
                length.expect("its length");
                Scene::new(test, scene.culprit)
            },
        },
        Fault {
            name: "it is not in its form",
            classes: &["malformed", "malformed", "malformed", NEVER],
            arrange: |backend, given| {
                let broken = match backend {
                    "dotenv" => format!("A=\"{}\nB=\n", given.value),
                    _ => format!("{{\"a\": \"{}\", oops", given.value),
                };
                let scheme = if backend == "systemd" {
                    "systemd"
                } else {
                    "file"
                };
                let manifest = format!("version: 1\nenv: {{ A: \"{scheme}://place#/a\" }}\n");
                let scene = project(backend);
                let test = scene.test.file("place", broken);
                let test = match backend {
                    "dotenv" => test,
                    _ => test.file("secretfile.yaml", format!("{manifest}{TIMEOUT}")),
                };
                Scene::new(test, scene.culprit)
            },
        },
        Fault {
            name: "its bytes are no UTF-8",
            classes: &[STARTS, STARTS, STARTS, STARTS],
            arrange: |backend, given| {
                let value = [given.value.as_bytes(), b"\xff\xfe"].concat();
                let scene = project(backend);
                let test = match backend {
                    "dotenv" => scene.test.file("place", [b"A=", &value[..]].concat()),
                    "file" | "systemd" => scene.test.file("place", value),
                    _ => scene.test.env("PLACE", OsString::from_vec(value)),
                };
                Scene::new(test, scene.culprit)
            },
        },
    ],
};

/// A project whose `A` stands in `place`, which is not there.
fn project(backend: &str) -> Scene {
    let (place, culprit) = match backend {
        "env" => ("env://PLACE", "PLACE"),
        "file" => ("file://place", "/place"),
        "systemd" => ("systemd://place", "/place"),
        _ => ("dotenv://place", "/place"),
    };
    let manifest = format!("version: 1\nenv: {{ A: \"{place}\" }}\n{TIMEOUT}");
    let test = Test::manifest(&manifest);
    let test = match backend {
        "systemd" => test.env_path("CREDENTIALS_DIRECTORY", ""),
        _ => test,
    };
    Scene::new(test, culprit)
}

fn fifo(backend: &str) -> (Scene, PathBuf) {
    let scene = project(backend);
    let path = scene.test.path("place");
    mkfifo(&path, Mode::S_IRWXU).expect("a FIFO");
    let (watched, opened) = (path.clone(), Arc::new(Mutex::new(None)));
    let kept = Arc::clone(&opened);
    let is_waiting = move || match open(&watched) {
        // It stays open: to close it would be the end that is waited for.
        Some(file) => kept.lock().expect("the FIFO").replace(file).is_none(),
        None => false,
    };
    (scene.waits(is_waiting).keep(opened), path)
}

/// A FIFO that somebody reads; no other can be opened so.
fn open(fifo: &Path) -> Option<File> {
    let mut options = File::options();
    options.write(true).custom_flags(nix::libc::O_NONBLOCK);
    options.open(fifo).ok()
}

/// The value as either kind of file has it.
fn content(given: &Given) -> String {
    format!("A={}\n", given.value)
}

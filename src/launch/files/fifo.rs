//! Where there are no memory files: a FIFO in a directory of mode 0700, served while endow stays.
//!
//! Every reader gets a FIFO of its own, and so the whole value: as soon as one has opened it,
//! another takes its place under the same name. Nothing is stored; what was not read yet is in the
//! kernel's buffer of the pipe.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use endow_providers::Secret;
use nix::{sys::stat::Mode, unistd::mkfifo};

/// Its directory is its user's alone.
pub(super) const SHUT: u32 = 0o700;
/// Who serves it writes to it.
const SERVED: u32 = 0o200;

/// One value, for whoever opens the path.
#[derive(Debug)]
pub(super) struct Fifo {
    path: PathBuf,
    value: Arc<Mutex<Arc<Secret>>>,
}

impl Fifo {
    /// Makes it, and starts the thread that serves it until the process ends.
    pub(super) fn serve(
        path: PathBuf,
        value: &Secret,
        mode: u32,
        owner: Option<u32>,
    ) -> io::Result<Self> {
        make(&path, mode | SERVED, owner)?;
        let value = Arc::new(Mutex::new(Arc::new(Secret::copied_from(value.expose()))));
        let (served, next) = (Arc::clone(&value), path.clone());
        thread::Builder::new()
            .name("endow-fifo".into())
            .spawn(move || {
                // It ends where the directory is gone.
                while let Ok(reader) = OpenOptions::new().write(true).open(&next) {
                    if replace(&next, mode | SERVED, owner).is_err()
                        || give(reader, &served).is_err()
                    {
                        break;
                    }
                }
            })?;
        Ok(Self { path, value })
    }

    /// Its path.
    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// What the next reader gets.
    pub(super) fn set(&self, value: &Secret) {
        let value = Arc::new(Secret::copied_from(value.expose()));
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

/// Writes the value to one reader, who may be slow and may go away.
fn give(mut reader: File, value: &Mutex<Arc<Secret>>) -> io::Result<()> {
    let value = Arc::clone(&value.lock().unwrap_or_else(PoisonError::into_inner));
    let write = move || drop(reader.write_all(value.expose()));
    thread::Builder::new()
        .name("endow-fifo".into())
        .spawn(write)
        .map(drop)
}

fn make(path: &Path, mode: u32, owner: Option<u32>) -> io::Result<()> {
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    owner.map_or(Ok(()), |owner| chown(path, Some(owner), None))
}

/// Puts another into its place, at once.
fn replace(path: &Path, mode: u32, owner: Option<u32>) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    make(Path::new(&new), mode, owner)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::Read,
        os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
        path::PathBuf,
        process::Command,
    };

    use endow_providers::Secret;
    use tempfile::TempDir;

    use super::{Fifo, SHUT};
    use crate::launch::files::directory::{Directory, Holds};

    fn serve(value: &[u8]) -> (TempDir, Directory, Fifo) {
        let root = tempfile::tempdir().expect("a directory");
        let directory = Directory::create(Some(root.path().as_os_str()), Holds::Pipes);
        let directory = directory.expect("a directory of the run");
        let part = directory.part("TOKEN", SHUT, None).expect("its part");
        let fifo = Fifo::serve(part.join("token"), &Secret::copied_from(value), 0o400, None);
        (root, directory, fifo.expect("a FIFO"))
    }

    /// Opens it, and waits until the next reader has another one.
    fn open(fifo: &Fifo) -> File {
        let inode = || fs::metadata(&fifo.path).map(|metadata| metadata.ino()).ok();
        let before = inode();
        let file = File::open(&fifo.path).expect("it opens");
        while inode() == before {
            std::thread::yield_now();
        }
        file
    }

    fn rest(mut file: File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("it is read");
        bytes
    }

    #[test]
    fn every_reader_gets_the_whole_value_one_after_another() {
        for value in [&b"line\nline\0\xff"[..], b"", &vec![b'x'; 200_000]] {
            let (_root, _directory, fifo) = serve(value);
            for _ in 0..3 {
                assert!(rest(open(&fifo)) == value);
            }
        }
    }

    #[test]
    fn readers_at_once_get_the_whole_value_each() {
        let value = vec![b'y'; 200_000];
        let (_root, _directory, fifo) = serve(&value);
        let readers: Vec<File> = (0..8).map(|_| open(&fifo)).collect();
        assert!(readers.into_iter().all(|reader| rest(reader) == value));
    }

    #[test]
    fn a_reader_that_goes_away_early_takes_nothing_from_the_next() {
        let value = vec![b'z'; 200_000];
        let (_root, _directory, fifo) = serve(&value);
        drop(open(&fifo));
        let mut some = [0; 10];
        open(&fifo).read_exact(&mut some).expect("ten bytes");
        assert!(rest(open(&fifo)) == value);
    }

    #[test]
    fn a_program_below_the_child_reads_it() {
        let (_root, _directory, fifo) = serve(b"deep");
        let script =
            "import subprocess, sys\nprint(subprocess.check_output(['cat', sys.argv[1]]).decode())";
        let output = Command::new("python3")
            .args(["-c", script, &fifo.path()])
            .output();
        assert_eq!(output.expect("python3").stdout, b"deep\n");
    }

    #[test]
    fn a_new_value_is_what_the_next_reader_gets() {
        let (_root, _directory, fifo) = serve(b"old");
        let before = open(&fifo);
        fifo.set(&Secret::copied_from(b"new"));
        assert_eq!(rest(open(&fifo)), b"new");
        assert_eq!(rest(before), b"old");
    }

    #[test]
    fn nothing_is_stored_others_are_shut_out_and_it_goes_with_the_run() {
        let (root, directory, fifo) = serve(b"hidden-value");
        drop(open(&fifo));
        let part = fifo
            .path
            .parent()
            .map(PathBuf::from)
            .expect("its directory");
        let mode = |path: &PathBuf| {
            fs::metadata(path)
                .expect("it is there")
                .permissions()
                .mode()
        };
        assert_eq!(mode(&part) & 0o777, 0o700);
        assert_eq!(mode(&fifo.path) & 0o777, 0o600);
        let pipes = fs::read_dir(&part).expect("it is listed");
        for pipe in pipes.map(|entry| entry.expect("an entry")) {
            assert!(pipe.file_type().expect("its type").is_fifo());
        }
        drop(directory);
        let own = fs::read_dir(root.path()).expect("it is listed").next();
        let own = own.expect("the directory of the user").expect("an entry");
        assert_eq!(fs::read_dir(own.path()).expect("it is listed").count(), 0);
    }
}

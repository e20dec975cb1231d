//! Files of every kind, read under a deadline.

use std::{
    env,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{
            fs::{OpenOptionsExt, PermissionsExt},
            net::UnixStream,
        },
    },
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use nix::{errno::Errno, fcntl::OFlag, sys::stat::Mode, unistd::mkfifo};

use super::{
    Content, Failure, MAX_BYTES, failure, fault, read, read_each, read_regular,
    source::{Scope, Source, Waits},
    testing::{Scratch, block_on, plain, text},
};
use crate::Class;

fn soon(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds)
}

fn read_path(path: impl AsRef<Path>) -> Result<Content, Failure> {
    block_on(read(path.as_ref().to_owned(), soon(20_000)))
}

fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    read_path(path)
        .unwrap_or_else(|failure| panic!("{failure:?}"))
        .bytes
        .expose()
        .to_vec()
}

fn failed(path: impl AsRef<Path>) -> Failure {
    read_path(path).err().unwrap()
}

fn fifo(scratch: &Scratch) -> String {
    let path = scratch.path("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    text(&path)
}

#[test]
fn a_regular_file_is_read_whole() {
    let scratch = Scratch::new();
    for size in [0, 1, 8191, 8192, 8193, 100_000] {
        let path = scratch.file("a", vec![7; size]);
        let content = read_path(path).unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(content.bytes.expose(), vec![7; size]);
    }
}

#[test]
fn bytes_of_any_kind_are_kept() {
    let scratch = Scratch::new();
    assert_eq!(bytes(scratch.file("a", b"\0\xff\r\n")), b"\0\xff\r\n");
}

#[test]
fn a_file_that_says_it_is_empty_is_read_to_its_end() {
    let scratch = Scratch::new();
    let path = scratch.file("a", "");
    let source = Source::open(Path::new(&path), soon(1000), Scope::Any).unwrap();
    fs::write(&path, "more than it said").unwrap();
    let content = source.content().unwrap();
    assert_eq!(content.bytes.expose(), b"more than it said");
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_says_of_processes_is_no_file() {
    let path = "/proc/self/cmdline";
    let source = Source::open(Path::new(path), soon(1000), Scope::Any);
    assert!(source.is_err());
}

#[test]
fn a_file_of_the_largest_size_is_read_and_one_byte_more_refused() {
    let scratch = Scratch::new();
    let path = scratch.file("a", vec![0; MAX_BYTES]);
    assert_eq!(bytes(&path).len(), MAX_BYTES);
    let path = scratch.file("a", vec![0; MAX_BYTES + 1]);
    assert_eq!(
        failed(&path),
        fault(Class::Malformed, format!("`{path}` is larger than 16 MiB"))
    );
}

#[test]
fn a_device_is_not_opened() {
    for path in ["/dev/zero", "/dev/null", "/dev/tty"] {
        let message = format!("`{path}` is a device or a terminal, and is not opened");
        let expected = crate::Fault::new(Class::Malformed, message);
        let expected = expected.hinted("a file, a pipe and a FIFO are read");
        assert_eq!(failed(path), Failure::Fault(expected));
    }
}

#[test]
fn a_missing_file_and_a_file_as_directory_are_not_found() {
    let scratch = Scratch::new();
    assert_eq!(failed(scratch.path("none")), Failure::NotFound);
    let file = scratch.file("a", "");
    assert_eq!(failed(format!("{file}/b")), Failure::NotFound);
}

#[test]
fn a_directory_is_malformed() {
    let scratch = Scratch::new();
    let path = scratch.path("d");
    fs::create_dir(&path).unwrap();
    assert_eq!(
        failed(&path),
        fault(
            Class::Malformed,
            format!("`{}` is a directory", text(&path))
        )
    );
}

#[test]
fn errors_of_the_system_become_classes() {
    let of = |errno: Errno| failure(Path::new("/a"), &io::Error::from(errno));
    let denied = Class::Denied { permission: None };
    assert_eq!(
        of(Errno::EACCES),
        fault(denied.clone(), "`/a` may not be read by this user".into())
    );
    assert_eq!(
        of(Errno::EPERM),
        fault(denied, "`/a` may not be read by this user".into())
    );
    let io = fault(
        Class::Unreachable,
        "`/a` could not be read: I/O error".into(),
    );
    assert_eq!(of(Errno::EIO), io);
    assert_eq!(of(Errno::ENOTDIR), Failure::NotFound);
}

#[test]
fn a_path_that_can_not_be_one_is_a_fault_that_names_it() {
    let expected = fault(
        Class::Unreachable,
        "`/a\0b` could not be read: invalid input parameter".into(),
    );
    assert_eq!(failed("/a\0b"), expected);
}

#[test]
fn only_a_regular_file_that_others_may_read_is_marked() {
    let scratch = Scratch::new();
    let path = scratch.file("a", "");
    for (mode, expected) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let content = read_path(&path).unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(content.is_readable_by_others, expected, "{mode:o}");
    }
}

#[test]
fn the_version_stays_while_the_file_does_and_changes_with_a_replacement() {
    let scratch = Scratch::new();
    let path = scratch.file("a", "1");
    let version = |path: &str| {
        read_path(path)
            .unwrap_or_else(|failure| panic!("{failure:?}"))
            .version
            .unwrap()
    };
    let first = version(&path);
    assert_eq!(version(&path), first);
    fs::rename(scratch.file("b", "2"), &path).unwrap();
    assert_ne!(version(&path), first);
}

#[test]
fn a_fifo_is_read_until_its_writer_closes() {
    let scratch = Scratch::new();
    let path = fifo(&scratch);
    let content = read(path.clone().into(), soon(20_000));
    // Opening for writing waits for the reader, and more than a pipe holds waits for its reads.
    let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
    let sent: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    for piece in sent.chunks(70_001) {
        writer.write_all(piece).unwrap();
    }
    drop(writer);
    assert_eq!(
        block_on(content)
            .unwrap_or_else(|failure| panic!("{failure:?}"))
            .bytes
            .expose(),
        sent
    );
}

#[test]
fn a_fifo_whose_writer_left_its_bytes_with_another_reader_ends() {
    let scratch = Scratch::new();
    let path = fifo(&scratch);
    let other = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(&path)
        .unwrap();
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .write_all(b"value")
        .unwrap();
    assert_eq!(bytes(&path), b"value");
    drop(other);
}

#[test]
fn a_fifo_whose_writer_closes_without_a_byte_is_empty() {
    let scratch = Scratch::new();
    let path = fifo(&scratch);
    let content = read(path.clone().into(), soon(20_000));
    drop(OpenOptions::new().write(true).open(&path).unwrap());
    assert_eq!(
        block_on(content)
            .unwrap_or_else(|failure| panic!("{failure:?}"))
            .bytes
            .expose(),
        b""
    );
}

#[test]
fn a_fifo_without_writer_times_out_and_is_named() {
    let scratch = Scratch::new();
    let path = fifo(&scratch);
    let failure = block_on(read(path.clone().into(), soon(50))).err().unwrap();
    assert_eq!(
        failure,
        fault(Class::TimedOut, format!("`{path}` gave nothing in time"))
    );
}

#[test]
fn a_fifo_whose_writer_stays_times_out() {
    let scratch = Scratch::new();
    let path = fifo(&scratch);
    let content = read(path.clone().into(), soon(100));
    let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
    writer.write_all(b"half").unwrap();
    let failure = block_on(content).err().unwrap();
    assert_eq!(
        failure,
        fault(Class::TimedOut, format!("`{path}` did not end in time"))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn waiting_for_a_writer_takes_no_processor_time() {
    let on_processor = || -> u64 {
        let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        statistics.split(' ').next().unwrap().parse().unwrap()
    };
    let scratch = Scratch::new();
    let path = fifo(&scratch);
    let before = on_processor();
    let source = Source::open(Path::new(&path), soon(300), Scope::Any);
    assert!(source.and_then(Source::content).is_err());
    let taken = Duration::from_nanos(on_processor() - before);
    assert!(taken < Duration::from_millis(100), "{taken:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_anonymous_pipe_without_writer_ends_at_once() {
    for sent in [&b""[..], b"value\n"] {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(sent).unwrap();
        drop(writer);
        assert_eq!(bytes(format!("/proc/self/fd/{}", reader.as_raw_fd())), sent);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_anonymous_pipe_is_read_until_its_writer_closes() {
    let (reader, mut writer) = io::pipe().unwrap();
    let content = read(
        format!("/proc/self/fd/{}", reader.as_raw_fd()).into(),
        soon(20_000),
    );
    let sent = vec![9; 300_000];
    writer.write_all(&sent).unwrap();
    drop(writer);
    assert_eq!(
        block_on(content)
            .unwrap_or_else(|failure| panic!("{failure:?}"))
            .bytes
            .expose(),
        sent
    );
}

#[test]
fn standard_input_that_is_a_socket_is_read() {
    const CHILD: &str = "ENDOW_TEST_READS_STANDARD_INPUT";
    if env::var_os(CHILD).is_some() {
        assert_eq!(bytes("/dev/stdin"), b"value");
        return;
    }
    // A socket can't be opened again; the test runs itself with one as its input.
    let (mut here, there) = UnixStream::pair().unwrap();
    here.write_all(b"value").unwrap();
    drop(here);
    let child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "read::tests::standard_input_that_is_a_socket_is_read",
        ])
        .env(CHILD, "")
        .stdin(OwnedFd::from(there))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}

#[test]
fn an_inherited_descriptor_that_blocks_is_read_and_waited_for() {
    let name = Path::new("/dev/stdin");
    let (mut here, there) = UnixStream::pair().unwrap();
    here.write_all(b"value").unwrap();
    let again = there.try_clone().unwrap();
    let source = |stream: UnixStream, deadline| {
        Source::new(
            name,
            OwnedFd::from(stream).into(),
            Some(Waits::Always),
            deadline,
            Scope::Any,
        )
        .and_then(Source::content)
    };
    let failure = source(again, soon(50)).err().unwrap();
    assert_eq!(
        failure,
        fault(Class::TimedOut, "`/dev/stdin` did not end in time".into())
    );
    here.write_all(b"more").unwrap();
    drop(here);
    let content = source(there, soon(20_000)).unwrap_or_else(|failure| panic!("{failure:?}"));
    assert_eq!(content.bytes.expose(), b"more");
}

#[test]
fn each_file_of_a_batch_is_read_once_and_in_order() {
    let scratch = Scratch::new();
    let pipe = fifo(&scratch);
    let file = scratch.file("a", "1");
    let batch = [plain(&pipe), plain(&file), plain(&pipe)];
    let reading = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            OpenOptions::new()
                .write(true)
                .open(pipe)
                .unwrap()
                .write_all(b"once")
                .unwrap();
        }
    });
    let contents = block_on(read_each(&batch, |path| read(path, soon(20_000))));
    reading.join().unwrap();
    let names: Vec<&str> = contents.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [&pipe, &file]);
    let texts: Vec<Vec<u8>> = contents
        .into_iter()
        .map(|(_, content)| {
            content
                .unwrap_or_else(|failure| panic!("{failure:?}"))
                .bytes
                .expose()
                .to_vec()
        })
        .collect();
    assert_eq!(texts, [b"once".to_vec(), b"1".to_vec()]);
}

#[test]
fn a_fifo_is_left_alone_where_only_regular_files_are_read() {
    let scratch = Scratch::new();
    let batch = [plain(&fifo(&scratch))];
    let contents = block_on(read_each(&batch, |path| read_regular(path, soon(20_000))));
    assert_eq!(contents[0].1.as_ref().err(), Some(&Failure::NotRegular));
}

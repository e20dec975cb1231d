//! What redaction costs: a gigabyte through `endow run --redact -- cat` against the same through
//! `cat` alone, and the masker by itself in memory, with 100 secrets and with 1,000.
//!
//! `cargo bench --bench redact`. Both programs run in turn, so a slow moment of the machine hits
//! both; the figure is the ratio of the times, pair by pair.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "shared/project.rs"]
mod project;
#[path = "shared/random.rs"]
mod random;

use std::{
    fmt::Write as _,
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use endow::redact::Masker;

const SECRETS: [usize; 2] = [100, 1000];
const MEBIBYTES: usize = 1024;
const PAIRS: usize = 5;
const PIECE: usize = 64 << 10;

fn main() {
    for secrets in SECRETS {
        let values = random::secrets(secrets);
        in_memory(&values);
        through_the_program(&values);
    }
}

/// Lines of a log, one in a hundred with a secret.
fn text(values: &[(String, String)], size: usize) -> Vec<u8> {
    let mut text = String::with_capacity(size + 200);
    let mut line = 0;
    while text.len() < size {
        let secret = if line % 100 == 0 {
            &values[line / 100 % values.len()].1
        } else {
            "-"
        };
        let _ = writeln!(
            text,
            "2026-01-02T03:04:05.{line:06}Z INFO server: GET /api/v1/items/{line} 200 {secret} \
             user=dana agent=\"Mozilla/5.0 (X11; Linux x86_64)\" took={}us",
            line * 7919 % 10_007
        );
        line += 1;
    }
    text.truncate(size);
    text.into_bytes()
}

fn in_memory(values: &[(String, String)]) {
    let pairs: Vec<(&str, &[u8])> = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let began = Instant::now();
    let (masker, _) = Masker::new(&pairs);
    let masker = masker.expect("something to mask");
    println!(
        "masker of {} secrets made in {:.1} ms",
        values.len(),
        1e3 * began.elapsed().as_secs_f64()
    );
    let text = text(values, 64 << 20);
    let mut best = f64::MAX;
    let mut copied = f64::MAX;
    for _ in 0..PAIRS {
        let mut out = Vec::with_capacity(2 * PIECE);
        let mut stream = masker.stream();
        let began = Instant::now();
        for piece in text.chunks(PIECE) {
            out.clear();
            stream.push(piece, &mut out);
        }
        best = best.min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        for piece in text.chunks(PIECE) {
            out.clear();
            out.extend_from_slice(std::hint::black_box(piece));
        }
        copied = copied.min(began.elapsed().as_secs_f64());
    }
    let rate = |seconds| gigabytes(text.len()) / seconds;
    println!(
        "in memory: {:.2} GB/s masked, {:.2} GB/s copied",
        rate(best),
        rate(copied)
    );
}

fn through_the_program(values: &[(String, String)]) {
    let directory = tempfile::tempdir().expect("a directory");
    project::write(directory.path(), values);
    fs::write(directory.path().join("text"), text(values, 64 << 20)).expect("the text");

    let files = vec!["text"; MEBIBYTES / 64];
    let endow: Vec<&str> = ["run", "--redact", "--", "cat"]
        .into_iter()
        .chain(files.clone())
        .collect();
    let mut ratios: Vec<f64> = Vec::new();
    let (mut best, mut best_of_cat) = (f64::MAX, f64::MAX);
    for _ in 0..PAIRS {
        let cat = seconds(directory.path(), "cat", &files);
        let redacted = seconds(directory.path(), env!("CARGO_BIN_EXE_endow"), &endow);
        ratios.push(redacted / cat);
        best = best.min(redacted);
        best_of_cat = best_of_cat.min(cat);
    }
    ratios.sort_by(f64::total_cmp);
    let rate = |seconds| gigabytes(MEBIBYTES << 20) / seconds;
    println!(
        "{MEBIBYTES} MiB through a pipe, {PAIRS} pairs: {:.2} GB/s redacted, {:.2} GB/s by cat alone; \
         times as long as cat: median {:.2}, least {:.2}, most {:.2}",
        rate(best),
        rate(best_of_cat),
        ratios[PAIRS / 2],
        ratios[0],
        ratios[PAIRS - 1]
    );
}

fn gigabytes(bytes: usize) -> f64 {
    u32::try_from(bytes >> 10).map_or(f64::NAN, f64::from) * 1024.0 / 1e9
}

/// How long a program takes until its output has been read.
fn seconds(directory: &Path, program: &str, arguments: &[&str]) -> f64 {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut output = child.stdout.take().expect("a pipe");
    let mut buffer = vec![0; PIECE];
    while output.read(&mut buffer).expect("its output") > 0 {}
    assert!(child.wait().expect("it ends").success(), "{program}");
    began.elapsed().as_secs_f64()
}

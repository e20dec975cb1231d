//! The program of the container tests, without dependencies, so that it can be static.
//!
//! Says who it is and what it was given. On TERM it ends with 7. With `orphans N` it leaves N
//! grandchildren first, and says how many children of PID 1 are left when none should be.

use std::{
    env, fs,
    process::{self, Command},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

static IS_ENDING: AtomicBool = AtomicBool::new(false);

unsafe extern "C" {
    fn signal(signal: i32, handler: extern "C" fn(i32)) -> usize;
}

extern "C" fn end(_: i32) {
    IS_ENDING.store(true, Ordering::SeqCst);
}

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        // The one in the middle: what it starts is an orphan at once.
        Some("middle") => drop(start(&["leaf"])),
        Some("leaf") => thread::sleep(Duration::from_millis(50)),
        Some("orphans") => orphans(words[1].parse().expect("a number")),
        _ => serve(),
    }
}

fn start(words: &[&str]) -> process::Child {
    let own = env::current_exe().expect("its path");
    Command::new(own).args(words).spawn().expect("it starts")
}

fn orphans(count: usize) {
    for _ in 0..count {
        start(&["middle"]).wait().expect("it ends");
    }
    let end = Instant::now() + Duration::from_secs(20);
    let mut left = children_of_init();
    while left > 0 && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
        left = children_of_init();
    }
    println!("{count} orphans, {left} left");
}

/// Other processes than this one whose parent is PID 1.
fn children_of_init() -> usize {
    let entries = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let own = process::id().to_string();
    stats
        .filter(|stat| !stat.starts_with(&format!("{own} ")))
        .filter(|stat| {
            let (_, rest) = stat.rsplit_once(')').expect("a name");
            rest.split_whitespace().nth(1) == Some("1")
        })
        .count()
}

fn serve() {
    // SAFETY: The handler only stores a flag.
    unsafe { signal(15, end) };
    let status = fs::read_to_string("/proc/self/status").expect("its status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    println!(
        "pid {}, parent {}, user {}, capabilities {}, key {}, level {}",
        process::id(),
        field("PPid:"),
        field("Uid:").split_whitespace().next().unwrap_or_default(),
        field("CapEff:"),
        env::var("OPENAI_API_KEY").map_or(0, |key| key.len()),
        env::var("LOG_LEVEL").unwrap_or_default(),
    );
    println!("root is read-only: {}", fs::write("/written", "").is_err());
    println!("ready");
    while !IS_ENDING.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(10));
    }
    process::exit(7);
}

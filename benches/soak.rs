//! Ten thousand launches with random faults and kills at random moments: nothing is started that
//! must not be, and nothing is left.
//!
//! `cargo bench --bench soak -- 10000`, and with `--seed N` the same launches again. `--endow PATH`
//! takes another binary than the one that was built for it. It runs in namespaces of its own
//! (unshare, of util-linux), where every process, every file below `/tmp` and `/dev/shm` is its own or
//! endow's: what is there at the end was left behind. Ends with 1 where anything was.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[expect(
    dead_code,
    unused_imports,
    reason = "a benchmark uses a part of the tests' harness"
)]
#[path = "../tests"]
mod tests {
    pub(crate) mod harness;
}
#[path = "soak/census.rs"]
mod census;
#[path = "soak/chance.rs"]
mod chance;
#[path = "soak/launch.rs"]
mod launch;
#[path = "soak/plan.rs"]
mod plan;
#[path = "soak/server.rs"]
mod server;
#[path = "soak/state.rs"]
mod state;
#[path = "soak/tally.rs"]
mod tally;
#[path = "soak/world.rs"]
mod world;

use std::{
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use census::Census;
use chance::Chance;
use plan::Plan;
use tally::Tally;
use world::World;

/// Says that the namespaces are there.
const INSIDE: &str = "--inside";
/// Launches between two looks at what is left.
const BATCH: usize = 500;
/// Launches at the same time.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // What cargo adds to every benchmark.
    words.retain(|word| word != "--bench");
    if words.first().is_none_or(|word| word != INSIDE) {
        return enter(&words);
    }
    let mut launches = 1000;
    let mut seed = std::process::id().into();
    let mut endow = PathBuf::from(tests::harness::ENDOW);
    let mut words = words[1..].iter();
    while let Some(word) = words.next() {
        let mut next = || words.next().expect("a word after the option");
        match word.as_str() {
            "--seed" => seed = next().parse().expect("a number"),
            // Launches have another working directory.
            "--endow" => endow = std::path::absolute(next()).expect("a path"),
            number => launches = number.parse().expect("the number of launches"),
        }
    }
    if !endow.is_file() {
        println!(
            "no program {}: the soak has a /tmp of its own",
            endow.display()
        );
        return ExitCode::FAILURE;
    }
    soak(launches, seed, endow)
}

/// Starts this program again, alone among processes and with directories of its own.
fn enter(words: &[String]) -> ExitCode {
    let mut unshare = Command::new(tests::harness::runtime::find("unshare"));
    unshare.args(["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]);
    if !nix::unistd::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    // What starts in the background ignores some signals, and so would every launch.
    let script = "for d in /tmp /dev/shm; do mount -t tmpfs tmpfs $d || exit; done
        exec env --default-signal=HUP,INT,QUIT,TERM \"$@\"";
    let own = std::env::current_exe().expect("the path of this program");
    unshare.args(["--", "sh", "-c", script, "sh"]).arg(own);
    // The seed of one run is known before, so that it can be run again.
    let seed = std::process::id().to_string();
    unshare.args([INSIDE, "--seed", &seed]).args(words);
    let error = unshare.exec();
    println!("unshare: {error}");
    ExitCode::FAILURE
}

fn soak(launches: usize, seed: u64, endow: PathBuf) -> ExitCode {
    println!("{launches} launches, --seed {seed}, {}", endow.display());
    let started = Instant::now();
    let world = World::new(endow);
    let mut tally = Tally::default();
    let mut before: Option<Census> = None;
    for first in (0..launches).step_by(BATCH) {
        let next = AtomicUsize::new(first);
        let end = launches.min(first + BATCH);
        let run = |worker: usize| {
            let mut tally = Tally::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return tally;
                }
                let plan = Plan::new(&mut Chance::new(seed, number), &world, number);
                tally.take(
                    number,
                    &plan,
                    &launch::launch(&world, worker, number, &plan),
                );
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| scope.spawn(move || run(worker)))
                .collect();
            for worker in workers {
                tally.add(worker.join().expect("a worker"));
            }
        });
        let census = Census::after_a_sweep(&world, &mut tally);
        let first_one = before.get_or_insert_with(|| census.clone());
        census.compare(first_one, &mut tally);
        println!("{end} launches after {:.0?}: {census}", started.elapsed());
    }
    tally.leases(&world.server);
    println!("{tally}\nall after {:.0?}", started.elapsed());
    ExitCode::from(u8::from(tally.is_bad()))
}

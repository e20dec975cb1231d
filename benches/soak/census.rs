//! What is there when nothing should be: processes, descriptors, files.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
};

use crate::{launch, plan::Plan, tally::Tally, world::World};

/// How long what was interrupted may take to end: a helper whose endow was killed ends by itself
/// after three seconds.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub(crate) struct Census {
    processes: Vec<String>,
    descriptors: usize,
    /// All files but those of the launches, with their lengths.
    files: BTreeMap<PathBuf, u64>,
    /// Directories of runs on tmpfs.
    runs: usize,
}

impl Census {
    /// Waits until all is quiet, notes what is left, and takes the census after one ordinary run.
    pub(crate) fn after_a_sweep(world: &World, tally: &mut Tally) -> Self {
        let plan = Plan::killed_with_a_file(world);
        let outcome = launch::launch(world, 0, usize::MAX, &plan);
        if let Some(fault) = outcome.fault(&plan) {
            tally.say(format!("the run with a file: {fault}: {outcome:?}"));
        }
        let started = Instant::now();
        let at_once = processes().len();
        while !processes().is_empty() && started.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(20));
        }
        for mark in fs::read_dir(world.path("marks")).expect("marks").flatten() {
            tally.late(&mark.file_name().to_string_lossy());
            let _ = fs::remove_file(mark.path());
        }
        let runs = runs_on_tmpfs();
        tally.left(at_once, started.elapsed(), runs);
        let plan = Plan::ordinary(world);
        let outcome = launch::launch(world, 0, usize::MAX, &plan);
        if let Some(fault) = outcome.fault(&plan) {
            tally.say(format!("the ordinary run: {fault}: {outcome:?}"));
        }
        // Threads of the server end with their connections.
        thread::sleep(Duration::from_millis(200));
        Self {
            processes: processes(),
            descriptors: fs::read_dir("/proc/self/fd").expect("descriptors").count(),
            files: files(world),
            runs: runs_on_tmpfs(),
        }
    }

    /// Tells what is more than it was.
    pub(crate) fn compare(&self, before: &Self, tally: &mut Tally) {
        for process in &self.processes {
            tally.say(format!("a process is left: {process}"));
        }
        if self.descriptors != before.descriptors {
            tally.say(format!(
                "{} descriptors, {} before",
                self.descriptors, before.descriptors
            ));
        }
        for (path, length) in &self.files {
            // The locks of 1Password's approvals, which are documented.
            let is_lock =
                *length == 0 && path.components().any(|part| part.as_os_str() == ".local");
            if !is_lock {
                tally.say(format!(
                    "a file is left: {} ({length} bytes)",
                    path.display()
                ));
            }
        }
        if self.runs > 0 {
            tally.say(format!(
                "{} directories of runs are left on tmpfs",
                self.runs
            ));
        }
    }
}

impl fmt::Display for Census {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "{} processes, {} own descriptors, {} files, {} runs on tmpfs",
            self.processes.len(),
            self.descriptors,
            self.files.len(),
            self.runs
        )
    }
}

/// Every process of this namespace but this one, by its words. What has ended is waited for: the
/// orphans are ours.
fn processes() -> Vec<String> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let words = |number: u32| {
        let words = fs::read_to_string(format!("/proc/{number}/cmdline")).ok()?;
        Some(format!("{number} {}", words.replace('\0', " ")))
    };
    numbers
        .filter(|number| *number != std::process::id())
        .filter_map(words)
        .collect()
}

fn runs_on_tmpfs() -> usize {
    let own = format!("/dev/shm/endow-{}", nix::unistd::geteuid());
    fs::read_dir(own).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .count()
    })
}

/// The files below /tmp and /dev/shm that neither the launches nor the bench have made.
fn files(world: &World) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    collect(Path::new("/tmp"), &mut found);
    collect(Path::new("/dev/shm"), &mut found);
    let ours = ["project", "programs"].map(|name| world.path(name));
    found.retain(|path, _| !ours.iter().any(|directory| path.starts_with(directory)));
    let known = [
        "manifest-",
        "stderr-",
        "good.env",
        "malformed.env",
        "files/",
    ];
    let mut project = BTreeMap::new();
    collect(&ours[0], &mut project);
    project.retain(|path, _| {
        let name = path
            .strip_prefix(&ours[0])
            .expect("below it")
            .to_string_lossy();
        !known.iter().any(|known| name.starts_with(known))
    });
    found.extend(project);
    found
}

fn collect(directory: &Path, into: &mut BTreeMap<PathBuf, u64>) {
    // What ends meanwhile is not left.
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(data) if data.is_dir() => collect(&entry.path(), into),
            Ok(data) => {
                into.insert(entry.path(), data.len());
            }
            Err(_) => {}
        }
    }
}

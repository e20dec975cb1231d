//! The system calls of endow itself: of its threads, and of its children until they are another
//! program.

use std::{collections::BTreeMap, fs, path::Path};

use tempfile::TempDir;

use super::{ENDOW, Test, runtime};

/// The calls of one thread or process, in their order; what it was before it was endow's is cut off.
pub(crate) type Calls = Vec<String>;

/// A test whose endow is traced, and where the traces will be.
#[track_caller]
pub(crate) fn traced(test: Test, calls: &str) -> (Test, TempDir) {
    let directory = tempfile::tempdir().expect("a directory for the traces");
    let test = test
        .through([runtime::find("strace")])
        .through(["-ff", "-qq", "-s", "200", "-e", "signal=none", "-o"])
        .through([directory.path().join("trace")])
        .through([
            "-e",
            &format!("trace={calls},execve,clone,clone3,fork,vfork"),
            "--",
        ]);
    (test, directory)
}

/// What endow called, by process id.
#[track_caller]
pub(crate) fn of_endow(traces: &Path) -> BTreeMap<u32, Calls> {
    let mut all: BTreeMap<u32, Calls> = fs::read_dir(traces)
        .expect("the traces")
        .map(|entry| {
            let path = entry.expect("a trace").path();
            let id = path.extension().and_then(|id| id.to_str()?.parse().ok());
            let text = fs::read(&path).expect("a trace");
            let lines = String::from_utf8_lossy(&text)
                .lines()
                .map(str::to_owned)
                .collect();
            (id.expect("a process id"), lines)
        })
        .collect();
    let start = format!("execve(\"{ENDOW}\"");
    let root = all
        .iter()
        .find(|(_, calls)| calls.iter().any(|call| call.starts_with(&start)));
    let mut waiting = vec![*root.expect("endow was started").0];
    let mut own = BTreeMap::new();
    while let Some(process) = waiting.pop() {
        // One that was killed before its first call left none.
        let calls = all.remove(&process).unwrap_or_default();
        let calls: Calls = until_another_program(calls, &start);
        let made = calls.iter().filter(|call| makes_process(call));
        waiting.extend(made.filter_map(|call| u32::try_from(result(call)?).ok()));
        own.insert(process, calls);
    }
    own
}

fn until_another_program(calls: Calls, start: &str) -> Calls {
    let becomes_another = |call: &String| {
        call.starts_with("execve(") && !call.starts_with(start) && result(call) == Some(0)
    };
    calls
        .into_iter()
        .take_while(|call| !becomes_another(call))
        .collect()
}

/// Whether it is a call by which a process or a thread is made.
pub(crate) fn makes_process(call: &str) -> bool {
    ["clone(", "clone3(", "fork(", "vfork("]
        .iter()
        .any(|name| call.starts_with(name))
}

/// What it returned, where that is no error.
pub(crate) fn result(call: &str) -> Option<i32> {
    let result = call.rsplit_once(" = ")?.1;
    let number = result.split([' ', '<']).next()?;
    number.parse().ok().filter(|number| *number >= 0)
}

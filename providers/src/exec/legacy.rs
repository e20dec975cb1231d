//! Legacy mode: one run of the program an id, several at the same time.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{Program, Said};
use crate::{
    Class, Fault, Limits, Secret, Warning,
    helper::{Cancel, Ended, Status},
};

/// So many programs run at once: enough to hide their waiting, too few to look like an attack.
const MOST_AT_ONCE: usize = 4;

pub(super) fn fetch(
    program: &Program,
    path: &Path,
    ids: &[&str],
    limits: &Limits,
    cancel: &Cancel,
) -> Said {
    let next = AtomicUsize::new(0);
    let ends: Mutex<BTreeMap<&str, Result<Ended, Fault>>> = Mutex::new(BTreeMap::new());
    let ask = || {
        while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ended = program.run(path, Some(id), b"", limits, cancel, &|_| false);
            let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.insert(id, ended);
        }
    };
    thread::scope(|scope| {
        // This thread is one of them: where no other can be started, it does all the work.
        for _ in 1..MOST_AT_ONCE.min(ids.len()) {
            drop(thread::Builder::new().spawn_scoped(scope, ask));
        }
        ask();
    });
    let ends = ends.into_inner().unwrap_or_else(PoisonError::into_inner);
    said(program, ends)
}

fn said(program: &Program, ends: BTreeMap<&str, Result<Ended, Fault>>) -> Said {
    let mut answers: BTreeMap<String, Result<Secret, Fault>> = BTreeMap::new();
    let mut complaints = Vec::new();
    for (id, ended) in ends {
        let answer = ended.map(|ended| {
            complaints.push((id.to_owned(), ended.status, ended.stderr));
            Secret::copied_from(trimmed(&ended.stdout))
        });
        answers.insert(id.to_owned(), answer);
    }
    let mut warnings = Vec::new();
    for (id, status, stderr) in complaints {
        let values = answers.values().filter_map(|answer| answer.as_ref().ok());
        let text = program.shown(&stderr, values);
        if status != Status::Exited(0) {
            let fault = failed(program, status, &text);
            answers.insert(id, Err(fault));
        } else if !text.is_empty() {
            let message = format!("`{}` says: {text}", program.backend);
            let hint = None;
            warnings.push(Warning { message, hint });
        }
    }
    (answers, warnings)
}

fn failed(program: &Program, status: Status, text: &str) -> Fault {
    let name = program.name();
    let how = match status {
        Status::Signalled(signal) => format!("`{name}` was ended by {signal}"),
        Status::Exited(code) => format!("`{name}` ended with status {code}"),
        Status::Enough => format!("`{name}` was not waited for"),
    };
    let says = if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    };
    Fault::new(Class::Unreachable, format!("{how}{says}"))
}

/// Without white space at both ends, as Summon has it: of Unicode, where it is UTF-8.
fn trimmed(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => bytes.trim_ascii(),
    }
}

//! How many round trips to AWS a run waits for: 100 secrets, each response 50 ms late.
//!
//! `tests/servers/install && cargo bench --bench aws`. The figure is a ratio: the wall time of the
//! run, less that of one without AWS, to the latency. It should be about 1: five batches of twenty
//! at once. Without the batch action it should be about 6: that action's refusal, and then a
//! hundred single reads, twenty at a time. What is left over is the SDK, the emulator, which answers
//! in Python, and the machine.

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

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use tests::harness::{
    Test,
    aws::project,
    http::{Request, Response},
    listener::Listener,
};

const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 11;
const SECRETS: usize = 100;

fn main() {
    let mut manifest = "version: 1\nenv:\n".to_owned();
    for number in 0..SECRETS {
        let _ = writeln!(manifest, "  V{number}: aws-sm://bench/{number}#key");
    }
    let bare = Test::new()
        .file_with_mode(
            "secretfile.yaml",
            "version: 1\nfrom: dotenv://.env\nenv: { A: }\n",
            0o644,
        )
        .dotenv("A=a-value\n")
        .run(["true"]);
    println!(
        "{SECRETS} secrets, {} ms of latency, wall time less that without AWS, in round trips, {RUNS} runs:",
        LATENCY.as_millis()
    );
    for (name, has_batch) in [("in batches", true), ("one by one", false)] {
        let server = late(has_batch);
        let test = project(&manifest, &server.url()).run(["true"]);
        let mut trips: Vec<f64> = (0..RUNS)
            .map(|_| {
                let without = wall(&bare);
                let with = wall(&test);
                with.saturating_sub(without).as_secs_f64() / LATENCY.as_secs_f64()
            })
            .collect();
        trips.sort_by(f64::total_cmp);
        println!(
            "  {name}: median {:.2}, from {:.2} to {:.2}; {} requests a run",
            trips[RUNS / 2],
            trips[0],
            trips[RUNS - 1],
            server.requests().len() / RUNS
        );
    }
}

/// Answers every request after the latency, and batches only if it has them.
fn late(has_batch: bool) -> Listener {
    Listener::start(move |request, stream| {
        thread::sleep(LATENCY);
        let response = answer(request, has_batch);
        stream.write_all(&response.to_bytes())?;
        Ok(true)
    })
}

fn answer(request: &Request, has_batch: bool) -> Response {
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let (status, body) = match (body["SecretId"].as_str(), has_batch) {
        (Some(id), _) => (200, secret(id)),
        (None, true) => {
            let ids = body["SecretIdList"].as_array().expect("a list").iter();
            let secrets: Vec<Value> = ids.map(|id| secret(id.as_str().expect("an id"))).collect();
            (200, json!({ "SecretValues": secrets, "Errors": [] }))
        }
        (None, false) => (400, json!({ "__type": "AccessDeniedException" })),
    };
    Response {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

fn secret(name: &str) -> Value {
    json!({
        "ARN": format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf"),
        "Name": name,
        "VersionId": "1",
        "SecretString": json!({ "key": format!("value of {name}") }).to_string(),
    })
}

fn wall(test: &Test) -> Duration {
    let mut command: Command = test.command();
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    assert!(command.status().expect("it starts").success());
    started.elapsed()
}

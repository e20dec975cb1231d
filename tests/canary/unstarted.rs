//! A command that can't be started, with its values at hand.

use std::fs;

use super::{
    TALKATIVE, all,
    place::{self, BACKENDS, Place},
    room::{Allowed, private, traced},
    shared::Shared,
    value::{Canary, Search},
};
use crate::harness::Test;

/// Why it can't be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    NotFound,
    NotExecutable,
    NoInterpreter,
    VariableTooBig,
    EnvironmentTooBig,
    Nul,
}

const OBSTACLES: [(Obstacle, i32, &str); 6] = [
    (Obstacle::NotFound, 127, "was not found"),
    (Obstacle::NotExecutable, 126, "can't be executed"),
    // Only the kernel says so, when the values stand in the environment that it was given.
    (Obstacle::NoInterpreter, 126, "the interpreter"),
    (Obstacle::VariableTooBig, 125, "BIG"),
    (Obstacle::EnvironmentTooBig, 125, "the environment has"),
    (Obstacle::Nul, 125, "NUL"),
];

impl Obstacle {
    /// A manifest with this in its way: 32 bytes each are more than one variable may have, or less
    /// than that, and together more than all may.
    fn add_to(self, manifest: &str) -> String {
        let big = |name: &str, count: usize| {
            let parts = "${PLAIN}".repeat(count);
            format!("  {name}: {{ template: \"{parts}\" }}\n")
        };
        let more = match self {
            Self::VariableTooBig => big("BIG", 5000),
            Self::EnvironmentTooBig => ["B", "C", "D", "E", "F", "G"]
                .map(|name| big(name, 3000))
                .concat(),
            _ => String::new(),
        };
        format!("{manifest}{more}")
    }

    fn command(self) -> &'static str {
        match self {
            Self::NotFound => "./nothing",
            Self::NotExecutable => "./secretfile.yaml",
            _ => "./script",
        }
    }

    fn value(self) -> Canary {
        if self == Self::Nul {
            Canary::nul()
        } else {
            Canary::plain()
        }
    }
}

/// A run that ends before its command.
fn prepared(place: &mut Place, obstacle: Obstacle) -> Test {
    let test = place.take_test();
    let manifest = fs::read_to_string(test.path("secretfile.yaml")).expect("a manifest");
    let test = private(test)
        .file("secretfile.yaml", obstacle.add_to(&manifest))
        .file_with_mode("script", "#!/nonexistent/interpreter\n", 0o755)
        .env("ENDOW_LOG", "trace")
        .args(TALKATIVE)
        .args(["--file", "secretfile.yaml", "run", "--"])
        .args([obstacle.command()]);
    if obstacle == Obstacle::EnvironmentTooBig {
        // A quarter of it is for words and environment.
        test.started_with(&["--limit", "STACK=2000000"])
    } else {
        test
    }
}

fn is_stopped(
    backend: &str,
    (obstacle, status, expected): (Obstacle, i32, &str),
    shared: &Shared,
) -> Vec<String> {
    let mut values = vec![obstacle.value()];
    let mut place = place::arrange(backend, &values, None);
    let ambient = place.ambient.iter().map(|canary| canary.name);
    let in_launcher = values.iter().map(|canary| canary.name);
    let allowed = Allowed {
        child: vec![obstacle.command().to_owned()],
        launcher: in_launcher
            .filter(|_| place.is_environment)
            .chain(ambient)
            .collect(),
        helper: place.helper.clone(),
        ..Allowed::default()
    };
    let evidence = traced(prepared(&mut place, obstacle), None, |_| {});
    let mut wrong = evidence.assert_status(status);
    let report = String::from_utf8_lossy(&evidence.output.stderr);
    if !report.contains(expected) {
        wrong.push(format!("no `{expected}`: {report}"));
    }
    values.extend(place.others());
    wrong.extend(evidence.leaks(&Search::of(&values), &allowed));
    shared.add(values);
    wrong
        .iter()
        .map(|said| format!("{backend}, {obstacle:?}: {said}"))
        .collect()
}

#[test]
fn a_command_that_can_t_be_started_leaves_no_value() {
    let shared = Shared::begin();
    let cases = BACKENDS.iter().flat_map(|backend| {
        let obstacles = OBSTACLES.into_iter();
        let possible =
            obstacles.filter(|obstacle| obstacle.0 != Obstacle::Nul || place::takes_nul(backend));
        possible.map(move |obstacle| (*backend, obstacle))
    });
    all(cases, |(backend, obstacle)| {
        is_stopped(backend, obstacle, &shared)
    });
    shared.end();
}

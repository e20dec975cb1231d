//! What one launch is: its values and their faults, how it is launched, what is killed and when.

use std::{fmt, time::Duration};

use nix::sys::signal::Signal;

use crate::{
    chance::Chance,
    server::{FAULTS, LASTING},
    world::World,
};

/// A backend, and what it does: `good`, or the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) backend: &'static str,
    pub(crate) does: &'static str,
}

/// Whom a signal is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Endow,
    /// Endow, as soon as the command is there.
    EndowLater,
    /// The command, as soon as it is there.
    Command,
}

/// The backends with their faults.
const BACKENDS: [(&str, &[&str]); 8] = [
    ("aws-sm", &FAULTS),
    ("dotenv", &["missing", "no-file", "malformed"]),
    ("env", &["missing"]),
    ("exec", &["fails", "garbage", "hang"]),
    ("file", &["missing", "hang"]),
    ("op", &["fails", "missing", "hang"]),
    ("vault", &FAULTS),
    // A value of Vault with a lease, which a process of endow's keeps.
    ("lease", &["403", "missing"]),
];

/// Ways of a launch: how the first value reaches the command, and flags.
const WAYS: [(&str, &str, &[&str]); 8] = [
    ("exec", "", &[]),
    ("--init", "", &["--init"]),
    ("--redact", "", &["--redact"]),
    ("--watch", "", &["--watch"]),
    ("memory", ", as: file", &[]),
    ("memory --init", ", as: file", &["--init"]),
    ("tmpfs", ", as: { file: tmpfs }", &[]),
    ("tmpfs --redact", ", as: { file: tmpfs }", &["--redact"]),
];

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) places: Vec<Place>,
    pub(crate) way: &'static str,
    pub(crate) flags: &'static [&'static str],
    pub(crate) timeout: Duration,
    pub(crate) kill: Option<(Whom, Signal, Duration)>,
    /// What the command ends with.
    pub(crate) status: i32,
    pub(crate) manifest: String,
}

impl Plan {
    pub(crate) fn new(chance: &mut Chance, world: &World, number: usize) -> Self {
        let is_faulty = chance.percent(40);
        let mut places: Vec<Place> = Vec::new();
        for _ in 0..=chance.below(3) {
            let (backend, faults) = chance.one_of(&BACKENDS);
            // Both are Vault, at one address.
            let is_vault = |name: &str| ["vault", "lease"].contains(&name);
            let is_there = |place: &Place| {
                place.backend == backend || is_vault(place.backend) && is_vault(backend)
            };
            if places.iter().any(is_there) {
                continue;
            }
            let does = if is_faulty && (places.is_empty() || chance.percent(30)) {
                chance.one_of(faults)
            } else {
                "good"
            };
            places.push(Place { backend, does });
        }
        let (way, first, flags) = chance.one_of(&WAYS);
        let lasts = |place: &Place| LASTING.contains(&place.does);
        // Some are given up at the deadline, so that is near; the good are not hurried.
        let timeout = if places.iter().any(lasts) {
            Duration::from_millis(100 + chance.below(300))
        } else {
            Duration::from_secs(20)
        };
        Self {
            manifest: manifest(&places, first, world, number),
            places,
            way,
            flags,
            timeout,
            kill: kill(chance),
            status: i32::try_from(chance.below(100)).expect("a status"),
        }
    }

    /// A launch without faults and kills.
    pub(crate) fn ordinary(world: &World) -> Self {
        Self::fixed(0, None, world)
    }

    /// One that leaves its file on tmpfs.
    pub(crate) fn killed_with_a_file(world: &World) -> Self {
        let kill = (Whom::EndowLater, Signal::SIGKILL, Duration::ZERO);
        Self::fixed(6, Some(kill), world)
    }

    fn fixed(way: usize, kill: Option<(Whom, Signal, Duration)>, world: &World) -> Self {
        let place = Place {
            backend: "file",
            does: "good",
        };
        let (way, first, flags) = WAYS[way];
        let places = vec![place];
        Self {
            manifest: manifest(&places, first, world, 0),
            places,
            way,
            flags,
            timeout: Duration::from_secs(20),
            kill,
            status: 0,
        }
    }

    /// Says in the name of a mark whether it may be there.
    pub(crate) fn expectation(&self) -> &'static str {
        if self.is_good() { "good" } else { "bad" }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.places.iter().all(|place| place.does == "good")
    }

    /// How many processes the command leaves in its group: only who stays with it ends them.
    pub(crate) fn orphans(&self) -> &'static str {
        let is_exec = self.flags.is_empty() && !self.way.starts_with("tmpfs");
        if is_exec { "0" } else { "100" }
    }

    /// Whether the Vault of this launch is one that refuses connections.
    pub(crate) fn refuses(&self, backend: &str) -> bool {
        let refuses = |place: &Place| place.backend == backend && place.does == "refused";
        self.places.iter().any(refuses)
    }

    /// What the program of a backend does.
    pub(crate) fn does(&self, backend: &str) -> &'static str {
        let mut places = self.places.iter();
        let found = places.find(|place| place.backend == backend);
        found.map_or("good", |place| place.does)
    }
}

fn kill(chance: &mut Chance) -> Option<(Whom, Signal, Duration)> {
    let signals = [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGKILL,
    ];
    let whom = match chance.below(10) {
        0..3 => Whom::Endow,
        3 => Whom::EndowLater,
        4 => Whom::Command,
        _ => return None,
    };
    // Most within what a launch takes, some within what a helper or a server takes.
    let longest = if chance.percent(50) { 150_000 } else { 20_000 };
    let after = Duration::from_micros(chance.below(longest));
    Some((whom, chance.one_of(&signals), after))
}

fn manifest(places: &[Place], first: &str, world: &World, launch: usize) -> String {
    let mut text = "version: 1\n".to_owned();
    let does = |backend: &str| {
        let mut places = places.iter();
        places.find(|place| place.backend == backend)
    };
    if let Some(place) = does("exec") {
        let program = world.path(&format!("programs/exec-{}", place.does));
        text += &format!(
            "backends: {{ own: {{ type: exec, command: [{}] }} }}\n",
            program.display()
        );
    }
    text += "env:\n";
    for (number, place) in places.iter().enumerate() {
        let as_file = if number == 0 { first } else { "" };
        let from = reference(*place, launch);
        text += &format!("  V{number}: {{ from: \"{from}\"{as_file} }}\n");
    }
    text
}

fn reference(place: Place, launch: usize) -> String {
    let does = place.does;
    match place.backend {
        "aws-sm" => format!("aws-sm://{does}"),
        "dotenv" if does == "missing" => "dotenv://good.env#MISSING".to_owned(),
        "dotenv" => format!("dotenv://{does}.env#VALUE"),
        "env" => format!("env://SOAK_{}", does.to_uppercase()),
        "exec" => format!("own://{does}"),
        "file" => format!("file://files/{does}"),
        "op" if does == "missing" => "op://AI Team/Chat/none".to_owned(),
        "op" => "op://AI Team/Chat/key".to_owned(),
        // So a lease says whose it is.
        "lease" => format!("vault://database/creds/{does}-{launch}#password"),
        _ => format!("vault://secret/{does}#a"),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.places {
            write!(to, "{} {}, ", place.backend, place.does)?;
        }
        write!(to, "{}", self.way)?;
        if let Some((whom, signal, after)) = self.kill {
            write!(to, ", {signal} to {whom:?} after {after:?}")?;
        }
        Ok(())
    }
}

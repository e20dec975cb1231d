//! Behaviour from outside, with the built binary. One module a noun; the harness is theirs.

mod harness;

mod aws;
// Random values, and a search for them in everything that a run can reach.
mod canary;
mod check;
// endow as PID 1 of real containers.
mod containers;
mod docs;
// What the child is given, byte for byte, and what it is not.
mod environment;
// The examples run as their READMEs say.
mod examples;
// Programs as backends.
mod exec;
mod explain;
mod export;
// Values that reach the child as files.
mod files;
mod hardening;
// Becoming the command: process, words, descriptors, exit statuses.
mod launch;
mod layers;
mod manifests;
// Every backend under every fault, and the page that is made of it.
mod matrix;
// Where values stand in endow's memory.
mod memory;
mod messages;
// 1Password, by its tool and by Connect.
mod op;
mod readme;
// What the command prints, with masks.
mod redact;
mod resolve;
// Node, npm, Python, cargo and a notifying service start unchanged.
mod samples;
mod schema;
// The servers that the tests start.
mod servers;
// Ends, masks and dispositions, late values and deadlines.
mod signals;
// What stock programs do for variables that a found manifest may not set.
mod steering;
// Staying with the child: init, signals, terminal.
mod supervise;
mod trust;
// Whom the command runs as.
mod user;
// Vault and OpenBao, against real servers and one that fails by script.
mod vault;

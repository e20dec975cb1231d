//! Behaviour from outside, with the built binary. One module a noun; the harness is theirs.

mod harness;

mod check;
mod explain;
mod export;
mod messages;
mod readme;
mod resolve;

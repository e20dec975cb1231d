//! The backends of endow.
//!
//! A provider is given a batch of addresses and a deadline and gives one answer an address: a
//! value with its metadata, *absent*, or a fault of a named class. This crate knows nothing of
//! manifests and of the process that is launched; it prints nothing and reads no environment
//! variable: settings and environment are given to it.
//!
//! To add a backend: one file here that holds its [`Kind`], and one line in [`kind::ALL`].

#![forbid(unsafe_code)]

mod address;
mod answer;
mod aws;
mod aws_sm;
mod aws_ssm;
pub mod caught;
mod dotenv;
mod env;
mod exec;
mod file;
pub mod forms;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod helper;
mod http;
mod json;
pub mod kind;
pub mod memory;
mod names;
mod oneshot;
mod op;
mod provider;
mod read;
mod retry;
mod scrub;
mod secret;
mod systemd;
pub mod time;
mod tls;
mod vault;
pub mod waiting;

pub use address::{Address, Field};
pub use answer::{Absence, Answer, Class, Fault, Fetched, Lease, Metadata, Reply, Value, Warning};
pub use dotenv::value as dotenv_value;
pub use helper::{Groups, Helpers};
pub use kind::{Grammar, Kind, Natural, Request, Setting, Shape, Trust};
pub use names::is_name_like;
pub use provider::{Condition, Identity, Limits, Opening, Pending, Provider, Settings};
pub use read::STANDARD_INPUT;
pub use scrub::scrub;
pub use secret::Secret;

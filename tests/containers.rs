//! The image of `examples/container`, run by podman with runc: endow as PID 1.
//!
//! Storage and configuration are the tests' own; no network is used. The program in the image is
//! `tests/programs/app.rs`.

mod image;
mod running;

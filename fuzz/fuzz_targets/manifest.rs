//! Manifests, from their text to a plan.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| endow::fuzzing::manifest(input));

//! References and the places that they name.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| endow::fuzzing::references(input));

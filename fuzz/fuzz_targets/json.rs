//! One field of a JSON document.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| endow_providers::fuzzing::json(input));

//! Templates, and what they make of values.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| endow::fuzzing::templates(input));

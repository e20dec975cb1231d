//! Values in a stream of bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| endow::fuzzing::masker(input));

//! What a program of Summon's stream mode prints.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| endow_providers::fuzzing::summon_stream(input));

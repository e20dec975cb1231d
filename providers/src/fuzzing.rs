//! What must hold for any input of a parser: one property a fuzz target, as a function of bytes.
//!
//! No part of the interface: only tests and the feature `fuzzing` have it. `fuzz/` calls these
//! functions with inputs that it makes up, and the tests with those that it kept.

pub use crate::{
    dotenv::property::dotenv, exec::summon_stream, json::property::json, op::op_frame,
};

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_dotenv_files_keeps_their_property() {
        replay("dotenv", super::dotenv);
    }

    #[test]
    fn the_corpus_of_json_fields_keeps_their_property() {
        replay("json", super::json);
    }

    #[test]
    fn the_corpus_of_op_frames_keeps_their_property() {
        replay("op_frame", super::op_frame);
    }

    #[test]
    fn the_corpus_of_summon_streams_keeps_their_property() {
        replay("summon_stream", super::summon_stream);
    }
}

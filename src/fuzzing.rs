//! What must hold for any input of a parser: one property a fuzz target, as a function of bytes.
//!
//! No part of the interface: only tests and the feature `fuzzing` have it. `fuzz/` calls these
//! functions with inputs that it makes up, and the tests with those that it kept.

pub use crate::{
    manifest::{property::manifest, reference::property::references},
    redact::property::masker,
    resolve::templates,
};

#[cfg(test)]
#[path = "../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::{inputs, replay};
    use crate::manifest::credential;

    #[test]
    fn no_input_that_is_kept_looks_like_a_credential() {
        let own = ["manifest", "masker", "references", "templates"];
        let of_providers = ["dotenv", "json", "op_frame", "summon_stream"];
        for (path, input) in own.into_iter().chain(of_providers).flat_map(inputs) {
            let issuer = credential::issuer(&String::from_utf8_lossy(&input));
            assert_eq!(issuer, None, "{}", path.display());
        }
    }

    #[test]
    fn the_corpus_of_manifests_keeps_their_property() {
        replay("manifest", super::manifest);
    }

    #[test]
    fn the_corpus_of_the_masker_keeps_its_property() {
        replay("masker", super::masker);
    }

    #[test]
    fn the_corpus_of_references_keeps_their_property() {
        replay("references", super::references);
    }

    #[test]
    fn the_corpus_of_templates_keeps_their_property() {
        replay("templates", super::templates);
    }
}

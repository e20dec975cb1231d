//! `-e`: one more variable of the caller, or one that is set.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use crate::{environment::Extra, error::Error, manifest::is_name, plan::Plan};

/// The words of `-e`.
pub(super) struct Extras {
    /// Passed on from the caller.
    pub(super) passed: Vec<OsString>,
    /// Set here.
    pub(super) set: Vec<Extra>,
    /// Which manifest and profile were chosen, for an endow that the command starts.
    pub(super) chosen: Vec<Extra>,
}

impl Extras {
    pub(super) fn parse(words: &[OsString]) -> Result<Self, Error> {
        let mut extras = Self {
            passed: Vec::new(),
            set: Vec::new(),
            chosen: Vec::new(),
        };
        for word in words {
            let bytes = word.as_bytes();
            let equals = bytes.iter().position(|byte| *byte == b'=');
            let name = &bytes[..equals.unwrap_or(bytes.len())];
            if name.is_empty() {
                return Err(Error::Usage {
                    message: "-e with an empty name".to_owned(),
                    hints: vec!["write `-e NAME` or `-e NAME=VALUE`".to_owned()],
                });
            }
            let name = OsStr::from_bytes(name).to_owned();
            match equals {
                Some(at) => extras
                    .set
                    .push((name, OsString::from_vec(bytes[at + 1..].to_vec()))),
                None => extras.passed.push(name),
            }
        }
        Ok(extras)
    }

    pub(super) fn refuse_declared(&self, plan: &Plan<'_>) -> Result<(), Error> {
        let names = self
            .passed
            .iter()
            .chain(self.set.iter().map(|(name, _)| name));
        for name in names.filter_map(|name| name.to_str()) {
            if is_name(name) && plan.variables.contains_key(name) {
                return Err(Error::Usage {
                    message: format!("-e {name}: the manifest declares it"),
                    hints: vec![
                        "its value comes from its place; another profile can say another place"
                            .to_owned(),
                    ],
                });
            }
        }
        Ok(())
    }
}

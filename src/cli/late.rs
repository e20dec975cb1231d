//! Of an option that stands twice the last one counts, also where the first can't be read.

use std::{ffi::OsStr, sync::Arc};

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, TypedValueParser},
};

/// A value of an option, or why its text is none: which of several counts is known at the end.
#[derive(Clone, Debug)]
pub struct Late<T>(Result<T, Arc<Error>>);

impl<T: Copy> Late<T> {
    /// The value; [`Self::misread`] was asked before.
    pub fn value(&self) -> Option<T> {
        self.0.as_ref().ok().copied()
    }

    /// What is wrong with the option that counts.
    pub fn misread(&self) -> Option<&Error> {
        self.0.as_ref().err().map(AsRef::as_ref)
    }
}

/// Reads as another parser does, and leaves its complaints for later.
#[derive(Clone, Debug)]
pub struct LateParser<P>(pub P);

impl<P: TypedValueParser> TypedValueParser for LateParser<P> {
    type Value = Late<P::Value>;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, Error> {
        let parsed = self.0.parse_ref(command, argument, value);
        Ok(Late(parsed.map_err(Arc::new)))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

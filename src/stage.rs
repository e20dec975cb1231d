//! The ends of the stages, at each of which a build for tests can be made to panic.
//!
//! It is how the tests see that a panic shows no value and leaves no core file, wherever it comes.
//! Nothing of it is in a release: without debug assertions there is no variable, and no code.

/// A stage has ended. A debug build panics here where `ENDOW_PANIC_AT` is `STAGE:TEXT`, with that text.
#[cfg(debug_assertions)]
#[track_caller]
pub(crate) fn reached(stage: &str) {
    let asked = std::env::var("ENDOW_PANIC_AT").unwrap_or_default();
    if let Some((at, text)) = asked.split_once(':')
        && at == stage
    {
        panic!("{text}");
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub(crate) const fn reached(_: &str) {}

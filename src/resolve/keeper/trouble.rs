//! A backend at which looking fails: said once when it lasts, and once when it is over.

use std::collections::BTreeSet;

use endow_providers::{Class, Warning};

use super::{Unread, held::shown};

/// Signing in anew is tried again after as many looks more, at most.
const MOST_LOOKS: u32 = 64;

/// How looking at one backend has failed until now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    looks: u32,
    /// The look at which signing in anew is tried.
    signs_in_at: u32,
    is_said: bool,
}

impl Trouble {
    /// The first look that fails.
    pub(super) fn new() -> Self {
        Self {
            looks: 0,
            signs_in_at: 0,
            is_said: false,
        }
    }

    /// Whether signing in anew is due. Each time it is twice as long until the next: what a policy
    /// does not allow would cost the server a token a look.
    pub(super) fn signs_in(&mut self) -> bool {
        let is_due = self.looks >= self.signs_in_at;
        if is_due {
            let delay = self.looks.clamp(1, MOST_LOOKS);
            self.signs_in_at = self.looks.saturating_add(delay);
        }
        is_due
    }

    /// One more look has failed. What can pass by itself was tried again until the deadline of the
    /// look, so it has lasted.
    pub(super) fn failed(&mut self, unread: &Unread, names: &BTreeSet<String>) -> Option<Warning> {
        self.looks = self.looks.saturating_add(1);
        if std::mem::replace(&mut self.is_said, true) {
            return None;
        }
        let class = unread.class.as_ref().map_or("absent", Class::name);
        Some(Warning {
            message: format!(
                "{} can't be watched: {class}: {}",
                shown(names),
                unread.reason
            ),
            hint: Some(
                "the command goes on with what it was given, and endow goes on looking".to_owned(),
            ),
        })
    }

    /// Looking succeeds again.
    pub(super) fn is_over(self, names: &BTreeSet<String>) -> Option<Warning> {
        self.is_said.then(|| Warning {
            message: format!("{} can be watched again", shown(names)),
            hint: None,
        })
    }
}

/// Whether a failure can be one of the sign-in.
pub(super) fn is_refusal(unread: &Unread) -> bool {
    matches!(
        unread.class,
        Some(Class::Denied { .. } | Class::Unauthenticated)
    )
}

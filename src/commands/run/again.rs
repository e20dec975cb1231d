//! What the command is started again with, after a value changed.

use std::{collections::BTreeMap, ffi::OsString};

use endow_providers::{Secret, Warning};

use super::{deliver, extras::Extras, masks::Masks};
use crate::{
    launch::{Program, check_size, supervise::Next},
    plan::Plan,
    session::Context,
    sys::user::Account,
};

/// All that the command was made of but its values.
pub(super) struct Again<'r, 'p, 'm> {
    pub(super) program: &'r Program,
    pub(super) command: &'r [OsString],
    pub(super) plan: &'p Plan<'m>,
    pub(super) extra: &'r Extras,
    pub(super) user: Option<&'r Account>,
    pub(super) masks: &'r Masks<'p, 'm>,
    pub(super) context: &'r Context,
}

impl<'r> Again<'r, '_, '_> {
    /// The same command with these values; a warning where that can't be.
    pub(super) fn next(&self, values: BTreeMap<String, Option<Secret>>) -> Option<Next<'r>> {
        let masker = self.masks.masker(&values, None);
        let delivered = deliver(self.plan, values, self.extra, self.user, self.context);
        // While the command still runs: only the kernel would say so when it has ended.
        let fits = delivered.and_then(|(environment, files)| {
            check_size(self.program, self.command, &environment)?;
            Ok((environment, files))
        });
        match fits {
            Ok((environment, files)) => Some(Next {
                environment,
                files,
                masker,
            }),
            Err(error) => {
                let reason = error.message().text;
                self.warn(format!("the command is not started again: {reason}"));
                None
            }
        }
    }

    /// Somebody ended the process that keeps leases and watches.
    pub(super) fn is_gone(&self) {
        self.warn("what keeps the values has ended: nothing is renewed or watched any more".into());
    }

    fn warn(&self, message: String) {
        let hint = None;
        self.context.ui.warnings(&[Warning { message, hint }]);
    }
}

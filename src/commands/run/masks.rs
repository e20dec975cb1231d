//! Which values are masked in the command's output.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
};

use endow_providers::{Secret, Warning};

use crate::{
    plan::{Plan, Planned, Source},
    redact::{LOOKED_FOR, Masker, Unmasked, Why},
    ui::Ui,
};

type Values = BTreeMap<String, Option<Secret>>;

/// The masks of a run: those that it begins with, and others after a value changed.
pub(super) struct Masks<'p, 'm> {
    plan: &'p Plan<'m>,
    is_wanted: bool,
    first: OnceCell<Box<Link>>,
    /// Every value so far: what is still on its way was written with the ones before.
    known: RefCell<Vec<(String, Secret)>>,
}

/// A masker, and the one after it: those before are still in use.
struct Link {
    masker: Option<Masker>,
    next: OnceCell<Box<Link>>,
}

impl<'p, 'm> Masks<'p, 'm> {
    pub(super) fn new(plan: &'p Plan<'m>, is_wanted: bool) -> Self {
        Self {
            plan,
            is_wanted,
            first: OnceCell::new(),
            known: RefCell::default(),
        }
    }

    /// The masks of these values and of all before them. `ui` is warned of the values that none
    /// can find. Parts of templates are secrets too, exported or not.
    pub(super) fn masker(&self, values: &Values, ui: Option<Ui>) -> Option<&Masker> {
        if !self.is_wanted {
            return None;
        }
        let mut known = self.known.borrow_mut();
        for (name, planned) in self.plan.selected() {
            if let Some(Some(value)) = values.get(name)
                && is_secret(self.plan, planned, value.expose())
            {
                known.push((name.to_owned(), Secret::copied_from(value.expose())));
            }
        }
        let secrets = known.iter();
        let secrets = secrets.map(|(name, value)| (name.as_str(), value.expose()));
        let (masker, unmasked) = Masker::new(&secrets.collect::<Vec<_>>());
        if let Some(ui) = ui {
            ui.warnings(&unmasked.iter().map(warning).collect::<Vec<_>>());
        }
        let mut end = &self.first;
        while let Some(link) = end.get() {
            end = &link.next;
        }
        let next = OnceCell::new();
        let link = end.get_or_init(|| Box::new(Link { masker, next }));
        link.masker.as_ref()
    }
}

fn warning(Unmasked { name, why }: &Unmasked) -> Warning {
    let message = match why {
        Why::TooShort => format!("`{name}` is not masked: its value is too short"),
        Why::TooPlain => format!(
            "`{name}` is not masked: its value is a word or a number that stands in any text"
        ),
        Why::OnlyItsHead => format!(
            "`{name}` is masked by its first {} KiB: a part of its value without them is printed",
            LOOKED_FOR >> 10
        ),
    };
    Warning {
        message,
        hint: None,
    }
}

/// What stands in the manifest is none: a plain value, a default, a template of such.
fn is_secret(plan: &Plan<'_>, planned: &Planned<'_>, value: &[u8]) -> bool {
    let default = planned.variable.entry.default.as_ref();
    if default.is_some_and(|default| default.value.as_bytes() == value) {
        return false;
    }
    match &planned.source {
        Source::Value(_) => false,
        Source::Places(_) => true,
        // A part that was absent is in no value; cycles were refused before.
        Source::Template(template) => template.variables().any(|part| {
            let part = plan.variables.get(part);
            part.is_some_and(|part| is_secret(plan, part, b""))
        }),
    }
}

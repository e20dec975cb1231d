//! All references of a batch in one template for `op inject`, and its output taken apart again.
//!
//! Each value stands between a mark of its own before and one behind it. The marks hold 128 random
//! bits, so no value can have them, and are printable, because `op` drops control characters. What
//! comes out must be exactly the marks in their order with values between them; nothing is
//! trimmed.

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod property;

use super::Reference;
use crate::{Class, Fault, Secret};

/// One batch's marks.
pub(super) struct Frame(String);

impl Frame {
    pub(super) fn new() -> Result<Self, Fault> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            let message = format!("the system gives no random bytes: {error}");
            Fault::new(Class::Unreachable, message)
        })?;
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("endow_{digits}")))
    }

    fn before(&self, at: usize) -> String {
        format!("{}_{at}_begins_", self.0)
    }

    fn behind(&self, at: usize) -> String {
        format!("_{at}_ends_{}\n", self.0)
    }

    /// What `op inject` reads.
    pub(super) fn template(&self, references: &[&Reference]) -> String {
        let lines = references.iter().enumerate().map(|(at, reference)| {
            let (before, behind) = (self.before(at), self.behind(at));
            format!("{before}{{{{ {} }}}}{behind}", reference.text)
        });
        lines.collect()
    }

    /// The values in what it printed, or `None` where that is anything else.
    pub(super) fn values(&self, output: &[u8], count: usize) -> Option<Vec<Secret>> {
        let mut rest = output;
        let mut values = Vec::with_capacity(count);
        for at in 0..count {
            rest = rest.strip_prefix(self.before(at).as_bytes())?;
            let behind = self.behind(at);
            let end = find(rest, behind.as_bytes())?;
            let value = &rest[..end];
            // A second mark in it would be another value's.
            if find(value, self.0.as_bytes()).is_some() {
                return None;
            }
            values.push(Secret::copied_from(value));
            rest = &rest[end + behind.len()..];
        }
        // Exactly one newline is added to the text, which has one at its end already.
        matches!(rest, b"" | b"\n").then_some(values)
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::Frame;
    use crate::{op::Reference, read::testing::plain};

    /// What `op` makes of a template: each reference by its value, and one newline.
    fn injected(frame: &Frame, values: &[&str]) -> String {
        let names: Vec<String> = (0..values.len()).map(|at| format!("v/i/f{at}")).collect();
        let references: Vec<Reference> = names
            .iter()
            .map(|name| Reference::of(&plain(name)))
            .collect();
        let mut text = frame.template(&references.iter().collect::<Vec<_>>());
        for (name, value) in names.iter().zip(values) {
            text = text.replacen(&format!("{{{{ op://{name} }}}}"), value, 1);
        }
        text + "\n"
    }

    #[test]
    fn every_value_comes_back_byte_for_byte() {
        let frame = Frame::new().unwrap();
        let values = [
            "plain",
            "",
            "two\nlines\n",
            "\n",
            "  blanks  ",
            "{{ op://v/i/f0 }}",
            "op://v/i/f1",
            "\"quotes' \\ $HOME `x`",
            "endow_0_begins__0_ends_",
            "\u{2014} \u{1f511}",
        ];
        let output = injected(&frame, &values);
        let found = frame.values(output.as_bytes(), values.len()).unwrap();
        let found: Vec<&[u8]> = found.iter().map(crate::Secret::expose).collect();
        assert_eq!(found, values.map(str::as_bytes));
    }

    #[test]
    fn marks_are_new_each_time_and_printable() {
        let (one, other) = (Frame::new().unwrap(), Frame::new().unwrap());
        assert_ne!(one.0, other.0);
        assert!(one.before(0).bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn anything_but_the_marks_in_their_order_is_refused() {
        let frame = Frame::new().unwrap();
        let good = injected(&frame, &["a", "b"]);
        assert!(frame.values(good.as_bytes(), 2).is_some());
        let lines: Vec<&str> = good.lines().collect();
        for bad in [
            String::new(),
            format!("x{good}"),
            format!("{good}x"),
            format!("{good}\n"),
            format!("{}\n{}\n", lines[1], lines[0]),
            format!("{}\n", lines[0]),
            good.replace("_0_ends_", "_1_ends_"),
            good.replace('a', &frame.before(1)),
        ] {
            assert!(frame.values(bad.as_bytes(), 2).is_none(), "{bad}");
        }
    }
}

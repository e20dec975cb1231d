//! What must hold for any output of `op inject`: values come back byte for byte, or not at all.

use super::{super::Reference, Frame};
use crate::{Address, Secret};

/// Marks that an input can have.
const DIGITS: &str = "endow_00000000000000000000000000000000";

/// So many places of an output it is cut at.
const MOST_CUTS: usize = 30;

/// Values with a NUL between them; and the same bytes as an output.
///
/// # Panics
///
/// Where it does not hold.
pub fn op_frame(input: &[u8]) {
    let frame = Frame(DIGITS.to_owned());
    let values: Vec<&[u8]> = input.split(|byte| *byte == 0).collect();
    comes_back(&frame, &values);
    comes_back(&frame, &[input]);
    for count in 0..4 {
        if let Some(found) = frame.values(input, count) {
            let found: Vec<&[u8]> = found.iter().map(Secret::expose).collect();
            let whole = printed(&frame, &found);
            let is_all = input == whole || whole.strip_suffix(b"\n") == Some(input);
            assert!(is_all, "a value that is a part of something");
        }
    }
}

fn comes_back(frame: &Frame, values: &[&[u8]]) {
    let output = printed(frame, values);
    let found = frame.values(&output, values.len());
    // A value can't know the marks; one that did would be refused.
    let is_forged = values.iter().any(|value| has(value, DIGITS.as_bytes()));
    assert_eq!(found.is_none(), is_forged, "whether it is taken");
    if let Some(found) = found {
        let found: Vec<&[u8]> = found.iter().map(Secret::expose).collect();
        assert_eq!(found, values, "byte for byte");
    }
    if is_forged {
        return;
    }
    // The last byte is the newline that `op` adds.
    let end = output.len() - 1;
    let step = end.div_ceil(MOST_CUTS).max(1);
    for cut in (0..end).rev().step_by(step) {
        let taken = frame.values(&output[..cut], values.len());
        assert!(taken.is_none(), "cut at {cut} of {end}");
    }
    for count in [values.len() - 1, values.len() + 1] {
        let taken = frame.values(&output, count);
        assert!(taken.is_none(), "{count} of {}", values.len());
    }
}

/// What `op` makes of the template: each reference by its value, and one newline.
fn printed(frame: &Frame, values: &[&[u8]]) -> Vec<u8> {
    let names = (0..values.len()).map(|at| Address {
        locator: format!("v/i/f{at}"),
        field: None,
        options: Vec::new(),
    });
    let references: Vec<Reference> = names.map(|name| Reference::of(&name)).collect();
    let template = frame.template(&references.iter().collect::<Vec<_>>());
    let (mut rest, mut output) = (template.as_str(), Vec::new());
    for (reference, value) in references.iter().zip(values) {
        let place = format!("{{{{ {} }}}}", reference.text);
        let (before, behind) = rest
            .split_once(&place)
            .expect("every reference has a place");
        output.extend_from_slice(before.as_bytes());
        output.extend_from_slice(value);
        rest = behind;
    }
    output.extend_from_slice(rest.as_bytes());
    output.push(b'\n');
    output
}

fn has(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

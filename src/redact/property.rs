//! What must hold for any values in any text, cut anywhere: the whole text, place by place.

use zeroize::Zeroizing;

use endow_providers::forms::{Form, Search, View};

use super::{Masker, SHORT, Stream};

/// So much is looked at: the reference has time for no more.
const MOST_TEXT: usize = 1024;
const MOST_FORMS: usize = 8;

/// Lines, an empty one, and a text: the lines are what is masked, once as they are, once as
/// values with all their encodings.
///
/// # Panics
///
/// Where it does not hold.
pub fn masker(input: &[u8]) {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let Some(end) = end else { return };
    let text = &input[end + 2..];
    let text = &text[..text.len().min(MOST_TEXT)];
    let lines = || input[..end].split(|byte| *byte == b'\n').take(MOST_FORMS);
    let mut kept: Vec<(Form, String)> = Vec::new();
    for (number, line) in lines().enumerate().filter(|(_, line)| line.len() >= 3) {
        for search in [Search::Plain, Search::Joined] {
            let bytes = Zeroizing::new(line.to_vec());
            let form = Form {
                bytes,
                search,
                is_encoded: false,
            };
            kept.push((form, format!("[{number}]")));
        }
    }
    if let Some(masker) = Masker::of_forms(kept) {
        holds(&masker, text, input);
    }
    let names: Vec<String> = (0..MOST_FORMS).map(|number| number.to_string()).collect();
    let values: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(lines()).collect();
    let (masker, unmasked) = Masker::new(&values);
    let Some(masker) = masker else { return };
    holds(&masker, text, input);
    for (name, value) in values {
        if unmasked.iter().all(|unmasked| unmasked.name != name) {
            hides(&masker, name, value, text);
        }
    }
}

/// Any pieces give what the whole text gives.
fn holds(masker: &Masker, text: &[u8], seed: &[u8]) {
    let expected = reference(masker, text);
    let all = [usize::MAX];
    let ones = [1];
    // Pieces of a few lengths in turn, from the input itself.
    let some: Vec<usize> = seed
        .iter()
        .take(24)
        .map(|byte| 1 + usize::from(byte % 19))
        .collect();
    for lengths in [&all[..], &ones, &some] {
        let mut out = Vec::new();
        let mut stream = masker.stream();
        feed(
            &mut stream,
            text,
            lengths,
            |stream, out| {
                assert!(
                    stream.held.len() <= masker.most_held(),
                    "more is held than a form"
                );
                assert!(!out.is_empty() || !stream.held.is_empty(), "bytes are lost");
            },
            &mut out,
        );
        stream.finish(&mut out);
        assert_eq!(out, expected, "in pieces of {lengths:?}");
    }
    releases(masker, text, &some, &expected);
}

/// What is released early is short, and nothing else changes.
fn releases(masker: &Masker, text: &[u8], lengths: &[usize], expected: &[u8]) {
    let (mut out, mut count) = (Vec::new(), 0);
    let mut stream = masker.stream();
    feed(
        &mut stream,
        text,
        lengths,
        |stream, out| {
            let before = out.len();
            stream.release(out);
            assert!(out.len() - before < SHORT, "too much is released");
            count += usize::from(out.len() > before);
        },
        &mut out,
    );
    stream.finish(&mut out);
    let mut rest = out.iter();
    assert!(
        expected.iter().all(|byte| rest.any(|other| other == byte)),
        "a byte is lost"
    );
    assert!(
        out.len() - expected.len() < 1 + SHORT * count,
        "more is shown than was released"
    );
}

fn feed<'m>(
    stream: &mut Stream<'m>,
    text: &[u8],
    lengths: &[usize],
    mut then: impl FnMut(&mut Stream<'m>, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let mut rest = text;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        stream.push(piece, out);
        then(stream, out);
        rest = after;
    }
}

/// The simplest masker there can be. Place by place, view by view, form by form: of each place the
/// longest.
pub(super) fn reference(masker: &Masker, text: &[u8]) -> Vec<u8> {
    let mut views = Vec::new();
    for view in View::levels(text, true) {
        if let Some(joined) = &masker.joined {
            let without = view.without_breaks(&mut Vec::new());
            // Without breaks it is the view itself, which is not there twice.
            views.push((joined, without.or_else(|| Some(view.same()))));
        }
        if let Some(digits) = &masker.digits {
            views.push((digits, view.digits()));
        }
        if let Some(plain) = &masker.plain {
            views.push((plain, Some(view)));
        }
    }
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let mut best: Option<(usize, &str)> = None;
        for (finder, view) in &views {
            let Some(view) = view else { continue };
            let bytes = view.bytes();
            let mut index = view.first(at);
            while index < bytes.len() && view.start(index) == at {
                for (form, mask) in finder.forms.iter().zip(&finder.masks) {
                    if bytes[index..].starts_with(form) {
                        let end = view.source(index..index + form.len()).end;
                        if best.is_none_or(|(longest, _)| end > longest) {
                            best = Some((end, mask));
                        }
                    }
                }
                index += 1;
            }
        }
        if let Some((end, mask)) = best {
            out.extend_from_slice(mask.as_bytes());
            at = end;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// The value in a text of other characters, as it is and encoded by someone else.
fn hides(masker: &Masker, name: &str, value: &[u8], text: &[u8]) {
    use std::fmt::Write;
    let mut hex = String::new();
    for byte in value {
        _ = write!(hex, "{byte:02x}");
    }
    let mut written = vec![
        value.to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into(),
    ];
    // Escapes of its own are decoded with those around them: such a value is known as it is.
    let has_escapes = value.iter().any(|byte| b"%&\\\x1b".contains(byte));
    if let Ok(text) = std::str::from_utf8(value)
        && !has_escapes
    {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        written.push(quoted.as_bytes()[1..quoted.len() - 1].to_vec());
    }
    for form in written {
        // A form too plain to be masked is one too plain to say anything.
        if super::plain::why_unmasked(&form).is_some() {
            continue;
        }
        let around = [b"\n", &form[..], b"\n"].concat();
        let mut out = Vec::new();
        let mut stream = masker.stream();
        stream.push(&around, &mut out);
        stream.finish(&mut out);
        let is_there = out.windows(form.len()).any(|window| window == form);
        // Another value's name can be in its place, and a name can be a value.
        assert!(
            !is_there || name.as_bytes().windows(form.len()).any(|w| w == form),
            "{:?} in {:?}, of {} bytes",
            String::from_utf8_lossy(&form),
            String::from_utf8_lossy(&out),
            text.len()
        );
    }
}

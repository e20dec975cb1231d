//! Taking values out of texts that others wrote: what a program says on its standard error.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// What stands in the place of a value.
const MASK: &str = "***";
/// Shorter values are taken out only where they stand as words: they are in any text by chance.
const SHORT: usize = 4;

/// The text without the values, as they are, line by line, and in the encodings in which programs
/// print them.
pub fn scrub<'a>(text: &str, values: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut forms: Vec<Zeroizing<String>> = Vec::new();
    for value in values {
        forms.extend(forms_of(value));
    }
    // The longest first, so that a value which is a part of another leaves none of it behind.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.iter().fold(text.to_owned(), |text, form| {
        if form.len() < SHORT {
            without_word(&text, form)
        } else {
            text.replace(form.as_str(), MASK)
        }
    })
}

fn forms_of(value: &[u8]) -> Vec<Zeroizing<String>> {
    let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
    let mut forms = Vec::new();
    if value.len() >= SHORT {
        forms.push(Zeroizing::new(STANDARD.encode(value)));
        let hex = value.iter().map(|byte| format!("{byte:02x}"));
        forms.push(Zeroizing::new(hex.collect()));
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    forms.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
    forms.push(text);
    forms.retain(|form| !form.trim().is_empty());
    forms
}

fn without_word(text: &str, word: &str) -> String {
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let after = &rest[at + word.len()..];
        let before = rest[..at]
            .chars()
            .next_back()
            .or(result.chars().next_back());
        result.push_str(&rest[..at]);
        let stands_alone = !is_part(before) && !is_part(after.chars().next());
        result.push_str(if stands_alone { MASK } else { word });
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn values_are_taken_out_in_every_form() {
        for (text, values, expected) in [
            (
                "token hunter22 is bad",
                &["hunter22"][..],
                "token *** is bad",
            ),
            ("b64 aHVudGVyMjI=", &["hunter22"], "b64 ***"),
            ("hex 68756e7465723232", &["hunter22"], "hex ***"),
            ("line second!", &["first!\nsecond!\n"], "line ***"),
            ("abcdef", &["abcd", "abcdef"], "***"),
            ("pin 123, 1234", &["123"], "pin ***, 1234"),
            ("a cat, a", &["a"], "*** cat, ***"),
            ("nothing", &["", "\n"], "nothing"),
        ] {
            let values = values.iter().map(|value| value.as_bytes());
            assert_eq!(scrub(text, values), expected);
        }
    }
}

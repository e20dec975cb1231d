//! Taking values out of texts that others wrote: what a program says on its standard error.

use zeroize::Zeroizing;

use crate::forms::{self, Form, Search};

/// What stands in the place of a value.
const MASK: &str = "***";
/// Shorter values are taken out only where they stand as words: they are in any text by chance.
const SHORT: usize = 4;
/// So much of a value at the end of a text is one that was cut short.
const CUT: usize = 8;

/// The text without the values, as they are, line by line, and in the encodings in which programs
/// print them ([`forms`]), also on several lines. A value that the end of the text cuts short is taken
/// out too.
pub fn scrub<'a>(text: &str, values: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut said: Vec<Said> = Vec::new();
    let mut known = Vec::new();
    for value in values {
        let forms = if value.len() >= SHORT {
            forms::of(value)
        } else {
            Vec::new()
        };
        add(value, &forms, &mut said);
        known.extend(forms.into_iter().filter(|form| form.bytes.len() >= SHORT));
    }
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for place in forms::places(text.as_bytes(), &known) {
        shown.push_str(&String::from_utf8_lossy(
            &text.as_bytes()[done..place.start],
        ));
        shown.push_str(MASK);
        done = place.end + padding(&text.as_bytes()[place.end..]);
    }
    shown.push_str(&String::from_utf8_lossy(&text.as_bytes()[done..]));
    // The longest first, so that a value which is a part of another leaves none of it behind.
    said.sort_by_key(|form| std::cmp::Reverse(form.text.len()));
    said.iter().fold(shown, |text, form| {
        if form.text.len() < SHORT {
            without_word(&text, &form.text)
        } else {
            without(&text, form)
        }
    })
}

/// How a value can stand in a text that is quoted on one line, or cut short.
struct Said {
    text: Zeroizing<String>,
    /// Programs break it into lines.
    is_encoded: bool,
}

fn add(value: &[u8], forms: &[Form], said: &mut Vec<Said>) {
    let mut add = |text: String, is_encoded: bool| {
        let text = Zeroizing::new(text);
        if !text.trim().is_empty() {
            said.push(Said { text, is_encoded });
        }
    };
    let is_one = |form: &&Form| form.is_encoded && form.search == Search::Plain;
    for form in forms.iter().filter(is_one) {
        let text = String::from_utf8_lossy(&form.bytes);
        let text = text.trim_end_matches('=');
        if text.len() >= CUT {
            add(text.to_owned(), true);
        }
    }
    let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
    for line in text.lines().map(str::trim) {
        add(line.to_owned(), false);
        if line.contains(char::is_control) {
            // What quotes it has blanks there.
            add(line.replace(char::is_control, " "), false);
        }
    }
    add(text.to_string(), false);
}

fn without(text: &str, form: &Said) -> String {
    let first = form.text.chars().next().unwrap_or_default();
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(first) {
        let (before, here) = rest.split_at(at);
        result.push_str(before);
        if let Some(length) = found(here, form) {
            result.push_str(MASK);
            rest = &here[length..];
        } else {
            result.push(first);
            rest = &here[first.len_utf8()..];
        }
    }
    result + rest
}

/// How much padding follows an encoding: it says nothing, and looks as if something was left.
fn padding(rest: &[u8]) -> usize {
    rest.iter().take_while(|byte| **byte == b'=').count()
}

/// How much of the beginning of a text is this form, or the part of it that the end left.
fn found(text: &str, form: &Said) -> Option<usize> {
    // What joins the lines of a text that is quoted on one.
    let is_between = |c: char| form.is_encoded && (c.is_whitespace() || c == ';');
    let mut wanted = form.text.chars();
    let mut next = wanted.next();
    let mut length = 0;
    for c in text.chars() {
        match next {
            None => break,
            Some(expected) if c == expected => next = wanted.next(),
            Some(_) if is_between(c) => {}
            Some(_) => return None,
        }
        length += c.len_utf8();
    }
    let is_whole = next.is_none();
    if is_whole && form.is_encoded {
        length += padding(&text.as_bytes()[length..]);
    }
    (is_whole || length >= CUT).then_some(length)
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
            ("url x aHVudGVyMjI", &["hunter22"], "url x ***"),
            ("hex 68756e7465723232", &["hunter22"], "hex ***"),
            ("hex 68756E7465723232.", &["hunter22"], "hex ***."),
            ("b64 aHVu; dGVy\nMjI=; end", &["hunter22"], "b64 ***; end"),
            ("hex 68756e74\n  65723232", &["hunter22"], "hex ***"),
            ("a b\tc d\u{1b}e", &["b\tc", "d\u{1b}e"], "a *** ***"),
            ("a bb ccc dd", &["bb\tccc"], "a *** dd"),
            ("cut hunter22-and-m", &["hunter22-and-more"], "cut ***"),
            ("cut aHVudGVyM", &["hunter22"], "cut ***"),
            ("hunter is no hunt", &["hunter22"], "hunter is no hunt"),
            ("line second!", &["first!\nsecond!\n"], "line ***"),
            ("abcdef", &["abcd", "abcdef"], "***"),
            ("pin 123, 1234", &["123"], "pin ***, 1234"),
            ("a cat, a", &["a"], "*** cat, ***"),
            ("nothing", &["", "\n"], "nothing"),
            // `curl -v -u svc:TOKEN`: what the colon has a part in is left out.
            (
                "Authorization: Basic c3ZjOmh1bnRlcjIyLWFuZC1tb3Jl;",
                &["hunter22-and-more"],
                "Authorization: Basic c3ZjOm***;",
            ),
            (
                "url p%40ss%2Fword-x, p\\u0040ss/word-x",
                &["p@ss/word-x"],
                "url ***, ***",
            ),
        ] {
            let values = values.iter().map(|value| value.as_bytes());
            assert_eq!(scrub(text, values), expected);
        }
    }
}

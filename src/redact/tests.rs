//! The masker against the simplest one there can be.

use endow_providers::forms::{Form, Search};
use zeroize::Zeroizing;

use super::{LOOKED_FOR, Masker, Why, property::reference};

/// xorshift64 (Marsaglia): the same run every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn bytes(&mut self, length: usize, alphabet: &[u8]) -> Vec<u8> {
        (0..length)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }
}

fn masker(forms: &[(Vec<u8>, String)]) -> Masker {
    let forms = forms.iter().cloned();
    let plain = |form| Form {
        bytes: Zeroizing::new(form),
        search: Search::Plain,
        is_encoded: false,
    };
    Masker::of_forms(forms.map(|(form, mask)| (plain(form), mask)).collect()).unwrap()
}

fn whole(masker: &Masker, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut stream = masker.stream();
    stream.push(text, &mut out);
    stream.finish(&mut out);
    out
}

#[test]
fn any_chunking_gives_what_the_whole_text_gives() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..4000 {
        // Few letters and short forms: prefixes, overlaps and forms in forms are the rule.
        let alphabet: &[u8] = [&b"ab"[..], b"abc", b"abcd\n"][random.below(3)];
        let mut forms: Vec<(Vec<u8>, String)> = Vec::new();
        for number in 0..=random.below(6) {
            let length = 3 + random.below(9);
            let form = random.bytes(length, alphabet);
            if forms.iter().all(|(other, _)| *other != form) {
                forms.push((form, format!("[{number}]")));
            }
        }
        let mut text = Vec::new();
        for _ in 0..random.below(12) {
            let form = &forms[random.below(forms.len())].0;
            text.extend_from_slice(&form[..random.below(form.len() + 1)]);
            let length = random.below(4);
            text.extend(random.bytes(length, alphabet));
        }
        let masker = masker(&forms);
        let expected = reference(&masker, &text);
        assert_eq!(whole(&masker, &text), expected, "round {round}");
        let mut stream = masker.stream();
        let mut out = Vec::new();
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + random.below(rest.len().min(7)));
            stream.push(piece, &mut out);
            rest = after;
        }
        stream.finish(&mut out);
        assert_eq!(out, expected, "round {round}: {forms:?} in {text:?}");
    }
}

fn of_values(values: &[(&str, &[u8])]) -> Masker {
    Masker::new(values).0.unwrap()
}

const KEY: &[u8] = b"sk-proj-9f8A7b6C/5d+4E\"3f$2A'1b";

#[track_caller]
fn assert_masked(masker: &Masker, text: &[u8], expected: &str) {
    let found = whole(masker, text);
    assert_eq!(String::from_utf8_lossy(&found), expected);
}

#[test]
fn a_value_is_masked_by_its_name() {
    let masker = of_values(&[("API_KEY", KEY), ("OTHER", b"another value")]);
    let text = [b"key=", KEY, b", and another value."].concat();
    assert_masked(&masker, &text, "key=[API_KEY], and [OTHER].");
}

#[test]
fn a_value_that_contains_another_is_masked_as_a_whole() {
    let masker = of_values(&[("PASSWORD", b"pa55word"), ("URL", b"pg://u:pa55word@db")]);
    assert_masked(
        &masker,
        b"pg://u:pa55word@db pa55word@",
        "[URL] [PASSWORD]@",
    );
}

#[test]
fn its_base64_is_masked_wherever_it_stands_in_what_was_encoded() {
    let masker = of_values(&[("API_KEY", KEY)]);
    // What is around it has a part in the characters at both ends.
    for (before, mask) in [
        ("", "[API_KEY]"),
        ("a", "YX[API_KEY]"),
        ("ab", "YWJ[API_KEY]"),
    ] {
        let encoded = base64(&[before.as_bytes(), KEY].concat(), false);
        let found = whole(&masker, encoded.as_bytes());
        let found = String::from_utf8(found).unwrap();
        let at = mask.find('[').unwrap();
        assert!(found[at..].starts_with("[API_KEY]"), "{found}");
        assert!(found.len() <= mask.len() + 4, "{found}");
    }
    assert_masked(&masker, base64(KEY, true).as_bytes(), "[API_KEY]");
    assert_masked(
        &masker,
        base64(KEY, false).trim_end_matches('=').as_bytes(),
        "[API_KEY]",
    );
}

/// The plainest encoder, not the one under test.
fn base64(bytes: &[u8], is_url_safe: bool) -> String {
    let last = if is_url_safe { "-_" } else { "+/" };
    let alphabet: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(last.chars())
        .collect();
    let mut bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    while !bits.len().is_multiple_of(6) {
        bits.push('0');
    }
    let mut text: String = (0..bits.len() / 6)
        .map(|at| alphabet[usize::from_str_radix(&bits[6 * at..6 * at + 6], 2).unwrap()])
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

#[test]
fn its_other_encodings_are_masked() {
    let value = "p\u{e4} ss/w<or>d\"'$\\\n2nd line";
    let masker = of_values(&[("P", value.as_bytes())]);
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    for text in [
        hex.as_str(),
        &hex.to_uppercase(),
        "p%C3%A4%20ss%2Fw%3Cor%3Ed%22%27%24%5C%0A2nd%20line",
        "p%c3%a4%20ss%2fw%3cor%3ed%22%27%24%5c%0a2nd%20line",
        "p%C3%A4%20ss%2Fw%3Cor%3Ed%22'%24%5C%0A2nd%20line",
        "p%C3%A4+ss%2Fw%3Cor%3Ed%22%27%24%5C%0A2nd+line",
        "p\u{e4} ss/w<or>d\\\"'$\\\\\\n2nd line",
        "p\u{e4} ss\\/w<or>d\\\"'$\\\\\\n2nd line",
        "p\u{e4} ss/w\\u003cor\\u003ed\\\"'$\\\\\\n2nd line",
        "p\\u00e4 ss/w<or>d\\\"'$\\\\\\n2nd line",
        "p\u{e4} ss/w<or>d\"'\\''$\\\n2nd line",
        "p\u{e4} ss/w<or>d\"'\"'\"'$\\\n2nd line",
        "p\u{e4} ss/w<or>d\\\"'\\$\\\\\n2nd line",
    ] {
        assert_masked(&masker, text.as_bytes(), "[P]");
    }
}

#[test]
fn every_short_escape_of_json_is_known() {
    let masker = of_values(&[("P", b"\x08ack\x0ceed\n\r\ttab\x01\"\\")]);
    let text = br#"{"password":"\back\feed\n\r\ttab\u0001\"\\"}"#;
    assert_masked(&masker, text, r#"{"password":"[P]"}"#);
}

#[test]
fn each_line_of_a_value_is_masked_but_the_frame_of_a_pem_file() {
    let value = b"-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
    let masker = of_values(&[("TLS_KEY", value)]);
    assert_masked(
        &masker,
        b"-----BEGIN KEY-----\r\nMIIEvQIBADANBg\r\nkqhkiG9w0BAQEF\r\n",
        "-----BEGIN KEY-----\r\n[TLS_KEY]\r\n[TLS_KEY]\r\n",
    );
    assert_masked(&masker, value, "[TLS_KEY]");
    assert_masked(&masker, value.trim_ascii_end(), "[TLS_KEY]");
}

#[test]
fn what_is_too_short_or_too_plain_is_said_and_not_masked() {
    let values: [(&str, &[u8]); 7] = [
        ("A", b"abcde"),
        ("B", b""),
        ("C", b"Production"),
        ("D", b"00000000000"),
        ("E", b"1234567"),
        ("F", b"12345678"),
        ("G", b"ab12cd"),
    ];
    let (masker, unmasked) = Masker::new(&values);
    let said: Vec<(&str, Why)> = unmasked
        .iter()
        .map(|unmasked| (unmasked.name.as_str(), unmasked.why))
        .collect();
    let expected = [
        ("A", Why::TooShort),
        ("B", Why::TooShort),
        ("C", Why::TooPlain),
        ("D", Why::TooPlain),
        ("E", Why::TooPlain),
    ];
    assert_eq!(said, expected);
    let text = b"abcde Production 00000000000 1234567 12345678 ab12cd";
    let expected = "abcde Production 00000000000 1234567 [F] [G]";
    assert_masked(&masker.unwrap(), text, expected);
    assert!(Masker::new(&[("A", b"x")]).0.is_none());
}

#[test]
fn a_short_beginning_is_released_and_the_rest_of_a_value_still_masked() {
    let masker = of_values(&[("API_KEY", KEY)]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    stream.push(b"$ s", &mut out);
    assert_eq!(out, b"$ ");
    assert!(stream.waits());
    stream.release(&mut out);
    assert_eq!(out, b"$ s");
    assert!(!stream.waits());
    stream.push(&KEY[1..3], &mut out);
    stream.release(&mut out);
    assert_eq!(out, b"$ sk-");
    stream.push(&KEY[3..8], &mut out);
    assert!(!stream.waits(), "a longer one is held");
    stream.push(&KEY[8..], &mut out);
    assert_eq!(out, b"$ sk-[API_KEY]");
    // One that goes on as no value is written once.
    stream.push(b" sk", &mut out);
    stream.release(&mut out);
    stream.push(b"y", &mut out);
    stream.finish(&mut out);
    assert_eq!(out, b"$ sk-[API_KEY] sky");
}

#[test]
fn no_more_is_held_than_the_longest_form() {
    let masker = of_values(&[("API_KEY", KEY)]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    for _ in 0..10_000 {
        stream.push(&KEY[..KEY.len() - 1], &mut out);
        assert!(stream.held.len() <= masker.most_held());
    }
}

/// Random bytes, one in a hundred of them special.
fn long(length: usize) -> Vec<u8> {
    Random(0x1234_5678_9abc_def1).bytes(
        length,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    )
}

#[test]
fn a_long_value_is_found_by_its_head_and_masked_as_a_whole_in_any_pieces() {
    let value = long(100_000);
    let (masker, unmasked) = Masker::new(&[("BLOB", &value)]);
    assert_eq!(unmasked.len(), 1);
    assert_eq!(unmasked[0].why, Why::OnlyItsHead);
    let masker = masker.unwrap();
    let text = [
        b"a ",
        &value[..],
        b" b ",
        &value[..50_000],
        b"; ",
        &value[..],
        &value[..],
    ]
    .concat();
    let expected = "a [BLOB] b [BLOB]; [BLOB][BLOB]";
    let rests = masker.finders().flat_map(|finder| &finder.rests);
    assert_eq!(rests.count(), 1, "the rest is known");
    let found = whole(&masker, &text);
    assert_eq!(
        (found.len(), &found[..8]),
        (expected.len(), &b"a [BLOB]"[..])
    );
    assert_masked(&masker, &text, expected);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20 {
        let (mut out, mut stream, mut rest) = (Vec::new(), masker.stream(), text.as_slice());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + random.below(9000)).min(rest.len()));
            stream.push(piece, &mut out);
            rest = after;
        }
        stream.finish(&mut out);
        assert!(out == expected.as_bytes(), "{} bytes", out.len());
    }
}

/// What the masks of a value take does not grow with it.
#[test]
fn the_masks_of_a_mebibyte_are_those_of_its_head() {
    let forms = |length| {
        let masker = Masker::new(&[("BLOB", &long(length))]).0.unwrap();
        let total: usize = masker
            .finders()
            .flat_map(|finder| &finder.forms)
            .map(|form| form.len())
            .sum();
        (
            total,
            masker
                .finders()
                .map(super::finder::Finder::memory)
                .sum::<usize>(),
        )
    };
    let (small, large) = (forms(LOOKED_FOR), forms(1 << 20));
    assert_eq!(small.0, large.0);
    assert_eq!(small.1, large.1);
}

/// Forms that begin like themselves were tried from each place anew.
#[test]
fn a_text_of_one_letter_is_walked_over_once() {
    let value = [&[b'a'; 4000][..], b"bcd"].concat();
    let masker = of_values(&[("A", &value)]);
    let text = vec![b'a'; 1 << 20];
    let mut out = whole(&masker, &text);
    assert_eq!(out, text);
    out = whole(&masker, &[&text[..], b"bcd"].concat());
    assert!(out.ends_with(b"a[A]"));
}

/// Parts of values, whole ones, and what programs put around and into them.
fn written(random: &mut Random, values: &[Vec<u8>]) -> Vec<u8> {
    const AROUND: [&[u8]; 20] = [
        b"%",
        b"%4",
        b"%41",
        b"%2541",
        b"\\",
        b"\\\\",
        b"\\n",
        b"\\u00",
        b"\\u0041",
        b"\\x41",
        b"&amp;",
        b"&#65;",
        b"&am",
        b"\x1b[31m",
        b"\x1b[",
        b"\x1b[0m",
        b"\n",
        b"\r\n",
        b" ",
        b"a",
    ];
    let mut text = Vec::new();
    for _ in 0..=random.below(8) {
        let value = &values[random.below(values.len())];
        let part = &value[..random.below(value.len() + 1)];
        let style = random.below(7);
        for (at, byte) in part.iter().enumerate() {
            match style {
                0 => text.extend(format!("%{byte:02X}").bytes()),
                1 => text.extend(format!("\\u{byte:04x}").bytes()),
                2 => text.extend(format!("%25{byte:02X}").bytes()),
                3 => text.extend(format!("&#{byte};").bytes()),
                4 => text.extend(format!("{byte:02x} ").bytes()),
                5 if at % 7 == 6 => text.extend([b'\n', *byte]),
                _ => text.push(*byte),
            }
            if random.below(20) == 0 {
                text.extend_from_slice(AROUND[random.below(AROUND.len())]);
            }
        }
        for _ in 0..random.below(3) {
            text.extend_from_slice(AROUND[random.below(AROUND.len())]);
        }
    }
    text
}

#[test]
fn any_pieces_of_what_programs_write_give_what_the_whole_text_gives() {
    let mut random = Random(0x0bad_cafe_dead_beef);
    for round in 0..1500 {
        let alphabets: [&[u8]; 4] = [b"abcdefgh", b"ab41%\\n&", b"A4125ab\"", b"abcdef0123456789"];
        let alphabet = alphabets[random.below(4)];
        let count = 1 + random.below(3);
        let lengths: Vec<usize> = (0..count).map(|_| 6 + random.below(20)).collect();
        let values: Vec<Vec<u8>> = lengths
            .iter()
            .map(|length| random.bytes(*length, alphabet))
            .collect();
        let letters = ["A", "B", "C"];
        let named: Vec<(&str, &[u8])> = letters
            .into_iter()
            .zip(values.iter().map(Vec::as_slice))
            .collect();
        let Some(masker) = Masker::new(&named).0 else {
            continue;
        };
        let text = written(&mut random, &values);
        let expected = reference(&masker, &text);
        for longest in [1, 3, 40, usize::MAX] {
            let (mut out, mut stream, mut rest) = (Vec::new(), masker.stream(), text.as_slice());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(1 + random.below(rest.len().min(longest)));
                stream.push(piece, &mut out);
                rest = after;
            }
            stream.finish(&mut out);
            assert_eq!(
                String::from_utf8_lossy(&out),
                String::from_utf8_lossy(&expected),
                "round {round}, pieces of {longest}: {:?} in {:?}",
                values
                    .iter()
                    .map(|value| String::from_utf8_lossy(value))
                    .collect::<Vec<_>>(),
                String::from_utf8_lossy(&text)
            );
        }
    }
}

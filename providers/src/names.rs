//! Which texts are names: of a variable, a key, a field. A message lists what there is, and what there
//! is can be a secret in the wrong place.

/// The longest name that is shown.
const LONGEST: usize = 64;
/// So long a part without a separator is judged by its look.
const LONG: usize = 12;

/// Whether a person would call a text a name: letters, digits and separators, few of them, and not of a
/// random look.
///
/// Parts between separators count. A random one changes between capitals, small letters and digits all
/// the time, as base64 and hexadecimal do, or has hardly a vowel, as base32 has. In doubt it is none.
pub fn is_name_like(text: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || is_separator(c);
    let is_short = (1..=LONGEST).contains(&text.chars().count());
    // A separator can stand in base64 too: then all parts together have its look.
    let has_separator = text.contains(is_separator);
    let is_all_random =
        has_separator && changes(text) * 8 > text.chars().count() && text.len() >= 20;
    is_short
        && text.chars().all(is_of_name)
        && !is_all_random
        && !text.split(is_separator).any(is_random)
}

fn is_separator(c: char) -> bool {
    matches!(c, '_' | '-' | '.' | '/' | ' ' | ':' | '@')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Capital,
    Small,
    Digit,
}

fn class(c: char) -> Class {
    if c.is_numeric() {
        Class::Digit
    } else if c.is_uppercase() {
        Class::Capital
    } else {
        Class::Small
    }
}

/// How often capitals, small letters and digits change. `someName` changes once a word, and `Name`,
/// after another word's end, does not; a separator ends a word.
fn changes(text: &str) -> usize {
    let characters: Vec<char> = text.chars().collect();
    let is_capital = |at: usize| {
        characters
            .get(at)
            .is_some_and(|c| class(*c) == Class::Capital)
    };
    let is_change = |at: &usize| {
        let (c, next) = (characters[*at], characters[at + 1]);
        let (one, other) = (class(c), class(next));
        let begins_word = (one, other) == (Class::Capital, Class::Small)
            && !(*at > 0 && is_capital(at - 1) && !is_separator(characters[at - 1]));
        one != other && !begins_word && !is_separator(c) && !is_separator(next)
    };
    let pairs = characters.len().saturating_sub(1);
    (0..pairs).filter(is_change).count()
}

fn is_random(part: &str) -> bool {
    let characters: Vec<char> = part.chars().collect();
    let count = characters.len();
    if count < LONG {
        return false;
    }
    let digits = characters.iter().filter(|c| c.is_numeric()).count();
    let letters = count - digits;
    let is_vowel = |c: &&char| "aeiouyAEIOUY".contains(**c);
    let vowels = characters.iter().filter(is_vowel).count();
    let is_ascii = part.is_ascii();
    changes(part) * 4 > count
        || digits * 3 > count
        || is_ascii && letters >= LONG && vowels * 5 < letters
        || is_ascii && longest_run(&characters) > 6
}

/// The most letters in a row without a vowel.
fn longest_run(characters: &[char]) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in characters {
        if c.is_ascii_alphabetic() && !"aeiouyAEIOUY".contains(*c) {
            run += 1;
            longest = longest.max(run);
        } else {
            run = 0;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
    };

    use super::is_name_like;

    #[test]
    fn what_people_call_names_is_one() {
        let names = "OPENAI_API_KEY DATABASE_URL stripe_secret AWS_SECRET_ACCESS_KEY A x key \
            POSTGRES_PASSWORD_FILE oauth2ClientId awsSecretAccessKeyId GOOGLE_APPLICATION_CREDENTIALS \
            db.password api/key user-name tls.crt ca.crt .dockerconfigjson HTTP2_TIMEOUT S3_BUCKET \
            NEXT_PUBLIC_SUPABASE_ANON_KEY sentryDsn connectionString service_account.json \
            AZURE_OPENAI_ENDPOINT privateKeyPem username password apikey1 KEY_2024_01 \
            Schl\u{fc}ssel dev/eu internationalization_key TWILIO_AUTH_TOKEN x509Certificate \
            ELASTICSEARCH_PASSWORD stripeWebhookSigningSecret";
        for name in names
            .split_whitespace()
            .chain(["API Key", "one-time password"])
        {
            assert!(is_name_like(name), "{name}");
        }
    }

    #[test]
    fn no_random_key_of_ten_thousand_is_one() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24).to_le_bytes()[0]
        };
        let mut shown = Vec::new();
        for number in 0..10_000 {
            let bytes: Vec<u8> = (0..[16, 20, 24, 32, 48][number % 5])
                .map(|_| next())
                .collect();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let texts = [
                STANDARD_NO_PAD.encode(&bytes),
                URL_SAFE_NO_PAD.encode(&bytes),
                hex.to_uppercase(),
                hex,
            ];
            shown.extend(texts.into_iter().filter(|text| is_name_like(text)));
        }
        assert!(
            shown.is_empty(),
            "{} are: {:?}",
            shown.len(),
            &shown[..shown.len().min(9)]
        );
    }

    #[test]
    fn what_is_no_word_is_none() {
        for text in ["", "a=b", "$6$hash", "hunter2!", "a\nb", &"a".repeat(65)] {
            assert!(!is_name_like(text), "{text:?}");
        }
    }
}

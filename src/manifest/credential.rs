//! The published formats of credentials, so that a secret pasted into a manifest is caught.
//!
//! Known formats only, never entropy: a false alarm on a plain setting would teach people to
//! wave it through.

mod userinfo;

/// Printed in the place of a credential, and of a text that can be a secret.
pub const MASK: &str = "***";

/// One published format: a prefix and how many characters of an alphabet follow it at least.
struct Format {
    issuer: &'static str,
    prefix: &'static str,
    rest: usize,
}

const fn format(issuer: &'static str, prefix: &'static str, rest: usize) -> Format {
    Format {
        issuer,
        prefix,
        rest,
    }
}

/// Issuers' pages and the rules of public secret scanners; longer prefixes first.
const FORMATS: &[Format] = &[
    format("Anthropic", "sk-ant-", 20),
    format("OpenRouter", "sk-or-v1-", 32),
    format("OpenAI", "sk-proj-", 20),
    format("OpenAI", "sk-svcacct-", 20),
    format("OpenAI", "sk-admin-", 20),
    format("OpenAI", "sk-", 32),
    format("Groq", "gsk_", 40),
    format("xAI", "xai-", 40),
    format("Perplexity", "pplx-", 40),
    format("Replicate", "r8_", 30),
    format("Hugging Face", "hf_", 30),
    format("Tavily", "tvly-", 20),
    format("LangSmith", "lsv2_", 30),
    format("Pinecone", "pcsk_", 30),
    format("Google", "AIza", 35),
    format("Google", "GOCSPX-", 20),
    format("GitHub", "github_pat_", 40),
    format("GitHub", "ghp_", 36),
    format("GitHub", "gho_", 36),
    format("GitHub", "ghu_", 36),
    format("GitHub", "ghs_", 36),
    format("GitHub", "ghr_", 36),
    format("GitLab", "glpat-", 20),
    format("npm", "npm_", 36),
    format("PyPI", "pypi-", 50),
    format("Slack", "xoxb-", 20),
    format("Slack", "xoxp-", 20),
    format("Slack", "xapp-", 20),
    format("Stripe", "sk_live_", 20),
    format("Stripe", "sk_test_", 20),
    format("Stripe", "rk_live_", 20),
    format("SendGrid", "SG.", 40),
    format("DigitalOcean", "dop_v1_", 40),
    format("Supabase", "sbp_", 40),
    format("Vercel", "vcp_", 24),
    format("Fly.io", "fo1_", 30),
    format("Databricks", "dapi", 32),
    format("HashiCorp Vault", "hvs.", 20),
    format("HashiCorp Vault", "hvb.", 20),
    format("1Password", "ops_", 50),
    format("Doppler", "dp.st.", 30),
    format("Linear", "lin_api_", 30),
    format("Notion", "ntn_", 30),
    format("Shopify", "shpat_", 30),
    format("age", "AGE-SECRET-KEY-1", 50),
];

/// Who issued the credential that a text holds, if it holds one in a published format.
pub fn issuer(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("private key");
    }
    words(text).find_map(|word| {
        FORMATS
            .iter()
            .find(|format| {
                word.strip_prefix(format.prefix)
                    .is_some_and(|rest| rest.len() >= format.rest && is_plausible(format, rest))
            })
            .map(|format| format.issuer)
            .or_else(|| is_aws_key_id(word).then_some("AWS"))
            .or_else(|| is_json_web_token(word).then_some("JSON Web Token"))
    })
}

/// Whether a text holds what is not shown: a credential in a published format, or the userinfo of a
/// URL with a password in it.
pub fn is_in(text: &str) -> bool {
    issuer(text).is_some() || userinfo::is_in(text)
}

/// Whether a text holds a URL with a password in it.
pub fn has_password(text: &str) -> bool {
    userinfo::is_in(text)
}

/// The text with every credential in a published format, and the password of every URL, replaced: for
/// what is printed.
pub fn masked(text: &str) -> String {
    let text = &*userinfo::masked(text, MASK);
    if issuer(text).is_none() {
        return text.to_owned();
    }
    // What stands behind the head of a private key is one.
    let (before, key) = match text.split_once("-----BEGIN ") {
        Some((before, _)) => (before, MASK),
        None => (text, ""),
    };
    let mut masked = String::with_capacity(text.len());
    for piece in before.split_inclusive(|c| !is_of_word(c)) {
        let word = piece.trim_end_matches(|c| !is_of_word(c));
        let is_secret = issuer(word).is_some();
        masked.push_str(if is_secret { MASK } else { word });
        masked.push_str(&piece[word.len()..]);
    }
    masked + key
}

/// What a credential is made of; it can stand inside a URL.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Runs of such characters, as long as the shortest credential. None begins with a mark.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_of_word(c))
        .map(|word| word.trim_start_matches(['-', '_', '.']))
        .filter(|word| word.len() >= 16)
}

/// `sk-` alone also begins names that people give to things; the keys have no separators.
fn is_plausible(format: &Format, rest: &str) -> bool {
    let plain = rest.bytes().take_while(u8::is_ascii_alphanumeric);
    format.prefix != "sk-" || plain.count() >= format.rest
}

fn is_aws_key_id(word: &str) -> bool {
    word.len() == 20
        && ["AKIA", "ASIA"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
        && word
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// RFC 7519: three base64url parts, the first of which is a JSON object (`{"` is `eyJ`).
fn is_json_web_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3
        && parts[0].starts_with("eyJ")
        && parts[1].starts_with("eyJ")
        && parts[2].len() >= 20
}

#[cfg(test)]
mod tests {
    use super::{issuer, masked};

    #[test]
    fn published_formats_are_known_and_plain_settings_are_not() {
        let made = |prefix: &str, rest: usize| format!("{prefix}{}", "a1B2".repeat(rest / 4 + 1));
        assert_eq!(issuer(&made("sk-ant-api03-", 40)), Some("Anthropic"));
        assert_eq!(issuer(&made("sk-proj-", 40)), Some("OpenAI"));
        assert_eq!(issuer(&made("sk-", 48)), Some("OpenAI"));
        assert_eq!(issuer(&(made("sk-", 48) + "-v2")), Some("OpenAI"));
        assert_eq!(issuer(&made("ghp_", 36)), Some("GitHub"));
        assert_eq!(
            issuer(&format!("AKIA{}", "ABCD2345".repeat(2))),
            Some("AWS")
        );
        assert_eq!(
            issuer(&format!("https://x:{}@github.com/a/b", made("ghp_", 36))),
            Some("GitHub")
        );
        assert_eq!(
            issuer("-----BEGIN RSA PRIVATE KEY-----\nabc"),
            Some("private key")
        );
        assert_eq!(
            issuer(&format!("eyJhbGciOi.eyJzdWIi.{}", "a".repeat(43))),
            Some("JSON Web Token")
        );
        for plain in [
            "info",
            "3000",
            "https://api.example.com/v1",
            "sk-short",
            "task-manager-service-with-a-long-name",
            "sk-bratislava-region-service-deployment-01",
            "postgres://app@db/chat",
            "AKIAlowercase0000000",
        ] {
            assert_eq!(issuer(plain), None, "{plain}");
        }
    }

    /// The formats as their issuers publish them. On purpose not the program's own table.
    const PUBLISHED: [(&str, &str, usize); 45] = [
        ("Anthropic", "sk-ant-", 20),
        ("OpenRouter", "sk-or-v1-", 32),
        ("OpenAI", "sk-proj-", 20),
        ("OpenAI", "sk-svcacct-", 20),
        ("OpenAI", "sk-admin-", 20),
        ("OpenAI", "sk-", 32),
        ("Groq", "gsk_", 40),
        ("xAI", "xai-", 40),
        ("Perplexity", "pplx-", 40),
        ("Replicate", "r8_", 30),
        ("Hugging Face", "hf_", 30),
        ("Tavily", "tvly-", 20),
        ("LangSmith", "lsv2_", 30),
        ("Pinecone", "pcsk_", 30),
        ("Google", "AIza", 35),
        ("Google", "GOCSPX-", 20),
        ("GitHub", "github_pat_", 40),
        ("GitHub", "ghp_", 36),
        ("GitHub", "gho_", 36),
        ("GitHub", "ghu_", 36),
        ("GitHub", "ghs_", 36),
        ("GitHub", "ghr_", 36),
        ("GitLab", "glpat-", 20),
        ("npm", "npm_", 36),
        ("PyPI", "pypi-", 50),
        ("Slack", "xoxb-", 20),
        ("Slack", "xoxp-", 20),
        ("Slack", "xapp-", 20),
        ("Stripe", "sk_live_", 20),
        ("Stripe", "sk_test_", 20),
        ("Stripe", "rk_live_", 20),
        ("SendGrid", "SG.", 40),
        ("DigitalOcean", "dop_v1_", 40),
        ("Supabase", "sbp_", 40),
        ("Vercel", "vcp_", 24),
        ("Fly.io", "fo1_", 30),
        ("Databricks", "dapi", 32),
        ("HashiCorp Vault", "hvs.", 20),
        ("HashiCorp Vault", "hvb.", 20),
        ("1Password", "ops_", 50),
        ("Doppler", "dp.st.", 30),
        ("Linear", "lin_api_", 30),
        ("Notion", "ntn_", 30),
        ("Shopify", "shpat_", 30),
        ("age", "AGE-SECRET-KEY-1", 50),
    ];

    #[test]
    fn every_published_format_is_known_from_its_shortest_length_on() {
        for (who, prefix, rest) in PUBLISHED {
            let made = |length| format!("{prefix}{}", "a1B2".repeat(20).split_at(length).0);
            assert_eq!(issuer(&made(rest)), Some(who), "{prefix}");
            assert_eq!(issuer(&made(rest + 1)), Some(who), "{prefix}");
            assert_eq!(issuer(&made(rest - 1)), None, "{prefix}");
        }
    }

    #[test]
    fn a_credential_is_masked_and_the_text_around_it_is_kept() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let text = format!("`version={token}` is no version");
        assert_eq!(masked(&text), "`version=***` is no version");
        let key = format!("in `-----BEGIN {} KEY-----{token}`", "PRIVATE");
        assert_eq!(masked(&key), "in `***");
        assert_eq!(masked("no credential"), "no credential");
    }

    #[test]
    fn credentials_beside_one_another_or_marks_are_all_masked() {
        let unit = |count| "a1B2".repeat(count);
        let header = format!("-----BEGIN {} KEY-----", "PRIVATE");
        let (short, long) = (format!("hvs.{}", unit(5)), format!("ghp_{}", unit(9)));
        for (text, expected) in [
            (format!("`{long}{header}`"), "`******"),
            (format!("{long}{header} and {long}"), "******"),
            (format!("`...{long}` -{short}"), "`***` ***"),
            (format!("`{short}` `{long}{short}`"), "`***` `***`"),
            (format!("`{short} {short}{short}`"), "`*** ***`"),
        ] {
            let masked = masked(&text);
            assert_eq!(masked, expected);
            assert_eq!(issuer(&masked), None);
        }
    }
}

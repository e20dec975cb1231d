//! Origins of addresses.

/// Scheme, host and port (RFC 6454), lower case, with the scheme's own port filled in.
pub(super) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "unix" {
        return Some(format!("unix://{rest}"));
    }
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    if authority.is_empty() || authority.contains('@') || authority.contains('\\') {
        return None;
    }
    let has_port = authority
        .rsplit(']')
        .next()
        .is_some_and(|tail| tail.contains(':'));
    let port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    Some(format!(
        "{scheme}://{authority}{}",
        if has_port { "" } else { port }
    ))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn origins_are_equal_whatever_the_case_path_and_default_port() {
        assert_eq!(
            origin("https://Vault.acme.dev/prefix"),
            origin("https://vault.acme.dev:443")
        );
        assert_ne!(
            origin("https://vault.acme.dev"),
            origin("http://vault.acme.dev")
        );
        assert_ne!(
            origin("https://vault.acme.dev"),
            origin("https://vault.acme.dev.evil.example")
        );
        assert_eq!(origin("https://vault.acme.dev@evil.example"), None);
        assert_eq!(origin("https://[::1]"), origin("https://[::1]:443"));
    }
}

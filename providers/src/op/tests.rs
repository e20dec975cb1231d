mod stand_ins;

use super::KIND;
use crate::{
    Address, Request,
    read::testing::{plain, with},
};

#[test]
fn the_whole_batch_is_one_request() {
    let request = |label: &str, answers: &[usize]| Request {
        label: label.into(),
        answers: answers.to_vec(),
        is_free: false,
    };
    let batch = [
        plain("v/i/a"),
        plain("v/i/b"),
        plain("v/i/a"),
        with(plain("v/i/a"), "attribute", "otp"),
    ];
    assert_eq!(
        (KIND.requests)(&batch),
        [request(
            "op inject for 3 references, or 3 requests to Connect",
            &[0, 1, 2, 3]
        )]
    );
    assert_eq!(
        (KIND.requests)(&batch[..1]),
        [request(
            "op inject for 1 reference, or 3 requests to Connect",
            &[0]
        )]
    );
    assert_eq!((KIND.requests)(&[]), []);
}

#[test]
fn a_reference_is_one_password_s_own() {
    let error = |address: &Address| (KIND.validate)(address).unwrap_err();
    for locator in [
        "AI Team/OpenAI/credential",
        "v/i/section/f",
        "v.1/i-2/f_3",
        "abcdefghijklmnopqrstuvwxyz/i/f",
    ] {
        assert_eq!((KIND.validate)(&plain(locator)), Ok(()), "{locator}");
    }
    assert_eq!(
        (KIND.validate)(&with(plain("v/i/f"), "attribute", "otp")),
        Ok(())
    );
    assert_eq!(
        (KIND.validate)(&with(plain("v/i/f"), "ssh-format", "openssh")),
        Ok(())
    );
    let expected = "a reference is `op://vault/item/field` or `op://vault/item/section/field`";
    for locator in [
        "",
        "v",
        "v/i",
        "v//f",
        "v/i/",
        "/v/i/f",
        "v/ /f",
        "v/i/s/f/x",
    ] {
        assert_eq!(error(&plain(locator)), expected, "{locator}");
    }
}

#[test]
fn what_the_cli_would_expand_or_misread_is_refused() {
    let error = |address: &Address| (KIND.validate)(address).unwrap_err();
    let expected = "`$` is refused, 1Password's CLI would expand it";
    for address in [
        plain("v/$ITEM/f"),
        plain("v/${X}/f"),
        with(plain("v/i/f"), "attribute", "$X"),
    ] {
        assert_eq!(error(&address), expected, "{address:?}");
    }
    let rest =
        "can't stand in a 1Password reference: write the id of the vault, item or field instead";
    for (locator, shown) in [
        ("v/i (old)/f", "`(`"),
        ("v/i}} {{ op:x/f", "`}`"),
        ("v/it's/f", "`'`"),
        ("v/\u{2014}/f", "`\u{2014}`"),
        ("v/a\u{a0}b/f", "U+00A0"),
        ("v/a\nb/f", "U+000A"),
        ("v/a%20b/f", "`%`"),
    ] {
        assert_eq!(error(&plain(locator)), format!("{shown} {rest}"));
    }
    for value in ["", "otp }}", "a/b"] {
        let expected = format!("`attribute={value}` is no attribute: letters, digits, `-` and `_`");
        assert_eq!(error(&with(plain("v/i/f"), "attribute", value)), expected);
    }
    assert_eq!(
        error(&with(plain("v/i/f"), "ssh-format", "pem")),
        "`ssh-format` knows `openssh` alone"
    );
}

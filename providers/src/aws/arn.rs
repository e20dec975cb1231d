//! Names of AWS resources: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.

/// The parts that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    /// `secretsmanager`.
    pub(crate) service: &'a str,
    /// `eu-west-1`.
    pub(crate) region: &'a str,
    /// `222222222222`.
    pub(crate) account: &'a str,
    /// `secret:chat/prod-AbCdEf`.
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN; `None` where it is none.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", _, service, region, account, resource] => Some(Self {
                service,
                region,
                account,
                resource,
            }),
            _ => None,
        }
    }
}

/// Whether this can be a region. It becomes part of a host's name, so a manifest must not choose
/// another host by it.
pub(crate) fn is_region(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 32 && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::{Arn, is_region};

    #[test]
    fn an_arn_has_six_parts_of_which_the_last_may_hold_colons() {
        let text = "arn:aws-cn:secretsmanager:cn-north-1:222222222222:secret:a:b-AbCdEf";
        let expected = Arn {
            service: "secretsmanager",
            region: "cn-north-1",
            account: "222222222222",
            resource: "secret:a:b-AbCdEf",
        };
        assert_eq!(Arn::of(text), Some(expected));
        for text in ["chat/prod", "arn:aws:ssm:eu-west-1:1", "urn:a:b:c:d:e"] {
            assert_eq!(Arn::of(text), None, "{text}");
        }
    }

    #[test]
    fn a_region_can_be_a_label_of_a_host_and_nothing_else() {
        for region in ["eu-west-1", "us-gov-east-1", "cn-north-1", "us-iso-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for text in [
            "",
            "EU",
            "eu west",
            "a.b",
            "a/",
            "a#",
            "a@b",
            "a:1",
            &"a".repeat(33),
        ] {
            assert!(!is_region(text), "{text}");
        }
    }
}

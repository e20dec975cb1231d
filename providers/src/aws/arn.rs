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

/// Whether this can be an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

//! Users and groups of the system.

use nix::unistd::User;

/// The id of a user, who is named or is a number.
pub fn id(name: &str) -> Option<u32> {
    let known = User::from_name(name).ok().flatten();
    known
        .map(|user| user.uid.as_raw())
        .or_else(|| name.parse().ok())
}

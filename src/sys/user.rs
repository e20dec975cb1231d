//! Users and groups of the system, and becoming one.

use std::{
    ffi::{CString, OsString},
    fs, io,
    os::unix::fs::MetadataExt,
};

use super::process;
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, getgid, getuid};

/// Set-user-id and set-group-id.
const SET_ID: u32 = 0o6000;

/// The id of a user, who is named or is a number.
pub fn id(name: &str) -> Option<u32> {
    by_name(name)
        .map(|user| user.uid.as_raw())
        .or_else(|| name.parse().ok())
}

/// Whom a program is started as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's id.
    pub user: u32,
    home: OsString,
    group: u32,
    /// As the system calls the user; a number without a name is its own.
    called: OsString,
    /// For the user's other groups; `None` where a group is stated, or the user is a number.
    name: Option<CString>,
}

impl Account {
    /// `NAME[:GROUP]`; either may be a number.
    pub fn find(text: &str) -> Result<Self, String> {
        let (name, group) = match text.split_once(':') {
            // As chown(1) has it: the login group of the user.
            Some((name, "")) => (name, None),
            Some((name, group)) => (name, Some(group)),
            None => (text, None),
        };
        let known = by_name(name).or_else(|| {
            let user = Uid::from_raw(name.parse().ok()?);
            User::from_uid(user).ok().flatten()
        });
        let user = known.as_ref().map(|user| user.uid.as_raw());
        let user = user
            .or_else(|| name.parse().ok())
            .ok_or_else(|| format!("there is no user `{name}`"))?;
        let states_group = group.is_some();
        let group = match (group, &known) {
            (Some(group), _) => {
                group_id(group).ok_or_else(|| format!("there is no group `{group}`"))?
            }
            (None, Some(known)) => known.gid.as_raw(),
            (None, None) => return Err(format!("the group of user {user} is not known: say it")),
        };
        let has_groups = known.as_ref().filter(|_| !states_group);
        Ok(Self {
            user,
            group,
            name: has_groups.and_then(|known| CString::new(known.name.as_str()).ok()),
            called: known
                .as_ref()
                .map_or_else(|| user.to_string(), |known| known.name.clone())
                .into(),
            home: known.map_or_else(|| "/".into(), |known| known.dir.into_os_string()),
        })
    }

    /// What a sign-in of the user has in its environment (login(1)): `HOME`, `USER` and `LOGNAME`.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("HOME", self.home.clone()),
            ("USER", self.called.clone()),
            ("LOGNAME", self.called.clone()),
        ]
    }

    /// Becomes it for good: groups, then the group, then the user, who could do neither.
    #[cfg(target_os = "linux")]
    pub fn enter(&self) -> io::Result<()> {
        use nix::unistd::{initgroups, setgroups, setresgid, setresuid, setuid};

        let (user, group) = (Uid::from_raw(self.user), Gid::from_raw(self.group));
        match &self.name {
            Some(name) => initgroups(name, group)?,
            None => setgroups(&[group])?,
        }
        setresgid(group, group, group)?;
        setresuid(user, user, user)?;
        if !user.is_root() && setuid(Uid::from_raw(0)).is_ok() {
            return Err(io::Error::other("it could be undone"));
        }
        Ok(())
    }

    /// Not made for other systems.
    #[cfg(not(target_os = "linux"))]
    pub fn enter(&self) -> io::Result<()> {
        let _ = (Gid::from_raw(self.group), &self.name);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether this program runs with more rights than its caller has, or would for another caller: by a
/// bit of its file, by capabilities of its file, or by whatever else makes the kernel say so
/// (getauxval(3), `AT_SECURE`).
pub fn is_set_id() -> bool {
    let has_bit = fs::metadata("/proc/self/exe").is_ok_and(|file| file.mode() & SET_ID != 0);
    has_bit || getuid() != geteuid() || getgid() != getegid() || process::is_secure()
}

/// Whether this process is root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

fn by_name(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten()
}

fn group_id(name: &str) -> Option<u32> {
    let known = Group::from_name(name).ok().flatten();
    known
        .map(|group| group.gid.as_raw())
        .or_else(|| name.parse().ok())
}

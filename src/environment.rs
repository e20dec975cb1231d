//! The child's environment: the declared variables, the inherited ones, and nothing else.
//!
//! A pure function of the launcher's environment, the manifest's words and the values. Names and
//! values are bytes. The block is built once, in the memory of values.

pub mod inherit;

use std::{
    collections::BTreeMap,
    ffi::{CStr, OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use endow_providers::Secret;

use self::inherit::Fate;

/// Variables that a service manager means for one process, and name it.
const OF_A_PROCESS: [&str; 2] = ["LISTEN_PID", "WATCHDOG_PID"];

/// An environment block: `NAME=value` strings, sorted by name, each name once.
pub struct Environment {
    /// All strings one after the other, each with its NUL.
    block: Secret,
    /// Where each string begins, and how long its name is.
    starts: Vec<(usize, usize)>,
}

/// A value that can't stand in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NulInValue {
    /// The variables, by name.
    pub names: Vec<String>,
}

/// One more variable of the command line: `-e NAME=VALUE`.
pub type Extra = (OsString, OsString);

impl Environment {
    /// Builds the block. `fates` says which entry of `parent` is passed on; a declared value
    /// hides nothing, because a declared name is never inherited.
    pub fn build(
        parent: &[(OsString, OsString)],
        fates: &[Fate],
        extra: &[Extra],
        values: &BTreeMap<String, Option<Secret>>,
    ) -> Result<Self, NulInValue> {
        let names: Vec<String> = values
            .iter()
            .filter(|(_, value)| {
                value
                    .as_ref()
                    .is_some_and(|value| value.expose().contains(&0))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if !names.is_empty() {
            return Err(NulInValue { names });
        }
        let mut entries: BTreeMap<&OsStr, &[u8]> = BTreeMap::new();
        for ((name, value), fate) in parent.iter().zip(fates) {
            if fate.is_inherited() {
                entries.entry(name).or_insert(value.as_bytes());
            }
        }
        for (name, value) in extra {
            entries.insert(name, value.as_bytes());
        }
        for (name, value) in values {
            if let Some(value) = value {
                entries.insert(OsStr::new(name), value.expose());
            }
        }
        Ok(Self::arrange(&entries))
    }

    /// The same for another process than the one that it was built for: with the paths of its
    /// files, and its id where a service manager's variables name the one that it started
    /// (`sd_listen_fds`(3), `sd_watchdog_enabled`(3)).
    #[must_use]
    pub fn of_process(&self, started: i32, other: i32, paths: &[(&str, String)]) -> Self {
        let (started, other) = (started.to_string(), other.to_string());
        let mut entries: BTreeMap<&OsStr, &[u8]> = self.entries().collect();
        for name in OF_A_PROCESS {
            if let Some(value) = entries.get_mut(OsStr::new(name))
                && *value == started.as_bytes()
            {
                *value = other.as_bytes();
            }
        }
        for (name, path) in paths {
            entries.insert(OsStr::new(name), path.as_bytes());
        }
        Self::arrange(&entries)
    }

    fn entries(&self) -> impl Iterator<Item = (&OsStr, &[u8])> {
        self.starts
            .iter()
            .zip(self.strings())
            .map(|((_, length), string)| {
                let (name, value) = string.to_bytes().split_at(*length);
                (OsStr::from_bytes(name), &value[1..])
            })
    }

    fn arrange(entries: &BTreeMap<&OsStr, &[u8]>) -> Self {
        let size = entries
            .iter()
            .map(|(name, value)| name.len() + value.len() + 2)
            .sum();
        let mut starts = Vec::with_capacity(entries.len());
        let block = Secret::written(size, |block| {
            let mut end = 0;
            for (name, value) in entries {
                starts.push((end, name.len()));
                for part in [name.as_bytes(), b"=", value, b"\0"] {
                    block[end..end + part.len()].copy_from_slice(part);
                    end += part.len();
                }
            }
        });
        Self { block, starts }
    }

    /// The strings, as `execve` takes them.
    pub fn strings(&self) -> Vec<&CStr> {
        let block = self.block.expose();
        self.starts
            .iter()
            .filter_map(|(start, _)| CStr::from_bytes_until_nul(&block[*start..]).ok())
            .collect()
    }

    /// Each name and the length of its string with the NUL, in bytes.
    pub fn sizes(&self) -> impl Iterator<Item = (&OsStr, usize)> {
        let block = self.block.expose();
        let starts = self.starts.iter().skip(1).map(|(start, _)| *start);
        let ends = starts.chain([block.len()]);
        let sized = self.starts.iter().zip(ends);
        sized.map(move |((start, name), end)| {
            let name = &block[*start..start + name];
            (OsStr::from_bytes(name), end - start)
        })
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::arrange(&BTreeMap::new())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use endow_providers::Secret;

    use super::{Environment, inherit::Fate};

    fn values(pairs: &[(&str, Option<&[u8]>)]) -> BTreeMap<String, Option<Secret>> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(Secret::copied_from)))
            .collect()
    }

    #[test]
    fn the_block_is_sorted_by_bytes_and_the_first_of_a_doubled_name_counts() {
        let parent = [("b", "1"), ("A", "2"), ("b", "3"), ("_", "4")]
            .map(|(name, value)| (name.into(), value.into()));
        let fates = vec![Fate::Inherited(super::inherit::Why::Base); 4];
        let environment = Environment::build(
            &parent,
            &fates,
            &[],
            &values(&[("Z", Some(b"\xff\n")), ("ABSENT", None)]),
        )
        .unwrap();
        let strings: Vec<&[u8]> = environment
            .strings()
            .iter()
            .map(|string| string.to_bytes())
            .collect();
        assert_eq!(strings, [b"A=2".as_slice(), b"Z=\xff\n", b"_=4", b"b=1"]);
        let sizes: Vec<usize> = environment.sizes().map(|(_, size)| size).collect();
        assert_eq!(sizes, [4, 5, 4, 4]);
    }

    #[test]
    fn a_nul_in_a_value_is_refused_by_name() {
        let refused = Environment::build(
            &[],
            &[],
            &[],
            &values(&[("OK", Some(b"x")), ("BAD", Some(b"a\0b"))]),
        )
        .err()
        .unwrap();
        assert_eq!(refused.names, ["BAD"]);
    }
}

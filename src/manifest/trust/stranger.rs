//! Files that someone else can change.

use crate::manifest::load::Owner;

/// A file that its caller should not believe.
pub fn stranger(owners: &[Owner], caller: u32) -> Option<(&Owner, &'static str)> {
    owners.iter().find_map(|owner| {
        if owner.is_world_writable {
            Some((owner, "every user can write it"))
        } else if owner.is_replaceable {
            Some((
                owner,
                "every user can replace it, for its directory can be written by all",
            ))
        } else if owner.uid != caller && owner.uid != 0 {
            Some((owner, "it belongs to another user"))
        } else {
            None
        }
    })
}

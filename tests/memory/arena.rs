//! The arena itself: what it is to the system, and how much of it there is.

use super::{LATE, assert_in_arena_alone, canary, waiting};
use crate::harness::{
    Test,
    memory::{mappings, search, status},
};

#[test]
fn the_memory_of_values_is_locked_private_in_no_dump_and_has_a_guard_on_either_side() {
    let value = canary();
    let test = Test::manifest(&format!(
        "version: 1\nenv: {{ API_KEY: dotenv://.env, {LATE} }}\n"
    ));
    waiting(test.dotenv(&format!("API_KEY={value}\n")), |child| {
        assert_in_arena_alone(child.id(), &value);
        let all = mappings(child.id());
        for (arena, _) in search(child.id(), value.as_bytes()) {
            // Readable, writable, not executable; the last letter is not shared; no file.
            assert_eq!((arena.access.as_str(), arena.name.as_str()), ("rw-p", ""));
            let guards = all.iter().filter(|other| {
                other.access == "---p" && (other.end == arena.start || other.start == arena.end)
            });
            assert_eq!(guards.count(), 2, "{all:#?}");
        }
        // `mlockall` would lock far more, and everything that comes after.
        let locked = status(child.id(), "VmLck");
        assert_eq!(locked, "16 kB", "the smallest region is enough");
        let heap = all.iter().find(|mapping| mapping.name == "[heap]");
        assert!(!heap.expect("a heap").has("lo"), "{all:#?}");
    });
}

#[test]
fn large_values_are_locked_too() {
    let value = canary();
    let test = Test::manifest(&format!(
        "version: 1\nenv: {{ API_KEY: {{ from: file://value, as: file }}, {LATE} }}\n"
    ));
    let content = value.clone() + &"x".repeat(200_000);
    waiting(test.file_with_mode("value", content, 0o600), |child| {
        assert_in_arena_alone(child.id(), &value);
    });
}

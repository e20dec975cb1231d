use std::thread;

use super::{Arena, Chunk, LARGEST, Region, SIZES, SMALLEST, STEP, index, size_of_chunk};

fn filled(arena: &'static Arena, length: usize, byte: u8) -> Chunk {
    let mut chunk = arena.take(length);
    assert_eq!(chunk.as_ref(), vec![0; length], "it is zero at first");
    chunk.as_mut().fill(byte);
    chunk
}

#[track_caller]
fn assert_all(chunk: &Chunk, byte: u8) {
    assert!(chunk.as_ref().iter().all(|other| *other == byte));
}

fn address(chunk: &Chunk) -> usize {
    chunk.as_ref().as_ptr().addr()
}

#[test]
fn arena_has_a_size_for_every_length() {
    for (length, size) in [
        (1, SMALLEST),
        (SMALLEST, SMALLEST),
        (65, 128),
        (LARGEST, LARGEST),
    ] {
        assert_eq!(size_of_chunk(length), size);
    }
    assert_eq!(index(SMALLEST), 0);
    assert_eq!(index(LARGEST), SIZES - 1);
}

#[test]
fn arena_wipes_a_chunk_that_is_dropped_and_gives_it_to_the_next() {
    static ARENA: Arena = Arena::new();
    for length in [1, 63, 64, 65, 1000, LARGEST] {
        let chunk = filled(&ARENA, length, 0xa5);
        let (before, start) = (address(&chunk), chunk.start);
        drop(chunk);
        {
            let state = ARENA.state();
            assert_eq!(state.free[index(size_of_chunk(length))], [start]);
            // SAFETY: A free chunk is nobody's while the state is locked, and its region is there.
            let free = unsafe { std::slice::from_raw_parts(start.as_ptr(), length) };
            assert!(
                free.iter().all(|byte| *byte == 0),
                "{length} bytes are wiped"
            );
        }
        // `filled` checks that it is zero.
        assert_eq!(address(&filled(&ARENA, length, 1)), before);
    }
}

#[test]
fn arena_wipes_on_demand() {
    static ARENA: Arena = Arena::new();
    let mut chunk = filled(&ARENA, 100, 0xa5);
    chunk.wipe();
    assert_all(&chunk, 0);
}

#[test]
fn arena_gives_chunks_that_do_not_overlap() {
    static ARENA: Arena = Arena::new();
    let lengths = [1, 64, 65, 200, 4096, 4097, 300, 1, 9000];
    let mut chunks: Vec<(Chunk, u8)> = (0..4_u8)
        .flat_map(|round| lengths.map(|length| (length, round)))
        .zip(1..)
        .map(|((length, _), byte)| (filled(&ARENA, length, byte), byte))
        .collect();
    for (chunk, byte) in &chunks {
        assert_all(chunk, *byte);
        assert_eq!(address(chunk) % SMALLEST, 0, "it begins with a cache line");
    }
    // Every other one goes, and others come in their places.
    let mut at = 0;
    chunks.retain(|_| {
        at += 1;
        at % 2 == 0
    });
    chunks.extend(lengths.map(|length| (filled(&ARENA, length, 0x77), 0x77)));
    for (chunk, byte) in &chunks {
        assert_all(chunk, *byte);
    }
}

#[test]
fn arena_grows_by_whole_regions_and_to_no_more_than_twice_what_is_used() {
    static ARENA: Arena = Arena::new();
    let all = || ARENA.state().shared.iter().map(Region::size).sum::<usize>();
    assert_eq!(all(), 0, "nothing is there before the first value");
    let mut chunks = Vec::new();
    for count in 1..=(6 * STEP / SMALLEST) {
        chunks.push(filled(&ARENA, SMALLEST, 1));
        assert!(
            all() <= (2 * count * SMALLEST).max(STEP),
            "{} for {count}",
            all()
        );
    }
    assert_eq!(ARENA.state().shared.len(), 4);
    drop(chunks);
    let after = all();
    let again: Vec<Chunk> = (0..6 * STEP / SMALLEST)
        .map(|_| filled(&ARENA, 50, 2))
        .collect();
    assert_eq!(all(), after, "what was given back is used again");
    drop(again);
}

#[test]
fn arena_has_a_region_for_a_large_value_and_gives_it_back() {
    static ARENA: Arena = Arena::new();
    let lengths = if cfg!(miri) {
        [4097, 70_000]
    } else {
        [200_000, 16 << 20]
    };
    for length in lengths {
        let chunk = filled(&ARENA, length, 0xa5);
        assert_all(&chunk, 0xa5);
        assert_eq!(ARENA.state().own.len(), 1);
        drop(chunk);
        assert_eq!(ARENA.state().own.len(), 0);
    }
    assert!(ARENA.state().shared.is_empty());
}

#[test]
fn arena_takes_no_memory_for_an_empty_value() {
    static ARENA: Arena = Arena::new();
    let mut chunk = ARENA.take(0);
    assert!(chunk.as_ref().is_empty() && chunk.as_mut().is_empty());
    chunk.wipe();
    drop(chunk);
    assert!(ARENA.state().shared.is_empty());
}

#[test]
fn arena_serves_many_threads() {
    static ARENA: Arena = Arena::new();
    let (threads, rounds) = if cfg!(miri) { (3, 8) } else { (8, 500) };
    let work = move |byte: u8| {
        let mut chunks = Vec::new();
        for round in 0..rounds {
            chunks.push(filled(&ARENA, 1 + round * 37 % 5000, byte));
            if round % 3 == 0 {
                chunks.swap_remove(round % chunks.len());
            }
        }
        // Some are dropped by another thread than the one that took them.
        chunks
    };
    let running: Vec<_> = (1..=threads)
        .map(|byte| thread::spawn(move || (byte, work(byte))))
        .collect();
    for thread in running {
        let (byte, chunks) = thread.join().unwrap();
        for chunk in &chunks {
            assert_all(chunk, byte);
        }
    }
}

#[test]
fn arena_stands_still_while_it_is_held() {
    static ARENA: Arena = Arena::new();
    let chunk = filled(&ARENA, 10, 3);
    let mut held = ARENA.hold();
    held.lock_again();
    let other = thread::spawn(|| filled(&ARENA, 10, 4));
    assert!(ARENA.0.try_lock().is_err());
    drop(held);
    assert_all(&other.join().unwrap(), 4);
    assert_all(&chunk, 3);
}

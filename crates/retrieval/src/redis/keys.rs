//! What the keys of a shard are called, and which slot of a cluster that puts them in.

/// Slots of a cluster.
const SLOTS: u16 = 16384;

/// The hash tags of as many shards, so that shard `n` is in the `n`th part of the slots: a cluster whose slots are divided
/// evenly has them on nodes of their own.
pub(super) fn tags(name: &str, shards: usize) -> Vec<String> {
    let part = |shard: usize| usize::from(SLOTS) * shard / shards;
    let tag = |shard: usize| {
        let wanted = part(shard)..part(shard + 1);
        let tag = (0u32..)
            .map(|attempt| format!("{name}.{shard}.{attempt}"))
            .find(|tag| wanted.contains(&usize::from(slot(tag))));
        // There is one sooner than numbers end.
        tag.unwrap_or_else(|| format!("{name}.{shard}"))
    };
    (0..shards).map(tag).collect()
}

/// What all keys of the shard with this tag begin with.
pub(super) fn base(tag: &str) -> String {
    format!("vetted:{{{tag}}}:")
}

/// The key that says what the index of this name is.
pub(super) fn index(name: &str) -> String {
    format!("vetted:{{{name}}}:index")
}

/// In which shard a document is.
pub(super) fn shard_of(id: &str, shards: usize) -> usize {
    crc32fast::hash(id.as_bytes()) as usize % shards
}

/// The slot of a hash tag: CRC-16 (XMODEM) of it.
pub(super) fn slot(tag: &str) -> u16 {
    let crc = tag.bytes().fold(0u16, |crc, byte| {
        (0..8)
            .fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_that_redis_says() {
        // CLUSTER KEYSLOT of each, on Redis 8.2.3; the first is also the check value of the specification.
        for (tag, expected) in [("123456789", 0x31c3 % SLOTS), ("foo", 12182), ("vetted", slot("vetted"))] {
            assert_eq!(slot(tag), expected, "{tag}");
        }
    }

    #[test]
    fn shards_have_parts_of_the_slots_of_their_own() {
        for shards in [1, 2, 3, 4, 7, 1024] {
            for (at, tag) in tags("notes", shards).iter().enumerate() {
                assert_eq!(usize::from(slot(tag)) * shards / usize::from(SLOTS), at, "{tag} of {shards}");
            }
        }
    }

    #[test]
    fn documents_spread_over_shards() {
        let mut counts = [0; 3];
        (0..3000).for_each(|id| counts[shard_of(&format!("document-{id}"), 3)] += 1);
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}

//! What the verifier reads of passages that were asked about before. Encoding passages is nearly all the work of reranking, and
//! retrievers hand over the same passages again and again.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use vetted::PassageViews;

use crate::metrics::KeptViewsMetrics;

/// Views of passages, up to a number of bytes; those that are not asked about go first. Of the passages themselves nothing is
/// kept but a digest.
pub(crate) struct KeptViews {
    kept: Cache<Key, Arc<Kept>, Size>,
    metrics: KeptViewsMetrics,
}

/// What is kept of a passage.
pub(crate) struct Kept {
    /// How many tokens the passage has.
    pub(crate) tokens: usize,
    pub(crate) views: PassageViews<'static>,
}

/// A passage, by the digest of its text: nobody can make up another passage that has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

#[derive(Clone)]
struct Size;

/// A passage of an ordinary size takes so many bytes, which tells the cache how many to expect.
const ORDINARY: usize = 4 << 10;
/// What a passage takes besides its views: the key and the cache's own bookkeeping.
const BESIDES: usize = 200;

impl KeptViews {
    /// Keeps at most so many bytes; with none, nothing is kept.
    pub(crate) fn new(bytes: usize, metrics: KeptViewsMetrics) -> KeptViews {
        KeptViews { kept: Cache::with_weighter(bytes / ORDINARY, bytes as u64, Size), metrics }
    }

    /// What was kept of a passage.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        let kept = self.kept.get(key);
        self.metrics.asked(kept.is_some());
        kept
    }

    /// Keeps it for whoever asks next.
    pub(crate) fn keep(&self, key: Key, kept: Arc<Kept>) {
        self.kept.insert(key, kept);
        self.metrics.holds(self.kept.weight());
    }
}

impl Key {
    pub(crate) fn of(passage: &str) -> Key {
        Key(Sha256::digest(passage.as_bytes()).into())
    }
}

impl Weighter<Key, Arc<Kept>> for Size {
    fn weight(&self, _: &Key, kept: &Arc<Kept>) -> u64 {
        let views = kept.views.views.iter().map(|views| views.bytes().map_or(0, <[u8]>::len) + size_of_val(views));
        (views.sum::<usize>() + BESIDES) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_was_allowed() {
        let metrics = crate::metrics::Metrics::new();
        for (bytes, most) in [(0, 0), (2_000, 10), (20_000, 100)] {
            let views = KeptViews::new(bytes, metrics.kept_views());
            let keys: Vec<Key> = (0..1_000).map(|at| Key::of(&format!("passage {at}"))).collect();
            for key in &keys {
                let kept = Kept { tokens: 1, views: PassageViews { ranges: Vec::new(), views: Vec::new() } };
                views.keep(*key, Arc::new(kept));
            }
            let held = keys.iter().filter(|key| views.get(key).is_some()).count();
            assert!(held <= most && held >= most / 2, "{held} of at most {most}");
            assert!(views.kept.weight() <= bytes as u64);
        }
    }
}

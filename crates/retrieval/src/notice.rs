//! What an index did on its own account.

use std::fmt;

/// Something that the user may want to know, and that is no error. Every [`Display`](fmt::Display) is one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The text index could not be used and was rebuilt from the store.
    TextRebuilt {
        /// Why it could not be used.
        reason: String,
        /// How many documents it holds now.
        documents: usize,
    },
    /// The text index lacked changes, as after a kill, and was brought up to date from the store.
    TextCaughtUp {
        /// How many documents were added.
        added: usize,
        /// How many documents were removed.
        removed: usize,
    },
    /// The text index lacks changes and another process is writing, so BM25 does not find everything yet.
    TextBehind {
        /// How many documents BM25 does not find.
        missing: usize,
    },
    /// The index is large and its graph of the vectors cannot be used, so dense queries are compared with every passage:
    /// right, and slow. [`Index::finish`](crate::Index::finish) makes a new graph.
    GraphUnusable {
        /// Why it cannot be used.
        reason: String,
        /// How many passages there are.
        passages: usize,
    },
    /// The graph of the vectors could not be used and was rebuilt from the store.
    GraphRebuilt {
        /// Why it could not be used.
        reason: String,
        /// How many passages it holds now.
        passages: usize,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::TextRebuilt { reason, documents } => {
                write!(formatter, "the text index was rebuilt from the store, {documents} documents ({reason})")
            }
            Notice::TextCaughtUp { added, removed } => write!(
                formatter,
                "the text index was brought up to date from the store: {added} documents added, {removed} removed"
            ),
            Notice::TextBehind { missing } => write!(
                formatter,
                "the text index lacks {missing} documents until the process that writes them is done; BM25 does not \
                 find them yet"
            ),
            Notice::GraphUnusable { reason, passages } => write!(
                formatter,
                "the vector graph cannot be used ({reason}); until a writer finishes, dense queries are slow because they \
                 are compared with all {passages} passages"
            ),
            Notice::GraphRebuilt { reason, passages } => {
                write!(formatter, "the vector graph was rebuilt from the store, {passages} passages ({reason})")
            }
        }
    }
}

//! What an index did on its own account.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

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
    /// The text index on disk cannot be used, and this process only reads: it has counted the words in memory, which took it
    /// longer. A process that writes makes a new one.
    TextUnusable {
        /// Why it cannot be used.
        reason: String,
        /// How many documents' words were counted.
        documents: usize,
    },
    /// The text index lacked changes, as after a kill, and was brought up to date from the store.
    TextCaughtUp {
        /// How many documents were added.
        added: usize,
        /// How many documents were removed.
        removed: usize,
    },
    /// Documents were written, and the text index on disk could not be: it is tried again, and searches find everything
    /// meanwhile.
    TextNotWritten {
        /// What went wrong.
        reason: String,
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
    /// What an operator should know of a server that keeps the documents.
    Server {
        /// It.
        message: String,
    },
    /// There were more notices than are kept, and the oldest are lost.
    Lost {
        /// How many.
        notices: usize,
    },
}

/// How many notices are kept until somebody asks for them.
const KEPT: usize = 64;

/// The latest notices, for whoever asks.
#[derive(Default)]
pub(crate) struct Notices(Mutex<(VecDeque<Notice>, usize)>);

impl Notices {
    pub(crate) fn add(&self, notice: Notice) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (latest, lost) = &mut *kept;
        if latest.len() == KEPT {
            latest.pop_front();
            *lost += 1;
        }
        latest.push_back(notice);
    }

    /// All that are kept, which are so no longer.
    pub(crate) fn take(&self) -> Vec<Notice> {
        let (latest, notices) = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (notices > 0).then_some(Notice::Lost { notices }).into_iter().chain(latest).collect()
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::TextRebuilt { reason, documents } => {
                write!(formatter, "the text index was rebuilt from the store, {documents} documents ({reason})")
            }
            Notice::TextUnusable { reason, documents } => write!(
                formatter,
                "the text index cannot be used ({reason}): the words of {documents} documents were counted anew, in memory; \
                 whoever next writes to the index makes a new one"
            ),
            Notice::TextCaughtUp { added, removed } => write!(
                formatter,
                "the text index was brought up to date from the store: {added} documents added, {removed} removed"
            ),
            Notice::TextNotWritten { reason } => write!(
                formatter,
                "the text index could not be brought up to date on disk ({reason}); it is tried again, and searches \
                 find everything meanwhile"
            ),
            Notice::GraphUnusable { reason, passages } => write!(
                formatter,
                "the vector graph cannot be used ({reason}); until a writer finishes, dense queries are slow because they \
                 are compared with all {passages} passages"
            ),
            Notice::GraphRebuilt { reason, passages } => {
                write!(formatter, "the vector graph was rebuilt from the store, {passages} passages ({reason})")
            }
            Notice::Server { message } => formatter.write_str(message),
            Notice::Lost { notices } => write!(formatter, "{notices} older notices were not kept"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_and_the_others_counted() {
        let notices = Notices::default();
        let notice = |added| Notice::TextCaughtUp { added, removed: 0 };
        (0..KEPT + 5).for_each(|added| notices.add(notice(added)));
        let taken = notices.take();
        assert_eq!(taken.len(), KEPT + 1);
        assert_eq!((&taken[0], taken.last()), (&Notice::Lost { notices: 5 }, Some(&notice(KEPT + 4))));
        assert_eq!(notices.take(), []);
    }
}

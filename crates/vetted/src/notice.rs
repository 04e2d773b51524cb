//! What an engine did on its own account.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Something that the user may want to know, and that is no error. Every [`Display`](fmt::Display) is one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The index says it.
    Index(vetted_retrieval::Notice),
    /// The views kept in the index are of another verifier than the one that searches ask, so candidates are encoded when
    /// they are found: right, and slow. Said once.
    OtherViews,
    /// The views kept of a document are not what was written; its text was encoded instead.
    DamagedViews {
        /// The document's id.
        id: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Index(notice) => notice.fmt(formatter),
            Notice::OtherViews => write!(
                formatter,
                "the index keeps the views of another verifier or of an earlier vetted, so texts are encoded as they are found, which is slow; \
                 index the same documents again to renew them"
            ),
            Notice::DamagedViews { id } => write!(
                formatter,
                "the views kept of document {id:?} are damaged, so its text is encoded when it is found; delete it and index \
                 it again"
            ),
        }
    }
}

/// So many notices are kept until somebody asks for them.
const MOST_KEPT: usize = 64;

/// What an engine has said and nobody has asked for yet: the latest.
#[derive(Default)]
pub(crate) struct Notices(Mutex<VecDeque<Notice>>);

impl Notices {
    /// Says it at once, as an event, and keeps it.
    pub(crate) fn say(&self, notice: Notice) {
        tracing::warn!("{notice}");
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MOST_KEPT {
            kept.pop_front();
        }
        kept.push_back(notice);
    }

    pub(crate) fn take(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_the_latest_are_kept_until_they_are_taken() {
        let notices = Notices::default();
        let notice = |i: usize| Notice::DamagedViews { id: i.to_string() };
        (0..1000).for_each(|i| notices.say(notice(i)));
        assert_eq!(notices.take(), (1000 - MOST_KEPT..1000).map(notice).collect::<Vec<_>>());
        assert_eq!(notices.take(), []);
    }
}

//! What an engine did on its own account.

use std::fmt;

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
                "the index keeps the views of another verifier, so texts are encoded as they are found, which is slow; \
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

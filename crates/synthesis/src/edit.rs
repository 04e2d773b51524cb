//! What an edit does to a sentence and to its meaning.

use vetted_pairs::Kind;

use crate::sentence::Sentence;

/// How the edited sentence relates to the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// Each entails the other.
    Same,
    /// They cannot both be true of the same situation.
    Conflict,
    /// Neither entails the other; whether both can be true is not known.
    Different,
    /// The original entails the edited sentence, which says less.
    Less,
    /// The edited sentence entails the original and says more.
    More,
}

/// An edited sentence.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The result.
    pub sentence: Sentence,
    /// The kind of operation; for a paraphrase, the kind of negative that leaves the same traces.
    pub kind: Kind,
    /// The operation's name.
    pub phenomenon: &'static str,
    /// What became of the meaning.
    pub meaning: Meaning,
}

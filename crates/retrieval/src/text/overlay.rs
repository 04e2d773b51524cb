//! Documents that tantivy does not hold yet.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use tantivy::fieldnorm::FieldNormReader;

use super::{NOBODY, terms};
use crate::roster::{Ordinal, Renumbering};

/// Documents that were written together.
#[derive(Clone)]
pub(super) struct Batch {
    /// In the order of `words`; [`NOBODY`] for those that are not to be found here.
    pub(super) ordinals: Vec<Ordinal>,
    pub(super) words: Arc<Words>,
}

impl Batch {
    /// The batch without the documents that `keep` refuses; `None` if none are left.
    pub(super) fn retain(&self, keep: impl Fn(Ordinal) -> bool) -> Option<Batch> {
        let kept = |ordinal: &Ordinal| if *ordinal != NOBODY && keep(*ordinal) { *ordinal } else { NOBODY };
        let ordinals: Vec<Ordinal> = self.ordinals.iter().map(kept).collect();
        ordinals.iter().any(|ordinal| *ordinal != NOBODY).then(|| Batch { ordinals, words: self.words.clone() })
    }

    /// The same documents under new ordinals.
    pub(super) fn renumbered(&self, ordinals: &Renumbering) -> Batch {
        let new = |ordinal: &Ordinal| ordinals.of(*ordinal).unwrap_or(NOBODY);
        Batch { ordinals: self.ordinals.iter().map(new).collect(), words: self.words.clone() }
    }
}

/// The terms of some texts, counted when they are first asked for: while documents are only written, nobody does.
pub(crate) struct Words {
    counted: LazyLock<Counted, Box<dyn FnOnce() -> Counted + Send>>,
    bytes: usize,
}

/// Which text has which terms, and how often.
pub(super) struct Counted {
    /// How many terms each text has, rounded as tantivy does.
    pub(super) lengths: Vec<u32>,
    /// By term, the texts that have it and how often, ascending.
    pub(super) postings: HashMap<Box<str>, Vec<(u32, u32)>>,
}

impl Words {
    /// The terms of `texts`, counted when they are asked for.
    pub(crate) fn later(texts: Vec<String>) -> Arc<Self> {
        let bytes = texts.iter().map(String::len).sum();
        Arc::new(Self { counted: LazyLock::new(Box::new(move || Counted::of(&texts))), bytes })
    }

    /// Counts the terms now.
    pub(crate) fn count(&self) {
        LazyLock::force(&self.counted);
    }

    pub(super) fn counted(&self) -> &Counted {
        &self.counted
    }

    /// How many bytes the texts have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The length of a text of so many terms, rounded, in a byte.
pub(crate) fn rounded(terms: usize) -> u8 {
    FieldNormReader::fieldnorm_to_id(u32::try_from(terms).unwrap_or(u32::MAX))
}

/// The length that a byte stands for.
pub(crate) fn length_of(rounded: u8) -> u32 {
    FieldNormReader::id_to_fieldnorm(rounded)
}

impl Counted {
    fn of(texts: &[String]) -> Self {
        let mut lengths = Vec::with_capacity(texts.len());
        let mut postings: HashMap<Box<str>, Vec<(u32, u32)>> = HashMap::new();
        for (text, at) in texts.iter().zip(0..) {
            let terms = terms(text);
            lengths.push(length_of(rounded(terms.len())));
            for term in terms {
                let texts = postings.entry(term.into()).or_default();
                match texts.last_mut() {
                    Some((last, frequency)) if *last == at => *frequency += 1,
                    _ => texts.push((at, 1)),
                }
            }
        }
        Self { lengths, postings }
    }
}

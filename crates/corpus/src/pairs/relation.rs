//! What it is for two texts to match.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The relation that a pair's label is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The same meaning. It has no direction: what holds of (a, b) holds of (b, a).
    #[default]
    Equivalence,
    /// The candidate entails, or answers, the query. It is directed.
    Support,
}

/// Public data sets of natural language inference and fact checking: their pairs are directed, the premise or evidence
/// being the candidate. So are those of every source whose name begins with `hossain` (Hossain et al., *An Analysis of
/// Natural Language Inference Benchmarks through the Lens of Negation*, EMNLP 2020), and `scramble` (Dasgupta et al.,
/// *Evaluating Compositionality in Sentence Embeddings*, CogSci 2018), where a dropped modifier counts as a match.
pub const DIRECTED_SOURCES: [&str; 14] = [
    "snli",
    "cad_nli",
    "sick",
    "conjnli",
    "scone",
    "monli",
    "help",
    "xnli_en",
    "fever_symmetric",
    "climate_fever",
    "med",
    "hans_regen",
    "scramble",
    "scramble_true",
];

/// Public data sets whose claim, which is the query, is usually found in `s1` and the evidence in `s2`.
pub const CLAIM_FIRST_SOURCES: [&str; 1] = ["fever_symmetric"];

impl Relation {
    pub(super) const EXPECTED: &str = "equivalence or support";

    /// The relation in the pairs of a source, where the file does not say: support for the [`DIRECTED_SOURCES`] and the
    /// sources that begin with `hossain`, equivalence for all others.
    pub fn of_source(source: &str) -> Relation {
        match DIRECTED_SOURCES.contains(&source) || source.starts_with("hossain") {
            true => Relation::Support,
            false => Relation::Equivalence,
        }
    }

    /// Its name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Equivalence => "equivalence",
            Relation::Support => "support",
        }
    }
}

impl fmt::Display for Relation {
    /// Its [name](Relation::name).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Relation {
    type Err = Error;

    /// Reads a [name](Relation::name); [`Error::UnknownName`] if it is none.
    fn from_str(name: &str) -> Result<Relation, Error> {
        let known = [Relation::Equivalence, Relation::Support].into_iter().find(|relation| relation.name() == name);
        known.ok_or_else(|| Error::UnknownName {
            what: "relation",
            got: name.to_string(),
            expected: Relation::EXPECTED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_tell_the_relation() {
        let cases = [
            ("snli", Relation::Support),
            ("hans_regen", Relation::Support),
            ("hossain_neg_RTE", Relation::Support),
            ("hossain", Relation::Support),
            ("scramble_true", Relation::Support),
            ("paws_wiki", Relation::Equivalence),
            ("not_snli", Relation::Equivalence),
            ("", Relation::Equivalence),
        ];
        for (source, relation) in cases {
            assert_eq!(Relation::of_source(source), relation, "{source:?}");
        }
    }
}

//! What is learnt from: a pair of texts and what is known about it.

use vetted_pairs::{Kind, Label, Pair, Relation};

/// A labelled pair. What is not known teaches nothing: `None` is never read as "no".
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Example {
    /// The query, hypothesis or claim.
    pub query: String,
    /// The candidate, premise or passage.
    pub candidate: String,
    /// Whether the candidate supports the query.
    pub support: Option<bool>,
    /// Whether the two mean the same.
    pub equivalence: Option<bool>,
    /// Whether the two contradict each other.
    pub conflict: Option<bool>,
    /// What differs.
    pub kind: Option<Kind>,
    /// Whether the labels hold for both orders; such pairs are swapped at random in training and scored both ways.
    pub symmetric: bool,
    /// What the pair counts, 1 for most.
    pub weight: f32,
    /// Where it comes from: what [`Recipe::shares`](crate::Recipe::shares) go by. May be empty.
    pub source: String,
}

impl Example {
    /// Whether there is anything to learn from it.
    pub fn is_labelled(&self) -> bool {
        self.support.is_some() || self.equivalence.is_some() || self.conflict.is_some() || self.kind.is_some()
    }
}

impl From<&Pair> for Example {
    /// What a pair's label says, and no more.
    ///
    /// Support: neutral is "not supported" and no conflict; a `0` is a contradiction unless the pair's own `conflict` says
    /// otherwise, as in all directed sources with three labels; what does not support does not mean the same. Equivalence:
    /// neutral is undecided; texts that mean the same support each other and do not conflict; of others, those that
    /// conflict, or that say the same words of other things, do not support each other. A kind is learnt from pairs that do
    /// not match.
    fn from(pair: &Pair) -> Example {
        let matches = pair.label == Some(Label::Match);
        let swapped = matches!(pair.kind, Some(Kind::Role | Kind::Binding));
        let denied = (swapped || pair.conflict == Some(true)).then_some(false);
        let (support, equivalence, conflict) = match (pair.relation, pair.label) {
            (_, None) => (None, None, None),
            (Relation::Support, Some(label)) => {
                (Some(matches), (!matches).then_some(false), Some(label == Label::NoMatch))
            }
            (Relation::Equivalence, Some(Label::Neutral)) => (None, None, None),
            (Relation::Equivalence, Some(Label::Match)) => (Some(true), Some(true), Some(false)),
            (Relation::Equivalence, Some(Label::NoMatch)) => (denied, Some(false), None),
        };
        Example {
            query: pair.query.clone(),
            candidate: pair.candidate.clone(),
            support,
            equivalence,
            conflict: pair.conflict.or(conflict),
            kind: pair.kind.filter(|_| !matches),
            symmetric: pair.relation == Relation::Equivalence,
            weight: 1.0,
            source: pair.source.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_what_they_say() {
        use {Label::*, Relation::*};
        let (yes, no) = (Some(true), Some(false));
        let cases = [
            (Support, Some(Match), None, [yes, None, no]),
            (Support, Some(Neutral), None, [no, no, no]),
            (Support, Some(NoMatch), None, [no, no, yes]),
            (Support, Some(NoMatch), no, [no, no, no]),
            (Equivalence, Some(Match), None, [yes, yes, no]),
            (Equivalence, Some(NoMatch), None, [no, no, None]), // roles are swapped
            (Equivalence, Some(NoMatch), yes, [no, no, yes]),
            (Equivalence, Some(Neutral), None, [None, None, None]),
            (Equivalence, None, yes, [None, None, yes]),
        ];
        for (relation, label, conflict, expected) in cases {
            let pair = Pair { relation, label, conflict, kind: Some(Kind::Role), ..Pair::new("candidate", "query") };
            let example = Example::from(&pair);
            assert_eq!([example.support, example.equivalence, example.conflict], expected, "{relation:?} {label:?}");
            assert_eq!(example.symmetric, relation == Equivalence);
            assert_eq!(example.kind, if label == Some(Match) { None } else { Some(Kind::Role) });
            assert_eq!((&example.query[..], &example.candidate[..]), ("query", "candidate"));
        }
        let longer = Pair { label: Some(NoMatch), kind: Some(Kind::Addition), ..Pair::new("more is said", "more") };
        assert_eq!(Example::from(&longer).support, None, "the longer text may support the shorter");
    }
}

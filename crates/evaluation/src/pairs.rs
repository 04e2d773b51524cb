//! Labelled pairs, made ready to be scored and measured.
//!
//! Equivalence has no direction, so an equivalent pair is scored both ways round and the two scores are averaged:
//! [`both_orders`] says what to score, and [`average_orders`] puts the scores together. (A scorer that does so itself
//! needs neither.) [`Groups`] says which pairs count where, and as what.

use std::collections::{BTreeMap, BTreeSet};

use vetted_pairs::{Label, Pair, Relation};

use crate::Error;

/// One question to a scorer: does the candidate stand in this relation to the query?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ordered<'a> {
    /// The text to judge against.
    pub query: &'a str,
    /// The text to judge.
    pub candidate: &'a str,
    /// Which of a scorer's outputs is asked for.
    pub relation: Relation,
}

/// What to score to know the scores of `pairs`: each as it is and, where its relation is equivalence, the other way
/// round next to it.
pub fn both_orders(pairs: &[Pair]) -> Vec<Ordered<'_>> {
    let orders = |pair| {
        let Pair { query, candidate, relation, .. }: &Pair = pair;
        let forward = Ordered { query, candidate, relation: *relation };
        let backward = Ordered { query: candidate, candidate: query, relation: *relation };
        std::iter::once(forward).chain((*relation == Relation::Equivalence).then_some(backward))
    };
    pairs.iter().flat_map(orders).collect()
}

/// One score per pair from the scores of [`both_orders`]: the mean of those that a pair has.
///
/// # Errors
/// [`Error::ScoreCount`] if there are not as many scores as orders.
pub fn average_orders(pairs: &[Pair], scores: &[f64]) -> Result<Vec<f64>, Error> {
    let orders = |pair: &Pair| match pair.relation {
        Relation::Equivalence => 2,
        Relation::Support => 1,
    };
    let expected = pairs.iter().map(orders).sum();
    if scores.len() != expected {
        return Err(Error::ScoreCount { what: "orders of pairs", expected, got: scores.len() });
    }
    let mut rest = scores;
    let mut mean_of_next = |pair| {
        let (these, others) = rest.split_at(orders(pair));
        rest = others;
        these.iter().sum::<f64>() / these.len() as f64
    };
    Ok(pairs.iter().map(&mut mean_of_next).collect())
}

/// Pairs by source, and within a source by phenomenon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    pairs: usize,
    groups: Vec<Group>,
}

/// Pairs that are measured together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Their source; `None` if they name none.
    pub source: Option<String>,
    /// Their phenomenon; `None` if the group is the whole source.
    pub phenomenon: Option<String>,
    /// The pairs that count.
    pub members: Vec<Member>,
    /// How many neutral pairs do not.
    pub skipped: usize,
}

/// A pair of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Which of the pairs, counted from 0.
    pub index: usize,
    /// What it is to match.
    pub relation: Relation,
    /// Whether it counts as a match.
    pub matches: bool,
}

impl Groups {
    /// Groups labelled pairs: every source is a group, and so is every phenomenon of a source. They are sorted by
    /// source, and a source comes before its phenomena.
    ///
    /// Neutral pairs (`N`) are neither paraphrases nor contradictions, so they are skipped where a source has pairs
    /// labelled as no match. A source that has none is *two-way*, entailed or not (such as HANS, MED, MoNLI): there
    /// they are the negatives.
    ///
    /// # Errors
    /// [`Error::Unlabelled`] for a pair without label, [`Error::NoPairs`] if none counts.
    pub fn new(pairs: &[Pair]) -> Result<Self, Error> {
        let with_negatives: BTreeSet<&str> =
            pairs.iter().filter(|pair| pair.label == Some(Label::NoMatch)).map(|pair| pair.source.as_str()).collect();
        let mut groups: BTreeMap<(&str, Option<&str>), Group> = BTreeMap::new();
        for (index, pair) in pairs.iter().enumerate() {
            let matches = match pair.label {
                None => return Err(Error::Unlabelled { position: index + 1 }),
                Some(Label::Match) => Some(true),
                Some(Label::NoMatch) => Some(false),
                Some(Label::Neutral) => (!with_negatives.contains(pair.source.as_str())).then_some(false),
            };
            let member = matches.map(|matches| Member { index, relation: pair.relation, matches });
            let phenomenon = Some(pair.phenomenon.as_str()).filter(|phenomenon| !phenomenon.is_empty());
            for phenomenon in BTreeSet::from([None, phenomenon]) {
                groups.entry((&pair.source, phenomenon)).or_default().add(member);
            }
        }
        let named = |((source, phenomenon), group): ((&str, Option<&str>), Group)| Group {
            source: (!source.is_empty()).then(|| source.to_owned()),
            phenomenon: phenomenon.map(ToOwned::to_owned),
            ..group
        };
        // A phenomenon with neutral pairs only is in its source's count of those skipped.
        let groups: Vec<Group> = groups.into_iter().map(named).filter(|group| !group.members.is_empty()).collect();
        if groups.is_empty() { Err(Error::NoPairs) } else { Ok(Self { pairs: pairs.len(), groups }) }
    }

    /// The groups, each with at least one member.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.iter()
    }

    /// The number of pairs that were grouped, skipped ones included: as many scores are needed.
    pub fn pairs(&self) -> usize {
        self.pairs
    }
}

impl Group {
    /// The number of members that match.
    pub fn positives(&self) -> usize {
        self.members.iter().filter(|member| member.matches).count()
    }

    fn add(&mut self, member: Option<Member>) {
        match member {
            Some(member) => self.members.push(member),
            None => self.skipped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(source: &str, phenomenon: &str, label: Label) -> Pair {
        let (source, phenomenon) = (source.to_owned(), phenomenon.to_owned());
        let relation = if source == "med" { Relation::Support } else { Relation::Equivalence };
        Pair { label: Some(label), relation, source, phenomenon, ..Pair::new("c", "q") }
    }

    /// Source, phenomenon, members as index and class, number skipped.
    type Row<'a> = (Option<&'a str>, Option<&'a str>, Vec<(usize, bool)>, usize);

    fn row(group: &Group) -> Row<'_> {
        let members = group.members.iter().map(|member| (member.index, member.matches)).collect();
        (group.source.as_deref(), group.phenomenon.as_deref(), members, group.skipped)
    }

    #[test]
    fn neutral_pairs_are_negatives_where_there_are_no_others() -> Result<(), Error> {
        use Label::{Match, Neutral, NoMatch};
        let pairs = [
            pair("three_way", "b", Match),
            pair("three_way", "b", Neutral),
            pair("three_way", "a", NoMatch),
            pair("three_way", "c", Neutral),
            pair("med", "up", Match),
            pair("med", "down", Neutral),
            pair("", "", NoMatch),
        ];
        let groups = Groups::new(&pairs)?;
        let expected: [Row<'_>; 7] = [
            (None, None, vec![(6, false)], 0),
            (Some("med"), None, vec![(4, true), (5, false)], 0),
            (Some("med"), Some("down"), vec![(5, false)], 0),
            (Some("med"), Some("up"), vec![(4, true)], 0),
            (Some("three_way"), None, vec![(0, true), (2, false)], 2),
            (Some("three_way"), Some("a"), vec![(2, false)], 0),
            (Some("three_way"), Some("b"), vec![(0, true)], 1),
        ];
        assert_eq!(groups.iter().map(row).collect::<Vec<_>>(), expected);
        assert_eq!(groups.pairs(), 7);
        Ok(())
    }

    #[test]
    fn pairs_need_labels() {
        let unlabelled = Groups::new(&[pair("a", "", Label::Match), Pair::new("c", "q")]);
        assert!(matches!(unlabelled, Err(Error::Unlabelled { position: 2 })));
        assert!(matches!(Groups::new(&[]), Err(Error::NoPairs)));
    }

    #[test]
    fn only_equivalence_is_scored_both_ways() -> Result<(), Error> {
        let support = Pair { relation: Relation::Support, ..Pair::new("passage", "claim") };
        let pairs = [support, Pair::new("one", "another")];
        let orders: Vec<_> = both_orders(&pairs).iter().map(|order| (order.query, order.candidate)).collect();
        assert_eq!(orders, [("claim", "passage"), ("another", "one"), ("one", "another")]);
        assert_eq!(average_orders(&pairs, &[0.2, 0.4, 0.8])?, [0.2, (0.4 + 0.8) / 2.0]);
        let too_few = average_orders(&pairs, &[0.2, 0.4]);
        assert!(matches!(too_few, Err(Error::ScoreCount { expected: 3, got: 2, .. })));
        Ok(())
    }
}

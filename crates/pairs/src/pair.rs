//! A pair and its label.

use std::{fmt, str::FromStr};

use crate::{Kind, Relation, UnknownName};

/// Two texts and what is known about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The text that is judged: candidate, passage, premise. Column `s1`.
    pub candidate: String,
    /// The text it is judged against: query, claim, hypothesis. Column `s2`.
    pub query: String,
    /// Whether they match, if that is known. Column `equiv` or `label`.
    pub label: Option<Label>,
    /// What it is to match. Column `relation`.
    pub relation: Relation,
    /// Whether they contradict each other, if that is known. Column `conflict`.
    pub conflict: Option<bool>,
    /// What tells them apart, if that is known. Column `kind`.
    pub kind: Option<Kind>,
    /// Where the pair comes from: a data set, a generator. Empty if unknown.
    pub source: String,
    /// The part of its source that it belongs to, such as `train`. Empty if unknown.
    pub split: String,
    /// What it tests, in its source's own words. Empty if unknown.
    pub phenomenon: String,
}

impl Pair {
    /// A pair of which nothing is known yet; its relation is equivalence.
    pub fn new(candidate: impl Into<String>, query: impl Into<String>) -> Pair {
        Pair { candidate: candidate.into(), query: query.into(), ..Pair::default() }
    }
}

/// Whether two texts match, in the sense of their [`Relation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// They do not: contradicted, negated, swapped, no paraphrase. `0` in files.
    NoMatch,
    /// They do: the same meaning, or entailed. `1` in files.
    Match,
    /// Neither follows from the other, or the annotators did not agree. `N` in files.
    Neutral,
}

impl Label {
    pub(crate) const EXPECTED: &str = "1 (match), 0 (no match) or N (neutral or undecided)";

    /// How files write it: `0`, `1` or `N`.
    pub fn name(self) -> &'static str {
        match self {
            Label::NoMatch => "0",
            Label::Match => "1",
            Label::Neutral => "N",
        }
    }
}

impl fmt::Display for Label {
    /// As files write it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Label {
    type Err = UnknownName;

    /// Reads `0`, `1` or `N`; [`UnknownName`] otherwise.
    fn from_str(name: &str) -> Result<Label, UnknownName> {
        let known = [Label::NoMatch, Label::Match, Label::Neutral].into_iter().find(|label| label.name() == name);
        known.ok_or_else(|| UnknownName { what: "label", got: name.to_string(), expected: Label::EXPECTED })
    }
}

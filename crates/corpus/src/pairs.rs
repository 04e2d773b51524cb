//! Pairs of texts with what is known about them: the food of training and of `vetted eval pairs`.
//!
//! A pair is a *candidate* (also passage or premise) and a *query* (also claim or hypothesis), labelled whether the two
//! match. What "match" means is the pair's [`Relation`]: the same meaning in both directions, or the candidate
//! supporting the query.
//!
//! # The file
//!
//! Tab-separated text in UTF-8, gzipped if its name ends in `.gz`, under a header that names the columns in any order:
//!
//! | column | | cells |
//! |---|---|---|
//! | `s1` | required | the candidate |
//! | `s2` | required | the query |
//! | `equiv`, or `label` | required by [`read_labelled`] | `1` match, `0` no match, `N` neutral or undecided |
//! | `source`, `split`, `phenomenon` | optional | any text |
//! | `relation` | optional | `equivalence` or `support`; empty: see [`Relation::of_source`], and [`CLAIM_FIRST_SOURCES`] |
//! | `conflict` | optional | `1` they contradict each other, `0` they do not, empty: see [`Negatives::of_source`] |
//! | `kind` | optional | what tells the texts apart, a [`Kind`]; empty: see [`Negatives::of_source`] |
//!
//! Other columns are ignored; so is `label` beside `equiv`. There is no quoting: a double quote is a character like any
//! other, and a text holds neither tabs nor line ends, for which [`write()`] puts spaces. Lines end in LF or CRLF, and empty
//! ones are passed over. An empty text is a text.
//!
//! ```
//! use vetted_corpus::pairs::{self, Kind, Label, Pair, Relation};
//!
//! # fn main() -> Result<(), vetted_corpus::Error> {
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! # let path = folder.path().join("pairs.tsv.gz");
//! let bites = Pair {
//!     label: Some(Label::NoMatch),
//!     kind: Some(Kind::Role),
//!     ..Pair::new("The dog bit the man.", "The man bit the dog.")
//! };
//! pairs::write(&path, [&bites])?;
//!
//! let read: Vec<Pair> = pairs::read(&path)?.collect::<Result<_, _>>()?;
//! assert_eq!(read, [bites]);
//! assert_eq!(read[0].relation, Relation::Equivalence);
//! # Ok(())
//! # }
//! ```

mod kind;
mod negatives;
mod read;
mod relation;
mod write;

pub use kind::Kind;
pub use negatives::Negatives;
pub use read::{Reader, read, read_labelled};
pub use relation::{CLAIM_FIRST_SOURCES, DIRECTED_SOURCES, Relation};
pub use write::{Writer, write};

use crate::Error;
use std::{fmt, str::FromStr};

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
    const EXPECTED: &str = "1 (match), 0 (no match) or N (neutral or undecided)";

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
    type Err = Error;

    /// Reads `0`, `1` or `N`; [`Error::UnknownName`] otherwise.
    fn from_str(name: &str) -> Result<Label, Error> {
        let known = [Label::NoMatch, Label::Match, Label::Neutral].into_iter().find(|label| label.name() == name);
        known.ok_or_else(|| Error::UnknownName { what: "label", got: name.to_string(), expected: Label::EXPECTED })
    }
}

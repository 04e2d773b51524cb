//! Labelled sentence pairs from a grammar that knows what its sentences mean.
//!
//! A small typed meaning (an event with its participants, an order, an interval, a scene, a formula) is said in several
//! ways, and is compared with a near miss: roles exchanged, attributes bound to other things, a number beyond its
//! interval. The label of a pair is computed from the two meanings, never guessed, and the choice among drafts keeps
//! words, overlap and length from predicting it.
//!
//! ```
//! use vetted_pairs::Label;
//! use vetted_grammar::{Options, generate};
//!
//! let pairs = generate(100, &Options { seed: 7, ..Options::default() });
//! assert_eq!(pairs.len(), 100);
//! let matching = pairs.iter().filter(|pair| pair.label == Some(Label::Match)).count();
//! assert!((1..100).contains(&matching));
//! ```
//!
//! The premise (the candidate) and the hypothesis (the query) of a [`Relation::Support`] pair match when the premise entails or answers
//! the hypothesis; those of a [`Relation::Equivalence`] pair when each entails the other.

mod clause;
mod lexicon;
mod logic;
mod morphology;
mod phenomena;
mod phrase;
mod sampling;

pub use phenomena::names as phenomena;
use phrase::Gen;
use sampling::{Ledger, Rng, readings};
use vetted_pairs::{Kind, Label, Pair, Relation};

/// A draft read one way round, with its label.
#[derive(Debug, Clone)]
struct Reading {
    phenomenon: &'static str,
    relation: Relation,
    matches: bool,
    conflict: Option<bool>,
    kind: Option<Kind>,
    s1: String,
    s2: String,
}

impl From<Reading> for Pair {
    fn from(reading: Reading) -> Pair {
        Pair {
            candidate: reading.s1,
            query: reading.s2,
            label: Some(if reading.matches { Label::Match } else { Label::NoMatch }),
            relation: reading.relation,
            conflict: reading.conflict,
            kind: reading.kind,
            source: SOURCE.to_owned(),
            split: String::new(),
            phenomenon: reading.phenomenon.to_owned(),
        }
    }
}

/// The source that generated pairs name.
pub const SOURCE: &str = "grammar";

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Pairs are a function of this number, the count and the phenomena.
    pub seed: u64,
    /// The phenomena wanted, by the names that [`phenomena`] lists; all when empty. Unknown names are ignored.
    pub phenomena: Vec<String>,
}

/// What one meaning says of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Equivalent,
    /// The first entails the second only.
    Forward,
    /// The second entails the first only.
    Backward,
    /// Neither entails the other; whether they exclude each other, where that is known.
    Neither(Option<bool>),
}

impl Verdict {
    fn new(forward: bool, backward: bool, conflict: Option<bool>) -> Self {
        match (forward, backward) {
            (true, true) => Self::Equivalent,
            (true, false) => Self::Forward,
            (false, true) => Self::Backward,
            (false, false) => Self::Neither(conflict),
        }
    }

    fn forward(self) -> bool {
        matches!(self, Self::Equivalent | Self::Forward)
    }

    fn backward(self) -> bool {
        matches!(self, Self::Equivalent | Self::Backward)
    }

    fn conflict(self) -> Option<bool> {
        match self {
            Self::Neither(conflict) => conflict,
            _ => Some(false),
        }
    }
}

/// Two texts and what the meaning of the first says of the second, before a reading is chosen.
#[derive(Debug, Clone)]
struct Draft {
    s1: String,
    s2: String,
    verdict: Verdict,
    kind: Kind,
    /// Only the first may be read as the premise.
    directed: bool,
}

impl Draft {
    fn new(s1: &str, s2: &str, verdict: Verdict, kind: Kind) -> Self {
        Self { s1: morphology::sentence(s1), s2: morphology::sentence(s2), verdict, kind, directed: false }
    }

    /// A draft whose second text may not be read as a premise.
    fn directed(self) -> Self {
        Self { directed: true, ..self }
    }
}

/// The share of pairs that are labelled for support.
const SUPPORT: f64 = 0.65;
/// How many drafts compete for each place; more make shortcuts weaker and generation slower.
const DRAFTS: usize = 4;
/// How many are drawn while all of them carry the same label.
const MOST_DRAFTS: usize = 12;

/// Generates `count` pairs, phenomena in equal shares (by their weights), deterministic in `options`.
pub fn generate(count: usize, options: &Options) -> Vec<Pair> {
    let all = phenomena::all();
    let wanted = |name: &str| options.phenomena.is_empty() || options.phenomena.iter().any(|own| own == name);
    let chosen: Vec<_> = all.iter().filter(|phenomenon| wanted(phenomenon.name)).collect();
    let total: usize = chosen.iter().map(|phenomenon| phenomenon.weight).sum();
    if total == 0 {
        return Vec::new();
    }
    let mut ledgers: Vec<[Ledger; 2]> = chosen.iter().map(|_| Default::default()).collect();
    let mut generator = Gen { rng: Rng::new(options.seed) };
    let mut pairs = Vec::with_capacity(count);
    while pairs.len() < count {
        let mut ticket = generator.rng.below(total);
        let mut index = 0;
        while ticket >= chosen[index].weight {
            ticket -= chosen[index].weight;
            index += 1;
        }
        let phenomenon = chosen[index];
        let support = phenomenon.directed || generator.rng.chance(SUPPORT);
        let relation = if support { Relation::Support } else { Relation::Equivalence };
        let mut candidates: Vec<Reading> = Vec::with_capacity(2 * DRAFTS);
        for drawn in 0..MOST_DRAFTS {
            let one_sided =
                || candidates.iter().all(|pair| pair.matches) || !candidates.iter().any(|pair| pair.matches);
            if drawn >= DRAFTS && !one_sided() {
                break;
            }
            if let Some(draft) = (phenomenon.draft)(&mut generator) {
                readings(phenomenon.name, draft, relation, &mut candidates);
            }
        }
        if let Some(pair) = ledgers[index][usize::from(support)].choose(candidates) {
            pairs.push(pair.into());
        }
    }
    pairs
}

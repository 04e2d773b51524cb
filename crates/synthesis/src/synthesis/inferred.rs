//! Pairs of long sentences and shorter statements that follow from them or do not.

use vetted_pairs::{Kind, Label, Pair, Relation};

use super::SyntheticPair;
use crate::edit::Meaning;
use crate::edits;
use crate::inference::{FRONTED, inferences};
use crate::negated::{negate_both, one_sided_of_support};
use crate::pool::Pool;
use crate::random::Random;
use crate::sentence::Sentence;

/// Statements that a sentence contains, as queries for it.
pub fn inferred(
    origin: usize,
    base: &Sentence,
    kinds: &[Kind],
    pool: &Pool,
    random: &mut Random,
    pairs: &mut Vec<SyntheticPair>,
) {
    let candidate = base.text();
    for (pattern, statement) in inferences(base) {
        let made = supported(pattern, &candidate, &statement, kinds, pool, random);
        pairs.extend(made.into_iter().map(|(pair, operation)| SyntheticPair { pair, operation, origin }));
    }
}

/// A statement as it is, paraphrased, edited, and with "not" in it, in its candidate, or in both: three pairs that match
/// and three that do not, at most, and as many of the one as of the other.
pub fn supported(
    pattern: &str,
    candidate: &str,
    statement: &Sentence,
    kinds: &[Kind],
    pool: &Pool,
    random: &mut Random,
) -> Vec<(Pair, Kind)> {
    let plain = Pair {
        label: Some(Label::Match),
        relation: Relation::Support,
        conflict: Some(false),
        source: SOURCE.to_owned(),
        split: "train".to_owned(),
        phenomenon: pattern.to_owned(),
        ..Pair::new(candidate, statement.text())
    };
    let mut made = edited(&plain, statement, pool, random);
    random.shuffle(&mut made);
    if random.chance(0.5) {
        made.sort_by_key(|(pair, _)| !pair.phenomenon.ends_with("+both"));
    }
    let negated = negated(&plain, random);
    let at = if random.chance(0.5) { 0 } else { made.len().min(2) };
    made.splice(at..at, negated.into_iter().map(|pair| (pair, Kind::Negation)));
    made.insert(if random.chance(0.5) { 0 } else { made.len() }, (plain, Kind::Addition));
    made.retain(|(_, operation)| kinds.contains(operation));
    let (matching, other): (Vec<_>, Vec<_>) = made.into_iter().partition(|(pair, _)| pair.label == Some(Label::Match));
    let most = matching.len().min(other.len()).min(3);
    matching.into_iter().take(most).chain(other.into_iter().take(most)).collect()
}

/// The statement edited, and again with "not" on both sides where that leaves the label as it is.
fn edited(plain: &Pair, statement: &Sentence, pool: &Pool, random: &mut Random) -> Vec<(Pair, Kind)> {
    let mut made = Vec::new();
    for edit in edits::all(statement, pool, random).into_iter().filter(|edit| edit.kind != Kind::Negation) {
        let matches = matches!(edit.meaning, Meaning::Same | Meaning::Less);
        let pair = Pair {
            query: edit.sentence.text(),
            label: Some(if matches { Label::Match } else { Label::NoMatch }),
            conflict: match edit.meaning {
                Meaning::Same | Meaning::Less => Some(false),
                Meaning::Conflict => Some(true),
                Meaning::Different | Meaning::More => None,
            },
            kind: (!matches).then_some(edit.kind),
            phenomenon: format!("{}+{}", plain.phenomenon, edit.phenomenon),
            ..plain.clone()
        };
        let stays = match edit.meaning {
            Meaning::Same => random.chance(0.5),
            Meaning::Conflict | Meaning::Different => STAYS.contains(&edit.kind),
            Meaning::Less | Meaning::More => false,
        };
        let negated = if stays && plain.phenomenon != FRONTED { negate_both(&pair) } else { None };
        made.extend(negated.map(|pair| (Pair { phenomenon: format!("{}+both", pair.phenomenon), ..pair }, edit.kind)));
        made.push((pair, edit.kind));
    }
    made
}

/// The statement with "not" in it, in its candidate, or in both.
fn negated(plain: &Pair, random: &mut Random) -> Vec<Pair> {
    let named = |(side, pair)| Pair { phenomenon: format!("{}-{side}", plain.phenomenon), ..pair };
    let mut made: Vec<Pair> = one_sided_of_support(plain).into_iter().map(named).collect();
    // That two negated texts agree is to be had much more often than that they do not.
    if let Some(both) = negate_both(plain).filter(|_| random.chance(0.6)) {
        let phenomenon = format!("{}-both", plain.phenomenon);
        made.push(match plain.phenomenon.as_str() {
            // Who was not seen in May may have been seen; who was not seen was not seen in May.
            FRONTED => {
                Pair { label: Some(Label::NoMatch), conflict: None, kind: Some(Kind::Addition), phenomenon, ..both }
            }
            _ => Pair { phenomenon, ..both },
        });
    }
    random.shuffle(&mut made);
    made
}

/// The source of these pairs.
pub const SOURCE: &str = "inferred";

/// Kinds of change that are there with "not" on both sides as without.
const STAYS: &[Kind] = &[
    Kind::Role,
    Kind::Binding,
    Kind::Modifier,
    Kind::Entity,
    Kind::Number,
    Kind::Date,
    Kind::Unit,
    Kind::Direction,
    Kind::Order,
];

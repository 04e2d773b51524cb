//! From sentences to balanced pairs.

use std::collections::{HashMap, HashSet};

use vetted_pairs::{Kind, Label, Pair, Relation};

use crate::edit::{Edit, Meaning};
use crate::edits;
use crate::pool::Pool;
use crate::random::Random;
use crate::sentence::Sentence;

mod answers;
mod inferred;
mod questions;

pub use answers::state_answers;
use inferred::inferred;
use questions::questions;

/// How often each operation was used so far, for statements and for questions.
type Drawn = HashMap<(&'static str, bool), usize>;

/// A pair and how it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticPair {
    /// The texts and what is known about them. Its source is `synth`, or `inferred` where the
    /// query is a statement that the candidate contains; its split `train`; its phenomenon names the
    /// operations, joined by `+`; its kind is set when the texts do not match.
    pub pair: Pair,
    /// The kind of operation, for matching pairs too: the kind of change that leaves the same traces.
    pub operation: Kind,
    /// Index of the sentence it was made from. Pairs of one sentence belong on one side of a split.
    pub origin: usize,
}

impl SyntheticPair {
    /// Whether the texts match.
    pub fn matches(&self) -> bool {
        self.pair.label == Some(Label::Match)
    }
}

/// Two texts as an operation left them, before they are labelled in full.
struct Draft {
    candidate: String,
    query: String,
    relation: Relation,
    matches: bool,
    conflict: Option<bool>,
    operation: Kind,
    phenomenon: String,
    origin: usize,
}

impl Draft {
    fn finish(self) -> SyntheticPair {
        let label = if self.matches { Label::Match } else { Label::NoMatch };
        let pair = Pair {
            candidate: self.candidate,
            query: self.query,
            label: Some(label),
            relation: self.relation,
            conflict: self.conflict,
            kind: (!self.matches).then_some(self.operation),
            source: "synth".to_owned(),
            split: "train".to_owned(),
            phenomenon: self.phenomenon,
        };
        SyntheticPair { pair, operation: self.operation, origin: self.origin }
    }
}

/// How many pairs, of what, and by which seed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names the sequence of choices.
    pub seed: u64,
    /// Pairs drawn from a sentence before balancing.
    pub per_sentence: usize,
    /// Kinds of operation to use.
    pub kinds: Vec<Kind>,
    /// Most of the larger label that is kept for one of the smaller, among pairs that look alike to a bag-of-words
    /// reader: 1 leaves that reader near chance, more keeps more pairs, infinity keeps all.
    pub slack: f64,
    /// Share of pairs whose partner is paraphrased as well.
    pub compose: f64,
    /// Share of sentences that are negated before anything else, where they can be: what holds of a statement holds of
    /// its negation.
    pub negate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, per_sentence: 6, kinds: Kind::ALL.to_vec(), slack: 1.0, compose: 0.6, negate: 0.12 }
    }
}

/// Edits every sentence and draws pairs, the rarer operations first; equal input and options give equal pairs.
///
/// A sentence that has fewer than three or more than sixty words, or in which no operation finds its pattern, gives none.
pub fn synthesize<'a>(sentences: impl IntoIterator<Item = &'a str>, options: &Options) -> Vec<SyntheticPair> {
    let parsed: Vec<(usize, Sentence)> =
        sentences.into_iter().enumerate().filter_map(|(index, text)| Some((index, Sentence::parse(text)?))).collect();
    let mut pool = Pool::default();
    parsed.iter().for_each(|(_, sentence)| pool.add(sentence));
    let mut drawn = HashMap::new();
    let mut pairs = Vec::new();
    for (origin, sentence) in &parsed {
        let mut random = Random::new(options.seed.wrapping_mul(0x9E37_79B9).wrapping_add(*origin as u64));
        draw(*origin, sentence, &pool, options, &mut random, &mut drawn, &mut pairs);
    }
    let mut seen = HashSet::new();
    pairs.retain(|SyntheticPair { pair, .. }| {
        pair.candidate != pair.query && seen.insert((pair.candidate.clone(), pair.query.clone()))
    });
    if options.slack.is_finite() {
        pairs = crate::balance::balance(pairs, options.slack, &mut Random::new(options.seed));
    }
    pairs
}

fn draw(
    origin: usize,
    original: &Sentence,
    pool: &Pool,
    options: &Options,
    random: &mut Random,
    drawn: &mut Drawn,
    pairs: &mut Vec<SyntheticPair>,
) {
    let mut found = edits::all(original, pool, random);
    let mut base = original.clone();
    if random.chance(options.negate)
        && let Some(negated) = found.iter().find(|edit| edit.phenomenon == "not-inserted")
    {
        base = negated.sentence.clone();
        found = edits::all(&base, pool, random);
    }
    found.retain(|edit| options.kinds.contains(&edit.kind));
    questions(origin, &base, &found, random, drawn, pairs);
    inferred(origin, original, &options.kinds, pool, random, pairs);
    random.shuffle(&mut found);
    let paraphrases: Vec<Edit> = found.iter().filter(|edit| edit.meaning == Meaning::Same).cloned().collect();
    for index in 0..options.per_sentence {
        let positive = index % 2 == 0;
        let rarest = found
            .iter()
            .enumerate()
            .filter(|(_, edit)| (edit.meaning == Meaning::Same) == positive)
            .min_by_key(|(_, edit)| drawn.get(&(edit.phenomenon, false)).copied().unwrap_or(0));
        let Some((at, _)) = rarest else { continue };
        let edit = found.swap_remove(at);
        *drawn.entry((edit.phenomenon, false)).or_default() += 1;
        let composed =
            random.chance(options.compose).then(|| compose(&base, &edit, &paraphrases, pool, random)).flatten();
        let (left, right, phenomenon) =
            composed.unwrap_or_else(|| (base.clone(), edit.sentence.clone(), edit.phenomenon.to_owned()));
        pairs.push(pair(origin, left, right, &edit, phenomenon, random));
        // What does not match its original matches its own paraphrases.
        if edit.meaning != Meaning::Same && random.chance(options.compose / 2.0) {
            let further = edits::all(&edit.sentence, pool, random);
            let further: Vec<&Edit> = further.iter().filter(|other| other.meaning == Meaning::Same).collect();
            if let Some(other) = random.pick(&further) {
                pairs.push(pair(
                    origin,
                    edit.sentence.clone(),
                    other.sentence.clone(),
                    other,
                    other.phenomenon.to_owned(),
                    random,
                ));
            }
        }
    }
}

/// Both sides of a pair of which one is paraphrased further, by an operation that was or could be used on the original
/// alone, so that the traces of paraphrasing say nothing of the label.
fn compose(
    base: &Sentence,
    edit: &Edit,
    paraphrases: &[Edit],
    pool: &Pool,
    random: &mut Random,
) -> Option<(Sentence, Sentence, String)> {
    let others: Vec<&Edit> = paraphrases.iter().filter(|other| other.phenomenon != edit.phenomenon).collect();
    if random.chance(0.4) {
        let other = random.pick(&others)?;
        // An operation of the same kind may undo the edit ("not" and "failed to").
        if other.kind == edit.kind
            && edit.kind == Kind::Negation
            && edit.meaning != Meaning::Same
            && other.phenomenon != "truth-wrapped"
            && other.phenomenon != "contraction"
        {
            return None;
        }
        return Some((
            other.sentence.clone(),
            edit.sentence.clone(),
            format!("{}+{}", edit.phenomenon, other.phenomenon),
        ));
    }
    let wanted = random.pick(&others).map(|other| other.phenomenon);
    let further = edits::all(&edit.sentence, pool, random);
    let further: Vec<&Edit> =
        further.iter().filter(|other| other.meaning == Meaning::Same && other.phenomenon != edit.phenomenon).collect();
    let same: Vec<&Edit> = further.iter().copied().filter(|other| Some(other.phenomenon) == wanted).collect();
    let other = random.pick(&same).or_else(|| random.pick(&further))?;
    Some((base.clone(), other.sentence.clone(), format!("{}+{}", edit.phenomenon, other.phenomenon)))
}

/// The pair of two sentences that differ by an edit, in either order.
fn pair(
    origin: usize,
    left: Sentence,
    right: Sentence,
    edit: &Edit,
    phenomenon: String,
    random: &mut Random,
) -> SyntheticPair {
    let turned = random.chance(0.5);
    let (relation, matches, conflict, operation) = match edit.meaning {
        Meaning::Same => (either(random), true, Some(false), edit.kind),
        Meaning::Conflict => (either(random), false, Some(true), edit.kind),
        Meaning::Different => (either(random), false, None, edit.kind),
        // The one that says more supports the other, not the other way round.
        Meaning::Less => (Relation::Support, !turned, Some(false), if turned { Kind::Addition } else { edit.kind }),
        Meaning::More => (Relation::Support, turned, Some(false), Kind::Addition),
    };
    let (candidate, query) = if turned { (right, left) } else { (left, right) };
    Draft {
        candidate: candidate.text(),
        query: query.text(),
        relation,
        matches,
        conflict,
        operation,
        phenomenon,
        origin,
    }
    .finish()
}

fn either(random: &mut Random) -> Relation {
    if random.chance(0.5) { Relation::Equivalence } else { Relation::Support }
}

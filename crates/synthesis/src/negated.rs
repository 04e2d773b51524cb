//! Labelled pairs with one side negated, or both.

use vetted_corpus::pairs::{DIRECTED_SOURCES, Kind, Label, Pair, Relation};

use crate::edits::negate;
use crate::sentence::Sentence;

/// What follows from a labelled pair for its negations, which a reader that merely looks for "not" gets wrong.
///
/// | the pair | candidate, not query | not candidate, query | neither |
/// |---|---|---|---|
/// | same meaning | conflict | conflict | same meaning |
/// | other meaning | - | - | not the same |
/// | candidate supports query | conflict | no support | - |
/// | candidate contradicts query | support | - | - |
/// | neither | no support, no conflict | no support | no support |
///
/// A dash where nothing follows: who does not run fast may still run, and what is not unnatural may be natural. The pairs'
/// source is `negated`, their phenomenon the source of the pair they were made of with the side that was negated.
pub fn negate_pairs<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Vec<Pair> {
    pairs.into_iter().flat_map(negations).collect()
}

/// What is known of a pair of a negation.
#[derive(Clone, Copy)]
struct Known {
    label: Label,
    conflict: Option<bool>,
}

const CONFLICT: Option<Known> = Some(Known { label: Label::NoMatch, conflict: Some(true) });
const MATCH: Option<Known> = Some(Known { label: Label::Match, conflict: Some(false) });
const NO_MATCH: Option<Known> = Some(Known { label: Label::NoMatch, conflict: None });
const UNRELATED: Option<Known> = Some(Known { label: Label::NoMatch, conflict: Some(false) });

fn negations(pair: &Pair) -> Vec<Pair> {
    let contradicts = pair.conflict == Some(true)
        || pair.label == Some(Label::NoMatch) && DIRECTED_SOURCES.contains(&pair.source.as_str());
    let [query_only, candidate_only, both] = match (pair.relation, pair.label) {
        (_, None) => return Vec::new(),
        (Relation::Equivalence, Some(Label::Match)) => [CONFLICT, CONFLICT, MATCH],
        (Relation::Equivalence, Some(_)) => [None, None, NO_MATCH],
        (Relation::Support, Some(Label::Match)) => [CONFLICT, NO_MATCH, None],
        (Relation::Support, Some(_)) if contradicts => [MATCH, None, None],
        (Relation::Support, Some(Label::Neutral)) => [UNRELATED, NO_MATCH, NO_MATCH],
        (Relation::Support, Some(Label::NoMatch)) => [None; 3],
    };
    let (candidate, query) = (negated(&pair.candidate), negated(&pair.query));
    let sides = [
        ("query", query_only, Some(pair.candidate.clone()), query.clone()),
        ("candidate", candidate_only, candidate.clone(), Some(pair.query.clone())),
        ("both", both, candidate, query),
    ];
    let made = sides.into_iter().filter_map(|(side, known, candidate, query)| {
        let Known { label, conflict } = known?;
        Some(Pair {
            candidate: candidate?,
            query: query?,
            label: Some(label),
            relation: pair.relation,
            conflict,
            kind: (conflict == Some(true)).then_some(Kind::Negation),
            source: "negated".to_owned(),
            split: "train".to_owned(),
            phenomenon: format!("{}-{side}", pair.source),
        })
    });
    made.collect()
}

/// The main clause of a statement with "not"; none where it has no main verb to be found, is negated or restricted already
/// ("only", "too"), or is a question.
fn negated(statement: &str) -> Option<String> {
    let sentence = Sentence::parse(statement).filter(|sentence| !sentence.is_question())?;
    let clause = sentence.clause()?;
    Some(sentence.with(negate(&sentence, &clause)?).text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_negated_once() {
        let cases = [
            ("The nurse called the doctor.", Some("The nurse did not call the doctor.")),
            ("Ann is open to it.", Some("Ann is not open to it.")),
            ("The nurse did not call the doctor.", None),
            ("Who called the doctor?", None),
            ("A dog.", None),
        ];
        for (statement, expected) in cases {
            assert_eq!(negated(statement).as_deref(), expected, "{statement}");
        }
    }

    #[test]
    fn what_follows_depends_on_the_pair() {
        use Label::{Match, Neutral, NoMatch};
        type Expected<'a> = &'a [(&'a str, Label, Option<bool>)];
        let both: Expected = &[("q", NoMatch, Some(true)), ("c", NoMatch, Some(true)), ("cq", Match, Some(false))];
        let cases: [(Relation, Label, &str, Expected); 6] = [
            (Relation::Equivalence, Match, "paws_wiki", both),
            (Relation::Equivalence, NoMatch, "paws_wiki", &[("cq", NoMatch, None)]),
            (Relation::Support, Match, "snli", &[("q", NoMatch, Some(true)), ("c", NoMatch, None)]),
            (Relation::Support, NoMatch, "snli", &[("q", Match, Some(false))]),
            (Relation::Support, NoMatch, "synth", &[]),
            (
                Relation::Support,
                Neutral,
                "snli",
                &[("q", NoMatch, Some(false)), ("c", NoMatch, None), ("cq", NoMatch, None)],
            ),
        ];
        for (relation, label, source, expected) in cases {
            let pair = Pair {
                label: Some(label),
                relation,
                source: source.into(),
                ..Pair::new("The nurse called the doctor.", "The doctor was asleep.")
            };
            let made = negate_pairs([&pair]);
            let side = |pair: &Pair| {
                let not = |text: &str| text.contains(" not ");
                ["", "c", "q", "cq"][usize::from(not(&pair.candidate)) + 2 * usize::from(not(&pair.query))]
            };
            let got: Vec<_> = made.iter().filter_map(|pair| Some((side(pair), pair.label?, pair.conflict))).collect();
            assert_eq!(got, expected, "{relation} {label} {source}");
        }
    }
}

//! Labelled pairs with one side negated, or both.

use vetted_pairs::{Kind, Label, Pair, Relation};

use crate::edits::negate;
use crate::predicate::{Predicate, negate_in, predicates};
use crate::sentence::{Clause, Sentence};

/// What follows from a labelled pair for its negations, which a reader that merely looks for "not" gets wrong.
///
/// | the pair | candidate, not query | not candidate, query | not candidate, not query |
/// |---|---|---|---|
/// | same meaning | conflict | conflict | same meaning |
/// | other meaning | - | - | not the same |
/// | candidate supports query | conflict | no support | support, where people read it so |
/// | candidate contradicts query | support | - | - |
/// | neither | no support, no conflict | no support | no support |
///
/// A dash where nothing follows: who does not run fast may still run, and what is not unnatural may be natural. Of a
/// candidate that supports the query, the verb is negated that the query has, wherever it stands; with another one negated
/// ("elsewhere") it supports the query as before, and conflicts with its negation.
///
/// Strictly, nothing ever follows from a statement's negation for the negation of what it supports, but people read "Aspirin
/// hardly helps most adults against pain", denied, as support for "Aspirin relieves pain", denied (so do the annotators of
/// Hossain et al., EMNLP 2020), as long as the query tells the same in words of its own. Where it merely leaves words out or
/// replaces one ("no labrador" for "no dog"), they look at the logic, and nothing is said here, nor of its near misses.
///
/// That a candidate contradicts the query is what [`Pair::conflict`] says, not a label of "no match" alone.
///
/// The pairs' source is `negated`, their phenomenon the source of the pair they were made of with the side that was negated.
pub fn negate_pairs<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Vec<Pair> {
    let named = |pair: &Pair| {
        let source = pair.source.clone();
        negations(pair).into_iter().map(move |(side, made)| Pair {
            source: "negated".to_owned(),
            split: "train".to_owned(),
            phenomenon: format!("{source}-{side}"),
            ..made
        })
    };
    pairs.into_iter().flat_map(named).collect()
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

/// What [`negate_pairs`] makes of a pair, with the side that was negated, else named as the pair is.
fn negations(pair: &Pair) -> Vec<(&'static str, Pair)> {
    let contradicts = pair.conflict == Some(true);
    let [query_only, candidate_only, both] = match (pair.relation, pair.label) {
        (_, None) => return Vec::new(),
        (Relation::Equivalence, Some(Label::Match)) => [CONFLICT, CONFLICT, MATCH],
        (Relation::Equivalence, Some(_)) => [None, None, NO_MATCH],
        (Relation::Support, Some(Label::Match)) => {
            let both = Some(pair).filter(|pair| reworded(pair)).and_then(negate_both);
            let mut made = one_sided_of_support(pair);
            made.extend(both.map(|both| ("both", Pair { conflict: Some(false), ..both })));
            return made;
        }
        (Relation::Support, Some(_)) if contradicts => [MATCH, None, None],
        (Relation::Support, Some(Label::Neutral)) => [UNRELATED, NO_MATCH, NO_MATCH.filter(|_| reworded(pair))],
        (Relation::Support, Some(Label::NoMatch)) => [None; 3],
    };
    let candidate = Statement::parse(&pair.candidate).and_then(|statement| statement.negated());
    let query = Statement::parse(&pair.query).and_then(|statement| statement.negated());
    [
        made(pair, "query", query_only, Some(&pair.candidate), query.as_ref()),
        made(pair, "candidate", candidate_only, candidate.as_ref(), Some(&pair.query)),
        made(pair, "both", both, candidate.as_ref(), query.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The negations of one side of a pair that matches, as [`negations`] gives them. What a candidate still supports depends on
/// which of its verbs is negated: the query's own, or one that has nothing to do with it.
pub fn one_sided_of_support(pair: &Pair) -> Vec<(&'static str, Pair)> {
    let Some(query) = Statement::parse(&pair.query) else { return Vec::new() };
    let not_query = query.negated();
    let mut pairs: Vec<_> =
        made(pair, "query", CONFLICT, Some(&pair.candidate), not_query.as_ref()).into_iter().collect();
    let Some(candidate) = Statement::parse(&pair.candidate) else { return pairs };
    let Some((own, elsewhere)) = query.verb().and_then(|verb| candidate.verbs_apart(&verb)) else {
        // Its only verb, though another one, carries what the query was concluded from.
        let not_candidate = candidate.negated().filter(|_| predicates(&candidate.sentence).len() == 1);
        pairs.extend(made(pair, "candidate", NO_MATCH, not_candidate.as_ref(), Some(&pair.query)));
        return pairs;
    };
    let not_candidate = negate_in(&candidate.sentence, &own).map(|sentence| sentence.text());
    pairs.extend(made(pair, "candidate", NO_MATCH, not_candidate.as_ref(), Some(&pair.query)));
    if let Some(other) = elsewhere {
        let aside = negate_in(&candidate.sentence, &other).map(|sentence| sentence.text());
        pairs.extend(made(pair, "elsewhere", MATCH, aside.as_ref(), Some(&pair.query)));
        pairs.extend(made(pair, "elsewhere+query", CONFLICT, aside.as_ref(), not_query.as_ref()));
    }
    pairs
}

/// A pair with both sides negated, the candidate where it has the query's verb; its label stays. For pairs that match, or
/// whose difference is one that "not" does not undo: other names, numbers, roles. `None` where the verb is not the same.
pub fn negate_both(pair: &Pair) -> Option<Pair> {
    let (candidate, query) = (Statement::parse(&pair.candidate)?, Statement::parse(&pair.query)?);
    let (own, _) = candidate.verbs_apart(&query.verb()?)?;
    let candidate = negate_in(&candidate.sentence, &own)?.text();
    let conflict = pair.conflict.filter(|conflict| !conflict);
    Some(Pair { candidate, query: query.negated()?, conflict, ..pair.clone() })
}

/// An unrelated pair with the main clauses of both sides negated; its label stays.
pub fn negate_each(pair: &Pair) -> Option<Pair> {
    let negated = |text: &str| Statement::parse(text)?.negated();
    Some(Pair { candidate: negated(&pair.candidate)?, query: negated(&pair.query)?, ..pair.clone() })
}

/// Whether the query is more than the candidate with words left out, or with one or two replaced in one place.
fn reworded(pair: &Pair) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (candidate, query) = (words(&pair.candidate), words(&pair.query));
    let mut left = candidate.iter();
    if query.iter().all(|word| left.any(|other| other == word)) {
        return false;
    }
    let shorter = candidate.len().min(query.len());
    let alike = |(one, two): &(&String, &String)| one == two;
    let before = candidate.iter().zip(&query).take_while(alike).count();
    let after = candidate.iter().rev().zip(query.iter().rev()).take(shorter - before).take_while(alike).count();
    shorter - before - after > 2
}

fn made(
    pair: &Pair,
    side: &'static str,
    known: Option<Known>,
    candidate: Option<&String>,
    query: Option<&String>,
) -> Option<(&'static str, Pair)> {
    let Known { label, conflict } = known?;
    let (candidate, query) = (candidate?.clone(), query?.clone());
    let kind = (conflict == Some(true)).then_some(Kind::Negation);
    Some((side, Pair { candidate, query, label: Some(label), conflict, kind, ..pair.clone() }))
}

/// A sentence that is no question.
struct Statement {
    sentence: Sentence,
    clause: Option<Clause>,
}

impl Statement {
    fn parse(text: &str) -> Option<Statement> {
        let sentence = Sentence::parse(text).filter(|sentence| !sentence.is_question())?;
        Some(Statement { clause: sentence.clause(), sentence })
    }

    /// With "not" in its main clause; none where it has no main verb to be found, is negated or restricted already ("only",
    /// "too").
    fn negated(&self) -> Option<String> {
        Some(self.sentence.with(negate(&self.sentence, self.clause.as_ref()?)?).text())
    }

    /// The base of the verb that tells most of what it says: its main clause's, or its only one.
    fn verb(&self) -> Option<String> {
        let predicates = predicates(&self.sentence);
        let main = self.clause.as_ref().map(|clause| clause.finite);
        let of_clause = predicates.iter().find(|predicate| Some(predicate.range.start) == main);
        of_clause.or(predicates.first().filter(|_| predicates.len() == 1)).map(|predicate| predicate.base.clone())
    }

    /// The only predicate with this verb, and a later one in a clause of its own, if there is one. What comes before may be
    /// what the rest depends on ("he denied that ..."), and what follows without a mark of a new clause may, too.
    fn verbs_apart(&self, verb: &str) -> Option<(Predicate, Option<Predicate>)> {
        if self.sentence.has_negation() || self.sentence.has(&["if", "whether", "until", "but"]) {
            return None;
        }
        let predicates = predicates(&self.sentence);
        let mut of_verb = predicates.iter().enumerate().filter(|(_, predicate)| predicate.base == verb);
        let (at, own) = of_verb.next().filter(|_| of_verb.next().is_none())?;
        let apart = |later: &&Predicate| {
            let between = &self.sentence.tokens[own.range.end..later.range.start];
            between.iter().any(|token| token.text == "," || token.any(&["which", "who", "while", "although"]))
        };
        Some((own.clone(), predicates[at + 1..].iter().find(apart).cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_negated_once() {
        let cases = [
            ("The nurse called the doctor.", Some("The nurse did not call the doctor.")),
            ("Ann is open to it.", Some("Ann is not open to it.")),
            ("The nurse has been calling the doctor.", Some("The nurse has not been calling the doctor.")),
            ("The nurse did not call the doctor.", None),
            ("Who called the doctor?", None),
            ("A dog.", None),
        ];
        for (statement, expected) in cases {
            let negated = Statement::parse(statement).and_then(|statement| statement.negated());
            assert_eq!(negated.as_deref(), expected, "{statement}");
        }
    }

    #[test]
    fn what_follows_depends_on_the_pair() {
        use Label::{Match, Neutral, NoMatch};
        type Expected<'a> = &'a [(&'a str, Label, Option<bool>)];
        let both: Expected = &[("q", NoMatch, Some(true)), ("c", NoMatch, Some(true)), ("cq", Match, Some(false))];
        let cases: [(Relation, Label, Option<bool>, Expected); 6] = [
            (Relation::Equivalence, Match, None, both),
            (Relation::Equivalence, NoMatch, None, &[("cq", NoMatch, None)]),
            (Relation::Support, Match, None, &[("q", NoMatch, Some(true)), ("c", NoMatch, None)]),
            (Relation::Support, NoMatch, Some(true), &[("q", Match, Some(false))]),
            (Relation::Support, NoMatch, None, &[]),
            (
                Relation::Support,
                Neutral,
                None,
                &[("q", NoMatch, Some(false)), ("c", NoMatch, None), ("cq", NoMatch, None)],
            ),
        ];
        for (relation, label, conflict, expected) in cases {
            let pair = Pair {
                label: Some(label),
                relation,
                conflict,
                ..Pair::new("The nurse called the doctor.", "The doctor was asleep.")
            };
            let made = negate_pairs([&pair]);
            let side = |pair: &Pair| {
                let not = |text: &str| text.contains(" not ");
                ["", "c", "q", "cq"][usize::from(not(&pair.candidate)) + 2 * usize::from(not(&pair.query))]
            };
            let got: Vec<_> = made.iter().filter_map(|pair| Some((side(pair), pair.label?, pair.conflict))).collect();
            assert_eq!(got, expected, "{relation} {label} {conflict:?}");
        }
    }

    #[test]
    fn two_negations_agree_where_the_query_has_words_of_its_own() {
        let cases = [
            ("The nurse called the doctor at noon.", "A woman was calling a physician.", true),
            ("The nurse called the doctor at noon.", "The nurse called the doctor.", false),
            ("The nurse called the doctor at noon.", "The woman called the doctor at noon.", false),
            ("The nurse called the doctor at noon.", "The nurse called the doctor from home at noon.", false),
        ];
        for (candidate, query, expected) in cases {
            for label in [Label::Match, Label::Neutral] {
                let pair = Pair {
                    label: Some(label),
                    relation: Relation::Support,
                    source: "snli".into(),
                    ..Pair::new(candidate, query)
                };
                let made = negate_pairs([&pair]);
                let both = made.iter().find(|pair| pair.phenomenon == "snli-both");
                assert_eq!(both.is_some(), expected, "{query} {label}: {made:?}");
                let label = if label == Label::Match { Label::Match } else { Label::NoMatch };
                assert!(both.is_none_or(|pair| pair.label == Some(label)), "{query}");
            }
        }
    }

    #[test]
    fn support_depends_on_the_verb_that_is_negated() {
        let called = "The nurse called the doctor at noon, while the guard watched it";
        let slept = "The nurse called the doctor at noon, while the guard did not watch it";
        let pair = Pair {
            label: Some(Label::Match),
            relation: Relation::Support,
            source: "snli".into(),
            ..Pair::new(called, "The nurse called the doctor")
        };
        let (yes, no) = ("The nurse called the doctor", "The nurse did not call the doctor");
        let expected = [
            ("snli-query", called.to_owned(), no, Label::NoMatch),
            ("snli-candidate", called.replace("called", "did not call"), yes, Label::NoMatch),
            ("snli-elsewhere", slept.to_owned(), yes, Label::Match),
            ("snli-elsewhere+query", slept.to_owned(), no, Label::NoMatch),
        ];
        let made = negate_pairs([&pair]);
        let got: Vec<_> = made
            .iter()
            .map(|pair| {
                (pair.phenomenon.as_str(), pair.candidate.clone(), pair.query.as_str(), pair.label.expect("labelled"))
            })
            .collect();
        assert_eq!(got, expected);
    }
}

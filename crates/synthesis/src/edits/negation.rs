//! "not" put in, taken out, doubled, contracted, and moved into a word.

use vetted_pairs::Kind;

use super::{Edits, replace, words};
use crate::edit::Meaning;
use crate::lexicon::{Class, Lexicon};
use crate::morphology::{conjugate, do_support, verb_base};
use crate::sentence::{Clause, Sentence, is_be};
use crate::tag::Tag;
use crate::token::Token;

/// Negates the main clause, removes its negation, and says either in another way.
pub fn offer(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    contract(edits);
    caption(edits);
    if sentence.is_question() {
        return;
    }
    let Some(clause) = sentence.clause() else { return };
    plainly(edits, &clause);
    let wrapped = |opening: &str| {
        let tags = [Tag::Prp, Tag::Vbz, Tag::Rb, Tag::Dt, Tag::Nn, Tag::In];
        let mut opening: Vec<Token> = opening.split(' ').zip(tags).map(|(word, tag)| Token::word(word, tag)).collect();
        if let Some(last) = opening.last_mut() {
            last.tag = Tag::In;
        }
        let mut tokens = sentence.tokens.clone();
        if let Some(first) = tokens.first_mut() {
            first.space = true;
        }
        opening.extend(tokens);
        opening
    };
    // "it is false that in addition, ..." says something of the addition.
    let adverbial = !clause.fronted.is_empty()
        && !sentence.tokens[clause.fronted.clone()].iter().any(|token| token.tag == Tag::Cd || token.tag.is_name());
    let short = !adverbial
        && sentence.tokens.len() <= 30
        && !sentence.tokens.iter().any(|token| token.any(&[";", ":", "\"", "“"]));
    if short && edits.random.chance(0.5) {
        let truth = ["it is true that", "it is the case that", "it is a fact that"];
        let falsehood = ["it is not true that", "it is not the case that", "it is false that", "it is not a fact that"];
        let (yes, no) = (truth[edits.random.below(3)], falsehood[edits.random.below(4)]);
        edits.offer(Kind::Negation, "truth-wrapped", Meaning::Same, wrapped(yes));
        edits.offer(Kind::Negation, "falsehood-wrapped", Meaning::Conflict, wrapped(no));
        // With "many", bare plurals or a second predicate the scope of two negations is anybody's guess.
        let subject = &sentence.tokens[clause.subject.clone()];
        let definite = subject[0].tag.is_name()
            || matches!(subject[0].tag, Tag::Prp | Tag::PrpS)
            || subject[0].any(&["the", "this", "that", "a", "an"]);
        let one_predicate =
            !sentence.tokens[clause.finite + 1..].iter().any(|token| token.tag == Tag::Cc || token.tag.is_finite());
        if let Some(negated) = negate(sentence, &clause).filter(|_| definite && one_predicate) {
            let opening = falsehood[edits.random.below(4)];
            let opening = wrapped(opening);
            let length = opening.len() - sentence.tokens.len();
            let mut tokens = opening[..length].to_vec();
            let mut rest = negated;
            rest[0].space = true;
            tokens.extend(rest);
            edits.offer(Kind::Negation, "doubly-negated", Meaning::Same, tokens);
        }
    }
}

fn plainly(edits: &mut Edits<'_>, clause: &Clause) {
    let sentence = edits.sentence;
    if let Some(tokens) = negate(sentence, clause) {
        let open = sentence.tokens[clause.subject.clone()]
            .iter()
            .any(|token| token.any(&["some", "many", "most", "several", "all", "every", "each", "both"]));
        let meaning = if open { Meaning::Different } else { Meaning::Conflict };
        edits.offer(Kind::Negation, "not-inserted", meaning, tokens);
        never(edits, clause);
        complement(edits, clause);
    }
    if let Some(tokens) = affirm(sentence, clause) {
        edits.offer(Kind::Negation, "not-removed", Meaning::Conflict, tokens);
    }
    lack(edits, clause);
    fail(edits, clause);
}

/// "won", "did not fail to win"; "did not win", "failed to win"; and each against the other.
fn fail(edits: &mut Edits<'_>, clause: &Clause) {
    let sentence = edits.sentence;
    let finite = &sentence.tokens[clause.finite];
    let form = |negated: bool, tag: Tag, base: String| -> Vec<Token> {
        let mut new = if negated {
            let (support, _) = do_support(tag);
            words(&format!("{support} not fail to"), &[tag, Tag::Rb, Tag::Vb, Tag::To])
        } else {
            words(&format!("{} to", conjugate("fail", tag)), &[tag, Tag::To])
        };
        new.push(Token::word(base, Tag::Vb));
        new
    };
    if clause.subject.end != clause.finite || sentence.is_question() || second_predicate(sentence, clause) {
        return;
    }
    if !clause.auxiliary && !sentence.has_negation() && !finite.any(&["has", "have", "had", "failed", "fails", "fail"])
    {
        let Some(base) = verb_base(&finite.lower(), finite.tag) else { return };
        let put = |negated: bool| {
            replace(&sentence.tokens, clause.finite..clause.finite + 1, form(negated, finite.tag, base.clone()))
        };
        edits.offer(Kind::Negation, "did-not-fail-to", Meaning::Same, put(true));
        edits.offer(Kind::Negation, "failed-to", Meaning::Conflict, put(false));
    }
    let not = clause.finite + 1;
    if finite.any(&["did", "does", "do"])
        && sentence.tokens.get(not).is_some_and(|token| token.any(&["not", "n't"]))
        && sentence.tag(not + 1) == Tag::Vb
    {
        let base = sentence.word(not + 1);
        if base == "fail" || base == "have" {
            return;
        }
        let tag = if finite.is("do") { Tag::Vbp } else { finite.tag };
        let put = |negated: bool| replace(&sentence.tokens, clause.finite..not + 2, form(negated, tag, base.clone()));
        edits.offer(Kind::Negation, "did-not-as-failed-to", Meaning::Same, put(false));
        edits.offer(Kind::Negation, "did-not-against-did-not-fail-to", Meaning::Conflict, put(true));
    }
}

/// The main clause with "not", unless something else in it negates or restricts already.
pub fn negate(sentence: &Sentence, clause: &Clause) -> Option<Vec<Token>> {
    if sentence.has_negation()
        || sentence.has(&["also", "too", "already", "still", "either", "but", "any", "yet", "rather", "just", "even"])
    {
        return None;
    }
    if sentence.tokens[..clause.finite].iter().any(|token| token.is("both") || token.is("there")) {
        return None;
    }
    let finite = &sentence.tokens[clause.finite];
    if clause.auxiliary {
        if finite.text.starts_with('\'') {
            return None;
        }
        return Some(replace(&sentence.tokens, clause.finite + 1..clause.finite + 1, [Token::word("not", Tag::Rb)]));
    }
    if second_predicate(sentence, clause) {
        return None;
    }
    let base = verb_base(&finite.lower(), finite.tag)?;
    let (support, tag) = do_support(finite.tag);
    let start = clause.subject.end;
    if start != clause.finite && sentence.tokens[start..clause.finite].iter().any(|token| !token.text.ends_with("ly")) {
        return None;
    }
    let adverbs = sentence.tokens[start..clause.finite].to_vec();
    let mut new = words(&format!("{support} not"), &[tag, Tag::Rb]);
    new.extend(adverbs);
    new.push(Token::word(base, Tag::Vb));
    Some(replace(&sentence.tokens, start..clause.finite + 1, new))
}

/// Whether another finite verb is joined to the main one: "sits and reads" has no single verb to negate.
fn second_predicate(sentence: &Sentence, clause: &Clause) -> bool {
    (clause.finite + 1..sentence.tokens.len()).any(|at| {
        sentence.tag(at) == Tag::Cc
            && (sentence.tag(at + 1).is_finite()
                || sentence.tag(at + 1).is_adverb() && sentence.tag(at + 2).is_finite())
    })
}

/// The main clause without its "not" or "never".
fn affirm(sentence: &Sentence, clause: &Clause) -> Option<Vec<Token>> {
    let not = clause.finite + 1;
    let negator = sentence.tokens.get(not)?;
    if sentence.tokens[clause.finite].tag.is_finite() && negator.any(&["not", "n't"]) {
        if sentence.tokens[not..]
            .iter()
            .any(|token| token.any(&["any", "yet", "either", "but", "anymore", "until", "only", "nor", "at"]))
        {
            return None;
        }
        let finite = &sentence.tokens[clause.finite];
        if finite.any(&["do", "does", "did"]) && sentence.tag(not + 1) == Tag::Vb {
            let verb = conjugate(&sentence.word(not + 1), if finite.is("do") { Tag::Vbp } else { finite.tag });
            return Some(replace(&sentence.tokens, clause.finite..not + 2, [Token::word(verb, finite.tag)]));
        }
        if negator.is("n't") && finite.any(&["ca", "wo", "sha"]) || finite.any(&["do", "does", "did"]) {
            return None;
        }
        return Some(replace(&sentence.tokens, not..not + 1, []));
    }
    None
}

/// "was" becomes "was never", "won" becomes "never won".
fn never(edits: &mut Edits<'_>, clause: &Clause) {
    let sentence = edits.sentence;
    let at = if clause.auxiliary { clause.finite + 1 } else { clause.finite };
    if edits.random.chance(0.2)
        && clause.subject.end == clause.finite
        && !sentence.tokens[clause.finite].text.starts_with('\'')
    {
        let tokens = replace(&sentence.tokens, at..at, [Token::word("never", Tag::Rb)]);
        edits.offer(Kind::Negation, "never-inserted", Meaning::Conflict, tokens);
    }
}

/// "is open", "is not closed": a complementary adjective with "not" says the same, without it the contrary.
fn complement(edits: &mut Edits<'_>, clause: &Clause) {
    let sentence = edits.sentence;
    let at = clause.finite + 1;
    if !is_be(&sentence.tokens[clause.finite])
        || sentence.tag(at) != Tag::Jj
        || sentence.tag(at + 1).is_noun()
        || sentence.tag(at + 1) == Tag::Cc
    {
        return;
    }
    let word = sentence.word(at);
    if word == "married" && at + 1 < sentence.end() {
        return;
    }
    for (opposition, side) in Lexicon::embedded().oppositions(Class::Adjective, &word) {
        if !opposition.complementary {
            continue;
        }
        let Some(other) = edits.random.pick(&opposition.poles[1 - side]).copied() else { continue };
        let other = Token::word(other, Tag::Jj);
        let not = Token::word("not", Tag::Rb);
        edits.offer(
            Kind::Negation,
            "negated-opposite",
            Meaning::Same,
            replace(&sentence.tokens, at..at + 1, [not, other]),
        );
    }
}

/// "did not have" and "lacked", "has no" and "does not have any".
fn lack(edits: &mut Edits<'_>, clause: &Clause) {
    let sentence = edits.sentence;
    let finite = &sentence.tokens[clause.finite];
    if clause.auxiliary
        || !finite.any(&["has", "have", "had"])
        || !sentence.tokens.get(clause.finite + 1).is_some_and(|token| token.is("no"))
    {
        return;
    }
    let support = match finite.lower().as_str() {
        "has" => "does",
        "have" => "do",
        _ => "did",
    };
    let tags = [finite.tag, Tag::Rb, Tag::Vb, Tag::Dt];
    let tokens =
        replace(&sentence.tokens, clause.finite..clause.finite + 2, words(&format!("{support} not have any"), &tags));
    edits.offer(Kind::Negation, "no-as-not-any", Meaning::Same, tokens);
    if matches!(sentence.tag(clause.finite + 2), Tag::Nns) {
        let tokens = replace(&sentence.tokens, clause.finite + 1..clause.finite + 2, []);
        edits.offer(Kind::Negation, "no-removed", Meaning::Conflict, tokens);
    }
}

/// "is not" and "isn't", "do not" and "don't".
fn contract(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    const PAIRS: [(&str, &str); 16] = [
        ("is", "is"),
        ("are", "are"),
        ("was", "was"),
        ("were", "were"),
        ("do", "do"),
        ("does", "does"),
        ("did", "did"),
        ("has", "has"),
        ("have", "have"),
        ("had", "had"),
        ("can", "ca"),
        ("could", "could"),
        ("would", "would"),
        ("should", "should"),
        ("will", "wo"),
        ("must", "must"),
    ];
    for at in 1..sentence.tokens.len() {
        let auxiliary = sentence.word(at - 1);
        let (from_long, not) = (sentence.tokens[at].is("not"), sentence.tokens[at].any(&["n't", "n’t"]));
        let Some((long, short)) =
            PAIRS.iter().find(|(long, short)| from_long && auxiliary == *long || not && auxiliary == *short)
        else {
            continue;
        };
        let tag = sentence.tag(at - 1);
        let new = if from_long {
            [Token { text: (*short).to_owned(), ..sentence.tokens[at - 1].clone() }, Token::attached("n't", Tag::Rb)]
        } else {
            [Token { text: (*long).to_owned(), tag, ..sentence.tokens[at - 1].clone() }, Token::word("not", Tag::Rb)]
        };
        edits.offer(Kind::Negation, "contraction", Meaning::Same, replace(&sentence.tokens, at - 1..at + 1, new));
    }
}

/// "a man riding a horse", "a man not riding a horse".
fn caption(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some(phrase) = sentence.phrase_at(0) else { return };
    let at = phrase.range.end;
    if sentence.tag(at) == Tag::Vbg
        && !sentence.has_negation()
        && !sentence.tokens.iter().any(|token| token.tag.is_finite())
    {
        edits.offer(
            Kind::Negation,
            "caption-not",
            Meaning::Conflict,
            replace(&sentence.tokens, at..at, [Token::word("not", Tag::Rb)]),
        );
        let is = if matches!(phrase.tag, Tag::Nns | Tag::Nnps) { "are" } else { "is" };
        edits.offer(
            Kind::Negation,
            "caption-as-sentence",
            Meaning::Same,
            replace(&sentence.tokens, at..at, [Token::word(is, Tag::Vbz)]),
        );
    }
}

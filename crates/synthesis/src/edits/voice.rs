//! Who does what to whom: active and passive, with subject and object in their places or exchanged, and clefts.

use vetted_english::month;
use vetted_pairs::Kind;

use std::ops::Range;

use super::{Edits, exchange, replace};
use crate::edit::Meaning;
use crate::lexicon::Lexicon;
use crate::morphology::{conjugate, verb_base};
use crate::sentence::{Sentence, is_be};
use crate::tag::Tag;
use crate::token::Token;

/// A clause that says who does what to whom.
struct Action {
    agent: Range<usize>,
    patient: Range<usize>,
    verb: Range<usize>,
    base: String,
    tag: Tag,
    passive: bool,
    agent_plural: bool,
    patient_plural: bool,
}

/// The four cells {active, passive} x {as it was, exchanged}, and clefts of the subject.
pub fn offer(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    captions(edits);
    let Some(action) = action(sentence) else { return };
    let pronoun = |range: &Range<usize>| sentence.tag(range.start) == Tag::Prp;
    if pronoun(&action.patient)
        && action.patient.len() == 1
        && sentence.tokens[action.patient.start].any(&["it", "itself"])
    {
        return;
    }
    let turned = turn(sentence, &action);
    edits.offer(
        Kind::Role,
        if action.passive { "passive-to-active" } else { "active-to-passive" },
        Meaning::Same,
        turned.clone(),
    );
    let name = |range: &Range<usize>| sentence.tag(range.end - 1).is_name();
    let alike = name(&action.agent) && name(&action.patient)
        || name(&action.agent) == name(&action.patient)
            && sentence.is_person(action.agent.clone()) == sentence.is_person(action.patient.clone());
    let comparable =
        alike && !pronoun(&action.agent) && !pronoun(&action.patient) && action.agent_plural == action.patient_plural;
    if comparable {
        let (first, second) =
            if action.passive { (&action.patient, &action.agent) } else { (&action.agent, &action.patient) };
        edits.offer(
            Kind::Role,
            "roles-swapped",
            Meaning::Different,
            exchange(&sentence.tokens, first.clone(), second.clone()),
        );
        let swapped = Action {
            agent: action.patient.clone(),
            patient: action.agent.clone(),
            agent_plural: action.patient_plural,
            patient_plural: action.agent_plural,
            base: action.base.clone(),
            verb: action.verb.clone(),
            ..action
        };
        edits.offer(Kind::Role, "roles-swapped-and-voice-changed", Meaning::Different, turn(sentence, &swapped));
    }
    cleft(edits, &action);
}

fn action(sentence: &Sentence) -> Option<Action> {
    let clause = sentence.clause()?;
    if sentence.is_question() || sentence.has_negation() {
        return None;
    }
    let lexicon = Lexicon::embedded();
    let after = clause.main + 1;
    let adjacent = clause.subject.end == clause.finite;
    if is_be(&sentence.tokens[clause.finite]) {
        // The dog was chased by the cat.
        let verb = clause.finite + 1;
        let by = verb + 1;
        if !adjacent
            || sentence.tag(verb) != Tag::Vbn
            || !sentence.tokens.get(by)?.is("by")
            || !sentence.tokens[clause.finite].any(&["is", "are", "was", "were"])
        {
            return None;
        }
        let (agent, agent_plural) = sentence.full_phrase_at(by + 1)?;
        let head = sentence.tag(agent.end - 1);
        let base = verb_bases_known(&sentence.word(verb), Tag::Vbn)?;
        let person = head.is_name() || sentence.is_person(agent.clone());
        if !person || !ends_well(sentence, agent.end) || month(&sentence.word(agent.start)).is_some() {
            return None;
        }
        let past = sentence.tokens[clause.finite].any(&["was", "were"]);
        return Some(Action {
            agent,
            patient: clause.subject.clone(),
            verb: clause.finite..by,
            base,
            tag: if past { Tag::Vbd } else { Tag::Vbz },
            passive: true,
            agent_plural,
            patient_plural: clause.plural,
        });
    }
    if clause.auxiliary || !adjacent {
        return None;
    }
    let finite = &sentence.tokens[clause.finite];
    let base = verb_bases_known(&finite.lower(), finite.tag).filter(|base| lexicon.is_transitive(base))?;
    let (patient, patient_plural) = sentence.full_phrase_at(after)?;
    let tag = sentence.tag(patient.end - 1);
    let reflexive = sentence.tokens[patient.clone()]
        .iter()
        .any(|token| token.any(&["himself", "herself", "itself", "themselves", "each"]) || token.tag == Tag::PrpS);
    if !(tag.is_noun() || tag == Tag::Prp || sentence.word(patient.end - 1) == ")")
        || reflexive
        || !ends_well(sentence, patient.end)
        || sentence.tag(patient.start) == Tag::Cd
    {
        return None;
    }
    Some(Action {
        agent: clause.subject.clone(),
        patient,
        verb: clause.finite..after,
        base,
        tag: if finite.tag == Tag::Vbd { Tag::Vbd } else { Tag::Vbz },
        passive: false,
        agent_plural: clause.plural,
        patient_plural,
    })
}

fn verb_bases_known(form: &str, tag: Tag) -> Option<String> {
    let bases = crate::morphology::verb_bases(form, tag);
    bases
        .iter()
        .find(|base| Lexicon::embedded().is_transitive(base))
        .cloned()
        .or_else(|| if tag == Tag::Vbn { verb_base(form, tag) } else { None })
}

/// What may follow the second phrase: the end, or an adjunct of time or place that belongs to the clause.
fn ends_well(sentence: &Sentence, at: usize) -> bool {
    let Some(next) = sentence.tokens.get(at) else { return true };
    if at >= sentence.end() {
        return true;
    }
    let rest = &sentence.tokens[at..sentence.end()];
    let adjunct = next
        .any(&["in", "on", "during", "at", "after", "before", "near", "while", "when", "because", "until", "since"]);
    adjunct
        && !rest.iter().any(|token| {
            token.tag == Tag::Cc
                || matches!(token.tag, Tag::Wdt | Tag::Wp)
                || token.tag.is_finite() && !next.any(&["while", "when", "because"])
        })
}

/// The phrase in the other case, for pronouns.
fn in_case(tokens: &[Token], subject: bool) -> Vec<Token> {
    const CASES: [(&str, &str); 5] = [("he", "him"), ("she", "her"), ("they", "them"), ("we", "us"), ("i", "me")];
    let mut tokens = tokens.to_vec();
    if let [pronoun] = tokens.as_mut_slice()
        && pronoun.tag == Tag::Prp
        && let Some((nominative, oblique)) = CASES.iter().find(|(one, other)| pronoun.is(one) || pronoun.is(other))
    {
        pronoun.text = if subject {
            (if *nominative == "i" { "I" } else { nominative }).to_owned()
        } else {
            (*oblique).to_owned()
        };
    }
    tokens
}

/// The same action in the other voice; what follows it stays where it is.
fn turn(sentence: &Sentence, action: &Action) -> Vec<Token> {
    let start = action.agent.start.min(action.patient.start);
    let end = action.agent.end.max(action.patient.end);
    let agent = in_case(&sentence.tokens[action.agent.clone()], action.passive);
    let patient = in_case(&sentence.tokens[action.patient.clone()], !action.passive);
    let mut new = Vec::new();
    if action.passive {
        new.extend(agent);
        let first_person = sentence.tokens[action.agent.clone()].iter().any(|token| token.any(&["i", "me", "you"]));
        let tag = match action.tag {
            Tag::Vbz if action.agent_plural || first_person => Tag::Vbp,
            tag => tag,
        };
        new.push(Token::word(conjugate(&action.base, tag), tag));
        new.extend(patient);
    } else {
        let be = match (action.tag, action.patient_plural) {
            (Tag::Vbd, false) => "was",
            (Tag::Vbd, true) => "were",
            (_, false) => "is",
            (_, true) => "are",
        };
        new.extend(patient);
        new.push(Token::word(be, action.tag));
        new.push(Token::word(conjugate(&action.base, Tag::Vbn), Tag::Vbn));
        new.push(Token::word("by", Tag::In));
        new.extend(agent);
    }
    for (index, token) in new.iter_mut().enumerate() {
        if index == 0
            || matches!(token.tag, Tag::Nnp | Tag::Dt | Tag::Nn | Tag::Nns | Tag::Jj)
                && token.text.chars().all(char::is_alphanumeric)
        {
            token.space = true;
        }
    }
    replace(&sentence.tokens, start..end, new)
}

/// "It was Ann who beat Bob", and with the roles exchanged "It was Bob who beat Ann".
fn cleft(edits: &mut Edits<'_>, action: &Action) {
    let sentence = edits.sentence;
    if action.passive
        || action.agent.start != 0
        || sentence.tag(0) == Tag::Prp
        || !sentence.tag(action.agent.end - 1).is_name()
        || action.agent_plural
    {
        return;
    }
    let be = if action.tag == Tag::Vbd { "was" } else { "is" };
    let who = if sentence.is_person(action.agent.clone()) { "who" } else { "that" };
    let build = |subject: &[Token], object: &[Token]| {
        let mut tokens = vec![Token::word("it", Tag::Prp), Token::word(be, action.tag)];
        tokens.extend_from_slice(subject);
        tokens.push(Token::word(who, Tag::Wp));
        tokens.extend_from_slice(&sentence.tokens[action.verb.clone()]);
        tokens.extend_from_slice(object);
        tokens.extend_from_slice(&sentence.tokens[action.patient.end..]);
        tokens
    };
    let (agent, patient) = (&sentence.tokens[action.agent.clone()], &sentence.tokens[action.patient.clone()]);
    edits.offer(Kind::Role, "cleft", Meaning::Same, build(agent, patient));
    if sentence.tag(action.patient.end - 1).is_name()
        && sentence.is_person(action.patient.clone()) == sentence.is_person(action.agent.clone())
    {
        edits.offer(Kind::Role, "cleft-with-roles-swapped", Meaning::Different, build(patient, agent));
    }
}

/// "a man riding a horse": "a horse being ridden by a man" says the same, "a horse riding a man" does not.
fn captions(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    if sentence.tokens.iter().any(|token| token.tag.is_finite() && !is_be(token)) {
        return;
    }
    let Some(first) = sentence.phrase_at(0) else { return };
    let has_be = sentence.tokens.get(first.range.end).is_some_and(|token| token.any(&["is", "are"]));
    let at = first.range.end + usize::from(has_be);
    if sentence.tag(at) != Tag::Vbg || !first.tag.is_common_noun() {
        return;
    }
    let Some(base) =
        verb_bases_known(&sentence.word(at), Tag::Vbg).filter(|base| Lexicon::embedded().is_transitive(base))
    else {
        return;
    };
    let Some(second) = sentence.phrase_at(at + 1).filter(|phrase| phrase.tag.is_common_noun()) else { return };
    if !ends_well(sentence, second.range.end)
        || sentence.tokens[second.range.clone()].iter().any(|token| token.tag == Tag::PrpS)
    {
        return;
    }
    let (agent, patient) = (&sentence.tokens[first.range.clone()], &sentence.tokens[second.range.clone()]);
    let tail = &sentence.tokens[second.range.end..];
    let build = |subject: &[Token], plural: bool, object: &[Token], passive: bool| {
        let mut tokens = subject.to_vec();
        if has_be {
            tokens.push(Token::word(if plural { "are" } else { "is" }, Tag::Vbz));
        }
        if passive {
            tokens.extend([
                Token::word("being", Tag::Vbg),
                Token::word(conjugate(&base, Tag::Vbn), Tag::Vbn),
                Token::word("by", Tag::In),
            ]);
        } else {
            tokens.push(sentence.tokens[at].clone());
        }
        tokens.extend_from_slice(object);
        tokens.extend_from_slice(tail);
        tokens
    };
    let (one, two) = (first.tag == Tag::Nns, second.tag == Tag::Nns);
    edits.offer(Kind::Role, "active-to-passive", Meaning::Same, build(patient, two, agent, true));
    edits.offer(Kind::Role, "roles-swapped", Meaning::Different, build(patient, two, agent, false));
    edits.offer(Kind::Role, "roles-swapped-and-voice-changed", Meaning::Different, build(agent, one, patient, true));
}

//! What a "not" reaches: one verb of several, what goes with that verb, or one of two contrasted things; what stands in
//! another clause or in an aside stays as it was.

use super::arguments::plain_event;
use super::{Room, draft};
use crate::clause::{Clause, Tense};
use crate::phrase::{Gen, Np};
use crate::{Draft, Kind, Verdict};

/// What a sentence tells: an event (or that there was none) with what goes along, or what somebody is.
enum Fact {
    /// Adjuncts are part of what is told or denied.
    Event(Box<Clause>),
    /// `Mira` is, or is not, `a native of Oslo`.
    State { subject: String, complement: String, holds: bool },
}

impl From<Clause> for Fact {
    fn from(clause: Clause) -> Self {
        Self::Event(Box::new(clause))
    }
}

/// What people are said to be in passing.
const APPOSITIONS: [&str; 10] = [
    "a native of {city}",
    "a former mayor of {city}",
    "a {relative} of {name}",
    "the owner of a {building} in {city}",
    "a friend of {name}",
    "the winner of a lottery in {year}",
    "a graduate of a school in {city}",
    "a member of a club in {city}",
    "the translator of a book about {city}",
    "a neighbor of {name}",
];

/// Remarks that say nothing about the event.
const REMARKS: [&str; 8] = [
    "as {name} had feared",
    "to the surprise of {name}",
    "according to plan",
    "as usual",
    "whatever the neighbors say",
    "strange as it may seem",
    "as {name} noticed",
    "as everybody in {city} knows",
];

/// Told or denied, with up to two circumstances.
fn circumstanced(g: &mut Gen, clause: Clause) -> Clause {
    let adjuncts = if g.rng.chance(0.6) { g.adjuncts(clause.subject.class, Tense::Past, 2) } else { Vec::new() };
    Clause { adjuncts, negated: g.rng.chance(0.45), ..clause }
}

/// Another event of the same subject.
fn another(g: &mut Gen, subject: &Np, than: &Clause) -> Option<Clause> {
    let clause = if g.coin() {
        g.intransitive(subject.clone())
    } else {
        let mut cast = vec![&than.subject];
        cast.extend(&than.object);
        let verb = g.other_verb(than)?;
        let object = g.other(than.object.as_ref()?.class, &cast);
        // The same kind of participants, so that the verb fits the new subject, too.
        if subject.class != than.subject.class {
            return None;
        }
        Clause { subject: subject.clone(), verb, object: Some(object), ..than.clone() }
    };
    Some(circumstanced(g, clause))
}

/// Verb, object and circumstances.
fn told(g: &mut Gen, clause: &Clause) -> String {
    let predicate = clause.predicate(g, clause.subject.plural);
    circumstances_behind(predicate, clause)
}

/// The same without a finite verb: `without chasing the otter in March`, where `verb` is `without chasing`.
fn nonfinite(clause: &Clause, verb: String) -> String {
    let phrase = match &clause.object {
        Some(object) => format!("{verb} {}", object.text()),
        None => verb,
    };
    circumstances_behind(phrase, clause)
}

fn circumstances_behind(phrase: String, clause: &Clause) -> String {
    clause.adjuncts.iter().fold(phrase, |text, adjunct| format!("{text} {adjunct}"))
}

/// The whole clause, circumstances in front or at the end.
fn clause(g: &mut Gen, clause: &Clause) -> String {
    let core = clause.voiced(g);
    clause.with_adjuncts(core, g)
}

/// Two events, the second inside of the first's clause or beside it.
fn two_events(g: &mut Gen, event: Clause) -> Option<(String, Vec<Fact>)> {
    let first = circumstanced(g, event);
    let subject = first.subject.clone();
    let s = subject.text();
    let (text, second) = match g.rng.below(12) {
        0 | 1 => {
            let second = another(g, &subject, &first)?;
            (format!("{s} , {} {} , {}", subject.relative_aside(), told(g, &second), told(g, &first)), second)
        }
        2 if !subject.bare_name() => {
            let second = Clause { adjuncts: Vec::new(), ..another(g, &subject, &first)? };
            (format!("{s} {} {} {}", subject.relative(), told(g, &second), told(g, &first)), second)
        }
        3 => {
            let object = first.object.clone()?;
            let first = Clause { adjuncts: Vec::new(), ..first };
            let second = another(g, &object, &first)?;
            let text = format!("{s} {} , {} {}", told(g, &first), object.relative_aside(), told(g, &second));
            return Some((text, vec![first.into(), second.into()]));
        }
        4 | 5 => {
            let second = another(g, &subject, &first)?;
            let link = if first.negated == second.negated { "and" } else { "but" };
            (format!("{s} {} , {link} {}", told(g, &first), told(g, &second)), second)
        }
        6..=8 => {
            let second = Clause { tense: Tense::Past, ..another(g, &subject, &first)? };
            let (ing, done) = (&second.verb.ing, &second.verb.participle);
            let (lead, verb) = *g.rng.one(&if second.negated {
                [("without", ing), ("despite not", ing), ("not having", done), ("instead of", ing)]
            } else {
                [("after", ing), ("despite", ing), ("having", done), ("before", ing)]
            });
            let lead = nonfinite(&second, format!("{lead} {verb}"));
            // Behind a denied verb the phrase would be denied with it.
            let front = first.negated || g.coin();
            let main = told(g, &first);
            (if front { format!("{lead} , {s} {main}") } else { format!("{s} {main} {lead}") }, second)
        }
        _ => {
            let second = if g.coin() {
                another(g, &subject, &first)?
            } else {
                let reversible = g.coin();
                let apart = plain_event(g, reversible);
                circumstanced(g, apart)
            };
            let (one, two) = (clause(g, &first), clause(g, &second));
            let text = match g.rng.below(6) {
                0 => format!("although {two} , {one}"),
                1 => format!("because {two} , {one}"),
                2 => format!("{one} , although {two}"),
                3 => format!("{one} , while {two}"),
                4 => format!("{one} , and {two}"),
                _ => format!("{one} . {two}"),
            };
            (text, second)
        }
    };
    Some((text, vec![first.into(), second.into()]))
}

/// An event, and beside it what its subject is or what somebody makes of it.
fn with_aside(g: &mut Gen, event: Clause) -> (String, Vec<Fact>) {
    let event = circumstanced(g, event);
    let (s, main) = (event.subject.text(), told(g, &event));
    if event.subject.class == "person" && g.rng.chance(0.7) {
        let pattern = g.rng.pick(&APPOSITIONS);
        let complement = g.fill(pattern);
        let holds = g.rng.chance(0.7);
        let not = if holds { "" } else { "not " };
        let text = match g.rng.below(3) {
            0 => format!("{s} , who is {not}{complement} , {main}"),
            1 => format!("{not}{complement} , {s} {main}"),
            _ => format!("{s} , {not}{complement} , {main}"),
        };
        let state = Fact::State { subject: s, complement, holds };
        return (text, vec![event.into(), state]);
    }
    let pattern = g.rng.pick(&REMARKS);
    let remark = g.fill(pattern);
    let text = match g.rng.below(3) {
        0 => format!("{remark} , {s} {main}"),
        1 => format!("{s} {main} , {remark}"),
        _ => format!("{s} , {remark} , {main}"),
    };
    (text, vec![event.into()])
}

/// One thing and not another: of two subjects, two objects, or two circumstances.
fn contrasted(g: &mut Gen, event: Clause) -> Option<(String, Vec<Fact>)> {
    let object = event.object.clone()?;
    let (s, o) = (event.subject.text(), object.text());
    let (past, done) = (&event.verb.past, &event.verb.participle);
    let mut denied = Clause { negated: true, ..event.clone() };
    let text = match g.rng.below(8) {
        0..=2 => {
            denied.subject = g.other(event.subject.class, &[&event.subject, &object]);
            let d = denied.subject.text();
            let be = if object.plural { "were" } else { "was" };
            match g.rng.below(4) {
                0 => format!("it was not {d} but {s} {} {past} {o}", event.subject.relative()),
                1 => format!("{s} , not {d} , {past} {o}"),
                2 => format!("{o} {be} {done} by {s} , not by {d}"),
                _ => format!("{s} {past} {o} , but {d} did not"),
            }
        }
        3..=5 => {
            let other = g.other(object.class, &[&event.subject, &object]);
            let d = other.text();
            denied.object = Some(other);
            match g.rng.below(3) {
                0 => format!("{s} {past} {o} , not {d}"),
                1 => format!("{s} {past} not {d} but {o}"),
                _ => format!("it was {o} , not {d} , that {s} {past}"),
            }
        }
        _ => {
            let circumstance = |g: &mut Gen, time: bool| {
                if time {
                    let pattern = g.listed("time-past");
                    g.fill(pattern)
                } else {
                    g.place(event.subject.class)
                }
            };
            let time = g.coin();
            let (one, other) = (circumstance(g, time), circumstance(g, time));
            if one == other {
                return None;
            }
            let text = if g.coin() {
                format!("{s} {past} {o} {one} , not {other}")
            } else {
                format!("{s} {past} {o} not {other} but {one}")
            };
            denied.adjuncts = vec![other];
            return Some((text, vec![Clause { adjuncts: vec![one], ..event }.into(), denied.into()]));
        }
    };
    Some((text, vec![event.into(), denied.into()]))
}

/// What a told (or denied) event says of another telling of it with other circumstances: whoever did it in March did
/// it, and whoever did not do it did not do it in March; the converses are open.
fn verdict(told: &Clause, claimed: &Clause) -> Verdict {
    let within = |some: &[String], all: &[String]| some.iter().all(|adjunct| all.contains(adjunct));
    let fewer = within(&claimed.adjuncts, &told.adjuncts);
    let more = within(&told.adjuncts, &claimed.adjuncts);
    match (told.negated, claimed.negated) {
        (false, false) if fewer => Verdict::Forward,
        (true, true) if more => Verdict::Forward,
        (false, true) => Verdict::Neither(Some(fewer)),
        (true, false) => Verdict::Neither(Some(more)),
        _ => Verdict::Neither(Some(false)),
    }
}

/// The event with other circumstances, with the other polarity, or with another's participants.
fn claimed(g: &mut Gen, fact: &Clause, facts: &[Fact]) -> Option<(Clause, Verdict, Kind)> {
    let mut claim = fact.clone();
    if g.rng.chance(0.15) {
        if g.coin() && claim.object.as_ref().is_some_and(|object| object.class == claim.subject.class) {
            claim = claim.swapped();
        } else {
            let subjects = facts.iter().filter_map(|other| match other {
                Fact::Event(other) => Some(&other.subject),
                Fact::State { .. } => None,
            });
            let others: Vec<&Np> =
                subjects.filter(|np| np.class == claim.subject.class && **np != claim.subject).collect();
            claim.subject = (*others.get(g.rng.below(others.len()))?).clone();
        }
        // Somebody else is told to have done that, or not.
        let known = facts.iter().any(|other| {
            matches!(other, Fact::Event(other)
                if other.verb == claim.verb && other.subject == claim.subject && other.object == claim.object)
        });
        if known || Some(&claim.subject) == claim.object.as_ref() {
            return None;
        }
        return Some((claim, Verdict::Neither(None), Kind::Role));
    }
    match g.rng.below(10) {
        0..=2 => claim.adjuncts.clear(),
        3 => {
            let kept = g.rng.below(claim.adjuncts.len().max(1));
            claim.adjuncts.truncate(kept);
        }
        4 | 5 => claim.adjuncts.extend(g.adjuncts(claim.subject.class, Tense::Past, 1)),
        6 => claim.adjuncts = g.adjuncts(claim.subject.class, Tense::Past, 1),
        _ => {}
    }
    // Two times or two places for one event are more than a hypothesis should say.
    claim.adjuncts.truncate(2);
    claim.negated = g.rng.chance(if fact.negated { 0.6 } else { 0.4 });
    let verdict = verdict(fact, &claim);
    let kind = if fact.negated == claim.negated { Kind::Modifier } else { Kind::Negation };
    Some((claim, verdict, kind))
}

/// A sentence in which something is denied and something else is not, and a claim about one of the two.
pub(super) fn scope(g: &mut Gen) -> Option<Draft> {
    let reversible = g.rng.chance(0.7);
    let mut event = plain_event(g, reversible);
    if g.rng.chance(0.15) {
        event.tense = Tense::PastProgressive;
    }
    let (text, facts) = match g.rng.below(10) {
        0..=5 => two_events(g, event)?,
        6 | 7 => with_aside(g, event),
        _ => contrasted(g, Clause { tense: Tense::Past, ..event })?,
    };
    let (s2, verdict, kind) = match g.rng.one(&facts) {
        Fact::Event(told) => {
            let (claim, verdict, kind) = claimed(g, told, &facts)?;
            let text = if claim.negated && g.rng.chance(0.15) {
                let denied = clause(g, &claim.negate());
                format!("{} {denied}", g.rng.pick(&["it is not true that", "it is not the case that"]))
            } else {
                clause(g, &claim)
            };
            (text, verdict, kind)
        }
        Fact::State { subject, complement, holds } => {
            let affirmed = g.coin();
            let not = if affirmed { "" } else { "not " };
            let verdict = if affirmed == *holds { Verdict::Forward } else { Verdict::Neither(Some(true)) };
            (format!("{subject} is {not}{complement}"), verdict, Kind::Negation)
        }
    };
    Some(draft(&text, &s2, verdict, kind, Room::Sentence, g).directed())
}

//! Conjunction, disjunction, exclusion and conditionals, judged by truth tables over what two or three things did.

use super::{Room, draft};
use crate::clause::Clause;
use crate::logic::compare;
use crate::phrase::{Gen, Np};
use crate::{Draft, Kind, Verdict};

/// Whether the first, second and third event happened.
type World = [bool; 3];
type Formula = fn(&World) -> bool;

fn worlds() -> Vec<World> {
    (0..8).map(|bits| [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0]).collect()
}

/// A way of saying a formula over `{a}` and `{b}` (subjects), `{v}` (past), `{n}` (base form), `{g}` (-ing form).
struct Saying {
    text: &'static str,
    formula: Formula,
}

const fn say(text: &'static str, formula: Formula) -> Saying {
    Saying { text, formula }
}

const SAYINGS: &[Saying] = &[
    say("{a} and {b} {v}", |w| w[0] && w[1]),
    say("both {a} and {b} {v}", |w| w[0] && w[1]),
    say("{a} {v} , and so did {b}", |w| w[0] && w[1]),
    say("not only {a} but also {b} {v}", |w| w[0] && w[1]),
    say("{a} as well as {b} {v}", |w| w[0] && w[1]),
    say("{a} or {b} {v}", |w| w[0] || w[1]),
    say("at least one of the two , {a} or {b} , {v}", |w| w[0] || w[1]),
    say("{a} or {b} or both {v}", |w| w[0] || w[1]),
    say("neither {a} nor {b} {v}", |w| !w[0] && !w[1]),
    say("{a} did not {n} , and neither did {b}", |w| !w[0] && !w[1]),
    say("{a} and {b} both failed to {n}", |w| !w[0] && !w[1]),
    say("{a} {v} , but {b} did not", |w| w[0] && !w[1]),
    say("{a} , but not {b} , {v}", |w| w[0] && !w[1]),
    say("unlike {b} , {a} {v}", |w| w[0] && !w[1]),
    say("of {a} and {b} , only the former {v}", |w| w[0] && !w[1]),
    say("{a} did not {n} , but {b} did", |w| !w[0] && w[1]),
    say("of {a} and {b} , only the latter {v}", |w| !w[0] && w[1]),
    say("it was not {a} but {b} that {v}", |w| !w[0] && w[1]),
    say("instead of {a} , it was {b} that {v}", |w| !w[0] && w[1]),
    say("{a} {v}", |w| w[0]),
    say("{b} {v}", |w| w[1]),
    say("{a} {v}", |w| w[0]),
    say("{b} {v}", |w| w[1]),
    say("{a} did not {n}", |w| !w[0]),
    say("{b} did not {n}", |w| !w[1]),
    say("it is true that {b} {v}", |w| w[1]),
    say("{a} never {v}", |w| !w[0]),
    say("{a} and {b} did not both {n}", |w| !(w[0] && w[1])),
    say("at most one of {a} and {b} {v}", |w| !(w[0] && w[1])),
    say("either {a} or {b} {v} , but not both", |w| w[0] != w[1]),
    say("exactly one of {a} and {b} {v}", |w| w[0] != w[1]),
];

fn fill(text: &str, a: &Np, b: &Np, event: &Clause) -> String {
    let object = event.object.as_ref().map(Np::text).unwrap_or_default();
    text.replace("{a}", &a.text())
        .replace("{b}", &b.text())
        .replace("{v}", &format!("{} {object}", event.verb.past))
        .replace("{n}", &format!("{} {object}", event.verb.base))
}

/// Two things of one class and something that either may have done.
fn scene(g: &mut Gen) -> (Np, Np, Clause) {
    if g.coin() {
        let class = *g.rng.one(&[
            "animal",
            "person",
            "machine",
            "vehicle",
            "device",
            "software",
            "org",
            "chemical",
            "plant",
            "building",
            "tool",
            "container",
        ]);
        let (a, b) = g.two(class, class);
        let event = g.intransitive(a.clone());
        (a, b, event)
    } else {
        let event = super::arguments::plain_event(g, false);
        let a = event.subject.clone();
        let b = match &event.object {
            Some(object) => g.other(a.class, &[&a, object]),
            None => g.other(a.class, &[&a]),
        };
        (a, b, event)
    }
}

/// Two formulas over the same two events.
pub(super) fn coordination(g: &mut Gen) -> Option<Draft> {
    let (a, b, event) = scene(g);
    if g.rng.chance(0.2) {
        return predicates(g, &a, &b, &event);
    }
    let (first, second) = (g.rng.one(SAYINGS), g.rng.one(SAYINGS));
    let flip = g.coin();
    let worlds = worlds();
    let seen = |w: &World| if flip { [w[1], w[0], w[2]] } else { *w };
    let verdict = compare(&worlds, |w| (first.formula)(w), |w| (second.formula)(&seen(w)));
    let (x, y) = if flip { (&b, &a) } else { (&a, &b) };
    let (s1, s2) = (fill(first.text, &a, &b, &event), fill(second.text, x, y, &event));
    let kind = if verdict == Verdict::Neither(Some(true)) { Kind::Negation } else { Kind::Addition };
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g))
}

/// One thing did two things, or one of them, in `{v}` and `{w}`.
fn predicates(g: &mut Gen, a: &Np, b: &Np, event: &Clause) -> Option<Draft> {
    let mut other = event.clone();
    other.verb = g.other_verb(event)?;
    let object = event.object.as_ref().map(Np::text).unwrap_or_default();
    let at = a.text();
    let (v, w) = (&event.verb.past, &other.verb.past);
    let (vn, wn) = (&event.verb.base, &other.verb.base);
    // Worlds: a did V, a did W, b did V.
    let sayings: [(String, Formula); 10] = [
        (format!("{at} {v} and {w} {object}"), |w| w[0] && w[1]),
        (format!("{at} both {w} and {v} {object}"), |w| w[0] && w[1]),
        (format!("{at} {v} or {w} {object}"), |w| w[0] || w[1]),
        (format!("{at} {v} but did not {wn} {object}"), |w| w[0] && !w[1]),
        (format!("{at} neither {v} nor {w} {object}"), |w| !w[0] && !w[1]),
        (format!("{at} {v} {object} without {} {}", other.verb.ing, if object.is_empty() { "" } else { "it" }), |w| {
            w[0] && !w[1]
        }),
        (format!("{at} {v} {object}"), |w| w[0]),
        (format!("{at} {w} {object}"), |w| w[1]),
        (format!("{at} did not {vn} {object}"), |w| !w[0]),
        (format!("{} and {at} {v} {object}", b.text()), |w| w[0] && w[2]),
    ];
    if object.contains(' ') && event.object.as_ref().is_some_and(|o| o.class == "person") {
        return None;
    }
    let (first, second) = (g.rng.one(&sayings), g.rng.one(&sayings));
    let verdict = compare(&worlds(), |w| (first.1)(w), |w| (second.1)(w));
    Some(draft(&first.0, &second.0, verdict, Kind::Addition, Room::Sentence, g))
}

const CONDITIONALS: &[Saying] = &[
    say("if {a} {v} , {b} {v} as well", |w| !w[0] || w[1]),
    say("{b} {v} if {a} did", |w| !w[0] || w[1]),
    say("whenever {a} {v} , so did {b}", |w| !w[0] || w[1]),
    say("{a} {v} only if {b} did", |w| !w[0] || w[1]),
    say("unless {b} {v} , {a} did not {n} either", |w| !w[0] || w[1]),
    say("if {b} did not {n} , then neither did {a}", |w| !w[0] || w[1]),
    say("{b} {v} if {a} did not", |w| w[0] || w[1]),
    say("unless {a} {v} , {b} {v}", |w| w[0] || w[1]),
    say("if {a} {v} , then {b} did not", |w| !w[0] || !w[1]),
    say("{b} {v} only if {a} did not", |w| !w[0] || !w[1]),
    say("{a} {v} if and only if {b} did", |w| w[0] == w[1]),
    say("because {a} {v} , {b} {v} too", |w| w[0] && w[1]),
    say("although {a} {v} , {b} did not", |w| w[0] && !w[1]),
    say("{b} {v} , even though {a} did not", |w| !w[0] && w[1]),
];

/// A conditional, a second premise or none, and a conclusion that follows or only seems to.
pub(super) fn conditional(g: &mut Gen) -> Option<Draft> {
    let (a, b, event) = scene(g);
    let first = g.rng.one(CONDITIONALS);
    let worlds = worlds();
    if g.rng.chance(0.35) {
        // Another conditional: the converse, the contrapositive, another link.
        let second = g.rng.one(CONDITIONALS);
        let flip = g.coin();
        let seen = |w: &World| if flip { [w[1], w[0], w[2]] } else { *w };
        let verdict = compare(&worlds, |w| (first.formula)(w), |w| (second.formula)(&seen(w)));
        let weak = |formula: &dyn Fn(&World) -> bool| worlds.iter().filter(|w| formula(w)).count() > 4;
        // A conditional is said to follow from nothing weaker than itself: the paradoxes of the material one are left out.
        if !verdict.forward() && verdict.backward() && weak(&|w| (first.formula)(w)) {
            return None;
        }
        if verdict.forward() && !verdict.backward() && weak(&|w| (second.formula)(&seen(w))) {
            return None;
        }
        let (x, y) = if flip { (&b, &a) } else { (&a, &b) };
        let (s1, s2) = (fill(first.text, &a, &b, &event), fill(second.text, x, y, &event));
        return Some(draft(&s1, &s2, verdict, Kind::Other, Room::Sentence, g));
    }
    let plain = &SAYINGS[19..27];
    let minor = g.rng.one(plain);
    let with_minor = g.rng.chance(0.8);
    let premise = |w: &World| (first.formula)(w) && (!with_minor || (minor.formula)(w));
    let claim = g.rng.one(plain);
    if !worlds.iter().any(premise) {
        return None;
    }
    let verdict = compare(&worlds, premise, |w| (claim.formula)(w));
    if verdict.backward() {
        return None;
    }
    let (main, more) = (fill(first.text, &a, &b, &event), fill(minor.text, &a, &b, &event));
    let s1 = match (with_minor, g.coin()) {
        (false, _) => main,
        (true, true) => format!("{main} . {more}"),
        (true, false) => format!("{more} . {main}"),
    };
    let s2 = fill(claim.text, &a, &b, &event);
    let kind = if verdict == Verdict::Neither(Some(true)) { Kind::Negation } else { Kind::Modality };
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g).directed())
}

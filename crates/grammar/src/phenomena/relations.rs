//! Relations that are symmetric, converse or neither: a swap keeps the meaning of some and reverses others.

use super::{Room, draft};
use crate::lexicon::{Predicate, lexicon};
use crate::phrase::{Gen, Np};
use crate::{Draft, Kind, Verdict};

pub(super) fn kind(topic: &str) -> Kind {
    match topic {
        "comparison" => Kind::Comparison,
        "direction" => Kind::Direction,
        "order" => Kind::Order,
        _ => Kind::Role,
    }
}

/// One way of saying the predicate of two things.
pub(super) fn say(g: &mut Gen, predicate: &Predicate, a: &Np, b: &Np) -> String {
    let pattern = g.rng.pick(&predicate.patterns);
    pattern.replace("{a}", &a.text()).replace("{b}", &b.text())
}

/// A relation between two things, said again with the things in their places or exchanged.
pub(super) fn relation(g: &mut Gen) -> Option<Draft> {
    let predicate = g.rng.one(&lexicon().predicates);
    let (mut a, mut b) = g.two(predicate.class, predicate.class);
    if a.head == b.head {
        return None;
    }
    a.post.clear();
    b.post.clear();
    let s1 = say(g, predicate, &a, &b);
    let symmetric = predicate.logic == "symmetric";
    // Swaps that keep the meaning are rarer in the word list than swaps that change it.
    let swap = g.rng.chance(if symmetric { 0.5 } else { 0.55 });
    if g.rng.chance(0.15) {
        let other = g.other(predicate.class, &[&a, &b]);
        let (x, y) = if g.coin() { (&a, &other) } else { (&other, &b) };
        let s2 = say(g, predicate, x, y);
        return Some(draft(&s1, &s2, Verdict::Neither(None), Kind::Entity, Room::Clause, g));
    }
    let (x, y) = if swap { (&b, &a) } else { (&a, &b) };
    let s2 = say(g, predicate, x, y);
    let verdict = match (swap && !symmetric, predicate.logic) {
        (false, _) => Verdict::Equivalent,
        (true, "antisymmetric") => Verdict::Neither(Some(true)),
        _ => Verdict::Neither(None),
    };
    Some(draft(&s1, &s2, verdict, kind(predicate.topic), Room::Clause, g))
}

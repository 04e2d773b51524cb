//! Who does what to whom: voice, clefts, ditransitives, nominalizations, chains of events.

use super::{Room, draft};
use crate::clause::{Clause, Tense};
use crate::phrase::{Gen, Np};
use crate::{Draft, Kind, Verdict};

/// One event, and the same event said otherwise, with roles exchanged, with another verb, tense or participant.
pub(super) fn participants(g: &mut Gen) -> Option<Draft> {
    let reversible = g.rng.chance(0.8);
    let mut clause = g.transitive(reversible);
    if g.rng.chance(0.3) {
        clause.subject = g.varied(&clause.subject);
        clause.object = clause.object.as_ref().map(|np| g.varied(np));
    }
    let mut other = clause.clone();
    let mut verdict = Verdict::Equivalent;
    let mut kind = Kind::Addition;
    if !other.adjuncts.is_empty() && g.rng.chance(0.35) {
        other.adjuncts.pop();
        verdict = Verdict::Forward;
    }
    match g.rng.below(10) {
        0..=4 => {}
        5..=7 if reversible => (other, verdict, kind) = (other.swapped(), Verdict::Neither(None), Kind::Role),
        8 => {
            other.verb = g.other_verb(&clause)?;
            (verdict, kind) = (Verdict::Neither(None), Kind::Other);
        }
        _ => {
            let place = g.coin();
            let old = if place { other.subject.clone() } else { other.object.clone()? };
            let new = g.other(old.class, &[&clause.subject, clause.object.as_ref()?]);
            if place {
                other.subject = new
            } else {
                other.object = Some(new)
            }
            (verdict, kind) = (Verdict::Neither(None), Kind::Entity);
        }
    }
    let (s1, s2) = (clause.text(g), other.text(g));
    Some(draft(&s1, &s2, verdict, kind, Room::Clause, g))
}

/// Two events with three participants; the hypothesis is one of them, or recombines them.
pub(super) fn chain(g: &mut Gen) -> Option<Draft> {
    let mut first = g.transitive(true);
    first.tense = Tense::Past;
    first.adjuncts.clear();
    let class = first.subject.class;
    let third = g.other(class, &[&first.subject, first.object.as_ref()?]);
    let mut second = first.clone();
    second.verb = g.other_verb(&first)?;
    let cast: [Np; 3] = [first.subject.clone(), first.object.clone()?, third];
    let (a, b) = *g.rng.one(&[(1, 2), (2, 1), (0, 2), (2, 0)]);
    (second.subject, second.object) = (cast[a].clone(), Some(cast[b].clone()));
    let facts = [first.clone(), second.clone()];
    let s1 = match g.rng.below(4) {
        0 => format!("{} , and {}", first.core(g), second.core(g)),
        1 => format!("{} . {}", second.core(g), first.core(g)),
        2 => format!("after {} , {}", first.active(g), second.core(g)),
        _ => format!("{} , while {}", first.core(g), second.core(g)),
    };
    if g.rng.chance(0.3) {
        // Both texts tell both events.
        let (mut one, mut two) = (first.clone(), second.clone());
        let same = g.coin();
        if !same {
            match g.rng.below(3) {
                0 => one = one.swapped(),
                1 => two = two.swapped(),
                _ => std::mem::swap(&mut one.verb, &mut two.verb),
            }
        }
        let temporal = s1.starts_with("after");
        let s2 = format!("{} , and {}", two.core(g), one.core(g));
        let verdict = match (same, temporal) {
            (true, false) => Verdict::Equivalent,
            (true, true) => Verdict::Forward,
            _ => Verdict::Neither(None),
        };
        return Some(draft(&s1, &s2, verdict, Kind::Role, Room::Sentence, g));
    }
    let mut claim = g.rng.one(&facts).clone();
    if g.coin() {
        match g.rng.below(3) {
            0 => claim = claim.swapped(),
            1 => claim.verb = if claim.verb == first.verb { second.verb } else { first.verb },
            _ => {
                claim.subject = cast[g.rng.below(3)].clone();
                claim.object = Some(cast[g.rng.below(3)].clone());
            }
        }
        if Some(&claim.subject) == claim.object.as_ref() {
            return None;
        }
    }
    let s2 = claim.core(g);
    let verdict = if facts.contains(&claim) { Verdict::Forward } else { Verdict::Neither(None) };
    let kind = if verdict == Verdict::Forward { Kind::Addition } else { Kind::Role };
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g))
}

/// Ways to say that {a} hands {o} over to {b}; all patterns of a row mean the same.
const TRANSFERS: &[&[&str]] = &[
    &[
        "{a} gave {o} to {b}",
        "{a} gave {b} {o}",
        "{o} was given to {b} by {a}",
        "{b} was given {o} by {a}",
        "{b} got {o} from {a}",
        "it was {b} to whom {a} gave {o}",
    ],
    &[
        "{a} sent {o} to {b}",
        "{a} sent {b} {o}",
        "{o} was sent to {b} by {a}",
        "{b} was sent {o} by {a}",
        "it was {a} who sent {o} to {b}",
    ],
    &[
        "{a} sold {o} to {b}",
        "{a} sold {b} {o}",
        "{b} bought {o} from {a}",
        "{o} was sold to {b} by {a}",
        "{o} was bought from {a} by {b}",
    ],
    &[
        "{a} lent {o} to {b}",
        "{a} lent {b} {o}",
        "{b} borrowed {o} from {a}",
        "{o} was lent to {b} by {a}",
        "what {b} borrowed from {a} was {o}",
    ],
    &[
        "{a} returned {o} to {b}",
        "{o} was returned to {b} by {a}",
        "{b} got {o} back from {a}",
        "what {a} returned to {b} was {o}",
    ],
    &["{a} showed {o} to {b}", "{a} showed {b} {o}", "{b} was shown {o} by {a}", "{o} was shown to {b} by {a}"],
    &["{a} mailed {o} to {b}", "{a} mailed {b} {o}", "{o} was mailed to {b} by {a}", "{b} was mailed {o} by {a}"],
    &[
        "{a} stole {o} from {b}",
        "{o} was stolen from {b} by {a}",
        "{b} had {o} stolen by {a}",
        "it was from {b} that {a} stole {o}",
    ],
    &["{a} handed {o} to {b}", "{a} handed {b} {o}", "{b} was handed {o} by {a}", "{o} was handed to {b} by {a}"],
    &[
        "{a} bequeathed {o} to {b}",
        "{b} inherited {o} from {a}",
        "{o} was inherited from {a} by {b}",
        "{o} was bequeathed to {b} by {a}",
    ],
    &[
        "{a} rented {o} out to {b}",
        "{b} rented {o} from {a}",
        "{o} was rented out to {b} by {a}",
        "{o} was rented from {a} by {b}",
    ],
    &[
        "{a} promised {o} to {b}",
        "{a} promised {b} {o}",
        "{b} was promised {o} by {a}",
        "{o} was promised to {b} by {a}",
    ],
];

/// Fills `{a}`, `{b}` and `{o}`.
pub(super) fn fill3(pattern: &str, a: &str, b: &str, o: &str) -> String {
    pattern.replace("{a}", a).replace("{b}", b).replace("{o}", o)
}

/// Giver, receiver and thing, in converse verbs and both voices.
pub(super) fn ditransitive(g: &mut Gen) -> Option<Draft> {
    let class = *g.rng.one(&["person", "person", "org", "person", "team"]);
    let (a, b) = g.two(class, class);
    let kind_of_thing = *g.rng.one(&[
        "document",
        "tool",
        "instrument",
        "vehicle",
        "device",
        "artwork",
        "animal",
        "toy",
        "garment",
        "gem",
        "furniture",
        "container",
    ]);
    let thing = g.np(kind_of_thing);
    let (a, b, o) = (a.text(), b.text(), thing.text());
    let family = g.rng.below(TRANSFERS.len());
    let say = |g: &mut Gen, family: usize, a: &str, b: &str, o: &str| {
        let pattern = g.rng.pick(TRANSFERS[family]);
        let pattern = if class == "team" { pattern.replace("{b} was", "{b} were") } else { pattern.to_owned() };
        fill3(&pattern, a, b, o)
    };
    let mut s1 = say(g, family, &a, &b, &o);
    let tail = if g.rng.chance(0.4) {
        let adjunct = g.listed("time-past");
        g.fill(adjunct)
    } else {
        String::new()
    };
    let (mut s2, verdict, kind) = match g.rng.below(12) {
        0..=5 => (say(g, family, &a, &b, &o), Verdict::Equivalent, Kind::Addition),
        6..=9 => (say(g, family, &b, &a, &o), Verdict::Neither(None), Kind::Role),
        10 => {
            let other = g.other(kind_of_thing, &[&thing]).text();
            (say(g, family, &a, &b, &other), Verdict::Neither(None), Kind::Entity)
        }
        _ => {
            let third = g.person_name();
            if third == a || third == b {
                return None;
            }
            (say(g, family, &a, &third, &o), Verdict::Neither(None), Kind::Entity)
        }
    };
    let mut verdict = verdict;
    if !tail.is_empty() {
        s1 = format!("{s1} {tail}");
        if g.rng.chance(0.6) {
            s2 = format!("{tail} , {s2}");
        } else if verdict == Verdict::Equivalent {
            verdict = Verdict::Forward;
        }
    }
    Some(draft(&s1, &s2, verdict, kind, Room::Clause, g))
}

/// Verb, its noun, and the class of both participants.
const NOUNS_OF_VERBS: &[(&str, &str, &str)] = &[
    ("acquired", "acquisition", "org"),
    ("audited", "audit", "org"),
    ("invaded", "invasion", "country"),
    ("annexed", "annexation", "country"),
    ("occupied", "occupation", "country"),
    ("bombarded", "bombardment", "country"),
    ("liberated", "liberation", "country"),
    ("attacked", "attack on", "country"),
    ("defeated", "defeat", "team"),
    ("eliminated", "elimination", "team"),
    ("rescued", "rescue", "person"),
    ("betrayed", "betrayal", "person"),
    ("nominated", "nomination", "person"),
    ("accused", "accusation against", "person"),
    ("kidnapped", "kidnapping", "person"),
    ("replaced", "replacement", "machine"),
    ("absorbed", "absorption", "chemical"),
    ("displaced", "displacement", "chemical"),
    ("neutralized", "neutralization", "chemical"),
    ("pursued", "pursuit", "animal"),
    ("interviewed", "interview with", "person"),
    ("sued", "lawsuit against", "org"),
    ("financed", "financing", "org"),
    ("imitated", "imitation", "person"),
];

fn nominal(g: &mut Gen, noun: &str, a: &str, b: &str) -> String {
    let genitive = if a.ends_with('s') && a.starts_with("the ") { format!("{a}'") } else { format!("{a}'s") };
    match noun.split_once(' ') {
        Some((noun, preposition)) => match g.rng.below(2) {
            0 => format!("{genitive} {noun} {preposition} {b}"),
            _ => format!("the {noun} {preposition} {b} by {a}"),
        },
        None => match g.rng.below(2) {
            0 => format!("the {noun} of {b} by {a}"),
            _ => format!("{genitive} {noun} of {b}"),
        },
    }
}

/// "The acquisition of B by A surprised C" against "A acquired B" and "B acquired A".
pub(super) fn nominalization(g: &mut Gen) -> Option<Draft> {
    let (verb, noun, class) = *g.rng.one(NOUNS_OF_VERBS);
    let (mut a, mut b) = g.two(class, class);
    a.post.clear();
    b.post.clear();
    let (a, b) = (a.text(), b.text());
    let witness = g.person_name();
    let phrase = nominal(g, noun, &a, &b);
    let when = g.listed("time-past");
    let when = g.fill(when);
    let s1 = match g.rng.below(4) {
        0 => format!("{phrase} surprised {witness}"),
        1 => format!("{phrase} took place {when}"),
        2 => format!("{phrase} happened {when} and was reported by the newspapers"),
        _ => format!("{witness} was shocked by {phrase}"),
    };
    let swap = g.coin();
    let (x, y) = if swap { (&b, &a) } else { (&a, &b) };
    let verdict = if swap { Verdict::Neither(None) } else { Verdict::Forward };
    let s2 = match g.rng.below(3) {
        0 => format!("{x} {verb} {y}"),
        1 => {
            let be = if class == "team" { "were" } else { "was" };
            format!("{y} {be} {verb} by {x}")
        }
        _ => {
            let again = nominal(g, noun, x, y);
            let rest = s1.replace(&phrase, "{}");
            let verdict = if swap { Verdict::Neither(None) } else { Verdict::Equivalent };
            return Some(draft(&s1, &rest.replace("{}", &again), verdict, Kind::Role, Room::Clause, g));
        }
    };
    Some(draft(&s1, &s2, verdict, if swap { Kind::Role } else { Kind::Addition }, Room::Clause, g))
}

/// A transitive clause in the simple past without adjuncts, for families that build on one.
pub(super) fn plain_event(g: &mut Gen, reversible: bool) -> Clause {
    let mut clause = g.transitive(reversible);
    clause.tense = Tense::Past;
    clause.adjuncts.clear();
    clause
}

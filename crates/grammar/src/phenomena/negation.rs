//! Negation in its many forms: sentential, lexical, double, with `until`, `no longer` and `not only`.

use super::arguments::plain_event;
use super::{Room, draft};
use crate::clause::Clause;
use crate::logic::compare;
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// Says that the event happened, or that it did not, in one of many ways; the number of denials is even or odd.
fn literal(g: &mut Gen, clause: &Clause, happened: bool) -> String {
    let yes = Clause { negated: false, ..clause.clone() };
    let no = Clause { negated: true, ..clause.clone() };
    let animate = matches!(clause.subject.class, "person" | "animal" | "org" | "team" | "country");
    let object = clause.object.as_ref().map(|np| format!(" {}", np.text())).unwrap_or_default();
    let subject = clause.subject.text();
    let (base, ing) = (&clause.verb.base, &clause.verb.ing);
    if happened {
        match g.rng.below(14) {
            0 => format!("it is not true that {}", no.active(g)),
            1 => format!("it is false that {}", no.core(g)),
            2 if animate => format!("{subject} did not fail to {base}{object}"),
            3 => format!("{subject} did {base}{object}"),
            4 if animate => format!("{subject} did not refrain from {ing}{object}"),
            5 => format!("no one can deny that {}", yes.core(g)),
            _ => yes.core(g),
        }
    } else {
        match g.rng.below(14) {
            0 => format!("it is not true that {}", yes.core(g)),
            1 => format!("it is false that {}", yes.core(g)),
            2 if animate => format!("{subject} failed to {base}{object}"),
            3 if animate => format!("{subject} refrained from {ing}{object}"),
            4 => format!("at no point did {subject} {base}{object}"),
            5 => format!("it is not the case that {}", yes.core(g)),
            _ => no.core(g),
        }
    }
}

/// Complementary adjectives: what is not one is the other.
const COMPLEMENTARY: &[(&str, &str, &[&str])] = &[
    ("legal", "illegal", &["the {document}", "the {event}"]),
    ("open", "closed", &["the {building}", "the gate"]),
    ("alive", "dead", &["the {animal}", "the {plant}"]),
    ("occupied", "vacant", &["the {building}", "the seat next to {name}"]),
    ("finished", "unfinished", &["the {artwork}", "the {building}"]),
    ("locked", "unlocked", &["the {container}", "the {vehicle}"]),
    ("awake", "asleep", &["the {animal}", "{name}"]),
    ("married", "unmarried", &["{name}"]),
    ("visible", "invisible", &["the {planet}", "the stain"]),
    ("true", "false", &["the rumor about {name}", "the claim of {name}"]),
    ("possible", "impossible", &["a rescue", "the repair of the {device}"]),
    ("present", "absent", &["{name}", "the {relative} of {name}"]),
    ("complete", "incomplete", &["the {document}", "the list of {foodplural}"]),
    ("conscious", "unconscious", &["{name}", "the {animal}"]),
    ("equal", "unequal", &["the two shares"]),
    ("signed", "unsigned", &["the {document}", "the {artwork}"]),
    ("inhabited", "uninhabited", &["the island", "the {building}"]),
    ("encrypted", "unencrypted", &["the backup on node {digit}", "the {software}"]),
    ("known", "unknown", &["the cause of the {event}", "the origin of the {artwork}"]),
    ("on", "off", &["the {device}", "the {machine}"]),
    ("edible", "inedible", &["the {food}", "the {plant}"]),
    ("guilty", "innocent", &["{name}", "the driver of the {vehicle}"]),
    ("even", "odd", &["the number on the {container}"]),
    ("reversible", "irreversible", &["the reaction", "the change to the {software}"]),
];

/// Gradable opposites: what is not one need not be the other.
const GRADABLE: &[(&str, &str, &[&str])] = &[
    ("hot", "cold", &["the {food}", "the {machine}"]),
    ("cheap", "expensive", &["the {garment}", "the {vehicle}"]),
    ("tall", "short", &["{name}", "the {building}"]),
    ("heavy", "light", &["the {container}", "the {tool}"]),
    ("happy", "sad", &["{name}", "the {animal}"]),
    ("rich", "poor", &["{name}", "{country}"]),
    ("young", "old", &["{name}", "the {animal}"]),
    ("large", "small", &["the {building}", "the {gem}"]),
    ("noisy", "silent", &["the {machine}", "the {event}"]),
    ("bright", "dark", &["the {building}", "the color of the {garment}"]),
    ("wide", "narrow", &["the {water}", "the {structure}"]),
    ("deep", "shallow", &["the {water}"]),
    ("popular", "unpopular", &["the {document}", "the {software}"]),
    ("early", "late", &["the {vehicle}", "{name}"]),
    ("sweet", "sour", &["the {food}"]),
    ("strong", "weak", &["the {chemical} solution", "{name}"]),
    ("friendly", "unfriendly", &["the {animal}", "{name}"]),
    ("fast", "slow", &["the {vehicle}", "the {software}"]),
    ("thick", "thin", &["the {document}", "the wall of the {building}"]),
    ("full", "empty", &["the {container}", "the {vehicle}"]),
];

fn state(g: &mut Gen) -> Option<Draft> {
    let gradable = g.coin();
    let (one, two, things) = if gradable { *g.rng.one(GRADABLE) } else { *g.rng.one(COMPLEMENTARY) };
    let thing = g.rng.pick(things);
    let thing = g.fill(thing);
    let be = if thing.ends_with("shares") { "were" } else { "was" };
    // Position on the scale: -1 the second adjective holds, 1 the first, 0 neither (gradable only).
    let worlds: &[i32] = if gradable { &[-1, 0, 1] } else { &[-1, 1] };
    let saying = |g: &mut Gen| -> (String, bool, i32) {
        let (word, value) = if g.coin() { (one, 1) } else { (two, -1) };
        match g.rng.below(6) {
            0 | 1 => (format!("{thing} {be} {word}"), true, value),
            2 => (format!("{thing} {be} not {word}"), false, value),
            3 => (format!("{thing} {be}n't {word}"), false, value),
            4 => (format!("it is not true that {thing} {be} {word}"), false, value),
            _ => (format!("it is not true that {thing} {be} not {word}"), true, value),
        }
    };
    let (first, second) = (saying(g), saying(g));
    let verdict = compare(worlds, |w| (*w == first.2) == first.1, |w| (*w == second.2) == second.1);
    Some(draft(
        &first.0,
        &second.0,
        verdict,
        if first.1 == second.1 { Kind::Antonym } else { Kind::Negation },
        Room::Sentence,
        g,
    ))
}

/// Sayings about a habit then and now, each with the worlds it allows: never, then only, now only, always.
const PHASES: &[(&str, [bool; 4])] = &[
    ("{s} no longer {r}", [false, true, false, false]),
    ("{s} used to {n} but does not any more", [false, true, false, false]),
    ("{s} {r} now , but did not before", [false, false, true, false]),
    ("{s} still {r}", [false, false, false, true]),
    ("{s} continues to {n}", [false, false, false, true]),
    ("{s} {r} now", [false, false, true, true]),
    ("{s} does not {n} now", [true, true, false, false]),
    ("{s} used to {n}", [false, true, false, true]),
    ("{s} did not {n} in the past", [true, false, true, false]),
    ("{s} has never {d} and still does not", [true, false, false, false]),
    ("{s} did not {n} until recently , but now it happens", [false, false, true, false]),
    ("{s} has ceased to {n}", [false, true, false, false]),
    ("{s} has begun to {n}", [false, false, true, false]),
];

fn phase(g: &mut Gen) -> Option<Draft> {
    let class = *g.rng.one(&["machine", "device", "animal", "software", "structure", "person"]);
    let subject = g.np(class);
    let verb = g.intransitive(subject.clone()).verb;
    let (one, two) = (g.rng.one(PHASES), g.rng.one(PHASES));
    let say = |pattern: &str| {
        pattern
            .replace("{s}", &subject.text())
            .replace("{r}", &verb.third)
            .replace("{n}", &verb.base)
            .replace("{d}", &verb.participle)
    };
    let verdict = compare(&[0usize, 1, 2, 3], |w| one.1[*w], |w| two.1[*w]);
    Some(draft(&say(one.0), &say(two.0), verdict, Kind::Negation, Room::Sentence, g))
}

/// One or two events, each told or denied; the hypothesis tells or denies one of them, or both.
pub(super) fn negation(g: &mut Gen) -> Option<Draft> {
    match g.rng.below(10) {
        0..=2 => return state(g),
        3 => return phase(g),
        _ => {}
    }
    let first = plain_event(g, false);
    let pair = g.rng.chance(0.7);
    let mut second = if g.coin() { plain_event(g, false) } else { first.clone() };
    if second == first {
        second.subject = g.other(first.subject.class, &[&first.subject, first.object.as_ref()?]);
    }
    // Worlds: whether each happened.
    let worlds: Vec<[bool; 2]> = (0..4).map(|bits| [bits & 1 > 0, bits & 2 > 0]).collect();
    let events = [first, second];
    let polarity = [g.coin(), g.coin()];
    let said: [bool; 2] = if pair { [true, true] } else { [true, false] };
    let mut texts: Vec<String> = (0..2).filter(|i| said[*i]).map(|i| literal(g, &events[i], polarity[i])).collect();
    if g.coin() {
        texts.reverse();
    }
    let link = if polarity[0] == polarity[1] {
        g.rng.pick(&[" , and ", " . "])
    } else {
        g.rng.pick(&[" , but ", " . ", " , although "])
    };
    // A denial in front must not reach over the link.
    let link =
        if texts.iter().any(|text| text.starts_with("it is") || text.starts_with("no one")) { " . " } else { link };
    let s1 = texts.join(link);
    let premise = |w: &[bool; 2]| (0..2).all(|i| !said[i] || w[i] == polarity[i]);
    let both = pair && g.rng.chance(0.3);
    if both {
        let claimed = match g.rng.below(4) {
            0 => [!polarity[0], polarity[1]],
            1 => [polarity[1], polarity[0]],
            _ => polarity,
        };
        let s2 = format!("{} . {}", literal(g, &events[1], claimed[1]), literal(g, &events[0], claimed[0]));
        let verdict = compare(&worlds, premise, |w| *w == claimed);
        return Some(draft(&s1, &s2, verdict, Kind::Negation, Room::Sentence, g));
    }
    let which = if pair { g.rng.below(2) } else { 0 };
    let claimed = g.coin();
    let s2 = literal(g, &events[which], claimed);
    let verdict = compare(&worlds, premise, |w| w[which] == claimed);
    Some(draft(
        &s1,
        &s2,
        verdict,
        if verdict == Verdict::Forward { Kind::Addition } else { Kind::Negation },
        Room::Sentence,
        g,
    ))
}

//! Causes and their effects, stretches of time, and what things are called.

use super::arguments::plain_event;
use super::{Room, draft};
use crate::clause::Clause;
use vetted_english::MONTHS;

use crate::morphology::number_word;
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// Ways of saying that `{c}` is the reason for `{e}`; all mean the same.
const BECAUSE: &[&str] = &[
    "{e} because {c}",
    "because {c} , {e}",
    "{c} , and that is why {e}",
    "the reason that {e} was that {c}",
    "since {c} , {e}",
    "{c} , so {e}",
    "{c} , and as a result {e}",
    "{c} , and therefore {e}",
    "the fact that {c} was the reason that {e}",
    "{e} , and the reason was that {c}",
    "{e} , as a result of the fact that {c}",
    "it was because {c} that {e}",
    "as {c} , {e}",
    "{c} , which is why {e}",
    "{e} due to the fact that {c}",
];

/// Ways of saying that `{e}` although `{c}`.
const ALTHOUGH: &[&str] = &[
    "{e} although {c}",
    "although {c} , {e}",
    "even though {c} , {e}",
    "{c} , but nevertheless {e}",
    "despite the fact that {c} , {e}",
    "{c} ; {e} all the same",
    "{e} in spite of the fact that {c}",
    "{c} , and yet {e}",
];

fn happening(g: &mut Gen) -> Clause {
    if g.coin() {
        let class = *g.rng.one(&[
            "person",
            "animal",
            "machine",
            "device",
            "software",
            "vehicle",
            "org",
            "building",
            "plant",
            "structure",
            "team",
        ]);
        let subject = g.np(class);
        g.intransitive(subject)
    } else {
        plain_event(g, false)
    }
}

/// A cause and an effect, told in either order of words, exchanged, denied, or joined by another link.
pub(super) fn causation(g: &mut Gen) -> Option<Draft> {
    let (cause, effect) = (happening(g), happening(g));
    if cause.subject.head == effect.subject.head {
        return None;
    }
    let say = |g: &mut Gen, patterns: &[&'static str], cause: &Clause, effect: &Clause| {
        let pattern = g.rng.pick(patterns);
        let (c, e) = (cause.voiced(g), effect.voiced(g));
        pattern.replace("{c}", &c).replace("{e}", &e)
    };
    let because = g.rng.chance(0.75);
    let patterns = if because { BECAUSE } else { ALTHOUGH };
    let s1 = say(g, patterns, &cause, &effect);
    let (s2, verdict, kind) = match g.rng.below(12) {
        0..=4 => (say(g, patterns, &cause, &effect), Verdict::Equivalent, Kind::Order),
        5..=7 => (say(g, patterns, &effect, &cause), Verdict::Neither(None), Kind::Role),
        8 => {
            let other = if because { ALTHOUGH } else { BECAUSE };
            (say(g, other, &cause, &effect), Verdict::Neither(None), Kind::Other)
        }
        9 => {
            let told = if g.coin() { &cause } else { &effect };
            (told.voiced(g), Verdict::Forward, Kind::Addition)
        }
        10 => {
            let told = if g.coin() { &cause } else { &effect };
            (told.negate().voiced(g), Verdict::Neither(Some(true)), Kind::Negation)
        }
        _ => {
            let (c, e) = (cause.voiced(g), effect.voiced(g));
            (
                if g.coin() { format!("{c} , and {e}") } else { format!("{e} , and {c}") },
                Verdict::Forward,
                Kind::Addition,
            )
        }
    };
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g))
}

/// States that last: class, sayings that it held, sayings that it did not.
type State = (&'static str, [&'static str; 2], [&'static str; 2]);

const STATES: &[State] = &[
    ("building", ["{x} was open", "{x} was not closed"], ["{x} was closed", "{x} was not open"]),
    ("machine", ["{x} was running", "{x} was in operation"], ["{x} was not running", "{x} was out of operation"]),
    (
        "structure",
        ["{x} was closed to traffic", "{x} was not open to traffic"],
        ["{x} was open to traffic", "{x} was not closed to traffic"],
    ),
    ("software", ["{x} was online", "{x} was not offline"], ["{x} was offline", "{x} was not online"]),
    (
        "device",
        ["{x} was switched on", "{x} was not switched off"],
        ["{x} was switched off", "{x} was not switched on"],
    ),
    (
        "person",
        ["{x} was in {city}", "{x} was not outside {city}"],
        ["{x} was not in {city}", "{x} was away from {city}"],
    ),
    ("event", ["{x} was going on", "{x} was in progress"], ["{x} was not going on", "{x} was not in progress"]),
    ("animal", ["{x} was asleep", "{x} was not awake"], ["{x} was awake", "{x} was not asleep"]),
    ("water", ["{x} was frozen", "{x} was covered with ice"], ["{x} was not frozen", "{x} was free of ice"]),
    (
        "vehicle",
        ["{x} was in the garage", "{x} was not out of the garage"],
        ["{x} was not in the garage", "{x} was out of the garage"],
    ),
    ("org", ["{x} was on strike", "{x} was not free of strikes"], ["{x} was not on strike", "{x} was free of strikes"]),
    ("plant", ["{x} was in bloom", "{x} was flowering"], ["{x} was not in bloom", "{x} was not flowering"]),
];

/// A moment or stretch within a day (hours) or a year (months), as first and last.
fn stretch(g: &mut Gen, months: bool) -> [usize; 2] {
    let (a, b) = (g.rng.below(12), g.rng.below(12));
    match g.rng.below(5) {
        0..=2 => [a.min(b), a.max(b)],
        3 if months && g.coin() => *g.rng.one(&[[0, 5], [6, 11], [0, 11]]),
        _ => [a, a],
    }
}

/// One of the ways to name a stretch.
fn when(g: &mut Gen, [from, to]: [usize; 2], months: bool) -> String {
    let name = |index: usize| {
        if months { MONTHS[index].to_owned() } else { format!("{} o'clock", number_word(index as i64 + 1)) }
    };
    let (first, last) = (name(from), name(to));
    match (months, from == to) {
        (true, true) => {
            format!("{} {first}", g.rng.pick(&["throughout", "during all of", "all through", "for the whole of"]))
        }
        (false, true) => format!("{} {first}", g.rng.pick(&["at", "exactly at", "when it was", "at the stroke of"])),
        (true, false) => {
            let whole = match [from, to] {
                [0, 5] => Some("throughout the first half of the year"),
                [6, 11] => Some("throughout the second half of the year"),
                [0, 11] => Some("all year round"),
                _ => None,
            };
            match (whole, g.rng.below(4)) {
                (Some(whole), 0..=2) => whole.to_owned(),
                (_, 0 | 1) => format!("from the start of {first} until the end of {last}"),
                (_, 2) => format!("all the time from early {first} through late {last}"),
                _ => format!("without interruption from {first} to {last} inclusive"),
            }
        }
        (false, false) => match g.rng.below(3) {
            0 => format!("from {first} until {last}"),
            1 => format!("all the time between {first} and {last}"),
            _ => format!("without interruption from {first} to {last}"),
        },
    }
}

/// When something held, and when else.
pub(super) fn interval(g: &mut Gen) -> Option<Draft> {
    let (class, yes, no) = *g.rng.one(STATES);
    let mut thing = g.np(class);
    thing.post.clear();
    let x = thing.text();
    let city = g.name("city");
    let fill = |pattern: &str| pattern.replace("{x}", &x).replace("{city}", &city);
    let months = g.coin();
    let inside = |a: [usize; 2], b: [usize; 2]| a[0] <= b[0] && b[1] <= a[1];
    let first = stretch(g, months);
    let mut second = stretch(g, months);
    if g.rng.chance(0.6) {
        for _ in 0..20 {
            if inside(first, second) {
                break;
            }
            second = stretch(g, months);
        }
    }
    // Whether an hour that ends a stretch belongs to it is left open.
    if !months && first != second && (first.contains(&second[0]) || first.contains(&second[1])) {
        return None;
    }
    let denied = [g.rng.chance(0.2), g.rng.chance(0.3)];
    let overlap = first[0] <= second[1] && second[0] <= first[1];
    let verdict = if denied[0] == denied[1] {
        Verdict::new(inside(first, second), inside(second, first), Some(false))
    } else {
        Verdict::Neither(Some(overlap))
    };
    let say = |g: &mut Gen, when: &str, denied: bool| {
        let state = g.rng.pick(if denied { &no } else { &yes });
        let state = fill(state);
        if g.rng.chance(0.3) { format!("{when} , {state}") } else { format!("{state} {when}") }
    };
    let (one, two) = (when(g, first, months), when(g, second, months));
    let (s1, s2) = (say(g, &one, denied[0]), say(g, &two, denied[1]));
    let kind = if denied[0] == denied[1] { Kind::Date } else { Kind::Negation };
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g))
}

/// Classes whose members get names, and the lists that the names come from.
const NAMED: &[(&str, &str)] = &[
    ("animal", "female"),
    ("vehicle", "stem"),
    ("vehicle", "female"),
    ("software", "stem"),
    ("building", "surname"),
    ("event", "stem"),
    ("artwork", "title"),
    ("document", "title"),
    ("structure", "surname"),
    ("machine", "male"),
];

/// Two named things: what is true of the name is true of the thing, and not of the other.
pub(super) fn naming(g: &mut Gen) -> Option<Draft> {
    let (class, names) = *g.rng.one(NAMED);
    let (mut a, mut b) = g.two(class, class);
    (a.post, b.post) = (String::new(), String::new());
    let (n, m) = (g.name(names), g.name(names));
    if n == m || a.head == b.head || a.det != "the" || b.det != "the" {
        return None;
    }
    let owner = g.person_name();
    let fact = g.intransitive(a.clone());
    let did = &fact.verb.past;
    let (at, bt) = (a.text(), b.text());
    let (a_bare, b_bare) = (at.trim_start_matches("the "), bt.trim_start_matches("the "));
    let s1 = match g.rng.below(6) {
        0 => format!("{at} , named {n} , {did} . {bt} is named {m}"),
        1 => format!("{owner} has a {a_bare} named {n} and a {b_bare} by the name of {m} . {n} {did}"),
        2 => format!("{n} is a {a_bare} , and {m} is a {b_bare} . {at} {did}"),
        3 => format!("the name of {at} is {n} , that of {bt} is {m} , and {at} {did}"),
        4 => format!("of the two , {m} , a {b_bare} , and {n} , a {a_bare} , only {n} {did}"),
        _ => format!("{m} is the name of {bt} , while {at} is named {n} . it was {n} that {did}"),
    };
    let (s2, true_claim) = match g.rng.below(8) {
        0 => (format!("{n} {did}"), true),
        1 => (format!("{at} {did}"), true),
        2 => (format!("{m} {did}"), false),
        3 => (format!("{bt} {did}"), false),
        4 => (format!("{n} is the name of a {a_bare}"), true),
        5 => (format!("{n} is the name of a {b_bare}"), false),
        6 => (format!("a {b_bare} goes by the name of {m}"), true),
        _ => (format!("a {a_bare} goes by the name of {m}"), false),
    };
    let verdict = if true_claim { Verdict::Forward } else { Verdict::Neither(None) };
    Some(draft(&s1, &s2, verdict, Kind::Entity, Room::Sentence, g).directed())
}

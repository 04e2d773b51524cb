//! Quantifiers: how many of a group, and what follows when a word inside their scope is made wider or narrower.

use super::{Room, draft};
use crate::lexicon::lexicon;
use crate::logic::compare;
use crate::morphology::{digits, number_word};
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

fn number(g: &mut Gen, value: i64) -> String {
    if value <= 20 && g.rng.chance(0.6) { number_word(value) } else { digits(value) }
}

/// A statement about how many of `total` things do something: its text and whether it holds of a count.
struct Count {
    text: String,
    holds: Box<dyn Fn(i64) -> bool>,
}

fn count(g: &mut Gen, total: i64, things: &str, one: &str, many: &str, not: &str) -> Count {
    let n = g.rng.between(2, (total - 2).clamp(2, 18));
    let word = number(g, n);
    let of = if g.coin() { format!("of the {things}") } else { format!("of the {total} {things}") };
    let make = |text: String, holds: Box<dyn Fn(i64) -> bool>| Count { text, holds };
    match g.rng.below(19) {
        0 => make(format!("all {of} {many}"), Box::new(move |k| k == total)),
        1 => make(format!("every one {of} {one}"), Box::new(move |k| k == total)),
        2 => make(format!("none {of} {many}"), Box::new(|k| k == 0)),
        3 => make(format!("not one {of} {one}"), Box::new(|k| k == 0)),
        4 => make(format!("some {of} {many}"), Box::new(|k| k >= 1)),
        5 => make(format!("at least one {of} {one}"), Box::new(|k| k >= 1)),
        6 => make(format!("not all {of} {many}"), Box::new(move |k| k < total)),
        7 => make(format!("at least one {of} {not}"), Box::new(move |k| k < total)),
        8 => make(format!("most {of} {many}"), Box::new(move |k| 2 * k > total)),
        9 => make(format!("more than half {of} {many}"), Box::new(move |k| 2 * k > total)),
        10 => make(format!("exactly {word} {of} {many}"), Box::new(move |k| k == n)),
        11 => make(format!("at least {word} {of} {many}"), Box::new(move |k| k >= n)),
        12 => make(format!("at most {word} {of} {many}"), Box::new(move |k| k <= n)),
        13 => make(format!("more than {word} {of} {many}"), Box::new(move |k| k > n)),
        14 => make(format!("fewer than {word} {of} {many}"), Box::new(move |k| k < n)),
        15 => make(format!("no more than {word} {of} {many}"), Box::new(move |k| k <= n)),
        16 => make(format!("no fewer than {word} {of} {many}"), Box::new(move |k| k >= n)),
        17 => make(format!("all but one {of} {many}"), Box::new(move |k| k == total - 1)),
        _ => make(format!("half {of} {many}"), Box::new(move |k| 2 * k == total)),
    }
}

/// Two statements about how many things of one group do something.
pub(super) fn counting(g: &mut Gen) -> Option<Draft> {
    let class = *g.rng.one(&["animal", "machine", "person", "vehicle", "plant", "building", "device", "structure"]);
    let noun = g.noun(class);
    let subject = g.np(class);
    let verb = g.intransitive(subject).verb;
    let total = *g.rng.one(&[4, 5, 6, 8, 10, 12, 15, 20, 30, 50]);
    let place = g.place(class);
    let things = if g.coin() { noun.plural.clone() } else { format!("{} {place}", noun.plural) };
    let past = verb.past.clone();
    let not = format!("did not {}", verb.base);
    let first = count(g, total, &things, &past, &past, &not);
    let mut second = count(g, total, &things, &past, &past, &not);
    for _ in 0..3 {
        // Statements about one another's numbers tell more than far ones: prefer pairs that are not independent.
        let worlds: Vec<i64> = (0..=total).collect();
        let verdict = compare(&worlds, |k| (first.holds)(*k), |k| (second.holds)(*k));
        if verdict != Verdict::Neither(Some(false)) && first.text != second.text {
            break;
        }
        second = count(g, total, &things, &past, &past, &not);
    }
    let lead = format!("there were {total} {things} . ");
    let worlds: Vec<i64> = (0..=total).collect();
    let verdict = compare(&worlds, |k| (first.holds)(*k), |k| (second.holds)(*k));
    let (s1, s2) = if g.rng.chance(0.5) {
        (format!("{lead}{}", first.text), format!("{lead}{}", second.text))
    } else {
        (format!("{lead}{}", first.text), second.text.clone())
    };
    let mut made = draft(&s1, &s2, verdict, Kind::Quantifier, Room::Sentence, g);
    // Without the size of the group in the hypothesis, the other direction may not follow.
    made.directed = !s2.starts_with(&lead);
    Some(made)
}

/// How a position reacts to a wider word: truth is kept, truth is kept by a narrower one, neither.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slope {
    Up,
    Down,
    Flat,
}
use Slope::{Down, Flat, Up};

/// Quantifiers that mean the same (with whether their noun is plural), and the slopes of restrictor and scope.
type Quantifier = (&'static [(&'static str, bool)], Slope, Slope);

const QUANTIFIERS: &[Quantifier] = &[
    (
        &[("every", false), ("each", false), ("all", true), ("every single", false), ("without exception , all", true)],
        Down,
        Up,
    ),
    (&[("no", false), ("not a single", false), ("not one", false), ("absolutely no", false)], Down, Down),
    (&[("some", false), ("a", false), ("at least one", false), ("one or more", true)], Up, Up),
    (&[("at least {n}", true), ("no fewer than {n}", true), ("{n} or more", true)], Up, Up),
    (&[("more than {n}", true), ("over {n}", true), ("in excess of {n}", true)], Up, Up),
    (
        &[("at most {n}", true), ("no more than {n}", true), ("not more than {n}", true), ("{n} or fewer", true)],
        Down,
        Down,
    ),
    (&[("fewer than {n}", true), ("less than {n}", true), ("under {n}", true)], Down, Down),
    (&[("exactly {n}", true), ("precisely {n}", true), ("only {n}", true)], Flat, Flat),
    (&[("most", true), ("more than half of all", true), ("the majority of all", true)], Flat, Up),
    (&[("few", true), ("not many", true), ("hardly any", true)], Flat, Down),
    (&[("not every", false), ("not all", true), ("not each and every", false)], Up, Down),
    (&[("several", true), ("a number of", true)], Up, Up),
    (&[("many", true), ("a great many", true), ("a lot of", true)], Flat, Up),
];

/// Frames around a statement and what they do to it: `{p}`, a slope, and whether they are sentences of their own.
const FRAMES: &[(&str, Slope)] = &[
    ("it is not true that {p}", Down),
    ("it is false that {p}", Down),
    ("it is true that {p}", Up),
    ("if {p} , the alarm goes off", Down),
    ("the alarm goes off if {p}", Down),
    ("the alarm goes off only if {p}", Up),
    ("unless {p} , the event will be canceled", Up),
    ("it is certain that {p}", Up),
    ("it is impossible that {p}", Down),
    ("{x} knows that {p}", Up),
    ("there is no evidence at all that {p}", Down),
    ("whenever {p} , {x} makes a note", Down),
];

fn flip(slope: Slope) -> Slope {
    match slope {
        Up => Down,
        Down => Up,
        Flat => Flat,
    }
}

fn compose(outer: Slope, inner: Slope) -> Slope {
    match outer {
        Up => inner,
        Down => flip(inner),
        Flat => Flat,
    }
}

/// What the verdict is when the second text has the wider (or narrower) word at a position of this slope.
fn widened(slope: Slope, wider: bool) -> Verdict {
    match (slope, wider) {
        (Up, true) | (Down, false) => Verdict::Forward,
        (Up, false) | (Down, true) => Verdict::Backward,
        (Flat, _) => Verdict::Neither(None),
    }
}

/// A statement with a noun or a verb phrase that is wider in one text than in the other.
pub(super) fn monotonicity(g: &mut Gen) -> Option<Draft> {
    let frames = &lexicon().transitive;
    let mut frame = g.rng.one(frames);
    for _ in 0..20 {
        let countable = |class: &str| lexicon().adjectives.contains_key(class);
        if countable(frame.subject) && frame.object.is_some_and(countable) {
            break;
        }
        frame = g.rng.one(frames);
    }
    let object_class = frame.object?;
    if !lexicon().adjectives.contains_key(frame.subject) || !lexicon().adjectives.contains_key(object_class) {
        return None;
    }
    let (noun, object) = (g.noun(frame.subject), g.noun(object_class));
    if noun.hypernym == object.hypernym {
        return None;
    }
    let verb = g.rng.one(&frame.verbs);
    let (sayings, restrictor, scope) = *g.rng.one(QUANTIFIERS);
    let n = g.rng.between(2, 12);
    let (subject_mod, object_mod) = (g.adjective(frame.subject)?.1, g.adjective(object_class)?.1);
    let (place, time) = (g.place(frame.subject), g.listed("time-past"));
    let time = g.fill(time);
    // Each position is narrow or wide; the base sentence has some of its modifiers in both texts.
    let (base_mod, base_object_mod, base_adjunct) = (g.rng.chance(0.3), g.rng.chance(0.3), g.rng.chance(0.3));
    let position = g.rng.below(7);
    let same = g.rng.chance(0.2);
    let say = |g: &mut Gen, narrow: bool| {
        let (quantifier, plural) = *g.rng.one(sayings);
        let quantifier = quantifier.replace("{n}", &number(g, n));
        let hyper = position == 0 && !narrow;
        let head = match (hyper, plural) {
            (false, false) => noun.singular.clone(),
            (false, true) => noun.plural.clone(),
            (true, false) => noun.hypernym.0.clone(),
            (true, true) => noun.hypernym.1.clone(),
        };
        let adjective = if (position == 1 && narrow) || (position != 1 && base_mod) { subject_mod } else { "" };
        let post = if position == 2 && narrow { place.as_str() } else { "" };
        let object_head = if position == 3 && !narrow { &object.hypernym.0 } else { &object.singular };
        let object_adjective =
            if (position == 4 && narrow) || (position != 4 && base_object_mod) { object_mod } else { "" };
        let adjunct = if (position >= 5 && narrow) || (position < 5 && base_adjunct) { time.as_str() } else { "" };
        let rest = format!("{quantifier} {adjective} {head} {post} {} a {object_adjective} {object_head}", verb.past);
        if g.rng.chance(0.3) && !adjunct.is_empty() {
            format!("{adjunct} , {rest}")
        } else {
            format!("{rest} {adjunct}")
        }
    };
    let slope = if position <= 2 { restrictor } else { scope };
    let narrow_first = g.coin();
    let (mut s1, mut s2) = (say(g, narrow_first), say(g, narrow_first == same));
    let mut slope = slope;
    let mut kind = if matches!(position, 0 | 3) { Kind::Other } else { Kind::Modifier };
    if g.rng.chance(0.3) {
        let (frame, outer) = *g.rng.one(FRAMES);
        let witness = g.person_name();
        let fill = |p: &str| frame.replace("{p}", p).replace("{x}", &witness);
        (s1, s2) = (fill(&s1), fill(&s2));
        slope = compose(outer, slope);
    }
    let verdict = if same { Verdict::Equivalent } else { widened(slope, narrow_first) };
    if verdict != Verdict::Forward {
        kind = if kind == Kind::Other { Kind::Quantifier } else { kind };
    }
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g))
}

//! Orders of three things: by size or worth, in time, in space; judged over all ways to arrange them.

use super::arguments::plain_event;
use super::{Room, draft};
use crate::clause::Clause;
use crate::logic::{compare, orders};
use crate::phrase::{Gen, Np};
use crate::{Draft, Kind, Verdict};

/// Places of the three things.
type World = [u8; 3];
type Test = Box<dyn Fn(&World) -> bool>;

/// Base, comparative, superlative of an adjective and of its converse, and the classes it fits.
struct Scale {
    up: [&'static str; 3],
    down: [&'static str; 3],
    classes: &'static [&'static str],
}

const SCALES: &[Scale] = &[
    Scale {
        up: ["tall", "taller", "tallest"],
        down: ["short", "shorter", "shortest"],
        classes: &["person", "building", "plant"],
    },
    Scale {
        up: ["heavy", "heavier", "heaviest"],
        down: ["light", "lighter", "lightest"],
        classes: &["animal", "machine", "container", "tool", "furniture", "device"],
    },
    Scale {
        up: ["expensive", "more expensive", "most expensive"],
        down: ["cheap", "cheaper", "cheapest"],
        classes: &["garment", "vehicle", "instrument", "artwork", "food", "device"],
    },
    Scale { up: ["old", "older", "oldest"], down: ["young", "younger", "youngest"], classes: &["person", "animal"] },
    Scale {
        up: ["old", "older", "oldest"],
        down: ["new", "newer", "newest"],
        classes: &["building", "vehicle", "software", "structure"],
    },
    Scale {
        up: ["fast", "faster", "fastest"],
        down: ["slow", "slower", "slowest"],
        classes: &["animal", "vehicle", "software", "machine"],
    },
    Scale {
        up: ["large", "larger", "largest"],
        down: ["small", "smaller", "smallest"],
        classes: &["building", "animal", "country", "city", "planet", "org", "organ"],
    },
    Scale {
        up: ["long", "longer", "longest"],
        down: ["short", "shorter", "shortest"],
        classes: &["structure", "document", "river", "event"],
    },
    Scale {
        up: ["loud", "louder", "loudest"],
        down: ["quiet", "quieter", "quietest"],
        classes: &["machine", "instrument", "device"],
    },
    Scale { up: ["dense", "denser", "densest"], down: ["rare", "rarer", "rarest"], classes: &[] },
    Scale {
        up: ["warm", "warmer", "warmest"],
        down: ["cold", "colder", "coldest"],
        classes: &["city", "country", "water", "planet"],
    },
    Scale {
        up: ["rich", "richer", "richest"],
        down: ["poor", "poorer", "poorest"],
        classes: &["person", "country", "city"],
    },
    Scale { up: ["deep", "deeper", "deepest"], down: ["shallow", "shallower", "shallowest"], classes: &["water"] },
    Scale {
        up: ["wide", "wider", "widest"],
        down: ["narrow", "narrower", "narrowest"],
        classes: &["structure", "river"],
    },
    Scale { up: ["hard", "harder", "hardest"], down: ["soft", "softer", "softest"], classes: &["gem"] },
    Scale {
        up: ["profitable", "more profitable", "most profitable"],
        down: ["unprofitable", "less profitable", "least profitable"],
        classes: &["org"],
    },
];

fn three(g: &mut Gen, class: &'static str) -> Option<[Np; 3]> {
    let (mut a, mut b) = g.two(class, class);
    let mut c = g.other(class, &[&a, &b]);
    for np in [&mut a, &mut b, &mut c] {
        np.post.clear();
    }
    let texts = [a.text(), b.text(), c.text()];
    (a.head != b.head && b.head != c.head && a.head != c.head && texts[0] != texts[1]).then_some([a, b, c])
}

fn compared(g: &mut Gen, scale: &Scale, things: &[Np; 3]) -> (String, Test) {
    let mut ids = [0usize, 1, 2];
    g.rng.shuffle(&mut ids);
    let [i, j, k] = ids;
    let (x, y) = (things[i].text(), things[j].text());
    let up = g.coin();
    let [base, more, most] = if up { scale.up } else { scale.down };
    // Larger place means more of `up`.
    let sign = move |w: &World, a: usize, b: usize| -> i32 {
        let difference = i32::from(w[a]) - i32::from(w[b]);
        if up { difference } else { -difference }
    };
    match g.rng.below(9) {
        0..=3 => (format!("{x} is {more} than {y}"), Box::new(move |w| sign(w, i, j) > 0)),
        4 => (format!("{x} is not {more} than {y}"), Box::new(move |w| sign(w, i, j) <= 0)),
        5 => (format!("{x} is exactly as {base} as {y}"), Box::new(move |w| sign(w, i, j) == 0)),
        6 => (format!("of the three , {x} is the {most}"), Box::new(move |w| sign(w, i, j) > 0 && sign(w, i, k) > 0)),
        7 => (
            format!("{x} is {more} than both {y} and {}", things[k].text()),
            Box::new(move |w| sign(w, i, j) > 0 && sign(w, i, k) > 0),
        ),
        _ => (format!("compared with {y} , {x} is {more}"), Box::new(move |w| sign(w, i, j) > 0)),
    }
}

/// One or two comparisons among three things, and a claim about them.
pub(super) fn comparison(g: &mut Gen) -> Option<Draft> {
    let scale = g.rng.one(SCALES);
    if scale.classes.is_empty() {
        return None;
    }
    let class = *g.rng.one(scale.classes);
    let things = three(g, class)?;
    let premises: Vec<(String, Test)> = (0..1 + g.rng.below(2)).map(|_| compared(g, scale, &things)).collect();
    let all = |w: &World| premises.iter().all(|(_, holds)| holds(w));
    let worlds = orders();
    if !worlds.iter().any(all) || premises.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    let mut claim = compared(g, scale, &things);
    let mut verdict = compare(&worlds, all, |w| (claim.1)(w));
    for _ in 0..2 {
        if verdict != Verdict::Neither(Some(false)) {
            break;
        }
        claim = compared(g, scale, &things);
        verdict = compare(&worlds, all, |w| (claim.1)(w));
    }
    let link = g.rng.pick(&[" , and ", " . ", " , while "]);
    let texts: Vec<String> = premises.iter().map(|(text, _)| text.clone()).collect();
    let mut s1 = texts.join(link);
    let mut s2 = claim.0;
    // A superlative "of the three" needs the three in view.
    if s1.contains("of the three") || s2.contains("of the three") {
        let [a, b, c] = [things[0].text(), things[1].text(), things[2].text()];
        let lead = format!("we compared {a} , {b} and {c} . ");
        s1 = format!("{lead}{s1}");
        s2 = format!("{lead}{s2}");
    }
    Some(draft(&s1, &s2, verdict, Kind::Comparison, Room::Sentence, g))
}

/// Two or three events in an order, told in another order of words.
pub(super) fn temporal(g: &mut Gen) -> Option<Draft> {
    let mut events: Vec<Clause> = Vec::new();
    for _ in 0..2 {
        let event = if g.coin() {
            let class =
                *g.rng.one(&["person", "animal", "machine", "vehicle", "device", "building", "org", "software"]);
            let subject = g.np(class);
            g.intransitive(subject)
        } else {
            plain_event(g, false)
        };
        if events.iter().any(|other| other.subject.head == event.subject.head) {
            return None;
        }
        events.push(event);
    }
    let say = |g: &mut Gen| -> (String, i32) {
        let flip = g.coin();
        let (first, second) = if flip { (&events[1], &events[0]) } else { (&events[0], &events[1]) };
        let sign = if flip { -1 } else { 1 };
        let (e, l) = (first.voiced(g), second.voiced(g));
        // `e` is earlier and `l` later, except where the two coincide.
        match g.rng.below(14) {
            0 => (format!("{e} before {l}"), sign),
            1 => (format!("before {l} , {e}"), sign),
            2 => (format!("{l} after {e}"), sign),
            3 => (format!("after {e} , {l}"), sign),
            4 => (format!("first {e} , and then {l}"), sign),
            5 => (format!("{e} . later , {l}"), sign),
            6 => (format!("{l} . earlier , {e}"), sign),
            7 => (format!("by the time {l} , it had already happened that {e}"), sign),
            8 => (format!("{l} only after {e}"), sign),
            9 => (format!("{e} ; afterwards , {l}"), sign),
            10 => (format!("{e} at the same moment as {l}"), 0),
            11 => (format!("at exactly the time when {l} , {e}"), 0),
            12 => (format!("{e} , and {l}"), 2),
            _ => (format!("{l} , and {e}"), 2),
        }
    };
    let (s1, one) = say(g);
    if g.rng.chance(0.15) {
        // That each happened follows, whatever the order.
        let s2 = g.rng.one(&events).core(g);
        return Some(draft(&s1, &s2, Verdict::Forward, Kind::Order, Room::Sentence, g));
    }
    let (s2, two) = say(g);
    let holds = |said: i32, world: i32| said == 2 || said == world;
    let verdict = compare(&[-1, 0, 1], |w| holds(one, *w), |w| holds(two, *w));
    Some(draft(&s1, &s2, verdict, Kind::Order, Room::Sentence, g))
}

/// Axes of space: sayings of `{x}` being further along than `{y}`, and the converse.
const AXES: &[(&[&str], &[&str])] = &[
    (
        &["{x} is to the left of {y}", "{x} stands on the left of {y}"],
        &["{x} is to the right of {y}", "{x} stands on the right of {y}"],
    ),
    (&["{x} is in front of {y}"], &["{x} is behind {y}"]),
    (&["{x} is above {y}", "{x} is higher up than {y}"], &["{x} is below {y}", "{x} is lower down than {y}"]),
    (
        &["{x} is north of {y}", "{x} lies to the north of {y}"],
        &["{x} is south of {y}", "{x} lies to the south of {y}"],
    ),
    (&["{x} is east of {y}"], &["{x} is west of {y}"]),
];

/// Two or three things in a row, and a claim about their places.
pub(super) fn layout(g: &mut Gen) -> Option<Draft> {
    let axis = g.rng.below(AXES.len());
    let class = match axis {
        0 | 1 => *g.rng.one(&["animal", "vehicle", "furniture", "toy", "container", "building", "device"]),
        2 => *g.rng.one(&["device", "artwork", "container", "toy"]),
        _ => *g.rng.one(&["city", "building", "water", "landform", "structure"]),
    };
    let things = three(g, class)?;
    let say = |g: &mut Gen| -> (String, Test) {
        let mut ids = [0usize, 1, 2];
        g.rng.shuffle(&mut ids);
        let [i, j, k] = ids;
        let up = g.coin();
        let pattern = g.rng.pick(if up { AXES[axis].0 } else { AXES[axis].1 });
        let (i2, j2) = if up { (i, j) } else { (j, i) };
        if axis != 2 && g.rng.chance(0.15) {
            let text = format!("{} is between {} and {}", things[i].text(), things[j].text(), things[k].text());
            return (text, Box::new(move |w| (w[j] < w[i] && w[i] < w[k]) || (w[k] < w[i] && w[i] < w[j])));
        }
        let text = pattern.replace("{x}", &things[i].text()).replace("{y}", &things[j].text());
        (text, Box::new(move |w| w[i2] > w[j2]))
    };
    let premises: Vec<(String, Test)> = (0..1 + g.rng.below(2)).map(|_| say(g)).collect();
    let worlds = orders();
    let all = |w: &World| premises.iter().all(|(_, holds)| holds(w));
    if !worlds.iter().any(all) || premises.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    let mut claim = say(g);
    let mut verdict = compare(&worlds, all, |w| (claim.1)(w));
    for _ in 0..2 {
        if verdict != Verdict::Neither(Some(false)) {
            break;
        }
        claim = say(g);
        verdict = compare(&worlds, all, |w| (claim.1)(w));
    }
    let texts: Vec<String> = premises.iter().map(|(text, _)| text.clone()).collect();
    let s1 = texts.join(g.rng.pick(&[" , and ", " . "]));
    Some(draft(&s1, &claim.0, verdict, Kind::Direction, Room::Sentence, g))
}

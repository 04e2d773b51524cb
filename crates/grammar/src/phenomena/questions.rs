//! Questions that a text answers or only seems to, and encyclopedic facts.

use super::{Room, draft};
use crate::clause::Tense;
use crate::morphology::{question as ask, sentence};
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// A text and a question about the same things: who, whom, when, where or whether.
pub(super) fn question(g: &mut Gen) -> Option<Draft> {
    if g.rng.chance(0.35) {
        return fact_question(g);
    }
    let mut event = g.transitive(true);
    event.tense = Tense::Past;
    event.adjuncts.clear();
    let time = g.listed("time-past");
    let time = g.fill(time);
    let place = g.place(event.subject.class);
    let (has_time, has_place) = (g.coin(), g.coin());
    if has_time {
        event.adjuncts.push(time);
    }
    if has_place {
        event.adjuncts.push(place);
    }
    // A second event tells something else of the same two things.
    let mut second = event.clone();
    second.verb = g.other_verb(&event)?;
    if g.coin() {
        second = second.swapped();
    }
    second.adjuncts.clear();
    let with_second = g.rng.chance(0.4);
    let event_text = event.text(g);
    let s1 = if with_second { format!("{event_text} . {}", second.core(g)) } else { event_text };
    let mut asked = event.clone();
    let (mut matches, mut kind) = (true, Kind::Role);
    match g.rng.below(10) {
        0..=3 => {}
        4..=7 => {
            asked = asked.swapped();
            matches = false;
        }
        _ => {
            asked.verb = g.other_verb(&event)?;
            if with_second && asked.verb == second.verb {
                return None;
            }
            (matches, kind) = (false, Kind::Other);
        }
    }
    asked.adjuncts.clear();
    let same = matches;
    let s2 = match g.rng.below(6) {
        0 => asked.who_subject(),
        1 => asked.who_object(g),
        2 => {
            if same && !has_time {
                (matches, kind) = (false, Kind::Addition);
            }
            asked.wh_circumstance("when", g)
        }
        3 => {
            if same && !has_place {
                (matches, kind) = (false, Kind::Addition);
            }
            asked.wh_circumstance("where", g)
        }
        4 => {
            let place = event.adjuncts.last().cloned().unwrap_or_default();
            if !place.is_empty() && same { format!("{} {place}", asked.yes_no(g)) } else { asked.yes_no(g) }
        }
        _ => format!("is it true that {}", asked.core(g)),
    };
    let verdict = if matches { Verdict::Forward } else { Verdict::Neither(None) };
    let made = draft(&s1, "x", verdict, kind, Room::Clause, g);
    Some(Draft { s2: ask(&s2), s1: made.s1, directed: true, verdict, kind })
}

/// A relation of encyclopedias: sayings of `{x}` and `{y}`, a question whose answer is y, one whose answer is x, makers.
struct Fact {
    x: &'static str,
    y: &'static str,
    says: &'static [&'static str],
    asks_y: &'static [&'static str],
    asks_x: &'static [&'static str],
}

const FACTS: &[Fact] = &[
    Fact {
        x: "{female} {surname}",
        y: "{city}",
        says: &[
            "{x} was born in {y}",
            "{x} is a native of {y}",
            "the birthplace of {x} is {y}",
            "{y} is where {x} was born",
        ],
        asks_y: &["where was {x} born", "what is the birthplace of {x}", "in which city was {x} born"],
        asks_x: &["who was born in {y}"],
    },
    Fact {
        x: "{male} {surname}",
        y: "{city}",
        says: &["{x} died in {y}", "it was in {y} that {x} died", "{y} is where {x} died"],
        asks_y: &["where did {x} die", "in which city did {x} die"],
        asks_x: &["who died in {y}"],
    },
    Fact {
        x: "{stem} {suffix}",
        y: "{city}",
        says: &[
            "{x} is headquartered in {y}",
            "{x} has its headquarters in {y}",
            "the head office of {x} is located in {y}",
            "{y} is home to the headquarters of {x}",
        ],
        asks_y: &["where is {x} headquartered", "in which city is the head office of {x}"],
        asks_x: &["which company is headquartered in {y}"],
    },
    Fact {
        x: "{stem} {suffix}",
        y: "{female} {surname}",
        says: &["{x} was founded by {y}", "{y} founded {x}", "the founder of {x} is {y}", "{y} is the founder of {x}"],
        asks_y: &["who founded {x}", "who is the founder of {x}"],
        asks_x: &["which company was founded by {y}", "what did {y} found"],
    },
    Fact {
        x: "{stem} {suffix}",
        y: "{year}",
        says: &["{x} was founded in {y}", "the founding of {x} dates to {y}", "{x} was established in {y}"],
        asks_y: &["when was {x} founded", "in what year was {x} established"],
        asks_x: &["which company was founded in {y}"],
    },
    Fact {
        x: "{title}",
        y: "{male} {surname}",
        says: &[
            "{x} was composed by {y}",
            "{y} composed {x}",
            "the composer of {x} is {y}",
            "{x} is a composition by {y}",
        ],
        asks_y: &["who composed {x}", "who is the composer of {x}"],
        asks_x: &["what did {y} compose"],
    },
    Fact {
        x: "{title}",
        y: "{year}",
        says: &["{x} was released in {y}", "{x} came out in {y}", "the release of {x} was in {y}"],
        asks_y: &["when was {x} released", "in what year did {x} come out"],
        asks_x: &["what came out in {y}"],
    },
    Fact {
        x: "{title}",
        y: "{female} {surname}",
        says: &["{x} was directed by {y}", "{y} directed {x}", "the director of {x} was {y}"],
        asks_y: &["who directed {x}", "by whom was {x} directed"],
        asks_x: &["what did {y} direct"],
    },
    Fact {
        x: "{title}",
        y: "{language}",
        says: &["{x} was translated into {y}", "there is a translation of {x} into {y}"],
        asks_y: &["into which language was {x} translated"],
        asks_x: &["what was translated into {y}"],
    },
    Fact {
        x: "the {product}",
        y: "{stem} {suffix}",
        says: &["{x} is made by {y}", "{y} makes {x}", "the maker of {x} is {y}", "{x} is a product of {y}"],
        asks_y: &["who makes {x}", "which company is the maker of {x}"],
        asks_x: &["what does {y} make"],
    },
    Fact {
        x: "the {product}",
        y: "{year}",
        says: &["{x} went on sale in {y}", "sales of {x} began in {y}"],
        asks_y: &["when did {x} go on sale"],
        asks_x: &["what went on sale in {y}"],
    },
    Fact {
        x: "the {river}",
        y: "{country}",
        says: &["{x} rises in {y}", "the source of {x} lies in {y}", "{y} is where {x} has its source"],
        asks_y: &["where does {x} rise", "in which country is the source of {x}"],
        asks_x: &["which river has its source in {y}"],
    },
    Fact {
        x: "{male} {surname}",
        y: "{female} {surname}",
        says: &["{x} is the father of {y}", "{y} is a daughter of {x}", "{y}'s father is {x}"],
        asks_y: &["who is a daughter of {x}"],
        asks_x: &["who is the father of {y}", "who is {y}'s father"],
    },
    Fact {
        x: "{female} {surname}",
        y: "{stem} {suffix}",
        says: &["{x} works for {y}", "{x} is employed by {y}", "the employer of {x} is {y}"],
        asks_y: &["who does {x} work for", "who is the employer of {x}"],
        asks_x: &["who works for {y}", "who is employed by {y}"],
    },
    Fact {
        x: "the {building} of {city}",
        y: "{year}",
        says: &["{x} was completed in {y}", "{x} was finished in {y}", "the completion of {x} was in {y}"],
        asks_y: &["when was {x} completed", "in what year was {x} finished"],
        asks_x: &["what was completed in {y}"],
    },
    Fact {
        x: "the {building} of {city}",
        y: "{male} {surname}",
        says: &["{x} was designed by {y}", "{y} designed {x}", "the design of {x} is by {y}"],
        asks_y: &["who designed {x}", "whose design is {x}"],
        asks_x: &["what did {y} design"],
    },
    Fact {
        x: "{female} {surname}",
        y: "{language}",
        says: &["{x} speaks {y} fluently", "{x} is fluent in {y}", "{x} has a perfect command of {y}"],
        asks_y: &["which language is {x} fluent in"],
        asks_x: &["who is fluent in {y}"],
    },
    Fact {
        x: "the {city} {mascot}",
        y: "{country}",
        says: &["{x} toured {y}", "{y} was toured by {x}"],
        asks_y: &["which country did {x} tour"],
        asks_x: &["which team toured {y}"],
    },
    Fact {
        x: "{male} {surname}",
        y: "{month} {year}",
        says: &["{x} retired in {y}", "the retirement of {x} was in {y}"],
        asks_y: &["when did {x} retire"],
        asks_x: &["who retired in {y}"],
    },
    Fact {
        x: "{stem} {suffix}",
        y: "{stem} Group",
        says: &["{x} is a subsidiary of {y}", "{y} is the parent company of {x}", "{x} belongs to {y}"],
        asks_y: &["what is the parent company of {x}", "which group does {x} belong to"],
        asks_x: &["which company is a subsidiary of {y}"],
    },
];

/// Two facts; each about its own things, or about one thing.
fn told(g: &mut Gen) -> Option<[(&'static Fact, String, String); 2]> {
    let first = g.rng.one(FACTS);
    let (x, y) = (g.fill(first.x), g.fill(first.y));
    let second = if g.coin() { first } else { g.rng.one(FACTS) };
    let shares = second.x == first.x && !std::ptr::eq(first, second);
    let (x2, y2) = (if shares { x.clone() } else { g.fill(second.x) }, g.fill(second.y));
    if x == x2 && !shares || y == y2 || x == y2 || x2 == y {
        return None;
    }
    Some([(first, x, y), (second, x2, y2)])
}

fn put(pattern: &str, x: &str, y: &str) -> String {
    pattern.replace("{x}", x).replace("{y}", y)
}

fn fact_question(g: &mut Gen) -> Option<Draft> {
    let [(first, x, y), (second, x2, y2)] = told(g)?;
    let say = |g: &mut Gen, fact: &Fact, x: &str, y: &str| {
        let pattern = g.rng.pick(fact.says);
        put(pattern, x, y)
    };
    let two = g.rng.chance(0.6);
    let mut s1 = say(g, first, &x, &y);
    if two {
        let other = say(g, second, &x2, &y2);
        s1 = match g.rng.below(3) {
            0 => format!("{other} . {s1}"),
            1 => format!("{s1} , and {other}"),
            _ => format!("{s1} . {other}"),
        };
    }
    // Ask about what is told, or about a thing of the other fact.
    let answered = g.coin();
    let asks_y = g.rng.chance(0.7);
    let (fact, x_asked, y_asked) = if answered {
        (first, x.clone(), y.clone())
    } else if two && !std::ptr::eq(first, second) && g.coin() && second.x == first.x {
        // The text has the thing but tells another fact of it.
        let third = g.rng.one(FACTS);
        if third.x != first.x || std::ptr::eq(third, first) || std::ptr::eq(third, second) {
            return None;
        }
        (third, x.clone(), String::new())
    } else {
        (first, g.fill(first.x), g.fill(first.y))
    };
    if y_asked.is_empty() && !asks_y {
        return None;
    }
    if !answered && (x_asked == x2 || y_asked == y2 || (std::ptr::eq(fact, first) && (x_asked == x || y_asked == y))) {
        return None;
    }
    let pattern = g.rng.pick(if asks_y { fact.asks_y } else { fact.asks_x });
    let verdict = if answered { Verdict::Forward } else { Verdict::Neither(Some(false)) };
    Some(Draft {
        s1: sentence(&s1),
        s2: ask(&put(pattern, &x_asked, &y_asked)),
        verdict,
        kind: Kind::Entity,
        directed: true,
    })
}

/// Encyclopedic facts: the same in other words, with things exchanged between two facts, or with another thing.
pub(super) fn fact(g: &mut Gen) -> Option<Draft> {
    let [(first, x, y), (second, x2, y2)] = told(g)?;
    let say = |g: &mut Gen, fact: &Fact, x: &str, y: &str| {
        let pattern = g.rng.pick(fact.says);
        put(pattern, x, y)
    };
    let both = |g: &mut Gen, y: &str, y2: &str| {
        let (one, two) = (say(g, first, &x, y), say(g, second, &x2, y2));
        let link = g.rng.pick(&[" , and ", " . ", " , while "]);
        if g.coin() { format!("{one}{link}{two}") } else { format!("{two}{link}{one}") }
    };
    let exchangeable = first.y == second.y;
    let s1 = both(g, &y, &y2);
    let (s2, verdict, kind) = match g.rng.below(10) {
        0..=2 => (both(g, &y, &y2), Verdict::Equivalent, Kind::Addition),
        3..=5 if exchangeable => (both(g, &y2, &y), Verdict::Neither(None), Kind::Binding),
        6 | 7 => {
            let told = if g.coin() { say(g, first, &x, &y) } else { say(g, second, &x2, &y2) };
            (told, Verdict::Forward, Kind::Addition)
        }
        8 if exchangeable => (say(g, first, &x, &y2), Verdict::Neither(None), Kind::Binding),
        _ => {
            let other = g.fill(first.y);
            if other == y || other == y2 {
                return None;
            }
            (both(g, &other, &y2), Verdict::Neither(None), Kind::Entity)
        }
    };
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g))
}

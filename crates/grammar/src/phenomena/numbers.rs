//! Measures, units, dates and changes, judged as sets of values.

use super::{Room, draft};
use crate::logic::{compare, values};
use vetted_english::MONTHS;

use crate::morphology::{digits, number_word};
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// What can be measured: classes, ways to say that {x} measures {m}, the unit, and another unit with its factor.
struct Dimension {
    classes: &'static [&'static str],
    says: &'static [&'static str],
    units: &'static [(&'static str, i64)],
    low: i64,
    high: i64,
    step: i64,
}

const DIMENSIONS: &[Dimension] = &[
    Dimension {
        classes: &["vehicle", "machine", "animal", "furniture", "container"],
        says: &["{x} weighs {m}", "the weight of {x} is {m}", "{x} has a weight of {m}"],
        units: &[("kilograms", 1), ("grams", 1000)],
        low: 2,
        high: 40,
        step: 1,
    },
    Dimension {
        classes: &["structure", "building"],
        says: &["{x} is {m} long", "the length of {x} is {m}", "{x} has a length of {m}"],
        units: &[("kilometers", 1), ("meters", 1000)],
        low: 2,
        high: 20,
        step: 1,
    },
    Dimension {
        classes: &["plant", "furniture", "structure"],
        says: &["{x} is {m} high", "the height of {x} is {m}", "{x} has a height of {m}"],
        units: &[("meters", 1), ("centimeters", 100)],
        low: 2,
        high: 30,
        step: 1,
    },
    Dimension {
        classes: &["event"],
        says: &["{x} lasted {m}", "the duration of {x} was {m}", "{x} went on for {m}"],
        units: &[("hours", 1), ("minutes", 60)],
        low: 2,
        high: 12,
        step: 1,
    },
    Dimension {
        classes: &["event"],
        says: &["{x} lasted {m}", "{x} continued for {m}"],
        units: &[("weeks", 1), ("days", 7)],
        low: 2,
        high: 10,
        step: 1,
    },
    Dimension {
        classes: &["garment", "food", "toy", "document"],
        says: &["{x} costs {m}", "the price of {x} is {m}", "{x} sells for {m}"],
        units: &[("dollars", 1), ("cents", 100)],
        low: 2,
        high: 90,
        step: 1,
    },
    Dimension {
        classes: &["container"],
        says: &[
            "{x} holds {m} of water",
            "the capacity of {x} is {m} of water",
            "there is room for {m} of water in {x}",
        ],
        units: &[("liters", 1), ("milliliters", 1000)],
        low: 2,
        high: 50,
        step: 1,
    },
    Dimension {
        classes: &["software"],
        says: &["{x} uses {m} of memory", "the memory use of {x} is {m}", "{x} takes up {m} of memory"],
        units: &[("gigabytes", 1), ("megabytes", 1000)],
        low: 2,
        high: 64,
        step: 2,
    },
    Dimension {
        classes: &["device"],
        says: &["{x} records a value every {m}", "{x} is polled at intervals of {m}"],
        units: &[("minutes", 1), ("seconds", 60)],
        low: 2,
        high: 30,
        step: 1,
    },
    Dimension {
        classes: &["org", "building"],
        says: &["{x} has {m}", "there are {m} at {x}"],
        units: &[("employees", 1)],
        low: 20,
        high: 900,
        step: 10,
    },
    Dimension {
        classes: &["city", "country"],
        says: &["{x} has {m}", "the number of museums in {x} is {m}", "there are {m} in {x}"],
        units: &[("museums", 1)],
        low: 3,
        high: 80,
        step: 1,
    },
    Dimension {
        classes: &["person"],
        says: &["{x} owns {m}", "there are {m} in the possession of {x}", "{x} has {m}"],
        units: &[("stamps", 1), ("dozen stamps", 0)],
        low: 24,
        high: 240,
        step: 12,
    },
    Dimension {
        classes: &["person"],
        says: &["{x} walked {m}", "the walk of {x} covered {m}"],
        units: &[("kilometers", 1), ("meters", 1000)],
        low: 2,
        high: 30,
        step: 1,
    },
    Dimension {
        classes: &["chemical"],
        says: &["{m} of {x} were added", "the recipe calls for {m} of {x}"],
        units: &[("grams", 1), ("milligrams", 1000)],
        low: 2,
        high: 90,
        step: 1,
    },
];

/// A set of values of a measure, in words.
struct Claim {
    text: String,
    holds: Box<dyn Fn(f64) -> bool>,
}

fn claim(g: &mut Gen, dimension: &Dimension, x: &str, pattern: &str, n: i64, near: i64) -> Claim {
    let (unit, factor) = *g.rng.one(dimension.units);
    let spell = |g: &mut Gen, value: i64| -> String {
        let value = if factor == 0 { value / 12 } else { value * factor };
        if value <= 20 && g.coin() { number_word(value) } else { digits(value) }
    };
    let (low, high) = (n.min(near), n.max(near) + i64::from(n == near));
    let (n_word, low_word, high_word) =
        (spell(g, n), spell(g, low), spell(g, if factor == 0 { high / 12 * 12 } else { high }));
    let v = n as f64;
    let (lo, hi) = (low as f64, if factor == 0 { (high / 12 * 12) as f64 } else { high as f64 });
    let (measure, holds): (String, Box<dyn Fn(f64) -> bool>) = match g.rng.below(9) {
        0 => (format!("at least {n_word} {unit}"), Box::new(move |w| w >= v)),
        1 => (format!("at most {n_word} {unit}"), Box::new(move |w| w <= v)),
        2 => (format!("more than {n_word} {unit}"), Box::new(move |w| w > v)),
        3 => (format!("less than {n_word} {unit}"), Box::new(move |w| w < v)),
        4 if lo < hi => (format!("between {low_word} and {high_word} {unit}"), Box::new(move |w| lo <= w && w <= hi)),
        _ => (format!("exactly {n_word} {unit}"), Box::new(move |w| w == v)),
    };
    let measure =
        if g.rng.chance(0.15) { measure.replace("more than", "over").replace("less than", "under") } else { measure };
    let measure = if g.rng.chance(0.3) { measure.replace("exactly ", "") } else { measure };
    Claim { text: pattern.replace("{x}", x).replace("{m}", &measure), holds }
}

/// A thing measured twice, in other bounds, numbers or units.
pub(super) fn measure(g: &mut Gen) -> Option<Draft> {
    let dimension = g.rng.one(DIMENSIONS);
    let class = *g.rng.one(dimension.classes);
    let mut thing = g.np(class);
    thing.post.clear();
    let x = thing.text();
    let steps = (dimension.high - dimension.low) / dimension.step;
    let n = dimension.low + dimension.step * g.rng.between(0, steps);
    let shift = *g.rng.one(&[0, 0, 0, 1, -1, 2, -3, 5]) * dimension.step;
    let m = (n + shift).clamp(dimension.low, dimension.high);
    let (p, q) = (g.rng.pick(dimension.says), g.rng.pick(dimension.says));
    let (first, second) = (claim(g, dimension, &x, p, n, m), claim(g, dimension, &x, q, m, n));
    let extra = [
        n as f64,
        m as f64,
        (n + 1) as f64,
        (m + 1) as f64,
        (n / 12 * 12) as f64,
        (m / 12 * 12) as f64,
        (n.max(m) + 1) as f64,
    ];
    let worlds = values(&extra);
    let verdict = compare(&worlds, |w| (first.holds)(*w), |w| (second.holds)(*w));
    let kind = if n == m { Kind::Quantifier } else { Kind::Number };
    Some(draft(&first.text, &second.text, verdict, kind, Room::Clause, g))
}

/// What may be dated: a class, and sayings of which all mean the same.
const HAPPENED: &[(&str, &[&str])] = &[
    ("building", &["{x} was built {t}", "the construction of {x} took place {t}", "builders put up {x} {t}"]),
    ("org", &["{x} was founded {t}", "the founding of {x} took place {t}", "{x} was established {t}"]),
    ("person", &["{x} was born {t}", "the birth of {x} was {t}"]),
    ("document", &["{x} was published {t}", "the publication of {x} was {t}", "{x} first appeared in print {t}"]),
    ("event", &["{x} took place {t}", "{x} happened {t}", "{x} occurred {t}"]),
    ("artwork", &["{x} was stolen {t}", "the theft of {x} happened {t}", "thieves stole {x} {t}"]),
    (
        "country",
        &[
            "{x} ratified the treaty {t}",
            "the treaty was ratified by {x} {t}",
            "ratification of the treaty by {x} was {t}",
        ],
    ),
    ("software", &["{x} was released {t}", "the release of {x} was {t}", "{x} came out {t}"]),
    ("structure", &["{x} was opened {t}", "the opening of {x} was {t}"]),
    ("vehicle", &["{x} was sold {t}", "the sale of {x} took place {t}", "{x} found a buyer {t}"]),
    ("team", &["{x} joined the league {t}", "{x} became members of the league {t}"]),
    ("animal", &["{x} was born {t}", "the birth of {x} was {t}"]),
    ("planet", &["a probe reached {x} {t}", "{x} was reached by a probe {t}", "the arrival of a probe at {x} was {t}"]),
    ("gem", &["{x} was found {t}", "the discovery of {x} was {t}", "someone found {x} {t}"]),
];

/// A point in time, as an interval of months since year 0.
fn period(g: &mut Gen, year: i64, month: i64) -> (String, Box<dyn Fn(i64) -> bool>) {
    let name = MONTHS[month as usize % 12];
    let at = 12 * year + month;
    let decade = year / 10 * 10;
    let century = year / 100;
    match g.rng.below(11) {
        0 => (format!("in {name} {year}"), Box::new(move |t| t == at)),
        1 => (format!("in {name} of the year {year}"), Box::new(move |t| t == at)),
        2 => (format!("in {year}"), Box::new(move |t| t / 12 == year)),
        3 => (format!("during the year {year}"), Box::new(move |t| t / 12 == year)),
        4 => (
            g.rng.pick(&["before {y}", "earlier than {y}", "prior to {y}"]).replace("{y}", &year.to_string()),
            Box::new(move |t| t / 12 < year),
        ),
        5 => (
            g.rng.pick(&["after {y}", "later than {y}", "not until after {y}"]).replace("{y}", &year.to_string()),
            Box::new(move |t| t / 12 > year),
        ),
        6 => (
            g.rng
                .pick(&["in the {d}s", "during the {d}s", "in the decade from {d} to {e}"])
                .replace("{d}", &decade.to_string())
                .replace("{e}", &(decade + 9).to_string()),
            Box::new(move |t| t / 120 == decade / 10),
        ),
        7 => (
            format!("in the {}{} century", century + 1, if century == 20 { "st" } else { "th" }),
            Box::new(move |t| t / 1200 == century),
        ),
        8 => (
            g.rng.pick(&["in or after {y}", "in {y} or later", "not before {y}"]).replace("{y}", &year.to_string()),
            Box::new(move |t| t / 12 >= year),
        ),
        9 => (
            g.rng
                .pick(&["no later than {y}", "in {y} or earlier", "in {y} at the latest", "by the end of {y}"])
                .replace("{y}", &year.to_string()),
            Box::new(move |t| t / 12 <= year),
        ),
        _ => (
            g.rng
                .pick(&["between {a} and {b}", "at some time from {a} to {b}"])
                .replace("{a}", &(year - 2).to_string())
                .replace("{b}", &(year + 3).to_string()),
            Box::new(move |t| t / 12 >= year - 2 && t / 12 <= year + 3),
        ),
    }
}

/// When something happened: the same time at another grain, a time that contains it, or another time.
pub(super) fn date(g: &mut Gen) -> Option<Draft> {
    let (class, patterns) = *g.rng.one(HAPPENED);
    let x = g.np(class);
    let (year, month) = (g.rng.between(1812, 2020), g.rng.between(0, 11));
    let (other_year, other_month) = match g.rng.below(4) {
        0 => (year + *g.rng.one(&[-7, -2, -1, 1, 3, 10]), month),
        1 => (year, g.rng.between(0, 11)),
        _ => (year, month),
    };
    // 1900 and 2000 belong to two centuries by different counts; leave such years out.
    let (first, second) = (period(g, year, month), period(g, other_year, other_month));
    if (year % 100 == 0 || other_year % 100 == 0) && (first.0.contains("century") || second.0.contains("century")) {
        return None;
    }
    let worlds: Vec<i64> = (12 * (year - 130)..12 * (year + 130)).collect();
    let verdict = compare(&worlds, |t| (first.1)(*t), |t| (second.1)(*t));
    let x = x.text();
    let say = |g: &mut Gen, when: &str| {
        let text = g.rng.pick(patterns).replace("{x}", &x);
        if !text.contains(" was {t}") && g.rng.chance(0.25) {
            format!("{when} , {}", text.replace(" {t}", ""))
        } else {
            text.replace("{t}", when)
        }
    };
    let (s1, s2) = (say(g, &first.0), say(g, &second.0));
    Some(draft(&s1, &s2, verdict, Kind::Date, Room::Clause, g))
}

const QUANTITIES: &[&str] = &[
    "the price of {metal}",
    "the population of {city}",
    "the revenue of {stem} {suffix}",
    "the water level of the {river}",
    "the number of {plural} in {country}",
    "the output of {stem} {suffix}",
    "the rent in {city}",
    "attendance at the festival in {city}",
    "the temperature in {city}",
    "the speed of the {machine}",
    "the number of users of the {software}",
    "the budget of {city}",
];

/// A quantity that rose or fell, from one value to another.
pub(super) fn change(g: &mut Gen) -> Option<Draft> {
    let pattern = g.rng.pick(QUANTITIES);
    let metal = g.rng.pick(&["copper", "silver", "zinc", "wheat", "coffee", "rice", "cotton", "gas"]);
    let plural = g.noun("animal").plural.clone();
    let pattern = pattern.replace("{metal}", metal).replace("{plural}", &plural);
    let x = g.fill(&pattern);
    let low = 5 * g.rng.between(2, 60);
    let percent = *g.rng.one(&[20i64, 40, 60, 80, 100, 200]);
    let high = low + low * percent / 100;
    let when = g.listed("time-past");
    let when = g.fill(when);
    let rose = g.coin();
    let (from, to) = if rose { (low, high) } else { (high, low) };
    let up: &[&str] = &["rose", "increased", "grew", "went up", "climbed"];
    let down: &[&str] = &["fell", "decreased", "dropped", "went down", "declined"];
    // A reading: did it rise, from what, to what; `None` where it is left unsaid.
    let say = |g: &mut Gen, from: i64, to: i64, detail: usize| -> String {
        let verb = g.rng.pick(if to > from { up } else { down });
        match detail {
            0 => format!("{x} {verb} from {from} to {to} {when}"),
            1 => format!("{when} , {x} {verb} from {from} to {to}"),
            2 => format!("{x} {verb} by {} to {to} {when}", (to - from).abs()),
            3 => format!("{x} {verb} {when}"),
            4 => format!("{x} {verb} to {to} {when}"),
            5 => format!("{when} , {x} {verb} by {}", (to - from).abs()),
            6 => format!(
                "{when} , {x} was higher {} than {}",
                if to > from { "afterwards" } else { "before" },
                if to > from { "before" } else { "afterwards" }
            ),
            _ => format!("{x} was {from} at first and {to} {when}"),
        }
    };
    let detail = g.rng.below(8);
    let full = if g.rng.chance(0.8) { g.rng.below(3) } else { g.rng.below(8) };
    let s1 = say(g, from, to, full);
    let implied = |detail: usize| -> [bool; 3] {
        // direction, difference, end points
        match detail {
            0..=2 | 7 => [true, true, true],
            3 | 6 => [true, false, false],
            4 => [true, false, true],
            _ => [true, true, false],
        }
    };
    let contains = |a: usize, b: usize| {
        let (a, b) = (implied(a), implied(b));
        (0..3).all(|i| a[i] || !b[i])
    };
    if rose && full < 3 && g.rng.chance(0.3) {
        return Some(relative(g, &s1, &x, &when, percent));
    }
    // Reversing the direction but keeping numbers, exchanging from and to, or another number.
    let (s2, verdict, kind) = match g.rng.below(8) {
        0..=3 => (
            say(g, from, to, detail),
            Verdict::new(contains(full, detail), contains(detail, full), Some(false)),
            Kind::Addition,
        ),
        4 | 5 => (say(g, to, from, detail), Verdict::Neither(Some(true)), Kind::Direction),
        _ => {
            let delta = *g.rng.one(&[5, 10, -5]);
            if matches!(detail, 3 | 6) || (to + delta > from) != (to > from) || to + delta == from {
                return None;
            }
            (
                say(g, from, to + delta, detail),
                Verdict::Neither(if contains(full, detail) { Some(true) } else { None }),
                Kind::Number,
            )
        }
    };
    Some(draft(&s1, &s2, verdict, kind, Room::Clause, g))
}

/// A change told in numbers, and a claim about its size in proportion.
fn relative(g: &mut Gen, told: &str, x: &str, when: &str, percent: i64) -> Draft {
    let claimed = if g.coin() { percent } else { *g.rng.one(&[20i64, 40, 60, 80, 100, 200]) };
    let (text, follows) = match g.rng.below(5) {
        0 => (format!("{x} increased by {claimed} percent {when}"), claimed == percent),
        1 => (format!("{when} , {x} increased by more than half"), percent > 50),
        2 => (format!("{x} at least doubled {when}"), percent >= 100),
        3 => (format!("{x} increased by {claimed} percent or more {when}"), percent >= claimed),
        _ => (format!("{when} , {x} increased by less than {claimed} percent"), percent < claimed),
    };
    let verdict = if follows { Verdict::Forward } else { Verdict::Neither(Some(true)) };
    draft(told, &text, verdict, Kind::Number, Room::Clause, g)
}

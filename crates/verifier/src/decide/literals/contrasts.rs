//! Words of which one excludes the other.
//!
//! What the reader has learnt of such words is that they are near to each other, so that "How do I ban a user?" and "How do I
//! unban a user?" look the same to it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use vetted_reader::Kind;

use super::text::{Word, stem};

/// How two words exclude each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Contrast {
    pub(super) kind: Kind,
    /// Whether they do so wherever they stand. Of the others, people use both for the same: how hard something is, and how easy.
    pub(super) anywhere: bool,
}

/// The places of listed words in [`FAMILIES`]: family and side, by their stems.
static PLACES: LazyLock<HashMap<String, Vec<(usize, usize)>>> = LazyLock::new(|| {
    let mut places: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
    for (family, Family { sides, .. }) in FAMILIES.iter().enumerate() {
        for (side, words) in sides.iter().enumerate() {
            words.split(' ').for_each(|word| places.entry(stem(word)).or_default().push((family, side)));
        }
    }
    places
});

/// Whether one of the two words excludes the other.
pub(super) fn contrast(one: &Word, other: &Word) -> Option<Contrast> {
    if one.stem == other.stem {
        return None;
    }
    let places = |word: &Word| PLACES.get(&word.stem).map(Vec::as_slice).unwrap_or_default();
    for (family, side) in places(one) {
        if places(other).iter().any(|(it, opposite)| it == family && opposite != side) {
            let Family { kind, anywhere, .. } = FAMILIES[*family];
            return Some(Contrast { kind, anywhere });
        }
    }
    let (own, other) = (one.folded.as_str(), other.folded.as_str());
    let excludes =
        undoes(own, other) || undoes(other, own) || has_opposite_beginning(own, other) || has_opposite_end(own, other);
    excludes.then_some(Contrast { kind: Kind::Antonym, anywhere: true })
}

/// Whether `long` is `short` with something before it that denies or undoes it: "unlock", "illegal".
fn undoes(long: &str, short: &str) -> bool {
    UNDOING.iter().any(|(prefix, least)| {
        let is_it = long
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= *least && (is_form_of(rest, short) || stem(rest) == stem(short)));
        is_it && !NOT_UNDOING.contains(&stem(short))
    })
}

/// Whether two words are equal but for a regular ending.
fn is_form_of(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let stem = short.strip_suffix('e').unwrap_or(short);
    let is_ending = |end: &str| ENDINGS.contains(&end);
    short.len() > 2
        && (long.strip_prefix(short).is_some_and(is_ending)
            || long.strip_prefix(stem).is_some_and(|end| stem.len() > 2 && ["ing", "ed", "es", "er"].contains(&end))
            // "ban", "banned".
            || long.strip_prefix(short).is_some_and(|end| {
                let mut letters = end.chars();
                letters.next().is_some_and(|first| short.ends_with(first)) && ["ing", "ed"].contains(&letters.as_str())
            }))
}

const ENDINGS: [&str; 6] = ["s", "es", "ed", "d", "ing", "ly"];

/// Whether the two differ in how they begin, and one beginning is opposed to the other: "upload", "download".
fn has_opposite_beginning(one: &str, other: &str) -> bool {
    BEGINNINGS.iter().any(|sides| {
        let rest = |word| sides.iter().enumerate().find_map(|(at, side)| Some((at, str::strip_prefix(word, side)?)));
        match (rest(one), rest(other)) {
            (Some((own_side, own)), Some((other_side, other))) => {
                own_side != other_side && own.len() > 2 && is_form_of(own, other)
            }
            _ => false,
        }
    })
}

/// Who does something and whom it is done to; with and without.
fn has_opposite_end(one: &str, other: &str) -> bool {
    let one = one.strip_suffix('s').filter(|it| !it.ends_with('s')).unwrap_or(one);
    let other = other.strip_suffix('s').filter(|it| !it.ends_with('s')).unwrap_or(other);
    let ends = |one: &str, other: &str| {
        [("er", "ee"), ("or", "ee"), ("ful", "less")].into_iter().any(|(own, opposite)| {
            let stems = one.strip_suffix(own).zip(other.strip_suffix(opposite));
            stems.is_some_and(|(one, other)| one == other && one.len() > 2)
        })
    };
    ends(one, other) || ends(other, one)
}

/// What undoes or denies the rest of a word, and how long that must be at least, for in short words it may be by chance.
const UNDOING: [(&str, usize); 10] =
    [("un", 3), ("non", 4), ("dis", 4), ("de", 5), ("in", 5), ("im", 5), ("il", 5), ("ir", 6), ("mis", 5), ("anti", 4)];

/// The stems of words that become other ones with such a beginning, or the same.
static NOT_UNDOING: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = "til der ion ite less ease play cover course charge tract tail liver sign pend press prove port pose \
                 part value valuable flammable habitable habit tense tent form stall vest take light point stead \
                 sight quest plant print spire former state position its fine note migrant migrate spite body coming \
                 respective pair tend";
    words.split_whitespace().map(stem).collect()
});

/// Beginnings of which one is opposed to the other.
const BEGINNINGS: [&[&str]; 19] = [
    &["up", "down"],
    &["over", "under"],
    &["hyper", "hypo"],
    &["pre", "post"],
    &["inter", "intra"],
    &["in", "out"],
    &["in", "ex"],
    &["im", "ex"],
    &["en", "de"],
    &["en", "dis"],
    &["ac", "de"],
    &["im", "e"],
    &["in", "de"],
    &["as", "de"],
    &["mini", "maxi"],
    &["macro", "micro"],
    &["homo", "hetero"],
    &["mono", "poly"],
    &["upper", "lower"],
];

struct Family {
    kind: Kind,
    anywhere: bool,
    /// Words of one side exclude those of every other.
    sides: &'static [&'static str],
}

const fn family(kind: Kind, sides: &'static [&'static str]) -> Family {
    Family { kind, anywhere: true, sides }
}

/// Of words that exclude each other only where nothing else differs.
const fn close(kind: Kind, sides: &'static [&'static str]) -> Family {
    Family { kind, anywhere: false, sides }
}

const FAMILIES: &[Family] = &[
    // When.
    family(
        Kind::Date,
        &["monday mon", "tuesday tue", "wednesday wed", "thursday thu", "friday fri", "saturday", "sunday"],
    ),
    family(
        Kind::Date,
        &[
            "january jan",
            "february feb",
            "march",
            "april apr",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ],
    ),
    family(Kind::Date, &["am", "pm"]),
    family(Kind::Date, &["morning", "evening night tonight afternoon"]),
    family(Kind::Date, &["day daytime", "night nighttime"]),
    family(Kind::Date, &["noon", "midnight"]),
    family(Kind::Date, &["summer", "winter"]),
    close(Kind::Date, &["yesterday", "today", "tomorrow"]),
    family(Kind::Date, &["sunrise", "sunset"]),
    family(Kind::Date, &["weekday", "weekend"]),
    family(Kind::Date, &["hourly", "daily", "weekly", "monthly", "quarterly", "yearly annual annually"]),
    family(Kind::Date, &["past", "future"]),
    family(Kind::Date, &["bc bce", "ad ce"]),
    // Of what.
    family(Kind::Unit, &["dollar usd", "euro eur", "yen", "rupee inr", "franc", "yuan", "peso"]),
    family(Kind::Unit, &["celsius centigrade", "fahrenheit", "kelvin"]),
    family(Kind::Unit, &["meter metre", "foot feet", "yard"]),
    family(Kind::Unit, &["kilometer kilometre km", "mile"]),
    family(Kind::Unit, &["centimeter centimetre cm", "inch inches"]),
    family(Kind::Unit, &["kilogram kilo kg", "pound lb", "ounce"]),
    family(Kind::Unit, &["liter litre", "gallon", "quart", "pint"]),
    family(Kind::Unit, &["tablespoon tbsp", "teaspoon tsp"]),
    family(Kind::Unit, &["byte", "bit"]),
    close(Kind::Unit, &["minute", "hour", "day", "week", "month", "year"]),
    family(Kind::Number, &["thousand", "million", "billion", "trillion"]),
    family(Kind::Number, &["sum", "difference", "product", "quotient"]),
    family(Kind::Number, &["add", "subtract", "multiply", "divide"]),
    close(Kind::Number, &["first", "second", "third", "fourth", "fifth", "last final"]),
    // Which way.
    family(Kind::Direction, &["north northern", "south southern", "east eastern", "west western"]),
    close(Kind::Direction, &["left", "right"]),
    family(Kind::Direction, &["clockwise", "counterclockwise anticlockwise"]),
    family(Kind::Direction, &["horizontal horizontally", "vertical vertically"]),
    family(Kind::Direction, &["ascending", "descending"]),
    close(Kind::Direction, &["up", "down"]),
    close(Kind::Direction, &["on", "off"]),
    close(Kind::Direction, &["in into", "out"]),
    close(Kind::Direction, &["to into", "from"]),
    close(Kind::Direction, &["above over", "below under beneath"]),
    close(Kind::Direction, &["front", "back rear"]),
    close(Kind::Direction, &["top", "bottom"]),
    close(Kind::Direction, &["inside within", "outside"]),
    close(Kind::Negation, &["with", "without"]),
    close(Kind::Order, &["before until", "after since"]),
    close(Kind::Order, &["by", "since"]),
    // How much.
    close(Kind::Quantifier, &["all every each", "some several many few most", "no none"]),
    close(Kind::Quantifier, &["both", "either", "neither"]),
    close(Kind::Comparison, &["more", "less fewer"]),
    close(Kind::Comparison, &["most", "least fewest"]),
    family(Kind::Comparison, &["minimum min minimal lowest smallest", "maximum max maximal highest largest biggest"]),
    family(Kind::Comparison, &["older", "newer younger"]),
    family(Kind::Comparison, &["oldest", "newest youngest"]),
    family(Kind::Comparison, &["longer", "shorter"]),
    family(Kind::Comparison, &["earlier", "later"]),
    family(Kind::Comparison, &["earliest", "latest"]),
    family(Kind::Comparison, &["higher", "lower"]),
    family(Kind::Comparison, &["larger bigger greater", "smaller"]),
    family(Kind::Comparison, &["faster", "slower"]),
    family(Kind::Comparison, &["cheaper", "dearer costlier"]),
    family(Kind::Comparison, &["better", "worse"]),
    family(Kind::Comparison, &["best", "worst"]),
    family(Kind::Comparison, &["even", "odd"]),
    // So, or not so any more.
    close(Kind::Modality, &["did", "do does"]),
    close(Kind::Modality, &["was were", "is are", "will"]),
    close(Kind::Modality, &["had", "have has"]),
    close(Kind::Modality, &["must", "may might can could"]),
    // What is done.
    family(Kind::Antonym, &["start begin", "stop end finish"]),
    family(Kind::Antonym, &["pause", "resume continue unpause"]),
    family(Kind::Antonym, &["open", "close shut"]),
    family(Kind::Antonym, &["buy purchase", "sell"]),
    family(Kind::Antonym, &["lend", "borrow"]),
    family(Kind::Antonym, &["send", "receive"]),
    family(Kind::Antonym, &["add insert", "remove delete"]),
    family(Kind::Antonym, &["push", "pull"]),
    family(Kind::Antonym, &["hire", "fire dismiss"]),
    family(Kind::Antonym, &["arrive arrival", "depart departure"]),
    family(Kind::Antonym, &["enter", "exit leave"]),
    family(Kind::Antonym, &["win", "lose"]),
    family(Kind::Antonym, &["winner", "loser"]),
    family(Kind::Antonym, &["accept", "reject decline refuse"]),
    family(Kind::Antonym, &["approve approval", "reject rejection deny denial"]),
    family(Kind::Antonym, &["allow permit permitted", "forbid forbidden prohibit ban banned block"]),
    family(Kind::Antonym, &["grant", "revoke"]),
    family(Kind::Antonym, &["raise increase rise", "lower decrease reduce fall"]),
    family(Kind::Antonym, &["expand", "collapse"]),
    family(Kind::Antonym, &["attach", "detach"]),
    family(Kind::Antonym, &["show", "hide"]),
    family(Kind::Antonym, &["read", "write"]),
    family(Kind::Antonym, &["save", "spend"]),
    family(Kind::Antonym, &["deposit", "withdraw withdrawal"]),
    family(Kind::Antonym, &["credit", "debit"]),
    family(Kind::Antonym, &["profit", "loss"]),
    family(Kind::Antonym, &["gain", "lose"]),
    family(Kind::Antonym, &["live survive", "die"]),
    family(Kind::Antonym, &["alive", "dead"]),
    family(Kind::Antonym, &["pass", "fail"]),
    family(Kind::Antonym, &["succeed success", "fail failure"]),
    family(Kind::Antonym, &["love", "hate"]),
    family(Kind::Antonym, &["remember", "forget"]),
    family(Kind::Antonym, &["login signin", "logout signout"]),
    family(Kind::Antonym, &["include", "exclude omit"]),
    family(Kind::Antonym, &["plus", "minus"]),
    // What is so.
    family(Kind::Antonym, &["true", "false"]),
    family(Kind::Antonym, &["guilty", "innocent"]),
    family(Kind::Antonym, &["positive", "negative"]),
    family(Kind::Antonym, &["public", "private"]),
    family(Kind::Antonym, &["hot", "cold"]),
    family(Kind::Antonym, &["wet", "dry"]),
    family(Kind::Antonym, &["rich", "poor"]),
    family(Kind::Antonym, &["full", "empty"]),
    family(Kind::Antonym, &["temporary temporarily", "permanent permanently"]),
    family(Kind::Antonym, &["singular", "plural"]),
    family(Kind::Antonym, &["synonym", "antonym"]),
    close(Kind::Antonym, &["easy easily", "hard difficult"]),
    close(Kind::Antonym, &["good", "bad"]),
    close(Kind::Antonym, &["big large great", "small little"]),
    close(Kind::Antonym, &["high", "low"]),
    close(Kind::Antonym, &["long tall", "short"]),
    close(Kind::Antonym, &["old", "new young"]),
    close(Kind::Antonym, &["fast quick", "slow"]),
    close(Kind::Antonym, &["early", "late"]),
    close(Kind::Antonym, &["cheap", "expensive"]),
    close(Kind::Antonym, &["strong", "weak"]),
    close(Kind::Antonym, &["heavy", "light"]),
    close(Kind::Antonym, &["thick", "thin"]),
    close(Kind::Antonym, &["wide broad", "narrow"]),
    close(Kind::Antonym, &["deep", "shallow"]),
    close(Kind::Antonym, &["warm", "cool"]),
    close(Kind::Antonym, &["happy", "sad"]),
    // Who.
    family(Kind::Role, &["parent mother father", "child children son daughter"]),
    family(Kind::Role, &["ancestor", "descendant"]),
    family(Kind::Role, &["teacher tutor", "student pupil"]),
    family(Kind::Role, &["buyer", "seller"]),
    family(Kind::Role, &["landlord", "tenant"]),
    family(Kind::Role, &["lender", "borrower"]),
    family(Kind::Role, &["doctor physician", "patient"]),
    family(Kind::Role, &["plaintiff", "defendant"]),
    family(Kind::Role, &["sender", "recipient receiver"]),
    family(Kind::Role, &["client", "server"]),
    family(Kind::Role, &["host", "guest"]),
    family(Kind::Role, &["admin administrator", "guest"]),
    family(Kind::Role, &["adult", "child children minor"]),
    family(Kind::Role, &["man men male males gentleman", "woman women female females lady"]),
    family(Kind::Role, &["boy boys", "girl girls"]),
    family(Kind::Role, &["husband", "wife"]),
    family(Kind::Role, &["mother mom mum", "father dad"]),
    family(Kind::Role, &["brother", "sister"]),
    family(Kind::Role, &["son", "daughter"]),
    family(Kind::Role, &["uncle", "aunt"]),
    family(Kind::Role, &["grandfather", "grandmother"]),
    family(Kind::Role, &["king", "queen"]),
    family(Kind::Role, &["friend ally", "enemy foe"]),
    family(Kind::Entity, &["row", "column"]),
    family(Kind::Entity, &["prefix", "suffix"]),
    family(Kind::Entity, &["source", "target destination"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_excludes_its_opposite_and_no_other_word() {
        for (one, other, excludes) in [
            ("subscribe", "unsubscribe", true),
            ("tagged", "untag", true),
            ("pinning", "unpinned", true),
            ("qualify", "disqualified", true),
            ("connect", "disconnected", true),
            ("compress", "decompress", true),
            ("mature", "immature", true),
            ("regular", "irregular", true),
            ("legible", "illegible", true),
            ("smoker", "nonsmoker", true),
            ("upstairs", "downstairs", true),
            ("inbound", "outbound", true),
            ("overestimate", "underestimates", true),
            ("mentor", "mentee", true),
            ("trainer", "trainees", true),
            ("harmful", "harmless", true),
            ("tuesday", "friday", true),
            ("deposited", "withdraw", true),
            ("doctor", "doctors", false),
            ("cover", "discover", false),
            ("valuable", "invaluable", false),
            ("der", "under", false),
            ("inform", "form", false),
            ("until", "til", false),
            ("start", "begin", false),
            ("dog", "cat", false),
        ] {
            let word = |text: &str| match super::super::text::Text::read(text).words().next() {
                Some(word) => word.clone(),
                None => unreachable!("{text} is a word"),
            };
            assert_eq!(contrast(&word(one), &word(other)).is_some(), excludes, "{one} {other}");
            assert_eq!(contrast(&word(other), &word(one)).is_some(), excludes, "{other} {one}");
        }
    }
}

//! Requests that turn on one word: on or off, before or after, with or without.

use crate::phrase::Gen;
use crate::{Kind, Verdict};

/// Two opposites, each with its synonyms, and the sayings that one of them completes.
type Condition = (&'static [&'static str], &'static [&'static str], &'static [&'static str], Kind);

const CONDITIONS: &[Condition] = &[
    (
        &["before", "prior to"],
        &["after", "following"],
        &[
            "can I cancel my order {c} shipment",
            "is it possible to cancel an order {c} shipment",
            "may orders be canceled {c} shipment",
        ],
        Kind::Order,
    ),
    (
        &["before", "ahead of"],
        &["after", "once it is past"],
        &["should I water the {plant} {c} sunset", "is it better to water the {plant} {c} sunset"],
        Kind::Order,
    ),
    (
        &["with", "having"],
        &["without", "lacking"],
        &["can I open an account {c} a passport", "is it possible to open an account {c} a passport"],
        Kind::Negation,
    ),
    (
        &["with", "by means of"],
        &["without", "with no"],
        &["how do I log in {c} a password", "in what way can I log in {c} a password"],
        Kind::Negation,
    ),
    (
        &["turn on", "switch on", "activate"],
        &["turn off", "switch off", "deactivate"],
        &["how do I {c} notifications on the {device}", "what is the way to {c} notifications on the {device}"],
        Kind::Antonym,
    ),
    (
        &["enable", "activate", "switch on"],
        &["disable", "deactivate", "switch off"],
        &[
            "how do I {c} the {software}",
            "what are the steps to {c} the {software}",
            "which setting lets me {c} the {software}",
        ],
        Kind::Antonym,
    ),
    (
        &["increase", "raise", "boost"],
        &["reduce", "lower", "decrease"],
        &["how can I {c} the speed of the {machine}", "what can I do to {c} the speed of the {machine}"],
        Kind::Antonym,
    ),
    (
        &["more", "a larger number of"],
        &["fewer", "a smaller number of"],
        &["why do I see {c} ads than last year", "what is the reason that I get {c} ads than last year"],
        Kind::Comparison,
    ),
    (
        &["lock", "close and lock"],
        &["unlock", "open"],
        &["how do I {c} the {vehicle} remotely", "is there a way to {c} the {vehicle} remotely, and how"],
        Kind::Antonym,
    ),
    (
        &["over", "above", "older than"],
        &["under", "below", "younger than"],
        &["is entry free for people {c} 18", "do people {c} 18 get in for free"],
        Kind::Comparison,
    ),
    (
        &["join", "enter", "get into"],
        &["leave", "quit", "get out of"],
        &["how do I {c} a group chat", "what must I do to {c} a group chat"],
        Kind::Antonym,
    ),
    (
        &["gain", "put on"],
        &["lose", "get rid of"],
        &["what should I eat to {c} weight", "which food makes people {c} weight"],
        Kind::Antonym,
    ),
    (
        &["install", "add", "set up"],
        &["uninstall", "remove", "get rid of"],
        &["how do I {c} the {software} on Linux", "on Linux, what is the way to {c} the {software}"],
        Kind::Antonym,
    ),
    (
        &["can I", "am I able to"],
        &["can I not", "am I unable to"],
        &["why {c} open the {document}", "tell me why: {c} open the {document}, and for what reason"],
        Kind::Negation,
    ),
    (
        &["outside", "beyond the borders of"],
        &["inside", "within"],
        &["does the warranty hold {c} {country}", "is the warranty valid {c} {country}"],
        Kind::Direction,
    ),
    (
        &["import", "bring in", "buy from abroad"],
        &["export", "send abroad", "sell abroad"],
        &["do I need a license to {c} {gem}s", "is a license needed to {c} {gem}s"],
        Kind::Antonym,
    ),
    (
        &["an earlier", "a sooner"],
        &["a later", "a subsequent"],
        &["can I change to {c} flight", "is it possible to take {c} flight instead"],
        Kind::Order,
    ),
    (
        &["buying", "purchasing"],
        &["selling", "disposing of"],
        &["do I pay tax when {c} a {building}", "is there a tax on {c} a {building}"],
        Kind::Antonym,
    ),
    (
        &["open", "available"],
        &["closed", "shut"],
        &["is the {building} in {city} {c} on {weekday}", "on {weekday}, is the {building} in {city} {c}"],
        Kind::Antonym,
    ),
    (
        &["allowed", "permitted"],
        &["forbidden", "prohibited"],
        &["is it {c} to bring a {toy}", "is bringing a {toy} {c}"],
        Kind::Antonym,
    ),
    (
        &["damages", "harms"],
        &["benefits", "is good for"],
        &["is it true that {medicine} {c} the {organ}", "do people say that {medicine} {c} the {organ}"],
        Kind::Antonym,
    ),
    (
        &["best", "finest"],
        &["worst", "poorest"],
        &["what is the {c} {food} in {city}", "where in {city} is the {c} {food}, and what is it"],
        Kind::Antonym,
    ),
    (
        &["cheapest", "least expensive"],
        &["most expensive", "priciest"],
        &["which {instrument} is the {c}", "what is the {c} {instrument}"],
        Kind::Comparison,
    ),
    (
        &["include", "cover"],
        &["exclude", "leave out"],
        &["does the price {c} breakfast in {city}", "in {city}, do the prices {c} breakfast"],
        Kind::Antonym,
    ),
    (
        &["upload", "send"],
        &["download", "fetch"],
        &[
            "how do I {c} a {document} through the {software}",
            "what is the way to {c} a {document} through the {software}",
        ],
        Kind::Direction,
    ),
    (
        &["freeze", "deep-freeze"],
        &["thaw", "defrost"],
        &["how do I {c} a {food}", "what is a safe way to {c} a {food}"],
        Kind::Antonym,
    ),
];

/// Two requests with the same word or a synonym of it, or with its opposite.
pub(super) fn opposites(g: &mut Gen) -> (String, String, Verdict, Kind) {
    let (one, two, says, kind) = *g.rng.one(CONDITIONS);
    let (one, two) = if g.coin() { (one, two) } else { (two, one) };
    let (p, q) = (g.rng.pick(says), g.rng.pick(says));
    let (word, same_word, other_word) = (g.rng.pick(one), g.rng.pick(one), g.rng.pick(two));
    let state = g.rng.clone();
    let s1 = g.fill(&p.replace("{c}", word));
    let same = g.coin();
    // The same draw fills the same words into both.
    let mut again = Gen { rng: state };
    let s2 = again.fill(&q.replace("{c}", if same { same_word } else { other_word }));
    let verdict = if same { Verdict::Equivalent } else { Verdict::Neither(None) };
    (s1, s2, verdict, kind)
}

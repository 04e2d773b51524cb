//! Requests as people put them to a help desk: what from where to where, before or after, with or without.

use super::opposites::opposites;
use crate::morphology::question;
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// Requests over `{a}` and `{b}`, all of one row meaning the same; what changes when a and b are exchanged, and fillers.
struct Request {
    says: &'static [&'static str],
    fillers: &'static [&'static str],
    /// Exchanging the two changes the meaning.
    ordered: bool,
    kind: Kind,
}

pub(super) const SYSTEMS: &[&str] = &[
    "my old phone",
    "my new laptop",
    "the cloud",
    "a USB stick",
    "my tablet",
    "the mail server",
    "a shared folder",
    "my work account",
    "an external drive",
    "the spreadsheet",
    "the billing system",
    "a PDF file",
    "the calendar",
    "the test server",
];
pub(super) const PLACES: &[&str] = &["{city}"];
pub(super) const UNITS: &[&str] = &[
    "miles",
    "kilometers",
    "Celsius",
    "Fahrenheit",
    "euros",
    "dollars",
    "inches",
    "kilograms",
    "pounds",
    "liters",
    "gallons",
    "yen",
];
pub(super) const LANGUAGES: &[&str] = &["{language}"];
pub(super) const FORMATS: &[&str] = &[
    "a CSV file",
    "a PDF document",
    "an image",
    "a spreadsheet",
    "a text file",
    "an audio file",
    "a slide deck",
    "a JSON file",
];
const STEPS: &[&str] = &[
    "the update is installed",
    "the order ships",
    "I confirm my address",
    "the trial ends",
    "the invoice is paid",
    "my card expires",
    "the backup finishes",
    "I close the account",
    "the refund arrives",
    "the subscription renews",
];

const REQUESTS: &[Request] = &[
    Request {
        says: &[
            "how do I transfer data from {a} to {b}",
            "what is the way to get data from {a} onto {b}",
            "how can I copy my data to {b} from {a}",
            "I need to transfer my data to {b} from {a}; how is it done",
        ],
        fillers: SYSTEMS,
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &[
            "how do I export contacts from {a} to {b}",
            "how can contacts be exported to {b} from {a}",
            "what are the steps for exporting contacts from {a} to {b}",
        ],
        fillers: SYSTEMS,
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &[
            "when does the next train go from {a} to {b}",
            "at what time is the next train to {b} from {a}",
            "I am looking for the next train from {a} to {b}; when does it go",
        ],
        fillers: PLACES,
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &[
            "how much is a flight from {a} to {b}",
            "what does it cost to fly to {b} from {a}",
            "what is the price of a flight to {b} from {a}",
        ],
        fillers: PLACES,
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &[
            "how far is {a} from {b}",
            "what is the distance between {a} and {b}",
            "how many kilometers are there between {b} and {a}",
        ],
        fillers: PLACES,
        ordered: false,
        kind: Kind::Entity,
    },
    Request {
        says: &["is {a} larger than {b}", "is {b} smaller than {a}", "does {a} cover a larger area than {b}"],
        fillers: PLACES,
        ordered: true,
        kind: Kind::Comparison,
    },
    Request {
        says: &[
            "how do I convert {a} to {b}",
            "what is the formula for turning {a} into {b}",
            "how are {a} converted into {b}",
        ],
        fillers: UNITS,
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &[
            "can you translate this letter from {a} into {b}",
            "I need this letter, which is in {a}, translated into {b}; can you do it",
            "can I get a translation of this letter into {b} from {a}",
        ],
        fillers: LANGUAGES,
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &["which is older, {a} or {b}", "which of the two languages is older, {b} or {a}"],
        fillers: LANGUAGES,
        ordered: false,
        kind: Kind::Entity,
    },
    Request {
        says: &[
            "how do I turn {a} into {b}",
            "how can I convert {a} to {b}",
            "what is a tool that makes {b} out of {a}",
        ],
        fillers: FORMATS,
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &[
            "what is the difference between {a} and {b}",
            "how do {a} and {b} differ",
            "in what way is {a} different from {b}",
        ],
        fillers: FORMATS,
        ordered: false,
        kind: Kind::Entity,
    },
    Request {
        says: &["what happens if {a} before {b}", "what if {b} after {a}"],
        fillers: STEPS,
        ordered: true,
        kind: Kind::Order,
    },
    Request {
        says: &["is it a problem if {a} only after {b}", "is there any trouble when {b} and only then {a}"],
        fillers: STEPS,
        ordered: true,
        kind: Kind::Order,
    },
    Request {
        says: &[
            "why is {a} more expensive than {b}",
            "why does {a} cost more than {b}",
            "what is the reason that {b} is cheaper than {a}",
        ],
        fillers: &[
            "the basic plan",
            "the family plan",
            "express shipping",
            "standard shipping",
            "the annual fee",
            "the monthly fee",
            "a window seat",
            "a repair",
            "a replacement",
            "a print copy",
            "a digital copy",
        ],
        ordered: true,
        kind: Kind::Comparison,
    },
    Request {
        says: &[
            "should I use {a} instead of {b}",
            "is it better to use {a} than {b}",
            "would {a} be a better choice than {b}",
        ],
        fillers: &[
            "oil",
            "butter",
            "a rake",
            "a spade",
            "a tent",
            "a hammock",
            "gravel",
            "bark",
            "cash",
            "a credit card",
            "wool",
            "cotton",
            "gas",
            "electricity",
        ],
        ordered: true,
        kind: Kind::Comparison,
    },
    Request {
        says: &["can {a} cause {b}", "is {b} sometimes caused by {a}", "can {b} be a consequence of {a}"],
        fillers: &[
            "stress",
            "headaches",
            "fever",
            "insomnia",
            "dehydration",
            "a rash",
            "weight loss",
            "dizziness",
            "nausea",
            "fatigue",
            "asthma",
            "high blood pressure",
        ],
        ordered: true,
        kind: Kind::Role,
    },
    Request {
        says: &["do {a} and {b} go together", "does {b} go well with {a}", "can {a} be combined with {b}"],
        fillers: &[
            "brown shoes",
            "a black suit",
            "red wine",
            "fish",
            "goat cheese",
            "honey",
            "tomatoes",
            "cinnamon",
            "a denim jacket",
            "a linen skirt",
        ],
        ordered: false,
        kind: Kind::Entity,
    },
    Request {
        says: &[
            "does {a} contain more caffeine than {b}",
            "is there more caffeine in {a} than in {b}",
            "does {b} contain less caffeine than {a}",
        ],
        fillers: &["green tea", "black tea", "espresso", "cola", "cocoa", "dark chocolate", "iced coffee", "matcha"],
        ordered: true,
        kind: Kind::Comparison,
    },
    Request {
        says: &[
            "can I upgrade from {a} to {b}",
            "is an upgrade to {b} from {a} possible",
            "is it possible to upgrade to {b} from {a}",
        ],
        fillers: &[
            "the free plan",
            "the basic plan",
            "the family plan",
            "version two",
            "version three",
            "the senior plan",
            "the trial",
            "the business plan",
        ],
        ordered: true,
        kind: Kind::Direction,
    },
    Request {
        says: &["who pays the fee, {a} or {b}", "is it {a} or {b} that pays the fee"],
        fillers: &[
            "the buyer",
            "the seller",
            "the tenant",
            "the landlord",
            "the sender",
            "the receiver",
            "the bank",
            "the insurer",
        ],
        ordered: false,
        kind: Kind::Role,
    },
    Request {
        says: &["how long does {a} take to pay {b} back", "how long does it take until {b} is paid back by {a}"],
        fillers: &[
            "the buyer",
            "the seller",
            "the tenant",
            "the landlord",
            "the sender",
            "the receiver",
            "the insurer",
        ],
        ordered: true,
        kind: Kind::Role,
    },
];

/// Fills the classes of a filler.
pub(super) fn filled(g: &mut Gen, fillers: &'static [&'static str]) -> String {
    let pattern = g.rng.pick(fillers);
    g.fill(pattern)
}

/// Two requests: the same in other words, exchanged, or about another thing.
pub(super) fn request(g: &mut Gen) -> Option<Draft> {
    let tail = match g.rng.below(5) {
        0 => "please tell me, ",
        1 => "hello, ",
        2 => "quick question: ",
        _ => "",
    };
    let other_tail = if g.rng.chance(0.3) { "a short question: " } else { "" };
    let finish = |s1: String, s2: String, verdict: Verdict, kind: Kind| Draft {
        s1: question(&format!("{tail}{s1}")),
        s2: question(&format!("{other_tail}{s2}")),
        verdict,
        kind,
        directed: false,
    };
    if g.rng.chance(0.35) {
        let (s1, s2, verdict, kind) = opposites(g);
        return Some(finish(s1, s2, verdict, kind));
    }
    let request = g.rng.one(REQUESTS);
    let (a, b) = (filled(g, request.fillers), filled(g, request.fillers));
    if a == b {
        return None;
    }
    let put = |g: &mut Gen, a: &str, b: &str| {
        let pattern = g.rng.pick(request.says);
        pattern.replace("{a}", a).replace("{b}", b)
    };
    let s1 = put(g, &a, &b);
    let (s2, verdict, kind) = match g.rng.below(if request.ordered { 9 } else { 12 }) {
        0..=3 => (put(g, &a, &b), Verdict::Equivalent, Kind::Addition),
        4..=6 => {
            (put(g, &b, &a), if request.ordered { Verdict::Neither(None) } else { Verdict::Equivalent }, request.kind)
        }
        _ => {
            let c = filled(g, request.fillers);
            if c == a || c == b {
                return None;
            }
            (if g.coin() { put(g, &a, &c) } else { put(g, &c, &b) }, Verdict::Neither(None), Kind::Entity)
        }
    };
    Some(finish(s1, s2, verdict, kind))
}

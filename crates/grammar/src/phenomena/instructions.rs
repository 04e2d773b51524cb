//! Instructions and rules, and questions that they answer or that ask for their reverse.

use super::requests::{FORMATS, LANGUAGES, PLACES, SYSTEMS, UNITS, filled};
use crate::morphology::{question, sentence};
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// Tasks over `{a}` and `{b}`: an infinitive, and what to do; the order of the two matters in all.
const TASKS: &[(&str, &str, &[&str], &[&str])] = &[
    (
        "transfer photos from {a} to {b}",
        "connect both and choose Transfer",
        SYSTEMS,
        &[
            "how do I transfer photos from {a} to {b}",
            "how can I get my photos onto {b} from {a}",
            "what do I do to get photos to {b} from {a}",
        ],
    ),
    (
        "convert {a} to {b}",
        "use the table at the back of the manual",
        UNITS,
        &["how do I convert {a} to {b}", "how can {a} be turned into {b}", "what do I use to get {b} from {a}"],
    ),
    (
        "translate a message from {a} into {b}",
        "press the globe button",
        LANGUAGES,
        &[
            "how do I translate a message from {a} into {b}",
            "how can I get a message in {a} translated into {b}",
            "which button translates a message into {b} from {a}",
        ],
    ),
    (
        "turn {a} into {b}",
        "open it and select Save As",
        FORMATS,
        &["how do I turn {a} into {b}", "how can I make {b} out of {a}", "how is {a} converted into {b}"],
    ),
    (
        "book a ticket from {a} to {b}",
        "go to counter {digit}",
        PLACES,
        &[
            "how do I book a ticket from {a} to {b}",
            "where can I get a ticket to {b} from {a}",
            "at which counter are tickets from {a} to {b} booked",
        ],
    ),
    (
        "sync {a} with changes made on {b}",
        "pull down the screen",
        SYSTEMS,
        &["how do I sync {a} with changes made on {b}", "how can changes made on {b} be synced to {a}"],
    ),
    (
        "send money from {a} to {b}",
        "fill in form {digit}",
        PLACES,
        &["how do I send money from {a} to {b}", "which form do I fill in to send money to {b} from {a}"],
    ),
    (
        "restore {b} from a copy on {a}",
        "hold the reset button",
        SYSTEMS,
        &["how do I restore {b} from a copy on {a}", "how can a copy on {a} be used to restore {b}"],
    ),
    (
        "replace {a} with {b}",
        "open the settings and confirm twice",
        SYSTEMS,
        &["how do I replace {a} with {b}", "how can I use {b} in place of {a}"],
    ),
];

/// What is allowed, forbidden or due, before or after a step.
const RULES: &[(&str, &str, &str)] = &[
    ("orders can be canceled", "they ship", "can I cancel an order"),
    ("tickets can be exchanged", "they are scanned", "can I exchange a ticket"),
    ("the address can be changed", "the parcel is packed", "can I change the address"),
    ("guests may check in", "the room is cleaned", "may I check in"),
    ("files can be edited", "the review begins", "can I edit a file"),
    ("bids may be withdrawn", "the auction opens", "may I withdraw a bid"),
    ("a refund can be claimed", "the seal is broken", "can I claim a refund"),
    ("passwords can be reset", "the account is locked", "can I reset a password"),
    ("the contract can be terminated", "the trial ends", "can I terminate the contract"),
    ("comments can be deleted", "the post is archived", "can I delete a comment"),
];

/// An instruction or a rule, and a question that it answers or that asks for its reverse.
pub(super) fn instruction(g: &mut Gen) -> Option<Draft> {
    if g.rng.chance(0.3) {
        return Some(rule(g));
    }
    let (task, step, fillers, asks) = *g.rng.one(TASKS);
    let (a, b) = (filled(g, fillers), filled(g, fillers));
    let c = filled(g, fillers);
    if a == b || c == a || c == b {
        return None;
    }
    let put = |pattern: &str, a: &str, b: &str| pattern.replace("{a}", a).replace("{b}", b);
    let step = g.fill(step);
    let told = put(task, &a, &b);
    let mut s1 = if g.coin() { format!("to {told} , {step}") } else { format!("{step} in order to {told}") };
    // A second instruction about other things may stand next to it, or the reverse one.
    let mut reverse_told = false;
    match g.rng.below(5) {
        0 => s1 = format!("{s1} . if you want to {} , please contact us", put(task, &a, &c)),
        1 => {
            reverse_told = true;
            s1 = format!("{s1} . it is also easy to {} : just reverse the steps", put(task, &b, &a));
        }
        2 => s1 = format!("{s1} . {}", g.distractor()),
        _ => {}
    }
    let (x, y) = match g.rng.below(10) {
        0..=4 => (&a, &b),
        5..=8 => (&b, &a),
        _ => (&a, &c),
    };
    let matches = (x == &a && y == &b) || (x == &b && reverse_told);
    if y == &c && s1.contains("contact us") {
        return None;
    }
    let asked = put(g.rng.pick(asks), x, y);
    let verdict = if matches { Verdict::Forward } else { Verdict::Neither(Some(false)) };
    let kind = if y == &c { Kind::Entity } else { Kind::Direction };
    Some(Draft { s1: sentence(&s1), s2: question(&asked), verdict, kind, directed: true })
}

/// A rule about one side of a step, and a question about that side or the other.
fn rule(g: &mut Gen) -> Draft {
    let (may, step, ask) = *g.rng.one(RULES);
    let (told, asked) = (g.coin(), g.coin());
    let side = |before: bool| if before { "before" } else { "after" };
    let both = g.rng.chance(0.25);
    let lead = g.distractor();
    let s1 = match (both, g.rng.below(3)) {
        (true, _) => format!("{may} {} {step} , but not {} that", side(told), side(!told)),
        (_, 0) => format!("{} {step} , {may}", side(told)),
        (_, 1) => format!("{may} {} {step} . {lead}", side(told)),
        _ => format!("{may} {} {step}", side(told)),
    };
    let s2 = if g.coin() { format!("{ask} {} {step}", side(asked)) } else { format!("{} {step} , {ask}", side(asked)) };
    let verdict = if both || told == asked { Verdict::Forward } else { Verdict::Neither(Some(false)) };
    Draft { s1: sentence(&s1), s2: question(&s2.replace(" ,", ",")), verdict, kind: Kind::Order, directed: true }
}

//! The families of phenomena, one file each: a meaning, a near miss of it, and the label that follows.

mod arguments;
mod attachment;
mod binding;
mod captions;
mod coordination;
mod dossiers;
mod embedding;
mod instructions;
mod negation;
mod numbers;
mod opposites;
mod orders;
mod quantifiers;
mod questions;
mod relations;
mod requests;
mod scope;
mod situations;

use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// A generator of drafts; `None` when a draw came to nothing, which must stay the exception.
pub(crate) struct Phenomenon {
    pub(crate) name: &'static str,
    pub(crate) weight: usize,
    /// Drafts have one reading only, the directed one.
    pub(crate) directed: bool,
    pub(crate) draft: fn(&mut Gen) -> Option<Draft>,
}

const fn entry(name: &'static str, weight: usize, draft: fn(&mut Gen) -> Option<Draft>) -> Phenomenon {
    Phenomenon { name, weight, directed: false, draft }
}

const fn directed(name: &'static str, weight: usize, draft: fn(&mut Gen) -> Option<Draft>) -> Phenomenon {
    Phenomenon { name, weight, directed: true, draft }
}

const ALL: &[Phenomenon] = &[
    entry("participants", 10, arguments::participants),
    entry("event-chain", 5, arguments::chain),
    entry("ditransitive", 4, arguments::ditransitive),
    entry("nominalization", 3, arguments::nominalization),
    entry("relation", 8, relations::relation),
    directed("attachment", 9, attachment::attachment),
    entry("coordination", 7, coordination::coordination),
    entry("conditional", 4, coordination::conditional),
    directed("embedding", 8, embedding::embedding),
    entry("negation", 6, negation::negation),
    directed("negation-scope", 9, scope::scope),
    entry("counting", 5, quantifiers::counting),
    entry("monotonicity", 9, quantifiers::monotonicity),
    entry("measure", 5, numbers::measure),
    entry("date", 3, numbers::date),
    entry("change", 3, numbers::change),
    entry("comparison", 5, orders::comparison),
    entry("temporal-order", 5, orders::temporal),
    entry("layout", 4, orders::layout),
    entry("binding", 7, binding::binding),
    entry("modifier", 4, binding::modifier),
    entry("lexical", 4, binding::lexical),
    entry("caption", 6, captions::caption_pair),
    directed("question", 6, questions::question),
    entry("fact", 4, questions::fact),
    entry("request", 5, requests::request),
    directed("instruction", 3, instructions::instruction),
    entry("dossier", 9, dossiers::dossier),
    entry("causation", 4, situations::causation),
    entry("interval", 3, situations::interval),
    entry("naming", 3, situations::naming),
];

/// All phenomena.
pub(crate) fn all() -> &'static [Phenomenon] {
    ALL
}

/// The names of all phenomena, in the order in which their families are documented.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|phenomenon| phenomenon.name)
}

/// Where further matter may be put without changing what a text means.
#[derive(Clone, Copy, PartialEq)]
enum Room {
    /// In the same sentence or in another.
    Clause,
    /// In a sentence of its own only, lest it fall into the scope of something.
    Sentence,
}

fn joined(text: &str, more: &str, room: Room, g: &mut Gen) -> String {
    match (room, g.rng.below(6)) {
        (Room::Clause, 0) => format!("{text} , and {more}"),
        (Room::Clause, 1) => format!("{more} , and {text}"),
        (Room::Clause, 2) => format!("{text} , while {more}"),
        (_, 3 | 0) => format!("{more} . {text}"),
        _ => format!("{text} . {more}"),
    }
}

/// A draft of the two texts, to which matter unrelated to the label is added now and then: to the first, or to both.
fn draft(s1: &str, s2: &str, verdict: Verdict, kind: Kind, room: Room, g: &mut Gen) -> Draft {
    match g.rng.below(10) {
        0 | 1 => {
            let more = g.distractor();
            let verdict = match verdict {
                Verdict::Equivalent => Verdict::Forward,
                Verdict::Backward => Verdict::Neither(Some(false)),
                other => other,
            };
            let kind = if verdict == Verdict::Forward { Kind::Addition } else { kind };
            Draft::new(&joined(s1, &more, room, g), s2, verdict, kind)
        }
        2 => {
            let more = g.distractor();
            Draft::new(&joined(s1, &more, room, g), &joined(s2, &more, room, g), verdict, kind)
        }
        _ => Draft::new(s1, s2, verdict, kind),
    }
}

//! Long sentences about one thing with many particulars, told again in another order, with two particulars of one kind
//! exchanged, one replaced, or one left out.

use super::{Room, draft};
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// Predicates over `{1}`, `{2}` whose sayings mean the same; each slot has a kind, and kinds decide what can be exchanged.
struct Item {
    says: &'static [&'static str],
    slots: &'static [&'static str],
}

const fn item(says: &'static [&'static str], slots: &'static [&'static str]) -> Item {
    Item { says, slots }
}

/// Who or what the sentence is about, and what can be said of it.
struct Topic {
    subject: &'static str,
    items: &'static [Item],
}

const TOPICS: &[Topic] = &[
    Topic {
        subject: "{female} {surname}",
        items: &[
            item(&["was born in {1}", "is a native of {1}"], &["{city}"]),
            item(&["grew up in {1}", "spent her childhood in {1}"], &["{city}"]),
            item(&["lived in {1} before settling in {2}", "settled in {2} after living in {1}"], &["{city}", "{city}"]),
            item(
                &["worked for {1} before joining {2}", "joined {2} after working for {1}"],
                &["{stem} {suffix}", "{stem} {suffix}"],
            ),
            item(&["married {1}", "was married to {1}"], &["{male} {surname}"]),
            item(
                &["succeeded {1} as head of {2}", "followed {1} as head of {2}"],
                &["{male} {surname}", "{stem} {suffix}"],
            ),
            item(&["speaks {1} better than {2}", "speaks {2} less well than {1}"], &["{language}", "{language}"]),
            item(
                &["translated {1} from {2} into {3}", "translated {1} into {3} from {2}"],
                &["{title}", "{language}", "{language}"],
            ),
            item(&["directed {1} in {2}", "was the director of {1} in {2}"], &["{title}", "{year}"]),
            item(
                &["defeated {1} and lost to {2}", "lost to {2} and defeated {1}"],
                &["{male} {surname}", "{male} {surname}"],
            ),
            item(
                &["taught {1} and was taught by {2}", "was a teacher of {1} and a pupil of {2}"],
                &["{male} {surname}", "{male} {surname}"],
            ),
        ],
    },
    Topic {
        subject: "{male} {surname}",
        items: &[
            item(&["was born in {1} and died in {2}", "died in {2} and was born in {1}"], &["{city}", "{city}"]),
            item(&["was born in {1} and married in {2}", "married in {2} and was born in {1}"], &["{year}", "{year}"]),
            item(&["composed {1} before {2}", "composed {2} after {1}"], &["{title}", "{title}"]),
            item(&["emigrated from {1} to {2}", "emigrated to {2} from {1}"], &["{country}", "{country}"]),
            item(
                &["is the son of {1} and the father of {2}", "is the father of {2} and the son of {1}"],
                &["{female} {surname}", "{female} {surname}"],
            ),
            item(&["prefers {1} to {2}", "likes {1} better than {2}"], &["{title}", "{title}"]),
            item(
                &["founded {1} and later bought {2}", "later bought {2} after founding {1}"],
                &["{stem} {suffix}", "{stem} {suffix}"],
            ),
            item(
                &["translated {1} from {2} into {3}", "translated {1} into {3} from {2}"],
                &["{title}", "{language}", "{language}"],
            ),
            item(&["holds passports of {1} and {2}", "holds passports of {2} and {1}"], &["{country}", "{country}"]),
        ],
    },
    Topic {
        subject: "{stem} {suffix}",
        items: &[
            item(&["was founded in {1} by {2}", "was founded by {2} in {1}"], &["{city}", "{male} {surname}"]),
            item(&["bought {1} from {2}", "acquired {1} from {2}"], &["{stem} {suffix}", "{stem} {suffix}"]),
            item(&["relocated from {1} to {2}", "relocated to {2} from {1}"], &["{city}", "{city}"]),
            item(&["owns {1} and is owned by {2}", "is owned by {2} and owns {1}"], &["{stem} Group", "{stem} Group"]),
            item(&["makes the {1} and sells the {2}", "sells the {2} and makes the {1}"], &["{product}", "{product}"]),
            item(&["earns more in {1} than in {2}", "earns less in {2} than in {1}"], &["{country}", "{country}"]),
            item(
                &["replaced {1} with {2} as its chair", "made {2} its chair in place of {1}"],
                &["{female} {surname}", "{female} {surname}"],
            ),
            item(&["opened in {1} and closed in {2}", "closed in {2} and opened in {1}"], &["{year}", "{year}"]),
            item(&["imports {1} and exports {2}", "exports {2} and imports {1}"], &["{chemical}", "{chemical}"]),
        ],
    },
    Topic {
        subject: "{title}",
        items: &[
            item(
                &["was directed by {1} and produced by {2}", "was produced by {2} and directed by {1}"],
                &["{male} {surname}", "{male} {surname}"],
            ),
            item(
                &["was filmed in {1} and is set in {2}", "is set in {2} and was filmed in {1}"],
                &["{city}", "{city}"],
            ),
            item(&["is based on {1} and inspired {2}", "inspired {2} and is based on {1}"], &["{title}", "{title}"]),
            item(
                &["was banned in {1} but celebrated in {2}", "was celebrated in {2} but banned in {1}"],
                &["{country}", "{country}"],
            ),
            item(&["came out before {1} and after {2}", "came out after {2} and before {1}"], &["{title}", "{title}"]),
            item(
                &["was shot in {1} and released in {2}", "was released in {2} and shot in {1}"],
                &["{year}", "{year}"],
            ),
            item(
                &["was translated from {1} into {2}", "was translated into {2} from {1}"],
                &["{language}", "{language}"],
            ),
        ],
    },
    Topic {
        subject: "the {river}",
        items: &[
            item(&["rises in {1} and ends in {2}", "ends in {2} and rises in {1}"], &["{country}", "{country}"]),
            item(&["flows from {1} to {2}", "flows to {2} from {1}"], &["{city}", "{city}"]),
            item(
                &["is longer than the {1} but shorter than the {2}", "is shorter than the {2} but longer than the {1}"],
                &["{river}", "{river}"],
            ),
            item(&["passes {1} before it passes {2}", "passes {2} after it passes {1}"], &["{city}", "{city}"]),
        ],
    },
    Topic {
        subject: "the {city} {mascot}",
        items: &[
            item(
                &["beat the {1} and lost to the {2}", "lost to the {2} and beat the {1}"],
                &["{city} {mascot}", "{city} {mascot}"],
            ),
            item(&["bought {1} and sold {2}", "sold {2} and bought {1}"], &["{male} {surname}", "{male} {surname}"]),
            item(
                &["took the cup in {1} and lost the final in {2}", "lost the final in {2} and took the cup in {1}"],
                &["{year}", "{year}"],
            ),
            item(
                &["finished above the {1} and below the {2}", "finished below the {2} and above the {1}"],
                &["{city} {mascot}", "{city} {mascot}"],
            ),
            item(&["played in {1} and trained in {2}", "trained in {2} and played in {1}"], &["{city}", "{city}"]),
        ],
    },
    Topic {
        subject: "the {building} of {city}",
        items: &[
            item(
                &["was designed by {1} and built by {2}", "was built by {2} and designed by {1}"],
                &["{male} {surname}", "{stem} {suffix}"],
            ),
            item(
                &["was begun in {1} and completed in {2}", "was completed in {2} and begun in {1}"],
                &["{year}", "{year}"],
            ),
            item(
                &["is named after {1} and was financed by {2}", "was financed by {2} and is named after {1}"],
                &["{female} {surname}", "{female} {surname}"],
            ),
            item(
                &["is older than the {1} but newer than the {2}", "is newer than the {2} but older than the {1}"],
                &["{structure} of {city}", "{structure} of {city}"],
            ),
        ],
    },
    Topic {
        subject: "the {animal}",
        items: &[
            item(&["came from {1} and was brought to {2}", "was brought to {2} from {1}"], &["{country}", "{country}"]),
            item(
                &["is larger than the {1} but smaller than the {2}", "is smaller than the {2} but larger than the {1}"],
                &["{animal}", "{animal}"],
            ),
            item(
                &["eats the {1} and is eaten by the {2}", "is eaten by the {2} and eats the {1}"],
                &["{animal}", "{animal}"],
            ),
            item(
                &[
                    "was first described by {1} and later by {2}",
                    "was described by {2} only after it was described by {1}",
                ],
                &["{male} {surname}", "{male} {surname}"],
            ),
        ],
    },
    Topic {
        subject: "the {product}",
        items: &[
            item(
                &["was developed by {1} for {2}", "was developed for {2} by {1}"],
                &["{stem} {suffix}", "{stem} {suffix}"],
            ),
            item(&["went on sale in {1} before {2}", "went on sale in {2} after {1}"], &["{country}", "{country}"]),
            item(
                &["replaced the {1} and was replaced by the {2}", "was replaced by the {2} and replaced the {1}"],
                &["{product}", "{product}"],
            ),
            item(
                &["costs more than the {1} but less than the {2}", "costs less than the {2} but more than the {1}"],
                &["{product}", "{product}"],
            ),
            item(&["is made in {1} and packed in {2}", "is packed in {2} and made in {1}"], &["{city}", "{city}"]),
        ],
    },
];

/// One item with its fillers.
#[derive(Clone, PartialEq)]
struct Told {
    item: usize,
    fillers: Vec<String>,
}

fn say(g: &mut Gen, subject: &str, topic: &Topic, told: &[Told]) -> String {
    let phrases: Vec<String> = told
        .iter()
        .map(|told| {
            let mut phrase = g.rng.pick(topic.items[told.item].says).to_owned();
            for (slot, filler) in told.fillers.iter().enumerate() {
                phrase = phrase.replace(["{1}", "{2}", "{3}"][slot], filler);
            }
            phrase
        })
        .collect();
    let person = subject.split(' ').count() == 2 && topic.subject.contains("male");
    let who = if person { "who" } else { "which" };
    match phrases.as_slice() {
        [one, two] => match g.rng.below(4) {
            0 => format!("{subject} , {who} {one} , {two}"),
            1 => format!("{subject} {one} . {subject} also {two}"),
            2 => format!("{subject} {one} , and {subject} {two}"),
            _ => format!("it is known that {subject} {one} , and that {subject} {two}"),
        },
        [one, two, three] => match g.rng.below(3) {
            0 => format!("{subject} , {who} {one} , {two} . {subject} also {three}"),
            1 => format!("{subject} {one} . {subject} , {who} {three} , {two}"),
            _ => format!("{subject} {one} , {two} , and {three}"),
        },
        [one, ..] => format!("{subject} {one}"),
        [] => String::new(),
    }
}

/// A sentence with particulars and another with the same, with fewer, or with one in the wrong place.
pub(super) fn dossier(g: &mut Gen) -> Option<Draft> {
    let topic = g.rng.one(TOPICS);
    let subject = g.fill(topic.subject);
    let mut order: Vec<usize> = (0..topic.items.len()).collect();
    g.rng.shuffle(&mut order);
    let count = 1 + g.rng.below(3);
    let told: Vec<Told> = order
        .into_iter()
        .take(count)
        .map(|item| Told { item, fillers: topic.items[item].slots.iter().map(|slot| g.fill(slot)).collect() })
        .collect();
    // Every place where something stands, with the kind of what stands there.
    let places: Vec<(usize, usize, &str)> = told
        .iter()
        .enumerate()
        .flat_map(|(i, one)| topic.items[one.item].slots.iter().enumerate().map(move |(j, slot)| (i, j, *slot)))
        .collect();
    let mut names: Vec<&String> = told.iter().flat_map(|one| &one.fillers).collect();
    names.sort();
    if names.windows(2).any(|pair| pair[0] == pair[1]) || names.iter().any(|name| subject.contains(name.as_str())) {
        return None;
    }
    let mut other = told.clone();
    let (verdict, kind) = match g.rng.below(10) {
        0..=3 => (Verdict::Equivalent, Kind::Addition),
        4..=6 => {
            let pairs: Vec<_> = places
                .iter()
                .flat_map(|a| {
                    places.iter().filter(move |b| (a.0, a.1) < (b.0, b.1) && a.2 == b.2).map(move |b| (*a, *b))
                })
                .collect();
            if pairs.is_empty() {
                return None;
            }
            let (a, b) = *g.rng.one(&pairs);
            let (x, y) = (other[a.0].fillers[a.1].clone(), other[b.0].fillers[b.1].clone());
            (other[a.0].fillers[a.1], other[b.0].fillers[b.1]) = (y, x);
            // What is said of both in the same way does not change.
            if topic.items[other[a.0].item].says[0].starts_with("holds passports") && a.0 == b.0 {
                (Verdict::Equivalent, Kind::Addition)
            } else {
                (Verdict::Neither(None), Kind::Role)
            }
        }
        7 | 8 if told.len() > 1 => {
            let gone = g.rng.below(other.len());
            other.remove(gone);
            // Fewer particulars; or fewer and one wrong.
            if g.rng.chance(0.3)
                && other[0].fillers.len() == 2
                && topic.items[other[0].item].slots[0] == topic.items[other[0].item].slots[1]
                && !topic.items[other[0].item].says[0].starts_with("holds")
            {
                other[0].fillers.swap(0, 1);
                (Verdict::Neither(None), Kind::Role)
            } else {
                (Verdict::Forward, Kind::Addition)
            }
        }
        _ => {
            let (i, j, slot) = *g.rng.one(&places);
            let new = g.fill(slot);
            if told.iter().any(|one| one.fillers.contains(&new)) || subject.contains(&new) {
                return None;
            }
            other[i].fillers[j] = new;
            (Verdict::Neither(None), Kind::Entity)
        }
    };
    g.rng.shuffle(&mut other);
    let (s1, s2) = (say(g, &subject, topic, &told), say(g, &subject, topic, &other));
    Some(draft(&s1, &s2, verdict, kind, Room::Sentence, g))
}

//! Captions of scenes: things with attributes, what they do, and where they are.

use crate::morphology::number_word;
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// One group of things in a scene.
#[derive(Clone, PartialEq)]
struct Figure {
    count: i64,
    adjective: String,
    singular: String,
    plural: String,
    hypernym: (String, String),
}

impl Figure {
    fn text(&self) -> String {
        let (count, noun) =
            if self.count == 1 { ("a".to_owned(), &self.singular) } else { (number_word(self.count), &self.plural) };
        format!("{count} {} {noun}", self.adjective)
    }
}

/// A scene: someone does something, near something, somewhere.
#[derive(Clone, PartialEq)]
struct Scene {
    actor: Figure,
    action: &'static str,
    landmark: Figure,
    relation: &'static str,
    setting: Option<&'static str>,
}

const ACTIONS_ANIMAL: &[&str] =
    &["standing", "lying", "grazing", "dozing", "sitting", "playing", "drinking water", "eating"];
const ACTIONS_PERSON: &[&str] = &[
    "standing",
    "sitting",
    "eating",
    "laughing",
    "talking on the phone",
    "holding an umbrella",
    "drinking coffee",
    "waving",
    "riding a bicycle",
    "taking a picture",
    "reading a newspaper",
    "cooking",
];
const ACTIONS_THING: &[&str] = &["parked", "lying", "standing"];
const RELATIONS: &[(&str, &str)] = &[
    ("to the left of", "to the right of"),
    ("in front of", "behind"),
    ("next to", "next to"),
    ("near", "near"),
    ("behind", "in front of"),
];
const SETTINGS: &[&str] = &[
    "in a field",
    "on the beach",
    "in the snow",
    "on a city street",
    "in a park",
    "by the water",
    "at night",
    "in the rain",
    "under a cloudy sky",
    "in a backyard",
    "on a hillside",
    "in bright sunlight",
];

fn figure(g: &mut Gen, class: &str, most: i64) -> Option<Figure> {
    let noun = g.noun(class);
    let adjective = if g.rng.chance(0.7) { g.adjective(class)?.1.to_owned() } else { String::new() };
    let count = if g.coin() { 1 } else { g.rng.between(1, most) };
    Some(Figure {
        count,
        adjective,
        singular: noun.singular.clone(),
        plural: noun.plural.clone(),
        hypernym: noun.hypernym.clone(),
    })
}

fn scene(g: &mut Gen) -> Option<(Scene, &'static str, &'static str)> {
    let (class, actions) = *g.rng.one(&[
        ("animal", ACTIONS_ANIMAL),
        ("person", ACTIONS_PERSON),
        ("person", ACTIONS_PERSON),
        ("vehicle", ACTIONS_THING),
        ("toy", &["lying"]),
        ("container", &["standing"]),
    ]);
    let landmark_class =
        *g.rng.one(&["building", "vehicle", "plant", "furniture", "structure", "machine", class, class, class, class]);
    let actor = figure(g, class, 4)?;
    let landmark = figure(g, landmark_class, 2)?;
    if actor.singular == landmark.singular {
        return None;
    }
    let action = g.rng.pick(actions);
    let (relation, _) = *g.rng.one(RELATIONS);
    let setting = g.coin().then(|| *g.rng.one(SETTINGS));
    Some((Scene { actor, action, landmark, relation, setting }, class, landmark_class))
}

/// Words that say the same of a scene.
const SYNONYMS: &[&[&str]] = &[
    &["next to", "beside", "right by"],
    &["near", "close to", "not far from"],
    &["to the left of", "on the left of", "left of"],
    &["to the right of", "on the right of", "right of"],
    &["on the beach", "at the beach", "on a beach"],
    &["on a city street", "on a street in a city", "in a street of a town"],
    &["by the water", "at the water's edge", "on the shore"],
    &["at night", "in the night", "after dark"],
    &["in the rain", "while it is raining", "in rainy weather"],
    &["under a cloudy sky", "beneath clouds", "under clouds"],
    &["in a backyard", "in a yard behind a house"],
    &["on a hillside", "on the slope of a hill"],
    &["in bright sunlight", "in strong sunshine"],
    &["in the snow", "on snowy ground"],
    &["talking on the phone", "making a phone call", "having a phone conversation"],
    &["taking a picture", "taking a photo", "shooting a photograph"],
    &["dozing", "asleep", "taking a nap"],
    &["laughing", "having a laugh"],
    &["riding a bicycle", "riding a bike", "cycling"],
    &["in front of", "before"],
    &["eating", "having a meal"],
    &["cooking", "preparing a meal"],
    &["sitting", "seated"],
];

fn synonym<'a>(g: &mut Gen, word: &'a str, share: f64) -> &'a str {
    match SYNONYMS.iter().find(|row| row.contains(&word)) {
        Some(row) if g.rng.chance(share) => g.rng.pick(row),
        _ => word,
    }
}

/// Says the scene, with a share of synonyms; the same scene may be told from either side.
fn caption(g: &mut Gen, scene: &Scene, synonyms: f64) -> String {
    let Scene { actor, action, landmark, relation, setting } = scene;
    let setting = setting.unwrap_or("");
    let (actor_text, landmark_text) = (actor.text(), landmark.text());
    let (relation, setting, action) =
        (synonym(g, relation, synonyms), synonym(g, setting, synonyms), synonym(g, action, synonyms));
    let be = if actor.count == 1 { "is" } else { "are" };
    match g.rng.below(6) {
        0 | 1 => format!("{actor_text} {action} {relation} {landmark_text} {setting}"),
        2 => format!("{actor_text} {be} {action} {relation} {landmark_text} {setting}"),
        3 => format!("there {be} {actor_text} {action} {relation} {landmark_text} {setting}"),
        4 if !setting.is_empty() => format!("{setting} , {actor_text} {be} {action} {relation} {landmark_text}"),
        5 => format!("{relation} {landmark_text} {be} {actor_text} {action} {setting}"),
        _ => format!("a photo of {actor_text} {action} {relation} {landmark_text} {setting}"),
    }
}

/// A caption and another of the same scene, a poorer, a richer or a different one.
pub(super) fn caption_pair(g: &mut Gen) -> Option<Draft> {
    let (scene, class, landmark_class) = scene(g)?;
    let mut other = scene.clone();
    let (verdict, kind) = match g.rng.below(21) {
        0..=3 => (Verdict::Equivalent, Kind::Addition),
        4 if g.coin() => {
            // The wider noun for one of the figures.
            let target = if g.coin() { &mut other.actor } else { &mut other.landmark };
            (target.singular, target.plural) = target.hypernym.clone();
            if other.actor.singular == other.landmark.singular {
                return None;
            }
            (Verdict::Forward, Kind::Addition)
        }
        4 => {
            other.setting = match scene.setting {
                Some(_) => None,
                None => return None,
            };
            (Verdict::Forward, Kind::Addition)
        }
        5 | 6 => {
            let dropped = if g.coin() { &mut other.actor } else { &mut other.landmark };
            if dropped.adjective.is_empty() {
                return None;
            }
            dropped.adjective.clear();
            (Verdict::Forward, Kind::Modifier)
        }
        7 | 8 | 20 => {
            std::mem::swap(&mut other.actor.adjective, &mut other.landmark.adjective);
            let fits = |g: &Gen, class: &str, word: &str| {
                let _ = g;
                word.is_empty()
                    || crate::lexicon::lexicon()
                        .adjectives
                        .get(class)
                        .is_some_and(|groups| groups.iter().any(|group| group.words.iter().any(|w| w == word)))
            };
            if other == scene
                || !fits(g, class, &other.actor.adjective)
                || !fits(g, landmark_class, &other.landmark.adjective)
            {
                return None;
            }
            (Verdict::Neither(None), Kind::Binding)
        }
        9 | 19 => {
            let (_, opposite) =
                *RELATIONS.iter().find(|(relation, opposite)| *relation == scene.relation && relation != opposite)?;
            other.relation = opposite;
            (Verdict::Neither(Some(true)), Kind::Direction)
        }
        10 | 18 => {
            std::mem::swap(&mut other.actor.count, &mut other.landmark.count);
            if other == scene {
                return None;
            }
            (Verdict::Neither(None), Kind::Binding)
        }
        11 => {
            other.actor.count += if scene.actor.count > 1 && g.coin() { -1 } else { 1 };
            (Verdict::Neither(None), Kind::Number)
        }
        12 => {
            let (target, class) =
                if g.coin() { (&mut other.actor, class) } else { (&mut other.landmark, landmark_class) };
            if g.coin() && !target.adjective.is_empty() {
                target.adjective = g.adjective(class)?.1.to_owned();
            } else {
                let noun = g.noun(class);
                (target.singular, target.plural) = (noun.singular.clone(), noun.plural.clone());
            }
            if other == scene || other.actor.singular == other.landmark.singular {
                return None;
            }
            (Verdict::Neither(None), Kind::Entity)
        }
        13 | 14 => {
            let actions = if class == "animal" {
                ACTIONS_ANIMAL
            } else if class == "person" {
                ACTIONS_PERSON
            } else {
                return None;
            };
            other.action = g.rng.pick(actions);
            if other == scene {
                return None;
            }
            (Verdict::Neither(None), Kind::Other)
        }
        15 | 16 => {
            // Something goes and something else changes: shorter, but not a summary.
            if scene.actor.adjective.is_empty() || scene.landmark.adjective.is_empty() {
                return None;
            }
            let (gone, changed, class) = if g.coin() {
                (&mut other.actor, &mut other.landmark, landmark_class)
            } else {
                (&mut other.landmark, &mut other.actor, class)
            };
            gone.adjective.clear();
            if g.coin() {
                (changed.singular, changed.plural) = changed.hypernym.clone();
                (Verdict::Forward, Kind::Addition)
            } else {
                let before = changed.adjective.clone();
                changed.adjective = g.adjective(class)?.1.to_owned();
                if changed.adjective == before {
                    return None;
                }
                (Verdict::Neither(None), Kind::Modifier)
            }
        }
        _ => {
            let action_moves =
                ["standing", "lying", "parked", "sitting"].contains(&scene.action) && class == landmark_class;
            if !action_moves {
                return None;
            }
            std::mem::swap(&mut other.actor, &mut other.landmark);
            (Verdict::Neither(None), Kind::Role)
        }
    };
    // What differs brings new words of its own; fewer synonyms there keep new words from giving the label away.
    let synonyms = if verdict.forward() { 0.65 } else { 0.35 };
    let (s1, s2) = (caption(g, &scene, synonyms), caption(g, &other, synonyms));
    Some(Draft::new(&s1, &s2, verdict, kind))
}
